"""A hospital's kit: read, checked line by line, and rendered into the clinic that is deployed."""

from infra.kit.checks import read
from infra.kit.reading import CLINICS, FILE, ROOT, TEMPLATES, Kit, KitRefused, Wrong, folder_of, names, shown
from infra.kit.render import COMPILED, configuration, render

__all__ = [
    "CLINICS",
    "COMPILED",
    "FILE",
    "ROOT",
    "TEMPLATES",
    "Kit",
    "KitRefused",
    "Wrong",
    "configuration",
    "folder_of",
    "names",
    "read",
    "render",
    "shown",
]
