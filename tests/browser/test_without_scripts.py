"""What people do in browsers without scripts: the scenes that must not need any."""

import pytest

from tests.browser.conftest import NewStage
from tests.browser.scenes import WITHOUT_SCRIPTS
from tests.browser.tour import Scene


@pytest.mark.parametrize("scene", WITHOUT_SCRIPTS, ids=lambda scene: scene.__name__)
def test_people_can_without_scripts(new_stage: NewStage, scene: Scene) -> None:
    scene(new_stage("en", script=False))
