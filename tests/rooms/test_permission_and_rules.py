"""Permission and rules: who does what at all, and when a department is open."""

from datetime import datetime, time

import pytest

from chalicelib.refusal import NotAllowed, SignInFirst
from chalicelib.rooms import permission
from chalicelib.rooms.permission import ANYBODY, EVERYBODY, MAY, STAFF, Actor, Role
from tests.builders import DEE, a_department, refused


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
