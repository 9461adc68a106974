"""Whether a colour can be read: contrast as WCAG 2.2 measures it (success criterion 1.4.3, 4.5:1 for text)."""

import re

CONTRAST_MIN = 4.5
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 100


def is_colour(text: str) -> bool:
    return _COLOUR.fullmatch(text) is not None


def contrast_with_white(colour: str) -> float:
    """From 1 (white itself) to 21 (black). `colour` is like #0b6e6e."""
    return 1.05 / (_luminance(colour) + 0.05)


def readable(colour: str) -> str:
    """The same colour, as much darker as white text on it needs."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    for step in range(_STEPS, -1, -1):
        darker = "#" + "".join(f"{part * step // _STEPS:02x}" for part in parts)
        if contrast_with_white(darker) >= CONTRAST_MIN:
            return darker
    return "#000000"


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
