"""The number's door: a patient proves a phone number with a code by text, and keeps the list of who it stands for."""

import secrets
from datetime import date

from chalice import Blueprint

from chalicelib.clinic import CLINIC
from chalicelib.doors import guests, origin, post
from chalicelib.doors.form import FORMS, Form, dialled, key, one_of, text, yes
from chalicelib.doors.guests import hashed
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Go, Page
from chalicelib.refusal import NotFound, Refusal, TooLate, Unproven
from chalicelib.rooms import phone
from chalicelib.rooms.arrival import NAME_MAX, ForWhom
from chalicelib.rooms.notice import Outcome
from chalicelib.rooms.phone import CODE_DIGITS, Claim, Known, Purpose
from chalicelib.store import keys
from chalicelib.visit import proving

door = Blueprint(__name__)
TYPED_MAX = 40  # a number or a date, with spaces and signs
SHOWN_DIGITS = 4
THEIRS = (Purpose.PEOPLE, Purpose.ASK)  # a proof to find a ticket only finds: it shows and changes no people
AFTER = {Purpose.PEOPLE: "number", Purpose.ASK: "ask/who", Purpose.FIND: "find"}
NUMBER = dialled("phone", max=TYPED_MAX, missing="Enter a phone number, like 138 0000 1234.")
MISSING_BORN = "Enter the birth date: year, month and day, like 1985-04-02."
BORN = dialled("born", max=TYPED_MAX, missing=MISSING_BORN)
WHY = Form(key("for", max=10), yes("out"))
PERSON = Form(
    text("name", max=NAME_MAX, missing="Enter the patient's name."),
    BORN,
    one_of("relation", ForWhom, missing="Choose who it is."),
)


def known_to(asked: Asked, *purposes: Purpose) -> Known | None:
    """The number this browser has proven, for one of these purposes if any are named."""
    token = asked.guest.number
    found = proving.known(asked.errand, token=hashed(token)) if token else None
    return None if found and purposes and found.proof.purpose not in purposes else found


def must_know(asked: Asked, *purposes: Purpose) -> Known:
    """The same where nothing can be done without it. What was typed stays."""
    found = known_to(asked, *purposes)
    if found is None:
        raise Unproven
    return found


def found_by(typed: str) -> str:
    """Under which number a ticket can be found again; "" where that is not possible."""
    number = phone.number(typed, CLINIC) if CLINIC.proves_phones and typed else ""
    return keys.phone_of(number) if number else ""


def people(known: Known, today: date) -> list[dict[str, object]]:
    """Who a number stands for, as pages show them."""
    return [
        {"choice": p.id, "name": p.name, "age": phone.age(p.born, today), "relation": p.relation} for p in known.people
    ]


def ends(number: str) -> str:
    return number[-SHOWN_DIGITS:]


@door.route("/{lang}/number")
@polite("see_people", by="number", form=WHY)
def show(asked: Asked) -> Answer:
    """What proving a number is good for; and for whom it was proven: their people."""
    if not CLINIC.proves_phones:
        raise NotFound()
    known = known_to(asked, *THEIRS)
    data: dict[str, object] = {"known": None}
    if known is not None:
        theirs = people(known, asked.errand.here.date())
        data = {"known": {"ends": ends(known.proof.number), "people": theirs, "most": phone.PEOPLE_MAX}}
    extras = {"out_everywhere": bool(asked.sheet.given.get("out")) and known is None}
    values = {"for": asked.sheet.given.get("for", "")}
    return Page(template="number.html", data=data, extras=extras, values=values, here="number")


@door.route("/{lang}/number", methods=["POST"], content_types=FORMS)
@polite("ask_code", by="number", form=Form(NUMBER, key("for", max=10)), again=show)
def ask(asked: Asked) -> Answer:
    """A code by text, to go on to the list of people or to the questions."""
    purpose = Purpose.ASK if asked.given["for"] == Purpose.ASK else Purpose.PEOPLE
    return send(asked, typed=asked.given["phone"], purpose=purpose)


def send(asked: Asked, *, typed: str, purpose: Purpose, born: date | None = None) -> Go:
    """The code on its way, and the page to enter it. Known and unknown numbers are answered by the same work."""
    number = phone.provable(typed, CLINIC)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    id = keys.phone_of(number)
    digest = keys.digest(id, purpose, code)
    claim = proving.ask_code(
        asked.errand,
        holder=hashed(asked.phone),
        phone_id=id,
        number=number,
        purpose=purpose,
        born=born,
        digest=digest,
        caller=keys.caller_of(origin.caller_of(asked.request)),
        network=keys.caller_of(origin.network_of(asked.request)),
    )
    if claim.digest == digest:  # not the repeat of a request whose code is on its way
        outcome = post.send_code(number, code, asked.language)
        if outcome in (Outcome.LATER, Outcome.NEVER):
            claim = proving.not_sent(asked.errand, claim)
    if claim.unsent:
        raise Refusal("We could not send the text message. Check the number, or try again in a minute.", field="phone")
    cookie = guests.phone_cookie(asked.phone, secure=asked.secure)
    return Go(to="number/code", data={"sent": True}, cookies=(cookie,))


