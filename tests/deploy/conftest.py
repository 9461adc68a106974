"""One deployment package for the whole run, built from the files as they lie here."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.package import ROOT


def build(out: Path, *wishes: str) -> Path:
    command = [sys.executable, "-m", "infra.package", "--out", str(out), *wishes]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return out


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
