"""One whole visit through the deployed zip, by people with browsers, and what it leaves behind of them: nothing."""

import json
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chalicelib.doors.guests import badge, cookie_name, hashed
from chalicelib.doors.staff import AREAS
from chalicelib.store import staff
from infra.local.seed import STAFF, seed
from infra.package import ROOT
from tests import engines
from tests.deploy.local_gateway import gateway
from tests.deploy.local_lambda import function, traces
from tests.deploy.recorder import Recorder, recording
from tests.people import ANN, OverHttp, Patient

pytestmark = [pytest.mark.zip, pytest.mark.slow, pytest.mark.engine]

ANSWERS = {**ANN, "name": "Ann Limoncello", "why": "Feverish since Tuesday", "allergies": "walnuts"}
ADDRESS, GREETING, REPLY = "7 Marmalade Lane", "Good morning, what is it?", "It began with shivering"
WORDS = ("Limoncello", "Feverish", "walnuts", "0000 1234", "00001234", "Marmalade", "what is it", "shivering")
SECRETS = tuple(member.secret for member in STAFF)


class Visitor(Patient):
    """Somebody at an address that begins with a path of its own, as API Gateway's stages do."""

    secure = False  # behind https, as seen by the function

    def __init__(self, address: str) -> None:
        super().__init__(OverHttp(address), ANSWERS)
        self.base = urlsplit(address).path

    def url(self, *parts: str) -> str:
        return self.base + super().url(*parts)

    def sign_in(self, id: str) -> None:
        """As after the last page of signing in, which asks Cognito and is told in tests/doors/test_staff.py."""
        mine = badge(id, secrets.token_urlsafe(16))
        self.opened(id, mine)
        self.cookies[cookie_name("staff", secure=self.secure)] = mine
        (role,) = (member.role for member in STAFF if member.id == id)
        self.get(self.url(AREAS[role][0]))

    def opened(self, id: str, mine: str) -> None:
        """From now on this badge is that person's: written into the table that this process knows."""
        session(id, mine)


def session(id: str, mine: str) -> None:
    staff.open_session(staff.member(id), token_hash=hashed(mine), now=datetime.now(UTC))


@dataclass
class Played:
    """What is left of the visit when it is over."""

    log: str
    traced: list[dict[str, object]]
    recorder: Recorder


def signing() -> dict[str, str]:
    """Where the clinic's key is: the KMS that stands beside dynoxide."""
    return {name: os.environ[name] for name in ("SIGNING_KEY", "AWS_ENDPOINT_URL_KMS")}


@pytest.fixture(scope="module")
def played(task: Path, package: Path, dynoxide: str) -> Played:
    template = json.loads((package / "sam.json").read_text())
    with (
        engines.dynoxide_table(dynoxide),
        recording(dynoxide) as (table, recorder),
        traces() as (daemon, told),
        function(task, workers=2, **signing(), AWS_ENDPOINT_URL_DYNAMODB=table, AWS_XRAY_DAEMON_ADDRESS=daemon) as runs,
        gateway(runs, template) as address,
    ):
        seed()
        visit(address)
        log = runs.log.read_text()
    return Played(log, [json.loads(document) for document in told], recorder)


def visit(address: str, visitor: Callable[[str], Visitor] = Visitor) -> None:
    """Ann comes, Dr Ada sees her, Sam approves, Dee packs, Cole brings it."""
    ann, ada, sam, dee, cole = (visitor(address) for _ in range(5))
    ann.join()
    for who, id in ((ada, "ada"), (sam, "sam"), (dee, "dee"), (cole, "cole")):
        who.sign_in(id)
    see(ada, ann)
    sam.get(sam.url("pharmacy", "prescriptions", ann.visit))
    sam.fill("/approve")
    code = choose_delivery(ann)
    deliver(sam, dee, cole, ann.visit, code)
    assert "Given out" in ann.look().words
    for who in (ada, sam, dee, cole):
        name = cookie_name("staff", secure=who.secure)
        assert name in who.cookies
        who.fill("/staff/out")
        assert name not in who.cookies


def see(ada: Visitor, ann: Visitor) -> None:
    ada.fill("/duty", departments=ANSWERS["department"], capacity="2")
    assert ANSWERS["name"] in ada.fill("/next").words
    ada.fill("/messages", text=GREETING)
    assert GREETING in ann.look().words
    ann.fill("/messages", text=REPLY)
    ada.get(ada.url("doctor", "visits", ann.visit, "finish"))
    note = {"subjective": "Cold", "objective": "38.2", "assessment": "Flu", "plan": "Rest"}
    line = {"medicine_1": "paracetamol-500", "dose_1": "500 mg", "per_day_1": "3", "days_1": "3"}
    signed = ada.fill("/finish", outcome="prescription", stated="spoke", summary="Rest and drink.", **note, **line)
    assert "Waiting for the pharmacist" in signed.words


def choose_delivery(ann: Visitor) -> str:
    """Gives the code that Ann will tell the courier at the door."""
    ann.get(ann.url("visits", ann.visit, "delivery"))
    page = ann.fill("/delivery", way="delivery", address=ADDRESS, phone=ANSWERS["phone"])
    found = re.search(r"\b(\d{3}) ?(\d{3})\b", page.words)
    assert found, page.words
    return found[1] + found[2]


def deliver(sam: Visitor, dee: Visitor, cole: Visitor, visit: str, code: str) -> None:
    for who, step in ((dee, "/pick"), (sam, "/check"), (cole, "/hand-over")):
        who.get(who.url("parcels", visit))
        assert who.fill(step).status == 200
    cole.fill("/deliver", code=code)


def test_the_visit_can_be_played_to_its_end(played: Played) -> None:
    assert played.traced


def test_it_needed_exactly_what_the_api_is_permitted(played: Played) -> None:
    policy = json.loads((ROOT / ".chalice" / "policy-api.json").read_text())
    sids = ("RememberTheClinic", "EndSessions")
    table = [action for one in policy["Statement"] if one["Sid"] in sids for action in one["Action"]]
    assert played.recorder.permissions == set(table)
    assert played.recorder.tables == {"clinic"}
    assert played.recorder.indexes == {"by_stage"}


def test_every_deed_is_a_coded_event_in_the_log(played: Played) -> None:
    lines = [json.loads(line)["message"] for line in played.log.splitlines() if '"logger": "clinic"' in line]
    deeds = {json.loads(line)["deed"] for line in lines}
    assert {"ask", "take_next", "sign", "review", "choose_delivery", "deliver"} <= deeds


def test_nobody_is_in_the_log_or_the_traces(played: Played) -> None:
    everything = played.log + json.dumps(played.traced)
    assert [word for word in (*WORDS, *SECRETS) if word.casefold() in everything.casefold()] == []


def test_every_deed_is_traced_down_to_the_table(played: Played) -> None:
    deeds = {str(document["name"]) for document in played.traced}
    assert {"ask", "take_next", "sign", "review", "choose_delivery", "deliver"} <= deeds
    assert "dynamodb" in json.dumps(played.traced).casefold()
