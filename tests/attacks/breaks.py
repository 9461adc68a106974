"""Deliberate breaks of the clinic's defences, by the number of the attack each lets in: every one must be noticed.

A break is a context manager in the manner of `tests/simulation/mutants.py`; the test of its attack runs its checks
inside it, and they must fail there.
"""

import contextlib
import copy
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.doors import form, guests, manners, origin, render, sheet, typeset
from chalicelib.outside.signing import Kms
from chalicelib.refusal import NotFound
from chalicelib.rooms import assignment, glass, oversight, permission, phone, pocket, queue, seal
from chalicelib.rooms.permission import Tie
from chalicelib.rooms.prescription import State
from chalicelib.rooms.queue import Ticket
from chalicelib.store import chain, keys, names, records, rows, writing
from chalicelib.store.rows import OrderRow, PrescriptionRow
from chalicelib.visit import checking, desk, errand, sealing, sending
from infra import stack
from tests.simulation.mutants import Break, Loose, around, both, instead


def _unlinked_signing(real: Any, transaction: Any, line: Any, whose: str) -> None:
    if line.deed != "sign":
        real(transaction, line, whose)


def _only_the_key(real: Any, item: Any, whose: str) -> str:
    return str(real({name: item[name] for name in ("pk", "sk")}, whose))


def _with_key(key: str | None) -> Any:
    """Fingerprints are made with this key; None: with the clinic's own, which lies in the table."""

    def made(real: Any, deed: str, errand: Any, typed: Any) -> str:
        return str(real(deed, replace(errand, secret=keys.key("pepper").hex() if key is None else key), typed))

    return made


def _anybody_signs() -> Break:
    deeds = ("sign", "revise", "amend")
    return both(*(instead(permission.MAY, deed, permission.EVERYBODY) for deed in deeds))


def _any_key() -> Break:
    return both(
        instead(Kms, "verify", lambda self, digest, signature, *, key: True),
        instead(seal, "fits", lambda words, kept: True),
    )


def _pages_as_typed() -> Break:
    real = typeset.environment
    return instead(typeset, "environment", lambda language: real(language).overlay(autoescape=False))


def _noted(real: Any, value: object, **how: Any) -> str:
    logging.getLogger("clinic").info("typed: %s", value)
    return str(real(value, **how))


def _told(real: Any, broken: Exception, deed: str) -> None:
    logging.getLogger("clinic").error("%s: %s", deed, broken)
    real(broken, deed)


def _everything_asked_for(real: Any, sheet_of: Any, values: Any, *, strict: bool = True) -> Any:
    return real(sheet_of, values, strict=False)


def _everybodys_glass() -> Break:
    """Whoever asks is let in by what somebody else broke."""

    def any_pane(real: Any, visit: Any, by: str) -> Any:
        return next((pane for pane in records.panes(reviewed=False) if pane.visit == visit), None)

    def any_tie(actor: Any, pane: Any, now: Any) -> Any:
        return frozenset({Tie.GLASS} if glass.is_open(pane, now) else ())

    return both(instead(records, "pane", around(any_pane)), instead(glass, "ties", any_tie))


def _by_anybody(real: Any, pane: Any, *, by: Any, **said: Any) -> Any:
    return real(pane, by=replace(by, id="somebody"), **said)


def _any_format() -> Break:
    """Somebody adds attachments by letting every format through."""
    from app import app

    entries = [entry for methods in app.routes.values() for entry in methods.values() if entry.method == "POST"]
    wider = [instead(entry, "content_types", [*entry.content_types, *ATTACHED]) for entry in entries]
    return both(*wider, instead(manners, "values_of", lambda body, kind: form.values_of(b"text=file", form.FORM_TYPE)))


def _proof_of_one(real: Any, asked: Any, *secrets: str) -> None:
    if len(secrets) == 1:
        real(asked, *secrets)


def _helpful(real: Any, name: str) -> Any:
    try:
        return Ticket.of(name)
    except ValueError:
        return real(name)


def _by_number(asked: Any, name: str) -> Any:
    """Somebody spares the opaque name, as numbers are so much shorter."""
    try:
        return checking.sheet(asked.errand, id=Ticket.of(name), number=1)
    except ValueError:
        raise NotFound() from None


def _whatever_is_signed(asked: Any, name: str) -> Any:
    id, number = names.prescription_of(name)
    return checking.sheet(asked.errand, id=id, number=number)


def _with_lines(real: Any, asked: Any, found: Any) -> Any:
    return {**real(asked, found), "lines": [line.medicine for line in found.lines]}


def _forgetful(real: Any, transaction: Any, record: Any) -> None:
    real(Loose(transaction, updates=(OrderRow, PrescriptionRow)), record)


