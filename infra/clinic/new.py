"""A kit of the hospital's own: a copy of one of ours with its answers put in, comments and all."""

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from infra.clinic.trouble import Trouble
from infra.kit import CLINICS, FILE, TEMPLATES, shown

NAME = re.compile(r"[a-z][a-z0-9-]{1,29}")
MEDICINES = "medicines.toml"


def make(name: str, kit: str, answers: Mapping[str, object]) -> Path:
    """Write clinics/<name>/: whole or not at all, and never over one that is there. Gives the folder."""
    if not NAME.fullmatch(name):
        raise Trouble(
            f"{name!r} cannot be a clinic's short name.", "Small letters, digits and dashes, like riverside or ward-7."
        )
    target = CLINICS / name
    if target.exists():
        raise Trouble(
            f"{shown(target)} is there already; nothing was written over.",
            f"Change it in your editor, or choose another name: ./clinic new {name}-2",
        )
    CLINICS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CLINICS, prefix=".new-") as folder:
        fresh = Path(folder) / name
        shutil.copytree(TEMPLATES / kit, fresh)
        file = fresh / FILE
        file.write_text(answered(file.read_text(encoding="utf-8"), answers), encoding="utf-8")
        try:
            fresh.rename(target)
        except OSError as taken:  # made by somebody else a moment ago
            raise Trouble(
                f"{shown(target)} is there already; nothing was written over.", "Choose another name."
            ) from taken
    return target


def answered(text: str, answers: Mapping[str, object]) -> str:
    """The kit with the answers in place of its own values. Only plain keys before the first table are asked."""
    head, rest = _parted(text)
    given = {**answers, "formulary": f"../../templates/{MEDICINES}"}
    for key, value in given.items():
        line = re.compile(rf"^{key} = (\{{.*?\}}|\[.*?\]|\"(?:\\.|[^\"\\])*\"|[^#\n]*?)([ ]*)(#.*)?$", re.MULTILINE)
        if not line.search(head):
            raise AssertionError(f"the kit has no line {key} = …")
        head = line.sub(partial(_line, key, value), head, count=1)
    return head + rest


def _line(key: str, value: object, found: re.Match[str]) -> str:
    said = f"{key} = {literal(value)}"
    return f"{said}  {found[3]}" if found[3] else said


def _parted(text: str) -> tuple[str, str]:
    """Before the first table, and from there on."""
    table = re.search(r"^\[", text, re.MULTILINE)
    at = table.start() if table else len(text)
    return text[:at], text[at:]


def literal(value: object) -> str:
    """A value as TOML writes it. JSON's strings are TOML's."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {literal(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
