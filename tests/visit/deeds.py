"""Every deed that writes, once: who does it, what must have happened before, and what another form would say.

Tests go through this table: a repeat, a lost reply, a throttled table, two taps at once are asked of every deed.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from chalicelib.refusal import Refusal
from chalicelib.rooms.arrival import ForWhom
from chalicelib.rooms.assignment import NO_SHOW_AFTER
from chalicelib.rooms.complaint import About
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.glass import Reason, Verdict
from chalicelib.rooms.permission import SYSTEM, Actor, Role
from chalicelib.rooms.phone import TRIES_MAX, Purpose
from chalicelib.rooms.rules import Codes, Sms
from chalicelib.visit import (
    arriving,
    desk,
    holding,
    keeping,
    preferring,
    proving,
    seeing,
    sending,
    staffing,
    taking,
    telling,
    watching,
)
from chalicelib.visit.arriving import Place
from tests.builders import ADA, ANN, BO, COLE, DEE, KIM, MAX, PUBLIC, SAM, SOAP, a_clinic, a_line, plain
from tests.visit.walk import CODE, Walk, at_the_desk, person

Typed = dict[str, Any]


@dataclass(frozen=True)
class Deed:
    """`ready` brings the clinic to where the deed can be done and gives what is typed; `other` is another form."""

    name: str
    do: Callable[..., Any]
    who: Actor
    ready: Callable[[Walk], Typed]
    other: Typed = field(default_factory=dict)
    entry: str = ""  # the deed's name in the audit, where it is not the function's own
    draws: bool = False  # a number is drawn outside the transaction: done again it may leave a hole

    @property
    def audited_as(self) -> str:
        return self.entry or self.do.__name__

    def about(self, typed: Typed) -> str:
        """What the audit line hangs on."""
        if self.audited_as in ("go_on_duty", "pause", "take_next"):
            return f"D#{self.who.id}"
        if self.who is MAX:
            return f"U#{typed['id']}"
        if "owner" in typed:
            return f"P#{typed['owner']}"
        if "id" in typed:
            return f"V#{typed['id']}"
        if "request" in typed:
            return f"P#{typed['request'].holder}"
        return f"P#{typed['person' if 'person' in typed else 'holder']}"

    def request(self, request: str, typed: Typed) -> str:
        """The id under which it is done once: joining has the request's own."""
        return f"{typed['request'].id}:join" if self.do is arriving.join else request


def same(answer: Any) -> Any:
    """What two askers of the same thing must be told alike."""
    if isinstance(answer, Place):
        return plain(answer.visit), answer.ahead
    return plain(answer)


def _asking(walk: Walk) -> Typed:
    arriving.begin(walk.errand(), holder="phone", language="en", flags=("none",))
    return {"holder": "phone"}


def _joining(walk: Walk) -> Typed:
    return {"request": walk.request(), "secret": ANN.id, "person": person(ANN.id), "consented": True}


def _coming_back(walk: Walk) -> Typed:
    walk.signed()
    asked = walk.request(follow_up=True)
    return {**_joining(walk), "request": asked, "same_doctor": True}


def _called_past(walk: Walk) -> Typed:
    """Ann waits for Dr Ada, and Dr Bo has called past her number in the department."""
    id = walk.back_to()[0].id
    walk.on_duty(BO)
    assert walk.take(BO) is None
    return {"id": id}


def _changed(walk: Walk) -> Typed:
    id = walk.back_to()[0].id
    preferring.first_free(walk.errand(ANN), id=id)
    return {"id": id}


def _own_to_take(walk: Walk) -> Typed:
    walk.back_to()
    return {"departments": ("general",)}


def _with_doctor(walk: Walk) -> Typed:
    return {"id": walk.taken(), "epoch": 1}


def _in_consult(walk: Walk) -> Typed:
    typed = _with_doctor(walk)
    seeing.save_note(walk.errand(ADA), **typed, soap=SOAP)
    return typed


def _silent(walk: Walk) -> Typed:
    typed = _with_doctor(walk)
    walk.now += NO_SHOW_AFTER
    return typed


def _away(walk: Walk) -> Typed:
    walk.crowd(4)
    typed = _silent(walk)
    seeing.not_here(walk.errand(ADA), **typed)
    return {"id": typed["id"]}


