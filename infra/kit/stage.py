"""A whole copy of the clinic with one kit rendered into it: for its pages to be tried."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.kit.reading import ROOT, Kit, KitRefused, Wrong
from infra.kit.render import render

COPIED = ("app.py", "chalicelib", ".chalice", "infra", "requirements.txt")
LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*.swp", "*.orig", "deployed", "deployments", "compiled", "own")
FIRST_LOAD_MAX = 15_000  # bytes of a page on its way, its pictures and scripts with it
TRIAL_SECONDS_MAX = 120


@contextmanager
def staged(kit: Kit) -> Iterator[Path]:
    """The copy, for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="clinic-") as folder:
        target = Path(folder)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target / name, ignore=LEFT_BEHIND)
            else:
                shutil.copyfile(ROOT / name, target / name)
        if (ROOT / ".tools").is_dir():
            (target / ".tools").symlink_to(ROOT / ".tools")
        render(kit, target)
        yield target


def surroundings(target: Path) -> dict[str, str]:
    """The environment in which Python finds the copy and not this checkout."""
    return {**os.environ, "PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1"}


def weights(kit: Kit) -> dict[str, int]:
    """Open the public pages of this clinic in every language: address -> bytes. Raises KitRefused where one breaks
    or is heavier than a weak network carries."""
    with staged(kit) as target:
        said = subprocess.run(
            [sys.executable, "-m", "infra.kit.trial"],
            cwd=target,
            env=surroundings(target),
            capture_output=True,
            text=True,
            timeout=TRIAL_SECONDS_MAX,
            check=False,
        )
    if said.returncode:
        why = said.stderr.strip().splitlines()[-1] if said.stderr.strip() else "no reason given"
        raise KitRefused([Wrong(kit.folder / "clinic.toml", 1, f"the clinic does not open with this kit: {why}")])
    found: dict[str, int] = json.loads(said.stdout)
    heavy = {path: size for path, size in found.items() if size > FIRST_LOAD_MAX}
    if heavy:
        file = kit.folder / str(kit.said.get("logo") or "clinic.toml")
        raise KitRefused(
            [
                Wrong(
                    file, 1, f"{path} is {size:,} bytes with logo and scripts; at most {FIRST_LOAD_MAX:,} travel well"
                )
                for path, size in heavy.items()
            ]
        )
    return found
