"""A kit rendered into a copy of the clinic: configuration, pages, pictures, and the files of Chalice and the stack."""

import json
import shutil
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.kit import stack
from infra.kit.reading import TEMPLATES, Kit

RENDERED = TEMPLATES / "rendered"
COMPILED = Path("chalicelib", "clinic.json")
FILES = Path("chalicelib", "pages", "files")
OWN = Path("chalicelib", "pages", "own")
PARAMETERS = Path(".chalice", "parameters.json")
CONFIG = Path(".chalice", "config.json")


def configuration(kit: Kit) -> str:
    """What the clinic reads when it wakes up. JSON, because reading it is free there."""
    return json.dumps(kit.compiled, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def render(kit: Kit, target: Path) -> list[Path]:
    """Make the clinic in `target` this hospital's. Gives what was written; a second time changes nothing."""
    rendered = _files(kit, target)
    shutil.rmtree(target / OWN, ignore_errors=True)
    (target / FILES / "logo.svg").unlink(missing_ok=True)
    for path, text in rendered.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text, encoding="utf-8")
    return sorted(rendered)


def _files(kit: Kit, target: Path) -> dict[Path, str]:
    chalice = json.loads((target / CONFIG).read_text(encoding="utf-8"))
    made = {
        COMPILED: configuration(kit),
        CONFIG: _made("config.json", chalice=chalice, kit=kit.said),
        PARAMETERS: _made("parameters.json", values=stack.values(kit.said)),
        FILES / "icon.svg": kit.logo or _made("icon.svg", brand=kit.said["brand"]),
    }
    if kit.logo:
        made[FILES / "logo.svg"] = kit.logo
    return made | {OWN / name: text for name, text in kit.pages.items()}


def _made(name: str, **facts: object) -> str:
    pages = Environment(
        loader=FileSystemLoader(RENDERED),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  # JSON and one number of a colour, both checked; never a page
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    pages.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    return pages.get_template(f"{name}.j2").render(**facts)
