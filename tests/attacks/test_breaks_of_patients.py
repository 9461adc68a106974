"""Every defence of patients that is taken away is missed: the attack's own check fails under its break."""

import importlib
import inspect

import pytest

from tests.attacks.breaks_of_patients import BREAKS, Break

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("broken", BREAKS, ids=lambda one: one.name)
def test_a_break_is_caught(request: pytest.FixtureRequest, broken: Break) -> None:
    module, _, check = broken.attack.partition(".")
    attack = getattr(importlib.import_module(f"tests.attacks.{module}"), check)
    (ground,) = inspect.signature(attack).parameters  # the cast at the doors, or a walk by the deeds
    place = request.getfixturevalue(ground)
    with broken.broken(), pytest.raises(AssertionError):
        attack(place)
