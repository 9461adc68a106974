"""Who works at the clinic: let in by the clinic's own code, with a first password that is shown once."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from chalicelib.rooms.permission import Role
from infra.clinic.account import Account
from infra.clinic.keeping import resources_of
from infra.clinic.trouble import Trouble
from infra.kit import Kit
from infra.kit.stage import staged, surroundings

SECONDS_MAX = 120
NEEDED = {"TABLE": "ClinicTable", "STAFF_POOL": "StaffPool", "STAFF_CLIENT": "StaffClient"}
TAKEN = "This sign-in name is taken"  # as the clinic's own code says it
CORRECTED = (
    "Somebody else: choose another --id. The same person: what is wrong about them an administrator corrects, signed "
    "in, at /people."
)
AFTERWARDS = "Correct it and run the command again: what was done already is not done twice."
Run = Callable[[Kit, list[str], Mapping[str, str]], tuple[int, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Somebody to be let in. A doctor has a title and a licence; departments none named are all."""

    id: str
    name: str
    role: str
    departments: tuple[str, ...] = ()
    title: str = ""
    licence: str = ""
    licence_until: str = ""
    practising_since: str = ""

    def words(self) -> list[str]:
        said = [self.id, self.name, self.role, *(f"--department={one}" for one in self.departments)]
        more = ("title", "licence", "licence_until", "practising_since")
        return [*said, *(f"--{name.replace('_', '-')}={value}" for name in more if (value := getattr(self, name)))]


def in_a_copy(kit: Kit, words: list[str], settings: Mapping[str, str]) -> tuple[int, str, str]:
    """Run infra.enrol as this kit's clinic: its code knows how people are kept, and its kit where they work."""
    with staged(kit) as target:
        said = subprocess.run(
            [sys.executable, "-m", "infra.enrol", *words],
            cwd=target,
            env={**surroundings(target), **settings},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    return said.returncode, said.stdout, said.stderr


def add(account: Account, stack: str, kit: Kit, newcomer: Newcomer, run: Run = in_a_copy) -> str:
    """Let somebody in; gives their first password. The same command again gives the same, until it has been used."""
    there = [one["id"] for one in kit.said["departments"]]
    if unknown := sorted(set(newcomer.departments) - set(there)):
        raise Trouble(
            f"This clinic has no department {', '.join(unknown)}. Nobody was let in.", f"There are {', '.join(there)}."
        )
    _refuse_ended(kit, newcomer)
    found = resources_of(account, stack)
    try:
        settings = {name: found[what] for name, what in NEEDED.items()}
    except KeyError as missing:
        raise Trouble(
            f"The stack {stack} has no {missing.args[0]} yet. Nobody was let in.",
            f"Bring it up to date first: ./clinic deploy {kit.name}",
        ) from missing
    settings |= {"AWS_REGION": account.region, "AWS_DEFAULT_REGION": account.region, "AWS_XRAY_SDK_ENABLED": "false"}
    if account.endpoint:
        settings["AWS_ENDPOINT_URL"] = account.endpoint
        settings |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    code, said, why = run(kit, newcomer.words(), settings)
    if code:
        last = why.strip().splitlines()[-1] if why.strip() else "It did not say why."
        raise Trouble(last, CORRECTED if TAKEN in last else AFTERWARDS)
    return said.strip()


def _refuse_ended(kit: Kit, newcomer: Newcomer) -> None:
    """A doctor whose licence is over could sign in and do nothing; a mistyped year is seen here."""
    if newcomer.role != Role.DOCTOR or not newcomer.licence_until:
        return
    if date.fromisoformat(newcomer.licence_until) < datetime.now(ZoneInfo(kit.said["timezone"])).date():
        raise Trouble(
            f"The licence of {newcomer.name} ended on {newcomer.licence_until}. Nobody was let in.",
            "Give the day until which it is valid now: --licence-until 2028-12-31",
        )


def signs_in_as(newcomer: Newcomer, password: str, door: str, language: str) -> str:
    """What is handed over, on paper or by phone."""
    return (
        f"{newcomer.name} signs in within three days at {door}/{language}/staff\n\n"
        f"    name      {newcomer.id.strip().casefold()}\n"
        f"    password  {password}\n\n"
        "and chooses a password and sets up an authenticator app there. Hand it over in person; it opens once."
    )
