"""`make checkov`: what a well-known reader of templates holds against the stack, and why each of it is as it is.

checkov runs in an environment of its own. What it finds must be exactly what infra/checkov.toml explains.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from infra.local.apart import program
from infra.local.engine import ROOT, NotHere

EXPLAINED = ROOT / "infra" / "checkov.toml"
QUIET = ("--framework", "cloudformation", "--compact", "--quiet", "--skip-download", "--output", "json")
Finding = tuple[str, str]  # which check, and our name of what it is about


def explained() -> dict[Finding, str]:
    """Everything that is known and meant: finding -> why."""
    said = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))
    return {(check, name): one["why"] for check, one in said.items() for name in one["at"]}


def found(template: Path) -> tuple[set[Finding], int]:
    """What checkov holds against a template, and how many checks passed. Raises NotHere."""
    said = subprocess.run([program("checkov"), "-f", template, *QUIET], capture_output=True, text=True, check=False)
    try:
        report = json.loads(said.stdout)
        failed, summary = report["results"]["failed_checks"], report["summary"]
    except (ValueError, KeyError) as broken:
        raise NotHere(f"checkov could not read {template.name}:\n{said.stdout}{said.stderr}") from broken
    if summary["parsing_errors"]:
        raise NotHere(f"checkov could not read {template.name}.")
    return {(one["check_id"], one["resource"].rpartition(".")[2]) for one in failed}, int(summary["passed"])


if __name__ == "__main__":
    try:
        program("checkov")
    except NotHere as why:
        sys.exit(str(why))
