"""`make run`: the whole clinic on this machine, open in the browser, with made-up staff to sign in as."""

import argparse
import contextlib
import itertools
import logging
import os
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from infra.local import engine

PORT_IN_USE = 2
SWEEP_SECONDS = 60
HOST = "127.0.0.1"  # other machines cannot reach a clinic whose passwords are printed below
PORT_MAX = 65535


def main() -> int:
    wishes = _wishes()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _end)
    engine.keep_local()
    try:
        with _remembering(wishes.data):
            return _run(wishes.port, demo=wishes.demo)
    except engine.NotHere as why:
        print(
            f"DATA needs dynoxide. {why} Without DATA the clinic runs on moto and forgets when it ends.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 0


def _wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--port", type=_port, default=8000)
    parser.add_argument(
        "--data",
        type=lambda text: Path(text) if text else None,
        default=None,
        help="keep the clinic's data in this file",
    )
    parser.add_argument("--demo", action="store_true", help="start in the middle of a busy morning")
    return parser.parse_args()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= PORT_MAX):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: make run PORT=8001")
    return int(text)


def _end(*_: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _remembering(file: Path | None) -> Iterator[None]:
    if file is None:
        with engine.moto():
            yield
    else:
        with engine.dynoxide(file):
            yield


def _run(port: int, *, demo: bool) -> int:
    from app import app
    from chalicelib.store.rows import Row
    from infra.local.seed import seed
    from infra.local.server import PortTaken, open_clinic

    try:
        clinic = open_clinic(app, engine.ROOT, HOST, port)
    except PortTaken:
        print(f"Port {port} is in use. Choose another: make run PORT={port + 1}", file=sys.stderr)
        return PORT_IN_USE
    new = not Row.exists()
    if new:
        Row.create_table(wait=True)
    staff = seed()
    address = f"http://localhost:{clinic.server.server_address[1]}"
    print(f"\nThe clinic is open.\n\n  Patients  {address}\n  Staff     {address}/en/staff\n")
    for line in staff:
        print(f"    {line}")
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
    print("The busy morning has been played. Look at the lists again.\n", flush=True)


def _show_texts() -> None:
    """Text messages go nowhere from here; the double says on the terminal what it would have sent."""
    from chalicelib.outside import sms

    sms.LOG.addHandler(logging.StreamHandler(sys.stdout))
    sms.LOG.setLevel(logging.INFO)
    sms.LOG.propagate = False


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
