"""Proving: a phone number by the code that was sent to it, the people it stands for, and a ticket found again."""

import contextlib
from dataclasses import dataclass, replace
from datetime import date

from chalicelib.refusal import Busy, NotFound, Repeated, Stale, TooLate, Unproven
from chalicelib.rooms import permission, phone, pocket, queue
from chalicelib.rooms.arrival import ForWhom
from chalicelib.rooms.phone import Claim, Holding, Known, Person, Proof, Purpose
from chalicelib.rooms.queue import Ticket, Visit
from chalicelib.visit.errand import Errand, about_person, about_visit, once


def _about_browser(errand: Errand, *, holder: str, **_: object) -> str:
    return about_person(holder)


def claim(errand: Errand, *, holder: str) -> Claim:
    """The number this browser says is its own. Raises NotFound."""
    found = errand.records.claim_of(holder)
    if found is None:
        raise NotFound()
    return found


def _must_prove_phones(errand: Errand) -> None:
    if not errand.clinic.proves_phones:
        raise NotFound()


def _claim_again(errand: Errand, answer: str, *, holder: str, **_: object) -> Claim:
    return claim(errand, holder=holder)


@once(about=_about_browser, again=_claim_again, made_here=frozenset({"digest", "caller", "network"}))
def ask_code(
    errand: Errand,
    *,
    holder: str,
    phone_id: str,
    number: str,
    purpose: Purpose,
    born: date | None,
    digest: str,
    caller: str,
    network: str,
) -> Claim:
    """A code may be sent, and is written down before it is. Whoever asked first under this request is given its own
    claim: only whose `digest` is the answer's sends the text.

    Nothing is looked up about the number but how many codes it was sent, so that a number we know and one we do not
    are answered alike.
    """
    _must_prove_phones(errand)
    counters = phone.counters(phone_id, caller, network, errand.clinic, errand.here, purpose)
    before, so_far = errand.records.asking(holder, counters)
    phone.may_ask(before, so_far, errand.now)
    new = Claim(
        holder=holder,
        phone=phone_id,
        number=number,
        purpose=purpose,
        digest=digest,
        asked_at=errand.now,
        born=born,
        version=before.version if before else None,
    )
    errand.records.save(new, *counters, audit=errand.entry("ask_code", about_person(holder)))
    return new


def not_sent(errand: Errand, asked: Claim) -> Claim:
    """The text never left. Kept for whoever asks the same again; where that cannot be, at least this answer says so."""
    unsent = replace(asked, unsent=True, version=(asked.version or 0) + 1)
    with contextlib.suppress(Stale, Busy):
        return errand.records.move(unsent)
    return unsent


def _proof_again(errand: Errand, answer: str, *, token: str, **_: object) -> Proof:
    found = errand.records.proof(token)
    assert found is not None, "a repeated proof was written before"
    return found


@once(about=_about_browser, again=_proof_again)
def prove(errand: Errand, *, holder: str, digest: str, token: str) -> Proof:
    """The right code makes this browser known. Every guess is counted first, in one step, and there are few."""
    before = claim(errand, holder=holder)
    phone.still_open(before, digest, errand.now)
    counted = errand.records.count_try(before, digest)
    if counted is None:
        raise Stale  # another guess was faster, or a newer code was sent: look again
    used, proof = phone.prove(counted, digest=digest, token=token, now=errand.now)
    errand.records.save(used, proof, audit=errand.entry("prove", about_person(holder)))
    return proof


def known(errand: Errand, *, token: str) -> Known | None:
    """What this browser has proven, with the people of its number; None if it has to prove it (again)."""
    proof = errand.records.proof(token) if token and errand.clinic.proves_phones else None
    if proof is None:
        return None
    number, people = errand.records.phone(proof.phone)
    if not phone.holds(proof, number, errand.clinic, errand.now):
        return None
    if phone.to_renew(proof, errand.clinic, errand.now):
        try:
            proof = errand.records.move(replace(proof, seen_at=errand.now))
        except Stale:  # another page of the same browser was faster, or it signed out
            proof = errand.records.proof(token) or proof
    return Known(proof=proof, phone=number, people=tuple(people)) if proof.ended_at is None else None


def _still_known(errand: Errand, token: str) -> Known:
    """The proof by which something is done, read by the deed itself: it may have ended since the door looked."""
    found = known(errand, token=token)
    if found is None:
        raise Unproven
    return found


def owner(errand: Errand, *, token: str) -> str:
    """Whose number a browser has proven, also where that is over: a repeat of signing out hangs on it."""
    proof = errand.records.proof(token)
    if proof is None or not errand.clinic.proves_phones:
        raise Unproven
    return proof.phone


def _about_phone(errand: Errand, *, owner: str, **_: object) -> str:
    return about_person(owner)


