"""A2: somebody's own valid form, with another's id in it: nothing is written, byte for byte."""

import pytest

from chalicelib.rooms.permission import Role
from tests.attacks.world import World, addresses, world
from tests.people import Cast
from tests.visit.walk import table


@pytest.fixture
def clinic(cast: Cast) -> World:
    return world(cast)


def test_a_patients_form_with_another_visits_name(clinic: World) -> None:
    """The ticket in the pocket is Bob's, the visit in the address is Ann's, and the other way round."""
    before = table()
    for address in addresses():
        if address.method == "POST" and address.view.by == "patient":
            for who, visit in (("bob", "ann"), ("ann", "bob"), ("ann", "cy")):
                assert address.ask(clinic.browsers[who], clinic.visits[visit]).status == 404, address
    assert table() == before


def test_a_request_id_that_was_somebody_elses(clinic: World) -> None:
    """A request happens once, for whoever sent it: its id in another's hands brings neither answer nor effect."""
    before = table()
    used = [sk[2:] for _, sk in before if sk.startswith("X#")]
    for address in addresses():
        if address.method != "POST":
            continue
        for who in ("bo", "eve", "bob"):
            if clinic.may(who, address, "ann") or (who == "bob" and address.view.by != "patient"):
                continue
            for request in (one for one in used if 16 <= len(one) <= 64 and ":" not in one):
                answer = address.ask(clinic.browsers[who], clinic.visits["ann"], request=request)
                assert answer.status in (303, 401, 403, 404), (str(address), who)
                if answer.status == 303:
                    assert "/staff?next=" in answer.header("location")
    assert table() == before


def test_a_colleague_with_an_epoch_that_is_right(clinic: World) -> None:
    """Dr Bo knows the epoch of Dr Ada's conversation; every form of hers, sent by him, is for nothing."""
    before = table()
    for address in addresses():
        if address.method == "POST" and clinic.may("ada", address, "bob"):
            assert address.ask(clinic.browsers["bo"], clinic.visits["bob"]).status == 404, address
    assert clinic.role["bo"] is Role.DOCTOR
    assert table() == before
