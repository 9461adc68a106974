"""Staff: sessions that end by themselves, what is kept closed for one browser, and wrong tries that are counted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from chalicelib.doors.guests import badge, hashed
from chalicelib.refusal import Stale, TooLate
from chalicelib.rooms.permission import SYSTEM, Role
from chalicelib.store import names, records, staff
from chalicelib.store.envelope import closed, opened
from chalicelib.store.staff import IDLE, SESSION, TRIES_MAX, TRIES_WITHIN
from chalicelib.store.staff_rows import SessionRow, StaffRow
from chalicelib.visit import staffing
from infra import audit
from tests.builders import MINUTE, NOW, refused
from tests.visit.walk import Walk, table
from tests.visit.weather import Died, death, lost_replies, watched


def enrol(walk: Walk, id: str = "ada") -> None:
    licence = {"title": "Physician", "licence": "L-1", "licence_until": date(2040, 1, 1)}
    staffing.add_member(walk.errand(SYSTEM), id=id, name=f"Dr {id.title()}", role=Role.DOCTOR, **licence)


def sign_in(id: str = "ada", token: str = "t1", now: datetime = NOW) -> None:
    staff.open_session(staff.member(id), token_hash=token, now=now)


def who(token: str = "t1", now: datetime = NOW, id: str = "ada") -> str | None:
    found = staff.who(id=id, token_hash=token, now=now)
    return found and found[0].id


def test_a_session_says_who_it_is(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    assert who() == "ada"
    assert who("another token") is None
    assert who(id="") is None


def test_a_badge_with_another_name_on_it_opens_nothing(walk: Walk) -> None:
    enrol(walk)
    enrol(walk, "bo")
    sign_in()
    assert who(id="bo") is None


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
    staff.keep_closed("badge", "refresh", token_hash="t1", now=NOW)
    for _ in range(2):
        staff.sign_out(staff.member("ada").actor, token_hash="t1", now=NOW)
        assert who() is None
        assert staff.opened("badge", token_hash="t1") is None


def test_who_no_longer_works_here_is_out_at_once(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    StaffRow("U#ada", "U").update(actions=[StaffRow.active.set(False)])
    assert who() is None


def test_a_session_is_forgotten_by_the_table_too(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    assert SessionRow.get("S#t1", "S").ttl == int((NOW + SESSION).timestamp())


@pytest.mark.parametrize("nth", [1, 2])
def test_signing_in_through_a_lost_reply(walk: Walk, nth: int) -> None:
    """The session was written, the answer was lost, the SDK asked again: that is a session, not an error."""
    enrol(walk)
    with lost_replies(nth):
        sign_in()
    assert who() == "ada"


def test_somebody_elses_session_is_not_taken_over(walk: Walk) -> None:
    enrol(walk)
    enrol(walk, "bo")
    sign_in()
    with pytest.raises(Stale):
        sign_in("bo")
    staff.sign_out(staff.member("bo").actor, token_hash="t2", now=NOW)
    assert who() == "ada"


def test_a_second_factor_shown_again_is_remembered(walk: Walk) -> None:
    enrol(walk)
    sign_in()
    ada = staff.member("ada").actor
    staff.proved(ada, token_hash="t1", now=NOW + MINUTE)
    staff.proved(ada, token_hash="never there", now=NOW)
    found = staff.who(id="ada", token_hash="t1", now=NOW + MINUTE)
    assert found is not None
    assert found[1].proved_at == NOW + MINUTE


def coming_and_going(id: str = "ada") -> list[tuple[str, str]]:
    return [(e.deed, e.request) for e in records.audit(f"U#{id}") if ":" in e.request]


@pytest.mark.parametrize("nth", [0, 1, 2, 3])
def test_coming_and_going_is_one_line_each_also_through_a_lost_reply(walk: Walk, nth: int) -> None:
    """By the badge's hash, in the chain; what was refused leaves none, and no tap leaves two."""
    enrol(walk)
    ada = staff.member("ada").actor
    for deed in (
        sign_in,
        lambda: staff.proved(ada, token_hash="t1", now=NOW + MINUTE),
        lambda: staff.sign_out(ada, token_hash="t1", now=NOW + 2 * MINUTE),
    ):
        with lost_replies(nth):
            deed()
        deed()
    staff.proved(ada, token_hash="t1", now=NOW + 3 * MINUTE)
    staff.sign_out(ada, token_hash="never there", now=NOW)
    minute = int((NOW + MINUTE).timestamp()) // 60
    assert sorted(coming_and_going()) == [
        ("prove_again", f"again:t1:{minute}"),
        ("sign_in", "in:t1"),
        ("sign_out", "out:t1"),
    ]
    assert audit.verify(audit.kept(table().values())) == []


