"""Who works at the clinic: let in by the clinic's own code, with a first password that is shown once."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.clinic.account import Account
from infra.clinic.keeping import resources_of
from infra.clinic.trouble import Trouble
from infra.kit import Kit
from infra.kit.stage import staged, surroundings

SECONDS_MAX = 120
NEEDED = {"TABLE": "ClinicTable", "STAFF_POOL": "StaffPool", "STAFF_CLIENT": "StaffClient"}
Run = Callable[[Kit, list[str], Mapping[str, str]], tuple[int, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Somebody to be let in. A doctor has a licence; departments none named are all."""

    id: str
    name: str
    role: str
    departments: tuple[str, ...] = ()
    licence: str = ""
    licence_until: str = ""

    def words(self) -> list[str]:
        said = [self.id, self.name, self.role, *(f"--department={one}" for one in self.departments)]
        if self.licence:
            said.append(f"--licence={self.licence}")
        return [*said, f"--licence-until={self.licence_until}"] if self.licence_until else said


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
        raise Trouble(last, "Correct it and run the command again: what was done already is not done twice.")
    return said.strip()


def signs_in_as(newcomer: Newcomer, password: str, door: str, language: str) -> str:
    """What is handed over, on paper or by phone."""
    return (
        f"{newcomer.name} signs in within three days at {door}/{language}/staff\n\n"
        f"    name      {newcomer.id.strip().casefold()}\n"
        f"    password  {password}\n\n"
        "and chooses a password and sets up an authenticator app there. Hand it over in person; it opens once."
    )
