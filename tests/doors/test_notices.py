"""Notices as people meet them: the box to tick, the text that comes, the button, and the alert on the desk's page."""

from collections.abc import Iterator
from dataclasses import replace

import botocore.session
import pytest

from chalicelib.clinic import CLINIC
from chalicelib.doors import clock
from chalicelib.doors.post import Post, text
from chalicelib.outside import push, sms
from chalicelib.rooms.notice import Absence, Kind, Outcome, Way, to_desk, to_patient
from chalicelib.store import records
from chalicelib.visit import taking
from tests.builders import NOW, a_ticket, a_visit, answers
from tests.doors.stories import id_of
from tests.people import Cast

ENDPOINT = "https://fcm.googleapis.com/fcm/send/anns-browser"
PUBLIC = "https://clinic.example.org"
WHO = ("Ann", "Smith", "throat", "penicillin", "138")


@pytest.fixture(autouse=True)
def nothing_sent_yet() -> None:
    sms.LOCAL.texts.clear()


@pytest.fixture
def key(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kms = botocore.session.get_session().create_client("kms", region_name="eu-west-1")
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    monkeypatch.setenv("PUSH_KEY", made)
    for kept in (push._kms, push._point):
        kept.cache_clear()
    yield
    for kept in (push._kms, push._point):
        kept.cache_clear()


def test_a_text_comes_to_who_ticked_the_box(cast: Cast) -> None:
    cast.bob.join()
    cast.ann.join(text_me="yes")
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=5)
    swept = clock.tick(PUBLIC)
    assert (swept.told, swept.sent) == (1, 1)
    ((to, said),) = sms.LOCAL.texts
    assert to == "+8613800001234"
    assert said == f"Riverside Clinic: it is nearly your turn. Ticket C2002. {PUBLIC}/en/visits/{cast.ann.visit}"
    assert not [word for word in WHO if word in said]
    for _ in range(2):
        taking.take_next(cast.errand("ada"))
    clock.tick(PUBLIC)
    clock.tick(PUBLIC)
    assert [said.split(".")[0] for _, said in sms.LOCAL.texts] == [
        "Riverside Clinic: it is nearly your turn",
        "Riverside Clinic: it is your turn, a doctor is ready for you",
    ]


def test_the_address_in_the_text_opens_nothing_for_a_stranger(cast: Cast) -> None:
    cast.ann.join(text_me="yes")
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=5)
    clock.tick(PUBLIC)
    address = sms.LOCAL.texts[0][1].rpartition(PUBLIC)[2]
    assert cast.ann.get(address).status == 200
    assert cast.eve.get(address).status == 404


def test_the_box_is_empty_until_it_is_ticked_and_the_answers_say_which(cast: Cast) -> None:
    page = cast.ann.answer()
    assert "Text message when it is nearly my turn No" in page.words
    page = cast.ann.answer(text_me="yes")
    assert "Text message when it is nearly my turn Yes" in page.words


@pytest.mark.parametrize("number", ["+1 202 555 0100", "12345", "010 1234 5678"])
def test_no_text_is_promised_to_a_number_that_gets_none(cast: Cast, number: str) -> None:
    cast.ann.answer()
    cast.ann.get("/en/ask/contact")
    got = cast.ann.fill("/contact", phone=number, text_me="yes")
    assert got.status == 422
    assert "Enter a mobile number that begins with +86" in got.page.errors["phone"]
    form = next(form for form in got.page.forms if "text_me" in form.fields)
    assert (form.fields["phone"], form.fields["text_me"]) == ([number], ["yes"]), "nothing typed is lost"
    assert cast.ann.fill("/contact", phone=number, text_me=[]).status == 200, "it can be called all the same"


def test_in_chinese(cast: Cast) -> None:
    visit = a_visit(id=a_ticket(17), answers=answers(language="zh"))
    said = text(to_patient(visit, Kind.NEARLY, Way.SMS, to="+86138", now=NOW), "")
    assert said == "河畔云诊所：快轮到您了，您的号 C2017。"


def test_what_the_desk_is_sent(cast: Cast) -> None:
    since = Absence(department="children", people=4, since=NOW)
    said = text(to_desk(since, CLINIC, NOW), PUBLIC)
    assert said == (
        "Riverside Clinic: nobody has been on duty in Children since 17:00. Waiting: 4. "
        f"{PUBLIC}/en/desk?department=children"
    )
    never = text(to_desk(replace(since, since=None), CLINIC, NOW), "")
    assert never == "Riverside Clinic: nobody is on duty in Children. Waiting: 4."


def test_a_driver_that_breaks_does_not_break_the_sweep(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(to: str, text: str) -> Outcome:
        raise RuntimeError(to)

    monkeypatch.setitem(sms.DRIVERS, "local", broken)
    cast.ann.join(text_me="yes")
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=5)
    assert clock.tick(PUBLIC).given_up == 1
    board = cast.dee.get("/en/desk?department=general")
    assert "Not told by a message today: C2001." in board.words
    assert "Not told by a message" not in cast.bo.get("/en/doctor").words


def test_the_post_has_only_its_share_of_a_sweep() -> None:
    assert Post().has_time
    late = Post()
    late.until = 0
    assert not late.has_time


def test_the_desk_sees_at_once_where_nobody_is_on_duty(cast: Cast) -> None:
    assert "Needs you now" not in cast.dee.get("/en/desk").words
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=5)
    taking.pause(cast.errand("ada"))
    cast.ann.join()
    got = cast.dee.get("/en/desk?department=respiratory")
    assert "Nobody has been on duty in General medicine since 10:00; 1 person waits." in got.words
    (alert,) = cast.dee.machine("GET", "/en/desk").json["alerts"]
    assert (alert["department"], alert["people"]) == ("general", 1)
    cast.dee.get("/zh/desk")
    assert "全科 从 10:00 起没有医生在岗，还有 1 人在等。" in cast.dee.at.words
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=5)
    assert "Needs you now" not in cast.dee.get("/en/desk").words


def test_no_button_without_a_key(cast: Cast) -> None:
    cast.ann.join()
    assert 'id="wake"' not in cast.ann.look().body


def test_a_browser_asks_to_be_woken(cast: Cast, key: None) -> None:
    cast.ann.join()
    page = cast.ann.look()
    assert f'data-key="{push.public_key()}"' in page.body
    assert "/s/wake." in page.body
    address = f"/en/visits/{cast.ann.visit}/wake"
    assert cast.ann.machine("POST", address, {"endpoint": ENDPOINT}).json == {"wakes": True}
    wake = records.wake(id_of(cast.ann))
    assert wake is not None
    assert wake.endpoint == ENDPOINT
    assert ENDPOINT not in cast.ann.look().body
    refused = cast.ann.machine("POST", address, {"endpoint": "https://169.254.169.254/latest"})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "endpoint")
    assert cast.ann.machine("POST", address, {"endpoint": "https://" + "x" * 2000}).status == 422
    assert cast.eve.machine("POST", address, {"endpoint": ENDPOINT}).status == 404
    assert cast.ann.machine("POST", address, {"endpoint": ENDPOINT}, sec_fetch_site="cross-site").status == 403
