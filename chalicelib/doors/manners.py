"""Manners: the one decorator every route wears. Who are you, may you, what did you send, and how we say no.

How to use it (a door is a Blueprint; `Asked` is all a view gets):

    FINISH = Form(text("summary", max=SUMMARY_MAX, lines=True), one_of("outcome", Outcome, missing="Choose …"))

    @door.route("/{lang}/doctor/visits/{visit}/finish")                     # names are always {lang} and {visit}
    @polite("open_visit", by="staff")                                       # a deed of permission.MAY
    def finish(asked: Asked) -> Answer:
        dossier = seeing.open_visit(asked.errand, id=asked.id)              # asked.id: Ticket; asked.name: its name
        return Page(template="doctor_finish.html", data={...}, values={"summary": dossier.visit.summary or ""})

    @door.route("/{lang}/doctor/visits/{visit}/finish", methods=["POST"], content_types=FORMS)
    @polite("sign", by="staff", form=FINISH, again=finish)                  # refused: `finish` again, as typed
    def sign(asked: Asked) -> Answer:
        visit = seeing.sign(asked.errand, id=asked.id, **asked.given)       # given: the form's values, typed
        return Go(to=f"doctor/visits/{asked.name}", data={"state": visit.state})   # `to` has no base, no language

- by="public": nobody in particular. by="number": the same, where it matters which number this browser has proven.
  by="patient": the ticket of {visit} must be in this browser, else 404.
  by="staff": a session, else the sign-in page (`?next=` brings them back) or 401; then permission.may.
- Refusals raised anywhere (rooms, deeds, your view) become the page again with status, message and everything
  typed; without `again`, or when that page fails too, a page of its own that keeps what was typed.
- A view that is shown again must not need a form: `asked.given` belongs to the POST. In a GET, `form` reads the query.
- Page.data is what machines get, so: our dataclasses, plain values, Tickets (they become names), times. Template-only
  things go into `extras`. machine.HIDDEN never leaves. Templates: extend base.html, import fields.html (see there).
- asked.frame.url("doctor") makes an address; templates have url(), asset(), when(), clock(), minutes(), own(words),
  values, errors, problems, new_id(), clinic, lang, now.
"""

import contextlib
import functools
import logging
import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, cast
from urllib.parse import quote

from chalice import Chalice, Response
from chalice.app import Request

from chalicelib.clinic import CLINIC
from chalicelib.doors import origin, words
from chalicelib.doors.form import Form, Sheet, is_request, values_of
from chalicelib.doors.guests import Guest, Kept, guest, hashed, new_secret, proof
from chalicelib.doors.render import Answer, Frame, Page, Raw, problem, respond
from chalicelib.log import note
from chalicelib.outside import signing, tracing
from chalicelib.refusal import NotFound, Refusal, SeveralRefusals, SignInFirst, Together
from chalicelib.rooms import permission
from chalicelib.rooms.permission import ANYBODY, Actor, Role
from chalicelib.rooms.queue import Ticket
from chalicelib.rooms.staff import Session
from chalicelib.store import names, records, staff
from chalicelib.visit.errand import Errand, Records

RECORDS = cast(Records, records)  # the module has every function of the protocol; mypy does not see re-exported ones
RETRY_SECONDS = 5
OURS = frozenset({"request", "proof", "second"})
BY_ITSELF = frozenset({"read_messages"})  # what open pages ask again and again without anybody touching them
By = Literal["public", "number", "patient", "staff"]
_request: ContextVar[Request | None] = ContextVar("request", default=None)


