"""Phone: a number proven by a code, how long a browser is known by it, and the people it stands for.

Nobody has to prove a number to be seen. Who does is the same person on every phone: their doctor sees the earlier
visits, and a ticket can be found again. A number that was only typed opens nothing.
"""

import contextlib
import hmac
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from chalicelib.refusal import Refusal, SeveralRefusals, TooLate
from chalicelib.rooms.arrival import NAME_MAX, ForWhom, Request, telephone
from chalicelib.rooms.permission import Tie
from chalicelib.rooms.queue import Visit
from chalicelib.rooms.rules import AGE_MAX, DAYS_MAX, TICKET_DAYS_MAX, Clinic

CODE_DIGITS = 6
CODE_LIVES = timedelta(minutes=5)
TRIES_MAX = 5  # of one code: 5 in a million
RESEND = timedelta(seconds=60)
CLAIM_KEPT = timedelta(days=1)
PROOF_KEPT = timedelta(days=DAYS_MAX)  # no kit lets a proof hold for longer
PEOPLE_MAX = 8  # of one number: a family
FOUND_MAX = 200  # tickets of one number that are looked at: others may have joined with it, by mistake or on purpose
FOUND_SHOWN_MAX = 50  # of them that are shown, the newest
ALSO_MAX = 3  # phones that hold a ticket besides the one that drew it
FOUND = timedelta(days=7)  # how long a ticket can be found again
HELD = timedelta(days=TICKET_DAYS_MAX + 30)  # since joining: so long signing out takes away what was found
NETWORK_SHARE = 5  # of the clinic's codes in a day one network has at most a fifth: a village may be one address
FIND_MAX = 3  # codes to find a ticket, of one number in a week of seven days: each is a guess at a birth date
NATIONAL = ("", 7, 15)  # how a number that takes texts begins after its country, its fewest and most digits
MOBILE = {"+86": ("1", 11, 11)}  # where that is told from land lines
ONE_YEAR = 1  # people say their age as at the last birthday, the next, or by the Chinese count