def _never_used_up(real: Any, visit: Any, *, code: str, secret: str) -> Any:
    kept = real(visit, code=code, secret=secret)
    return replace(kept, secret=visit.secret, lent=(*visit.lent, secret))


def _first_of_two(real: Any, cookies: str, *, secure: bool) -> Any:
    first: dict[str, str] = {}
    for pair in cookies.split("; "):
        first.setdefault(pair.partition("=")[0], pair)
    return real("; ".join(first.values()), secure=secure)


ATTACHED = ["multipart/form-data", "application/pdf", "image/png", "image/svg+xml", "application/octet-stream"]
ATTACHED += ["application/zip"]
COUNTER = "script-src 'self' https://www.googletagmanager.com"


def _whoever_sent_it() -> Break:
    """A request that comes again is known by its id and its words, whoever sends it."""

    def of_anybody(real: Any, deed: str, actor: Any, typed: Any) -> Any:
        return real(deed, permission.ANYBODY, typed)

    return instead(errand, "fingerprint", around(of_anybody))


def _by_the_visit_alone() -> Break:
    """An opening is looked up by its visit: whose it was, and when, is not read."""

    def any_pane(real: Any, visit: Any, by: str, at: Any) -> Any:
        return next(pane for pane in records.panes(reviewed=False) if pane.by != "pria")

    return instead(records, "pane_at", around(any_pane))


def _opened(change: Callable[[dict[str, Any]], object]) -> Break:
    """The stack with one of its own parts changed."""

    def other(real: Any, *asked: Any, **how: Any) -> Any:
        template = copy.deepcopy(real(*asked, **how))
        change(template)
        return template

    return instead(stack, "assemble", around(other))


def _no_block(template: dict[str, Any]) -> None:
    buckets = [one for one in template["Resources"].values() if one.get("Type") == "AWS::S3::Bucket"]
    del buckets[0]["Properties"]["PublicAccessBlockConfiguration"]


def _wide(template: dict[str, Any]) -> None:
    template["Parameters"]["RequestsPerSecond"]["Default"] = 5000


def _spelled_out(real: Any, id: Any, after: str) -> Any:
    """What was said since, by a query somebody has put together by hand."""
    with contextlib.suppress(ClientError):
        rows.Row._get_connection().connection.client.query(
            TableName=rows.TABLE, KeyConditionExpression=f"pk = 'V#{id}' AND sk > '{after}'"
        )
    return real(id, after)


