"""`make pictures`: the home page of every kit, each opened as the clinic it is, on a Monday morning.

A kit is rendered into a copy of the clinic; what takes the pictures runs in that copy, with the tests of this checkout.
"""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

from infra.kit import ROOT, TEMPLATES, Kit, read
from infra.kit.stage import staged, surroundings
from infra.local import engine

PICTURES = ROOT / "docs" / "pictures"
BYTES_MAX = 120_000
SECONDS_MAX = 180


def main() -> int:
    for folder in sorted(TEMPLATES.glob("*/clinic.toml")):
        photographed(read(folder.parent))
    return 0


def photographed(kit: Kit) -> None:
    with staged(kit) as target:
        here = surroundings(target)
        subprocess.run(
            [sys.executable, "-m", "tests.browser.kit_pictures", kit.name, PICTURES, *kit.said["languages"]],
            cwd=target,
            env=here | {"PYTHONPATH": f"{target}{os.pathsep}{ROOT}"},
            timeout=SECONDS_MAX,
            check=True,
        )


def take(name: str, pictures: Path, *languages: str) -> int:
    """In the copy, which is that clinic."""
    engine.keep_local()
    from tests.browser import live
    from tests.browser.phones import Phone, chromium
    from tests.browser.pictures import no_chance, picture_of

    said = io.StringIO()  # every request: of interest to nobody
    with chromium() as browser, no_chance(), live.clinic() as clinic, contextlib.redirect_stderr(said):
        clinic.clock.stops()
        for language in languages:
            phone = Phone(browser, clinic.address, language)
            phone.go(f"/{language}")
            shot = picture_of(phone)
            phone.close()
            if phone.complaints or len(shot) > BYTES_MAX:
                print(name, language, len(shot), *phone.complaints)
                return 1
            picture = f"kit-{name}-{language}.png"
            (pictures / picture).write_bytes(shot)
            print(f"docs/pictures/{picture:24} {len(shot) / 1000:6.1f} KB", flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    sys.exit(take(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
