"""Dose: how much of a medicine at a time, read whole out of what a doctor typed, or refused."""

import math
import re

from chalicelib.refusal import Refusal
from chalicelib.rooms.rules import Medicine

DOSE_MAX = 60
USUAL_TIMES_MAX = 10  # a dose of more than so many times the largest usual one is a slip of the decimal point
_MG, _ML = "mg", "ml"
_UNITS = {  # of micro there are two: the sign and the Greek letter
    **dict.fromkeys(("µg", "μg", "ug", "mcg", "microgram", "micrograms", "微克"), (_MG, 0.001)),
    **dict.fromkeys(("mg", "milligram", "milligrams", "毫克"), (_MG, 1.0)),
    **dict.fromkeys(("g", "gram", "grams", "克"), (_MG, 1000.0)),
    **dict.fromkeys(("ml", "millilitre", "millilitres", "毫升"), (_ML, 1.0)),
    **dict.fromkeys(("l", "升"), (_ML, 1000.0)),
}
_NUMBER = r"\d+(?:[,\s]\d{3})*(?:\.\d+)?"
_BETWEEN = r"\s*(?:[-–—~/×x*]|to|至|到)\s*"  # "500–1000 mg", "8 × 0.2 g"
_AMOUNT = re.compile(rf"({_NUMBER}(?:{_BETWEEN}{_NUMBER})*)\s*([^\W\d]+)")  # numbers and the word after them
_UNREAD = re.compile(r"\d|^\s*[-–−+]")  # of a dose, when its amounts are taken out
_TIMES = re.compile(r"[×x*]")


def wrong(field: str, dose: str, medicine: Medicine) -> list[Refusal]:
    """A usual dose is right as it is; any other has a unit, and is no multiple that nobody can have meant. Whether it
    is wise is asked as a warning."""
    if is_usual(dose, medicine):
        return []
    if not dose or len(dose) > DOSE_MAX:
        return [Refusal("Enter the dose.", field=field)]
    if not any(letter.isalpha() for letter in dose) or _UNREAD.search(_AMOUNT.sub("", dose.casefold())):
        return [Refusal("Enter the dose with its unit, like “500 mg”.", field=field)]
    usual = {
        unit: (number, one)
        for number, unit, one in sorted((*first, one) for one in medicine.doses for first in _amounts(one)[:1])
    }
    for number, unit in _amounts(dose):
        if not number:
            return [Refusal("Enter the dose.", field=field)]
        most, one = usual.get(unit, (number, ""))
        if number > USUAL_TIMES_MAX * most:
            facts = {"times": USUAL_TIMES_MAX, "usual": one}
            return [Refusal("More than %(times)s times the largest usual dose, %(usual)s.", field=field, **facts)]
    return []


def is_usual(dose: str, medicine: Medicine) -> bool:
    """One of the formulary's, however it is spelled: "0.5g" is 500 mg."""
    if dose in medicine.doses:
        return True
    plain = _AMOUNT.fullmatch(dose.casefold()) and re.fullmatch(rf"{_NUMBER}[^\d]*", dose)
    return bool(plain) and any(_amounts(dose) == _amounts(one) for one in medicine.doses)


def _amounts(dose: str) -> list[tuple[float, str]]:
    """How much and what of, in one unit for all weights and one for all volumes: the most that each part of the text
    can mean."""
    found = []
    for said, word in _AMOUNT.findall(dose.casefold()):
        unit, times = _UNITS.get(word, (word, 1.0))
        numbers = [float(re.sub(r"[,\s]", "", one)) for one in re.findall(_NUMBER, said)]
        found.append((times * (math.prod(numbers) if _TIMES.search(said) else max(numbers)), unit))
    return found
