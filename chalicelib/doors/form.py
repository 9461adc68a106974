"""What people send in: only the fields that were asked for, cleaned, and refused by name when one is wrong."""

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from chalicelib.refusal import Refusal, TooLarge

BODY_MAX = 256 * 1024  # bytes of one request: our fullest form has 160 KB, and a long paste is to be shown again
FIELDS_MAX = 120  # a full prescription with its note has about fifty
DIGITS_MAX = 9
REQUEST_MIN, REQUEST_MAX = 16, 64  # characters of the id of one request
FORM_TYPE, JSON_TYPE = "application/x-www-form-urlencoded", "application/json"
FORMS = [FORM_TYPE, JSON_TYPE]  # what every POST route takes: `content_types=FORMS`
_REQUEST_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_HIDDEN_LETTERS = frozenset(
    "\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)  # they change how the words around them read, and nobody types them on purpose

Values = Mapping[str, list[object]]
Choice = TypeVar("Choice", bound=StrEnum)


class NotWhatWeTake(Refusal):
    """A body in a format we do not read."""

    status = 415


@dataclass(frozen=True, slots=True)
class Field:
    """One question: `read` turns what was sent under `name` into a value, or raises a Refusal. `schema` is what a
    machine may send, as JSON Schema; the rooms know more."""

    name: str
    read: Callable[[list[object]], object]
    schema: Mapping[str, object]
    must: bool = False  # nothing sent is refused
    shown: bool = True  # False: never shown again, like a password
    written: bool = False  # in a person's own words: worth reading where its box is gone


@dataclass(slots=True)
class Sheet:
    """A form as it came in: `given` for the deed, `typed` to show it again, `wrong` to say what is wrong."""

    given: dict[str, Any] = field(default_factory=dict)
    typed: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[Refusal] = field(default_factory=list)
    written: tuple[str, ...] = ()  # the fields that hold a person's own words


class Form:
    """The fields a request may carry. `request`, the id of the request, and `proof`, that a page of ours sent it, are
    always among them."""

    def __init__(self, *fields: Field) -> None:
        self.fields = {f.name: f for f in (*fields, _REQUEST, _PROOF)}

    def read(self, values: Values, *, strict: bool = True) -> Sheet:
        """All that is wrong at once. Unknown fields are refused where `strict`: in a body, not in a link."""
        sheet = Sheet(written=tuple(name for name, asked in self.fields.items() if asked.written))
        for name, asked in self.fields.items():
            sent = values.get(name, []) if asked.shown else []  # a secret has its place on the page, but stays empty
            sheet.typed[name] = [clean(v, lines=True) for v in sent if isinstance(v, str)]
        if strict:
            unknown = [name for name in values if name not in self.fields]
            sheet.wrong += [Refusal("We did not ask for this.", field=clean(name)[:40]) for name in unknown]
        for name, asked in self.fields.items():
            try:
                sheet.given[name] = asked.read([v for v in values.get(name, []) if v is not None])
            except Refusal as refusal:
                refusal.field = name
                sheet.wrong.append(refusal)
                if self.may_be_empty(name):
                    sheet.given[name] = asked.read([])
        return sheet

    def may_be_empty(self, name: str | None) -> bool:
        """An answer that may be left out; where it is wrong, `given` holds what an empty one gives."""
        return name in self.fields and name not in (_REQUEST.name, _PROOF.name) and not self.fields[name].must


def text(
    name: str, *, max: int, missing: str | None = None, lines: bool = False, shown: bool = True, **facts: object
) -> Field:
    """Words. Nothing sent is "". `missing` is the refusal of an empty answer; `lines` keeps line breaks."""

    def read(values: list[object]) -> str:
        value = _one(values)
        if not isinstance(value, str):
            raise Refusal("Answer this in words.")
        value = clean(value, lines=lines)
        if missing and not value.strip():
            raise Refusal(missing, field=name, **facts)
        if len(value) > max:
            raise Refusal("At most %(max)s characters.", max=max)
        return value

    schema = {"type": ["string", "null"], "maxLength": max}
    return Field(name, read, schema, must=bool(missing), shown=shown, written=True)


def key(name: str, *, max: int, missing: str | None = None) -> Field:
    """One of our own words, chosen and not written: a department, a medicine, a phrase."""
    return replace(text(name, max=max, missing=missing), written=False)


def dialled(name: str, *, max: int, missing: str | None = None) -> Field:
    """A telephone number or a code: the digits of every keyboard become plain ones."""
    typed = text(name, max=max, missing=missing)
    return replace(typed, read=lambda values: _plain_digits(str(typed.read(values))))


def whole(name: str, *, missing: str, optional: bool = False, **facts: object) -> Field:
    """A whole number; `optional` makes an empty answer None. The rooms know which numbers make sense."""

    def read(values: list[object]) -> int | None:
        value = _one(values)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise Refusal("Enter a whole number.")
        digits = _plain_digits(value.strip())
        if not digits and optional:
            return None
        if not digits:
            raise Refusal(missing, field=name, **facts)
        plain = digits.removeprefix("-")
        if not (plain.isascii() and plain.isdigit() and len(plain) <= DIGITS_MAX):
            raise Refusal("Enter a whole number.")
        return int(digits)

    most = 10**DIGITS_MAX - 1
    number = {"type": "integer", "minimum": -most, "maximum": most}
    typed = {"type": "string", "pattern": rf"^\s*-?[0-9]{{1,{DIGITS_MAX}}}\s*$"}
    schema = {"anyOf": [number, typed, *([{"enum": ["", None]}] if optional else [])]}
    return Field(name, read, schema, must=not optional)


def day(name: str) -> Field:
    """A day of the calendar as browsers send it, 2026-11-23; an empty answer is None."""

    def read(values: list[object]) -> date | None:
        value = _one(values)
        if value == "":
            return None
        try:
            return date.fromisoformat(_plain_digits(str(value).strip()))
        except ValueError:
            raise Refusal("Enter a day, like 2026-11-23.") from None

    typed = {"type": "string", "pattern": r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})?\s*$"}
    return Field(name, read, {"anyOf": [typed, {"enum": ["", None]}]})


