"""Languages at the door: texts, names, dates and minutes as people read them."""

import functools
import gettext
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from chalicelib.clinic import CLINIC
from chalicelib.refusal import Refusal

TEXTS = Path(__file__).parent.parent / "pages" / "texts"
LANGUAGES = CLINIC.languages
DEFAULT = LANGUAGES[0]
# How a language calls itself, and the tag browsers and screen readers know it by.
CALLED = {"en": "English", "zh": "中文", "ar": "العربية", "es": "Español", "fr": "Français", "hi": "हिन्दी"}
TAGS = {"zh": "zh-Hans"}
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
MONTHS: tuple[str, ...] = ("January", "February", "March", "April", "May", "June")
MONTHS += ("July", "August", "September", "October", "November", "December")
ZONE = ZoneInfo(CLINIC.timezone)


class Own(gettext.NullTranslations):
    """What the hospital says in its own words instead of ours; everything else is asked of the catalogue behind."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__()
        self._texts = texts

    def gettext(self, message: str) -> str:
        return self._texts.get(message) or super().gettext(message)


@functools.cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Every compiled catalogue of a language, one behind the other. English is what the code says."""
    first = Own(CLINIC.texts.get(language, {}))
    for file in sorted(TEXTS.glob(f"{language}.*mo")):
        with file.open("rb") as compiled:
            first.add_fallback(gettext.GNUTranslations(compiled))
    return first


def said(refusal: Refusal, language: str) -> str:
    """A refusal in the person's language, with its facts filled in."""
    message = catalogue(language).gettext(refusal.message)
    return message % refusal.facts if refusal.facts else message


def preferred(accept: str) -> str:
    """The language a browser asks for, among ours."""
    wishes = []
    for part in accept[:200].lower().split(","):
        tag, _, q = part.strip().partition(";q=")
        try:
            wishes.append((-float(q or 1), tag.split("-")[0]))
        except ValueError:
            continue
    return next((tag for _, tag in sorted(wishes, key=lambda wish: wish[0]) if tag in LANGUAGES), DEFAULT)


def in_words(words: Mapping[str, str], language: str) -> str:
    """A text of the hospital's kit; every language of the clinic is there, or the kit was refused."""
    return words.get(language) or words[DEFAULT]


def local(moment: datetime) -> datetime:
    """The clinic's own clock."""
    return moment.astimezone(ZONE)


def zone(moment: datetime) -> str:
    """How the clinic's clock differs from the world's: UTC+8, UTC-3:30."""
    offset = local(moment).utcoffset() or timedelta()
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"UTC{'-' if offset < timedelta() else '+'}{hours}{f':{minutes:02}' if minutes else ''}"


def clock(moment: datetime, *, up: bool = False) -> str:
    """Hours and minutes; `up` for a moment that must have come: 10:03:20 is then 10:04."""
    return f"{local(moment + timedelta(seconds=59) if up else moment):%H:%M}"


def day(moment: datetime, language: str) -> str:
    at = local(moment)
    if language == "zh":
        return f"{at.year}年{at.month}月{at.day}日"
    return f"{at.day} {catalogue(language).gettext(MONTHS[at.month - 1])} {at.year}"


def date(text: str, language: str) -> str:
    """A day of the clinic's calendar, like "2026-11-23", in words; the year goes without saying."""
    at = datetime.fromisoformat(text)
    if language == "zh":
        return f"{at.month}月{at.day}日"
    return f"{at.day} {catalogue(language).gettext(MONTHS[at.month - 1])}"


def when(moment: datetime, language: str, now: datetime) -> str:
    """The time alone while it is today, else the day too."""
    same_day = local(moment).date() == local(now).date()
    return clock(moment) if same_day else f"{day(moment, language)} {clock(moment)}"


def minutes(wait: tuple[int, int] | None, language: str) -> str:
    """A wait as people say it: "10 to 15 minutes", "about 2 hours". "" while there is nothing honest to say."""
    if wait is None:
        return ""
    low, high = wait
    t = catalogue(language)
    if high < 2:
        return t.gettext("about a minute")
    if high <= 90:
        if low == high:
            return t.gettext("about %(n)s minutes") % {"n": high}
        return t.gettext("%(low)s to %(high)s minutes") % {"low": low, "high": high}
    hours_low, hours_high = low // 60, -(-high // 60)
    if hours_low < 1:
        return t.gettext("%(low)s minutes to %(high)s hours") % {"low": low, "high": hours_high}
    return t.gettext("%(low)s to %(high)s hours") % {"low": hours_low, "high": hours_high}
