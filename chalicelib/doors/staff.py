"""The staff door: doctors, pharmacists, couriers and the desk sign in with a name and a secret, and sign out."""

from chalice import Blueprint

from chalicelib.doors.form import FORMS, Form, key, text
from chalicelib.doors.guests import badge, hashed, new_secret, staff_cookie
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.origin import own_address
from chalicelib.doors.render import Answer, Go, Page
from chalicelib.rooms.permission import Actor, Role
from chalicelib.rooms.staff import named
from chalicelib.store import staff
from chalicelib.visit import taking

door = Blueprint(__name__)

ID_MAX, NEXT_MAX = 40, 300
# Where each role works: the first is home, and nobody is sent anywhere else after signing in.
AREAS: dict[Role, tuple[str, ...]] = {
    Role.DOCTOR: ("doctor",),
    Role.PHARMACIST: ("pharmacy", "parcels"),
    Role.COURIER: ("parcels",),
    Role.DESK: ("desk", "parcels"),
    Role.PRIVACY_OFFICER: ("people",),
    Role.ADMINISTRATOR: ("people",),
}
WANTED = Form(key("next", max=NEXT_MAX))
SIGN_IN = Form(
    text("id", max=ID_MAX, missing="Enter your staff name."),
    text("secret", max=staff.SECRET_MAX, missing="Enter your secret.", shown=False),
    key("next", max=NEXT_MAX),
)


def signs(actor: Actor) -> dict[str, object]:
    """What the frame of every staff page shows: who is signed in, and the ways to the other places of work."""
    return {"me": actor, "areas": AREAS[actor.role]}


@door.route("/{lang}/staff")
@polite("look", form=WANTED)
def show(asked: Asked) -> Answer:
    """The sign-in page; somebody who is signed in already is offered the way on instead."""
    me = staff.who(id=asked.guest.member, token_hash=hashed(asked.guest.staff), now=asked.frame.now)
    return Page(
        template="staff_sign_in.html",
        data={"signed_in": me.name if me else None},
        extras={"home": AREAS[me.role][0] if me else ""},
        values={"next": asked.given.get("next", "")},
    )


@door.route("/{lang}/staff", methods=["POST"], content_types=FORMS)
@polite("sign_in", form=SIGN_IN, again=show)
def sign_in(asked: Asked) -> Answer:
    """A new session each time; the one this browser had before ends."""
    id = named(asked.given["id"])
    token = badge(id, new_secret())
    me = staff.sign_in(id=id, secret=asked.given["secret"], token_hash=hashed(token), now=asked.frame.now)
    if asked.guest.staff:
        staff.sign_out(token_hash=hashed(asked.guest.staff))
    return Go(
        to=_wanted(asked.given["next"], me.role),
        data={"name": me.name, "role": me.role},
        cookies=(staff_cookie(token, secure=asked.secure),),
    )


def _wanted(next: str, role: Role) -> str:
    """The page they wanted before they were asked to sign in, if it is one of their own; else their list."""
    ours = own_address(next) or ""
    parts = [part for part in ours.split("/") if part][1:]  # without the language
    return "/".join(parts) if parts and parts[0] in AREAS[role] else AREAS[role][0]


@door.route("/{lang}/staff/out", methods=["POST"], content_types=FORMS)
@polite("sign_out", by="staff")
def sign_out(asked: Asked) -> Answer:
    """The session ends here and in the table; a doctor who goes home is no longer on duty."""
    if asked.errand.actor.role is Role.DOCTOR:
        taking.pause(asked.errand)
    staff.sign_out(token_hash=hashed(asked.guest.staff))
    return Go(to="staff", cookies=(staff_cookie("", secure=asked.secure),))
