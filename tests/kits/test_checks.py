"""A kit with a fault is refused with the file, the line and the reason; with several, all of them at once."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kit import TEMPLATES, KitRefused, read
from infra.kit.colour import contrast_with_white, readable
from infra.kit.lines import lines_of
from infra.kit.reading import sheet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The children's kit on a desk of its own, with everything it needs beside it."""
    shutil.copytree(TEMPLATES / "children", tmp_path / "mine")
    shutil.copyfile(TEMPLATES / "medicines.toml", tmp_path / "medicines.toml")
    return tmp_path / "mine"


def changed(folder: Path, old: str, new: str) -> int:
    """Put `new` in the place of `old`, once; gives the line."""
    file = folder / "clinic.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def refusals(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(KitRefused) as caught:
        read(folder)
    return [(wrong.file.name, wrong.line, wrong.why) for wrong in caught.value.wrongs]


FAULTS = [
    ('brand = "#a8471b"', 'brand = "#e9a23b"', "contrast of 2.17:1 and needs 4.5:1; #9c6c27 would do"),
    ('brand = "#a8471b"', 'brand = "orange"', "'orange' is not a colour"),
    ('policy = "demo"', 'policy = "strikt"', "unknown policy pack 'strikt'; did you mean 'strict'?"),
    ('zh = "发热咳嗽感冒"', 'zh = ""', "department 'fever': name has no text in 'zh'"),
    ('name = { en = "Sunflower Children’s Clinic", zh', "name = { de", "the clinic's name has no text in 'en'"),
    ('opens = "00:00"\n', "", "department 'fever': opens is missing"),
    ('closes = "22:00"', 'closes = "25:00"', "department 'skin': closes '25:00' is not a time"),
    ('languages = ["en", "zh"]', 'languages = ["en", "zh", "fr"]', "the pages are not translated into 'fr'"),
    ("guardian_age", "gardian_age", "there is no 'gardian_age' here; did you mean 'guardian_age'?"),
    ("patients_per_hour = 60", 'patients_per_hour = "many"', "patients_per_hour must be a whole number"),
    ("patients_per_hour = 60", "patients_per_hour = 0", "at least 1"),
    ('"salbutamol-inhaler"', '"salbutamol-inhale"', "did you mean 'salbutamol-inhaler'?"),
    ('"../medicines.toml"', '"drugs.toml"', "there is no file drugs.toml"),
    ('"logo.svg"', '"logo.gif"', "there is no file logo.gif"),
    ('timezone = "Asia/Shanghai"', 'timezone = "Asia/Changsha"', "there is no time zone 'Asia/Changsha'"),
    ('region = "ap-southeast-1"', 'region = "Singapore"', "region 'Singapore' should look like eu-west-1"),
    ('alarm_email = ""', 'alarm_email = "it@hospital"', "alarm_email 'it@hospital' is not an address"),
    ('id = "glass_rash"', 'id = "breathing"', "red flag 'breathing' is asked already"),
    ('id = "glass_rash"', 'id = "Rash!"', "small letters and underscores only"),
    ('"See a doctor from home"', '"See a docter from home"', "did you mean 'See a doctor from home'?"),
    ("ages = { from = 0, to = 17 }", "ages = { from = 17, to = 1 }", "the lower one first"),
    ("ages = { from = 0, to = 17 }", "ages = { form = 0 }", "there is no 'form' here; did you mean 'from'?"),
    ('letter = "B"', 'letter = "O"', "department letter 'O'"),
    ("[push]", "[stack]\nRequestPerSecond = 9\n\n[push]", "did you mean 'RequestsPerSecond'?"),
    ("[codes]", "[codes]\nper_fone = 9", "did you mean 'per_phone'?"),
    ('policy = "demo"', 'policy = "strict"\nrules = { valid_hours = 48 }', "may only be tightened, and strict has 24"),
    ('policy = "demo"', 'policy = "us"\nrules = { valid_ours = 48 }', "did you mean 'valid_hours'?"),
    ('policy = "demo"', 'policy = "eu"\nrules = { lines = "two" }', "is not of its kind"),
    ('policy = "demo"', 'policy = "strict"\nrules.permissions = [{ what = "verified" }]', "cannot be read"),
    ('provider = "none"', 'provider = "local"', "are written on the screen, codes and all"),
    ('fee = { en = "Free of charge", zh = "免费" }', 'fee = "Free"', "fee must be a text in every language"),
    ('zh = "免费" }', 'zh = " " }', "fee: what patients pay, has no text in 'zh'"),
    ('en = "Free of charge"', f'en = "{"x" * 61}"', "has 61 characters; at most 60"),
    ('closes = "22:00"', 'closes = "22:00"\nfee = { en = "15 yuan" }', "department 'skin': fee has no text in 'zh'"),
    ("guardian_age = 18", "guardian_age = 16", "guardian_age: at least 18 under demo"),
    ("[push]", '[regulator]\non = true\nfields = ["name"]\n\n[push]', "'name' is never told"),
    ("[push]", "[push", "not TOML"),
]


