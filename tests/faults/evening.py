"""An evening with something for the sweep to find, and what people find after it."""

from typing import Any

from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, Why
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, sweeping
from tests.builders import ADA, ANN, BO, BOB, EVE, MINUTE, SOAP
from tests.simulation import invariants
from tests.simulation.mirror import Mirror
from tests.visit.walk import Walk, table, visits


class Evening:
    """Somebody was called by a Lambda that died, a doctor vanished with somebody, somebody stepped back, and in front
    of the follow-ups one has left and one never came to write."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        waiting = walk.crowd(4)
        walk.join()
        arriving.need_more_time(walk.errand(ANN), id=visits()[-1].id)
        walk.on_duty(ADA)
        walk.on_duty(BO, "children")
        taken = walk.take(ADA)
        assert taken == waiting[0].id
        seeing.save_note(walk.errand(ADA), id=taken, epoch=1, soap=SOAP)
        left = walk.join(BOB, follow_up=True)
        records.draw("general", 0, Band.FOLLOW_UP)
        self.behind = walk.join(EVE, follow_up=True)
        arriving.leave(walk.errand(BOB), id=left.id)
        (lane,) = records.lanes([("general", 0)])
        records.call(lane, Band.STANDARD, Why.FIRST_COME, walk.now)
        self.begun, self.at = table(), walk.now
        self.sweep()
        self.calm = self.found()

    def sweep(self, minutes: int = 20) -> sweeping.Swept:
        return sweeping.sweep(self.walk.errand(SYSTEM, at=self.at + minutes * MINUTE))

    def found(self) -> Any:
        """What people find after it: whoever was lost is at the front, the vanished are off duty, once."""
        invariants.check(Mirror.of_table(), excused=invariants.nobody)
        fronts = sorted((str(v.id), v.ticket is not None and v.ticket.band is Band.RECALL) for v in visits())
        lines = sorted(line.deed for pk in {key[0] for key in table()} for line in records.audit(pk))
        duty = [records.doctor(id).on_duty for id in ("ada", "bo")]
        (lane,) = records.lanes([("general", 0)])
        passed = lane.heads[Band.FOLLOW_UP], lane.calls, lane.people(Band.FOLLOW_UP)
        return fronts, duty, passed, [deed for deed in lines if deed in ("bring_to_front", "pause", "expire")]
