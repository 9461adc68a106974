"""Deploying a clinic: packed, uploaded, created or changed, and its door shown."""

import io
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import segno

from chalicelib.rooms import kit as hospital
from chalicelib.rooms.packs import DEMO
from infra.clinic import account as places
from infra.clinic import keeping, packing, stack
from infra.clinic.account import Account
from infra.clinic.packing import Packed
from infra.clinic.stack import Say, Standing
from infra.clinic.trouble import AGAIN, Trouble, told
from infra.kit import FILE, Kit, shown

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
        try:
            return self.pack(self.kit, tree=self.tree, arch=arch)
        except subprocess.CalledProcessError as failed:
            raise Trouble(
                f"Packing stopped: {_name(failed.cmd)} failed, and what it said is above. Nothing was changed.",
                f"It needs this checkout with its git history, and the network to PyPI for the libraries. {AGAIN}",
            ) from failed


def _name(command: object) -> str:
    words = [Path(str(word)).name for word in command] if isinstance(command, list) else [str(command)]
    return " ".join(words[:4])


def caution(kit: Kit) -> str:
    """What is said of a kit before anybody is let into its clinic; "" if there is nothing to say."""
    clinic = hospital.clinic(kit.compiled)
    if not clinic.rules.policy.care:
        return (
            f"This kit obeys the rules `{DEMO}`, for showing the clinic: nobody has to prove who they are. "
            f"Choose another in {shown(kit.folder / FILE)} before the first patient: docs/rules.md"
        )
    if clinic.rules.policy.verified and not clinic.proves_phones:
        return (
            "Under the rules of this kit a prescription needs a proven phone number, and it sends no codes: "
            "doctors can advise and not prescribe. Texts and codes are under [sms] and [codes] in "
            f"{shown(kit.folder / FILE)}; docs/notices.md"
        )
    return ""


def for_care(kit: Kit, account: Account, *, showing: bool) -> None:
    """Refuses to open a clinic for patients that asks nobody who they are; on a local AWS there are none."""
    if kit.said.get("policy") == DEMO and not showing and not account.endpoint:
        raise Trouble(
            f"The rules `{DEMO}` are for showing the clinic, not for care. Nothing was changed.",
            f"Choose others in {shown(kit.folder / FILE)} (docs/rules.md), or say --showing if no patient will come.",
        )


def deploy(account: Account, order: Order, say: Say) -> Standing:
    """From a checked kit to an open clinic. Each step is safe to repeat; each failure says what is left."""
    say(f"Account {account.id}, {account.region}.")
    stack.ready(account, order.stack, order.kit.name, say)
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
    tags = {stack.CLINIC: order.kit.name, "commit": packed.commit, TEMPLATE: key}
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
    if key and key == stack.look(account, order.stack).tags.get(TEMPLATE):
        raise Trouble(
            "The clinic does not answer, and it is the version that ran before. Nothing was changed.",
            "Look with ./clinic status and into the log of the function (docs/operate.md).",
        )
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
