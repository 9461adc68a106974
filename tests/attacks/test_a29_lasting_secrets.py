"""A29: cookies copied from a phone open the visit for ever, whatever its owner does, or for years after its end."""

from chalicelib.doors import guests
from chalicelib.doors.guests import hashed
from chalicelib.doors.manners import Polite
from chalicelib.store import names, records
from tests.attacks.breaks import gets_through
from tests.doors.stories import seen
from tests.doors.test_number import BORN, code, proven
from tests.people import ANN, BOB, Browser, Cast, Patient

DAYS = 90


def _thief(cast: Cast, whose: Browser) -> Browser:
    thief = Browser(cast.house)
    thief.cookies = dict(whose.cookies)
    return thief


def _link_on(cast: Cast, code: str) -> Browser:
    phone = Browser(cast.house)
    phone.get("/en/back")
    phone.fill("/back", code=code)
    return phone


def _found_on(cast: Cast) -> Browser:
    """Somebody who had the number's phone in their hand for a minute."""
    other = Browser(cast.house)
    cast.clock.forward(minutes=2)
    other.get("/en/find")
    other.fill("/find", phone=ANN["phone"], born=BORN)
    other.fill("/number/code", code=code())
    other.fill("/find/open")
    return other


def what_was_copied_opens_nothing_once_the_phone_forgot(cast: Cast) -> None:
    """Of a visit that is over and of one that goes on, for which the patient is warned first; other phones keep it."""
    seen(cast, cast.ann)
    over, link = cast.ann.visit, cast.ann.cookies["tickets"]
    at_home, later = _link_on(cast, link), cast.ann.join()
    thief = _thief(cast, cast.ann)
    cast.ann.get("/en/find")
    assert cast.ann.fill("/forget").status == 409
    assert thief.get(f"/en/visits/{over}").status == 200
    assert cast.ann.fill("/forget", sure="yes").status == 200
    for visit in (over, later):
        assert thief.get(f"/en/visits/{visit}").status == 404
        assert thief.get(f"/en/visits/{visit}/record").status == 404
    assert _link_on(cast, link).get(f"/en/visits/{over}").status == 404, "a link carries the secret of who showed it"
    assert at_home.get(f"/en/visits/{over}").status == 200
    assert cast.eve.get("/board/general").json["waiting"] == 1, "the place stays"


def who_found_it_by_the_number_loses_it_when_that_is_signed_out(cast: Cast) -> None:
    """Everywhere but on the phone on which it is done; and the one that drew the ticket keeps it."""
    visit = cast.ann.join()
    thief, own = _found_on(cast), _found_on(cast)
    assert [who.get(f"/en/visits/{visit}").status for who in (thief, own)] == [200, 200]
    own.get("/en/number")
    assert own.post("/en/number/everywhere").status == 200
    assert thief.get(f"/en/visits/{visit}").status == 404
    assert [who.get(f"/en/visits/{visit}").status for who in (cast.ann, own)] == [200, 200]
    assert thief.post("/en/find/open", visit=visit).status == 409, "nor does it find it again"


def after_its_days_a_ticket_opens_nothing_alone(cast: Cast) -> None:
    """At every address; also with a number, if that is not the visit's."""
    from app import app

    seen(cast, cast.ann)
    visit, link = cast.ann.visit, cast.ann.cookies["tickets"]
    cast.clock.forward(days=DAYS, minutes=-1)
    assert cast.ann.get(f"/en/visits/{visit}/record").status == 200
    cast.clock.forward(minutes=2)
    pages = [path for path, one in app.routes.items() if "GET" in one and _is_patients(one["GET"].view_function)]
    assert len(pages) > 8
    for path in pages:
        got = cast.ann.get(path.format(lang="en", visit=visit))
        assert got.status == 410, path
        assert "The record is kept." in got.words
    for path, said in (
        ("messages", {"text": "Hello"}),
        ("erase", {}),
        ("complaint", {"about": "care", "text": "It hurt."}),
    ):
        assert cast.ann.post(f"/en/visits/{visit}/{path}", **said).status == 410, path
    eve = Patient(cast.house, BOB)
    eve.cookies["tickets"] = link
    proven(eve, BOB["phone"])
    eve.get("/en/back")
    got = eve.fill("/back", code=link)
    assert got.status == 410
    assert ANN["name"] not in got.body


def test_what_was_copied_opens_nothing_once_the_phone_forgot(cast: Cast) -> None:
    what_was_copied_opens_nothing_once_the_phone_forgot(cast)


def test_who_found_it_by_the_number_loses_it_when_that_is_signed_out(cast: Cast) -> None:
    who_found_it_by_the_number_loses_it_when_that_is_signed_out(cast)


def test_after_its_days_a_ticket_opens_nothing_alone(cast: Cast) -> None:
    after_its_days_a_ticket_opens_nothing_alone(cast)


def test_a_copy_would_open_it_for_ever(cast: Cast) -> None:
    gets_through(lambda: what_was_copied_opens_nothing_once_the_phone_forgot(cast), "a29 the browser alone forgets")


def test_who_found_it_would_keep_it(cast: Cast) -> None:
    gets_through(
        lambda: who_found_it_by_the_number_loses_it_when_that_is_signed_out(cast), "a29 signing out leaves the tickets"
    )


def test_it_would_open_for_years(cast: Cast) -> None:
    gets_through(lambda: after_its_days_a_ticket_opens_nothing_alone(cast), "a29 a ticket has no end")


def test_any_number_would_do(cast: Cast) -> None:
    gets_through(lambda: after_its_days_a_ticket_opens_nothing_alone(cast), "a29 any number opens an old ticket")


def test_whoever_proves_the_visits_number_opens_it_again(cast: Cast) -> None:
    """As the page says: the number first, then the ticket; and its days begin again."""
    seen(cast, cast.ann)
    visit = cast.ann.visit
    cast.clock.forward(days=400)
    cast.ann.look()
    got = cast.ann.fill("/back")
    assert got.status == 410, "not before"
    assert "/en/number" in got.page.links
    proven(cast.ann)
    cast.ann.look()
    assert cast.ann.fill("/back").path == f"/en/visits/{visit}"
    cast.ann.post("/en/number/out")
    cast.clock.forward(days=DAYS - 1)
    assert cast.ann.get(f"/en/visits/{visit}/record").status == 200
    cast.clock.forward(days=1)
    assert cast.ann.look().status == 410
    kept = guests.ticket_of(cast.ann.cookies["tickets"])
    assert kept is not None
    assert records.visit(names.ticket_of(visit)).secret == hashed(kept.secret)


def _is_patients(view: Polite) -> bool:
    return view.by == "patient"
