"""Staff: signing in with a secret, the lock after wrong ones, and sessions that end by themselves."""

from datetime import date, datetime, timedelta

import pytest

from chalicelib.refusal import Refusal, TooLate
from chalicelib.rooms.permission import SYSTEM, Role
from chalicelib.store import staff
from chalicelib.store.rows import SessionRow, StaffRow
from chalicelib.store.staff import FAILURES_MAX, IDLE, LOCKED, SECRET_MAX, SESSION
from chalicelib.visit import staffing
from tests.builders import MINUTE, NOW, refused
from tests.visit.walk import Walk, table
from tests.visit.weather import lost_replies, silence, watched

SECRET = "correct horse"
WORDS = "This name and secret do not belong together."


def enrol(walk: Walk, id: str = "ada", secret: str = SECRET) -> None:
    licence = {"licence": "L-1", "licence_until": date(2040, 1, 1)}
    staffing.add_member(walk.errand(SYSTEM), id=id, name=f"Dr {id.title()}", role=Role.DOCTOR, **licence)
    staff.give_secret(id, secret)


def sign_in(secret: str = SECRET, *, id: str = "ada", token: str = "t1", now: datetime = NOW) -> str:
    return staff.sign_in(id=id, secret=secret, token_hash=token, now=now).id


def who(token: str = "t1", now: datetime = NOW, id: str = "ada") -> str | None:
    found = staff.who(id=id, token_hash=token, now=now)
    return found and found.id


def test_the_right_secret_opens_a_session(walk: Walk) -> None:
    enrol(walk)
    assert sign_in() == "ada"
    assert who() == "ada"
    assert who("another token") is None


@pytest.mark.parametrize("secret", ["", "wrong", SECRET.upper(), SECRET + " ", "王" * 200])
def test_a_wrong_secret_opens_nothing(walk: Walk, secret: str) -> None:
    enrol(walk)
    with refused(WORDS, field="secret"):
        sign_in(secret)
    assert who() is None


@pytest.mark.parametrize("id", ["", "nobody", "ADA", "王", "ada\0", "D#ada"])
def test_an_unknown_name_is_told_the_same(walk: Walk, id: str) -> None:
    enrol(walk)
    with refused(WORDS, field="secret"):
        sign_in(id=id)


def test_an_unknown_name_takes_as_long_and_costs_no_write(walk: Walk) -> None:
    with watched() as asked, pytest.raises(Refusal):
        sign_in(id="nobody")
    assert asked.names == ["GetItem"]
    assert staff._NOBODY[0] != staff._NOBODY[1]
    assert len(staff._hash("x", staff._NOBODY[0])) == len(staff._NOBODY[1]), "the same work is done for nobody"


def test_secrets_and_tokens_cannot_be_read_back(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    assert SECRET not in str(table())
    (row,) = [item for key, item in table().items() if key == ("U#ada", "U")]
    assert len(row["salt"]["S"]) == 32


def test_two_with_the_same_secret_do_not_look_alike(walk: Walk) -> None:
    enrol(walk)
    enrol(walk, "bo")
    assert StaffRow.get("U#ada", "U").secret != StaffRow.get("U#bo", "U").secret


def test_a_secret_is_given_once(walk: Walk) -> None:
    enrol(walk)
    before = table()
    staff.give_secret("ada", "another secret")
    staff.give_secret("nobody", "another secret")
    assert table() == before


def test_after_ten_wrong_secrets_even_the_right_one_must_wait(walk: Walk) -> None:
    enrol(walk)
    for _ in range(FAILURES_MAX):
        with refused(WORDS):
            sign_in("wrong")
    for secret in (SECRET, "wrong"):
        with refused("Too many wrong tries", kind=TooLate):
            sign_in(secret, now=NOW + LOCKED - MINUTE)
    assert sign_in(now=NOW + LOCKED) == "ada"
    with refused(WORDS):
        sign_in("wrong", now=NOW + LOCKED)


def test_the_right_secret_forgets_the_wrong_ones(walk: Walk) -> None:
    enrol(walk)
    for round in range(3):
        for _ in range(FAILURES_MAX - 1):
            with refused(WORDS):
                sign_in("wrong")
        assert sign_in(token=f"t{round}") == "ada"


def test_a_locked_door_does_not_end_sessions(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    for n in range(FAILURES_MAX):
        with refused(WORDS):
            sign_in("wrong", token=f"x{n}")
    assert who() == "ada"


def test_a_session_ends_after_a_quarter_of_an_hour_without_use(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    assert who(now=NOW + IDLE - timedelta(seconds=1)) == "ada"
    sign_in(token="t2")
    assert who("t2", NOW + IDLE) is None


def test_use_keeps_it_open_and_twelve_hours_end_it(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    now = NOW
    while now + IDLE - MINUTE < NOW + SESSION:
        now += IDLE - MINUTE
        assert who(now=now) == "ada"
    assert who(now=NOW + SESSION) is None


def test_using_it_is_written_down_only_now_and_then(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    with watched() as asked:
        for seconds in range(0, 180, 20):
            who(now=NOW + timedelta(seconds=seconds))
    assert asked.writes == []
    assert set(asked.names) == {"BatchGetItem"}, "one request a click"
    with watched() as asked:
        who(now=NOW + IDLE / 5 + MINUTE)
    assert len(asked.writes) == 1


def test_signed_out_is_out_also_the_second_time(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    for _ in range(2):
        staff.sign_out(token_hash="t1")
        assert who() is None


def test_who_no_longer_works_here_is_out_at_once(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    StaffRow("U#ada", "U").update(actions=[StaffRow.active.set(False)])
    assert who() is None
    with refused(WORDS, field="secret"):
        sign_in(token="t2")


def test_a_session_is_forgotten_by_the_table_too(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    assert SessionRow.get("S#t1", "S").ttl == int((NOW + SESSION).timestamp())


def test_a_very_long_secret_is_cut_and_not_a_way_to_keep_us_busy(walk: Walk) -> None:
    enrol(walk, secret="x" * SECRET_MAX)
    assert sign_in("x" * SECRET_MAX + "y") == "ada"


@pytest.mark.parametrize("nth", [1, 2])
def test_signing_in_through_a_lost_reply(walk: Walk, nth: int) -> None:
    """The session was written, the answer was lost, the SDK asked again: that is a session, not an error."""
    enrol(walk)
    with lost_replies(nth):
        assert sign_in() == "ada"
    assert who() == "ada"


def test_somebody_elses_session_is_not_taken_over(walk: Walk) -> None:
    enrol(walk)
    enrol(walk, "bo")
    sign_in()
    with pytest.raises(Exception, match="onditional"):
        sign_in(id="bo")
    assert who() == "ada"


def test_a_sign_in_whose_answer_never_came_can_be_repeated(walk: Walk) -> None:
    enrol(walk)
    with pytest.raises(Refusal), silence(after=2):
        sign_in()
    assert sign_in() == "ada"
