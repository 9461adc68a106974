"""Typeset: how a template becomes a page; the only place that knows Jinja."""

import functools

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, ModuleLoader, PrefixLoader, StrictUndefined

from chalicelib.clinic import CLINIC
from chalicelib.doors import words
from chalicelib.doors.render import PAGES

OWN = PAGES / "own"  # the hospital's pages, each in place of ours of that name; ours is then "clinic/<name>"
COMPILED = PAGES / "compiled"  # made for the zip: templates as Python modules, so that a cold start compiles nothing


def _loader() -> BaseLoader:
    if COMPILED.is_dir():
        return ModuleLoader(COMPILED)
    ours = FileSystemLoader(PAGES)
    return ChoiceLoader([FileSystemLoader(OWN), ours, PrefixLoader({"clinic": ours})]) if OWN.is_dir() else ours


@functools.cache
def environment(language: str) -> Environment:
    """The templates with one language's texts."""
    made = Environment(
        loader=_loader(),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(words.catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals["clinic"] = CLINIC
    return made
