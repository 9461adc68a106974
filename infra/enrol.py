"""Somebody is let in to a deployed clinic from the hospital's own AWS account: what `./clinic staff add` runs.

In a copy of that clinic, since it is the kit that knows which departments there are, with TABLE, STAFF_POOL and
STAFF_CLIENT of the stack and AWS credentials in the environment. Prints the first password and nothing else.
"""

import argparse
import hashlib
import sys
from datetime import UTC, date, datetime
from typing import cast

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from chalicelib.clinic import CLINIC
from chalicelib.doors.guests import hashed
from chalicelib.outside import identity
from chalicelib.refusal import Refusal
from chalicelib.rooms import staff
from chalicelib.rooms.permission import SYSTEM, Role
from chalicelib.store import names, records
from chalicelib.visit import staffing
from chalicelib.visit.errand import Errand, Records

OUT_OF_REACH = (BotoCoreError, ClientError, PynamoDBException)


def let_in(
    id: str,
    name: str,
    role: Role = Role.ADMINISTRATOR,
    *,
    departments: tuple[str, ...] = (),
    title: str = "",
    licence: str = "",
    licence_until: date | None = None,
    practising_since: date | None = None,
) -> str:
    """The first password of somebody new. Said again it does what was not done yet and gives the same password.

    Raises Refusal: a name that is taken, a slip that has been used, and a second administrator, whom the first lets in.
    """
    others = records.administrators().ids - {staff.named(id)}
    if role is Role.ADMINISTRATOR and others:
        raise Refusal("This clinic has an administrator, who can let others in at /people.")
    said = "\n".join(
        (staff.named(id), name, role, *departments, title, licence, str(licence_until), str(practising_since))
    )
    request = hashlib.sha256(said.encode()).hexdigest()
    errand = Errand(actor=SYSTEM, request=request, now=datetime.now(UTC), clinic=CLINIC, records=cast(Records, records))
    member = staffing.add_member(
        errand,
        id=id,
        name=name,
        role=role,
        departments=departments,
        title=title,
        licence=licence,
        licence_until=licence_until,
        practising_since=practising_since,
    )
    password = names.first_password(request)
    identity.pool().let_in(member.id, password, slip=hashed(request)[:32])
    return password


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.enrol")
    parser.add_argument("id")
    parser.add_argument("name")
    parser.add_argument("role", choices=[role.value for role in staff.ROLES])
    parser.add_argument("--department", action="append", default=[])
    parser.add_argument("--title", default="")
    parser.add_argument("--licence", default="")
    parser.add_argument("--licence-until", type=date.fromisoformat)
    parser.add_argument("--practising-since", type=date.fromisoformat)
    wishes = parser.parse_args(argv)
    try:
        password = let_in(
            wishes.id,
            wishes.name,
            Role(wishes.role),
            departments=tuple(wishes.department),
            title=wishes.title,
            licence=wishes.licence,
            licence_until=wishes.licence_until,
            practising_since=wishes.practising_since,
        )
    except Refusal as refusal:
        print(refusal.message % refusal.facts if refusal.facts else refusal.message, file=sys.stderr)
        return 1
    except OUT_OF_REACH as silent:
        print(f"AWS could not be asked: {silent}", file=sys.stderr)
        return 1
    print(password)
    return 0


if __name__ == "__main__":
    sys.exit(main())
