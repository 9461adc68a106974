"""The administrator's door: who works here, letting somebody in, changing what they may do, letting them go."""

from dataclasses import replace
from datetime import timedelta

from chalice import Blueprint

from chalicelib.clinic import CLINIC
from chalicelib.doors import chart, origin, words
from chalicelib.doors.form import FORMS, Form, clean, day, many, one_of, text
from chalicelib.doors.guests import hashed
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Go, Page
from chalicelib.doors.staff import signs
from chalicelib.outside import identity
from chalicelib.refusal import NotFound
from chalicelib.rooms import permission
from chalicelib.rooms.permission import Role
from chalicelib.rooms.staff import ID_MAX, LICENCE_MAX, NAME_MAX, Member
from chalicelib.store import names
from chalicelib.visit import staffing

door = Blueprint(__name__)

SHOWN_MAX = 100  # people on one page; the box above finds the others
SOON = timedelta(days=30)  # a licence that ends within this is pointed out
FIND = Form(text("find", max=NAME_MAX))
FACTS = (
    text("name", max=NAME_MAX, missing="Enter the name that patients and colleagues see."),
    one_of("role", Role, missing="Choose what this person does here."),
    many("departments", [d.id for d in CLINIC.departments]),
    text("licence", max=LICENCE_MAX),
    day("licence_until"),
)
ADD = Form(text("id", max=ID_MAX, missing="Choose the name to sign in with."), *FACTS)
CHANGE = Form(*FACTS)


@door.route("/{lang}/people")
@polite("see_staff", by="staff", form=FIND)
def show_all(asked: Asked) -> Answer:
    """Everybody, or those whose name has these letters in it."""
    find = clean(asked.sheet.given.get("find") or "").strip().casefold()
    everybody = staffing.see_staff(asked.errand)
    found = [m for m in everybody if find in m.name.casefold() or find in m.id]
    return Page(
        template="people_list.html",
        data={"people": [_row(asked, one) for one in found[:SHOWN_MAX]], "more": max(0, len(found) - SHOWN_MAX)},
        extras={**signs(asked.errand.actor), "everybody": len(everybody), "may_change": _may_change(asked)},
        values={"find": asked.sheet.given.get("find", "")},
        here="people",
    )


def _may_change(asked: Asked) -> bool:
    return asked.errand.actor.role in permission.MAY["change_member"]


def _row(asked: Asked, one: Member) -> dict[str, object]:
    """A member as the pages show one; `licence_ends` is "", "soon" or "over"."""
    today, until = words.local(asked.frame.now).date(), one.licence_until
    ends = "" if until is None or until > today + SOON else "over" if until < today else "soon"
    named = {id: name for id, name, _ in chart.departments(asked.language)}
    return {
        "id": one.id,
        "name": one.name,
        "role": one.role,
        "active": one.active,
        "departments": [named[d] for d in one.departments if d in named],
        "licence": one.licence,
        "licence_until": until,
        "licence_ends": ends,
    }


@door.route("/{lang}/people/add")
@polite("add_member", by="staff")
def add_page(asked: Asked) -> Answer:
    return Page(
        template="people_add.html",
        extras={**signs(asked.errand.actor), "options": chart.departments(asked.language)},
        here="people/add",
    )


@door.route("/{lang}/people/add", methods=["POST"], content_types=FORMS)
@polite("add_member", by="staff", form=ADD, again=add_page)
def add(asked: Asked) -> Answer:
    """Their first password is on the page that answers, once; the same form sent again shows the same."""
    return _slip(asked, staffing.add_member(asked.errand, **asked.given))


def _slip(asked: Asked, member: Member) -> Answer:
    """A way in that is used once. The password is made from the request, so that it never has to be kept."""
    password = names.first_password(asked.errand.request)
    identity.pool().let_in(member.id, password, slip=hashed(asked.errand.request)[:32])
    asked.frame = replace(asked.frame, typed={})
    return Page(
        template="people_slip.html",
        data={"id": member.id, "name": member.name, "first_password": password},
        extras={
            **signs(asked.errand.actor),
            "address": f"{origin.public(asked.request)}{asked.frame.url('staff')}",
        },
        here=f"people/{member.id}",
    )


def _member_page(asked: Asked) -> Answer:
    """Looked up in the list that an administrator sees anyway, so that nobody is found who is not on it."""
    member = next((m for m in staffing.see_staff(asked.errand) if m.id == asked.path["member"]), None)
    if member is None:
        raise NotFound()
    return Page(
        template="people_member.html",
        data=_row(asked, member),
        extras={
            **signs(asked.errand.actor),
            "options": chart.departments(asked.language),
            "may_change": _may_change(asked),
        },
        values={
            "name": member.name,
            "role": member.role.value,
            "departments": member.departments,
            "licence": member.licence,
            "licence_until": member.licence_until,
        },
        here=f"people/{member.id}",
    )


@door.route("/{lang}/people/{member}")
@polite("see_staff", by="staff")
def show(asked: Asked) -> Answer:
    """One member: what the clinic knows, and what can be changed."""
    return _member_page(asked)


@door.route("/{lang}/people/{member}", methods=["POST"], content_types=FORMS)
@polite("change_member", by="staff", form=CHANGE, again=show)
def change(asked: Asked) -> Answer:
    """True from that person's next click on."""
    return _done(staffing.change_member(asked.errand, id=asked.path["member"], **asked.given))


@door.route("/{lang}/people/{member}/dismiss", methods=["POST"], content_types=FORMS)
@polite("dismiss", by="staff", again=show)
def dismiss(asked: Asked) -> Answer:
    """Our own row is what counts; Cognito is told after it, and again if this is sent again."""
    member = staffing.dismiss(asked.errand, id=asked.path["member"])
    identity.pool().shut_out(member.id)
    return _done(member)


@door.route("/{lang}/people/{member}/take-back", methods=["POST"], content_types=FORMS)
@polite("take_back", by="staff", again=show)
def take_back(asked: Asked) -> Answer:
    """With the password and the app they had."""
    member = staffing.take_back(asked.errand, id=asked.path["member"])
    identity.pool().open_up(member.id)
    return _done(member)


@door.route("/{lang}/people/{member}/sign-out", methods=["POST"], content_types=FORMS)
@polite("sign_out_everywhere", by="staff", again=show)
def sign_out(asked: Asked) -> Answer:
    member = staffing.sign_out_everywhere(asked.errand, id=asked.path["member"])
    identity.pool().sign_out(member.id)
    return _done(member)


@door.route("/{lang}/people/{member}/reset", methods=["POST"], content_types=FORMS)
@polite("reset_sign_in", by="staff", again=show)
def reset(asked: Asked) -> Answer:
    """A new slip; the password and the app they had are worth nothing from now on."""
    return _slip(asked, staffing.reset_sign_in(asked.errand, id=asked.path["member"]))


def _done(member: Member) -> Answer:
    return Go(to=f"people/{member.id}", data={"id": member.id, "active": member.active, "role": member.role})
