"""The rules around a visit: consent, what is stored of the rules in force, and what nobody counts."""

from dataclasses import replace

import pytest

from chalicelib.rooms import arrival
from chalicelib.rooms.consult import Outcome
from chalicelib.store import records
from chalicelib.visit import seeing
from chalicelib.visit.errand import about_visit
from tests.builders import ADA, NOW, SOAP, a_clinic, a_line, a_request, refused
from tests.house.test_house import _deeds_of_doors
from tests.visit.walk import Walk


def test_r19_no_door_counts_what_a_doctor_prescribed() -> None:
    """Reports of medicines by doctor are for nobody's pay or ranking, so no deed of the house makes one."""
    counting = ("volume", "ranking", "sales", "turnover", "statistic")
    assert not [deed for deed in _deeds_of_doors() if any(word in deed for word in counting)]


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
