"""Approval: what a pharmacist's approval says, as bytes to sign, and what is told where there is no good one."""

from chalicelib.refusal import TooLate
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.seal import spelled

NOT_SIGNED = "This is not what the doctor signed. Do not give it out, and tell the hospital at once."
NOT_APPROVED = "No pharmacist has approved this prescription as it stands. Do not give it out, and tell the hospital."
CALL_US = (
    "Something is wrong with this prescription, so it cannot be ordered. Nothing was lost. Please call the clinic."
)


def words(prescription: Prescription) -> bytes:
    """What a pharmacist signs: which prescription, as which doctor's signature has it, who approved it, when, and
    under which policy. The doctor's signature stands for every line, so it is in these bytes and not the lines."""
    signed = prescription.signature
    return spelled(
        "approval",
        {
            "visit": str(prescription.visit),
            "number": int(prescription.number),
            "signed": {"digest": signed.digest, "value": signed.value, "key": signed.key} if signed else None,
            "pharmacist": {"id": prescription.pharmacist, "name": prescription.pharmacist_name},
            "approved_at": prescription.approved_at,
            "policy": prescription.approved_under,
        },
    )


def must_be_good(*, signed: bool, approved: bool) -> None:
    """Raise TooLate, worded for who works here, unless the doctor signed it and a pharmacist approved just this."""
    if not signed:
        raise TooLate(NOT_SIGNED)
    if not approved:
        raise TooLate(NOT_APPROVED)
