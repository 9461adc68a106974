"""The tour: every scene played once in every language, with the album open."""

import contextlib
import time
from collections.abc import Callable

from playwright.sync_api import Browser

from tests.browser import live
from tests.browser.album import Album
from tests.browser.stage import Stage

Scene = Callable[[Stage], None]


class Tour:
    """Plays a scene when it is first asked for, and remembers how it went. `table` is printed at the end."""

    def __init__(self, browser: Browser) -> None:
        self.browser, self.album = browser, Album()
        self.complaints: list[str] = []
        self.table: list[str] = []
        self._played: dict[tuple[str, str], Exception | None] = {}

    def play(self, scene: Scene, language: str) -> None:
        """Raises what went wrong in the scene, every time it is asked for."""
        key = (scene.__name__, language)
        if key not in self._played:
            self._played[key] = self._play(scene, language)
        if (broken := self._played[key]) is not None:
            raise broken

    def play_all(self, scenes: tuple[Scene, ...], language: str) -> None:
        """What is wrong in a scene is told by its own test."""
        for scene in scenes:
            with contextlib.suppress(Exception):
                self.play(scene, language)

    def _play(self, scene: Scene, language: str) -> Exception | None:
        started = time.monotonic()
        with live.clinic() as clinic:
            stage = Stage(self.browser, clinic, language, self.album.look)
            try:
                scene(stage)
            except Exception as broken:
                return broken
            finally:
                self.complaints += [f"{scene.__name__}-{language}: {one}" for one in stage.complaints()]
                stage.close()
                self.table.append(f"{scene.__name__}-{language}: {time.monotonic() - started:.1f} s")
        return None
