"""A story in which every box that takes a person's own words is filled in by an attacker, and who can read it after."""

import html
import re
from collections.abc import Callable, Iterator

from app import app
from chalicelib.doors import shown
from chalicelib.store import names
from tests.doors.stories import sheet_of
from tests.people import Answer, Browser, Cast

Say = Callable[[str], str]
MEDICINE = "paracetamol-500"


def said_everywhere(cast: Cast, say: Say) -> None:
    """Ann comes with a child, is seen, gets a parcel that does not arrive; Bob is handed back and cancelled.

    `say(field)` is what stands in the field of that name; fields of digits are left alone.
    """
    ann, bob, ada, sam = cast.ann, cast.bob, cast.ada, cast.sam
    ill = {name: say(name) for name in ("name", "why", "allergies", "guardian")}
    ann.join(for_whom="child", age="7", **ill)
    done(ada.post("/en/doctor/duty", departments="general", capacity="5"))
    done(ada.post("/en/doctor/next", departments="general"))
    here, there = f"/en/visits/{ann.visit}", f"/en/doctor/visits/{ann.visit}"
    done(ann.post(f"{here}/messages", text=say("patient")))
    done(ada.post(f"{there}/messages", epoch="1", text=say("doctor")))
    soap = {part: say(part) for part in ("subjective", "objective", "assessment", "plan")}
    done(ada.post(f"{there}/note", epoch="1", **soap))
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
    done(ann.post(f"{here}/delivery", way="delivery", address=say("address"), phone="138 0000 1234"))
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


def done(got: Answer) -> None:
    assert got.status == 200, (got.path, got.status, got.words)


def readers(cast: Cast) -> list[Browser]:
    return [cast.ann, cast.bob, cast.ada, cast.bo, cast.sam, cast.cole, cast.dee, cast.pria, cast.eve]


def everything_read(cast: Cast, *, accept: tuple[str, ...] = ("text/html",)) -> Iterator[tuple[Browser, Answer]]:
    """Every page there is, as those see it who may come near it, and a stranger."""
    patients, staff = (
        [cast.ann, cast.bob, cast.eve],
        [cast.ada, cast.bo, cast.sam, cast.cole, cast.dee, cast.pria, cast.eve],
    )
    near = {"public": [cast.ann, cast.eve], "number": [cast.ann, cast.eve], "patient": patients, "staff": staff}
    for path, methods in app.routes.items():
        if "GET" not in methods or "{file}" in path:
            continue
        for visit in (cast.ann.visit, cast.bob.visit)[: 2 if "{visit}" in path else 1]:
            parts = {"lang": "en", "visit": visit, "step": "who", "department": "general", "member": "ada"}
            parts["sheet"] = sheet_of(cast.ann)
            asked = path.format(**parts)
            for who in near[methods["GET"].view_function.by]:
                for kind in accept:
                    yield who, who.ask("GET", asked, accept=kind)