def _person_again(errand: Errand, answer: str, *, owner: str, **_: object) -> Person:
    people = errand.records.phone(owner)[1]
    return next(person for person in people if person.id == answer)


@once(about=_about_phone, again=_person_again, made_here=frozenset({"id", "token"}))
def add_person(errand: Errand, *, owner: str, token: str, id: str, name: str, born: date, relation: ForWhom) -> Person:
    """Somebody for whom this number stands, with a record of their own."""
    by = _still_known(errand, token)
    if by.phone.id != owner:
        raise Unproven
    new = Person(phone=owner, id=id, name=name, born=born, relation=relation, added_at=errand.now)
    after, new = phone.add(by, new, errand.clinic, errand.here.date())
    errand.records.save(after, new, Holding(token=token), audit=errand.entry("add_me", about_person(owner), answer=id))
    return new


def _nothing_again(errand: Errand, answer: str, **_: object) -> None:
    return None


@once(about=_about_phone, again=_nothing_again)
def sign_out(errand: Errand, *, owner: str, token: str) -> None:
    """This browser has to prove the number again."""
    proof = errand.records.proof(token)
    if proof is None or proof.phone != owner or proof.ended_at is not None:
        raise Unproven
    errand.records.save(replace(proof, ended_at=errand.now), audit=errand.entry("sign_out_here", about_person(owner)))


@once(about=_about_phone, again=_nothing_again, made_here=frozenset({"token", "kept"}))
def out_everywhere(errand: Errand, *, owner: str, token: str, kept: frozenset[str] = frozenset()) -> None:
    """Every browser that has proven this number until now has to prove it again, and holds no ticket any more that it
    found with it; but this one, with its secrets `kept`. The number is written last: a ticket that is found meanwhile
    writes it too, and then all is looked at again."""
    before = _still_known(errand, token).phone
    if before.id != owner:
        raise Unproven
    for visit in errand.records.visits(errand.records.drawn(owner), consistent=True):
        _put_away(errand, visit, kept)
    after = replace(before, signed_out_at=errand.now)
    errand.records.save(after, audit=errand.entry("out_everywhere", about_person(owner)))


def _put_away(errand: Errand, visit: Visit, kept: frozenset[str]) -> None:
    left = pocket.signed_out(visit, kept=kept)
    if left == visit:
        return
    line = replace(errand, request=f"out:{visit.version}").entry("out_everywhere", about_visit(visit.id))
    try:
        errand.records.save(left, audit=line)
    except Repeated as twice:
        raise Stale from twice  # the same form, sent twice at once: look again


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Somebody of a proven number as the question "Who needs the doctor?" wants them."""

    for_whom: ForWhom
    name: str
    age: int
    guardian: str
    person: str
    born: date


def chosen(errand: Errand, *, by: Known, person: str) -> Chosen:
    """Raises NotFound for somebody of another number."""
    found = by.person(person)
    if found is None:
        raise NotFound()
    today = errand.here.date()
    age, guardian = phone.age(found.born, today), phone.guardian(found, by.people, errand.clinic, today)
    if age < errand.clinic.guardian_age and not guardian:
        raise TooLate("A parent or guardian must ask for a child. Add yourself to this number first.")
    return Chosen(
        for_whom=phone.whom(found, errand.clinic, today),
        name=found.name,
        age=age,
        guardian=guardian,
        person=found.id,
        born=found.born,
    )


def tickets(errand: Errand, *, by: Known) -> list[Visit]:
    """The tickets of the last days that whoever proved this number may have, the newest first."""
    found = errand.records.visits(errand.records.drawn(by.phone.id), consistent=True)
    today = errand.here.date()
    return [visit for visit in found if phone.opens(by, visit, today, errand.now)][: phone.FOUND_SHOWN_MAX]


def _about_visit(errand: Errand, *, id: Ticket, **_: object) -> str:
    return about_visit(id)


def _visit_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Visit:
    return errand.records.visit(id)


@once(about=_about_visit, again=_visit_again, made_here=frozenset({"by"}))
def find(errand: Errand, *, id: Ticket, secret: str, by: Known) -> Visit:
    """The same ticket on this phone too. Raises NotFound for one that is not of this number and birth date."""
    by = _still_known(errand, by.proof.token)
    visit = next((visit for visit in tickets(errand, by=by) if visit.id == id), None)
    if visit is None:
        raise NotFound()
    permission.whose(errand.actor, "find", phone.ties(by, visit, errand.here.date(), errand.now))
    if queue.is_theirs(visit, secret=secret):
        return visit  # this phone has it
    found = phone.found_again(visit, secret=secret)
    errand.records.save(found, by.phone, Holding(token=by.proof.token), audit=errand.entry("find", about_visit(id)))
    return found
