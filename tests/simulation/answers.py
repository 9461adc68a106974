"""What a deed answers: everything answered exists, the same request is answered the same, readers are written down."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.rooms import queue
from chalicelib.rooms.arrival import KEPT, Request
from chalicelib.rooms.assignment import Doctor
from chalicelib.rooms.consult import Message, Note
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.permission import Entry, Role
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import Lane, State, Ticket, Visit
from chalicelib.visit.arriving import Place
from tests.simulation.invariants import must
from tests.simulation.mirror import Change, Guard, Mirror
from tests.simulation.steps import Frame, visit_of

if TYPE_CHECKING:
    from tests.simulation.day import Job, Outcome

READS = frozenset({"open_visit", "read_messages", "see_prescription", "see_order"})
READERS = frozenset({Role.DOCTOR, Role.PHARMACIST, Role.COURIER, Role.DESK})
LOOKED = timedelta(minutes=15)  # one line for all the looks of a quarter of an hour
MAYBE = frozenset({"Busy", "killed"})  # nobody can know from this whether it happened


def identity(answer: Any) -> tuple[str, ...] | None:
    """What the answer is about: where the door would send the person."""
    if isinstance(answer, Place):
        answer = answer.visit
    if isinstance(answer, Visit | Ticket):
        return "visit", str(answer.id if isinstance(answer, Visit) else answer)
    if isinstance(answer, Message):
        return "message", str(answer.visit), answer.id
    if isinstance(answer, Note | Prescription | Order):
        return type(answer).__name__.lower(), str(answer.visit)
    if isinstance(answer, Doctor):
        return "doctor", answer.id
    if isinstance(answer, Request):
        return "answers", answer.holder
    return None


def is_line_of(frame: Frame, record: Any) -> bool:
    """The line of this deed's own effect, not of a rescue or a look on the way."""
    return isinstance(record, Entry) and record.request.split(":")[0] == frame.request


def check(mirror: Mirror, job: "Job", frame: Frame, outcome: "Outcome", before: Entry | None) -> None:
    """`before` is the line of the effect that this job had when it was sent earlier. Raises Broken."""
    must(not (job.stranger and outcome.ok), f"a stranger got in: {job.actor} {job.deed} {job.typed}")
    if outcome.ok:
        i5_what_was_answered_exists(mirror, outcome.answer)
        i14_every_reader_is_written_down(mirror, job, frame, outcome.answer)
    before_me = next((rival.line for rival in job.rivals if rival is not job and rival.line), None)
    if before_me is not None:
        i15_another_form_has_no_effect(job, outcome, before_me)
        return
    if hasattr(job.do, "__wrapped__") or job.deed in ("join", "add_person"):
        i15_the_same_request_has_one_effect_and_one_answer(mirror, job, frame, outcome, before)


def i5_what_was_answered_exists(mirror: Mirror, answer: Any) -> None:
    kind = identity(answer)
    if kind is None:
        return
    if kind[0] == "visit":
        must(Ticket.of(kind[1]) in mirror.visits, f"I5 answered {kind}, which is nowhere")
    elif isinstance(answer, Message | Note | Prescription | Order):
        numbers = mirror.parts[answer.visit][type(answer)]
        must((getattr(answer, "number", None) or answer.id) in numbers, f"I5 answered {answer}, which is nowhere")
    elif isinstance(answer, Request):
        must(answer.holder in mirror.drafts, f"I5 answered {answer}, which is nowhere")


def i14_every_reader_is_written_down(mirror: Mirror, job: "Job", frame: Frame, answer: Any) -> None:
    """Before anything was shown: the visit, and earlier visits of the same person that are shown with it. A list has no
    id: its line hangs on the reader."""
    if job.deed in READS and job.actor.role in READERS and "id" in job.typed:
        shown = [job.typed["id"], *(past.visit.id for past in getattr(answer, "history", ()))]
        for id in shown:
            looks = [line for line in mirror.audit.get(f"V#{id}", {}).values() if line.deed in ("look", "look_back")]
            mine = [line for line in looks if line.actor.id == job.actor.id and abs(line.at - frame.now) < LOOKED]
            must(mine, f"I14 {job.actor.id} read {id} in {job.deed} and no line says so")


def i15_the_same_request_has_one_effect_and_one_answer(
    mirror: Mirror, job: "Job", frame: Frame, outcome: "Outcome", before: Entry | None
) -> None:
    wrong_code = job.line is not None and job.line.answer.startswith("wrong code")
    if before is not None and outcome.word not in MAYBE and not _forgotten(mirror, job, frame, outcome):
        right = outcome.word == "Refusal" if wrong_code else outcome.ok
        must(right, f"I15 {job.deed} {job.request} had its effect ({before}), sent again it is told {outcome.word}")
        nothing = outcome.ok and job.deed == "take_next" and outcome.answer is None
        must(not nothing, f"I15 {job.request} took {before.answer}, sent again it is told that nobody waits")
    if outcome.ok and job.line is None:  # nobody to take, and a phone that has the ticket, need no effect
        held = job.deed == "come_back" and queue.is_theirs(outcome.answer, secret=job.typed["secret"])
        must(
            held or (job.deed == "take_next" and outcome.answer is None),
            f"I15 {job.deed} {job.request} answered {outcome.answer}: no effect",
        )
    if not outcome.ok and outcome.word not in MAYBE and before is None and not wrong_code:
        must(
            job.line is None, f"I15 {job.deed} {job.request} was refused ({outcome.word}) and had an effect: {job.line}"
        )
    told = {identity(o.answer) for o in job.outcomes if o.ok and (o.answer is not None or job.deed != "take_next")}
    must(len(told) <= 1, f"I15 {job.deed} {job.request} was answered {told}")


def _forgotten(mirror: Mirror, job: "Job", frame: Frame, outcome: "Outcome") -> bool:
    """Answers that never became a ticket are kept for KEPT; after that nobody is told what they were."""
    draft = mirror.drafts.get(job.typed.get("holder", ""))
    return outcome.word == "NotFound" and draft is not None and frame.now - draft.started_at > KEPT


def i15_another_form_has_no_effect(job: "Job", outcome: "Outcome", before: Entry) -> None:
    """The id was used: another form under it is refused. Who joins again with corrected answers gets the ticket."""
    same_ticket = job.deed == "join" and identity(outcome.answer) == ("visit", before.answer)
    must(not outcome.ok or same_ticket, f"I15 {job.request} was taken again with another form: {job.typed}")
    must(job.line is None, f"I15 {job.request} had another effect: {job.line}")


def visits_of(change: Change, mirror: Mirror) -> Iterator[Ticket]:
    """The visits whose invariants a changed row can break."""
    after = change.after
    if (id := visit_of(change, mirror)) is not None:
        yield id
    elif isinstance(after, Guard):
        yield after.visit
    elif isinstance(after, Lane):
        for id in mirror.active:
            visit = mirror.visits[id]
            if visit.lane == (after.department, after.number) and visit.state is State.WAITING:
                ticket = visit.ticket
                if ticket is None or ticket.n <= after.heads[ticket.band]:
                    yield id
