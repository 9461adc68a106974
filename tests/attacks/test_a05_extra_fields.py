"""A5: a field nobody asked for, in every form: refused by its name, and nothing is written."""

from typing import Any

import pytest

from chalicelib.doors import form
from tests.attacks.breaks import BREAKS
from tests.attacks.world import World, addresses, world
from tests.people import Cast
from tests.visit.walk import Key, differ, table

EXTRA = (
    "state",
    "role",
    "doctor",
    "doctor_id",
    "person",
    "secret",
    "approved_by",
    "policy",
    "version",
    "ticket",
    "actor",
)


@pytest.fixture
def clinic(cast: Cast) -> World:
    return world(cast)


def looks(lies: dict[Key, Any]) -> set[Key]:
    """The page is shown again with what is wrong, and a look at it is written down as always."""
    return {
        key
        for key, row in lies.items()
        if key[1][0] == "Y" or row.get("deed", {}).get("S") in ("look", "look_back", "see_record", "see_complaints")
    }


def taken_in(clinic: World) -> list[str]:
    """Every form that takes a field it has not, sent by everybody who may use it with their own visit."""
    found = []
    for address in addresses():
        if address.method != "POST":
            continue
        for who, visit in ((who, visit) for who in clinic.browsers for visit in ("ann", "bob")):
            if not clinic.may(who, address, visit):
                continue
            before = table()
            for extra in EXTRA:
                answer = address.ask(clinic.browsers[who], clinic.visits[visit], **{extra: "completed"})
                if answer.status != 422:
                    found.append(f"{who} {address}: {extra} {answer.status}")
            if differ(before, table()) - looks(table()):
                found.append(f"{who} {address}: something was written")
            break
    return found


def test_every_form_refuses_what_it_did_not_ask_for(clinic: World) -> None:
    assert taken_in(clinic) == []
    assert form.Form().read({"state": ["completed"]}).wrong


@pytest.mark.parametrize("name", [name for name in BREAKS if name.startswith("a05")])
def test_without_its_defence_a_field_slips_in(clinic: World, name: str) -> None:
    with BREAKS[name]():
        assert taken_in(clinic), f"{name} was not noticed"
