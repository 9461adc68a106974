"""Sealing: what is signed or approved gets the clinic's signature over its bytes, before the write that keeps both."""

from dataclasses import replace
from typing import TypeVar

from chalicelib.refusal import Unsigned
from chalicelib.rooms import approval, consult, prescription, seal
from chalicelib.rooms.consult import Note
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import Visit
from chalicelib.rooms.seal import Signature
from chalicelib.visit.errand import Errand

Signed = TypeVar("Signed", bound=Note | Prescription)


def sealed(errand: Errand, visit: Visit, record: Signed) -> Signed:
    """The record with its signature. Raises Unsigned, having written nothing, when the key does not answer."""
    words = _words(visit, record)
    value = errand.signer.sign(seal.digest(words))
    return replace(record, signature=seal.signature(words, value, errand.signer.key_id))


def genuine(errand: Errand, visit: Visit, record: Note | Prescription) -> bool:
    """Whether record and visit still say what was signed, by our key. Raises Unsigned when the key does not answer."""
    return _verified(errand, _words(visit, record), record.signature)


def approved(errand: Errand, found: Prescription) -> Prescription:
    """The prescription with the signature over its approval. Raises Unsigned, having written nothing."""
    found = replace(found, approved_at=errand.now, approved_under=errand.clinic.policy)
    words = approval.words(found)
    value = errand.signer.sign(seal.digest(words))
    return replace(found, approval=seal.signature(words, value, errand.signer.key_id))


def is_approved(errand: Errand, found: Prescription) -> bool:
    """Whether a pharmacist approved what this doctor signed, by our key. Raises Unsigned."""
    return _verified(errand, approval.words(found), found.approval)


def given_out(errand: Errand, visit: Visit, found: Prescription) -> None:
    """Medicine is given out only on what a doctor signed and a pharmacist approved. Raises TooLate, or Unsigned."""
    signed = genuine(errand, visit, found)
    approval.must_be_good(signed=signed, approved=signed and is_approved(errand, found))


def _verified(errand: Errand, words: bytes, kept: Signature | None) -> bool:
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
