"""F16: a row was edited by hand or damaged: nothing of it is shown or logged, and everybody else goes on.

Text changed into other text cannot be noticed by its form; that is for the signatures.
"""

import itertools
import logging
from typing import Any

import pytest

from chalicelib.store.rows import TABLE, Row
from tests.doors import stories
from tests.people import ANN, Answer, Browser, Cast, Clock, InProcess
from tests.visit.walk import table

DAMAGES: tuple[dict[str, Any] | None, ...] = ({"M": {}}, {"S": "?"}, None)  # None: it is gone
HERS = (ANN["name"], ANN["why"], "Sore throat", "Tonsillitis", "18 Garden Road", "Please come soon")
KEYS = {"pk", "sk", "version", "ttl"}
INDEXED = {"stage", "since"}  # DynamoDB takes nothing but text there
POLITE = {404: "cannot find", 409: "", 500: "nothing was lost"}
KINDS = ("visit", "message", "note", "prescription", "order")


@pytest.fixture
def cast(clinic_on_moto: None, monkeypatch: pytest.MonkeyPatch) -> Cast:
    from app import app
    from chalicelib.doors import manners

    clock = Clock()
    monkeypatch.setattr(manners, "clock", clock)
    return Cast(InProcess(app), clock)


class Story:
    """Ann and Bob have been everywhere in the clinic. Whoever looks after them looks again."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        for patient in (cast.ann, cast.bob):
            stories.taken(cast, patient, allergies="")
            patient.post(patient.url("visits", patient.visit, "messages"), text="Please come soon")
            self._end(patient)
        ann, bob = cast.ann.visit, cast.bob.visit
        self.of_ann = [(cast.ann, page) for page in self._hers("visits", ann, "", "prescription")]
        self.of_bob = [(cast.bob, page) for page in self._hers("visits", bob, "", "prescription")]
        for member, where in (
            (cast.ada, "doctor/visits"),
            (cast.sam, "pharmacy/prescriptions"),
            (cast.cole, "parcels"),
        ):
            self.of_ann.append((member, f"/en/{where}/{ann}"))
            self.of_bob.append((member, f"/en/{where}/{bob}"))
        lists = ((cast.ada, "doctor"), (cast.sam, "pharmacy"), (cast.cole, "parcels"), (cast.dee, "desk"))
        self.lists = [(member, f"/en/{where}") for member, where in lists]

    def _hers(self, *parts: str) -> list[str]:
        return ["/".join(("/en", *parts[:2], last)).rstrip("/") for last in parts[2:]]

    def _end(self, patient: Any) -> None:
        from chalicelib.rooms.consult import Outcome
        from chalicelib.rooms.delivery import Way
        from chalicelib.visit import seeing, sending

        id = stories.id_of(patient)
        said = {
            "soap": stories.SOAP,
            "outcome": Outcome.PRESCRIPTION,
            "summary": "Rest.",
            "confirmed": False,
            "stated": ("spoke",),
        }
        seeing.sign(self.cast.errand("ada"), id=id, epoch=1, lines=stories.PILLS, **said)
        sending.review(self.cast.errand("sam"), id=id, number=1, approve=True, reason="")
        to = {"address": "18 Garden Road", "phone": "138 0000 1234", "code": stories.CODE}
        sending.choose_delivery(stories.patient_errand(self.cast, patient), id=id, way=Way.DELIVERY, **to)


def _ask(who: Browser, page: str) -> Answer:
    return who.ask("GET", page)


def _put(item: dict[str, Any]) -> None:
    Row._get_connection().connection.client.put_item(TableName=TABLE, Item=item)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_row_is_shown_to_nobody_and_stops_nobody_else(
    cast: Cast, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    story = Story(cast)
    whole = next(
        row for (pk, _), row in table().items() if row["kind"]["S"] == kind and pk == f"V#{stories.id_of(cast.ann)}"
    )
    caplog.set_level(logging.INFO)
    shut = set()
    for name, damage in zip(sorted(whole.keys() - KEYS), itertools.cycle(DAMAGES), strict=False):
        damage = {"S": "?"} if damage and name in INDEXED else damage
        _put({**{n: v for n, v in whole.items() if n != name}, **({name: damage} if damage else {})})
        what = f"{kind}.{name} = {damage}"
        for who, page in story.of_ann:
            got = _ask(who, page)
            if got.status != 200:
                shut.add(name)
                assert POLITE[got.status] in got.words, f"{what}: {page} said {got.status} {got.words}"
                assert not [words for words in HERS if words in got.body], f"{what}: {page} shows it"
        for who, page in (story.of_bob[0], *story.lists):
            assert _ask(who, page).status == 200, f"{what} shuts {page}"
    assert shut, "nothing of this kind of row was missed"
    assert not [words for words in HERS if words in caplog.text]
    assert "unexpected" in caplog.text
    _put(whole)
    assert {_ask(who, page).status for who, page in story.of_ann} == {200}
