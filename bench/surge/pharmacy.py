"""Medicine: the pharmacist approves; of some, a parcel goes home. It only costs and decides nothing about the queue."""

from collections.abc import Callable
from typing import Any

from bench.surge.clinic import World
from bench.surge.people import Patient
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.permission import Actor, Role
from chalicelib.visit import sending

PLAYED_ONE_IN = 5  # of what only costs and decides nothing, one in so many is played, for all of them
SAM, KIM = (Actor(role=Role.PHARMACIST, id=id, name=id) for id in ("sam", "kim"))
COLE = Actor(role=Role.COURIER, id="cole", name="Cole")
STAFF = SAM, KIM, COLE
WHERE = {"way": Way.DELIVERY, "address": "1 River Road", "phone": "13800001234", "code": "123456"}
Steps = list[tuple[str, Callable[..., Any], Actor, dict[str, Any]]]  # name, deed, who does it, what they give


def send(world: World, patient: Patient) -> None:
    steps: Steps = [
        ("to_review", lambda errand, id: sending.to_review(errand), SAM, {}),
        ("see_prescription", sending.see_prescription, SAM, {}),
        ("review", sending.review, SAM, {"number": 1, "approve": True, "reason": ""}),
    ]
    if patient.parcel:
        steps += [
            ("choose_delivery", sending.choose_delivery, patient.actor, WHERE),
            ("pick", sending.pick, SAM, {}),
            ("check", sending.check, KIM, {}),
            ("hand_over", sending.hand_over, COLE, {}),
            ("deliver", sending.deliver, COLE, {"code": "123456"}),
        ]
    _one_by_one(world, patient, steps)


def _one_by_one(world: World, patient: Patient, steps: Steps) -> None:
    """Each step a minute after the one before was done: nobody packs what the pharmacist has not come round to."""
    (name, do, who, typed), *rest = steps

    def act() -> None:
        request = f"{name} {patient.name}"
        world.deed(name, do, who, request=request, times=PLAYED_ONE_IN, id=patient.id, **typed)
        if rest:
            world.later(60, lambda: _one_by_one(world, patient, rest))

    world.until_done(act)
