"""Scenes of who works at the clinic: somebody new comes in by a slip, and somebody else goes."""

from playwright.sync_api import expect

from infra.local.identity import code_of
from tests.browser.staff import Administrator, Newcomer
from tests.browser.stage import Stage


def letting_in(stage: Stage) -> None:
    """The administrator adds a clerk, who signs in for the first time; then a doctor is let go and taken back."""
    boss = stage.signed_in(Administrator(stage.phone(), stage.look, id="max"))
    boss.look("people")
    boss.follows("Add somebody")
    boss.heading("Add somebody")
    boss.types(id="li-wei", name="Li Wei")
    boss.ticks("role", "doctor")
    boss.presses("Add")
    boss.is_told("A doctor needs a licence number.")
    boss.look("people-add-wrong")
    boss.ticks("role", "desk")
    boss.presses("Add")
    boss.heading("The first sign-in")
    boss.look("people-slip")
    password = boss.page.locator(".slip b").last.inner_text()
    comes_in(stage, password)
    boss.goes_to("/people/bo")
    boss.look("people-member")
    boss.opens("%(name)s no longer works here", name="Dr Bo")
    boss.presses("Deactivate %(name)s", name="Dr Bo")
    boss.reads("Deactivated")
    boss.look("people-gone")
    boss.goes_to("/people?find=bo")
    boss.reads("Deactivated")
    boss.goes_to("/people/bo")
    boss.presses("Let %(name)s work here again", name="Dr Bo")
    boss.opens("A phone was lost")
    expect(boss.button("Sign out everywhere")).to_be_visible()


def comes_in(stage: Stage, password: str) -> None:
    new = Newcomer(stage.phone(), stage.look)
    new.goes_to("/staff")
    new.types(id="li-wei", secret=password)
    new.presses("Go on")
    new.heading("Choose your password")
    new.types(secret="short")
    new.presses("Go on")
    new.is_told("Choose a longer password: at least 12 characters, and not one you had before.")
    new.look("sign-in-password")
    new.types(secret="the river is wide")
    new.presses("Go on")
    new.heading("Set up your second proof")
    new.look("sign-in-set-up")
    new.types(code=code_of(new.seed(), new.watch()))
    new.presses("Sign in")
    expect(new.page.locator(".chip[aria-current]")).to_be_visible()
