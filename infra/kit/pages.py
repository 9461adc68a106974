"""A hospital's own pages: each takes the place of ours of the same name, and may build on it as "clinic/<name>"."""

import re
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError

from infra.kit.reading import ROOT, Wrong
from infra.kit.shape import meant

PAGES = ROOT / "chalicelib" / "pages"
BYTES_MAX = 32 * 1024
# What the clinic's Content-Security-Policy would silently stop, or what calls somebody else.
_NEVER = (
    (
        re.compile(r"<\s*(script|style|iframe|object|embed|link|base)\b", re.IGNORECASE),
        "<{0}> is not allowed in a page",
    ),
    (re.compile(r"\s(style|on[a-z]+)\s*=", re.IGNORECASE), '{0}="…" would not be followed by any browser here'),
    (re.compile(r"(?:src|srcset|action)\s*=\s*[\"']?\s*((?:https?:)?//[^\"'\s>]*)", re.IGNORECASE), "{0} is elsewhere"),
    (re.compile(r"\|\s*(safe)\b"), "|{0} would let a stranger's words become a page"),
)


def read(folder: Path, wrongs: list[Wrong]) -> dict[str, str]:
    """The pages in a folder by their names; what is wrong with them is added to `wrongs`."""
    ours = {file.name for file in PAGES.glob("*.html")}
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*")) if folder.is_dir() else ():
        if file.name not in ours:
            wrongs.append(Wrong(file, 1, f"there is no page {file.name!r} to replace{meant(file.name, ours)}"))
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        wrongs += _faults(file, text)
        found[file.name] = text
    return found


def _faults(file: Path, text: str) -> list[Wrong]:
    found = []
    if len(text.encode()) > BYTES_MAX:
        found.append(Wrong(file, 1, f"a page has at most {BYTES_MAX // 1024} KB"))
    for pattern, why in _NEVER:
        for hit in pattern.finditer(text):
            found.append(Wrong(file, text[: hit.start(1)].count("\n") + 1, why.format(hit[1])))
    try:
        Environment(extensions=["jinja2.ext.i18n"], autoescape=True).parse(text)
    except TemplateSyntaxError as wrong:
        found.append(Wrong(file, wrong.lineno, f"not a Jinja2 page: {wrong.message}"))
    return found
