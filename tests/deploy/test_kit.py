"""The kits: every one can be opened as a clinic, and the compiled one is not older than its source."""

import json
from pathlib import Path

import pytest

from chalicelib.rooms.rules import Clinic
from infra.kit import COMPILED, ROOT, compiled

KITS = sorted((ROOT / "templates").glob("*/clinic.toml"))


@pytest.mark.parametrize("kit", KITS, ids=lambda kit: kit.parent.name)
def test_a_clinic_can_be_opened_with_every_kit(kit: Path) -> None:
    assert Clinic.of(json.loads(compiled(kit))).departments


def test_the_compiled_kit_is_one_of_them_as_it_is_now() -> None:
    text = COMPILED.read_text(encoding="utf-8")
    assert text in [compiled(kit) for kit in KITS], "templates/ changed: make kit KIT=<name>, and commit clinic.json"
