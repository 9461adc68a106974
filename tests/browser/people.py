"""People: what somebody with a phone presses, types and reads. The patient is here, who works at the clinic in staff.

Texts are given in English, as the catalogues are keyed, and looked for in the person's own language. A text that has
not been translated is therefore found all the same; the album reads every page for words of another language.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from chalicelib.clinic import CLINIC
from chalicelib.doors import words
from tests.browser.album import Look, nobody
from tests.browser.phones import Phone

A5, A6 = (148, 210), (105, 148)
WRONG_CODE = "This is not the patient's code. Ask them to look at their visit page. Tries left: %(left)s."
MM = 72 / 25.4  # PDF counts in points
CHOSEN = re.compile(r'name="person" value="([^"]+)"')
KEPT = """async () => { const found = {};
  for (const name of await caches.keys()) { const cache = found[name] = {}, opened = await caches.open(name);
    for (const key of await opened.keys()) cache[new URL(key.url).pathname + new URL(key.url).search]
      = await (await opened.match(key)).text(); }
  return found }"""


KEPT_AT_ONCE = 2  # the ticket, and the page that leads to it


class Person:
    """Somebody with a phone in their hand."""

    def __init__(self, phone: Phone, look: Look = nobody) -> None:
        self.phone, self.page, self.language, self._look = phone, phone.page, phone.language, look
        self.main = self.page.locator("body")

    def t(self, text: str, **facts: object) -> str:
        found = words.catalogue(self.language).gettext(text)
        return found % facts if facts else found

    def look(self, name: str) -> None:
        """Let the page be looked at: measured, or photographed."""
        self._look(self.phone, name)

    def looks_if_fine(self, name: str) -> None:
        """Look at a page only if it has not just been refused."""
        if self.page.locator(".problems").count() == 0:
            self.look(name)

    def goes_to(self, path: str) -> None:
        self.phone.go(f"/{self.language}{path}")

    def here(self) -> str:
        """Where they are: the address after the language."""
        return "/" + "/".join(self.page.url.partition("?")[0].partition("#")[0].split("/")[4:])

    def reads(self, *texts: str, **facts: object) -> None:
        """Every one of these texts of ours is on the page (or will be in a moment)."""
        self.reads_words(*(self.t(text, **facts) for text in texts))

    def reads_words(self, *said: str) -> None:
        """What somebody typed, or a name: the same in every language."""
        for one in said:
            expect(self.main.get_by_text(one).filter(visible=True).first).to_be_visible()

    def reads_no(self, *texts: str, **facts: object) -> None:
        for text in texts:
            expect(self.main.get_by_text(self.t(text, **facts))).to_have_count(0)

    def heading(self, text: str, **facts: object) -> None:
        expect(self.page.locator("h1")).to_contain_text(self.t(text, **facts))

    def button(self, text: str, **facts: object) -> Locator:
        return self.page.get_by_role("button", name=self.t(text, **facts), exact=True).first

    def link(self, text: str, **facts: object) -> Locator:
        return self.page.get_by_role("link", name=self.t(text, **facts)).first

    def presses(self, text: str, **facts: object) -> None:
        self.button(text, **facts).click()

    def follows(self, text: str, **facts: object) -> None:
        self.link(text, **facts).click()

    def opens(self, text: str, **facts: object) -> None:
        """Unfold what is folded away under these words."""
        folded = self.page.locator("summary", has_text=self.t(text, **facts)).first
        if folded.evaluate("e => !e.parentElement.open"):
            folded.click()

    def prints_one_sheet(self, of: str, size: tuple[int, int]) -> None:
        """On paper there is `of` and nothing to press, and it all fits on one sheet of `size` in millimetres."""
        self.page.emulate_media(media="print")
        expect(self.page.locator(of)).to_be_visible()
        expect(self.page.locator("button:visible, nav:visible")).to_have_count(0)
        self.page.emulate_media(media="null")
        sheets = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", self.page.pdf(prefer_css_page_size=True))
        assert [(round(float(wide) / MM), round(float(tall) / MM)) for wide, tall in sheets] == [size]

    def ticks(self, name: str, *values: str) -> None:
        for value in values:
            self.box(name, value).check()

    def box(self, name: str, value: str) -> Locator:
        return self.page.locator(f'input[name="{name}"][value="{value}"]')

    def types(self, **fields: str) -> None:
        """Into boxes, by their names; what stood there before is replaced."""
        for name, text in fields.items():
            self.page.locator(f'[name="{name}"]:not([type=hidden])').fill(text)

    def finds_typed(self, **fields: str) -> None:
        for name, text in fields.items():
            expect(self.page.locator(f'[name="{name}"]:not([type=hidden])')).to_have_value(text)

    def is_told(self, *problems: str, **facts: object) -> None:
        """An error summary with exactly these problems, and a title that says so first."""
        summary = self.page.locator(".problems")
        expect(summary).to_be_visible()
        expect(summary.locator("li")).to_have_text([self.t(problem, **facts) for problem in problems])
        expect(self.page).to_have_title(re.compile(f"^{re.escape(self.t('Error:'))}"))


@dataclass(frozen=True, kw_only=True)
class Story:
    """What a patient has to say, in their language."""

    name: str
    age: str
    why: str
    allergies: str
    more: str
    address: str
    guardian: str
    question: str  # of the doctor
    answer: str
    soap: tuple[str, str, str, str]
    advice: str
    phone: str = "138 0000 1234"


STORIES = {
    "en": Story(
        name="Ann Lee",
        age="34",
        why="Sore throat and a cough for three days. Swallowing hurts.",
        allergies="penicillin",
        more="This morning I measured 38.4 degrees.",
        address="12 Lakeside Road, flat 5, Lee",
        guardian="Mary Lee",
        question="Thank you. Do you have any trouble breathing, or white spots at the back of the throat?",
        answer="No trouble breathing, and I see no white spots.",
        soap=("Sore throat for three days, cough", "38.4 by own measurement", "Viral pharyngitis", "Rest, paracetamol"),
        advice="After a meal, with a glass of water",
    ),
    "zh": Story(
        name="李安",
        age="34",
        why="嗓子疼、咳嗽三天了，吞咽时更疼。",
        allergies="青霉素",
        more="今天早上量体温三十八度四。",
        address="湖滨路12号5单元301室，李",
        guardian="李美玲",
        question="谢谢。有没有呼吸困难？照镜子看看，喉咙后面有白点吗？",
        answer="呼吸没问题，也没看到白点。",
        soap=("咽痛、咳嗽三天", "自测体温三十八度四", "病毒性咽炎", "休息，对症用药"),
        advice="饭后温水送服",
    ),
}


class Patient(Person):
    """Somebody who needs a doctor. `story` is what they say; `name` tells patients of one clinic apart."""

    def __init__(self, phone: Phone, look: Look = nobody, *, name: str = "") -> None:
        super().__init__(phone, look)
        self.story = STORIES[phone.language]
        self.name = name or self.story.name
        self.visit = ""  # its opaque name, once there is one
        self.code = ""  # what is called out and printed
        self.proven = False  # this phone's number, and then who it is, is chosen

    def starts(self) -> None:
        self.goes_to("")
        self.heading("See a doctor from home")
        self.reads("Danger to life? Call now")
        expect(self.link("Call %(number)s", number=CLINIC.emergency_number)).to_have_attribute(
            "href", f"tel:{CLINIC.emergency_number}"
        )
        self.look("home")
        self.follows("Start now")

    def has_no_danger_sign(self) -> None:
        self.reads("None of these")
        self.looks_if_fine("flags")
        self.ticks("flags", "none")
        self.presses("Continue")

    def says_who(self) -> None:
        self.heading("Who needs the doctor?")
        self.looks_if_fine("who")
        self.ticks("for_whom", "me")
        self.types(name=self.name, age=self.story.age)
        self.presses("Continue")

    def says_what(self, department: str = "respiratory") -> None:
        self.heading("What is wrong?")
        self.looks_if_fine("what")
        self.types(why=self.story.why, allergies=self.story.allergies)
        self.ticks("department", department)
        self.presses("Continue")

    def says_how_long(self) -> None:
        self.heading("How long has it been like this?")
        self.looks_if_fine("how-long")
        self.ticks("how_long", "days")
        self.ticks("getting", "same")
        self.presses("Continue")

    def gives_phone(self) -> None:
        self.heading("Which number can we call?")
        self.looks_if_fine("contact")
        self.types(phone=self.story.phone)
        self.presses("Continue")

    def checks_and_agrees(self) -> None:
        self.heading("Check your answers")
        self.reads_words(self.name, self.story.why, self.story.allergies)
        self.looks_if_fine("check")
        self.ticks("consent", "yes")
        self.presses("Get my ticket")

    def answers_everything(self, department: str = "respiratory") -> None:
        """From the first page to the last question, without the ticket."""
        self.starts()
        self.has_no_danger_sign()
        self.says_who()
        self.says_what(department)
        self.says_how_long()
        self.gives_phone()

    def joins(self, department: str = "respiratory") -> None:
        """All of it: from the first page to a ticket in the hand."""
        self.answers_everything(department)
        self.checks_and_agrees()
        self.has_ticket()

    def has_proven(self, born: str, code: Callable[[], str]) -> None:
        """The number is this phone's, and stands for its owner: the doctor may read earlier visits."""
        self.goes_to("/number")
        self.types(phone=self.story.phone)
        self.presses("Send me a code")
        self.types(code=code())
        self.presses("Continue")
        self.follows("Add somebody")
        self.ticks("relation", "me")
        self.types(name=self.name, born=born)
        self.presses("Add")
        self.heading("Your number and your people")
        self.proven = True

    def has_joined(self, department: str = "respiratory") -> None:
        """The same ticket for a scene that begins with one: the forms are sent without showing their pages."""
        story = self.story
        for step, answers in (
            ("flags", {"flags": "none"}),
            ("who", {"for_whom": "me", "name": self.name, "age": story.age}),
            ("what", {"why": story.why, "department": department, "allergies": story.allergies}),
            ("how_long", {"how_long": "days", "getting": "same"}),
            ("contact", {"phone": story.phone}),
            ("check", {"consent": "yes"}),
        ):
            address = f"{self.phone.address}/{self.language}/ask/{step}"
            if self.proven and step == "who":
                (who,) = CHOSEN.findall(self.phone.context.request.get(address).text())
                address, answers = address.replace("who", "person"), {"person": who}
            ours = {"Sec-Fetch-Site": "same-origin"}  # what a browser says of a form on our own page
            answer = self.phone.context.request.post(address, form=answers, headers=ours, max_redirects=0)
            assert answer.status == 303, answer.text()
        self.page.goto(self.phone.address + answer.headers["location"])
        self.has_ticket()

    def has_ticket(self) -> None:
        self.heading("Your ticket")
        self.visit = self.page.url.partition("?")[0].rpartition("/")[2]
        self.code = self.page.locator("h1 b").inner_text()

    def kept(self) -> dict[str, dict[str, str]]:
        """What this phone keeps for when there is no line: cache -> address -> text."""
        found: dict[str, dict[str, str]] = self.page.evaluate(KEPT)
        return found

    def keeps_ticket(self) -> dict[str, str]:
        """Wait until the phone keeps this ticket, and nothing else; gives what is kept."""
        self.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        room = f"ticket {self.visit}"
        for _ in range(600):
            kept = self.kept()
            if len(kept.get(room, {})) >= KEPT_AT_ONCE:  # they are put one by one
                break
            self.page.wait_for_timeout(50)
        assert set(kept) == {room}
        return kept[room]

    def opens_ticket(self) -> None:
        self.goes_to(f"/visits/{self.visit}")

    def place_is(self, place: int) -> None:
        expect(self.page.locator("#place")).to_have_text(str(place))

    def catches_up(self) -> None:
        """See now what the page would show by itself within a quarter of a minute: as when a phone is online again."""
        if self.phone.script:
            self.page.evaluate("dispatchEvent(new Event('online'))")
        else:
            self.follows("Refresh")

    def says(self, text: str) -> None:
        self.types(text=text)
        self.presses("Send")

    def conversation(self) -> list[str]:
        return self.page.locator("#talk li").all_inner_texts()

    def hears(self, *texts: Iterable[str]) -> None:
        for text in texts:
            expect(self.page.locator("#talk li", has_text=str(text))).to_have_count(1)
