"""Everything that can be wrong with a kit, each with its line: nothing is deployed that a person has to find later."""

import functools
import re
from collections.abc import Iterable, Mapping
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.messages.pofile import read_po

from chalicelib.rooms import packs
from chalicelib.rooms.arrival import RED_FLAGS
from chalicelib.rooms.kit import FEE_MAX, LETTERS, BadKit, clinic
from infra.kit import pages, shape
from infra.kit.colour import CONTRAST_MIN, contrast_with_white, is_colour, readable
from infra.kit.lines import Path_
from infra.kit.picture import BadPicture, logo
from infra.kit.reading import FILE, ROOT, Kit, KitRefused, Sheet, Wrong, sheet
from infra.kit.stack import parameters

TEXTS = ROOT / "chalicelib" / "pages" / "texts"
ARCHITECTURES = ("arm64", "x86_64")
FOR_THE_STACK = ("region", "patients_per_hour", "alarm_email", "architecture", "medicines", "stack")
TEXT_MAX = 300
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBER = re.compile(r"\+?[0-9]{2,15}")
_GAP = re.compile(r"%\((\w+)\)s|%[^(]")


def read(folder: Path) -> Kit:
    """The kit in a folder. Raises KitRefused with everything that is wrong with it."""
    kit = sheet(folder / FILE)
    said = kit.said
    _shapes(kit)
    _stack(kit)
    languages = [one for one in said.get("languages", ()) if isinstance(one, str)] if _is(said, "languages") else []
    _languages(kit, languages)
    _words(kit, languages)
    _look(kit)
    _rules(kit)
    _numbers(kit)
    _departments(kit)
    _danger(kit)
    _own_texts(kit, languages)
    formulary, wrongs = _formulary(kit, languages)
    picture = _logo(kit)
    own_pages = pages.read(folder / "pages", kit.wrongs)
    compiled = {**{key: value for key, value in said.items() if key not in FOR_THE_STACK}, "formulary": formulary}
    compiled["logo"] = bool(picture)
    if not kit.wrongs and not wrongs:
        _as_the_clinic_sees_it(kit, compiled)
    if kit.wrongs or wrongs:
        raise KitRefused(sorted(kit.wrongs + wrongs, key=lambda wrong: (str(wrong.file), wrong.line)))
    return Kit(name=folder.name, folder=folder, said=said, compiled=compiled, logo=picture, pages=own_pages)


def _is(said: Mapping[str, Any], key: str) -> bool:
    """Whether the key is there and of its kind; what is not has been reported already."""
    return isinstance(said.get(key), shape.CLINIC[key].kind.type)


def _tables(kit: Sheet, key: str) -> list[tuple[Path_, dict[str, Any]]]:
    found = kit.said.get(key, [])
    listed = found if isinstance(found, list) else []
    return [((key, index), one) for index, one in enumerate(listed) if isinstance(one, dict)]


def _shapes(kit: Sheet) -> None:
    _shape(kit, (), kit.said, shape.CLINIC)
    for key, keys in (("departments", shape.DEPARTMENT), ("red_flags", shape.RED_FLAG)):
        for path, one in _tables(kit, key):
            _shape(kit, path, one, keys)
    for path, one in _tables(kit, "departments"):
        for key, keys in (("ages", shape.FROM_TO), ("urgent", shape.URGENT)):
            _shape(kit, (*path, key), one.get(key, {}), keys)
    tables = {"sms": shape.SMS, "codes": shape.CODES, "push": shape.PUSH, "staff": shape.STAFF, "keep": shape.KEEP}
    tables["regulator"] = shape.REGULATOR
    for key, keys in tables.items():
        _shape(kit, (key,), kit.said.get(key), keys)


def _stack(kit: Sheet) -> None:
    if _is(kit.said, "sms") and kit.said["sms"].get("provider") == "local":
        kit.wrong(("sms", "provider"), 'texts by "local" are written on the screen, codes and all: "sns" or "none"')
    declared = parameters()
    for name in kit.said.get("stack", {}) if _is(kit.said, "stack") else ():
        if name not in declared:
            kit.wrong(("stack", name), f"the stack has no parameter {name!r}{shape.meant(name, declared)}")


def _shape(kit: Sheet, path: Path_, said: object, keys: Mapping[str, shape.Key]) -> None:
    if isinstance(said, dict):
        for key, why in shape.problems(said, keys):
            kit.wrong((*path, key) if key else path, _of(kit, path) + why)


def _of(kit: Sheet, path: Path_) -> str:
    """Which department it is about, by its id."""
    if path[:1] != ("departments",) or len(path) < 2:
        return ""
    return f"department {kit.said['departments'][path[1]].get('id', path[1])!r}: "


def _languages(kit: Sheet, languages: list[str]) -> None:
    if _is(kit.said, "languages") and not languages:
        kit.wrong(("languages",), 'at least one language is needed, like ["en"]')
    translated = {"en", *(file.name.partition(".")[0] for file in TEXTS.glob("*.po"))}
    for language in languages:
        if language not in translated:
            there = ", ".join(sorted(translated))
            why = f"the pages are not translated into {language!r}: chalicelib/pages/texts has {there}"
            kit.wrong(("languages",), why, f'"{language}"')


