"""The rules around a visit: consent, what is stored of the rules in force, and what nobody counts."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from app import app
from chalicelib.doors.answers import GIVES
from chalicelib.doors.gives import MEMBER, TEXT, WHOLE, some, thing
from chalicelib.rooms import arrival
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.permission import MAY, Role
from chalicelib.store import records
from chalicelib.visit import seeing
from chalicelib.visit.errand import about_visit
from tests.builders import ADA, NOW, SOAP, a_clinic, a_line, a_request, refused
from tests.simulation.mutants import Break, instead
from tests.visit.walk import Walk

# Numbers in lists that name somebody who works here and are no count of what they did.
NO_COUNTS = {
    "number": "of a note or a prescription",
    "minutes": "how long it waits",
    "times": "one record was opened",
    "age": "of the people of a patient's number",
}
STAFF = {"doctor", "by", "pharmacist", "role"}


def counts_by_person(shape: Any, list_of: str = "") -> Iterator[str]:
    """The numbers that an answer gives person by person of those who work here."""
    if isinstance(shape, list):
        yield from (name for part in shape for name in counts_by_person(part, list_of))
    if not isinstance(shape, dict):
        return
    parts = shape.get("properties", {})
    if list_of and (STAFF & set(parts) or list_of in ("doctors", "people", "staff")):
        yield from (name for name, one in parts.items() if _counts(one) and name not in NO_COUNTS)
    for name, one in parts.items():
        yield from counts_by_person(one, name if isinstance(one, dict) and one.get("type") == "array" else list_of)
    for name in ("items", "anyOf"):
        yield from counts_by_person(shape.get(name), list_of)


def _counts(shape: Any) -> bool:
    """A number, or several of them."""
    parts = [*shape.get("anyOf", ()), shape["items"]] if "items" in shape else shape.get("anyOf", ())
    return shape.get("type") in ("integer", "number") or any(map(_counts, parts))


def who_counts() -> dict[str, set[Role]]:
    """The views that count what people who work here did, with who may open them."""
    deeds = {
        f"{one.view.__module__.rpartition('.')[2]}.{one.view.__name__}": one.deed
        for methods in app.routes.values()
        for one in (entry.view_function for entry in methods.values())
    }
    found = {called: set(counts_by_person(shape)) for called, shape in GIVES.items()}
    return {called: set(MAY[deeds[called]]) for called, names in found.items() if names}


def test_r19_only_who_looks_after_safety_sees_what_a_doctor_prescribed() -> None:
    """Counts of medicines by doctor are for nobody's pay or ranking. One view has them, for the privacy officer alone;
    that no view gives more than it declares is held by tests/doors/test_contract.py."""
    assert who_counts() == {"watch.practice": {Role.PRIVACY_OFFICER}}


@pytest.mark.parametrize(
    "broken",
    [
        lambda: instead(MAY, "see_practice", {Role.PRIVACY_OFFICER, Role.ADMINISTRATOR}),
        lambda: instead(GIVES, "people.show_all", thing(people=some(thing(MEMBER, prescribed=WHOLE)), more=WHOLE)),
        lambda: instead(
            GIVES, "board.waits", thing(departments=some(thing(name=TEXT, by=some(thing(doctor=TEXT, sold=WHOLE)))))
        ),
    ],
    ids=["the administrator may", "the list of staff says so", "the public page says so"],
)
def test_r19_a_count_for_somebody_else_is_noticed(broken: Callable[[], Break]) -> None:
    with broken(), pytest.raises(AssertionError):
        test_r19_only_who_looks_after_safety_sees_what_a_doctor_prescribed()


def test_r20_nobody_joins_without_consent_to_this_text_in_their_language() -> None:
    request, clinic = a_request(language="zh"), a_clinic(consent_version="2026-11")
    with refused("if you agree", field="consent"):
        arrival.agree(request, consented=False, clinic=clinic, now=NOW)
    agreed = arrival.agree(request, consented=True, clinic=clinic, now=NOW)
    assert (agreed.consent, agreed.language, agreed.consent_at) == ("2026-11", "zh", NOW)
    later = arrival.agree(request, consented=True, clinic=replace(clinic, consent_version="2027-01"), now=NOW)
    assert later.consent == "2027-01"
    assert agreed.consent == "2026-11", "what somebody agreed to does not change with the text"


def test_r20_what_is_kept_of_consent_says_for_whom_and_by_whom() -> None:
    request = a_request(for_whom="child", age=5, guardian="Mei Li")
    agreed = arrival.agree(request, consented=True, clinic=a_clinic(), now=NOW)
    assert (agreed.for_whom, agreed.name, agreed.guardian) == ("child", request.name, "Mei Li")


@pytest.mark.usefixtures("clinic_on_moto")
def test_r23_every_step_of_a_prescription_is_found_by_its_visit() -> None:
    walk = Walk()
    file = records.file(walk.ordered())
    assert [one.state for one in file.prescriptions] == ["reserved"]
    assert [step.state for step in file.orders[0].steps] == ["created"]
    deeds = [line.deed for line in records.audit(about_visit(file.visit.id))]
    assert [deed for deed in deeds if deed in ("sign", "review", "choose_delivery")] == [
        "sign",
        "review",
        "choose_delivery",
    ]


@pytest.mark.usefixtures("clinic_on_moto")
def test_r34_every_deed_stores_the_rules_in_force_and_a_change_leaves_the_past() -> None:
    walk = Walk()
    before = walk.clinic.policy
    id = walk.ordered()
    walk.clinic = replace(walk.clinic, policy="strict-1+00000000")
    file = records.file(id)
    assert {file.visit.policy, file.notes[0].policy, file.prescriptions[0].policy, file.orders[0].policy} == {before}
    seeing.amend(walk.errand(ADA), id=id, soap={**SOAP, "plan": "Tea."})
    notes = records.file(id).notes
    assert [note.policy for note in notes] == [before, "strict-1+00000000"]


@pytest.mark.usefixtures("clinic_on_moto")
def test_r34_a_policy_that_changes_in_the_middle_of_a_visit_holds_at_the_signature() -> None:
    from chalicelib.rooms.packs import rules

    walk = Walk()
    id = walk.taken()
    walk.clinic = replace(walk.clinic, rules=rules("strict"), policy="strict-1")
    with refused("proven a phone number"):
        walk.sign(id, outcome=Outcome.PRESCRIPTION, lines=(a_line(),))
