"""Coming back to the doctor one had, at the patient's door and on the doctor's page."""

from chalicelib.rooms.consult import Outcome
from chalicelib.store import names
from chalicelib.visit import taking
from tests.doors.stories import seen
from tests.people import Answer, Cast

AGAIN = {"follow_up": "yes"}


def back_for_ada(cast: Cast) -> Answer:
    """Ann was seen by Dr Ada and comes back: the last page before the ticket."""
    seen(cast, cast.ann, outcome=Outcome.REST)
    return cast.ann.answer(**AGAIN)


def wait_for_ada(cast: Cast) -> Answer:
    back_for_ada(cast)
    got = cast.ann.fill(consent="yes", doctor="same")
    cast.ann.visit = got.path.partition("?")[0].rpartition("/")[2]
    return got


def test_the_last_page_shows_both_waits_and_the_ticket_the_trade(cast: Cast) -> None:
    at = back_for_ada(cast)
    for words in ("Which doctor?", "The first free doctor", "Ada", "the doctor you had"):
        assert words in at.words
    got = cast.ann.fill(consent="yes", doctor="same")
    assert "You are waiting for" in got.words
    assert "Take the first free doctor" in got.words
    assert "Your place there is kept until we close at 22:00, and longer while doctors are here." in got.words


def test_changed_at_once_and_back_again(cast: Cast) -> None:
    wait_for_ada(cast)
    got = cast.ann.fill("/first-free")
    assert "The first free doctor takes you." in got.words
    assert "You are waiting for" not in got.words
    got = cast.ann.fill("/same-doctor")
    assert "You are waiting for" in got.words
    got = cast.ann.post(cast.ann.url("visits", cast.ann.visit, "same-doctor"))
    assert got.status == 409


def test_eve_changes_nobodys_line(cast: Cast) -> None:
    wait_for_ada(cast)
    for deed in ("first-free", "same-doctor"):
        assert cast.eve.post(cast.ann.url("visits", cast.ann.visit, deed)).status == 404


def test_a_doctor_who_goes_is_told_of_and_the_place_is_kept(cast: Cast) -> None:
    wait_for_ada(cast)
    taking.pause(cast.errand("ada"))
    got = cast.ann.look()
    assert "went off duty." in got.words
    assert "at the place you would have had from the start" in got.words
    assert "after all" not in got.words


def test_a_doctor_who_tapped_pause_by_mistake_can_be_waited_for_again(cast: Cast) -> None:
    wait_for_ada(cast)
    taking.pause(cast.errand("ada"))
    cast.ann.look()
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=2, own_only=True)
    got = cast.ann.look()
    assert "went off duty, and is on duty again." in got.words
    got = cast.ann.fill("/same-doctor")
    assert "You are waiting for" in got.words


def test_a_doctor_who_is_not_there_is_not_offered(cast: Cast) -> None:
    seen(cast, cast.ann, outcome=Outcome.REST)
    taking.pause(cast.errand("ada"))
    at = cast.ann.answer(**AGAIN)
    assert "is not on duty now. The first free doctor takes you." in at.words
    assert "Which doctor?" not in at.words


def test_the_line_has_a_board_of_its_own_that_names_nobody(cast: Cast) -> None:
    got = wait_for_ada(cast)
    board = got.body.partition('data-board="')[2].partition('"')[0]
    assert "ada" not in board
    read = cast.eve.ask("GET", board, accept="application/json")
    assert read.status == 200
    assert "ada" not in read.body
    assert (read.json["waiting"], read.json["on_duty"]) == (1, 1)
    for made_up in ("~ada", names.board_of("ada")[:-1] + "A", "~"):
        assert cast.eve.ask("GET", f"/board/{made_up}", accept="application/json").status == 404


def test_the_doctor_sees_who_waits_and_why_it_is_their_turn(cast: Cast) -> None:
    wait_for_ada(cast)
    got = cast.ada.get("/en/doctor")
    assert "Waiting for you" in got.words
    assert "Ann Smith" in got.words
    got = cast.ada.fill("/next")
    assert "Asked for you, and is the next one who did." in got.words
    assert "you had asked for this doctor, and you were the next one." in cast.ann.look().words


def test_on_duty_for_own_patients_only(cast: Cast) -> None:
    cast.ada.get("/en/doctor")
    got = cast.ada.fill("/duty", departments="general", capacity="2", own_only="yes")
    assert "On duty, own patients only" in got.words
    cast.bob.join()
    assert "No doctor is on duty" in cast.bob.look().words
    cast.ada.get("/en/doctor")
    assert "Nobody is waiting for you." in cast.ada.fill("/next").words
