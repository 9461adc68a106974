"""`python -m infra.record`: takes one patient's record out of the clinic, as a FHIR R4 bundle, for the privacy officer.

    python -m infra.record --by pria --visit general.0.2.17 record.json    that visit
    python -m infra.record --by pria --visit general.0.2.17 --person record.json    and all others of the same person

A visit whose patient had it closed is closed to this too, and left out of `--person`: `--closed` takes it nevertheless,
for where a law or the patient asks for it, and the line of the audit says "closed".

Where `--person` cannot find all visits it says which are missing and ends with 2: of each department the newest 50 are
remembered, and only those of the kit's departments can be named. An older one is taken out by its own name, which
`infra.audit affected` prints.

A visit is named as `infra.audit affected` prints it, or as in its address. `--by` is who answers for it, an active
privacy officer: the line of the audit is written before the file, one for each visit, and the patient reads it. The
table is TABLE in the region of AWS_REGION. The file is a patient's record: guard it. `infra.verify` checks it.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from pynamodb.transactions import TransactWrite

from chalicelib.clinic import CLINIC
from chalicelib.doors.machine import to_json
from chalicelib.refusal import NotFound, Refusal
from chalicelib.rooms import fhir
from chalicelib.rooms.permission import Entry, Role
from chalicelib.rooms.queue import Ticket, Visit
from chalicelib.store import names, records
from chalicelib.store.lanes import HISTORY_MAX
from chalicelib.store.rows import GuardRow, VisitRow
from chalicelib.store.writing import in_reach, transact

OWNER_ONLY = 0o600
INCOMPLETE = 2  # the exit code of a record of which something is missing
SHUT = "The patient has had this record closed. --closed takes it out nevertheless."


def record(
    visit: str,
    by: str,
    *,
    person: bool,
    request: str,
    now: datetime,
    closed: bool = False,
    missing: list[str] | None = None,
) -> str:
    """The bundle as text; what of a `person` is not in it, and is not closed either, is said in `missing`. Raises
    Refusal for somebody who may not, and for a visit that is not there or is closed."""
    member = records.member(by)
    if member.role is not Role.PRIVACY_OFFICER or not member.active:
        raise Refusal("Only a privacy officer who works here takes a record out.")
    first = records.visit(_ticket(visit))
    if first.restricted and not closed:
        raise Refusal(SHUT)
    visits = [first]
    if person:
        found, unseen = _others(first.person)
        if missing is not None:
            missing += unseen
        visits += [one for one in found if one.id != first.id and (closed or not one.restricted)]
        if left := len({one.id for one in found} | {first.id}) - len(visits):
            print(f"{left} left out, which the patient has had closed. --closed takes them too.", file=sys.stderr)
    files = [records.file(one.id) for one in sorted(visits, key=lambda one: one.joined_at)]
    for file in files:  # before anybody sees any of them
        if file.visit.restricted and not closed:
            raise Refusal(SHUT)
        line = Entry(
            about=f"V#{file.visit.id}",
            request=request,
            actor=member.actor,
            deed="see_record",
            at=now,
            policy=CLINIC.policy,
            answer="closed" if file.visit.restricted else "",
        )
        _write_down(line, file.visit)
    return to_json(fhir.bundle(files, CLINIC, language=first.answers.language, now=now))


def _others(person: str) -> tuple[list[Visit], list[str]]:
    """The visits that are remembered of a person, and in words which ones are not, or cannot be read."""
    found: list[Visit] = []
    missing: list[str] = []
    broken: list[Ticket] = []
    with in_reach():
        guards = list(GuardRow.query(f"P#{person}", GuardRow.sk.startswith("A#"), consistent_read=True))
    for guard in guards:
        department = guard.sk.removeprefix("A#")
        if CLINIC.department(department) is None:
            missing.append(f"{len(guard.visits)} visits in {department}, a department that this kit does not have")
        else:
            found += records.visits([Ticket.of(id) for id in guard.visits], broken=broken)
        if len(guard.visits) >= HISTORY_MAX:
            missing.append(f"any visit in {department} before the newest {HISTORY_MAX}")
    missing += [f"{id}, which cannot be read" for id in broken]
    return found, missing


def _write_down(line: Entry, visit: Visit) -> None:
    """On the condition that the record is as open, or closed, as it was read. Raises Refusal where it is not."""
    shut = VisitRow.restricted
    same = shut.exists() if visit.restricted else shut.does_not_exist()

    def build(transaction: TransactWrite) -> None:
        transaction.condition_check(VisitRow, f"V#{visit.id}", "V", condition=VisitRow.pk.exists() & same)

    if transact(build, line):
        raise Refusal(SHUT)


def _ticket(visit: str) -> Ticket:
    try:
        return Ticket.of(visit) if "." in visit else names.ticket_of(visit)
    except ValueError:
        raise NotFound() from None


def _bound(words: list[str]) -> list[str]:
    """One visit's name in 64 begins with a dash, which would be read as another option."""
    for at in (n for n, word in enumerate(words[:-1]) if word == "--visit"):
        return [*words[:at], f"--visit={words[at + 1]}", *words[at + 2 :]]
    return words


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.record", description=__doc__.split("\n")[0])
    parser.add_argument("--by", required=True, help="the sign-in name of the privacy officer who answers for it")
    parser.add_argument("--visit", required=True, help="general.0.2.17, or the name in its address")
    parser.add_argument("--person", action="store_true", help="and the other visits of the same person")
    parser.add_argument("--closed", action="store_true", help="also what the patient has had closed")
    parser.add_argument("file", type=Path, help="a file that is not there yet")
    wishes = parser.parse_args(_bound(sys.argv[1:] if argv is None else argv))
    now, missing = datetime.now(UTC), list[str]()
    try:
        # First: a record that was taken out and could not be kept would stand in the audit for nothing.
        kept = os.open(wishes.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except OSError as why:
        print(f"The file cannot be made: {why.strerror}. Nothing was read.", file=sys.stderr)
        return 1
    with os.fdopen(kept, "w", encoding="utf-8") as file:
        try:
            request = f"taken:{wishes.by}:{now.isoformat()}"
            how = {"person": wishes.person, "closed": wishes.closed}
            file.write(record(wishes.visit, wishes.by, **how, request=request, now=now, missing=missing))
        except Refusal as no:
            wishes.file.unlink()
            print(no.message, file=sys.stderr)
            return 1
    print(f"The record is in {wishes.file}.")
    for one in missing:
        print(f"Not in it: {one}.", file=sys.stderr)
    return INCOMPLETE if missing else 0


if __name__ == "__main__":
    sys.exit(main())