def _words(kit: Sheet, languages: Iterable[str]) -> None:
    _translated(kit, ("name",), kit.said.get("name"), languages, "the clinic's name")
    _translated(kit, ("fee",), kit.said.get("fee"), languages, "fee: what patients pay,", FEE_MAX)
    for path, one in _tables(kit, "departments"):
        _translated(kit, (*path, "fee"), one.get("fee"), languages, f"department {one.get('id')!r}: fee", FEE_MAX)
        for key in ("name", "about"):
            _translated(kit, (*path, key), one.get(key), languages, f"department {one.get('id')!r}: {key}")
    for path, one in _tables(kit, "red_flags"):
        _translated(kit, (*path, "text"), one.get("text"), languages, f"red flag {one.get('id')!r}")


def _translated(
    kit: Sheet, path: Path_, words: object, languages: Iterable[str], what: str, most: int = TEXT_MAX
) -> None:
    if not isinstance(words, dict):
        return
    for language in languages:
        said = words.get(language)
        if not (isinstance(said, str) and said.strip()):
            kit.wrong(path, f"{what} has no text in {language!r}")
        elif len(said) > most:
            kit.wrong(path, f"{what} in {language!r} has {len(said)} characters; at most {most}")


def _look(kit: Sheet) -> None:
    said = kit.said
    brand = said.get("brand")
    if isinstance(brand, str):
        if not is_colour(brand):
            kit.wrong(("brand",), f"{brand!r} is not a colour like #0b6e6e")
        elif (contrast := contrast_with_white(brand)) < CONTRAST_MIN:
            why = f"white text on {brand} has a contrast of {contrast:.2f}:1 and needs {CONTRAST_MIN}:1"
            kit.wrong(("brand",), f"{why}; {readable(brand)} would do")
    for key, known in (("policy", shape.POLICIES), ("architecture", ARCHITECTURES)):
        if isinstance(said.get(key), str) and said[key] not in known:
            what = "policy pack" if key == "policy" else key
            kit.wrong((key,), f"unknown {what} {said[key]!r}{shape.meant(said[key], known)}")


def _rules(kit: Sheet) -> None:
    """Each thing that would loosen the pack, or that no pack knows, at its own line."""
    name, said = kit.said.get("policy", packs.DEFAULT), kit.said.get("rules", {})
    if name not in packs.PACKS or not isinstance(said, dict):
        return
    for setting, value in said.items():
        if setting == "permissions" and isinstance(value, list):
            for index, one in enumerate(value):
                _rule(kit, name, ("rules", setting, index), {setting: [one]})
                _permitted_in(kit, ("rules", setting, index, "departments"), one)
        elif setting in packs.TIGHTER:
            _rule(kit, name, ("rules", setting), {setting: value})
        else:
            kit.wrong(("rules", setting), f"there is no rule {setting!r}{shape.meant(setting, packs.TIGHTER)}")
    least, age = packs.PACKS[name].guardian_age, kit.said.get("guardian_age")
    if isinstance(age, int) and age < least:
        kit.wrong(("guardian_age",), f"guardian_age: at least {least} under {name}")


def _rule(kit: Sheet, name: str, path: Path_, said: dict[str, Any]) -> None:
    try:
        packs.rules(name, said)
    except packs.BadRules as wrong:
        kit.wrong(path, str(wrong))


def _permitted_in(kit: Sheet, path: Path_, one: object) -> None:
    departments = [str(department.get("id")) for _, department in _tables(kit, "departments")]
    named = one.get("departments") if isinstance(one, dict) else None
    for department in named if isinstance(named, list) else ():
        if department not in departments:
            kit.wrong(path, f"there is no department {department!r}{shape.meant(str(department), departments)}")


def _numbers(kit: Sheet) -> None:
    said = kit.said
    for key, pattern, example in (
        ("region", REGION, "eu-west-1"),
        ("emergency_number", _NUMBER, "120"),
        ("phone", _NUMBER, "+861000000000"),
    ):
        if isinstance(said.get(key), str) and not pattern.fullmatch(said[key]):
            kit.wrong((key,), f"{key} {said[key]!r} should look like {example}")
    email = said.get("alarm_email")
    if isinstance(email, str) and email and not _EMAIL.fullmatch(email):
        kit.wrong(("alarm_email",), f'alarm_email {email!r} is not an address; "" if nobody is to be told')
    if said.get("patients_per_hour") == 0:
        kit.wrong(("patients_per_hour",), "patients_per_hour: how many people come in an ordinary hour, at least 1")
    try:
        ZoneInfo(str(said.get("timezone", "UTC")))
    except (ZoneInfoNotFoundError, ValueError):
        kit.wrong(("timezone",), f"there is no time zone {said['timezone']!r}; one is Asia/Shanghai")


