"""Deliberate breaks of the clinic's defences, by the number of the attack each lets in: every one must be noticed.

A break is a context manager in the manner of `tests/simulation/mutants.py`; the test of its attack runs its checks
inside it, and they must fail there.
"""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.doors import form, manners, render
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


def _pages_as_typed() -> Break:
    loose = {language: pages.overlay(autoescape=False) for language, pages in render.ENVIRONMENTS.items()}
    return instead(render, "ENVIRONMENTS", loose)


def _noted(real: Any, value: object, **how: Any) -> str:
    logging.getLogger("clinic").info("typed: %s", value)
    return str(real(value, **how))


def _told(real: Any, broken: Exception, deed: str) -> None:
    logging.getLogger("clinic").error("%s: %s", deed, broken)
    real(broken, deed)


BREAKS: dict[str, Callable[[], Break]] = {
    "a03 signing is offered to every role": _anybody_signs,
    "a03 approval does not look at the signature": lambda: instead(sending, "genuine", lambda *_: True),
    "a03 the row says whose key it was, and is believed": _any_key,
    "a11 pages say what was typed as it was typed": _pages_as_typed,
    "a21 signing is not linked": lambda: instead(chain, "link", around(_unlinked_signing)),
    "a21 a mark says nothing of the line's contents": lambda: instead(chain, "mark_of", around(_only_the_key)),
    "a21 the value does not depend on the marks": lambda: instead(chain, "fold", lambda value, marks: value),
    "a21 lines are written beside the transaction": lambda: instead(writing.chain, "link", lambda *_: None),
    "a22 what is typed is logged": lambda: instead(form, "clean", around(_noted)),
    "a22 an error is logged with its message": lambda: instead(manners, "note_broken", around(_told)),
    "a24 a form needs no proof": lambda: instead(manners, "_shown_to_them", lambda asked: None),
}


def gets_through(attack: Callable[[], None], broken: str) -> None:
    """With this break in place the attack, which asserts that it is refused, is not refused."""
    with BREAKS[broken](), pytest.raises(AssertionError):
        attack()
