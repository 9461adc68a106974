"""Proving: what is done by a proof is done by one that holds when it is written, not when the page was asked for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.refusal import TooLate, Unproven
from chalicelib.rooms.queue import Band, Ticket
from chalicelib.store import lanes, records
from chalicelib.store.phone_rows import DrawnRow
from chalicelib.visit import arriving, proving
from chalicelib.visit.errand import Errand
from tests.builders import PUBLIC
from tests.simulation.mutants import instead
from tests.visit.deeds import _adding, _finding, _prover
from tests.visit.walk import Walk, person, table

End = Callable[[Errand], None]


def _here(errand: Errand) -> None:
    proving.sign_out(errand, owner="ab12", token="token")


def _everywhere(errand: Errand) -> None:
    proving.out_everywhere(errand, owner="ab12", token="token")


class Late:
    """The store, and somebody who ends the proof after everything was read and before anything is written."""

    def __init__(self, end: Callable[[], None]) -> None:
        self.end: Callable[[], None] | None = end

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def save(self, *changes: object, audit: Any) -> None:
        end, self.end = self.end, None
        if end:
            end()
        records.save(*changes, audit=audit)

    def join(self, *asked: Any, **more: Any) -> Ticket:
        end, self.end = self.end, None
        if end:
            end()
        return records.join(*asked, **more)


DEEDS = [(proving.add_person, PUBLIC, _adding), (proving.find, PUBLIC, _finding)]


@pytest.mark.parametrize("end", [_here, _everywhere])
@pytest.mark.parametrize(("deed", "who", "typed"), DEEDS)
def test_a_proof_that_ends_before_the_write_does_nothing(
    walk: Walk, deed: Any, who: Any, typed: Callable[[Walk], dict[str, Any]], end: End
) -> None:
    said = typed(walk)
    ended, errand = walk.errand(), walk.errand(who)
    late: Any = Late(lambda: end(ended))
    with pytest.raises(TooLate, match="We do not know this phone any more"):
        deed(_with(errand, late), **said)
    assert late.end is None, "it was ended in the middle"
    _nothing_done(said)


@pytest.mark.parametrize(("deed", "who", "typed"), DEEDS)
def test_a_proof_that_ended_before_the_deed_does_nothing(
    walk: Walk, deed: Any, who: Any, typed: Callable[[Walk], dict[str, Any]]
) -> None:
    """What the door read a moment ago is not what counts."""
    said = typed(walk)
    _everywhere(walk.errand())
    with pytest.raises(TooLate, match="We do not know this phone any more"):
        deed(walk.errand(who), **said)
    _nothing_done(said)


def _with(errand: Errand, late: Any) -> Errand:
    return replace(errand, records=late)


def _nothing_done(said: dict[str, Any]) -> None:
    assert records.phone("ab12")[1] == []
    if "by" in said:
        assert said["secret"] not in records.visit(said["id"]).also


def test_a_ticket_is_found_behind_many_that_others_drew_with_its_number(walk: Walk) -> None:
    """Joining needs no proof, so strangers can type somebody's number; theirs are passed over, not counted first."""
    said = _finding(walk)
    drawn = records.drawn("ab12")
    assert drawn == [said["id"]]
    for _ in range(60):
        DrawnRow("P#ab12", f"V#9{walk.errand().request}", visit=Ticket("general", 0, Band.STANDARD, 900)).save()
    assert len(records.drawn("ab12")) == 61
    assert said["id"] in [visit.id for visit in proving.tickets(walk.errand(), by=said["by"])]


def joins_though_the_proof_ended(walk: Walk, end: End) -> None:
    """By a person of the number, which is signed out after the door looked: no ticket, no number drawn in vain."""
    mei = _adding(walk)
    proving.add_person(walk.errand(), **mei)
    by = records.proof("token")
    ended, errand = walk.errand(), walk.errand()
    typed: dict[str, Any] = {"secret": "s", "person": person("Mei"), "consented": True, "phone": "ab12", "by": by}
    with pytest.raises(Unproven):
        arriving.join(_with(errand, Late(lambda: end(ended))), request=walk.request(), **typed)
    assert not [key for key in table() if key[0].startswith("V#")]
    (lane,) = records.lanes([("general", 0)], consistent=True)
    assert lane.waiting(Band.STANDARD) == 0
    assert records.drawn("ab12") == []


@pytest.mark.parametrize("end", [_here, _everywhere])
def test_whoever_joins_by_a_proof_that_ends_meanwhile_is_told_so(walk: Walk, end: End) -> None:
    joins_though_the_proof_ended(walk, end)


@pytest.mark.parametrize("end", [_here, _everywhere])
def test_without_the_condition_they_would_join(walk: Walk, end: End) -> None:
    with instead(lanes, "while_it_holds", lambda transaction, proof: None), pytest.raises(pytest.fail.Exception):
        joins_though_the_proof_ended(walk, end)


def test_a_number_signed_out_everywhere_and_proven_again_is_good(walk: Walk) -> None:
    """And the same request again is the same ticket, also once the proof has ended."""
    mei = _adding(walk)
    proving.add_person(walk.errand(), **mei)
    _everywhere(walk.errand())
    walk.now += timedelta(minutes=2)
    typed = {**_prover(walk), "digest": "mac 2"}
    proving.ask_code(walk.errand(), **typed)
    by = proving.prove(walk.errand(), holder="phone", digest="mac 2", token="token 2")
    request = walk.request(born=mei["born"])
    said: dict[str, Any] = {"request": request, "secret": "s", "person": person("Mei"), "consented": True, "by": by}
    first = arriving.join(walk.errand(), **said)
    assert first.verified
    proving.out_everywhere(walk.errand(), owner="ab12", token="token 2")
    assert arriving.join(walk.errand(), **said).id == first.id
