"""The demonstration clinic's staff, so that a newcomer can be each of them: who they are and how they sign in."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import cast

from chalicelib.clinic import CLINIC
from chalicelib.refusal import TooLate
from chalicelib.rooms.permission import SYSTEM, Role
from chalicelib.store import records, staff
from chalicelib.visit import staffing
from chalicelib.visit.errand import Errand, Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody made up. The secrets are words to read aloud; a real hospital enrols its own people."""

    id: str
    name: str
    role: Role
    secret: str
    departments: tuple[str, ...] = ()


LICENCE_UNTIL = date(2099, 12, 31)
EVERYWHERE = tuple(department.id for department in CLINIC.departments)
STAFF = (
    Member(id="ada", name="Dr Ada", role=Role.DOCTOR, secret="morning-tea", departments=EVERYWHERE),
    Member(id="bo", name="Dr Bo", role=Role.DOCTOR, secret="quiet-river", departments=EVERYWHERE),
    Member(id="chen", name="Dr Chen", role=Role.DOCTOR, secret="open-window", departments=EVERYWHERE[:2]),
    Member(id="sam", name="Sam", role=Role.PHARMACIST, secret="second-look"),
    Member(id="cole", name="Cole", role=Role.COURIER, secret="green-bicycle"),
    Member(id="dee", name="Dee", role=Role.DESK, secret="front-desk"),
    Member(id="pria", name="Pria", role=Role.PRIVACY_OFFICER, secret="closed-drawer"),
    Member(id="max", name="Max", role=Role.ADMINISTRATOR, secret="bunch-of-keys"),
)


def seed() -> list[str]:
    """Let them all in; whoever is there already stays as they are. Gives lines to print: who, and how to sign in."""
    for member in STAFF:
        enrol(member)
    return [f"{m.name:8} {m.role.value:15} name {m.id:5} secret {m.secret}" for m in STAFF]


def enrol(member: Member) -> None:
    errand = Errand(
        actor=SYSTEM, request=f"seed:{member.id}", now=datetime.now(UTC), clinic=CLINIC, records=cast(Records, records)
    )
    with contextlib.suppress(TooLate):  # kept data knows them, as they were last
        staffing.add_member(
            errand,
            id=member.id,
            name=member.name,
            role=member.role,
            departments=member.departments,
            licence=f"DEMO-{member.id}" if member.role is Role.DOCTOR else "",
            licence_until=LICENCE_UNTIL if member.role is Role.DOCTOR else None,
        )
    staff.give_secret(member.id, member.secret)
