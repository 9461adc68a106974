"""`make run` as a newcomer meets it: quickly there, plainly spoken, gone without a trace when told to go."""

import contextlib
import http.client
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local import run
from infra.local.engine import free_port
from infra.local.seed import STAFF
from infra.local.server import BODY_BYTES_MAX
from infra.package import ROOT
from tests.people import ANN, OverHttp, Patient

pytestmark = pytest.mark.slow

START_SECONDS_MAX = 30  # 2 on a quiet machine; this one may be busy with the rest of the tests
END_SECONDS_MAX = 20


@dataclass
class Running:
    """A clinic somebody has started."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=END_SECONDS_MAX)) as line:
            line.request(method, path, body or None, {name.replace("_", "-"): v for name, v in headers.items()})
            answer = line.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def end(self, by: signal.Signals = signal.SIGTERM) -> tuple[str, str]:
        """Gives what it printed for people, and its log."""
        self.process.send_signal(by)
        said = self.process.communicate(timeout=END_SECONDS_MAX)
        assert self.process.returncode == 0
        return said


def start(*wishes: str, port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "infra.local.run", "--port", str(port), *wishes]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextlib.contextmanager
def running(*wishes: str) -> Iterator[Running]:
    port = free_port()
    clinic = Running(start(*wishes, port=port), port)
    try:
        until = time.monotonic() + START_SECONDS_MAX
        while True:
            with contextlib.suppress(OSError):
                assert clinic.ask("GET", "/health")[0] == 200
                break
            assert time.monotonic() < until, "it did not open"
            time.sleep(0.02)
        yield clinic
    finally:
        clinic.process.kill()
        clinic.process.wait()
        for pipe in (clinic.process.stdout, clinic.process.stderr):
            if pipe:
                pipe.close()


@pytest.fixture(scope="module")
def clinic() -> Iterator[Running]:
    with running() as clinic:
        yield clinic


def test_it_says_where_it_is_and_who_can_sign_in() -> None:
    with running() as clinic:
        said, _ = clinic.end(signal.SIGINT)
    assert f"http://localhost:{clinic.port}" in said
    for member in STAFF:
        assert member.name in said
        assert member.secret in said


def test_a_port_in_use_is_one_sentence_and_the_way_out(clinic: Running) -> None:
    second = start(port=clinic.port)
    said, sorry = second.communicate(timeout=START_SECONDS_MAX)
    assert second.returncode == 2
    assert said == ""
    assert sorry == f"Port {clinic.port} is in use. Choose another: make run PORT={clinic.port + 1}\n"


def test_an_address_that_does_not_exist_is_answered_in_words(clinic: Running) -> None:
    status, headers, body = clinic.ask("GET", "/no/such/page/at/all")
    assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert b"We cannot find that page" in body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Length": str(BODY_BYTES_MAX + 1)}, 413),
        ({"Content_Length": "-1"}, 400),
        ({"Content_Length": "many"}, 400),
        ({"Transfer_Encoding": "chunked"}, 400),
    ],
)
def test_a_body_that_cannot_be_right_is_refused_unread(clinic: Running, headers: dict[str, str], status: int) -> None:
    answered, answer, _ = clinic.ask("POST", "/en/staff", **headers)
    assert answered == status
    assert answer["Connection"] == "close"


def test_head_has_no_body_and_the_connection_lives_on(clinic: Running) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", clinic.port)) as line:
        for method in ("HEAD", "GET"):
            line.request(method, "/health")
            answer = line.getresponse()
            answer.read()
        assert answer.status == 200


def test_the_page_of_codes_has_six_digits_for_everybody_who_works_here(clinic: Running) -> None:
    status, headers, body = clinic.ask("GET", "/codes")
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert {id for id, _ in re.findall(r"<td>([a-z-]+)<td><b>(\d{6})</b>", body.decode())} == {m.id for m in STAFF}


def test_the_log_has_no_query_strings() -> None:
    with running() as clinic:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", clinic.port)) as line:
            # on one connection: when the second is answered, the line about the first is written
            for path in ("/en/back?code=something-somebody-pasted", "/health"):
                line.request("GET", path, headers={"Accept": "text/html"})
                line.getresponse().read()
        _, log = clinic.end()
    assert "GET  /en/back 200" in log
    assert "pasted" not in log


@pytest.mark.engine
def test_with_data_a_ticket_outlives_the_clinics_night(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "clinic.db"))
    with running(*data) as evening:
        ann = Patient(OverHttp(f"http://127.0.0.1:{evening.port}"), ANN)
        ann.join()
        code = ann.look().page.title
        evening.end()
    with running(*data) as morning:
        ann.house = OverHttp(f"http://127.0.0.1:{morning.port}")
        assert ann.look().page.title == code
        morning.end()


@pytest.mark.engine
def test_two_clinics_do_not_share_a_file(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "clinic.db"))
    with running(*data):
        second = start(*data, port=free_port())
        _, sorry = second.communicate(timeout=START_SECONDS_MAX)
    assert second.returncode == 1
    assert sorry == f"Another clinic has {data[1]} open. End it, or choose another DATA.\n"


def test_the_demo_says_what_is_closed_at_this_hour() -> None:
    said = run._closed(datetime(2026, 11, 23, 18, 30, tzinfo=UTC))
    assert "At the clinic it is 02:30; closed now" in said
    assert "General medicine" in said
    assert "Children" not in said
    assert run._closed(datetime(2026, 11, 23, 3, 0, tzinfo=UTC)) == ""


@pytest.mark.parametrize(
    ("wish", "sorry"),
    [
        (("--data", "no-such-folder/clinic.db"), "there is no folder no-such-folder. Make it, or choose another DATA"),
        (("--data", "tests"), "tests is a folder. Choose a file in it: make run DATA=tests/clinic.db"),
        (("--port", "0"), "'0' is not a port: make run PORT=8001"),
    ],
)
def test_what_cannot_be_is_said_at_once(wish: tuple[str, str], sorry: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.main([*wish])
    assert sorry in capsys.readouterr().err