class Purpose(StrEnum):
    """What the code was asked for, and so where its owner goes on. A code for one opens no other."""

    PEOPLE = "people"
    ASK = "ask"
    FIND = "find"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A browser says that a number is its own; the code that was sent there proves it. One at a time per browser,
    so a newer code is the only one, and nobody's guesses use up the tries of another."""

    holder: str  # hash of the secret of the browser
    phone: str  # the number as a MAC: what rows are kept under
    number: str
    purpose: Purpose
    digest: str  # MAC of phone, purpose and code; the code itself is kept nowhere
    asked_at: datetime
    born: date | None = None  # to find a ticket: of the patient it is for
    tries: int = 0
    last_try: str = ""  # digest of the newest guess: the same one again, like a lost reply, is not counted again
    proven: bool = False
    unsent: bool = False  # the text never left: the same request again is told so, and another one need not wait
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A browser has proven a number. `token` is the hash of what its cookie holds."""

    token: str
    phone: str
    number: str
    purpose: Purpose
    began_at: datetime
    seen_at: datetime
    born: date | None = None  # proven to find the tickets of somebody born on this day, and no others
    ended_at: datetime | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A number that was proven at least once."""

    id: str
    people: int = 0
    signed_out_at: datetime | None = None  # everywhere: no proof of before holds any more
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of a proven number, with a record of their own: its owner, a child, somebody cared for."""

    phone: str
    id: str
    name: str
    born: date
    relation: ForWhom
    added_at: datetime
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """To be written with a code that is sent: one more of at most so many, or nothing is written."""

    about: str
    most: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A proven number with everything that is kept of it."""

    proof: Proof
    phone: Phone
    people: tuple[Person, ...]

    def person(self, id: str) -> Person | None:
        return next((person for person in self.people if person.id == id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """To be written with what is done by a proof: if that was signed out meanwhile, nothing is. Its number is written
    with it, which whoever signs out everywhere writes too."""

    token: str


def number(phone: str, clinic: Clinic) -> str:
    """A phone number with its country (E.164), as the services want it: 0138… and 138… are numbers of the clinic's
    country. "" for what cannot be one, and for countries to which this clinic sends no texts."""
    if phone.startswith("00"):
        phone = f"+{phone[2:]}"
    plain = phone if phone.startswith("+") else f"{clinic.sms.country}{phone.lstrip('0')}"
    country = max((one for one in clinic.sms.countries if one and plain.startswith(one)), key=len, default="")
    (begins, fewest, most), digits = MOBILE.get(country, NATIONAL), plain.removeprefix(country)
    able = bool(country) and fewest <= len(digits) <= most and len(plain) <= 16 and digits.startswith(begins)
    return plain if able else ""


def provable(typed: str, clinic: Clinic) -> str:
    """The number to which a code can be sent. Raises Refusal; whether we know the number makes no difference."""
    found = number(telephone(typed), clinic)
    if not found:
        raise Refusal("We cannot send a text message to this number.", field="phone")
    return found


def textable(request: Request, clinic: Clinic) -> None:
    """Nobody is promised a text message that cannot be sent."""
    if request.text_me and clinic.sms.on and not number(request.phone, clinic):
        raise Refusal(
            "We cannot send a text message to this number. Enter a mobile number that begins with %(countries)s, or do "
            "not tick the box.",
            field="phone",
            countries=" / ".join(clinic.sms.countries),
        )


def counters(
    phone: str, caller: str, network: str, clinic: Clinic, here: datetime, purpose: Purpose = Purpose.PEOPLE
) -> tuple[Counted, ...]:
    """What a code counts towards: its number's day, its network address's hour, the clinic's day, and its network's
    share of that; one to find a ticket also towards its number's week. An IPv6 network is many addresses."""
    day, hour = f"{here:%Y-%m-%d}", f"{here:%Y-%m-%dT%H}"
    tomorrow, later = here + timedelta(days=2), here + timedelta(hours=2)
    week = here.toordinal() // FOUND.days
    find = Counted(about=f"find#{phone}#{week}", most=FIND_MAX, until=here + FOUND + timedelta(days=2))
    return (
        Counted(about=f"phone#{phone}#{day}", most=clinic.codes.per_phone, until=tomorrow),
        Counted(about=f"from#{caller}#{hour}", most=clinic.codes.per_address, until=later),
        whole_day(clinic, here),
        Counted(about=f"net#{network}#{day}", most=-(-clinic.codes.per_clinic // NETWORK_SHARE), until=tomorrow),
        *([find] if purpose is Purpose.FIND else []),
    )


def whole_day(clinic: Clinic, here: datetime) -> Counted:
    """The codes of the whole clinic in a day."""
    return Counted(about=f"all#{here:%Y-%m-%d}", most=clinic.codes.per_clinic, until=here + timedelta(days=2))


def may_ask(before: Claim | None, so_far: Sequence[tuple[Counted, int]], now: datetime) -> None:
    """Refuse another code so soon after the last one, and more of them than the clinic sends."""
    under_way = before is not None and not before.proven and not before.unsent
    if before and under_way and now < before.asked_at + RESEND:
        raise TooLate("We have just sent you a code. You can ask for another one a minute later.")
    if not all(count < one.most for one, count in so_far):
        raise TooLate("We cannot send any more codes now. You can get a ticket and see a doctor without one.")


def still_open(claim: Claim, digest: str, now: datetime) -> None:
    """Refuse a code that was used, is too old, or was guessed at too often; but the last guess may be sent again."""
    if claim.proven:
        raise TooLate("This code has been used. Ask for a new one.", field="code")
    if claim.tries >= TRIES_MAX and claim.last_try != digest:
        raise TooLate("That was one try too many. Ask for a new code.", field="code")
    if now >= claim.asked_at + CODE_LIVES:
        raise TooLate("This code is too old. Ask for a new one.", field="code")


def prove(claim: Claim, *, digest: str, token: str, now: datetime) -> tuple[Claim, Proof]:
    """The right code: it is used up, and the browser is known. Raises Refusal for another one."""
    if not hmac.compare_digest(claim.digest, digest):
        left = TRIES_MAX - claim.tries
        if not left:
            raise TooLate("That was one try too many. Ask for a new code.", field="code")
        if left == 1:
            raise Refusal("This is not the code we sent. You can try once more.", field="code")
        raise Refusal("This is not the code we sent. You can try %(left)s more times.", field="code", left=left)
    proof = Proof(
        token=token,
        phone=claim.phone,
        number=claim.number,
        purpose=claim.purpose,
        began_at=now,
        seen_at=now,
        born=claim.born,
    )
    return replace(claim, proven=True), proof


def holds(proof: Proof, phone: Phone, clinic: Clinic, now: datetime) -> bool:
    """Neither signed out, here or everywhere, nor too long away, nor too old in any case."""
    if proof.ended_at or (phone.signed_out_at and proof.began_at <= phone.signed_out_at):
        return False
    idle, whole = timedelta(hours=clinic.codes.idle_hours), timedelta(days=clinic.codes.days)
    return now < proof.seen_at + idle and now < proof.began_at + whole


def to_renew(proof: Proof, clinic: Clinic, now: datetime) -> bool:
    """At a quarter of the time it may be away: not a write for every page."""
    return now - proof.seen_at > timedelta(hours=clinic.codes.idle_hours) / 4


def birth_date(typed: str, today: date) -> date:
    """1985-04-02, 19850402 or 1985年4月2日: the year, the month and the day, in this order. Raises Refusal."""
    plain = "".join(c if c.isascii() and c.isdigit() else " " for c in typed)
    parts = plain.split()
    if len(parts) == 1 and len(parts[0]) == 8:
        parts = [parts[0][:4], parts[0][4:6], parts[0][6:]]
    with contextlib.suppress(ValueError):
        year, month, day = (int(part) for part in parts)
        born = date(year, month, day)
        if 0 <= age(born, today) <= AGE_MAX:
            return born
    raise Refusal("Enter the birth date: year, month and day, like 1985-04-02.", field="born")


def age(born: date, today: date) -> int:
    """Completed years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def add(known: Known, person: Person, clinic: Clinic, today: date) -> tuple[Phone, Person]:
    """One person more on this number, and nobody twice: they would have two records. Raises Refusal."""
    phone = known.phone
    wrong: list[Refusal] = []
    if not person.name.strip():
        wrong.append(Refusal("Enter the patient's name.", field="name"))
    elif len(person.name) > NAME_MAX:
        wrong.append(Refusal("Name: at most %(max)s characters.", field="name", max=NAME_MAX))
    if person.relation is ForWhom.CHILD and age(person.born, today) >= clinic.guardian_age:
        wrong.append(Refusal("“My child” is for people under %(age)s.", field="born", age=clinic.guardian_age))
    if any((as_called(one.name), one.born) == (as_called(person.name), person.born) for one in known.people):
        wrong.append(Refusal("%(name)s is on your list already.", field="name", name=person.name.strip()))
    if wrong:
        raise wrong[0] if len(wrong) == 1 else SeveralRefusals(wrong)
    if phone.people >= PEOPLE_MAX:
        raise TooLate("One phone number can stand for %(max)s people.", max=PEOPLE_MAX)
    return replace(phone, people=phone.people + 1), replace(person, name=person.name.strip())


def as_called(name: str) -> str:
    """A name as it is compared: its letters, marks and digits alone, however wide, large or far apart."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in plain if unicodedata.category(c)[0] in "LMN") or plain


def guardian(person: Person, people: Iterable[Person], clinic: Clinic, today: date) -> str:
    """The grown-up of this number who asks for a child; "" if there is none, or none is needed."""
    if age(person.born, today) >= clinic.guardian_age:
        return ""
    grown_up = (p for p in people if p.relation is ForWhom.ME and age(p.born, today) >= clinic.guardian_age)
    return next((p.name for p in grown_up), "")


def whom(person: Person, clinic: Clinic, today: date) -> ForWhom:
    """For whom a visit of this person is: a child that has grown up is somebody else."""
    child = person.relation is ForWhom.CHILD
    return ForWhom.OTHER if child and age(person.born, today) >= clinic.guardian_age else person.relation


def opens(known: Known, visit: Visit, today: date, now: datetime) -> bool:
    """Whether whoever proved this number may have this ticket: it is of one of its people, or of somebody who gave
    this number and was born on the day that was named when the code was asked for. A number may be mistyped: without
    a birth date it opens nothing. Of most patients only the age is known, and a date fits three years of age."""
    born = known.proof.born
    if now - visit.joined_at >= FOUND:
        return False
    if visit.verified:
        person = known.person(visit.person)
        return person is not None and born in (None, person.born)
    return born is not None and _fits(visit, born, today)


def ties(known: Known, visit: Visit, today: date, now: datetime) -> frozenset[Tie]:
    """What a proven number makes of a visit: see `permission.WHOSE`."""
    return frozenset({Tie.NUMBER} if opens(known, visit, today, now) else ())


def _fits(visit: Visit, born: date, today: date) -> bool:
    return visit.born == born if visit.born else abs(age(born, today) - visit.answers.age) <= ONE_YEAR


def gave(known: Known, visit: Visit, clinic: Clinic) -> bool:
    """Whether the visit is of this number: of one of its people, or joined with it. Who asks holds the ticket too."""
    if visit.verified:
        return known.person(visit.person) is not None
    return number(visit.answers.phone or "", clinic) == known.proof.number


def found_again(visit: Visit, *, secret: str) -> Visit:
    """One phone more holds this ticket; of more than ALSO_MAX the one that found it first no longer does."""
    return replace(visit, also=(*visit.also, secret)[-ALSO_MAX:])