def clock() -> datetime:
    """The one place where time comes in."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Asked:
    """One request, as far as it has been understood."""

    request: Request
    path: dict[str, str]
    frame: Frame
    guest: Guest
    name: str = ""  # of the visit in the address
    phone: str = ""  # the browser's own secret; a new one for who has none, and then the answer may bring it
    secret: str = ""  # by which it is known here: that one, its ticket's or its badge
    kept: Kept | None = None  # the patient's ticket of that visit
    sheet: Sheet = field(default_factory=Sheet)
    visit: Ticket | None = None
    session: Session | None = None  # of a member of staff
    proofs: tuple[str, ...] = ()  # one of which a form must bring where the browser does not vouch
    admitted: Errand | None = None  # there once identity and role are known to be right

    @property
    def id(self) -> Ticket:
        assert self.visit is not None, "the route has no {visit}"
        return self.visit

    @property
    def errand(self) -> Errand:
        assert self.admitted is not None
        return self.admitted

    @property
    def given(self) -> dict[str, Any]:
        """The form's values, without what every form of ours carries."""
        return {name: value for name, value in self.sheet.given.items() if name not in OURS}

    @property
    def sends(self) -> bool:
        """Something is to be done, not only looked at."""
        return bool(self.request.method != "GET")

    @property
    def language(self) -> str:
        return self.frame.language

    @property
    def secure(self) -> bool:
        return self.frame.secure


View = Callable[[Asked], Answer]


def polite(
    deed: str,
    *,
    by: By = "public",
    form: Form | Mapping[str, Form] | None = None,
    again: Any = None,
    adds: bool = False,
) -> Callable[[View], "Polite"]:
    """Every route's decorator. `form` may be one for each {step} of the address. `again` is the polite view that shows
    the form, for when what was sent is refused. `adds`: the view itself refuses what is wrong with answers that may be
    empty (`asked.sheet.wrong`), together with what the rooms say about the others."""
    return lambda view: Polite(view, deed, by, form or Form(), again, adds)


class Polite:
    """A view with manners: Chalice calls it with the parts of the path; `view` is the bare view."""

    def __init__(
        self, view: View, deed: str, by: By, form: Form | Mapping[str, Form], again: Any, adds: bool = False
    ) -> None:
        self.view, self.deed, self.by, self.form, self.adds = view, deed, by, form, adds
        self.again: Polite | None = again
        functools.update_wrapper(self, view)

    def __call__(self, **path: str) -> Response:
        request = _request.get()
        assert request is not None, "manners.welcome(app) was not called"
        started = time.perf_counter()
        asked = _asked(request, path)
        try:
            with tracing.deed(self.deed, _visit_named(asked)):
                response = self._answer(asked)
        except Exception as broken:
            response = self._say_no(asked, broken)
        if response.status_code != 200 or self.deed not in BY_ITSELF:  # the API's own log has these
            ms = round(1000 * (time.perf_counter() - started))
            note(logging.INFO, "deed", deed=self.deed, status=response.status_code, ms=ms)
        return response

    def _answer(self, asked: Asked) -> Response:
        actor = self._let_in(asked)
        errand = Errand(
            actor=actor, request=new_secret(), now=asked.frame.now, clinic=CLINIC, records=RECORDS, signer=signing.KMS
        )
        asked.admitted = errand
        form = self._form(asked)
        if asked.sends:
            asked.sheet = _posted(asked, form)
            origin.shown_to_them(asked.request, str(asked.sheet.given.get("proof", "")), asked.proofs)
            asked.admitted = replace(errand, request=_id_of(asked) or errand.request, secret=asked.secret)
        else:
            asked.sheet = _queried(asked, form)
        if not (self.adds and all(form.may_be_empty(one.field) for one in asked.sheet.wrong)):
            Together(asked.sheet.wrong).tell()
        return respond(self.view(asked), asked.frame)

    def _let_in(self, asked: Asked) -> Actor:
        """Whoever may do this. A session or a ticket may be gone when somebody has finished writing: the words stay."""
        ours = not asked.sends or origin.from_our_page(asked.request)
        try:
            if asked.path.get("lang", words.DEFAULT) not in words.LANGUAGES:
                raise NotFound()
            actor = _who(asked, self.by, self.deed)
            permission.may(actor, self.deed)
            permission.qualified(actor, self.deed, words.local(asked.frame.now).date(), CLINIC.rules.policy)
        except Refusal:
            if asked.sends and ours:
                with contextlib.suppress(Refusal):
                    asked.sheet = _posted(asked, self._form(asked))
            raise
        if not ours:
            raise origin.NotFromOurPage
        return actor

    def _form(self, asked: Asked) -> Form:
        if isinstance(self.form, Form):
            return self.form
        if asked.path["step"] not in self.form:
            raise NotFound()
        return self.form[asked.path["step"]]

    def _say_no(self, asked: Asked, broken: Exception) -> Response:
        if isinstance(broken, Refusal):
            try:
                return self._refused(asked, broken)
            except Exception as worse:
                broken = worse
        note_broken(broken, self.deed)
        problem = Refusal("Something went wrong on our side. It is not your fault, and nothing was lost.")
        return _sorry(asked, problem, 500)

    def _refused(self, asked: Asked, refusal: Refusal) -> Response:
        if isinstance(refusal, SignInFirst) and not (asked.sends and self.deed != "sign_out" or asked.frame.machine):
            return _to_sign_in(asked)
        retry = refusal.status in (404, 503)  # the page would not be there either
        if self.again and asked.admitted and not retry and not asked.frame.machine:
            asked.frame = replace(asked.frame, problems=_on_page(refusal, asked))
            try:
                permission.may(asked.errand.actor, self.again.deed)
                page = self.again.view(asked)
            except Refusal:
                page = Raw()  # so much has changed that the page is gone: at least keep what was typed
            if isinstance(page, Page):
                return respond(replace(page, status=refusal.status), asked.frame)
        return _sorry(asked, refusal, refusal.status)


