"""checkov on the whole stack as CloudFormation builds it: it finds what is explained, and nothing else."""

import json
from pathlib import Path

import pytest

from infra.local import checkov
from tests.deploy.conftest import build, transformed

pytestmark = [pytest.mark.rehearse, pytest.mark.slow]

PASSED_MIN = 80  # far fewer would mean that it looked at nothing


def test_what_checkov_finds_is_what_is_explained(tmp_path: Path) -> None:
    sam = json.loads((build(tmp_path / "package", "--tree") / "sam.json").read_text())
    (tmp_path / "stack.json").write_text(json.dumps(transformed(sam)))
    found, passed = checkov.found(tmp_path / "stack.json")
    explained = set(checkov.explained())
    assert sorted(found - explained) == [], "mend it, or say in infra/checkov.toml why it is as it is"
    assert sorted(explained - found) == [], "not found any more: take it out of infra/checkov.toml"
    assert passed >= PASSED_MIN
