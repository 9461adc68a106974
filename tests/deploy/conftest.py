"""One deployment package for the whole run, built from the files as they lie here."""

import copy
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from infra.package import ROOT


def build(out: Path, *wishes: str) -> Path:
    command = [sys.executable, "-m", "infra.package", "--out", str(out), *wishes]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return out


def transformed(sam: dict[str, Any], **given: str) -> dict[str, Any]:
    """The template after the SAM transform: what CloudFormation really builds, with these parameters."""
    template = copy.deepcopy(sam)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "deploy", "Key": "deployment.zip"}
    defaults = {name: parameter["Default"] for name, parameter in template["Parameters"].items()}
    return Translator({}, Parser()).translate(template, defaults | given, feature_toggle=None)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with deployment.zip and sam.json."""
    return build(tmp_path_factory.mktemp("package"), "--tree")


@pytest.fixture(scope="session")
def task(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip unpacked, as Lambda has it under /var/task."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(package / "deployment.zip") as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def sam(package: Path) -> dict[str, Any]:
    return json.loads((package / "sam.json").read_text())


@pytest.fixture(scope="session")
def stack(sam: dict[str, Any]) -> dict[str, Any]:
    return transformed(sam)
