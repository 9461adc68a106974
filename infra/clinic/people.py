"""Who works at the clinic: enrolled in its table, with a secret that is shown once."""

import os
import re
import secrets
from datetime import UTC, datetime

from infra.clinic.account import Account
from infra.clinic.keeping import table_of
from infra.clinic.trouble import Trouble, told
from infra.kit import Kit

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another when read aloud
GROUPS, GROUP = 4, 4  # 79 bits
NAME_MAX = 60
_ID = re.compile(r"[a-z][a-z0-9-]{1,29}")


def enrol(
    account: Account, stack: str, kit: Kit, *, id: str, name: str, role: str, departments: tuple[str, ...] = ()
) -> str:
    """Add a member of staff; gives the secret. Raises Trouble for a name that is taken, and changes nothing then."""
    known = [one["id"] for one in kit.said["departments"]]
    if unknown := [one for one in departments if one not in known]:
        raise Trouble(f"There is no department {', '.join(unknown)}, only {', '.join(known)}.", "Name one of these.")
    if not _ID.fullmatch(id) or not 0 < len(name) <= NAME_MAX:
        raise Trouble(f"{id!r} cannot be a name to sign in with.", "Small letters, digits and dashes, like ada.")
    table = table_of(account, stack)
    with told(f"looking whether {id} is taken"):
        there = account.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": f"U#{id}"}, "sk": {"S": "U"}})
    if "Item" in there:
        raise Trouble(f"{id} is taken by {there['Item']['name']['S']}; nothing was changed.", "Choose another --id.")
    secret = "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))
    everywhere = tuple(known) if role == "doctor" and not departments else departments
    _write(account, table, id=id, name=name, role=role, secret=secret, departments=everywhere)
    return secret


def _write(
    account: Account, table: str, *, id: str, name: str, role: str, secret: str, departments: tuple[str, ...]
) -> None:
    """By the clinic's own code, which alone knows how a secret is kept; it is told its table as Lambda tells it."""
    os.environ.update(
        TABLE=table, AWS_DEFAULT_REGION=account.region, AWS_REGION=account.region, AWS_XRAY_SDK_ENABLED="false"
    )
    if account.endpoint:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = account.endpoint
    from chalicelib.rooms.permission import Role
    from chalicelib.store import staff

    with told(f"enrolling {id}"):
        staff.enrol(id=id, name=name, role=Role(role), secret=secret, departments=departments, now=datetime.now(UTC))
