"""Deliberate breaks of the clinic's defences, by the number of the attack each lets in: every one must be noticed.

A break is a context manager in the manner of `tests/simulation/mutants.py`; the test of its attack runs its checks
inside it, and they must fail there.
"""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.outside.signing import Kms
from chalicelib.rooms import permission, seal
from chalicelib.store import chain, writing
from chalicelib.visit import sending
from tests.simulation.mutants import Break, around, both, instead


def _unlinked_signing(real: Any, transaction: Any, line: Any, whose: str) -> None:
    if line.deed != "sign":
        real(transaction, line, whose)


def _only_the_key(real: Any, item: Any, whose: str) -> str:
    return str(real({name: item[name] for name in ("pk", "sk")}, whose))


def _anybody_signs() -> Break:
    deeds = ("sign", "revise", "amend")
    return both(*(instead(permission.MAY, deed, permission.EVERYBODY) for deed in deeds))


def _any_key() -> Break:
    return both(
        instead(Kms, "verify", lambda self, digest, signature, *, key: True),
        instead(seal, "fits", lambda words, kept: True),
    )


BREAKS: dict[str, Callable[[], Break]] = {
    "a03 signing is offered to every role": _anybody_signs,
    "a03 approval does not look at the signature": lambda: instead(sending, "genuine", lambda *_: True),
    "a03 the row says whose key it was, and is believed": _any_key,
    "a21 signing is not linked": lambda: instead(chain, "link", around(_unlinked_signing)),
    "a21 a mark says nothing of the line's contents": lambda: instead(chain, "mark_of", around(_only_the_key)),
    "a21 the value does not depend on the marks": lambda: instead(chain, "fold", lambda value, marks: value),
    "a21 lines are written beside the transaction": lambda: instead(writing.chain, "link", lambda *_: None),
}


def gets_through(attack: Callable[[], None], broken: str) -> None:
    """With this break in place the attack, which asserts that it is refused, is not refused."""
    with BREAKS[broken](), pytest.raises(AssertionError):
        attack()