def test_who_dies_while_signing_out_is_out(walk: Walk) -> None:
    """The rows are deleted after the line is written; the session is over with the line."""
    enrol(walk)
    sign_in()
    ada = staff.member("ada").actor
    with pytest.raises(Died), death(3, before=True):
        staff.sign_out(ada, token_hash="t1", now=NOW)
    assert who() is None
    sign_in()
    assert who() is None, "a badge opens one session"


def test_what_is_kept_closed_opens_for_the_badge_and_for_nothing_in_the_table(walk: Walk) -> None:
    mine, theirs = badge("ada", "A" * 22), badge("ada", "B" * 22)
    staff.keep_closed(mine, "refresh-of-ada" * 100, token_hash=hashed(mine), now=NOW)
    assert staff.opened(mine, token_hash=hashed(mine)) == "refresh-of-ada" * 100
    assert staff.opened(theirs, token_hash=hashed(mine)) is None
    assert "refresh-of-ada" not in str(table())
    assert mine not in str(table())


def test_an_envelope_that_was_touched_does_not_open() -> None:
    kept = closed("secret", "text")
    assert opened("secret", kept) == "text"
    assert closed("secret", "text") != kept, "the same text does not look the same twice"
    for at in (2, 30, len(kept) - 6):
        other = "A" if kept[at] != "A" else "B"
        assert opened("secret", kept[:at] + other + kept[at + 1 :]) is None


def test_five_wrong_tries_and_then_a_quarter_of_an_hour(walk: Walk) -> None:
    for _ in range(TRIES_MAX):
        staff.count_try("ada", "here", NOW)
    with refused("Too many wrong tries", kind=TooLate):
        staff.count_try("ada", "here", NOW + TRIES_WITHIN - MINUTE)
    staff.count_try("ada", "elsewhere", NOW)  # a stranger shuts the door to the stranger's own place
    staff.count_try("bo", "here", NOW)
    staff.count_try("ada", "here", NOW + TRIES_WITHIN)


def test_the_right_one_forgets_the_wrong_ones(walk: Walk) -> None:
    for _ in range(3):
        for _ in range(TRIES_MAX):
            staff.count_try("ada", "here", NOW)
        staff.forget_tries("ada", "here")


def test_fifty_tries_at_once_are_five(honest_walk: Walk) -> None:
    def attempt(_: int) -> bool:
        try:
            staff.count_try("ada", "here", NOW)
        except TooLate:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(50))) == TRIES_MAX


def test_a_browser_that_is_known_cannot_be_made_up(walk: Walk) -> None:
    mark = names.known_mark("ada", "N" * 22)
    assert names.is_known("ada", mark)
    assert not names.is_known("bo", mark)
    assert not names.is_known("ada", mark[:-1] + ("A" if mark[-1] != "A" else "B"))
    assert not names.is_known("ada", "")


def test_a_first_password_is_the_same_for_the_same_request_and_long_enough(walk: Walk) -> None:
    one = names.first_password("request-1")
    assert one == names.first_password("request-1") != names.first_password("request-2")
    assert len(one) == 19
    assert len(one.replace("-", "")) == 16
