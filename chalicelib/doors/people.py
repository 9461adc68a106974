"""The administrator's door: who works here, letting somebody in, changing what they may do, letting them go."""

from dataclasses import replace
from datetime import timedelta

from chalice import Blueprint

from chalicelib.clinic import CLINIC
from chalicelib.doors import chart, origin, second, words
from chalicelib.doors.form import FORMS, Form, clean, day, many, one_of, text, whole
from chalicelib.doors.guests import hashed
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Go, Page
from chalicelib.doors.second import SECOND, SHOWN
from chalicelib.doors.staff import signs
from chalicelib.outside import identity
from chalicelib.rooms import permission
from chalicelib.rooms.permission import Role
from chalicelib.rooms.staff import ID_MAX, LICENCE_MAX, NAME_MAX, TITLE_MAX, Member, starts_anew
from chalicelib.store import names
from chalicelib.visit import staffing
from chalicelib.visit.errand import about_member

door = Blueprint(__name__)

SHOWN_MAX = 100  # people on one page; the box above finds the others
REOPEN = "Please open the page again."
SOON = timedelta(days=30)  # a licence that ends within this is pointed out
FIND = Form(text("find", max=NAME_MAX))
FACTS = (
    text("name", max=NAME_MAX, missing="Enter the name that patients and colleagues see."),
    one_of("role", Role, missing="Choose what this person does here."),
    many("departments", [d.id for d in CLINIC.departments]),
    text("title", max=TITLE_MAX),
    text("licence", max=LICENCE_MAX),
    day("licence_until"),
    day("practising_since"),
    SECOND,
)
ADD = Form(text("id", max=ID_MAX, missing="Choose the name to sign in with."), *FACTS)
CHANGE = Form(whole("version", missing=REOPEN), *FACTS)


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
        "title": one.title,
        "licence": one.licence,
        "licence_until": until,
        "practising_since": one.practising_since,
        "licence_ends": ends,
    }


@door.route("/{lang}/people/add")
@polite("add_member", by="staff")
def add_page(asked: Asked) -> Answer:
    return Page(
        template="people_add.html",
        extras={
            **signs(asked.errand.actor),
            "options": chart.departments(asked.language),
            "ask_second": second.wanted(asked),
        },
        here="people/add",
    )


@door.route("/{lang}/people/add", methods=["POST"], content_types=FORMS)
@polite("add_member", by="staff", form=ADD, again=add_page)
def add(asked: Asked) -> Answer:
    """Their first password is on the page that answers, once; the same form sent again shows the same."""
    second.show_again(asked, "add_member", about_member(asked.given["id"]))
    return _slip(asked, staffing.add_member(asked.errand, **asked.given))


def _show_again(asked: Asked, deed: str) -> None:
    """Who says who works here decides who signs and reads: asked for again like a signature."""
    second.show_again(asked, deed, about_member(asked.path["member"]))


def _slip_of(asked: Asked) -> str:
    return hashed(asked.errand.request)[:32]


def _slip(asked: Asked, member: Member) -> Answer:
    """A way in that is used once. The password is made from the request, so that it never has to be kept."""
    password = names.first_password(asked.errand.request)
    identity.pool().let_in(member.id, password, slip=_slip_of(asked))
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
    member = staffing.see_member(asked.errand, id=asked.path["member"])
    return Page(
        template="people_member.html",
        data={**_row(asked, member), "version": member.version},
        extras={
            **signs(asked.errand.actor),
            "options": chart.departments(asked.language),
            "may_change": _may_change(asked),
            "ask_second": second.wanted(asked),
            "sent": asked.frame.here.partition("?")[0].rpartition("/")[2],
            "old": asked.sheet.typed.get("version") not in (None, [], [str(member.version)]),  # the form that was sent
            "still_held": not member.active and bool(staffing.still_held(asked.errand, id=member.id)),
        },
        values={
            "version": str(member.version),
            "name": member.name,
            "role": member.role.value,
            "departments": member.departments,
            "title": member.title,
            "licence": member.licence,
            "licence_until": member.licence_until,
            "practising_since": member.practising_since,
        },
        here=f"people/{member.id}",
    )


@door.route("/{lang}/people/{member}")
@polite("see_member", by="staff")
def show(asked: Asked) -> Answer:
    """One member: what the clinic knows, and what can be changed."""
    return _member_page(asked)


@door.route("/{lang}/people/{member}", methods=["POST"], content_types=FORMS)
@polite("change_member", by="staff", form=CHANGE, again=show)
def change(asked: Asked) -> Answer:
    """True from that person's next click on."""
    _show_again(asked, "change_member")
    return _done(staffing.change_member(asked.errand, id=asked.path["member"], **asked.given))


@door.route("/{lang}/people/{member}/dismiss", methods=["POST"], content_types=FORMS)
@polite("dismiss", by="staff", form=SHOWN, again=show)
def dismiss(asked: Asked) -> Answer:
    """Our own row is what counts; Cognito is told after it, and again if this is sent again."""
    _show_again(asked, "dismiss")
    member = staffing.dismiss(asked.errand, id=asked.path["member"])
    identity.pool().shut_out(member.id)
    return _done(member)


@door.route("/{lang}/people/{member}/take-back", methods=["POST"], content_types=FORMS)
@polite("take_back", by="staff", form=SHOWN, again=show)
def take_back(asked: Asked) -> Answer:
    """With the password and the app they had."""
    _show_again(asked, "take_back")
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
@polite("reset_sign_in", by="staff", form=SHOWN, again=show)
def reset(asked: Asked) -> Answer:
    """A new slip; the password and the app they had are worth nothing from now on.

    Cognito is shut first: else whoever holds the old password and app comes in between the two, and stays."""
    _show_again(asked, "reset_sign_in")
    member = staffing.see_member(asked.errand, id=asked.path["member"])
    starts_anew(member)
    identity.pool().shut_out(member.id, but=_slip_of(asked))
    return _slip(asked, staffing.reset_sign_in(asked.errand, id=member.id))


def _done(member: Member) -> Answer:
    return Go(to=f"people/{member.id}", data={"id": member.id, "active": member.active, "role": member.role})
