"""Kit: what a hospital may say about its clinic, and what is refused with the name of what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.rooms.kit import LETTERS, BadKit, clinic

KIT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "chalicelib" / "clinic.json").read_text("utf-8"))


def kit(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(KIT)), **changes}


def test_the_demonstration_kit_is_a_clinic() -> None:
    made = clinic(KIT)
    assert made.department(made.departments[0].id) is made.departments[0]
    assert made.department("no such") is None
    assert made.medicine(made.formulary[0].id) is made.formulary[0]
    assert made.medicine("no such") is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"departments": []}, "between 1 and 20"),
        ({"departments": [KIT["departments"][0]] * 21}, "between 1 and 20"),
        ({"departments": [KIT["departments"][0]] * 2}, "the same id twice"),
        ({"formulary": [KIT["formulary"][0]] * 2}, "the same id twice"),
        ({"formulary": [KIT["formulary"][0]] * 501}, "at most 500"),
        ({"lanes": 0}, "lanes: between 1 and 18"),
        ({"lanes": 19}, "lanes: between 1 and 18"),
        ({"lanes": 2, "lanes_open": 3}, "lanes_open: at most as many as lanes"),
        ({"name": {"en": "Only English"}}, "no text in"),
        ({"fee": {"en": "Free of charge"}}, "fee: no text in zh"),
        ({"fee": {"en": "Free of charge", "zh": " "}}, "fee: no text in zh"),
        ({"fee": {"en": "x" * 61, "zh": "免费"}}, "fee: at most 60 characters"),
        ({"departments": [{**KIT["departments"][0], "fee": {"en": "30"}}]}, "fee: no text in zh"),
        ({"departments": [{**KIT["departments"][0], "letter": "O"}]}, "letter 'O'"),
        ({"departments": [{**KIT["departments"][0], "letter": "AB"}]}, "letter 'AB'"),
        ({"departments": [{**KIT["departments"][0], "id": "Big One"}]}, "small letters and digits"),
        ({"departments": [{**KIT["departments"][0], "id": "a.b"}]}, "small letters and digits"),
        ({"departments": [{**KIT["departments"][0], "about": {}}]}, "no text in"),
        ({"formulary": [{**KIT["formulary"][0], "interacts": ["no such"]}]}, "unknown ['no such']"),
        ({"formulary": [{**KIT["formulary"][0], "form": {"en": "Tablet"}}]}, "no text in"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_kit_that_cannot_be_used_names_what_is_wrong(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadKit) as caught:
        clinic(kit(**change))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "missing", sorted(set(KIT) - {"codes", "keep", "lanes", "logo", "policy", "prefer_minutes", "push", "sms", "staff"})
)
def test_a_kit_with_a_hole_names_the_hole(missing: str) -> None:
    short = {name: value for name, value in kit().items() if name != missing}
    with pytest.raises(BadKit, match=f"{missing} is missing"):
        clinic(short)


def test_two_departments_do_not_share_a_letter() -> None:
    first, second = KIT["departments"][:2]
    with pytest.raises(BadKit, match="letters"):
        clinic(kit(departments=[first, {**second, "letter": first["letter"]}]))


def test_letters_on_paper_do_not_look_like_digits() -> None:
    assert not set("IO") & set(LETTERS)
