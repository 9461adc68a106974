"""Who works at the clinic of the stories, and how they come to."""

from datetime import date, datetime
from typing import Any, NoReturn

from chalicelib.refusal import Refusal, SignInFirst
from chalicelib.rooms.permission import Role

TITLE = "Attending physician"
RIGHT_CODE = "246810"  # of everybody whose story is not about signing in

STAFF = {
    "ada": ("Dr Ada", Role.DOCTOR),
    "bo": ("Dr Bo", Role.DOCTOR),
    "sam": ("Sam", Role.PHARMACIST),
    "cole": ("Cole", Role.COURIER),
    "dee": ("Dee", Role.DESK),
    "pria": ("Pria", Role.PRIVACY_OFFICER),
    "max": ("Max", Role.ADMINISTRATOR),
}


def hired(id: str, now: datetime) -> Any:
    """Somebody of the cast works here from now on, if not yet; doctors with a title and a licence."""
    from chalicelib.clinic import CLINIC
    from chalicelib.rooms.permission import SYSTEM
    from chalicelib.store import records
    from chalicelib.visit import staffing
    from chalicelib.visit.errand import Errand

    name, role = STAFF[id]
    errand = Errand(actor=SYSTEM, request=f"hire:{id}", now=now, clinic=CLINIC, records=records)
    licence = {"title": TITLE, "licence": f"L-{id}", "licence_until": date(2099, 12, 31)}
    return staffing.add_member(errand, id=id, name=name, role=role, **(licence if role is Role.DOCTOR else {}))


class Porter:
    """Stands where Cognito stands, for stories that are not about signing in: writes down what was asked of it, and
    lets in nobody who comes to its own door."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def let_in(self, id: str, password: str, *, slip: str) -> None:
        self.asked.append(("let_in", id))

    def shut_out(self, id: str, *, but: str = "") -> None:
        self.asked.append(("shut_out", id))

    def open_up(self, id: str) -> None:
        self.asked.append(("open_up", id))

    def sign_out(self, id: str) -> None:
        self.asked.append(("sign_out", id))

    def begin(self, id: str, password: str) -> NoReturn:
        raise Refusal("This name and password do not belong together.", field="secret")

    def new_password(self, id: str, session: str, password: str) -> NoReturn:
        raise SignInFirst("Please sign in to continue.")

    set_up = code = new_password

    def code_again(self, id: str, refresh: str, code: str) -> None:
        if code != RIGHT_CODE or refresh != f"refresh of {id}":
            raise Refusal("That code is not right. Wait for the next one and enter it.", field="code")
