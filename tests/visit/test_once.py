"""Once: the same request has one effect and one answer, another form under its id is refused, each deed is audited."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.refusal import NotFound, Refusal
from chalicelib.rooms.permission import WHOSE, Entry
from chalicelib.store import records
from chalicelib.visit import arriving, desk, keeping, proving, seeing, sending, taking, watching
from chalicelib.visit import errand as errands
from chalicelib.visit.errand import Errand, fingerprint
from tests.simulation.mutants import instead
from tests.visit.deeds import DEEDS, Deed, Typed, another, same
from tests.visit.walk import Key, Walk, differ, table

# Where the answer is more than "it is done": an id that the deed made.
ANSWERED: dict[Callable[..., Any], Callable[[Any], str]] = {
    arriving.join: lambda visit: str(visit.id),
    desk.add_person: lambda visit: str(visit.id),
    taking.take_next: str,
    proving.add_person: lambda person: person.id,
    seeing.say: lambda message: message.id,
    sending.deliver: lambda order: "delivered",
    keeping.complain: lambda one: str(one.number),
    keeping.close_complaint: lambda one: str(one.number),
    watching.break_glass: lambda pane: pane.reason.value,
    watching.review_opening: lambda pane: pane.verdict.value,
}


def changed(before: dict[Key, Any], after: dict[Key, Any], deed: Deed) -> set[Key]:
    """What is different, but for the counters of a lane: a number drawn and not used is a hole."""
    return {(pk, sk) for pk, sk in differ(before, after) if not (deed.draws and sk == "L")}


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_a_request_happens_once(walk: Walk, deed: Deed) -> None:
    """Asked of every deed; in one test, because getting there is most of the work."""
    typed = deed.ready(walk)
    before = table()
    _refused_without_a_tie(walk, before, deed, typed)
    errand = walk.errand(deed.who, "once")
    first = deed.do(errand, **typed)
    after = table()
    line = _the_one_line_in_the_audit(before, after, deed, errand, typed)
    assert line.answer == ANSWERED.get(deed.do, lambda answer: "")(first), "what was answered, to be answered again"
    for _ in range(2):
        again = deed.do(walk.errand(deed.who, "once"), **typed)
        assert same(again) == same(first)
        assert changed(after, table(), deed) == set(), "a repeat changes nothing"
    if deed.other:
        with pytest.raises(Refusal):
            deed.do(walk.errand(deed.who, "once"), **another(deed, typed))
        assert changed(after, table(), deed) == set(), "another form under the same id is refused"
    try:
        deed.do(walk.errand(deed.who, "twice"), **typed)
    except Refusal:
        assert changed(after, table(), deed) == set(), "what is refused leaves no line"


def _refused_without_a_tie(walk: Walk, before: dict[Key, Any], deed: Deed, typed: Typed) -> None:
    """Everything is ready for it, and only the permission table says that it is nobody's business."""
    name = deed.audited_as
    assert name in WHOSE or not deed.about(typed).startswith("V#"), f"{name} is about a visit: whose must it be?"
    if name in WHOSE:
        with instead(WHOSE, name, {}), pytest.raises(NotFound):
            deed.do(walk.errand(deed.who, "nobody's"), **typed)
        assert changed(before, table(), deed) == set()


def _the_one_line_in_the_audit(
    before: dict[Key, Any], after: dict[Key, Any], deed: Deed, errand: Errand, typed: Typed
) -> Entry:
    about, request = deed.about(typed), deed.request("once", typed)
    new = {key for key in after.keys() - before.keys() if key[1].startswith("X#")}
    assert new == {(about, f"X#{request}")}, "one line, where somebody looks for it"
    line = next(line for line in records.audit(about) if line.request == request)
    assert (line.deed, line.actor.id, line.actor.role) == (deed.audited_as, deed.who.id, deed.who.role)
    assert (line.at, line.policy) == (errand.now, "demo-1")
    assert len(line.fingerprint) == 32
    return line


def test_a_wrong_code_sent_twice_is_one_wrong_try(walk: Walk) -> None:
    deed = next(deed for deed in DEEDS if deed.name == "deliver")
    typed = {**deed.ready(walk), "code": "000000"}
    for _ in range(2):
        with pytest.raises(Refusal) as caught:
            deed.do(walk.errand(deed.who, "once"), **typed)
        assert caught.value.field == "code"
    order = records.newest_order(typed["id"])
    assert order is not None
    assert order.wrong_codes == 1


def test_the_fingerprint_tells_forms_people_and_deeds_apart(walk: Walk) -> None:
    ann = replace(walk.errand(DEEDS[4].who), secret="ann's phone")
    one = fingerprint("say", ann, {"text": "a", "id": "1"})
    assert one == fingerprint("say", ann, {"id": "1", "text": "a"}), "the order of fields is no difference"
    assert len({one, fingerprint("leave", ann, {"text": "a", "id": "1"})}) == 2
    assert len({one, fingerprint("say", replace(ann, actor=replace(ann.actor, id="x")), {"text": "a", "id": "1"})}) == 2
    assert len({one, fingerprint("say", ann, {"text": "b", "id": "1"})}) == 2
    assert len({one, fingerprint("say", replace(ann, secret="another"), {"text": "a", "id": "1"})}) == 2
    assert errands.DECIDE_TRIES_MAX > 1
