"""What people do, and what they see: every scene in every language, and once more in browsers without scripts."""

import pytest

from chalicelib.doors.words import LANGUAGES
from tests.browser.conftest import NewStage
from tests.browser.scenes import SCENES, WITHOUT_SCRIPTS
from tests.browser.tour import Scene, Tour


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_people_can(tour: Tour, scene: Scene, language: str) -> None:
    tour.play(scene, language)


@pytest.mark.parametrize("scene", WITHOUT_SCRIPTS, ids=lambda scene: scene.__name__)
def test_people_can_without_scripts(new_stage: NewStage, scene: Scene) -> None:
    scene(new_stage("en", script=False))
