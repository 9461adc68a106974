"""A15, the network as a master key: whoever knows numbers knows nothing. Neither a prescription's number nor a ticket's
opens anything, for a pharmacist who is signed in either; sharing between clinics is not there at all. Whoever holds a
sheet has more than its number: see `test_a15_sheet.py`."""

import base64
import os

from chalicelib.refusal import NotFound
from chalicelib.rooms.queue import Ticket
from chalicelib.store import names
from tests.attacks.breaks import gets_through
from tests.attacks.world import addresses
from tests.doors.stories import seen
from tests.people import Cast

GUESSES = 1000


def guesses() -> list[str]:
    """Numbers in every spelling, and names made as ours are, without the key."""
    numbers = [str(Ticket("general", lane, band, n)) for lane in (0, 1) for band in range(4) for n in range(1, 60)]  # type: ignore[arg-type]
    codes = [f"A2{n:03d}" for n in range(1, 100)]
    made = [base64.urlsafe_b64encode(os.urandom(24)).decode() for _ in range(GUESSES - len(numbers) - len(codes))]
    return [*numbers, *codes, *made]


def numbers_open_nothing(cast: Cast) -> None:
    seen(cast, cast.ann)
    readable = [one.path for one in addresses() if one.method == "GET" and "/pharmacy/" in one.path]
    assert cast.sam.ask("GET", readable[0].format(lang="en", visit=cast.ann.visit)).status == 200
    every = guesses()
    for guess in every:
        assert _names_nothing(guess), guess
    for guess in every[:: GUESSES // 20]:
        for path in readable:
            got = cast.sam.ask("GET", path.format(lang="en", visit=guess))
            assert got.status == 404, guess
            assert "Ann" not in got.body


def _names_nothing(guess: str) -> bool:
    try:
        names.ticket_of(guess)
    except NotFound:
        return True
    return False


def test_a_thousand_guesses_are_no_hit(cast: Cast) -> None:
    numbers_open_nothing(cast)


def test_it_would_be_noticed_if_a_number_were_a_name(cast: Cast) -> None:
    gets_through(lambda: numbers_open_nothing(cast), "a15 a number is a name")


def test_no_address_takes_a_prescription_by_its_number() -> None:
    """A number is said only beside the visit it is of, to tell an old page from a new one."""
    from app import app

    for path, methods in app.routes.items():
        assert not {"number", "prescription", "id"} & set(next(iter(methods.values())).view_args), path
    assert {one.path for one in addresses() if "prescription" in one.path} == {
        "/{lang}/pharmacy/prescriptions/{visit}",
        "/{lang}/pharmacy/prescriptions/{visit}/approve",
        "/{lang}/pharmacy/prescriptions/{visit}/return",
        "/{lang}/pharmacy/prescriptions/{visit}/revoke",
        "/{lang}/visits/{visit}/prescription",
    }
