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

ARCHITECTURE = "arm64"  # unless the kit says another: a fifth cheaper
TEMPLATE = "template"  # the tag that says which template runs: the way back


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be deployed, and where. `arch` is the kit's unless a machine asks for its own."""

    kit: Kit
    stack: str
    tree: bool = False
    arch: str = ""
    pack: Callable[..., Packed] = packing.pack

    def packed(self) -> Packed:
        arch = self.arch or str(self.kit.said.get("architecture", ARCHITECTURE))
        return self.pack(self.kit, tree=self.tree, arch=arch)


def deploy(account: Account, order: Order, say: Say) -> Standing:
    """From a checked kit to an open clinic. Each step is safe to repeat; each failure says what is left."""
    say(f"Account {account.id}, {account.region}.")
    stack.ready(account, order.stack, say)
    say("Packing ...")
    packed = order.packed()
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
    text = packing.pointed(packed, bucket, account)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.json"
        file.write_text(text, encoding="utf-8")
        key = f"templates/{places.digest(file)}.json"
        places.upload(account, bucket, key, file)
    return key


def upgrade(account: Account, order: Order, say: Say, answers: Callable[[Account, str], bool]) -> Standing:
    """Newer code under a clinic that is open: a backup first, and back to what ran before if it does not answer."""
    table = keeping.table_of(account, order.stack)
    before, parameters = stack.look(account, order.stack), stack.parameters(account, order.stack)
    commit = packing.commit(tree=order.tree)
    say(f"From commit {before.tags.get('commit', 'unknown')} to {commit}.")
    with told("making a backup of the table"):
        account.client("dynamodb").create_backup(TableName=table, BackupName=f"before-{commit.rstrip('+')}")
    say(f"A backup of {table} was made, which is yours until you remove it.")
    after = deploy(account, order, say)
    door = address(after.outputs)
    if not door or answers(account, door):
        return after
    return _back(account, order, before, parameters, say)


def _back(account: Account, order: Order, before: Standing, parameters: Mapping[str, str], say: Say) -> Standing:
    """The template that ran before names the zip that ran before: both are kept in the bucket."""
    key = before.tags.get(TEMPLATE)
    if not key:
        raise Trouble(
            "The new version does not answer, and which one ran before is not known.",
            "Deploy the commit that ran before: git switch --detach COMMIT, then ./clinic deploy",
        )
    say("The clinic does not answer. Going back to what ran before ...")
    url = packing.url(account, places.bucket(account, order.stack), key)
    stack.deploy(account, order.stack, template_url=url, parameters=parameters, tags=before.tags, say=say)
    raise Trouble(
        "The new version did not answer, and the version before it runs again. No record was lost.",
        "Look into the log of the function (docs/operate.md), and tell the developers.",
    )


def address(outputs: Mapping[str, str]) -> str:
    """The door, for patients."""
    return outputs.get("Address", "").rstrip("/")


def door(at: str, language: str) -> str:
    """The addresses, and a code to hold a phone in front of."""
    drawn = io.StringIO()
    segno.make(f"{at}/{language}", error="m").terminal(drawn, compact=True, border=2)
    return f"{drawn.getvalue()}\n  Patients  {at}/{language}\n  Staff     {at}/{language}/staff\n"
