"""Phones: Chromium as one person holds it, and a witness who notes whatever must never happen on any page."""

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, Response, expect, sync_playwright

# The same browser without the parts that draw windows: the pages alike, at little more than half the work.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
    # no name of the outside world resolves: a page that asks for one gets an error, and the witness notes it
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 30_000  # only ever waited for in full when something is broken
LOCALES = {"en": "en-GB", "zh": "zh-CN"}


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Phone:
    """One browser of its own: nobody else's cookies. `document` is the answer the present page came in."""

    def __init__(self, browser: Browser, address: str, language: str, *, script: bool = True, **more: Any) -> None:
        self.address, self.language, self.script = address, language, script
        self.context = browser.new_context(
            viewport=PHONE,
            has_touch=True,
            locale=LOCALES[language],
            timezone_id="Asia/Shanghai",
            java_script_enabled=script,
            **more,
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.offline = False
        self.trouble = 0  # a refusal of the clinic's that is expected
        self.document: Response | None = None
        self.context.on("request", self._asked)
        self.context.on("response", self._answered)
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        self.page: Page = self.context.new_page()

    def go(self, path: str) -> None:
        """Open one of the clinic's addresses, as typed in; once more if the page was just turning by itself."""
        try:
            self.page.goto(self.address + path)
        except Error as turned:
            if "ERR_ABORTED" not in turned.message:
                raise
            self.page.goto(self.address + path)

    def set_offline(self, offline: bool) -> None:
        """A line that is lost after the page is there: what loses it in the middle is another test's."""
        self.page.wait_for_load_state()
        self.offline = True  # until the line carries again, what is asked over it is lost
        self.context.set_offline(offline)
        while not offline and not self.page.evaluate("fetch('/health').then(() => true, () => false)"):
            self.page.wait_for_timeout(20)
        self.offline = offline

    def close(self) -> None:
        self.context.close()

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "about:", "blob:")):
            self.complaints.append(f"asked a stranger: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500 and response.status != self.trouble:
            self.complaints.append(f"{response.status} {response.request.method} {response.url}")
        navigation = response.request.is_navigation_request() and response.frame.parent_frame is None
        if navigation and not 300 <= response.status < 400:
            self.document = response

    def _console(self, message: ConsoleMessage) -> None:
        """Chromium writes every refused form (422) and every lost connection to the console; those are expected."""
        if message.type not in ("error", "warning"):
            return
        refused = (4, self.trouble) if self.trouble else (4,)
        failed = "Failed to load resource: the server responded with a status of"
        expected = message.text.startswith(tuple(f"{failed} {status}" for status in refused))
        lost = self.offline and "net::ERR_" in message.text
        if not (expected or lost):
            self.complaints.append(f"console: {message.text}")
