"""A1, A4: every address of a visit x everybody x whose visit it is. What is not yours is not there, nothing moves."""

from collections.abc import Iterable, Iterator

import pytest

from chalicelib.rooms.permission import MAY, WHOSE, Role, Tie
from tests.attacks.breaks import BREAKS
from tests.attacks.world import DENIED, Address, World, addresses, nobodys, said, world
from tests.people import Cast
from tests.simulation.mutants import both, instead
from tests.visit.walk import table

# Refused also to whom the table lets in, each with the reason: the state of this visit and not the person.
NOT_NOW = {
    "print_ticket": "a ticket is printed again only for people the desk queued",
    "call_again": "only by the doctor who said 'not here', and nobody did",
    "revise": "the prescription did not come back",
}


@pytest.fixture
def clinic(cast: Cast) -> World:
    return world(cast)


def wrongs(clinic: World) -> Iterator[str]:
    """Everything that is not as the table says, in words. First all that must be refused: it may not move a byte."""
    asks = [(who, address, visit) for address in addresses() for who in clinic.browsers for visit in clinic.visits]
    before = table()
    for who, address, visit in [ask for ask in asks if not clinic.may(*ask)]:
        if wrong := _let_in(clinic, who, address, visit):
            yield f"{who} {address} of {visit}: {wrong}"
    if before != table():
        yield "what was refused has moved something"
    for who, address, visit in [ask for ask in asks if clinic.may(*ask)]:
        status = address.ask(clinic.browsers[who], clinic.visits[visit]).status
        if status in DENIED and address.view.deed not in NOT_NOW and not _not_there_yet(address, visit):
            yield f"{who} {address} of {visit}: {status} though it is theirs"
        if status >= 500:
            yield f"{who} {address} of {visit}: {status}"


def _let_in(clinic: World, who: str, address: Address, visit: str) -> str:
    """ "" if they learn nothing: neither that the visit is there, nor anything of it."""
    browser, name = clinic.browsers[who], clinic.visits[visit]
    answer = address.ask(browser, name)
    if answer.status == 303 and "/staff?next=" in answer.header("location"):
        return ""
    if answer.status not in DENIED:
        return f"{answer.status} for a stranger"
    unknown = address.ask(browser, nobodys())
    return "" if said(answer, name) == said(unknown, nobodys()) else "another answer than for a visit that never was"


def _not_there_yet(address: Address, visit: str) -> bool:
    """Only Ann has come as far as a prescription and a parcel."""
    part = ("prescription", "parcels", "delivery", "amend", "revoke", "revise")
    return visit != "ann" and any(one in address.path for one in part)


def test_every_deed_on_a_visit_says_whose_it_must_be() -> None:
    for address in addresses():
        deed = address.view.deed
        assert set(WHOSE[deed]) == MAY[deed] - {Role.PUBLIC}, f"{deed}: a role without a tie, or a tie without a role"


def test_nobody_gets_at_what_is_not_theirs_and_everybody_at_what_is(clinic: World) -> None:
    assert list(wrongs(clinic)) == []


def done_without_a_tie(clinic: World, emptied: Iterable[str]) -> Iterator[str]:
    """Everything that still reaches its visit when the table says of these deeds that no visit is anybody's."""
    before = table()
    asks = [(who, address, visit) for address in addresses() for who in clinic.browsers for visit in clinic.visits]
    asks = [ask for ask in asks if clinic.may(*ask) and ask[1].view.deed in emptied]
    assert {(ask[1].view.deed, clinic.role[ask[0]]) for ask in asks} == {
        (deed, role)
        for deed in emptied
        for role, ties in WHOSE[deed].items()
        if ties != {Tie.GLASS} and any(address.view.deed == deed for address in addresses())
    }, "every deed x role pair that has an address"
    with both(*(instead(WHOSE, deed, {}) for deed in emptied)):
        for who, address, visit in asks:
            status = address.ask(clinic.browsers[who], clinic.visits[visit]).status
            if status != 404:
                yield f"{who} {address} of {visit}: {status}"
    if before != table():
        yield "what was refused has moved something"


def test_with_an_empty_table_nobody_gets_at_anything(clinic: World) -> None:
    assert list(done_without_a_tie(clinic, list(WHOSE))) == []


def test_each_deed_asks_for_itself_and_not_for_another(clinic: World) -> None:
    """The table without one deed's ties, deed by deed; tests/visit/test_once.py asks it of deeds that are ready."""
    assert [wrong for deed in WHOSE for wrong in done_without_a_tie(clinic, [deed])] == []


@pytest.mark.parametrize("name", [name for name in BREAKS if name.startswith(("a01", "a04"))])
def test_without_its_defence_somebody_gets_in(cast: Cast, name: str) -> None:
    with BREAKS[name]():
        found = next(wrongs(world(cast)), "")
    assert found, f"{name} was not noticed"
