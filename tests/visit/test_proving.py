"""Proving: what is done by a proof is done by one that holds when it is written, not when the page was asked for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.refusal import TooLate
from chalicelib.rooms.queue import Band, Ticket
from chalicelib.store import records
from chalicelib.store.phone_rows import DrawnRow
from chalicelib.visit import proving
from chalicelib.visit.errand import Errand
from tests.builders import ANN, PUBLIC
from tests.visit.deeds import _adding, _finding
from tests.visit.walk import Walk

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


DEEDS = [(proving.add_person, PUBLIC, _adding), (proving.find, ANN, _finding)]


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