def _finishing(walk: Walk, *medicines: str) -> Typed:
    outcome = Outcome.PRESCRIPTION if medicines else Outcome.REST
    lines = tuple(a_line(medicine) for medicine in medicines)
    said = {
        "soap": SOAP,
        "outcome": outcome,
        "summary": "Rest.",
        "lines": lines,
        "confirmed": False,
        "stated": ("spoke",),
    }
    return {**_with_doctor(walk), **said}


def _ready_to_take(walk: Walk) -> Typed:
    walk.join()
    walk.on_duty()
    return {"departments": ("general",)}


def _three_wait(walk: Walk) -> Typed:
    first = walk.join()
    walk.crowd(4)
    return {"id": first.id}


def _failed(walk: Walk) -> Typed:
    id = walk.handed_over()
    sending.fail_attempt(walk.errand(COLE), id=id, reason="Nobody there.")
    return {"id": id}


def _reviewing(walk: Walk, *, approve: bool) -> Typed:
    return {"id": walk.prescribed(), "number": 1, "approve": approve, "reason": "" if approve else "Too much."}


def _choosing(walk: Walk) -> Typed:
    said = {"way": Way.DELIVERY, "address": "1 River Road", "phone": "13800001234", "code": CODE}
    return {"id": walk.approved(), **said}


LI = {"id": "li", "name": "Dr Li", "role": Role.DOCTOR, "title": "Physician", "licence": "L-7"}
LI |= {"licence_until": date(2040, 1, 1), "practising_since": date(2015, 1, 1)}
LI_ELSEWHERE = {**LI, "departments": ("children",)}


def _hired(walk: Walk, **typed: Any) -> Typed:
    staffing.add_member(walk.errand(SYSTEM), **LI)
    return {"id": "li", **typed}


def _on_duty(walk: Walk) -> Typed:
    """A doctor at work; whose patients are handed on, each with a line of its own, is asked in tests/attacks."""
    walk.on_duty(Actor(role=Role.DOCTOR, id="li", name="Dr Li"))
    return _hired(walk)


def _dismissed(walk: Walk) -> Typed:
    typed = _hired(walk)
    staffing.dismiss(walk.errand(SYSTEM), **typed)
    return typed


def _prover(walk: Walk) -> Typed:
    """A clinic in which numbers are proven, and a browser that says one is its own."""
    walk.clinic = a_clinic(sms=Sms(provider="local", country="+86"), codes=Codes(on=True))
    asked = {"phone_id": "ab12", "number": "+8613800001234", "purpose": Purpose.PEOPLE, "born": None}
    return {"holder": "phone", **asked, "digest": "mac", "caller": "here", "network": "there"}


def _asked(walk: Walk) -> Typed:
    typed = _prover(walk)
    proving.ask_code(walk.errand(), **typed)
    return {"holder": "phone", "digest": "mac", "token": "token"}


def _guessed(walk: Walk) -> Typed:
    """With one try left."""
    typed = _asked(walk)
    for n in range(TRIES_MAX - 1):
        with contextlib.suppress(Refusal):
            proving.prove(walk.errand(), **{**typed, "digest": f"guess {n}"})
    return typed


def _proven(walk: Walk) -> Typed:
    typed = _asked(walk)
    proving.prove(walk.errand(), **typed)
    return {"owner": "ab12"}


def _adding(walk: Walk) -> Typed:
    return {
        **_proven(walk),
        "token": "token",
        "id": person("Mei"),
        "name": "Mei",
        "born": date(2024, 2, 29),
        "relation": ForWhom.CHILD,
    }


def _finding(walk: Walk) -> Typed:
    """Joined on one phone; its number is proven on another, with the patient's birth date."""
    typed = {**_prover(walk), "purpose": Purpose.FIND, "born": date(1989, 6, 1)}
    id = walk.join(found_by="ab12").id
    proving.ask_code(walk.errand(), **typed)
    proving.prove(walk.errand(), holder="phone", digest="mac", token="token")
    by = proving.known(walk.errand(), token="token")
    return {"id": id, "secret": "another phone's", "by": by}


def _complained(walk: Walk) -> Typed:
    id = walk.signed()
    keeping.complain(walk.errand(ANN), id=id, about=About.CARE, text="It hurt.")
    return {"id": id, "number": 1, "word": "We are sorry."}


def _opening(walk: Walk) -> Typed:
    return {"id": walk.signed(), "reason": Reason.STANDS_IN, "words": "For Ada."}


