"""Sealing: what a doctor signs gets the clinic's signature over its bytes, before the one write that keeps both."""

from dataclasses import replace
from typing import TypeVar

from chalicelib.refusal import Unsigned
from chalicelib.rooms import consult, prescription, seal
from chalicelib.rooms.consult import Note
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import Visit
from chalicelib.visit.errand import Errand

Signed = TypeVar("Signed", bound=Note | Prescription)


def sealed(errand: Errand, visit: Visit, record: Signed) -> Signed:
    """The record with its signature. Raises Unsigned, having written nothing, when the key does not answer."""
    words = _words(visit, record)
    value = errand.signer.sign(seal.digest(words))
    return replace(record, signature=seal.signature(words, value, errand.signer.key_id))


def genuine(errand: Errand, visit: Visit, record: Note | Prescription) -> bool:
    """Whether record and visit still say what was signed, by our key. Raises Unsigned when the key does not answer."""
    kept = record.signature
    words = _words(visit, record)
    if kept is None or not seal.fits(words, kept):
        return False
    try:
        return errand.signer.verify(seal.digest(words), seal.raw(kept), key=kept.key)
    except Unsigned:
        raise Unsigned(
            "The signature cannot be checked at the moment. Nothing was decided. Please try again in a moment."
        ) from None


def _words(visit: Visit, record: Note | Prescription) -> bytes:
    return consult.words(visit, record) if isinstance(record, Note) else prescription.words(visit, record)
