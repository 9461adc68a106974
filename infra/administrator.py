"""The first administrator of a deployed clinic: `python -m infra.administrator li-wei "Li Wei"` prints their slip.

For whoever runs the hospital's AWS account, once: afterwards administrators let others in on their own pages. Needs
TABLE, STAFF_POOL and STAFF_CLIENT of the stack, and AWS credentials, in the environment.
"""

import secrets
import sys
from datetime import UTC, datetime
from typing import cast

from chalicelib.clinic import CLINIC
from chalicelib.doors.guests import hashed
from chalicelib.outside import identity
from chalicelib.refusal import Refusal
from chalicelib.rooms.permission import SYSTEM, Role
from chalicelib.store import names, records
from chalicelib.visit import staffing
from chalicelib.visit.errand import Errand, Records


def let_in(id: str, name: str) -> str:
    """The first password of a new administrator. Raises Refusal, also where the clinic has one already."""
    if records.administrators().ids:
        raise Refusal("This clinic has an administrator, who can let others in at /people.")
    request = secrets.token_urlsafe(16)
    errand = Errand(actor=SYSTEM, request=request, now=datetime.now(UTC), clinic=CLINIC, records=cast(Records, records))
    member = staffing.add_member(errand, id=id, name=name, role=Role.ADMINISTRATOR)
    password = names.first_password(request)
    identity.pool().let_in(member.id, password, slip=hashed(request)[:32])
    return password


def main() -> int:
    if len(sys.argv) != 3:
        print('python -m infra.administrator li-wei "Li Wei"', file=sys.stderr)
        return 2
    try:
        password = let_in(sys.argv[1], sys.argv[2])
    except Refusal as refusal:
        print(refusal.message % refusal.facts if refusal.facts else refusal.message, file=sys.stderr)
        return 1
    print(f"Sign in at /en/staff as {sys.argv[1]} with {password} within three days.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
