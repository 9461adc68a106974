"""Puts pip into a virtual environment whose Python came without ensurepip (Debian without python3-venv)."""

import hashlib
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

NAME = "pip-25.3-py3-none-any.whl"
URL = (
    f"https://files.pythonhosted.org/packages/44/3c/d717024885424591d5376220b5e836c2d5293ce2011523c9de23ff7bf068/{NAME}"
)
SHA256 = "9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd"
SECONDS_MAX = 60


def main() -> None:
    with urllib.request.urlopen(os.environ.get("PIP_WHEEL_URL", URL), timeout=SECONDS_MAX) as answer:  # noqa: S310
        wheel = answer.read()
    if hashlib.sha256(wheel).hexdigest() != SHA256:
        raise SystemExit(f"{NAME} is not the file it should be; nothing was installed.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NAME)
        path.write_bytes(wheel)
        # A wheel is a zip with pip inside: it can install itself.
        subprocess.run([sys.executable, f"{path}/pip", "install", "--quiet", "--no-index", str(path)], check=True)


if __name__ == "__main__":
    main()
