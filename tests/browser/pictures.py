"""`make pictures`: a small clinic in the middle of a morning, played in the browser and photographed on the way.

The same people, words, times and codes every time: the clock stands still between deeds, and chance has a seed.
"""

import contextlib
import io
import os
import random
import secrets
import sys
from collections.abc import Iterator

from chalicelib.doors.words import LANGUAGES
from infra.local import engine

engine.keep_local()

from tests.browser import live, morning, png  # noqa: E402
from tests.browser.phones import PHONE, Phone, chromium  # noqa: E402
from tests.browser.stage import Stage  # noqa: E402

PICTURES = engine.ROOT / "docs" / "pictures"
TALLEST = 1400
BYTES_MAX = 120_000
SEED = 7
# What a scene calls the page it shows -> the name of its picture.
NAMES = {
    "home": "home",
    "flags": "flags",
    "emergency": "emergency",
    "what": "what",
    "check": "check",
    "ticket": "ticket",
    "your-turn": "your-turn",
    "conversation": "conversation",
    "after-signed": "after",
    "delivery": "delivery",
    "parcel": "parcel",
    "prescription": "prescription",
    "work-waiting": "doctor-list",
    "visit": "doctor-visit",
    "finish": "doctor-finish",
    "review": "pharmacy-review",
    "parcels": "parcels",
    "parcel-on-the-way": "courier-parcel",
    "desk-queue": "desk-queue",
    "desk-ticket": "desk-ticket",
}


def picture_of(phone: Phone) -> bytes:
    """The page as tall as it is, from its top, with nothing that blinks."""
    page = phone.page
    tall = page.evaluate("scrollTo(0, 0); document.activeElement.blur(); document.documentElement.scrollHeight")
    page.set_viewport_size({"width": PHONE["width"], "height": min(TALLEST, max(PHONE["height"], tall))})
    shot = png.smaller(page.screenshot(animations="disabled", caret="hide"))
    page.set_viewport_size(PHONE)
    return shot


class Camera:
    """Give its `look` to a scene: it keeps a picture of each page it knows a name for."""

    def __init__(self) -> None:
        self.taken: dict[str, int] = {}

    def look(self, phone: Phone, name: str) -> None:
        picture = f"{NAMES.get(name, '')}-{phone.language}.png"
        if name not in NAMES or picture in self.taken:
            return
        shot = picture_of(phone)
        (PICTURES / picture).write_bytes(shot)
        self.taken[picture] = len(shot)


@contextlib.contextmanager
def no_chance() -> Iterator[None]:
    """Ids, codes and secrets from a seed, for as long as pictures are taken."""
    chance, real = random.Random(SEED), (secrets.token_urlsafe, secrets.token_hex, secrets.randbelow)
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
    secrets.token_urlsafe = lambda n=16: "".join(chance.choices(letters, k=(n or 16) * 4 // 3 + 1))
    secrets.token_hex = lambda n=16: f"{chance.getrandbits(8 * (n or 16)):0{2 * (n or 16)}x}"
    secrets.randbelow = lambda n: 482_913 % n
    try:
        yield
    finally:
        secrets.token_urlsafe, secrets.token_hex, secrets.randbelow = real


def main() -> int:
    PICTURES.mkdir(parents=True, exist_ok=True)
    camera = Camera()
    os.environ["ORIGIN"] = "https://clinic.example"  # what links in pictures begin with
    said = io.StringIO()  # the server names every request on stderr: of interest only when something went wrong
    with chromium() as browser:
        for language in LANGUAGES:
            with no_chance(), live.clinic() as clinic, contextlib.redirect_stderr(said):
                stage = Stage(browser, clinic, language, camera.look)
                morning.play(stage)
                complaints = stage.complaints()
                stage.close()
            if complaints:
                print(*complaints, sep="\n", file=sys.stderr)
                return 1
    for picture, size in camera.taken.items():
        print(f"docs/pictures/{picture:24} {size / 1000:6.1f} KB{'  too large' if size > BYTES_MAX else ''}")
    missing = {f"{name}-{language}.png" for name in NAMES.values() for language in LANGUAGES} - set(camera.taken)
    return 1 if missing or max(camera.taken.values()) > BYTES_MAX else 0


if __name__ == "__main__":
    sys.exit(main())