def _opened(walk: Walk) -> Typed:
    typed = _opening(walk)
    pane = watching.break_glass(walk.errand(BO), **typed)
    return {"id": typed["id"], "by": BO.id, "at": pane.at, "verdict": Verdict.IN_ORDER, "remark": ""}


PHONE = Actor(role=Role.PATIENT, id="another phone")
LINK = {"code": ANN.id, "secret": PHONE.id}
TEA = {**SOAP, "plan": "Tea."}
HURT = {"about": About.CARE, "text": "It hurt."}
PRIA = Actor(role=Role.PRIVACY_OFFICER, id="pria", name="Pria")
WHO = {"for_whom": ForWhom.ME, "name": "Ann Li", "age": 40, "guardian": ""}
DEEDS = [
    Deed(
        "begin",
        arriving.begin,
        PUBLIC,
        lambda w: {"holder": "phone", "language": "en", "flags": ("none",)},
        other={"flags": ("stroke",)},
        entry="ask",
    ),
    Deed(
        "answer",
        arriving.answer,
        PUBLIC,
        lambda w: {**_asking(w), "step": "who", **WHO},
        other={"name": "Bob"},
        entry="ask",
    ),
    Deed("forget", arriving.forget, PUBLIC, _asking),
    Deed("join", arriving.join, PUBLIC, _joining, other={"secret": "another phone"}, draws=True),
    Deed("leave", arriving.leave, ANN, lambda w: {"id": w.join().id}),
    Deed("leave a doctor", arriving.leave, ANN, lambda w: {"id": w.taken()}),
    Deed("need_more_time", arriving.need_more_time, ANN, _three_wait),
    Deed("join for one doctor", arriving.join, PUBLIC, _coming_back, other={"secret": "another phone"}, draws=True),
    Deed("first_free", preferring.first_free, ANN, lambda w: {"id": w.back_to()[0].id}),
    Deed("first_free, called past", preferring.first_free, ANN, _called_past, draws=True),
    Deed("same_doctor", preferring.same_doctor, ANN, _changed),
    Deed("take one's own", taking.take_next, ADA, _own_to_take, draws=True),
    Deed("ask_code", proving.ask_code, PUBLIC, _prover, other={"number": "+8613900000000"}),
    Deed("prove", proving.prove, PUBLIC, _asked, other={"token": "another"}),
    Deed("prove at the last try", proving.prove, PUBLIC, _guessed),
    Deed("add_person to a number", proving.add_person, PUBLIC, _adding, other={"name": "Meimei"}, entry="add_me"),
    Deed("sign_out", proving.sign_out, PUBLIC, lambda w: {**_proven(w), "token": "token"}, entry="sign_out_here"),
    Deed("out_everywhere", proving.out_everywhere, PUBLIC, lambda w: {**_proven(w), "token": "token"}),
    Deed("find", proving.find, PUBLIC, _finding, other={"secret": "a third phone's"}),
    Deed(
        "wake_me",
        telling.wake_me,
        ANN,
        lambda w: {"id": w.join().id, "endpoint": "https://web.push.apple.com/Ann"},
        other={"endpoint": "https://web.push.apple.com/Eve"},
    ),
    Deed(
        "go_on_duty",
        taking.go_on_duty,
        ADA,
        lambda w: {"departments": ("general",), "capacity": 2},
        other={"capacity": 3},
    ),
    Deed("pause", taking.pause, ADA, lambda w: w.on_duty() or {}),
    Deed("take_next", taking.take_next, ADA, _ready_to_take, draws=True),
    Deed("say", seeing.say, ANN, lambda w: {"id": w.join().id, "text": "Hi", "epoch": None}, other={"text": "Ho"}),
    Deed("doctor says", seeing.say, ADA, lambda w: {**_with_doctor(w), "text": "Hi"}, other={"text": "Ho"}),
    Deed(
        "save_note",
        seeing.save_note,
        ADA,
        lambda w: {**_with_doctor(w), "soap": SOAP},
        other={"soap": {**SOAP, "plan": "-"}},
    ),
    Deed("save_note again", seeing.save_note, ADA, lambda w: {**_in_consult(w), "soap": {**SOAP, "plan": "Tea."}}),
    Deed("hand_back", seeing.hand_back, ADA, lambda w: {**_in_consult(w), "reason": "Not my field."}, draws=True),
    Deed("not_here", seeing.not_here, ADA, _silent),
    Deed("call_again", seeing.call_again, ADA, _away),
    Deed("sign", seeing.sign, ADA, _finishing, other={"summary": "Something else."}),
    Deed("sign with medicine", seeing.sign, ADA, lambda w: _finishing(w, "paracetamol"), other={"lines": ()}),
    Deed(
        "amend", seeing.amend, ADA, lambda w: {"id": w.signed(), "soap": {**SOAP, "plan": "Tea."}}, other={"soap": SOAP}
    ),
    Deed("revise", seeing.revise, ADA, lambda w: {"id": w.returned(), "lines": (a_line(days=1),), "confirmed": False}),
    Deed("revoke", seeing.revoke, ADA, lambda w: {"id": w.approved(), "reason": "Allergy."}, other={"reason": "-"}),
    Deed(
        "approve", sending.review, SAM, lambda w: _reviewing(w, approve=True), other={"approve": False, "reason": "-"}
    ),
    Deed("return", sending.review, SAM, lambda w: _reviewing(w, approve=False), other={"reason": "-"}),
    Deed("choose_delivery", sending.choose_delivery, ANN, _choosing, other={"address": "2 River Road"}),
    Deed("pick", sending.pick, SAM, lambda w: {"id": w.ordered()}),
    Deed("check", sending.check, KIM, lambda w: {"id": w.picked()}),
    Deed("hand_over", sending.hand_over, COLE, lambda w: {"id": w.checked()}),
    Deed("deliver", sending.deliver, COLE, lambda w: {"id": w.handed_over(), "code": CODE}, other={"code": "000000"}),
    Deed("fail_attempt", sending.fail_attempt, COLE, lambda w: {"id": w.handed_over(), "reason": "Nobody there."}),
    Deed("bring_back", sending.bring_back, COLE, _failed),
    Deed("cancel_order", sending.cancel_order, ANN, lambda w: {"id": w.ordered()}),
    Deed("desk cancels order", sending.cancel_order, DEE, lambda w: {"id": w.checked()}),
    Deed(
        "add_person",
        desk.add_person,
        DEE,
        at_the_desk,
        other={"name": "Young Wu"},
        entry="join",
        draws=True,
    ),
    Deed("come_back", holding.come_back, PHONE, lambda w: {**LINK, "id": w.join().id}, other={"secret": "third"}),
    Deed("with paper", holding.come_back, PHONE, lambda w: {**LINK, **w.printed()}, other={"secret": "third"}),
    Deed("let_go", holding.let_go, ANN, lambda w: {"id": w.join().id, "secret": ANN.id}),
    Deed("cancel_visit", desk.cancel_visit, DEE, lambda w: {"id": w.join().id, "why": "Home."}, other={"why": "-"}),
    Deed("expire", desk.expire, DEE, lambda w: {"id": w.closed_upon().id}),
    Deed("complain", keeping.complain, ANN, lambda w: {"id": w.signed(), **HURT}, other={"text": "It still hurts."}),
    Deed("close_complaint", keeping.close_complaint, DEE, _complained, other={"word": "-"}),
    Deed("erase", keeping.erase, ANN, lambda w: {"id": w.signed()}),
    Deed("break_glass", watching.break_glass, BO, _opening, other={"words": "For Bo."}),
    Deed("review_opening", watching.review_opening, PRIA, _opened, other={"verdict": Verdict.NOT_IN_ORDER}),
    Deed("add_member", staffing.add_member, MAX, lambda w: dict(LI), other={"name": "Dr Lee"}),
    Deed(
        "change_member",
        staffing.change_member,
        MAX,
        lambda w: {**_on_duty(w), **LI_ELSEWHERE, "version": 1},
        other={"licence": "L-8"},
    ),
    Deed("dismiss", staffing.dismiss, MAX, _on_duty),
    Deed("take_back", staffing.take_back, MAX, _dismissed),
    Deed("reset_sign_in", staffing.reset_sign_in, MAX, _hired),
    Deed("sign_out_everywhere", staffing.sign_out_everywhere, MAX, _hired),
]


def another(deed: Deed, typed: Typed) -> Typed:
    """The same request, filled in differently."""
    different = {**typed, **deed.other}
    if deed.do is arriving.join:
        different["request"] = replace(typed["request"], why="Something else")
    return different