def one_of(name: str, kind: type[Choice], *, missing: str) -> Field:
    """One of the answers of an enum."""

    def read(values: list[object]) -> Choice:
        value = _one(values)
        if not isinstance(value, str) or value not in set(kind):
            raise Refusal(missing)
        return kind(value)

    return Field(name, read, {"enum": [one.value for one in kind]}, must=True)


def many(name: str, known: Iterable[str], *, missing: str | None = None) -> Field:
    """Any number of the known answers, in the order they were sent; none sent is ()."""
    allowed = frozenset(known)

    def read(values: list[object]) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(v for v in values if isinstance(v, str) and v in allowed))
        if any(not isinstance(v, str) or v not in allowed for v in values):
            raise Refusal("Choose from the list.")
        if missing and not chosen:
            raise Refusal(missing)
        return chosen

    choice = {"enum": sorted(allowed)}
    return Field(name, read, {"anyOf": [choice, {"type": "array", "items": choice}]}, must=bool(missing))


def yes(name: str) -> Field:
    """A box: ticked or not."""

    def read(values: list[object]) -> bool:
        value = _one(values)
        if isinstance(value, bool):
            return value
        if value not in ("", "no", "yes"):
            raise Refusal("Tick the box or leave it empty.")
        return value == "yes"

    return Field(name, read, {"enum": [True, False, "yes", "no", "", None]})


def clean(value: object, *, lines: bool = False) -> str:
    """Text as a person sees it: composed letters, no control or invisible characters, one kind of line break."""
    composed = unicodedata.normalize("NFC", str(value).replace("\r\n", "\n").replace("\r", "\n"))
    if composed.replace("\n", "").isprintable():  # nearly always, and fast also where somebody sends a whole book
        return composed if lines else composed.replace("\n", " ")
    kept = ("\n" if c == "\n" and lines else " " if c in "\n\t" else c for c in composed if _visible(c))
    return "".join(kept)


def _plain_digits(value: str) -> str:
    """Full-width digits, and those of other scripts, as 0 to 9; a full-width plus as a plus."""
    return "".join("+" if c == "\uff0b" else str(unicodedata.decimal(c, c)) for c in value)


def _visible(c: str) -> bool:
    return c in "\n\t" or (c not in _HIDDEN_LETTERS and unicodedata.category(c) not in ("Cc", "Cs"))


def _one(values: list[object]) -> object:
    if len(values) > 1:
        raise Refusal("Give one answer only.")
    return values[0] if values else ""


def _request(values: list[object]) -> str:
    value = _one(values)
    if value == "":
        return ""
    if not isinstance(value, str) or not is_request(value):
        raise Refusal("Please open the page again.")
    return value


def is_request(value: str) -> bool:
    return REQUEST_MIN <= len(value) <= REQUEST_MAX and _REQUEST_LETTERS.issuperset(value)


_REQUEST = Field(
    "request", _request, {"type": "string", "pattern": rf"^([A-Za-z0-9_-]{{{REQUEST_MIN},{REQUEST_MAX}}})?$"}
)
_PROOF = Field("proof", _one, {"type": "string"}, shown=False)


def values_of(body: bytes | str, content_type: str) -> Values:
    """The fields of a body. Raises TooLarge, NotWhatWeTake, or a Refusal for one that cannot be read."""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    if len(raw) > BODY_MAX:
        raise TooLarge(
            "That is more than we can take in one go, so we could not keep it. "
            "Go back in your browser, where it may still be, and make it shorter."
        )
    kind = content_type.partition(";")[0].strip().lower()
    if not raw.strip() and kind in ("", *FORMS):
        return {}
    if kind == FORM_TYPE:
        return _from_form(raw)
    if kind == JSON_TYPE:
        return _from_json(raw)
    raise NotWhatWeTake("We cannot read what was sent. Please use the form on the page.")


def _from_form(raw: bytes) -> Values:
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError as broken:
        raise Refusal("We cannot read what was sent. Please use the form on the page.") from broken
    values: dict[str, list[object]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _from_json(raw: bytes) -> Values:
    try:
        sent = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_name_twice, parse_constant=_no_constant)
    except (ValueError, RecursionError) as broken:
        raise Refusal("We cannot read what was sent. It must be one JSON object.") from broken
    if not isinstance(sent, dict) or len(sent) > FIELDS_MAX:
        raise Refusal("We cannot read what was sent. It must be one JSON object.")
    return {name: value if isinstance(value, list) else [value] for name, value in sent.items()}


def _no_name_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _no_constant(name: str) -> object:
    raise ValueError(name)
