"""The demonstration clinic's staff, so that a newcomer can be each of them: who they are and how they sign in."""

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import cast

from chalicelib.clinic import CLINIC
from chalicelib.outside.identity import Pool
from chalicelib.refusal import TooLate
from chalicelib.rooms.permission import SYSTEM, Actor, Role
from chalicelib.store import records
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
    title: str = ""

    @property
    def licence(self) -> str:
        return f"DEMO-{self.id}" if self.role is Role.DOCTOR else ""

    @property
    def actor(self) -> Actor:
        """Who asks, when this person asks; allowed no more than the clinic allows them."""
        departments = frozenset(self.departments) or None
        made = Actor(role=self.role, id=self.id, name=self.name, departments=departments)
        return replace(made, title=self.title, licence=self.licence)


LICENCE_UNTIL, PRACTISING_SINCE = date(2099, 12, 31), date(2010, 7, 1)
ATTENDING, CHIEF = "Attending physician 主治医师", "Chief physician 主任医师"
EVERYWHERE = tuple(department.id for department in CLINIC.departments)
# Not everywhere, so that there is somebody to refuse. In a clinic that has none of these it is where it begins.
OF_CHEN = tuple(d for d in EVERYWHERE if d in ("respiratory", "mind")) or EVERYWHERE[:2]
STAFF = (
    Member(
        id="ada", name="Dr Ada", role=Role.DOCTOR, secret="morning-tea-cup", departments=EVERYWHERE, title=ATTENDING
    ),
    Member(id="bo", name="Dr Bo", role=Role.DOCTOR, secret="quiet-river-bank", departments=EVERYWHERE, title=CHIEF),
    Member(
        id="chen", name="Dr Chen", role=Role.DOCTOR, secret="open-window-sill", departments=OF_CHEN, title=ATTENDING
    ),
    Member(id="sam", name="Sam", role=Role.PHARMACIST, secret="second-look-first"),
    Member(id="cole", name="Cole", role=Role.COURIER, secret="green-bicycle"),
    Member(id="dee", name="Dee", role=Role.DESK, secret="front-desk-bell"),
    Member(id="pria", name="Pria", role=Role.PRIVACY_OFFICER, secret="closed-drawer"),
    Member(id="max", name="Max", role=Role.ADMINISTRATOR, secret="bunch-of-keys"),
)


PASSWORDS = {member.id: member.secret for member in STAFF}


def seed() -> list[str]:
    """Let them all in; whoever is there already stays as they are. Gives lines to print: who, and how to sign in."""
    for member in STAFF:
        enrol(member)
    return [f"{m.name:8} {m.role.value:15} name {m.id:5} password {m.secret}" for m in STAFF]


def give_ways_in(pool: Pool) -> None:
    """The passwords above, and an authenticator app each, in the double of Cognito; not for somebody whose sign-in was
    reset since."""
    for member in STAFF:
        if member.id in pool.client.let_in.people:
            continue
        pool.client.admin_create_user(UserPoolId=pool.id, Username=member.id, MessageAction="SUPPRESS")
        pool.client.admin_set_user_password(
            UserPoolId=pool.id, Username=member.id, Password=member.secret, Permanent=True
        )
        pool.client.has(member.id)


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
            title=member.title,
            licence=member.licence,
            licence_until=LICENCE_UNTIL if member.role is Role.DOCTOR else None,
            practising_since=PRACTISING_SINCE if member.role is Role.DOCTOR else None,
        )
