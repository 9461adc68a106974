"""Deploying a clinic: packed, uploaded, created or changed, and its door shown."""

import io
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import segno

from infra.clinic import account as places
from infra.clinic import keeping, packing, stack
from infra.clinic.account import Account
from infra.clinic.packing import Packed
from infra.clinic.stack import Say, Standing
from infra.clinic.trouble import Trouble, told
from infra.kit import Kit
from infra.kit.stack import values

TEMPLATE = "template"  # the tag that says which template runs: the way back


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be deployed, and where."""

    kit: Kit
    stack: str
    tree: bool = False
    pack: Callable[..., Packed] = packing.pack


def deploy(account: Account, order: Order, say: Say) -> Standing:
    """From a checked kit to an open clinic. Each step is safe to repeat; each failure says what is left."""
    say(f"Account {account.id}, {account.region}.")
    stack.ready(account, order.stack, say)
    say("Packing ...")
    packed = order.pack(order.kit, tree=order.tree)
    bucket = places.bucket(account, order.stack)
    sent = places.upload(account, bucket, packed.code_key, packed.zip)
    size = packed.zip.stat().st_size / 1e6
    say(f"Uploaded {size:.1f} MB to {bucket}." if sent else f"The code is in {bucket} already.")
    key = _template(account, bucket, packed)
    url = packing.url(account, bucket, key)
    with told("checking the template"):
        account.client("cloudformation").validate_template(TemplateURL=url)
    tags = {"clinic": order.kit.name, "commit": packed.commit, TEMPLATE: key}
    return stack.deploy(account, order.stack, template_url=url, parameters=packed.parameters, tags=tags, say=say)


def _template(account: Account, bucket: str, packed: Packed) -> str:
    text = packing.pointed(packed.template, bucket, packed.code_key, transform=account.endpoint is not None)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.json"
        file.write_text(text, encoding="utf-8")
        key = f"templates/{places.digest(file)}.json"
        places.upload(account, bucket, key, file)
    return key


def upgrade(account: Account, order: Order, say: Say, answers: Callable[[str], bool]) -> Standing:
    """Newer code under a clinic that is open: a backup first, and back to what ran before if it does not answer."""
    before = stack.look(account, order.stack)
    table = keeping.table_of(account, order.stack)
    with told("making a backup of the table"):
        account.client("dynamodb").create_backup(
            TableName=table, BackupName=f"before-{packing.commit(tree=order.tree).rstrip('+')}"
        )
    runs = before.tags.get("commit", "an unknown version")
    say(f"A backup was made. From {runs} to {packing.commit(tree=order.tree)}.")
    after = deploy(account, order, say)
    door = address(after.outputs)
    if not door or answers(door):
        return after
    return _back(account, order, before, say)


def _back(account: Account, order: Order, before: Standing, say: Say) -> Standing:
    """The template that ran before names the zip that ran before: both are kept in the bucket."""
    key = before.tags.get(TEMPLATE)
    if key:
        say("The clinic does not answer. Going back to what ran before ...")
        url = packing.url(account, places.bucket(account, order.stack), key)
        parameters: Mapping[str, str] = values(order.kit.said)
        stack.deploy(account, order.stack, template_url=url, parameters=parameters, tags=dict(before.tags), say=say)
        raise Trouble(
            "The new version did not answer, and the version before it runs again. No record was lost.",
            "Look into the log of the function (docs/operate.md), and tell the developers.",
        )
    raise Trouble("The new version does not answer.", "Deploy the commit that ran before: git switch, ./clinic deploy")


def address(outputs: Mapping[str, str]) -> str:
    """The door, for patients."""
    return (outputs.get("Address") or outputs.get("EndpointURL") or "").rstrip("/")


def door(outputs: Mapping[str, str], language: str) -> str:
    """The addresses, and a code to hold a phone in front of."""
    at = address(outputs)
    drawn = io.StringIO()
    segno.make(f"{at}/{language}", error="m").terminal(drawn, compact=True, border=2)
    return f"{drawn.getvalue()}\n  Patients  {at}/{language}\n  Staff     {at}/{language}/staff\n"
