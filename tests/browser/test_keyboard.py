"""Without a finger: Tab, Space, arrows and Enter answer the questions, and one always sees where one is."""

import pytest
from playwright.sync_api import Locator, expect

from chalicelib.doors.words import LANGUAGES
from tests.browser.conftest import NewStage
from tests.browser.people import Patient

TABS_MAX = 60
FOCUS = """e => { const s = getComputedStyle(e), box = (e.closest('label.opt') || e).getBoundingClientRect(); return {
  shows: e.matches(':focus-visible') && (parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none'),
  inside: box.bottom > 0 && box.top < innerHeight } }"""


class Keys:
    """One person's keyboard."""

    def __init__(self, patient: Patient) -> None:
        self.patient, self.page = patient, patient.page

    def tab_to(self, target: Locator) -> None:
        """Press Tab until there; every stop on the way must be seen."""
        for _ in range(TABS_MAX):
            self.page.keyboard.press("Tab")
            stop = self.page.locator(":focus")
            if not stop.count():
                continue  # the browser's own bar, once around
            look = stop.evaluate(FOCUS)
            assert look["shows"], f"focus cannot be seen on {stop.evaluate('e => e.outerHTML')[:200]}"
            assert look["inside"], f"focus is out of sight on {stop.evaluate('e => e.outerHTML')[:200]}"
            if target.evaluate("e => e === document.activeElement"):
                return
        raise AssertionError(f"Tab never comes to {target}")

    def presses(self, text: str) -> None:
        self.tab_to(self.patient.button(text))
        self.page.keyboard.press("Enter")

    def types(self, name: str, text: str) -> None:
        self.tab_to(self.page.locator(f"#{name}"))
        self.page.keyboard.type(text)

    def ticks(self, name: str, value: str) -> None:
        self.tab_to(self.patient.box(name, value))
        self.page.keyboard.press("Space")

    def chooses(self, name: str, nth: int) -> None:
        """Among radio buttons: Tab to the group, Space for the first, arrows for the others."""
        self.tab_to(self.page.locator(f'input[name="{name}"]').first)
        self.page.keyboard.press("Space")
        for _ in range(nth):
            self.page.keyboard.press("ArrowDown")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_questions_by_keyboard(new_stage: NewStage, language: str) -> None:
    patient = new_stage(language).patient()
    keys = Keys(patient)
    patient.goes_to("")
    keys.tab_to(patient.link("Start now"))
    patient.page.keyboard.press("Enter")
    patient.reads("None of these")
    keys.ticks("flags", "none")
    keys.presses("Continue")
    patient.heading("Who needs the doctor?")
    keys.chooses("for_whom", 0)
    keys.types("name", patient.name)
    keys.types("age", "34")
    keys.presses("Continue")
    patient.heading("What is wrong?")
    keys.types("why", patient.story.why)
    keys.chooses("department", 2)
    keys.presses("Continue")
    patient.heading("How long has it been like this?")
    keys.chooses("how_long", 2)
    keys.chooses("getting", 1)
    keys.presses("Continue")
    patient.heading("Which number can we call?")
    keys.types("phone", "13800001234")
    patient.page.keyboard.press("Enter")
    patient.heading("Check your answers")
    keys.ticks("consent", "yes")
    keys.presses("Get my ticket")
    patient.has_ticket()
    keys.types("text", patient.story.more)
    keys.presses("Send")
    patient.hears(patient.story.more)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_problem_is_where_the_keyboard_is(new_stage: NewStage, language: str) -> None:
    """The summary of problems has the focus, and each of its links leads into the field."""
    patient = new_stage(language).patient()
    keys = Keys(patient)
    patient.goes_to("/ask/flags")
    patient.has_no_danger_sign()
    keys.presses("Continue")
    patient.is_told(
        "Choose who needs the doctor.",
        "Enter the patient's name.",
        "Enter the age in years, from 0 to %(max)s.",
        max=120,
    )
    expect(patient.page.locator(".problems")).to_be_focused()
    keys.tab_to(patient.page.locator(".problems a").nth(1))
    patient.page.keyboard.press("Enter")
    expect(patient.page.locator("#name")).to_be_focused()
    patient.page.keyboard.type(patient.name)
    patient.finds_typed(name=patient.name)


def test_a_keyboard_may_skip_to_the_page(new_stage: NewStage) -> None:
    patient = new_stage("en").patient()
    patient.goes_to("")
    patient.page.keyboard.press("Tab")
    skip = patient.link("Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    patient.page.keyboard.press("Enter")
    patient.page.keyboard.press("Tab")
    assert patient.page.evaluate("document.querySelector('main').contains(document.activeElement)")