def _asked(request: Request, path: dict[str, str]) -> Asked:
    language = origin.language_of(request)
    frame = Frame(
        language=language,
        base=origin.base_of(request),
        here=origin.here_of(request),
        secure=origin.is_secure(request),
        machine=origin.wants_json(request),
        now=clock(),
    )
    known = guest(request.headers.get("cookie", ""), secure=frame.secure)
    phone = known.phone or new_secret()
    return Asked(request=request, path=path, frame=frame, guest=known, phone=phone, secret=phone)


def _visit_named(asked: Asked) -> str:
    """The visit's name for the trace; whatever else somebody put into the address stays out of it."""
    name = asked.path.get("visit", "")
    try:
        return name if name and names.ticket_of(name) else ""  # the key that opens names is not read for nothing
    except Refusal:
        return ""


def _who(asked: Asked, by: By, deed: str) -> Actor:
    """Whoever is asking. For a patient's page a stranger and a mistyped address look the same: not found."""
    if "visit" in asked.path:
        asked.visit, asked.name = names.ticket_of(asked.path["visit"]), asked.path["visit"]
    if by == "number":
        _carries(asked, asked.guest.number, asked.guest.phone)
        if not asked.guest.number and deed != "prove":  # the first page is shown before the browser has any secret
            asked.proofs = ()
    if by == "patient":
        asked.kept = asked.guest.ticket(asked.name)
        if asked.kept is None:
            raise NotFound()
        asked.secret = asked.kept.secret
        _carries(asked, asked.secret)
        return Actor(role=Role.PATIENT, id=hashed(asked.secret))
    if by == "staff" and asked.guest.staff:
        badge, now = asked.guest.staff, asked.frame.now
        asked.secret = badge
        _carries(asked, badge)
        found = staff.who(id=asked.guest.member, token_hash=hashed(badge), now=now, by_hand=deed not in BY_ITSELF)
        if found:
            member, asked.session = found
            return member.actor
        return ANYBODY
    return ANYBODY


def _carries(asked: Asked, *secrets: str) -> None:
    """Forms of the page carry a proof of the first of these that the browser has, and must bring one of any of them: a
    page may have been shown before it had the first."""
    asked.proofs = tuple(proof(secret) for secret in secrets if secret)
    asked.frame = replace(asked.frame, proof=next(iter(asked.proofs), ""))


def _posted(asked: Asked, form: Form) -> Sheet:
    sheet = form.read(values_of(asked.request.raw_body or b"", asked.request.headers.get("content-type", "")))
    asked.frame = replace(asked.frame, typed=sheet.typed)
    return sheet


def _queried(asked: Asked, form: Form) -> Sheet:
    """Links pick up strangers' parameters on their way through messengers: those are not refused."""
    query = asked.request.query_params
    return form.read({name: query.getlist(name) for name in query} if query else {}, strict=False)


def _id_of(asked: Asked) -> str:
    """The id under which this is done once, however often it is sent: hidden in the form, or a machine's header."""
    sent = asked.sheet.given.get("request") or asked.request.headers.get("idempotency-key", "")
    if sent and not is_request(sent):
        raise Refusal("Please open the page again.", field="request")
    return str(sent)


