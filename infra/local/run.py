"""`make run`: the whole clinic on this machine, open in the browser, with made-up staff to sign in as."""

import argparse
import contextlib
import fcntl
import itertools
import logging
import os
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from infra.local import engine

PORT_IN_USE = 2
SWEEP_SECONDS = 60
HOST = "127.0.0.1"  # other machines cannot reach a clinic whose passwords are printed below
PORT_MAX = 65535


def main(words: list[str] | None = None) -> int:
    wishes = _wishes(words)
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _end)
    engine.keep_local()
    try:
        with _remembering(wishes.data):
            return _run(wishes.port, wishes.data, demo=wishes.demo)
    except engine.NotHere as why:
        print(
            f"DATA needs dynoxide. {why} Without DATA the clinic runs on moto and forgets when it ends.",
            file=sys.stderr,
        )
        return 1
    except InUse as why:
        print(why, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _wishes(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--port", type=_port, default=8000)
    parser.add_argument("--data", type=_file, default=None, help="keep the clinic's data in this file")
    parser.add_argument("--demo", action="store_true", help="start in the middle of a busy morning")
    return parser.parse_args(words)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= PORT_MAX):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: make run PORT=8001")
    return int(text)


def _file(text: str) -> Path | None:
    file = Path(text) if text else None
    if file and not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {file.parent}. Make it, or choose another DATA")
    if file and file.is_dir():
        raise argparse.ArgumentTypeError(f"{file} is a folder. Choose a file in it: make run DATA={file}/clinic.db")
    return file


def _end(*_: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _remembering(file: Path | None) -> Iterator[None]:
    if file is None:
        with engine.moto():
            yield
    else:
        with _alone(file), engine.dynoxide(file), engine.moto_beside_dynoxide():
            yield


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Two clinics on one file would each overtake the other's writes unseen. Linux only, as dynoxide is."""
    with file.open("ab") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"Another clinic has {file} open. End it, or choose another DATA.") from None
        yield


class InUse(Exception):
    """The message is for the person at the keyboard."""


def _run(port: int, data: Path | None, *, demo: bool) -> int:
    from app import app
    from chalicelib.store.rows import Row
    from infra.local.identity import stand_in
    from infra.local.seed import give_ways_in, seed
    from infra.local.server import Handler, PortTaken, open_clinic

    class Shown(Handler):
        """With the page of codes."""

    try:
        clinic = open_clinic(app, engine.ROOT, HOST, port, Shown)
    except PortTaken:
        print(f"Port {port} is in use. Choose another: make run PORT={port + 1}", file=sys.stderr)
        return PORT_IN_USE
    new = not Row.exists()
    if new:
        Row.create_table(wait=True)
    staff = seed()
    pool = stand_in(file=data.with_name(f"{data.name}.people") if data else None)
    give_ways_in(pool)
    Shown.codes = pool.client.codes
    address = f"http://localhost:{clinic.server.server_address[1]}"
    print(f"\nThe clinic is open.\n\n  Patients  {address}\n  Staff     {address}/en/staff\n")
    for line in staff:
        print(f"    {line}")
    print(f"\n    and the six digits of their authenticator apps: {address}/codes")
    print("\nEverything stays on this machine. Ctrl-C closes the clinic.\n", flush=True)
    if demo and new:  # kept data has a morning of its own
        threading.Thread(target=_fill, daemon=True).start()
    _show_texts()
    threading.Thread(target=_tick, args=(address,), daemon=True).start()
    _show(address)
    try:
        clinic.server.serve_forever(poll_interval=0.1)
    finally:
        clinic.server.server_close()
    return 0


def _fill() -> None:
    """The clinic answers meanwhile: a newcomer should not look at a blank screen for some seconds."""
    from infra.local.demo import fill

    fill()
    print(f"The busy morning has been played. Look at the lists again.{_closed(datetime.now(UTC))}\n", flush=True)


def _closed(now: datetime) -> str:
    """The morning is played whatever the hour is: what is closed by the clinic's clock has people waiting all the
    same."""
    from chalicelib.clinic import CLINIC

    here = now.astimezone(ZoneInfo(CLINIC.timezone))
    closed = ", ".join(d.name["en"] for d in CLINIC.departments if not d.is_open(here))
    return f"\nAt the clinic it is {here:%H:%M}; closed now, with people waiting: {closed}." if closed else ""


def _show_texts() -> None:
    """Text messages go nowhere from here; the doubles say on the terminal what they would have sent, and what the
    authenticator app of somebody who signs in shows."""
    from chalicelib.outside import sms

    for log in (sms.LOG, logging.getLogger("clinic.codes")):
        log.addHandler(logging.StreamHandler(sys.stdout))
        log.setLevel(logging.INFO)
        log.propagate = False


def _tick(address: str) -> None:
    """What EventBridge does in the cloud: a sweep every minute, a signed root of the audit every hour."""
    from chalicelib.doors import clock
    from chalicelib.outside import signing, vault

    for minute in itertools.count(1):
        time.sleep(SWEEP_SECONDS)
        clock.tick(address)
        if minute % 60 == 0:
            clock.anchor(vault.vault(), signing.KMS)


def _show(address: str) -> None:
    """Open the browser for a person at a screen; never in a build, over ssh or in a pipe."""
    at_a_screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if at_a_screen and sys.stdout.isatty() and not os.environ.get("CI"):
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
