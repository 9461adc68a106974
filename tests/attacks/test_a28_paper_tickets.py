"""A28: whoever can see or print a paper ticket becomes its patient: in the consult, or years later."""

import re

from chalicelib.doors.guests import hashed
from chalicelib.rooms.consult import Outcome
from chalicelib.store import names, records, staff
from chalicelib.visit import seeing, taking
from chalicelib.visit.errand import about_visit
from tests.attacks.breaks import gets_through
from tests.doors.stories import SOAP
from tests.doors.test_desk import add
from tests.people import Answer, Browser, Cast

SAID = "Your test is positive"


def _printed(cast: Cast) -> tuple[str, str]:
    """Queued by Dee, who hands the paper over: the visit's name, and what its link carries."""
    got = add(cast, language="en")
    return got.path.rpartition("/")[2], _code(got)


def _code(page: Answer) -> str:
    return str(re.findall(r"/back\?code=([\w~-]+)", page.body)[0])


def _brought(cast: Cast, code: str) -> Browser:
    """A phone that brings the paper, or whatever it has."""
    phone = Browser(cast.house)
    phone.get("/en/back")
    phone.fill("/back", code=code)
    return phone


def _told(cast: Cast, visit: str) -> None:
    id = names.ticket_of(visit)
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=5)
    assert taking.take_next(cast.errand("ada")) == id
    epoch = seeing.open_visit(cast.errand("ada"), id=id).visit.epoch
    seeing.say(cast.errand("ada"), id=id, text=SAID, epoch=epoch)


def _don(cast: Cast) -> Browser:
    """Another clerk, who has never seen this patient."""
    cast.max.post("/en/people/add", id="don", name="Don", role="desk", licence="", licence_until="")
    don = Browser(cast.house)
    don.cookies["staff"] = "don~" + "D" * 22
    staff.open_session(staff.member("don"), token_hash=hashed(don.cookies["staff"]), now=cast.clock())
    return don


def paper_that_a_phone_has_opened_opens_nothing(cast: Cast) -> None:
    """The clerk has seen the link, and comes back with it, by the form and as a cookie."""
    visit, code = _printed(cast)
    patient = _brought(cast, code)
    assert patient.get(f"/en/visits/{visit}").status == 200
    _told(cast, visit)
    assert SAID in patient.get(f"/en/visits/{visit}").body
    home, sly = _brought(cast, code), Browser(cast.house)
    sly.cookies["tickets"] = code
    for clerk in (home, sly):
        assert clerk.get(f"/en/visits/{visit}").status == 404
        assert clerk.get(f"/en/visits/{visit}/record").status == 404
        assert clerk.post(f"/en/visits/{visit}/messages", text="I take no other medicine").status == 404


def paper_is_good_for_one_pocket_and_for_no_page(cast: Cast) -> None:
    """As a ticket in a cookie it is none, before and after; nor does it become one by being brought as one."""
    visit, code = _printed(cast)
    sly = Browser(cast.house)
    sly.cookies["tickets"] = code
    assert sly.get(f"/en/visits/{visit}").status == 404
    sly.get("/en/back")
    assert sly.fill("/back", code=code).status == 200
    assert sly.cookies["tickets"] != code
    other = Browser(cast.house)
    other.cookies["tickets"] = code
    assert other.get(f"/en/visits/{visit}").status == 404


def nobody_prints_the_way_into_a_consult(cast: Cast) -> None:
    visit, _ = _printed(cast)
    don = _don(cast)
    _told(cast, visit)
    got = don.get(f"/en/desk/tickets/{visit}")
    assert "/back?code=" not in got.body
    assert got.status == 409


def each_paper_is_told_to_the_patient(cast: Cast) -> None:
    """By name, as what it was; and the phone that came with it is in the audit."""
    visit, code = _printed(cast)
    cast.clock.forward(minutes=5)
    assert _code(_don(cast).get(f"/en/desk/tickets/{visit}")) == code
    cast.clock.forward(minutes=5)
    patient = _brought(cast, code)
    words = patient.get(f"/en/visits/{visit}/opened").words
    assert "Don Front desk Printed the ticket again" in words
    assert "Dee Front desk Printed the ticket " in words
    lines = records.audit(about_visit(names.ticket_of(visit)))
    mine = hashed(patient.cookies["tickets"].split("~")[1])
    assert [line.actor.id for line in lines if line.deed == "come_back"] == [mine]


def test_paper_that_a_phone_has_opened_opens_nothing(cast: Cast) -> None:
    paper_that_a_phone_has_opened_opens_nothing(cast)


def test_paper_is_good_for_one_pocket_and_for_no_page(cast: Cast) -> None:
    paper_is_good_for_one_pocket_and_for_no_page(cast)


def test_nobody_prints_the_way_into_a_consult(cast: Cast) -> None:
    nobody_prints_the_way_into_a_consult(cast)


def test_each_paper_is_told_to_the_patient(cast: Cast) -> None:
    each_paper_is_told_to_the_patient(cast)


def test_a_paper_that_is_a_ticket_would_open_for_everybody(cast: Cast) -> None:
    gets_through(lambda: paper_that_a_phone_has_opened_opens_nothing(cast), "a28 paper opens one phone after the other")


def test_a_paper_in_a_cookie_would_be_the_patient(cast: Cast) -> None:
    gets_through(lambda: paper_is_good_for_one_pocket_and_for_no_page(cast), "a28 paper is a ticket like any other")


def test_a_consults_ticket_would_be_printed(cast: Cast) -> None:
    gets_through(lambda: nobody_prints_the_way_into_a_consult(cast), "a28 printed at any time")


def test_it_would_be_printed_on_the_quiet(cast: Cast) -> None:
    gets_through(lambda: each_paper_is_told_to_the_patient(cast), "a28 printing again is not told apart")


def test_the_signed_record_is_not_read_by_who_printed_it_years_later(cast: Cast) -> None:
    visit, code = _printed(cast)
    _brought(cast, code)
    _told(cast, visit)
    id = names.ticket_of(visit)
    epoch = seeing.open_visit(cast.errand("ada"), id=id).visit.epoch
    seeing.sign(
        cast.errand("ada"),
        id=id,
        epoch=epoch,
        soap=SOAP,
        outcome=Outcome.REST,
        summary="Come back",
        lines=(),
        confirmed=False,
        stated=("spoke",),
    )
    cast.clock.forward(days=365 * 5)
    home = _brought(cast, code)
    assert home.get(f"/en/visits/{visit}/record").status == 404
    assert home.post(f"/en/visits/{visit}/erase").status == 404
