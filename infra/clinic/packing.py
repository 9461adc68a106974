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
from infra.local import aws

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


def pack(kit: Kit, *, tree: bool, arch: str) -> Packed:
    """Build it. The same commit and kit give the same bytes."""
    out = ROOT / "out" / kit.name
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


def pointed(packed: Packed, bucket: str, account: Account) -> str:
    """The template as text, its functions pointed at the uploaded zip; made plain for a local AWS, which needs that."""
    if account.endpoint:
        made = aws.local(dict(packed.template), account.endpoint, bucket, packed.code_key, **packed.parameters)
    else:
        made = json.loads(json.dumps(packed.template))
        for resource in made["Resources"].values():
            if "CodeUri" in resource.get("Properties", {}):
                resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": packed.code_key}
    text = json.dumps(made, indent=1, sort_keys=True)
    if len(text.encode()) > TEMPLATE_BYTES_MAX:
        raise Trouble("The template is too large for CloudFormation. Nothing was changed.", "Ask the developers.")
    return text


def url(account: Account, bucket: str, key: str) -> str:
    """Where CloudFormation finds an object."""
    if account.endpoint:
        return f"{account.endpoint}/{bucket}/{key}"
    suffix = SUFFIX.get(account.session.get_partition_for_region(account.region), "amazonaws.com")
    return f"https://{bucket}.s3.{account.region}.{suffix}/{key}"
