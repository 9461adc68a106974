"""The album: every page in every state that a scene comes past, each measured where it stands."""

import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import brotli

from infra.local.seed import STAFF
from tests.browser.phones import PHONE, Phone

HERE = Path(__file__).parent
AXE = HERE.parents[1] / "node_modules" / "axe-core" / "axe.min.js"
MEASURE = (HERE / "measure.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
QUALITY = 5  # brotli as a content network does it on the way; the best it can do is 11
NARROW = {"width": 320, "height": 640}
SHEET = re.compile(r"/check/[^/]+$")  # of a prescription
NAME_CHARS = re.compile(r"[A-Za-z0-9_=-]{32}")  # a visit's name in an address
ASSET = re.compile(r'<(?:script[^>]*?src|link[^>]*?href|img[^>]*?src)="(/[^"]+)"')
# Words that are the same in every language: units, codes and links, and what the made-up staff are called.
ANYWHERE = re.compile(
    r"https?://\S+|\b[A-Z]\d{1,6}\b|\b\d[\d.,]*\s?(?:mg|ml|g|µg|%)(?:/ml)?|\{\w+\}|Cookie|例如 ada|English|中文"
    r"|UTC[+-]\d+|\b(?:Dr|Ada|Bo|Chen|Sam|Cole|Dee|Pria|Max|li-wei)\b"
    rf"|^(?:{'|'.join(member.id for member in STAFF)})$"
    rf"|{'|'.join(re.escape(said) for member in STAFF if member.title for said in (member.title, member.licence))}"
)
LATIN = re.compile(r"[A-Za-z]{2,}")
CHINESE = re.compile(r"[\u4e00-\u9fff]+")
RAW = re.compile(
    r"^(?:None|True|False|\[\]|\(\))$|%\(|\{\{|\bNaN\b|\bundefined\b|\b[a-z]+_[a-z_]+\b|datetime\.|&[a-z]+;"
)


@dataclass(kw_only=True)
class Seen:
    """One page in one state, and all that was found wrong with it."""

    name: str
    language: str
    path: str
    status: int
    requests: int
    bytes: int
    raw: int
    wrong: dict[str, list[str]] = field(default_factory=dict)

    @property
    def route(self) -> str:
        """The address with the parts that differ from visit to visit left out."""
        route = SHEET.sub("/check/{sheet}", self.path.partition("?")[0])
        route = NAME_CHARS.sub("{visit}", route)
        return re.sub(r"^/[a-z]{2}(?=/|$)", "/{lang}", route)


Look = Callable[[Phone, str], None]


def nobody(phone: Phone, name: str) -> None:
    """A look by nobody, for scenes that only want what happens."""


class Album:
    """Give its `look` to a scene; afterwards `pages` holds every state the scene came past."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, str], Seen] = {}
        self.weights: dict[str, int] = {}
        self.axe = AXE.read_text(encoding="utf-8")

    def look(self, phone: Phone, name: str) -> None:
        if not phone.script or (name, phone.language) in self.pages:
            return
        path = phone.page.evaluate("location.pathname")
        status, requests, raw, packed = self._weigh(phone)
        seen = Seen(
            name=name, language=phone.language, path=path, status=status, requests=requests, bytes=packed, raw=raw
        )
        seen.wrong["axe"] = self._axe(phone)
        at_ease = phone.page.evaluate(MEASURE)
        seen.wrong["small targets"] = at_ease["small"]
        seen.wrong["words"] = list(_wrong_words(at_ease["words"], phone.language))
        seen.wrong["sideways"] = list(self._squeezed(phone))
        self.pages[(name, phone.language)] = seen

    def found(self, kind: str) -> list[str]:
        """Everything of one kind that is wrong on any page, ready to be read."""
        return [f"{s.name}-{s.language}: {what}" for s in self.pages.values() for what in s.wrong[kind]]

    def _axe(self, phone: Phone) -> list[str]:
        # as tall as the page: what a bar at the bottom covers for the moment is not out of reach
        height = phone.page.evaluate("document.documentElement.scrollHeight")
        phone.page.set_viewport_size({"width": PHONE["width"], "height": max(PHONE["height"], height)})
        phone.page.evaluate(self.axe)
        result: dict[str, Any] = phone.page.evaluate(
            "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations'], reporter: 'no-passes'})", RULES
        )
        return [
            f"{v['impact']} {v['id']}: {v['help']} | {node['html'][:160]}"
            for v in result["violations"]
            for node in v["nodes"]
        ]

    def _squeezed(self, phone: Phone) -> Iterator[str]:
        """Nothing may stick out or be cut, on the narrowest phone and with letters twice as large."""
        page = phone.page
        for size, letters in ((NARROW, "100%"), (PHONE, "200%"), (NARROW, "200%")):
            page.set_viewport_size(size)
            page.evaluate("letters => document.documentElement.style.fontSize = letters", letters)
            measured = page.evaluate(MEASURE)
            for what in ("sideways", "cut"):
                yield from (f"{what} at {size['width']} px, letters {letters}: {one}" for one in measured[what][:3])
        page.evaluate("document.documentElement.style.fontSize = ''")
        page.set_viewport_size(PHONE)

    def _weigh(self, phone: Phone) -> tuple[int, int, int, int]:
        """Status, requests, bytes and brotli bytes of the first load: the page and every file it asks for."""
        assert phone.document is not None
        body = phone.document.body()
        assets = sorted(set(ASSET.findall(body.decode())))
        for asset in assets:
            if asset not in self.weights:
                with urllib.request.urlopen(phone.address + asset, timeout=10) as answer:
                    file = answer.read()
                self.weights[asset] = len(_packed(file))
                self.weights[f"raw {asset}"] = len(file)
        raw = len(body) + sum(self.weights[f"raw {asset}"] for asset in assets)
        packed = len(_packed(body)) + sum(self.weights[asset] for asset in assets)
        return phone.document.status, 1 + len(assets), raw, packed


def _packed(body: bytes) -> bytes:
    packed: bytes = brotli.compress(body, quality=QUALITY)
    return packed


def _wrong_words(words: list[str], language: str) -> Iterator[str]:
    """Words left in another language, and what a template forgot to put into words."""
    for text in words:
        ours = ANYWHERE.sub(" ", text)
        foreign = LATIN.findall(ours) if language == "zh" else CHINESE.findall(ours)
        if foreign:
            yield f"not in {language}: {text[:120]!r}"
        if raw := RAW.search(ours.strip()):
            yield f"not worded: {raw[0]!r} in {text[:120]!r}"
