"""Names: what stands in an address for a visit; nobody can make one, and nobody can read one."""

import base64
import string

import pytest

from chalicelib.clinic import CLINIC
from chalicelib.refusal import NotFound
from chalicelib.rooms.queue import Band, Ticket
from chalicelib.store import keys, names
from chalicelib.store.rows import KeyRow
from tests.budgets.ledger import counted
from tests.visit.walk import Walk

DEPARTMENT = CLINIC.departments[0].id
TICKETS = [
    Ticket(department.id, lane, band, n)
    for department in CLINIC.departments
    for lane in (0, 1, 65535)
    for band in Band
    for n in (1, 4003, 2**32 - 1)
]
ALPHABET = string.ascii_letters + string.digits + "-_"


def test_every_ticket_has_a_name_of_its_own_and_comes_back_from_it(walk: Walk) -> None:
    found = {names.name_of(ticket): ticket for ticket in TICKETS}
    assert len(found) == len(TICKETS)
    for name, ticket in found.items():
        assert names.ticket_of(name) == ticket
        assert names.name_of(ticket) == name, "always the same"
        assert len(name) == 32
        assert set(name) <= set(ALPHABET)


def test_neighbouring_tickets_have_nothing_in_common_in_their_names(walk: Walk) -> None:
    one, two = (names.name_of(Ticket(DEPARTMENT, 0, Band.STANDARD, n)) for n in (1, 2))
    assert sum(a == b for a, b in zip(one, two, strict=True)) < 8


def test_a_name_with_any_one_character_changed_is_nobodys(walk: Walk) -> None:
    name = names.name_of(TICKETS[0])
    for i in range(len(name)):
        other = ALPHABET[(ALPHABET.index(name[i]) + 1) % len(ALPHABET)]
        with pytest.raises(NotFound):
            names.ticket_of(name[:i] + other + name[i + 1 :])


def test_a_name_has_one_spelling(walk: Walk) -> None:
    """The standard alphabet's + and / stand for the same bits as - and _, and are not a second name."""
    name = next(n for ticket in TICKETS if set("-_") & set(n := names.name_of(ticket)))
    for other in (name.replace("-", "+").replace("_", "/"), name + "=", f" {name}", name + "\n"):
        with pytest.raises(NotFound):
            names.ticket_of(other)


@pytest.mark.parametrize(
    "made_up", ["", "A", "A" * 31, "A" * 32, "A" * 33, "general.0.2.1", "王" * 32, "=" * 32, "\0" * 32]
)
def test_what_the_clinic_did_not_name_is_not_found(walk: Walk, made_up: str) -> None:
    with pytest.raises(NotFound):
        names.ticket_of(made_up)


def test_a_shortened_name_is_nobodys(walk: Walk) -> None:
    name = names.name_of(TICKETS[0])
    for length in range(len(name)):
        with pytest.raises(NotFound):
            names.ticket_of(name[:length])


def test_the_name_of_another_clinic_is_nobodys_here(walk: Walk) -> None:
    name = names.name_of(TICKETS[0])
    KeyRow("K#names", "K", secret="ff" * 32).save()
    keys.key.cache_clear()
    with pytest.raises(NotFound):
        names.ticket_of(name)


def test_two_that_make_the_key_at_the_same_moment_agree_on_the_first(walk: Walk) -> None:
    KeyRow("K#names", "K", secret="ab" * 32).save()
    assert keys._made("names").secret == "ab" * 32


def test_a_container_that_wakes_reads_the_key_once_and_writes_nothing(walk: Walk) -> None:
    made = keys.key("names")
    keys.key.cache_clear()
    with counted() as bill:
        assert keys.key("names") == keys.key("names") == made
    assert (bill.reads, bill.read_units, bill.writes) == (1, 0.5, 0)


def test_the_names_bytes_do_not_show_the_ticket(walk: Walk) -> None:
    raw = base64.urlsafe_b64decode(names.name_of(Ticket(DEPARTMENT, 0, Band.STANDARD, 1)))
    assert len(raw) == names.TAG_BYTES + names.PLAIN_BYTES
    letter = CLINIC.departments[0].letter.encode()
    assert not raw.endswith(letter + b"\0\0\x02\0\0\0\x01")


def test_a_paper_ticket_sent_twice_has_one_secret(walk: Walk) -> None:
    one = names.paper_secret("request-1")
    assert one == names.paper_secret("request-1") != names.paper_secret("request-2")
    assert len(one) == 22
    assert set(one) <= set(ALPHABET)
