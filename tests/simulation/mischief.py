"""Mischief: sent again, sent again with another form, tapped twice, and strangers with the right words in hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.rooms.consult import Outcome as Ending
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.permission import Actor, Role
from chalicelib.visit import arriving, desk, holding, preferring, seeing, sending, taking
from tests.simulation.day import Day, Job
from tests.simulation.staffroom import SOAP

if TYPE_CHECKING:
    from tests.simulation.crowd import Crowd

TRICKS_A_DAY = 4
REMEMBERED = 60  # jobs that may be sent again
TWISTS: dict[str, Any] = {"text": "Something else", "reason": "Another reason", "capacity": 3, "approve": False}
EVE = {role: Actor(role=role, id="eve", name="Eve") for role in Role}


class Mischief:
    """What goes wrong at the door without anybody meaning it, and what Eve means."""

    def __init__(self, day: Day, crowd: "Crowd") -> None:
        self.day, self.crowd, self.random = day, crowd, day.random
        self.tricks = day.seed * TRICKS_A_DAY  # one after the other, so that a few days try them all

    def act(self) -> None:
        self.random.choices([self.retry, self.replay, self.tap_twice, self.forge, self.eve], [5, 3, 1, 1, 2])[0]()

    def retry(self) -> None:
        """Whoever got no answer sends the same again. Some never do."""
        waiting = [job for job in self._recent() if job.outcomes and job.outcomes[-1].word in ("killed", "Busy")]
        self._send(waiting)

    def replay(self) -> None:
        """A browser sends a form again that was answered long ago."""
        self._send([job for job in self._recent() if job.outcomes])

    def tap_twice(self) -> None:
        """The same form at once: the second is sent while the first is on its way."""
        waiting = [job for job in self._recent() if len(job.outcomes) == 0]
        self._send(waiting or self._recent()[-3:])

    def forge(self) -> None:
        """The id of an earlier request, with another form."""
        jobs = [job for job in self._recent() if job.outcomes and set(TWISTS) & set(job.typed)]
        if not jobs:
            return
        job = self.random.choice(jobs)
        name = next(name for name in TWISTS if name in job.typed)
        typed = {**job.typed, name: TWISTS[name]}
        forgery = next((rival for rival in [job, *job.rivals] if rival.typed == typed), None)
        if forgery is None:
            job.rivals = job.rivals or [job]
            forgery = replace(job, typed=typed, line=None, outcomes=[])
            forgery.rivals.append(forgery)
        self.day.run(forgery)

    def _recent(self) -> list[Job]:
        """Forms that may be sent again; knowing who somebody is, is part of every request and none of its own."""
        return [j for j in self.day.jobs[-REMEMBERED:] if not j.stranger and j.deed not in ("look", "sign_in")]

    def _send(self, jobs: list[Job]) -> None:
        if jobs:
            job = self.random.choice(jobs)
            outcome = self.day.run(job)
            self.crowd.heard_back(job, outcome)

    def eve(self) -> None:
        """She knows the address of somebody's visit and nothing else."""
        visits = self.crowd.mirror.visits
        if not visits:
            return
        id = self.random.choice(sorted(visits))
        epoch = visits[id].epoch
        deed, do, role, typed = _TRICKS[self.tricks % len(_TRICKS)]
        self.tricks += 1
        if "epoch" in typed:
            typed = {**typed, "epoch": epoch}
        self.day.run(self.day.job(deed, do, EVE[role], stranger=True, id=id, **typed))


_SIGN: dict[str, Any] = {
    "epoch": 0,
    "soap": SOAP,
    "outcome": Ending.REST,
    "summary": "Go home",
    "lines": (),
    "confirmed": True,
}
_CHOOSE: dict[str, Any] = {"way": Way.PICK_UP, "address": "", "phone": "138 0000 1234", "code": "123456"}
_TRICKS: list[tuple[str, Callable[..., Any], Role, dict[str, Any]]] = [
    ("see_ticket", arriving.see_ticket, Role.PATIENT, {}),
    ("see_ticket", seeing.open_visit, Role.PATIENT, {}),
    ("come_back", holding.come_back, Role.PUBLIC, {"code": "guess", "secret": "guess"}),
    ("forget", holding.let_go, Role.PUBLIC, {"secret": "guess"}),
    ("leave", arriving.leave, Role.PATIENT, {}),
    ("need_more_time", arriving.need_more_time, Role.PATIENT, {}),
    ("say", seeing.say, Role.PATIENT, {"text": "Hello", "epoch": None}),
    ("read_messages", seeing.messages, Role.PATIENT, {"after": ""}),
    ("read_messages", seeing.messages, Role.DOCTOR, {"after": ""}),
    ("open_visit", seeing.open_visit, Role.DOCTOR, {}),
    ("say", seeing.say, Role.DOCTOR, {"text": "Hello", "epoch": 1}),
    ("save_note", seeing.save_note, Role.DOCTOR, {"epoch": 1, "soap": SOAP}),
    ("here_now", arriving.here_now, Role.PATIENT, {}),
    ("first_free", preferring.first_free, Role.PATIENT, {}),
    ("same_doctor", preferring.same_doctor, Role.PATIENT, {}),
    ("not_here", seeing.not_here, Role.DOCTOR, {"epoch": 1}),
    ("call_again", seeing.call_again, Role.DOCTOR, {}),
    ("hand_back", seeing.hand_back, Role.DOCTOR, {"epoch": 1, "reason": "Mine now"}),
    ("sign", seeing.sign, Role.DOCTOR, _SIGN),
    ("amend", seeing.amend, Role.DOCTOR, {"soap": SOAP}),
    ("revise", seeing.revise, Role.DOCTOR, {"lines": (), "confirmed": True}),
    ("revoke", seeing.revoke, Role.DOCTOR, {"reason": "Because"}),
    ("choose_delivery", sending.choose_delivery, Role.PATIENT, _CHOOSE),
    ("cancel_order", sending.cancel_order, Role.PATIENT, {}),
    # in the wrong role
    ("sign", seeing.sign, Role.PHARMACIST, _SIGN),
    ("open_visit", seeing.open_visit, Role.DESK, {}),
    ("review", sending.review, Role.DOCTOR, {"number": 1, "approve": True, "reason": ""}),
    ("cancel_visit", desk.cancel_visit, Role.PATIENT, {"why": "Because"}),
    ("expire", desk.expire, Role.DOCTOR, {}),
    ("pick", sending.pick, Role.PUBLIC, {}),
    ("deliver", sending.deliver, Role.PATIENT, {"code": "123456"}),
    ("see_prescription", sending.see_prescription, Role.COURIER, {}),
    ("see_order", sending.see_order, Role.PATIENT, {}),
    ("fail_attempt", sending.fail_attempt, Role.DESK, {"reason": "Because"}),
    ("print_ticket", desk.print_ticket, Role.DOCTOR, {}),
    # lists and duties that are about nobody in particular
    ("see_work", taking.work, Role.PATIENT, {}),
    ("see_prescription", sending.to_review, Role.PATIENT, {}),
    ("see_order", sending.orders, Role.PUBLIC, {}),
    ("see_queue", desk.see_queue, Role.PHARMACIST, {}),
    ("pause", taking.pause, Role.COURIER, {}),
]
