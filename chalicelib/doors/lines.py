"""Lines: the medicines of a prescription as fields of a form, and the warnings a doctor must have seen."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chalicelib.clinic import CLINIC
from chalicelib.doors import words
from chalicelib.doors.form import Field, key, text, whole
from chalicelib.refusal import Refusal, SeveralRefusals
from chalicelib.rooms.dose import DOSE_MAX
from chalicelib.rooms.prescription import ADVICE_MAX, LINES_MAX, Line, warnings
from chalicelib.rooms.rules import Medicine

MEDICINE_MAX = 60  # letters of a medicine's id
SEEN_MAX = 3000  # letters that name every warning of five medicines
NUMBERS = range(1, LINES_MAX + 1)
PARTS = ("medicine", "dose", "per_day", "days", "advice")


def line_fields() -> Iterable[Field]:
    """`medicine_1` to `advice_5`, and `confirmed`: the warnings that the doctor has seen, named one by one."""
    for n in NUMBERS:
        yield key(f"medicine_{n}", max=MEDICINE_MAX)
        yield text(f"dose_{n}", max=DOSE_MAX)
        yield whole(f"per_day_{n}", missing="", optional=True)
        yield whole(f"days_{n}", missing="", optional=True)
        yield text(f"advice_{n}", max=ADVICE_MAX)
    yield key("confirmed", max=SEEN_MAX)


def lines_of(given: Mapping[str, Any]) -> tuple[tuple[Line, ...], tuple[int, ...]]:
    """The lines that were filled in, and at which number each stood on the form."""
    numbers = tuple(n for n in NUMBERS if any(given[f"{part}_{n}"] not in (None, "") for part in PARTS))
    lines = tuple(
        Line(
            medicine=given[f"medicine_{n}"],
            dose=given[f"dose_{n}"].strip(),
            per_day=given[f"per_day_{n}"] or 0,
            days=given[f"days_{n}"] or 0,
            advice=given[f"advice_{n}"].strip(),
        )
        for n in numbers
    )
    return lines, numbers


@contextlib.contextmanager
def on_the_form(numbers: tuple[int, ...]) -> Iterator[None]:
    """Rooms count the lines from 1; on the form there may be empty ones between them."""
    try:
        yield
    except Refusal as refusal:
        for one in refusal.refusals if isinstance(refusal, SeveralRefusals) else [refusal]:
            part, _, n = (one.field or "").rpartition("_")
            if part in PARTS and n.isdigit() and 1 <= int(n) <= len(numbers):
                one.field = f"{part}_{numbers[int(n) - 1]}"
        raise


def values_of(lines: Iterable[Line]) -> dict[str, object]:
    """A prescription's lines as the form shows them."""
    return {f"{part}_{n}": getattr(line, part) for n, line in enumerate(lines, start=1) for part in PARTS}


def typed_lines(typed: Mapping[str, list[str]]) -> tuple[Line, ...]:
    """Enough of what was typed to look for warnings, whatever else is wrong with it."""
    chosen = [(typed.get(f"medicine_{n}") or [""], typed.get(f"dose_{n}") or [""]) for n in NUMBERS]
    return tuple(Line(medicine=ids[0], dose=doses[0], per_day=0, days=0) for ids, doses in chosen if ids[0])


def as_typed(typed: Mapping[str, list[str]], language: str) -> list[str]:
    """Each line that was begun, in one line of text: for a page that has no boxes for it any more."""
    texts = []
    for n in NUMBERS:
        parts = ["".join(typed.get(f"{part}_{n}", [])).strip() for part in PARTS]
        if any(parts):
            texts.append(" · ".join(filter(None, [called(parts[0], language), *parts[1:]])))
    return texts


def found(lines: tuple[Line, ...], allergies: str) -> list[tuple[str, str, str]]:
    return warnings(lines, allergies=allergies, clinic=CLINIC)


def named(lines: tuple[Line, ...], allergies: str) -> str:
    """The warnings as one text. A doctor confirms exactly these: a medicine added later needs a new look."""
    return " ".join(sorted(":".join(warning) for warning in set(found(lines, allergies))))


def warnings_for(lines: tuple[Line, ...], allergies: str, language: str) -> list[dict[str, str]]:
    """Each warning once, with the medicines' names as the doctor reads them."""
    return [
        {"kind": kind, "medicine": called(one, language), "other": called(other, language)}
        for kind, one, other in dict.fromkeys(found(lines, allergies))
    ]


def called(id: str, language: str) -> str:
    """A medicine's name and strength; a word that is no medicine (an ingredient) as it is."""
    medicine = CLINIC.medicine(id)
    return f"{words.in_words(medicine.name, language)} {medicine.strength}" if medicine else id


def formulary(language: str) -> list[tuple[Medicine, str]]:
    """Every medicine with what the list calls it, in the order of that language (GB 18030 has it for common words)."""
    named_ones = [(m, f"{called(m.id, language)}, {words.in_words(m.form, language)}") for m in CLINIC.formulary]
    return sorted(named_ones, key=lambda pair: pair[1].encode("gb18030"))
