"""What is uploaded for one clinic: its zip and its template, from the last commit and the kit as it lies here."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import package
from infra.clinic.account import Account, digest
from infra.clinic.trouble import Trouble
from infra.kit import ROOT, Kit, render
from infra.kit.stack import values

TEMPLATE_BYTES_MAX = 1_000_000  # CloudFormation takes no more
SUFFIX = {"aws-cn": "amazonaws.com.cn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """The files, and what the stack is told with them."""

    zip: Path
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    commit: str

    @property
    def code_key(self) -> str:
        return f"code/{digest(self.zip)}.zip"


def pack(kit: Kit, *, tree: bool) -> Packed:
    """Build it. The same commit and kit give the same bytes."""
    out = ROOT / "out" / kit.name
    arch = str(kit.said.get("architecture", "arm64"))
    with tempfile.TemporaryDirectory(prefix="clinic-") as folder:
        build = Path(folder)
        if tree:
            package.copy_tree(build)
        else:
            package.export_head(build)
        render(kit, build)
        package.make(build, arch, out)
    template = json.loads((out / "sam.json").read_text(encoding="utf-8"))
    return Packed(
        zip=out / "deployment.zip",
        template=template,
        parameters=_known(values(kit.said), template),
        commit=commit(tree=tree),
    )


def _known(wanted: Mapping[str, str], template: Mapping[str, Any]) -> dict[str, str]:
    declared = template.get("Parameters", {})
    if unknown := sorted(set(wanted) - set(declared)):
        raise Trouble(
            f"The stack of this version has no {', '.join(unknown)}. Nothing was changed.",
            "Take it out of [stack] in the kit, or use a version of the software that has it.",
        )
    return dict(wanted)


def commit(*, tree: bool) -> str:
    """Which version this is; `+` for files that were not committed."""
    said = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return (said.stdout.strip() or "unknown") + ("+" if tree else "")


def pointed(template: Mapping[str, Any], bucket: str, key: str, *, transform: bool) -> str:
    """The template as text, its functions pointed at the uploaded zip; `transform` where no AWS does it for us."""
    made = json.loads(json.dumps(template))
    at = {"Bucket": bucket, "Key": key}
    for holder in (*made["Resources"].values(), {"Properties": made.get("Globals", {}).get("Function", {})}):
        if "CodeUri" in holder.get("Properties", {}):
            holder["Properties"]["CodeUri"] = at
    if transform and made.get("Transform"):
        made = _transformed(made)
    text = json.dumps(made, indent=1, sort_keys=True)
    if len(text.encode()) > TEMPLATE_BYTES_MAX:
        raise Trouble("The template is too large for CloudFormation. Nothing was changed.", "Ask the developers.")
    return text


def _transformed(template: dict[str, Any]) -> dict[str, Any]:
    """What AWS::Serverless becomes; a local AWS does not know it."""
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    given = {name: parameter["Default"] for name, parameter in template.get("Parameters", {}).items()}
    made: dict[str, Any] = Translator({}, Parser()).translate(template, given, feature_toggle=None)
    return made


def url(account: Account, bucket: str, key: str) -> str:
    """Where CloudFormation finds an object."""
    if account.endpoint:
        return f"{account.endpoint}/{bucket}/{key}"
    suffix = SUFFIX.get(account.session.get_partition_for_region(account.region), "amazonaws.com")
    return f"https://{bucket}.s3.{account.region}.{suffix}/{key}"
