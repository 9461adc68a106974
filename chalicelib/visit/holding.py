"""Holding: how a ticket comes into another phone's pocket, by a link or by the desk's paper, and out of it again."""

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.rooms import phone, pocket, queue
from chalicelib.rooms.permission import Actor, Role
from chalicelib.rooms.phone import Holding
from chalicelib.rooms.queue import ACTIVE, Ticket, Visit
from chalicelib.visit import proving
from chalicelib.visit.errand import Errand, about_visit, once


def _about_visit(errand: Errand, *, id: Ticket, **_: object) -> str:
    return about_visit(id)


def _visit_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Visit:
    return errand.records.visit(id)


@once(about=_about_visit, again=_visit_again, made_here=frozenset({"token"}))
def come_back(errand: Errand, *, id: Ticket, code: str, secret: str, token: str = "") -> Visit:
    """A link, or the desk's paper, on a phone that holds the ticket by a `secret` of its own from now on.

    Raises NotFound unless `code` is of this visit, and Over past the ticket's days; but with the `token` of a browser
    that has proven the visit's number they begin again. A phone that holds the ticket already may say so twice.
    """
    visit = errand.visit(id, "come_back", ties=lambda _, visit: pocket.ties(visit, code=code, secret=secret))
    held = visit if queue.is_theirs(visit, secret=secret) else pocket.brought(visit, code=code, secret=secret)
    patient = replace(errand, actor=Actor(role=Role.PATIENT, id=secret))
    if pocket.is_over(visit, errand.now, errand.clinic):
        by = proving.known(errand, token=token) if token else None
        if by is None or not phone.gave(by, visit, errand.clinic):
            raise pocket.over(errand.clinic)
        held = pocket.renewed(held, errand.now)
        audit = patient.entry("come_back", about_visit(id))
        errand.records.save(held, by.phone, Holding(token=by.proof.token), audit=audit)
    elif held != visit:
        errand.records.save(held, audit=patient.entry("come_back", about_visit(id)))
    return held


def still_open(errand: Errand, *, held: Mapping[Ticket, str]) -> list[Visit]:
    """Of the tickets of one phone, by its secrets, those whose visit is not over yet."""
    found = errand.records.visits(held, consistent=True)
    return [visit for visit in found if visit.state in ACTIVE and queue.is_theirs(visit, secret=held.get(visit.id, ""))]


def patients(errand: Errand, *, held: Mapping[Ticket, str]) -> dict[Ticket, str]:
    """Who each ticket of one phone is for, by its secrets and while it opens its visit."""
    theirs = [v for v in errand.records.visits(held) if queue.is_theirs(v, secret=held.get(v.id, ""))]
    return {
        v.id: v.answers.name for v in theirs if not v.restricted and not pocket.is_over(v, errand.now, errand.clinic)
    }


@once(about=_about_visit, again=_visit_again)
def let_go(errand: Errand, *, id: Ticket, secret: str) -> Visit:
    """This phone holds the ticket no more, whoever copied its cookies. The visit goes on; other phones keep it. Raises
    NotFound for a phone that does not hold it."""
    visit = errand.visit(id, "let_go", ties=lambda _, visit: queue.ties(visit, secret=secret))
    left = pocket.forgotten(visit, secret=secret)
    patient = replace(errand, actor=Actor(role=Role.PATIENT, id=secret))
    errand.records.save(left, audit=patient.entry("let_go", about_visit(id)))
    return left
