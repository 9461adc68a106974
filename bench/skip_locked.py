"""A peer: PostgreSQL with SELECT ... FOR UPDATE SKIP LOCKED, in a folder of its own, on a socket of its own.

One statement a deed, prepared, with these of our promises: one active visit a person (a partial unique index), no more
patients than a doctor can see, an audit line that makes a request happen once, folded into its visit's chain, which an
index finds. Commits do not wait for the disk, as the engine we compare with keeps everything in memory too.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 10
SETTINGS = ("listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=50")
TABLES = """
CREATE TABLE visit (id bigint, department text, band int DEFAULT 2, person text, state text DEFAULT 'waiting',
  doctor text, epoch int DEFAULT 0, answers text, joined_at timestamptz DEFAULT now(), PRIMARY KEY (department, id));
CREATE INDEX queue ON visit (department, band, id) WHERE state = 'waiting';
CREATE UNIQUE INDEX guard ON visit (department, person) WHERE state IN ('waiting', 'assigned', 'in_consult');
CREATE TABLE doctor (id text PRIMARY KEY, held int DEFAULT 0, room int);
CREATE TABLE audit (about text, request text, answer text, said text, PRIMARY KEY (about, request));
CREATE TABLE chain (about text PRIMARY KEY, n int, value bytea, since timestamptz);
CREATE INDEX changed ON chain (since);
"""
FILL = """INSERT INTO visit (id, department, person, answers)
SELECT n, %s, 'p' || n, repeat('x', 600) FROM generate_series(1, %s) n"""
LINK = """INSERT INTO chain SELECT %(department)s || answer, 1, sha256(convert_to(line::text, 'UTF8')),
  date_trunc('hour', now()) FROM line
ON CONFLICT (about) DO UPDATE SET n = chain.n + 1, value = sha256(chain.value || excluded.value), since = excluded.since
RETURNING (SELECT answer FROM line)"""
JOIN = """WITH new AS (INSERT INTO visit (id, department, person, answers) VALUES (%(n)s, %(department)s, %(person)s,
  repeat('x', 600)) RETURNING id),
line AS (INSERT INTO audit SELECT %(person)s, %(request)s, id, repeat('x', 150) FROM new RETURNING *)
"""
TAKE = """WITH next AS (SELECT id FROM visit WHERE department = %(department)s AND state = 'waiting'
  ORDER BY band, id LIMIT 1 FOR UPDATE SKIP LOCKED),
desk AS (UPDATE doctor SET held = held + 1 WHERE id = %(doctor)s AND held < room RETURNING id),
given AS (UPDATE visit SET state = 'assigned', doctor = %(doctor)s, epoch = epoch + 1 FROM next, desk
  WHERE visit.department = %(department)s AND visit.id = next.id RETURNING visit.id),
line AS (INSERT INTO audit SELECT %(doctor)s, %(request)s, id, repeat('x', 150) FROM given RETURNING *)
"""
PLACE = """SELECT count(*) FROM visit WHERE department = %(department)s AND state = 'waiting'
AND (band, id) < (2, %(n)s)"""


class NotHere(Exception):
    """This machine has no PostgreSQL, or no driver for it. The message is for the person at the keyboard."""


class SkipLocked:
    """One connection, as one doctor's or patient's process has it."""

    def __init__(self, folder: Path) -> None:
        import psycopg

        self.line = psycopg.connect(f"host={folder} dbname=postgres user=clinic", autocommit=True, prepare_threshold=1)

    def create(self) -> None:
        self.line.execute(TABLES)

    def fill(self, department: str, waiting: int) -> None:
        self.line.execute(FILL, (department, waiting))
        self.line.execute("ANALYZE visit")

    def on_duty(self, doctor: str, capacity: int) -> None:
        self.line.execute("INSERT INTO doctor (id, room) VALUES (%s, %s)", (doctor, capacity))

    def join(self, department: str, n: int, request: str) -> None:
        self.line.execute(JOIN + LINK, {"n": n, "department": department, "person": f"new {n}", "request": request})

    def take(self, department: str, doctor: str, request: str) -> str | None:
        asked = {"department": department, "doctor": doctor, "request": request}
        row: Any = self.line.execute(TAKE + LINK, asked).fetchone()
        return row and row[0]

    def place(self, department: str, n: int) -> int:
        row: Any = self.line.execute(PLACE, {"department": department, "n": n}).fetchone()
        return int(row[0])

    def close(self) -> None:
        self.line.close()


@contextlib.contextmanager
def postgres() -> Iterator[Path]:
    """A fresh PostgreSQL for the length of the block; yields the folder of its socket. Raises NotHere."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="pg-") as made:
        folder = Path(made)
        who: dict[str, Any] = {}
        if os.getuid() == 0:  # it refuses to run as root
            who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody", "nogroup")
        data, quiet = folder / "data", {"stdout": subprocess.DEVNULL, "cwd": folder, "env": {"LC_ALL": "C.UTF-8"}}
        made_with = [programs / "initdb", "-D", data, "-U", "clinic", "-A", "trust", "--no-sync"]
        subprocess.run(made_with, check=True, **quiet, **who)
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, *settings], stderr=subprocess.DEVNULL, **quiet, **who
        )
        try:
            _wait_for(server, folder)
            yield folder
        finally:
            server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown; SIGTERM waits for who is connected
            server.wait(STOP_SECONDS_MAX)


def _wait_for(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    import psycopg

    until = time.monotonic() + START_SECONDS_MAX
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(psycopg.OperationalError):
            SkipLocked(folder).close()
            return
        time.sleep(0.05)
    raise NotHere("PostgreSQL could not start.")


def _programs() -> Path:
    """Where initdb and postgres are: Debian keeps them out of the path."""
    try:
        import psycopg  # noqa: F401  # needs libpq too, which comes with PostgreSQL
    except ImportError as missing:
        raise NotHere(f"no PostgreSQL driver: {missing}") from missing
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    raise NotHere("PostgreSQL is not installed (`make bench` does that on Debian as root).")