def _each(refusal: Refusal) -> list[Refusal]:
    return refusal.refusals if isinstance(refusal, SeveralRefusals) else [refusal]


def _problems(refusal: Refusal, language: str) -> tuple[tuple[str, str], ...]:
    return tuple((one.field or "", words.said(one, language)) for one in _each(refusal))


def _on_page(refusal: Refusal, asked: Asked) -> tuple[tuple[str, str], ...]:
    """For a page: only fields that are on it can be linked to, and they are told in its order."""
    order = {name: at for at, name in enumerate(asked.sheet.typed)}
    problems = sorted(_problems(refusal, asked.language), key=lambda problem: order.get(problem[0], -1))
    return tuple((name if name in asked.sheet.typed and name != "request" else "", text) for name, text in problems)


def _sorry(asked: Asked, refusal: Refusal, status: int) -> Response:
    """A page of its own. After a form was sent, it keeps what was typed and offers to send the same request again."""
    frame = replace(asked.frame, problems=_problems(refusal, asked.language))
    if frame.machine:
        errors = [{"field": name, "detail": detail} for name, detail in frame.problems if name]
        detail = words.said(refusal, frame.language)
        response = problem(status, code=refusal.code, detail=detail, errors=errors, frame=frame)
    else:
        typed = {name: texts for name, texts in frame.typed.items() if name != "request" and any(texts)}
        id = asked.errand.request if asked.admitted else new_secret()
        extras = {
            "status": status,
            "typed": typed,
            "written": asked.sheet.written,
            "request": id,
            "posted": asked.sends,
            "code": asked.kept.code if asked.kept else "",
        }
        response = respond(Page(template="sorry.html", extras=extras, status=status), frame)
    if status in (500, 503):
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _to_sign_in(asked: Asked) -> Response:
    frame = asked.frame
    to = f"{frame.url('staff')}?next={quote('/'.join(('', frame.language, frame.here)))}"
    return respond(Raw(status=303, headers={"Location": to}), frame)


def welcome(app: Chalice) -> None:
    """Open the house: text only (SVG too), and manners also where Chalice answers by itself."""
    app.api.binary_types = ["application/x-never"]
    app.register_middleware(functools.partial(_tidy, app), "http")


def _page_above(app: Chalice, request: Request) -> str:
    """For a reload of what only a form is sent to: the nearest address above it that is a page."""
    route = request.path
    while route and "GET" not in app.routes.get(route, {}):
        route = route.rpartition("/")[0]
    for name, value in (request.uri_params or {}).items():
        route = route.replace(f"{{{name}}}", quote(value, safe=""))
    return f"{origin.base_of(request)}{route}"


def _tidy(app: Chalice, request: Request | None, get_response: Callable[[Any], Response]) -> Response:
    """Chalice refuses a method or a format before any view is called; that is said in our way too."""
    token = _request.set(request)
    try:
        response = get_response(request)
    finally:
        _request.reset(token)
    if request is None or "X-Content-Type-Options" in response.headers:
        return response
    if response.status_code == 405 and request.method == "GET" and not origin.wants_json(request):
        above = Raw(status=303, headers={"Location": _page_above(app, request)})
        return respond(above, _asked(request, {}).frame)
    said = {
        405: Refusal("This address cannot be used in that way."),
        415: Refusal("We cannot read what was sent. Please use the form on the page."),
    }.get(
        response.status_code, Refusal("Something went wrong on our side. It is not your fault, and nothing was lost.")
    )
    polite_response = _sorry(_asked(request, dict(request.uri_params or {})), said, response.status_code)
    if "Allow" in response.headers:
        polite_response.headers["Allow"] = response.headers["Allow"]
    return polite_response


def note_broken(broken: Exception, deed: str) -> None:
    """The kind of error and where it was, never its message: that may hold a patient's words."""
    frames = [f for f in traceback.extract_tb(broken.__traceback__) if "chalicelib" in f.filename]
    where = [f"{f.filename.rpartition('chalicelib/')[2]}:{f.lineno}" for f in frames[-3:]]
    note(logging.ERROR, "unexpected", kind=type(broken).__name__, deed=deed, where=where)
