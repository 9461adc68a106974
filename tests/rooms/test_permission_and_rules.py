"""Permission and rules: who does what at all, and what a hospital's kit may say."""

import json
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest

from chalicelib.refusal import NotAllowed, SignInFirst
from chalicelib.rooms import permission, rules
from chalicelib.rooms.permission import ANYBODY, EVERYBODY, MAY, STAFF, Actor, Role
from chalicelib.rooms.rules import BadKit, Clinic
from tests.builders import DEE, a_department, refused

KIT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "chalicelib" / "clinic.json").read_text("utf-8"))


def kit(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(KIT)), **changes}


@pytest.mark.parametrize("deed", sorted(MAY))
@pytest.mark.parametrize("role", list(Role))
def test_everybody_does_their_own_work_and_nothing_else(deed: str, role: Role) -> None:
    actor = Actor(role=role, id="x")
    if role in MAY[deed]:
        permission.may(actor, deed)
    elif role is Role.PUBLIC:
        with refused("Please sign in", kind=SignInFirst):
            permission.may(actor, deed)
    else:
        with refused("not part of your work", kind=NotAllowed):
            permission.may(actor, deed)


def test_what_nobody_has_allowed_is_forbidden_to_everybody() -> None:
    for role in Role:
        with refused("not part of your work", kind=NotAllowed):
            permission.may(Actor(role=role, id="x"), "dismiss_everybody")


def test_nobody_in_particular_only_looks_asks_joins_and_signs_in() -> None:
    assert {deed for deed, roles in MAY.items() if Role.PUBLIC in roles} == {
        deed for deed, roles in MAY.items() if roles == EVERYBODY
    }
    permission.may(ANYBODY, "join")


def test_only_doctors_decide_about_care_and_only_pharmacists_review() -> None:
    for deed in ("take_next", "save_note", "hand_back", "sign", "amend", "revise", "open_visit"):
        assert MAY[deed] == {Role.DOCTOR}
    assert MAY["review"] == {Role.PHARMACIST}
    assert Role.DESK not in MAY["open_visit"] | MAY["read_messages"] | MAY["see_prescription"]


def test_a_patient_is_not_staff_and_staff_are_no_patients() -> None:
    assert Role.PATIENT not in STAFF
    assert Role.PUBLIC not in STAFF
    with refused("not part of your work", kind=NotAllowed):
        permission.may(DEE, "leave")


def test_the_demonstration_kit_is_a_clinic() -> None:
    clinic = Clinic.of(KIT)
    assert clinic.department(clinic.departments[0].id) is clinic.departments[0]
    assert clinic.department("no such") is None
    assert clinic.medicine(clinic.formulary[0].id) is clinic.formulary[0]
    assert clinic.medicine("no such") is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"departments": []}, "between 1 and 20"),
        ({"departments": [KIT["departments"][0]] * 21}, "between 1 and 20"),
        ({"departments": [KIT["departments"][0]] * 2}, "the same id twice"),
        ({"formulary": [KIT["formulary"][0]] * 2}, "the same id twice"),
        ({"formulary": [KIT["formulary"][0]] * 501}, "at most 500"),
        ({"lanes": 0}, "lanes: between 1 and 18"),
        ({"lanes": 19}, "lanes: between 1 and 18"),
        ({"lanes": 2, "lanes_open": 3}, "lanes_open: at most as many as lanes"),
        ({"name": {"en": "Only English"}}, "no text in"),
        ({"departments": [{**KIT["departments"][0], "letter": "O"}]}, "letter 'O'"),
        ({"departments": [{**KIT["departments"][0], "letter": "AB"}]}, "letter 'AB'"),
        ({"departments": [{**KIT["departments"][0], "id": "Big One"}]}, "small letters and digits"),
        ({"departments": [{**KIT["departments"][0], "id": "a.b"}]}, "small letters and digits"),
        ({"departments": [{**KIT["departments"][0], "about": {}}]}, "no text in"),
        ({"formulary": [{**KIT["formulary"][0], "interacts": ["no such"]}]}, "unknown ['no such']"),
        ({"formulary": [{**KIT["formulary"][0], "form": {"en": "Tablet"}}]}, "no text in"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_kit_that_cannot_be_used_names_what_is_wrong(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadKit) as caught:
        Clinic.of(kit(**change))
    assert words in str(caught.value)


@pytest.mark.parametrize("missing", sorted(set(KIT) - {"lanes", "logo", "prefer_minutes", "push", "sms", "staff"}))
def test_a_kit_with_a_hole_names_the_hole(missing: str) -> None:
    short = {name: value for name, value in kit().items() if name != missing}
    with pytest.raises(BadKit, match=f"{missing} is missing"):
        Clinic.of(short)


def test_two_departments_do_not_share_a_letter() -> None:
    first, second = KIT["departments"][:2]
    with pytest.raises(BadKit, match="letters"):
        Clinic.of(kit(departments=[first, {**second, "letter": first["letter"]}]))


@pytest.mark.parametrize(
    ("opens", "closes", "at", "is_open"),
    [
        ((0, 0), (0, 0), (3, 0), True),  # always
        ((8, 0), (22, 0), (7, 59), False),
        ((8, 0), (22, 0), (8, 0), True),
        ((8, 0), (22, 0), (21, 59), True),
        ((8, 0), (22, 0), (22, 0), False),
        ((20, 0), (6, 0), (23, 0), True),  # over midnight
        ((20, 0), (6, 0), (5, 59), True),
        ((20, 0), (6, 0), (12, 0), False),
    ],
)
def test_a_department_keeps_its_hours(opens, closes, at, is_open: bool) -> None:
    department = a_department(opens=time(*opens), closes=time(*closes))
    assert department.is_open(datetime(2030, 1, 7, *at)) is is_open  # noqa: DTZ001  # the clinic's own clock


def test_letters_on_paper_do_not_look_like_digits() -> None:
    assert not set("IO") & set(rules.LETTERS)
