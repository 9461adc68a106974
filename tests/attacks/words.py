"""A story in which every box that takes a person's own words is filled in by an attacker, and who can read it after."""

import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

from app import app
from chalicelib.doors import clock, shown
from chalicelib.doors.form import Form
from chalicelib.outside import sms
from chalicelib.rooms.consult import SOAP
from chalicelib.rooms.staff import LICENCE_MAX
from chalicelib.store import names
from tests.doors.stories import sheet_of
from tests.people import BOB, Answer, Browser, Cast, Patient

Say = Callable[[str], str]
MEDICINE = "paracetamol-500"
PUBLIC = "https://clinic.example"
# Numbers of their own, so that one that turns up somewhere is known.
PHONES = {
    "delivery": "138 4455 6677",
    "cy": "138 4466 7788",
    "desk": "138 4477 8899",
    "number": "138 4488 9900",
}


def said_everywhere(cast: Cast, say: Say) -> None:
    """Ann comes with a child, is seen, gets a parcel that does not arrive; Bob is handed back and cancelled.

    `say(field)` is what stands in the field of that name; fields of digits are left alone.
    """
    ann, bob, ada, sam = cast.ann, cast.bob, cast.ada, cast.sam
    ill = {name: say(name) for name in ("name", "why", "allergies", "guardian")}
    ann.join(for_whom="child", age="7", text_me="yes", **ill)
    done(ada.post("/en/doctor/duty", departments="general", capacity="5"))
    done(ada.post("/en/doctor/next", departments="general"))
    clock.tick(PUBLIC)  # she is texted
    here, there = f"/en/visits/{ann.visit}", f"/en/doctor/visits/{ann.visit}"
    done(ann.post(f"{here}/messages", text=say("patient")))
    done(ann.post(f"{here}/wake", endpoint=f"https://fcm.googleapis.com/fcm/send/{quote(say('endpoint'), safe='')}"))
    soap = {part: say(part) for part in SOAP}
    done(ada.post(f"{there}/messages", epoch="1", text=say("doctor"), **soap))
    done(ada.post(f"{there}/note", epoch="1", text=say("begun"), **soap))
    ended = {
        "outcome": "prescription",
        "stated": "spoke",
        "summary": say("summary"),
        "speaks": "en",
        "heard": "2",
        "epoch": "1",
    }
    _prescribe(ada, f"{there}/finish", **soap, **ended, **_line(say))
    done(sam.post(f"/en/pharmacy/prescriptions/{ann.visit}/return", number="1", reason=say("returned")))
    _prescribe(ada, f"{there}/revise", **_line(say))
    done(sam.post(f"/en/pharmacy/prescriptions/{ann.visit}/approve", number="2"))
    done(ann.post(f"{here}/delivery", way="delivery", address=say("address"), phone=PHONES["delivery"]))
    parcel = f"/en/parcels/{ann.visit}"
    done(sam.post(f"{parcel}/pick"))
    done(cast.dee.post(f"{parcel}/check"))
    done(cast.cole.post(f"{parcel}/hand-over"))
    done(cast.cole.post(f"{parcel}/failed", reason=say("failed")))
    done(ada.post(f"{there}/amend", **soap))
    done(ann.post(f"{here}/complaint", about="harm", text=say("complaint")))
    done(cast.dee.post(f"/en/complaints/{ann.visit}", number="1", word=say("answer")))
    bob.join(**{name: say(name) for name in ("name", "why", "allergies")})
    done(ada.post("/en/doctor/next", departments="general"))
    done(ada.post(f"/en/doctor/visits/{bob.visit}/hand-back", epoch="1", reason=say("handed back")))
    done(cast.dee.post(f"/en/desk/visits/{bob.visit}/cancel", why=say("cancelled"), department="general"))
    code = shown.code(names.ticket_of(ann.visit))
    done(cast.bo.post("/en/glass", code=code, reason="emergency", words=say("under glass")))
    which = re.search(r'name="opening" value="([^"]+)"', cast.pria.get("/en/openings").body)
    assert which
    done(cast.pria.post("/en/openings", opening=which[1], verdict="not_in_order", remark=say("reviewed")))
    _two_prescriptions_are_taken_back(cast, say)
    _of_a_number_and_of_staff(cast, say)