BREAKS: dict[str, Callable[[], Break]] = {
    "a02 one secret opens every visit: a_patients_form_with_another_visits_name": lambda: instead(
        queue, "is_theirs", lambda visit, *, secret: True
    ),
    "a02 a repeat is whoever's: a_request_id_that_was_somebody_elses": _whoever_sent_it,
    "a02 the epoch is enough: a_colleague_with_an_epoch_that_is_right": lambda: both(
        instead(permission, "whose", lambda *_: None), instead(assignment, "holds", lambda *_, **__: None)
    ),
    "a02 whoever proves a number has every ticket: a_ticket_of_another_number": lambda: instead(
        phone, "opens", lambda *_: True
    ),
    "a02 everybody is of every number: a_person_of_another_number": lambda: instead(
        phone.Known, "person", lambda self, id: next(iter(self.people), None)
    ),
    "a02 an opening is its visit's: an_opening_that_is_another": _by_the_visit_alone,
    "a02 whoever has a code reads: a_code_that_is_not_for_them": lambda: instead(
        permission.MAY, "break_glass", permission.EVERYBODY
    ),
    "a02 one secret opens every link: a_link_with_anothers_visit": lambda: instead(
        queue, "is_theirs", lambda visit, *, secret: True
    ),
    "a14 a bucket is open": lambda: _opened(_no_block),
    "a23 the throttle is opened": lambda: _opened(_wide),
    "a25 words are written into an expression": lambda: instead(records, "messages", around(_spelled_out)),
    "a01 every visit is everybody's": lambda: instead(permission, "whose", lambda *_: None),
    "a01 every ticket opens every visit": lambda: instead(queue, "is_theirs", lambda visit, *, secret: True),
    "a01 whoever asks has the ticket": lambda: instead(assignment, "ties", lambda *_: frozenset(permission.Tie)),
    "a04 every role does everything": lambda: both(
        instead(permission, "may", lambda *_: None), instead(permission, "whose", lambda *_: None)
    ),
    "a05 forms take what they did not ask for": lambda: instead(form.Form, "read", around(_everything_asked_for)),
    "a03 signing is offered to every role": _anybody_signs,
    "a03 approval does not look at the signature": lambda: instead(sending, "genuine", lambda *_: True),
    "a03 the row says whose key it was, and is believed": _any_key,
    "a03 the state of a row is believed": lambda: both(
        *(instead(act, "given_out", lambda *_: None) for act in (sending, checking))
    ),
    "a03 whether the doctor signed it is asked at approval only": lambda: instead(sealing, "genuine", lambda *_: True),
    "a11 pages say what was typed as it was typed": _pages_as_typed,
    "a12 any format is taken": _any_format,
    "a13 a counter of visitors may load": lambda: instead(
        render, "POLICY", render.POLICY.replace("script-src 'self'", COUNTER)
    ),
    "a15 a number is a name": lambda: instead(names, "ticket_of", around(_helpful)),
    "a15 a sheet is found by its number": lambda: instead(sheet, "_of", _by_number),
    "a15 a sheet stays what it was whatever the row says": lambda: instead(sheet, "_of", _whatever_is_signed),
    "a15 a sheet tells what is on it": lambda: instead(sheet, "_said", around(_with_lines)),
    "a15 a sheet is real because the row says so": lambda: both(
        *(instead(checking, name, lambda *_: True) for name in ("genuine", "is_approved"))
    ),
    "a16 a used sheet is real": lambda: instead(sheet.SAID, State.DISPENSED, "real"),
    "a16 a parcel is written without its condition": lambda: instead(writing, "_write_record", around(_forgetful)),
    "a20 every doctor has every patient": lambda: instead(permission, "whose", lambda *_: None),
    "a20 a broken glass stays broken": lambda: instead(glass, "is_open", lambda pane, now: pane is not None),
    "a20 one breaks it and everybody reads": _everybodys_glass,
    "a20 it is not told to the patient": lambda: instead(
        oversight, "NOT_A_LOOK", frozenset({"alive", "break_glass", "read_under_glass"})
    ),
    "a20 who did it reviews it": lambda: instead(glass, "reviewed", around(_by_anybody)),
    "a20 nobody counts": lambda: instead(glass, "most_by_one", lambda panes, now: 0),
    "a26 no day is odd": lambda: instead(oversight, "ENOUGH", 10**6),
    "a26 short is not counted": lambda: instead(oversight, "SHORT", timedelta(0)),
    "a26 nobody is mailed": lambda: instead(oversight.Practice, "mill", False),
    "a26 as many as one likes": lambda: instead(oversight, "MANY", 10**6),
    "a21 signing is not linked": lambda: instead(chain, "link", around(_unlinked_signing)),
    "a21 a mark says nothing of the line's contents": lambda: instead(chain, "mark_of", around(_only_the_key)),
    "a21 the value does not depend on the marks": lambda: instead(chain, "fold", lambda value, marks: value),
    "a21 lines are written beside the transaction": lambda: instead(writing.chain, "link", lambda *_: None),
    "a22 what is typed is logged": lambda: instead(form, "clean", around(_noted)),
    "a22 an error is logged with its message": lambda: instead(manners, "note_broken", around(_told)),
    "a24 a form about a number needs no proof": lambda: instead(manners, "_carries", around(_proof_of_one)),
    "a24 a form needs no proof": lambda: instead(origin, "shown_to_them", lambda *_: None),
    "a30 a cookie has a plain name everywhere": lambda: instead(guests, "cookie_name", lambda name, *, secure: name),
    "a30 of two cookies the first is taken": lambda: instead(guests, "guest", around(_first_of_two)),
    "a28 paper opens one phone after the other": lambda: instead(pocket, "brought", around(_never_used_up)),
    "a28 paper is a ticket like any other": lambda: both(
        instead(pocket, "paper", lambda secret: secret), instead(pocket, "is_paper", lambda visit: True)
    ),
    "a28 printed at any time": lambda: instead(pocket, "may_print", lambda visit: None),
    "a28 printing again is not told apart": lambda: instead(desk, "_printed", lambda *_: None),
    "a29 the browser alone forgets": lambda: instead(pocket, "forgotten", lambda visit, *, secret: visit),
    "a29 signing out leaves the tickets": lambda: instead(pocket, "signed_out", lambda visit, *, kept: visit),
    "a29 a ticket has no end": lambda: instead(pocket, "is_over", lambda *_: False),
    "a29 any number opens an old ticket": lambda: instead(phone, "gave", lambda *_: True),
    "a31 a line says what was typed to whoever tries": lambda: instead(errand, "fingerprint", around(_with_key(""))),
    "a31 a line is made with a key of the table": lambda: instead(errand, "fingerprint", around(_with_key(None))),
}


def gets_through(attack: Callable[[], None], broken: str) -> None:
    """With this break in place the attack, which asserts that it is refused, is not refused."""
    with BREAKS[broken](), pytest.raises(AssertionError):
        attack()