DEPARTMENT = 36


@pytest.mark.parametrize(("old", "new", "why"), FAULTS, ids=[fault[2][:40] for fault in FAULTS])
def test_a_fault_is_named_with_its_line(folder: Path, old: str, new: str, why: str) -> None:
    line = changed(folder, old, new)
    (found,) = [wrong for wrong in refusals(folder) if why in wrong[2]]
    assert found[0] == "clinic.toml"
    whole = "is missing" in why or "the lower one first" in why  # told where the department begins
    assert found[1] == (
        DEPARTMENT if whole else line + ("[stack]" in new or "[codes]" in new or "rules" in new or "\nfee" in new)
    ), found


def test_everything_that_is_wrong_is_said_at_once(folder: Path) -> None:
    lines = [changed(folder, old, new) for old, new, _ in (FAULTS[0], FAULTS[2], FAULTS[6])]
    assert [line for _, line, _ in refusals(folder)] == lines


def test_a_fault_in_the_formulary_is_told_in_the_formulary(folder: Path) -> None:
    file = folder.parent / "medicines.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('interacts = ["paracetamol-500"]', 'interacts = ["paracetamol-50"]'), encoding="utf-8")
    line = text[: text.index('interacts = ["paracetamol-500"]')].count("\n") + 1
    why = "medicine 'paracetamol-liquid' interacts with an unknown 'paracetamol-50'; did you mean 'paracetamol-500'?"
    assert refusals(folder) == [("medicines.toml", line, why)]


def test_own_texts_keep_the_gaps_that_we_fill(folder: Path) -> None:
    changed(folder, '"See a doctor from home" = "See', '"Open your ticket %(code)s" = "See')
    assert "the same gaps like %(number)s" in refusals(folder)[0][2]


@pytest.mark.parametrize(
    ("page", "text", "line", "why"),
    [
        ("hom.html", "", 1, "there is no page 'hom.html' to replace; did you mean 'home.html'?"),
        ("home.html", "<p>\n<script>x</script>", 2, "<script> is not allowed"),
        ("home.html", '<p style="color:red">', 1, 'style="…" would not be followed'),
        ("home.html", '\n\n<img src="https://else.where/x.png">', 3, "https://else.where/x.png is elsewhere"),
        ("home.html", "{{ name|safe }}", 1, "|safe would let"),
        ("home.html", "a\n{% if %}", 2, "not a Jinja2 page"),
    ],
)
def test_a_page_that_cannot_work_is_refused(folder: Path, page: str, text: str, line: int, why: str) -> None:
    (folder / "pages").mkdir()
    (folder / "pages" / page).write_text(text, encoding="utf-8")
    found = refusals(folder)
    assert [(name, at) for name, at, _ in found] == [(page, line)]
    assert why in found[0][2]


def test_a_kit_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    assert refusals(tmp_path)[0][2].startswith("the file cannot be read")
    (tmp_path / "clinic.toml").write_bytes(b'name = "ok"\nphone = "\xff"\n')
    assert refusals(tmp_path) == [("clinic.toml", 2, "not UTF-8: save the file as UTF-8")]


def test_every_key_of_every_kit_has_its_line() -> None:
    for file in (*TEMPLATES.glob("*/clinic.toml"), TEMPLATES / "medicines.toml"):
        read_sheet = sheet(file)
        for key, value in read_sheet.said.items():
            for path in [(key, i, k) for i, one in enumerate(value) for k in one] if _tables(value) else [(key,)]:
                last = next(part for part in reversed(path) if isinstance(part, str))
                line = read_sheet.lines.text[read_sheet.lines.of(path) - 1]
                assert line.lstrip("[").split("=")[0].strip().startswith((last, f'"{last}"')), (file.name, path, line)


def _tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def test_brackets_in_texts_and_comments_move_no_line() -> None:
    lines = lines_of('a = "x]["  # ]]\nb = [\n  "[", # [\n  "q",\n]\n[c."d.e"]\nf = \'\'\'\n[\n\'\'\'\ng = 1\n')
    found = {path: lines.of(path) for path in lines.first}
    assert found == {("a",): 1, ("b",): 2, ("c",): 6, ("c", "d.e"): 6, ("c", "d.e", "f"): 7, ("c", "d.e", "g"): 10}
    assert lines.of(("b",), '"q"') == 4
    assert lines.of(("nothing", "here")) == 1


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_the_colour_that_would_do_does(parts: tuple[int, int, int]) -> None:
    colour = "#" + "".join(f"{part:02x}" for part in parts)
    assert contrast_with_white(readable(colour)) >= 4.5
    if contrast_with_white(colour) >= 4.5:
        assert readable(colour) == colour


@pytest.mark.parametrize(("colour", "contrast"), [("#ffffff", 1.0), ("#000000", 21.0), ("#767676", 4.54)])
def test_contrast_is_what_wcag_says(colour: str, contrast: float) -> None:
    assert round(contrast_with_white(colour), 2) == contrast
