"""`make kit KIT=name`: compiles a hospital's clinic.toml into chalicelib/clinic.json, or says what is wrong with it."""

import json
import sys
import tomllib
from pathlib import Path

from chalicelib.rooms.rules import BadKit, Clinic

ROOT = Path(__file__).resolve().parents[1]
COMPILED = ROOT / "chalicelib" / "clinic.json"


def compiled(kit: Path) -> str:
    """The kit as the clinic reads it. Lambda gets JSON because reading it is free there. Raises BadKit."""
    try:
        said = tomllib.loads(kit.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise BadKit(f"there is no {kit.relative_to(ROOT)}") from missing
    except tomllib.TOMLDecodeError as wrong:
        raise BadKit(str(wrong)) from wrong
    Clinic.of(said)
    return json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> int:
    names = sorted(folder.name for folder in (ROOT / "templates").iterdir() if (folder / "clinic.toml").exists())
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in names:
        print(f"make kit KIT=<one of {', '.join(names)}>", file=sys.stderr)
        return 2
    try:
        text = compiled(ROOT / "templates" / name / "clinic.toml")
    except BadKit as wrong:
        print(f"templates/{name}/clinic.toml: {wrong}", file=sys.stderr)
        return 1
    COMPILED.write_text(text, encoding="utf-8")
    print(f"This checkout is now {Clinic.of(json.loads(text)).name['en']}: {COMPILED.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
