"""A stage: one clinic and the phones of everybody who plays in one scene."""

from typing import Any, TypeVar

from playwright.sync_api import Browser

from tests.browser.album import Look, nobody
from tests.browser.live import Clinic
from tests.browser.people import Patient
from tests.browser.phones import Phone
from tests.browser.staff import Administrator, Courier, Desk, Doctor, Member, Pharmacist

Who = TypeVar("Who", bound=Member)


class Stage:
    """Hands out people, each with a phone of their own, signed in and ready; all of one language, scripts or none."""

    def __init__(
        self, browser: Browser, clinic: Clinic, language: str, look: Look = nobody, *, script: bool = True
    ) -> None:
        self.browser, self.clinic, self.language, self.look, self.script = browser, clinic, language, look, script
        self.phones: list[Phone] = []

    def phone(self, **more: Any) -> Phone:
        self.phones.append(Phone(self.browser, self.clinic.address, self.language, script=self.script, **more))
        return self.phones[-1]

    def patient(self, name: str = "", **more: Any) -> Patient:
        return Patient(self.phone(**more), self.look, name=name)

    def doctor(self, id: str = "ada") -> Doctor:
        return self._signed_in(Doctor(self.phone(), self.look, id=id))

    def pharmacist(self) -> Pharmacist:
        return self._signed_in(Pharmacist(self.phone(), self.look, id="sam"))

    def courier(self) -> Courier:
        return self._signed_in(Courier(self.phone(), self.look, id="cole"))

    def desk(self) -> Desk:
        return self._signed_in(Desk(self.phone(), self.look, id="dee"))

    def administrator(self) -> Administrator:
        return self._signed_in(Administrator(self.phone(), self.look, id="max"))

    def _signed_in(self, member: Who) -> Who:
        member.signs_in()
        return member

    def complaints(self) -> list[str]:
        return [complaint for phone in self.phones for complaint in phone.complaints]

    def close(self) -> None:
        for phone in self.phones:
            phone.close()
