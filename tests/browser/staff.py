"""The people who work at the clinic, as they use its pages. Like the patient in people, in their own language."""

import re

from playwright.sync_api import expect

from infra.local.seed import STAFF
from tests.browser.album import Look, nobody
from tests.browser.people import STORIES, Person
from tests.browser.phones import Phone

MEMBERS = {member.id: member for member in STAFF}


class Member(Person):
    """Somebody who signs in."""

    home = ""
    title = ""

    def __init__(self, phone: Phone, look: Look = nobody, *, id: str) -> None:
        super().__init__(phone, look)
        self.id, self.name, self.story = id, MEMBERS[id].name, STORIES[phone.language]

    def signs_in(self) -> None:
        self.goes_to("/staff")
        self.heading("Staff sign in")
        self.look("sign-in")
        self.types(id=self.id, secret=MEMBERS[self.id].secret)
        self.presses("Sign in")
        expect(self.page).to_have_url(re.compile(f"/{self.language}{self.home}$"))
        if self.title:
            self.heading(self.title)

    def heading_words(self, name: str) -> None:
        expect(self.page.locator("h1")).to_contain_text(name)


class Doctor(Member):
    home, title = "/doctor", "Work list"

    def goes_on_duty(self, *departments: str, capacity: str = "") -> None:
        self.ticks("departments", *departments)
        if capacity:
            self.page.locator("#capacity").select_option(capacity)
        self.presses("Go on duty")
        self.reads("On duty")

    def sees_list(self) -> None:
        self.goes_to("/doctor")
        self.heading("Work list")

    def takes_next(self, name: str) -> None:
        """The clinic picks, and it should be this patient."""
        self.presses("Take next")
        self.heading_words(name)

    def takes_on(self, name: str) -> None:
        """Back to the list, and the next one."""
        self.sees_list()
        self.takes_next(name)

    def opens_visit(self, name: str) -> None:
        self.sees_list()
        self.page.locator("a.row", has_text=name).first.click()
        self.heading_words(name)

    def hands_back(self, reason: str) -> None:
        self.opens("Hand back to the queue")
        self.types(reason=reason)
        self.presses("Hand back")

    def catches_up(self) -> None:
        """See now what the page would show by itself in a few seconds."""
        if self.phone.script:
            self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        else:
            self.page.goto(self.page.url.partition("#")[0])

    def says(self, text: str) -> None:
        self.types(text=text)
        self.presses("Send")
        self.hears(text)

    def hears(self, *texts: str) -> None:
        for text in texts:
            expect(self.page.locator("#messages li", has_text=text)).to_have_count(1)

    def writes_note(self) -> None:
        """Typed only: saving happens by itself, and the page says so. Without scripts there is a button."""
        self.types(**dict(zip(("subjective", "objective", "assessment", "plan"), self.story.soap, strict=True)))
        if not self.phone.script:
            self.presses("Save the note")
            self.reads("A draft is saved.")
        else:
            expect(self.page.locator("#saved")).to_contain_text(self.t("Saved %(time)s", time="").strip())

    def goes_to_finish(self) -> None:
        self.follows("Finish…")
        self.heading("Finish the visit")

    def prescribes(self, medicine: str = "paracetamol-500", *, line: int = 1) -> None:
        self.opens("Medicine %(n)s", n=line)
        self.page.locator(f"#medicine_{line}").select_option(medicine)
        self.types(**{f"dose_{line}": "500 mg", f"per_day_{line}": "3", f"days_{line}": "3"})
        self.types(**{f"advice_{line}": self.story.advice})

    def finishes(self, outcome: str, *medicines: str) -> None:
        """From the finish page to a signed visit, with a template as the summary."""
        self.ticks("outcome", outcome)
        for n, medicine in enumerate(medicines, start=1):
            self.prescribes(medicine, line=n)
        self.presses("Medicine" if medicines else "Watch and wait")
        self.look("finish")
        self.signs()

    def signs_wrongly(self) -> None:
        self.presses("Sign and finish")

    def signs(self) -> None:
        self.presses("Sign and finish")
        expect(self.page.locator("#sign")).to_have_count(0)


class Hand(Member):
    """Somebody through whose hands parcels go."""

    def opens_parcel(self, code: str) -> None:
        self.goes_to("/parcels")
        self.heading("Parcels")
        self.page.locator("a.row", has_text=code).click()
        self.heading("Parcel %(code)s", code=code)

    def does(self, deed: str, *then: str) -> None:
        """Press the one button that is there for it, and read what it is now."""
        self.presses(deed)
        self.reads(*then)

    def delivers(self, code: str) -> None:
        self.types(code=code)
        self.presses("Delivered")


class Pharmacist(Hand):
    home, title = "/pharmacy", "Prescriptions to check"

    def opens_prescription(self, code: str) -> None:
        self.goes_to("/pharmacy")
        self.page.locator("a.row", has_text=code).click()
        self.reads("Allergies")

    def approves(self) -> None:
        self.presses("Approve")
        self.heading("Prescriptions to check")

    def returns(self, reason: str) -> None:
        self.opens("Return it to the doctor")
        self.page.locator("#reason").fill(reason)
        self.presses("Return")
        self.heading("Prescriptions to check")


class Courier(Hand):
    home, title = "/parcels", "Parcels"

    def fails(self, reason: str) -> None:
        self.opens("It did not work")
        self.types(reason=reason)
        self.presses("Not delivered")


class Desk(Hand):
    home, title = "/desk", ""

    def sees_queue(self, department: str = "respiratory") -> None:
        self.goes_to(f"/desk?department={department}")
        expect(self.page.locator(".chip[aria-current]")).to_be_visible()

    def opens_row(self, code: str) -> None:
        """Unfold one person of the queue; from now on buttons are those of that row."""
        self.page.locator("summary.row", has_text=code).click()

    def adds(self, name: str) -> None:
        """Asks somebody without a phone everything, aloud, and draws their ticket."""
        self.follows("Add a person")
        self.heading("Add a person")
        self.ticks("flags", "none")
        self.ticks("for_whom", "me")
        self.types(name=name, age="71", why=self.story.why, allergies=self.story.allergies)
        self.ticks("department", "respiratory")
        self.ticks("how_long", "days")
        self.ticks("getting", "same")
        self.ticks("language", self.language)
        self.ticks("consent", "yes")

    def draws_ticket(self) -> None:
        self.presses("Draw the ticket")
        expect(self.page.locator(".slip")).to_be_visible()


class Administrator(Member):
    home, title = "/people", "Staff"

    def opens_member(self, name: str) -> None:
        self.goes_to("/people")
        self.page.locator("a.row", has_text=name).click()
        self.heading_words(name)