def _claim(asked: Asked) -> Claim | None:
    try:
        return proving.claim(asked.errand, holder=asked.guest.holder) if asked.guest.phone else None
    except NotFound:
        return None


@door.route("/{lang}/number/code")
@polite("prove", by="number")
def code(asked: Asked) -> Answer:
    """Where the code is entered. It can be left and opened again, as when somebody looks at the text."""
    claim = _claim(asked)
    if claim is None or not CLINIC.proves_phones:
        return Go(to="number", data={"sent": False})
    if claim.unsent and not asked.frame.problems:
        return Go(to="find" if claim.purpose is Purpose.FIND else "number", data={"sent": False})
    if claim.proven and not asked.frame.problems:
        return Go(to=AFTER[claim.purpose], data={"proven": True})
    data = {"ends": ends(claim.number), "purpose": claim.purpose}
    return Page(template="number_code.html", data=data, here="number/code")


@door.route("/{lang}/number/code", methods=["POST"], content_types=FORMS)
@polite(
    "prove",
    by="number",
    form=Form(dialled("code", max=TYPED_MAX, missing="Enter the code from the text message.")),
    again=code,
)
def prove(asked: Asked) -> Answer:
    """The right code, and this browser is known."""
    claim = _claim(asked)
    if claim is None:
        raise TooLate("We cannot find your number on this phone. Please enter it again.")
    token = guests.number_token(asked.guest.phone, asked.errand.request)
    typed = "".join(asked.given["code"].split())
    if not (len(typed) == CODE_DIGITS and typed.isascii() and typed.isdigit()):  # no guess: it costs no try
        raise Refusal("The code in the text message has %(digits)s digits.", field="code", digits=CODE_DIGITS)
    proof = proving.prove(
        asked.errand,
        holder=asked.guest.holder,
        digest=keys.digest(claim.phone, claim.purpose, typed),
        token=hashed(token),
    )
    cookie = guests.number_cookie(token, secure=asked.secure)
    return Go(to=AFTER[proof.purpose], data={"proven": True}, cookies=(cookie,))


@door.route("/{lang}/number/again", methods=["POST"], content_types=FORMS)
@polite("ask_code", by="number", again=code)
def again(asked: Asked) -> Answer:
    """Another code to the same number; the one before is worth nothing any more."""
    claim = _claim(asked)
    if claim is None:
        raise TooLate("We cannot find your number on this phone. Please enter it again.")
    return send(asked, typed=claim.number, purpose=claim.purpose, born=claim.born)


@door.route("/{lang}/number/people")
@polite("see_people", by="number")
def adding(asked: Asked) -> Answer:
    """Who else does this number stand for?"""
    if known_to(asked, *THEIRS) is None and not asked.frame.problems:
        return Go(to="number", data={"known": None})
    return Page(template="number_add.html", here="number/people")


@door.route("/{lang}/number/people", methods=["POST"], content_types=FORMS)
@polite("add_me", by="number", form=PERSON, again=adding)
def add(asked: Asked) -> Answer:
    """One person more, with a record of their own."""
    known = must_know(asked, *THEIRS)
    given = asked.given
    born = phone.birth_date(given["born"], asked.errand.here.date())
    person = proving.add_person(
        asked.errand,
        owner=known.phone.id,
        token=known.proof.token,
        id=hashed(f"{known.phone.id}|{asked.errand.request}"),
        name=given["name"],
        born=born,
        relation=given["relation"],
    )
    return Go(to="number", data={"name": person.name})


@door.route("/{lang}/number/out", methods=["POST"], content_types=FORMS)
@polite("sign_out_here", by="number", again=show)
def out(asked: Asked) -> Answer:
    """This browser is not known any more; tickets in it stay."""
    token = hashed(asked.guest.number)
    proving.sign_out(asked.errand, owner=proving.owner(asked.errand, token=token), token=token)
    return Go(to="number", data={"known": None}, cookies=(guests.number_cookie("", secure=asked.secure),))


@door.route("/{lang}/number/everywhere", methods=["POST"], content_types=FORMS)
@polite("out_everywhere", by="number", again=show)
def everywhere(asked: Asked) -> Answer:
    """No browser is known by this number any more: a phone was lost or lent."""
    token = hashed(asked.guest.number)
    kept = frozenset(hashed(one.secret) for one in asked.guest.tickets)
    proving.out_everywhere(asked.errand, owner=proving.owner(asked.errand, token=token), token=token, kept=kept)
    return Go(to="number?out=yes", data={"known": None}, cookies=(guests.number_cookie("", secure=asked.secure),))
