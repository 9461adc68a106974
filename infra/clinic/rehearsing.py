"""The same deployment on this machine: a local AWS, our stand-in for CloudFront before it, gone when it is closed."""

import contextlib
import platform
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.clinic import opening
from infra.clinic.account import Account
from infra.clinic.keeping import resources_of
from infra.clinic.opening import Order
from infra.clinic.stack import Say
from infra.clinic.trouble import Trouble
from infra.local import aws
from infra.local.edge import edge
from infra.local.engine import NotHere

SECONDS = 0.2  # between two looks: nobody else is asked


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A clinic that is open on this machine: its address, and the account it is in."""

    door: str
    account: Account


@contextlib.contextmanager
def rehearsed(order: Order, say: Say) -> Iterator[Rehearsed]:
    """Deploy `order` for the length of the block, for this machine's own processor. Raises Trouble."""
    with tempfile.TemporaryDirectory(prefix="clinic-aws-") as folder:
        try:
            with aws.aws(Path(folder) / "log") as address:
                account = Account(aws.REGION, address, seconds=SECONDS)
                say(f"A local AWS is at {address}, on this machine only.")
                opening.deploy(account, order, say)
                distribution = resources_of(account, order.stack).get("EdgeDistribution")
                if not distribution:
                    raise Trouble("A clinic without its edge is not rehearsed here.", 'Leave Edge = "on" in the kit.')
                with edge(account.client("cloudfront"), distribution, address) as (door, _):
                    yield Rehearsed(door, account)
        except NotHere as why:
            raise Trouble(str(why), "See `make rehearse` in docs/deploy.md for what it needs.") from why


def own_architecture() -> str:
    """What this machine's Lambda can run."""
    return "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
