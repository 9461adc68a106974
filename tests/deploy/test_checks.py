"""What `make check` asks for holds on the build server too: format, lint, types."""

import subprocess
import sys

import pytest

from infra.package import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("check", ["ruff format --check .", "ruff check .", "mypy"])
def test_the_checkout_is_clean(check: str) -> None:
    said = subprocess.run([sys.executable, "-m", *check.split()], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