def _departments(kit: Sheet) -> None:
    for path, one in _tables(kit, "departments"):
        letter = one.get("letter")
        if isinstance(letter, str) and (len(letter) != 1 or letter not in LETTERS):
            kit.wrong((*path, "letter"), f"department letter {letter!r}: one of {LETTERS}")
        for key in ("opens", "closes"):
            said = one.get(key)
            if isinstance(said, str) and not _is_time(said):
                kit.wrong((*path, key), f"department {one.get('id')!r}: {key} {said!r} is not a time like 08:00")


def _is_time(said: str) -> bool:
    try:
        time.fromisoformat(said)
    except ValueError:
        return False
    return bool(re.fullmatch(r"\d\d:\d\d", said))


def _danger(kit: Sheet) -> None:
    for path, one in _tables(kit, "red_flags"):
        id = one.get("id")
        if isinstance(id, str) and not re.fullmatch(r"[a-z][a-z_]{1,30}", id):
            kit.wrong((*path, "id"), f"red flag id {id!r}: small letters and underscores only")
        elif id in (*RED_FLAGS, "none"):
            kit.wrong((*path, "id"), f"red flag {id!r} is asked already; choose another id")


def _own_texts(kit: Sheet, languages: list[str]) -> None:
    own = kit.said.get("texts", {})
    if not isinstance(own, dict) or not own:
        return
    ours = our_texts()
    for language, texts in own.items():
        if language not in languages or not isinstance(texts, dict):
            kit.wrong(("texts", language), f"texts.{language}: not one of this clinic's languages")
            continue
        for text, said in texts.items():
            path = ("texts", language, text)
            if text not in ours:
                kit.wrong(path, f"no page says {text!r}{shape.meant(text, ours)}")
            elif not isinstance(said, str) or not said or len(said) > TEXT_MAX:
                kit.wrong(path, f"{text!r}: a text of at most {TEXT_MAX} characters")
            elif sorted(_GAP.findall(said)) != sorted(_GAP.findall(text)):
                kit.wrong(path, f"{text!r}: the same gaps like %(number)s must be in your text")


@functools.cache
def our_texts() -> frozenset[str]:
    """Everything the pages say, in English, which is also how it is named."""
    found: set[str] = set()
    for file in TEXTS.glob("zh.*.po"):
        with file.open("rb") as source:
            found |= {str(message.id) for message in read_po(source) if message.id}
    return frozenset(found)


def _formulary(kit: Sheet, languages: list[str]) -> tuple[list[dict[str, Any]], list[Wrong]]:
    """The medicines this clinic gives: those it names, or all of its formulary file."""
    if not _is(kit.said, "formulary"):
        return [], []
    file = (kit.file.parent / kit.said["formulary"]).resolve()
    if not file.is_file():
        kit.wrong(("formulary",), f"there is no file {kit.said['formulary']} beside this kit")
        return [], []
    try:
        listed = sheet(file)
    except KitRefused as refused:
        return [], refused.wrongs
    every = _medicines(listed, languages)
    wanted = kit.said.get("medicines")
    if not isinstance(wanted, list):
        return list(every.values()), listed.wrongs
    for id in wanted:
        if id not in every:
            kit.wrong(("medicines",), f"no medicine {id!r} in the formulary{shape.meant(str(id), every)}", f'"{id}"')
    given = [id for id in every if id in wanted]
    chosen = [
        {**every[id], "interacts": [one for one in every[id].get("interacts", ()) if one in given]} for id in given
    ]
    return chosen, listed.wrongs


def _medicines(listed: Sheet, languages: list[str]) -> dict[str, dict[str, Any]]:
    every: dict[str, dict[str, Any]] = {}
    for path, one in _tables(listed, "formulary"):
        _shape(listed, path, one, shape.MEDICINE)
        for key in ("name", "form"):
            _translated(listed, (*path, key), one.get(key), languages, f"medicine {one.get('id')!r}: {key}")
        id = str(one.get("id"))
        if id in every:
            listed.wrong((*path, "id"), f"medicine {id!r} is in the list twice")
        every[id] = one
    for path, one in _tables(listed, "formulary"):
        for other in one.get("interacts", ()):
            if other not in every:
                why = f"medicine {one.get('id')!r} interacts with an unknown {other!r}{shape.meant(str(other), every)}"
                listed.wrong((*path, "interacts"), why, f'"{other}"')
    return every


def _logo(kit: Sheet) -> str:
    name = kit.said.get("logo", "")
    if not isinstance(name, str) or not name:
        return ""
    file = kit.file.parent / name
    if Path(name).name != name or not file.is_file():
        kit.wrong(("logo",), f"there is no file {name} beside this kit")
        return ""
    try:
        return logo(file)
    except BadPicture as bad:
        kit.wrongs.append(Wrong(file, bad.line, str(bad)))
        return ""


def _as_the_clinic_sees_it(kit: Sheet, compiled: Mapping[str, Any]) -> None:
    """The clinic's own last word, by the code that will read it."""
    try:
        clinic(compiled)
    except (BadKit, ValueError) as bad:
        named = re.search(r"department '?([a-z0-9]+)'?", str(bad))
        ids = [one.get("id") for _, one in _tables(kit, "departments")]
        path: Path_ = ("departments", ids.index(named[1])) if named and named[1] in ids else (str(bad).split(":")[0],)
        kit.wrong(path, str(bad))
