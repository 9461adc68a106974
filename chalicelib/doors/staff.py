"""The staff door: people who work here sign in with a name, a password and a six-digit code, and sign out.

Three small forms, one after the other, and none needs a script. How far somebody has come is Cognito's own sealed
word, carried by the form, so nothing is kept here of who has not proved who they are. In the end a token of Cognito is
checked once and exchanged for a session of ours; the browser never sees it.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from chalice import Blueprint

from chalicelib.clinic import CLINIC
from chalicelib.doors import qr, words
from chalicelib.doors.form import FORMS, Form, dialled, key, text, yes
from chalicelib.doors.guests import badge, hashed, known_cookie, new_secret, staff_cookie
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.origin import caller_of, network_of, own_address
from chalicelib.doors.render import Answer, Go, Page
from chalicelib.outside import identity
from chalicelib.outside.identity import Asks, Proved, Step
from chalicelib.refusal import Busy, NotFound, Refusal, SignInFirst, TooLate
from chalicelib.rooms.permission import Actor, Role
from chalicelib.rooms.staff import Member, named
from chalicelib.store import names, staff
from chalicelib.visit import staffing

door = Blueprint(__name__)

ID_MAX, NEXT_MAX, PASSWORD_MAX, STEP_MAX, SEED_MAX, CODE_MAX = 40, 300, 100, 4096, 128, 12
MARK_MAX = 64
# Where each role works: the first is home, and nobody is sent anywhere else after signing in.
AREAS: dict[Role, tuple[str, ...]] = {
    Role.DOCTOR: ("doctor", "glass"),
    Role.PHARMACIST: ("pharmacy", "parcels"),
    Role.COURIER: ("parcels",),
    Role.DESK: ("desk", "parcels", "complaints"),
    Role.PRIVACY_OFFICER: ("openings", "practice", "complaints", "requests", "people", "glass"),
    Role.ADMINISTRATOR: ("people",),
}
WANTED = Form(key("next", max=NEXT_MAX))
SIGN_IN = Form(
    text("id", max=ID_MAX, missing="Enter your staff name."),
    text("secret", max=PASSWORD_MAX, missing="Enter your password.", shown=False),
    key("next", max=NEXT_MAX),
)
# What the second and third form carry on from the ones before.
SO_FAR = (key("id", max=ID_MAX), key("session", max=STEP_MAX), key("next", max=NEXT_MAX))
OUT = Form(yes("sure"))
NEW_PASSWORD = Form(
    *SO_FAR, key("first", max=MARK_MAX), text("secret", max=PASSWORD_MAX, missing="Choose a password.", shown=False)
)
CODE = Form(*SO_FAR, key("seed", max=SEED_MAX), dialled("code", max=CODE_MAX, missing="Enter the six digits."))


def signs(actor: Actor) -> dict[str, object]:
    """What the frame of every staff page shows: who is signed in, and the ways to the other places of work."""
    return {"me": actor, "areas": AREAS[actor.role]}


@door.route("/{lang}/staff")
@polite("look", form=WANTED)
def show(asked: Asked) -> Answer:
    """The sign-in page; somebody who is signed in already is offered the way on instead."""
    found = staff.who(id=asked.guest.member, token_hash=hashed(asked.guest.staff), now=asked.frame.now)
    me = found[0] if found else None
    return Page(
        template="staff_sign_in.html",
        data={"signed_in": me.name if me else None},
        extras={"home": AREAS[me.role][0] if me else ""},
        values={"next": asked.given.get("next", "")},
        here="staff",
    )


@door.route("/{lang}/staff", methods=["POST"], content_types=FORMS)
@polite("sign_in", form=SIGN_IN, again=show)
def sign_in(asked: Asked) -> Answer:
    """Name and password. An unknown name is asked of Cognito like any other, and told the same."""
    id = named(asked.given["id"])
    with _counted(asked, id):
        asks = identity.pool().begin(id, asked.given["secret"])
    return _asks(asked, id, asks)


@contextlib.contextmanager
def _counted(asked: Asked, id: str) -> Iterator[None]:
    """One try, counted before it is made: of its network for all names together, so that one password on sixty names is
    seen, then of this name. Only what was wrong stays in the network's count: everybody of a hospital comes in the
    morning. A browser that has been signed in by this name tries no other, so it is not in that count."""
    network, now = "" if _mark(asked, id) else hashed(network_of(asked.request)), asked.frame.now
    if network:
        staff.count_any(network, now)
    staff.count_try(id, _place(asked, id), now)
    try:
        yield
    except Busy:  # nobody learned anything
        _uncount(network, now)
        raise
    _uncount(network, now)


def _uncount(network: str, now: datetime) -> None:
    if network:
        staff.uncount_any(network, now)


def _place(asked: Asked, id: str) -> str:
    """Whose tries are counted together: those of a browser that has been signed in with this name before, or those of a
    network address. So nobody shuts this door to its owner's own phone."""
    return hashed(_mark(asked, id) or caller_of(asked.request))


def _mark(asked: Asked, id: str) -> str:
    """What a browser shows that has been signed in with this name before."""
    owner, _, mark = asked.guest.known.partition("~")
    return mark if owner == id and names.is_known(id, mark) else ""


def _asks(asked: Asked, id: str, asks: Asks) -> Answer:
    """The next form."""
    values = {"id": id, "session": asks.session, "seed": asks.seed, "next": asked.given["next"]}
    asked.frame = replace(asked.frame, typed={})  # the next form begins empty
    if asks.step is Step.NEW_PASSWORD:
        first = {"first": names.first_mark(id, asked.given["secret"])}  # what is typed next must be another one
        return Page(template="staff_password.html", data=_told(asks) | first, values=values | first, here="staff")
    return Page(
        template="staff_code.html", data=_told(asks), extras=_seed_shown(id, asks.seed), values=values, here="staff"
    )


