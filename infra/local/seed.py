"""The demonstration clinic's staff, so that a newcomer can be each of them: who they are and how they sign in."""

from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.clinic import CLINIC
from chalicelib.rooms.permission import Role
from chalicelib.store import staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody made up. The secrets are words to read aloud; a real hospital enrols its own people."""

    id: str
    name: str
    role: Role
    secret: str
    departments: tuple[str, ...] = ()


EVERYWHERE = tuple(department.id for department in CLINIC.departments)
STAFF = (
    Member(id="ada", name="Dr Ada", role=Role.DOCTOR, secret="morning-tea", departments=EVERYWHERE),
    Member(id="bo", name="Dr Bo", role=Role.DOCTOR, secret="quiet-river", departments=EVERYWHERE),
    Member(id="chen", name="Dr Chen", role=Role.DOCTOR, secret="open-window", departments=EVERYWHERE[:2]),
    Member(id="sam", name="Sam", role=Role.PHARMACIST, secret="second-look"),
    Member(id="cole", name="Cole", role=Role.COURIER, secret="green-bicycle"),
    Member(id="dee", name="Dee", role=Role.DESK, secret="front-desk"),
)


def seed() -> list[str]:
    """Enrol them all; whoever is there already stays as they are. Gives lines to print: who, and how to sign in."""
    for member in STAFF:
        staff.enrol(
            id=member.id,
            name=member.name,
            role=member.role,
            secret=member.secret,
            departments=member.departments,
            now=datetime.now(UTC),
        )
    return [f"{m.name:8} {m.role.value:11} name {m.id:5} secret {m.secret}" for m in STAFF]