def _two_prescriptions_are_taken_back(cast: Cast, say: Say) -> None:
    """One by its doctor, one by the pharmacist; the second patient was written down at the desk and opened the link."""
    cy, di, ada = Patient(cast.ann.house, BOB), Patient(cast.ann.house, BOB), cast.ada
    cast.others = [cy, di]
    cy.join(why=say("cy"), phone=PHONES["cy"])
    asked = {name: say(f"desk {name}") for name in ("name", "why", "allergies", "guardian")}
    told = {"for_whom": "child", "age": "9", "department": "general", "how_long": "days", "getting": "same"}
    told |= {"phone": PHONES["desk"], "consent": "yes", "language": "en", "flags": "none"}
    di.visit = done(cast.dee.post("/en/desk/add", **asked, **told)).path.rpartition("/")[2]
    link = re.search(r"back\?code=([\w~-]+)", cast.dee.get(f"/en/desk/tickets/{di.visit}").body)
    assert link
    done(di.post("/en/back", code=link[1]))
    for patient in cast.others:
        done(ada.post("/en/doctor/next", departments="general"))
        at = f"/en/doctor/visits/{patient.visit}"
        said = {part: say(part) for part in (*SOAP, "summary")}
        ended = {"outcome": "prescription", "stated": "spoke", "speaks": "en", "heard": "0", "epoch": "1"}
        _prescribe(ada, f"{at}/finish", **said, **ended, **_line(say))
    done(ada.post(f"/en/doctor/visits/{cy.visit}/revoke", reason=say("doctor took back")))
    done(cast.sam.post(f"/en/pharmacy/prescriptions/{di.visit}/revoke", reason=say("pharmacist took back")))


def _of_a_number_and_of_staff(cast: Cast, say: Say) -> None:
    """Ann's number stands for somebody; an administrator adds and changes a member, and looks for one."""
    ann, boss = cast.ann, cast.max
    sms.LOCAL.texts.clear()
    done(ann.post("/en/number", phone=PHONES["number"]))
    code = re.search(r"\b\d{6}\b", sms.LOCAL.texts[-1][1])
    assert code
    done(ann.post("/en/number/code", code=code[0]))
    done(ann.post("/en/number/people", name=say("person"), born="1992-05-06", relation="me"))
    member = {"role": "pharmacist", "licence_until": "2040-01-01", "practising_since": "2015-01-01"}
    done(boss.post("/en/people/add", id="nan", **member, **_member(say, "new ")))
    version = re.search(r'name="version" value="(\d+)"', boss.get("/en/people/nan").body)
    assert version
    done(boss.post("/en/people/nan", version=version[1], **member, **_member(say, "changed ")))
    done(boss.get("/en/people?find=nan"))


def _member(say: Say, which: str) -> dict[str, str]:
    return {
        "name": say(f"{which}staff name"),
        "title": say(f"{which}title"),
        "licence": say(f"{which}licence")[:LICENCE_MAX],
    }


def _line(say: Say) -> dict[str, str]:
    return {
        "medicine_1": MEDICINE,
        "dose_1": re.sub(r"\d+", "[]", say("dose")),  # a number without a unit is refused there; hit=[] is a hit too
        "per_day_1": "3",
        "days_1": "3",
        "advice_1": say("advice"),
    }


def _prescribe(doctor: Browser, path: str, **typed: str) -> None:
    """A dose in words of one's own is warned of; the doctor confirms exactly that warning."""
    got = doctor.post(path, **typed)
    seen = re.search(r'id="confirmed" name="confirmed" value="([^"]+)"', got.body)
    done(doctor.post(path, **typed, confirmed=html.unescape(seen[1])) if seen else got)


def done(got: Answer) -> Answer:
    assert got.status == 200, (got.path, got.status, got.words)
    return got


def readers(cast: Cast) -> list[Browser]:
    patients = [cast.ann, cast.bob, *cast.others]
    return [*patients, cast.ada, cast.bo, cast.sam, cast.cole, cast.dee, cast.pria, cast.max, cast.eve]


def everything_read(cast: Cast, *, accept: tuple[str, ...] = ("text/html",)) -> Iterator[tuple[Browser, Answer]]:
    """Every page there is, as those see it who may come near it, and a stranger."""
    patients, staff = (
        [cast.ann, cast.bob, *cast.others, cast.eve],
        [cast.ada, cast.bo, cast.sam, cast.cole, cast.dee, cast.pria, cast.max, cast.eve],
    )
    near = {"public": [cast.ann, cast.eve], "number": [cast.ann, cast.eve], "patient": patients, "staff": staff}
    for path, methods in app.routes.items():
        if "GET" not in methods or "{file}" in path:
            continue
        visits = [one.visit for one in (cast.ann, cast.bob, *cast.others)]
        for visit in visits if "{visit}" in path else visits[:1]:
            parts = {"lang": "en", "visit": visit, "step": "who", "department": "general", "member": "nan"}
            parts["sheet"] = sheet_of(cast.ann)
            asked = path.format(**parts)
            for who in near[methods["GET"].view_function.by]:
                for kind in accept:
                    yield who, who.ask("GET", asked, accept=kind)


def route_of(method: str, path: str) -> str:
    """Which of our addresses this is; "" for none."""
    for route in sorted(app.routes, key=lambda route: route.count("{")):
        if method in app.routes[route] and re.fullmatch(re.sub(r"{\w+}", "[^/]+", route), path.partition("?")[0]):
            return route
    return ""


def boxes() -> set[tuple[str, str]]:
    """Every field of every form that takes a person's own words, by its address."""
    found = set()
    for route, methods in app.routes.items():
        for entry in methods.values():
            form = entry.view_function.form
            for one in [form] if isinstance(form, Form) else form.values():
                found |= {(route, field.name) for field in one.fields.values() if field.written}
    return found
