"""The clock's door: nobody comes in. Once a minute the clinic looks after itself; when the table changes, at once."""

import json
import logging
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import islice
from typing import Protocol

from chalicelib.clinic import CLINIC
from chalicelib.doors import manners
from chalicelib.doors.guests import new_secret
from chalicelib.doors.manners import RECORDS, note_broken
from chalicelib.doors.post import Post
from chalicelib.log import note
from chalicelib.outside import metrics, tracing
from chalicelib.outside.vault import Vault
from chalicelib.rooms.permission import SYSTEM
from chalicelib.store import chain, records, roots
from chalicelib.store.chain import Head
from chalicelib.visit import sweeping, telling
from chalicelib.visit.errand import Errand
from chalicelib.visit.sweeping import Swept

SWEEP_MS = 15_000  # Lambda ends a sweep after this
QUEUES_MS = 8_000  # with less of it left no queue is begun any more, so that there is time for the post
TRY_MS = 4_000  # and with less than this no message: a slow service takes three seconds

Failures = dict[str, list[dict[str, str]]]  # Lambda's way to say which of the records are to be brought again


class Signer(Protocol):
    """Signs what it is given; the key never leaves it."""

    @property
    def key_id(self) -> str: ...
    def sign(self, digest: bytes) -> bytes: ...


def anchor(vault: Vault | None, signer: Signer) -> int:
    """Sign the audit's chains as they are and lock the roots away; how many. Run twice at once, or again after it died,
    it makes each number once: what lies in the vault under the next number already is the next root."""
    if vault is None:
        return 0
    last, now, made, more = roots.newest(), manners.clock(), 0, True
    heads: Iterator[Head] | None = None
    ahead: list[Head] = []
    while more:  # once at least, also of an hour without a change: none is left out
        if heads is None:
            heads = chain.changed(last.since)
            ahead = list(islice(heads, roots.HEADS_MAX))
        part, ahead = ahead, list(islice(heads, roots.HEADS_MAX))
        root = roots.made(last, part, now, more=bool(ahead))
        root |= {"key": signer.key_id, "signature": b64encode(signer.sign(roots.digest(root))).decode()}
        name = roots.name(root["n"])
        if not vault.put(name, json.dumps(root, separators=(",", ":")).encode()):
            root, heads = json.loads(vault.get(name)), None  # its part is not ours: look again for what it leaves out
        last, made, more = roots.after(root), made + 1, root["more"]
        roots.remember(last)
    note(logging.INFO, "anchored", roots=made, n=last.n)
    return made


def tick(public: str | None = None, left: Callable[[], int] | None = None) -> Swept:
    """One sweep, and its counts as a coded event. Run twice at once it does what it does once.

    `public` is where people outside reach the clinic, if not as ORIGIN says. `left` is how many milliseconds Lambda
    still gives; what was not reached in time the next sweep does, and it counts as failed for the alarm.
    """
    left = left or _left_from(time.monotonic())
    errand = Errand(actor=SYSTEM, request=new_secret(), now=manners.clock(), clinic=CLINIC, records=RECORDS)
    with tracing.deed("sweep"):
        swept = sweeping.sweep(errand, Post(public, lambda: left() > TRY_MS), lambda: left() > QUEUES_MS)
    for failed in swept.failed:
        note_broken(failed, "sweep")
    counts = {f.name: getattr(swept, f.name) for f in fields(swept) if f.repr}
    note(logging.INFO, "swept", **{**counts, "failed": len(swept.failed)})
    metrics.put(_measured(swept), errand.now)
    return swept


def _left_from(begun: float) -> Callable[[], int]:
    return lambda: SWEEP_MS - int(1000 * (time.monotonic() - begun))


class NotTold(Exception):
    """Not even the first of these records could be handled. It has no words: Lambda writes them into the log."""


def tell(taken: Iterable[tuple[str, str]]) -> Failures:
    """Patients whom a doctor has just taken: each record's number in the stream, and the key of the visit's row.

    A record may come twice, late, or not at all: what is due is asked of the visit itself, and the sweep asks too. One
    that fails is brought again three times and then becomes a dead letter: its number, and no word of the row. If it is
    the first, nothing was handled, and Lambda is told so in its own way (NotTold), which it counts and alarms go by.
    """
    post = Post()
    failed: list[str] = []
    brought = list(taken)
    for number, key in brought:
        errand = Errand(actor=SYSTEM, request=new_secret(), now=manners.clock(), clinic=CLINIC, records=RECORDS)
        try:
            with tracing.deed("tell"):
                sent = telling.called(errand, post, id=records.visit_in(key))
            note(logging.INFO, "told", sent=sent)
        except Exception as broken:
            note_broken(broken, "tell")
            failed.append(number)
    if failed and failed[0] == brought[0][0]:
        raise NotTold
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}


def _measured(swept: Swept) -> dict[str, float | list[float]]:
    """What alarms and the dashboard go by. CloudWatch charges each of them apart, by the hour in which it is said."""
    return {
        "Swept": 1,
        "Failed": len(swept.failed) + swept.unreadable + swept.not_reached,
        "BroughtToFront": swept.brought_to_front,
        "Waiting": swept.waiting,
        "LongestWaitMinutes": swept.longest_wait_seconds // 60,
        "DepartmentsAlone": swept.alone,
        "PromiseBroken": [1.0] * swept.promises_broken + [0.0] * (swept.promises - swept.promises_broken),
        "Sent": swept.sent,
        "GivenUp": swept.given_up,
        "TextsPercent": swept.texts_percent,
        "OpenedOutsideCare": swept.outside_care,
        "OddDays": [float(swept.mills)] if swept.days_looked_at else [],
    }
