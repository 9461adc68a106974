"""Programs that pin other libraries than the clinic does, each in an environment of its own under .tools."""

import hashlib
import subprocess
import venv
from pathlib import Path

from infra.local.engine import ROOT, NotHere


def program(name: str) -> Path:
    """The program of requirements-<where it is used>.txt, installed once for these pins. Raises NotHere."""
    requirements = ROOT / PINS[name]
    pins = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    home = ROOT / ".tools" / f"{name}-{pins}"
    done = home / "done"
    if not done.exists():
        print(f"Installing {name} into {home.relative_to(ROOT)} (once) ...", flush=True)
        venv.create(home, with_pip=True, clear=True)
        install: list[str | Path] = [
            home / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        said = subprocess.run([*install, "--no-deps", "-r", requirements], capture_output=True, text=True, check=False)
        if said.returncode:
            raise NotHere(f"{name} could not be installed:\n{said.stderr}")
        done.touch()
    return home / "bin" / name


PINS = {"ministack": "requirements-rehearse.txt", "checkov": "requirements-checkov.txt"}
