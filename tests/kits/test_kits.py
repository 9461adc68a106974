"""The kits that come with the software: each is a clinic, and each is what its people need."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chalicelib.doors import words
from chalicelib.rooms.kit import clinic as made
from chalicelib.rooms.rules import Clinic
from infra.kit import COMPILED, ROOT, TEMPLATES, Kit, configuration, folder_of, names, read, render
from infra.kit.stage import FIRST_LOAD_MAX, weights

KITS = ("children", "fever", "general", "mind", "network", "tcm")


@pytest.fixture(scope="module", params=KITS)
def kit(request: pytest.FixtureRequest) -> Kit:
    return read(TEMPLATES / request.param)


def clinic_of(kit: Kit) -> Clinic:
    return made(json.loads(configuration(kit)))


def test_these_are_all_the_kits() -> None:
    assert set(KITS) <= set(names()), "beside the hospital's own"
    assert tuple(sorted(folder.parent.name for folder in TEMPLATES.glob("*/clinic.toml"))) == KITS


@pytest.mark.parametrize("name", KITS)
def test_every_kit_is_shown_in_every_language(name: str) -> None:
    shown = (ROOT / "docs" / "kits.md").read_text(encoding="utf-8")
    for language in read(TEMPLATES / name).said["languages"]:
        picture = f"pictures/kit-{name}-{language}.png"
        assert f'src="{picture}"' in shown, "make pictures"
        assert (ROOT / "docs" / picture).read_bytes().startswith(b"\x89PNG")
    assert f"| `{name}` |" in shown


def a_copy(target: Path) -> Path:
    """As much of the clinic as a kit is rendered into."""
    (target / ".chalice").mkdir(parents=True)
    shutil.copyfile(ROOT / ".chalice" / "config.json", target / ".chalice" / "config.json")
    return target


def test_every_kit_renders_to_a_clinic_with_its_own_face(kit: Kit, tmp_path: Path) -> None:
    target = a_copy(tmp_path / "clinic")
    written = {path: (target / path).read_text(encoding="utf-8") for path in render(kit, target)}
    clinic = made(json.loads(written[COMPILED]))
    assert set(clinic.languages) == {"en", "zh"}
    icon = written[Path("chalicelib/pages/files/icon.svg")]
    assert icon == kit.logo or clinic.brand in icon
    assert clinic.logo is (Path("chalicelib/pages/files/logo.svg") in written)
    assert json.loads(written[Path(".chalice/config.json")])["lambda_architecture"] == "arm64"
    parameters = json.loads(written[Path(".chalice/parameters.json")])
    assert {one["ParameterKey"] for one in parameters} >= set(kit.said.get("stack", {}))


def test_rendering_again_changes_nothing_and_another_kit_leaves_nothing_behind(tmp_path: Path) -> None:
    def files() -> dict[Path, bytes]:
        return {path.relative_to(target): path.read_bytes() for path in target.rglob("*") if path.is_file()}

    target = a_copy(tmp_path / "clinic")
    render(read(folder_of("general")), target)
    first = files()
    render(read(folder_of("network")), target)
    assert Path("chalicelib/pages/own/home.html") in files()
    render(read(folder_of("general")), target)
    assert files() == first


def test_the_checkout_is_the_general_kit(tmp_path: Path) -> None:
    target = a_copy(tmp_path / "clinic")
    for path in render(read(folder_of("general")), target):
        if path.name != "parameters.json":
            assert (target / path).read_bytes() == (ROOT / path).read_bytes(), (
                f"make kit KIT=general, and commit {path}"
            )


@pytest.mark.slow
def test_a_kit_with_a_page_and_a_logo_opens_light_in_every_language() -> None:
    found = weights(read(folder_of("network")))
    assert {path.split("/")[1] for path in found} == {"en", "zh"}
    assert max(found.values()) <= FIRST_LOAD_MAX


def test_children_are_never_refused_and_babies_go_first() -> None:
    clinic = clinic_of(read(folder_of("children")))
    assert all(any(d.ages[0] <= age <= d.ages[1] for d in clinic.departments) for age in range(18))
    assert all(d.is_urgent_at(0) for d in clinic.departments)
    assert "young_fever" in clinic.own_flags


def test_an_epidemic_kit_is_one_open_department_with_a_limit_and_room_for_a_surge() -> None:
    kit = read(folder_of("fever"))
    (fever,) = clinic_of(kit).departments
    assert fever.opens == fever.closes
    assert fever.is_urgent_at(70)
    assert fever.waiting_max
    assert clinic_of(kit).lanes > 1
    assert int(kit.said["stack"]["RequestsPerSecond"]) > 500


def test_a_medicine_a_kit_leaves_out_is_not_interacted_with() -> None:
    clinic = clinic_of(read(folder_of("mind")))
    given = {medicine.id for medicine in clinic.formulary}
    assert given == {"sertraline-50", "fluoxetine-20", "mirtazapine-15", "propranolol-10"}
    assert all(set(medicine.interacts) <= given for medicine in clinic.formulary)


def test_own_words_stand_before_ours_and_everything_else_stays() -> None:
    own: dict[str, Any] = {"See a doctor from home": "Talk with a doctor from home"}
    first = words.Own(own)
    first.add_fallback(words.catalogue("zh"))
    assert first.gettext("See a doctor from home") == "Talk with a doctor from home"
    assert first.gettext("Choose a department.") == "请选择科室。"
    assert words.Own({}).gettext("As it is") == "As it is"
