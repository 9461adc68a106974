"""Deliberate breaks of the clinic's defences, by the number of the attack each lets in: every one must be noticed.

A break is a context manager in the manner of `tests/simulation/mutants.py`; the test of its attack runs its checks
inside it, and they must fail there.
"""

from collections.abc import Callable
from typing import Any

from chalicelib.store import chain, writing
from tests.simulation.mutants import Break, around, instead


def _unlinked_signing(real: Any, transaction: Any, line: Any, whose: str) -> None:
    if line.deed != "sign":
        real(transaction, line, whose)


def _only_the_key(real: Any, item: Any, whose: str) -> str:
    return str(real({name: item[name] for name in ("pk", "sk")}, whose))


BREAKS: dict[str, Callable[[], Break]] = {
    "a21 signing is not linked": lambda: instead(chain, "link", around(_unlinked_signing)),
    "a21 a mark says nothing of the line's contents": lambda: instead(chain, "mark_of", around(_only_the_key)),
    "a21 the value does not depend on the marks": lambda: instead(chain, "fold", lambda value, marks: value),
    "a21 lines are written beside the transaction": lambda: instead(writing.chain, "link", lambda *_: None),
}