def _told(asks: Asks) -> dict[str, object]:
    return {"step": asks.step, "session": asks.session, "seed": asks.seed}


def _seed_shown(id: str, seed: str) -> dict[str, object]:
    """The seed for an authenticator app, as a picture drawn here and as text in fours."""
    if not seed:
        return {"square": "", "fours": ""}
    clinic = quote(words.in_words(CLINIC.name, words.DEFAULT))
    link = f"otpauth://totp/{clinic}:{quote(id)}?secret={quote(seed)}&issuer={clinic}"
    return {"square": qr.picture(link), "fours": " ".join(seed[i : i + 4] for i in range(0, len(seed), 4))}


def _typed(asked: Asked, name: str) -> str:
    return "".join(asked.frame.typed.get(name, [])[:1])


@polite("look")
def ask_password_again(asked: Asked) -> Answer:
    data = {"step": Step.NEW_PASSWORD, "session": _typed(asked, "session"), "seed": ""}
    return Page(template="staff_password.html", data=data, here="staff")


@polite("look")
def ask_code_again(asked: Asked) -> Answer:
    seed = _typed(asked, "seed")
    data = {"step": Step.SET_UP if seed else Step.CODE, "session": _typed(asked, "session"), "seed": seed}
    extras = _seed_shown(_typed(asked, "id"), seed)
    return Page(template="staff_code.html", data=data, extras=extras, here="staff")


@door.route("/{lang}/staff/password", methods=["POST"], content_types=FORMS)
@polite("sign_in", form=NEW_PASSWORD, again=ask_password_again)
def choose_password(asked: Asked) -> Answer:
    """In place of the first one, which came on paper."""
    given, id = asked.given, named(asked.given["id"])
    if given["first"] == names.first_mark(id, given["secret"]):
        raise Refusal("Choose another one: the one on the paper was for the first time only.", field="secret")
    return _asks(asked, id, identity.pool().new_password(id, given["session"], given["secret"]))


@door.route("/{lang}/staff/code", methods=["POST"], content_types=FORMS)
@polite("sign_in", form=CODE, again=ask_code_again)
def show_code(asked: Asked) -> Answer:
    """The second factor: the app's code, or the first code of an app that was just set up."""
    given, id = asked.given, named(asked.given["id"])
    code = given["code"].replace(" ", "")
    if not (code.isdigit() and len(code) == 6):  # no code, and no try
        raise Refusal("Enter the six digits.", field="code")
    with _counted(asked, id):
        prove = identity.pool().set_up if given["seed"] else identity.pool().code
        me = _known_here(id)  # before the proof: whoever is signed out everywhere meanwhile has proved nothing
        proved = prove(id, given["session"], code)
    return _welcome(asked, me, proved)


def _known_here(id: str) -> Member | None:
    try:
        return staff.member(id)
    except NotFound:
        return None


def _welcome(asked: Asked, me: Member | None, proved: Proved) -> Answer:
    """A new session each time; the one this browser had before ends. `me` as it was before the proof."""
    now = asked.frame.now
    if me is None or not me.active:
        raise Refusal("This name and password do not belong together.")
    if staff.member(me.id).epoch != me.epoch:
        raise SignInFirst("That took too long. Please sign in again.")
    mine = badge(me.id, new_secret())
    staff.keep_closed(mine, proved.refresh, token_hash=hashed(mine), now=now)
    staff.open_session(me, token_hash=hashed(mine), now=now)
    staff.forget_tries(me.id, _place(asked, me.id))
    _earlier_ends(asked, me)
    known = known_cookie(me.id, names.known_mark(me.id, new_secret()), secure=asked.secure)
    return Go(
        to=_wanted(asked.given["next"], me.role),
        data={"name": me.name, "role": me.role},
        cookies=(staff_cookie(mine, secure=asked.secure), known),
    )


def _earlier_ends(asked: Asked, me: Member) -> None:
    """The session this browser had before, of whoever it was: no two of them in one browser."""
    owner = me if asked.guest.member == me.id else _known_here(asked.guest.member)
    if owner is not None:
        staff.sign_out(owner.actor, token_hash=hashed(asked.guest.staff), now=asked.frame.now)


def _wanted(next: str, role: Role) -> str:
    """The page they wanted before they were asked to sign in, if it is one of their own; else their list."""
    ours = own_address(next) or ""
    parts = [part for part in ours.split("/") if part][1:]  # without the language
    return "/".join(parts) if parts and parts[0] in AREAS[role] else AREAS[role][0]


@door.route("/{lang}/staff/out", methods=["POST"], content_types=FORMS)
@polite("sign_out", by="staff", form=OUT)
def sign_out(asked: Asked) -> Answer:
    """The session ends here and in the table; a doctor who goes home is no longer on duty. Who still has patients is
    asked first, and then these are at the front of the queue at once."""
    me = asked.errand.actor
    if me.role is Role.DOCTOR:
        held = staffing.still_held(asked.errand, id=me.id)
        if held and not asked.given.get("sure"):
            if asked.frame.machine:
                raise TooLate("You still have patients. Finish with them, or say that you are sure.")
            return Go(to="doctor?leaving=yes")
        staffing.go_home(asked.errand)
    staff.sign_out(asked.errand.actor, token_hash=hashed(asked.guest.staff), now=asked.frame.now)
    return Go(to="staff", cookies=(staff_cookie("", secure=asked.secure),))
