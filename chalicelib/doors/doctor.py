"""The doctor's door: on duty, the work list, the next patient, the conversation, the note, and the end of a visit."""

from dataclasses import replace
from typing import Any

from chalice import Blueprint

from chalicelib.clinic import CLINIC
from chalicelib.doors import chart, lines, phrases, second, words
from chalicelib.doors.form import FORMS, REQUEST_MAX, Form, key, many, text, whole, yes
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Data, Go, Page
from chalicelib.doors.second import SECOND
from chalicelib.doors.staff import signs
from chalicelib.refusal import Refusal, Together
from chalicelib.rooms import assignment, consult, grounds, prescription
from chalicelib.rooms.consult import MESSAGE_MAX, NOTE_FIELD_MAX, SOAP, SUMMARY_MAX, NoteState, Outcome, last_words
from chalicelib.rooms.prescription import Line
from chalicelib.store import names
from chalicelib.visit import seeing, taking
from chalicelib.visit.seeing import Dossier

door = Blueprint(__name__)

MESSAGE_ID_MAX = 120
LANGUAGE_MAX = 8
OUTCOME_MAX = max(len(outcome) for outcome in Outcome)
DEPARTMENTS = [d.id for d in CLINIC.departments]
REOPEN = "Please open the page again."

NOTICES = Form(yes("nobody"), yes("handed"), yes("leaving"))
DUTY = Form(
    many("departments", DEPARTMENTS, missing="Choose at least one department."),
    whole("capacity", missing="How many conversations at a time?"),
    yes("own_only"),
)
TAKE = Form(many("departments", DEPARTMENTS))
AFTER = Form(key("after", max=MESSAGE_ID_MAX))
BEGAN = (key("base", max=consult.MARK_LETTERS), key("page", max=REQUEST_MAX))
# Conversation and note are one form: whichever button is pressed, nothing typed in the other part is lost.
DESK = (
    whole("epoch", missing=REOPEN),
    text("text", max=MESSAGE_MAX, lines=True),
    key("phrase", max=phrases.LONGEST_KEY),
    key("speaks", max=LANGUAGE_MAX),
    *(text(part, max=NOTE_FIELD_MAX, lines=True) for part in SOAP),
    *BEGAN,
)
VISIT = Form(*DESK)
NOT_HERE = Form(whole("epoch", missing=REOPEN))
HAND_BACK = Form(whole("epoch", missing=REOPEN), text("reason", max=assignment.REASON_MAX))
SIGN = Form(
    whole("epoch", missing=REOPEN),
    whole("heard", missing=REOPEN),  # how much of the conversation the page showed: nobody signs over unread words
    *(text(part, max=NOTE_FIELD_MAX, lines=True) for part in SOAP),
    *BEGAN,
    key("outcome", max=OUTCOME_MAX),
    *lines.line_fields(),
    text("summary", max=SUMMARY_MAX, lines=True),
    key("template", max=phrases.LONGEST_KEY),
    key("speaks", max=LANGUAGE_MAX),
    many("stated", grounds.STATED),
    SECOND,
)
AMEND = Form(*(text(part, max=NOTE_FIELD_MAX, lines=True) for part in SOAP), SECOND)
REVISE = Form(*lines.line_fields(), SECOND)
REVOKE = Form(text("reason", max=prescription.REASON_MAX))


@door.route("/{lang}/doctor")
@polite("see_work", by="staff", form=NOTICES)
def work(asked: Asked) -> Answer:
    """The list: whom I have, who waits, what came back."""
    found = taking.work(asked.errand)
    data = chart.work(found, asked.frame.now, asked.language)
    allowed = asked.errand.actor.departments
    return Page(
        template="doctor_work.html",
        data=data,
        extras={
            **signs(asked.errand.actor),
            "options": [o for o in chart.departments(asked.language) if allowed is None or o[0] in allowed],
            "nobody": asked.given.get("nobody", False),
            "handed": asked.given.get("handed", False),
            "leaving": asked.given.get("leaving", False) and bool(found.visits),
            "duty_minutes": assignment.PRESENCE.seconds // 60,
        },
        values={name: data[name] for name in ("departments", "capacity", "own_only")},
        here="doctor",
    )


@door.route("/{lang}/doctor/duty", methods=["POST"], content_types=FORMS)
@polite("go_on_duty", by="staff", form=DUTY, again=work)
def duty(asked: Asked) -> Answer:
    """On duty, or on duty elsewhere; the choice is remembered for the next time."""
    doctor = taking.go_on_duty(asked.errand, **asked.given)
    data = {"on_duty": doctor.on_duty, "departments": doctor.departments, "own_only": doctor.own_only}
    return Go(to="doctor", data=data)


@door.route("/{lang}/doctor/pause", methods=["POST"], content_types=FORMS)
@polite("pause", by="staff", again=work)
def pause(asked: Asked) -> Answer:
    """No new patients; the conversations in hand go on."""
    doctor = taking.pause(asked.errand)
    return Go(to="doctor", data={"on_duty": doctor.on_duty, "departments": doctor.departments})


@door.route("/{lang}/doctor/next", methods=["POST"], content_types=FORMS)
@polite("take_next", by="staff", form=TAKE, again=work)
def take_next(asked: Asked) -> Answer:
    """The clinic picks; the visit's page says why this patient."""
    taken = taking.take_next(asked.errand, **asked.given)
    if taken is None:
        return Go(to="doctor?nobody=yes", data={"visit": None})
    name = names.name_of(taken)
    return Go(to=f"doctor/visits/{name}", data={"visit": name})


@door.route("/{lang}/doctor/visits/{visit}")
@polite("open_visit", by="staff")
def show(asked: Asked) -> Answer:
    """One visit: who, why, what was said before, the conversation and the note."""
    return _visit_page(asked, seeing.open_visit(asked.errand, id=asked.id))


def _visit_page(asked: Asked, found: Dossier, **more: object) -> Page:
    """The visit as its doctor sees it; what was typed and could not be saved stays readable."""
    actor = asked.errand.actor
    data = chart.dossier(found, actor.id, asked.frame.now, asked.language)
    speaks = found.visit.answers.language
    kept = [one for part in ("text", *SOAP, "summary", "reason") for one in asked.frame.typed.get(part, []) if one]
    kept += lines.as_typed(asked.frame.typed, asked.language)
    return Page(
        template="doctor_visit.html",
        data=data,
        extras={
            **signs(actor),
            "quick": [(p.key, p.label, phrases.said(p, speaks, _facts(asked))) for p in phrases.QUICK],
            "speaks_other": words.CALLED.get(speaks, speaks) if speaks != asked.language else "",
            "kept": kept,
            "soap": SOAP,
            **chart.begun_from(found, asked.frame.typed),
            "ask_second": second.wanted(asked),
            **more,
        },
        values=_own_words(found),
        here=f"doctor/visits/{asked.name}",
    )


@door.route("/{lang}/doctor/visits/{visit}/messages", methods=["POST"], content_types=FORMS)
@polite("say", by="staff", form=VISIT, again=show)
def say(asked: Asked) -> Answer:
    """A message, typed or a quick phrase. A phrase goes out at once while nothing has been typed, else it is added."""
    given = asked.given
    said = given["text"]
    if given["phrase"]:
        phrase = _phrase(asked, phrases.QUICK, given["phrase"], "text")
        if said.strip():
            asked.sheet.typed["text"] = [f"{said.rstrip()}\n{phrase}"]
            return _visit_page(asked, seeing.open_visit(asked.errand, id=asked.id))
        said = phrase
    message = seeing.say(asked.errand, id=asked.id, text=said, epoch=given["epoch"])
    if any(asked.sheet.typed[part] for part in SOAP) and not asked.frame.machine:
        asked.sheet.typed["text"] = []  # it is sent: where the note is refused, only the note is to be done again
        _save_note(asked, "-note")
    return Go(to=f"doctor/visits/{asked.name}#talk", data={"message": chart.message(message)})


@door.route("/{lang}/doctor/visits/{visit}/messages")
@polite("read_messages", by="staff", form=AFTER)
def messages(asked: Asked) -> Answer:
    """What was said since, for the page's script."""
    found = seeing.messages(asked.errand, id=asked.id, after=asked.given["after"])
    return Data(data={"messages": [chart.message(one) for one in found]})


@door.route("/{lang}/doctor/visits/{visit}/note", methods=["POST"], content_types=FORMS)
@polite("save_note", by="staff", form=VISIT, again=show)
def save_note(asked: Asked) -> Answer:
    """The note as typed so far; the page's script sends it by itself. A message that was begun stays on the page."""
    _save_note(asked)
    if asked.given["text"].strip() and not asked.frame.machine:
        return _visit_page(asked, seeing.open_visit(asked.errand, id=asked.id))
    at = asked.frame.now
    data = {"saved_at": at, "clock": words.clock(at), "base": consult.mark(_soap(asked.given))}
    return Go(to=f"doctor/visits/{asked.name}#note", data=data)


def _save_note(asked: Asked, mark: str = "") -> None:
    errand, given = replace(asked.errand, request=asked.errand.request + mark), asked.given
    seeing.save_note(errand, id=asked.id, epoch=given["epoch"], soap=_soap(given), began=_began(given))


def _began(given: dict[str, Any]) -> consult.Began:
    return consult.Began(base=given["base"], page=given["page"])


def _soap(given: dict[str, Any]) -> dict[str, str]:
    return {part: given[part] for part in SOAP}


@door.route("/{lang}/doctor/visits/{visit}/hand-back", methods=["POST"], content_types=FORMS)
@polite("hand_back", by="staff", form=HAND_BACK, again=show)
def hand_back(asked: Asked) -> Answer:
    """The next free doctor gets this patient first, with the reason."""
    visit = seeing.hand_back(asked.errand, id=asked.id, **asked.given)
    return Go(to="doctor?handed=yes", data={"state": visit.state})


@door.route("/{lang}/doctor/visits/{visit}/not-here", methods=["POST"], content_types=FORMS)
@polite("not_here", by="staff", form=NOT_HERE, again=show)
def not_here(asked: Asked) -> Answer:
    """Free for the next one; the visit's page offers the undo."""
    visit = seeing.not_here(asked.errand, id=asked.id, epoch=asked.given["epoch"])
    return Go(to=f"doctor/visits/{asked.name}", data={"state": visit.state})


@door.route("/{lang}/doctor/visits/{visit}/call-again", methods=["POST"], content_types=FORMS)
@polite("call_again", by="staff", again=show)
def call_again(asked: Asked) -> Answer:
    """The undo: the patient is there after all."""
    visit = seeing.call_again(asked.errand, id=asked.id)
    return Go(to=f"doctor/visits/{asked.name}", data={"state": visit.state})


@door.route("/{lang}/doctor/visits/{visit}/finish")
@polite("open_visit", by="staff")
def finish(asked: Asked) -> Answer:
    """Note, outcome, summary and prescription on one page, signed together."""
    found = seeing.open_visit(asked.errand, id=asked.id)
    data = chart.dossier(found, asked.errand.actor.id, asked.frame.now, asked.language)
    if not data["mine"]:
        return _visit_page(asked, found)
    speaks = found.visit.answers.language
    return Page(
        template="doctor_finish.html",
        data=data,
        extras={
            **signs(asked.errand.actor),
            **_medicine_tools(asked, found),
            "news": [chart.message(one) for one in last_words(found.messages)],
            "ask_second": second.wanted(asked),
            "speaks_other": words.CALLED.get(speaks, speaks) if speaks != asked.language else "",
            "templates": [
                (p.key, p.label, phrases.said(p, speaks, _facts(asked)), p.outcome) for p in phrases.SUMMARIES
            ],
            "soap": SOAP,
            **chart.begun_from(found, asked.frame.typed),
        },
        values=_own_words(found),
        here=f"doctor/visits/{asked.name}/finish",
    )


def _own_words(found: Dossier) -> dict[str, str]:
    """What this doctor has written so far. The words of the doctor before stand beside, under that doctor's name."""
    note = found.note
    return {part: getattr(note, part) for part in SOAP} if note and note.state is not NoteState.SET_ASIDE else {}


def _medicine_tools(asked: Asked, found: Dossier) -> dict[str, object]:
    """The formulary, and the warnings about what has been chosen so far."""
    allergies = found.visit.answers.allergies
    chosen = lines.typed_lines(asked.frame.typed)
    return {
        "formulary": lines.formulary(asked.language),
        "numbers": lines.NUMBERS,
        "warnings": lines.warnings_for(chosen, allergies, asked.language),
        "seen": lines.named(chosen, allergies),
    }


@door.route("/{lang}/doctor/visits/{visit}/finish", methods=["POST"], content_types=FORMS)
@polite("sign", by="staff", form=SIGN, again=finish, adds=True)
def sign(asked: Asked) -> Answer:
    """Signed and finished, once; a summary template only fills in the summary. All that is wrong is told at once."""
    given, together = asked.given, Together(asked.sheet.wrong)
    if given["template"]:
        return _with_template(asked)
    chosen, numbers = lines.lines_of(given)
    said = {
        "epoch": given["epoch"],
        "soap": _soap(given),
        "outcome": Outcome(given["outcome"]) if given["outcome"] in set(Outcome) else None,
        "summary": given["summary"],
        "lines": chosen,
        "confirmed": _confirmed(asked, chosen),
        "heard": given["heard"],
        "stated": given["stated"],
        "began": _began(given),
    }
    with together:
        second.show_again(asked, "sign")
    with together, lines.on_the_form(numbers):
        if together.found:
            seeing.look_over(asked.errand, id=asked.id, **said)
        else:
            visit = seeing.sign(asked.errand, id=asked.id, **said)
    together.tell()
    return Go(to=f"doctor/visits/{asked.name}", data={"state": visit.state, "outcome": visit.outcome})


def _confirmed(asked: Asked, chosen: tuple[Line, ...]) -> bool:
    """Whether the box was ticked for exactly the warnings there are; the visit is only read if it was ticked."""
    if not asked.given["confirmed"]:
        return False
    visit = seeing.open_visit(asked.errand, id=asked.id).visit
    return bool(lines.named(chosen, visit.answers.allergies) == asked.given["confirmed"])


def _with_template(asked: Asked) -> Answer:
    """The page again with the template added to the summary, for browsers without scripts."""
    template = _phrase(asked, phrases.SUMMARIES, asked.given["template"], "summary")
    typed = asked.sheet.typed
    typed["summary"] = ["\n".join([*filter(None, typed["summary"]), template])]
    found = phrases.find(phrases.SUMMARIES, asked.given["template"])
    if found and found.outcome and not any(typed["outcome"]):
        typed["outcome"] = [found.outcome.value]
    page: Answer = finish.view(asked)
    return page


def _phrase(asked: Asked, known: tuple[phrases.Phrase, ...], key: str, field: str) -> str:
    """What the tapped phrase says, in the language the page says the patient speaks."""
    found, speaks = phrases.find(known, key), asked.given["speaks"]
    if found is None or speaks not in words.LANGUAGES:
        raise Refusal("Choose from the list.", field=field)
    return phrases.said(found, speaks, _facts(asked))


def _facts(asked: Asked) -> dict[str, str]:
    return {"doctor": asked.errand.actor.name, "number": CLINIC.emergency_number}


@door.route("/{lang}/doctor/visits/{visit}/amend", methods=["POST"], content_types=FORMS)
@polite("amend", by="staff", form=AMEND, again=show)
def amend(asked: Asked) -> Answer:
    """A signed correction beside the signed note."""
    second.show_again(asked, "amend")
    note = seeing.amend(asked.errand, id=asked.id, soap=_soap(asked.given))
    return Go(to=f"doctor/visits/{asked.name}#note", data={"note": chart.note(note)})


@door.route("/{lang}/doctor/visits/{visit}/revise")
@polite("open_visit", by="staff")
def revise_page(asked: Asked) -> Answer:
    """The returned prescription with the pharmacist's reason, to be written anew."""
    found = seeing.open_visit(asked.errand, id=asked.id)
    before = found.prescription
    me = asked.errand.actor.id
    if before is None or before.doctor != me or before.state is not prescription.State.RETURNED:
        return _visit_page(asked, found)
    tools = _medicine_tools(asked, found)
    if not asked.frame.typed:
        tools["warnings"] = lines.warnings_for(before.lines, found.visit.answers.allergies, asked.language)
        tools["seen"] = lines.named(before.lines, found.visit.answers.allergies)
    return Page(
        template="doctor_revise.html",
        data=chart.dossier(found, me, asked.frame.now, asked.language),
        extras={**signs(asked.errand.actor), **tools, "ask_second": second.wanted(asked)},
        values=lines.values_of(before.lines),
        here=f"doctor/visits/{asked.name}/revise",
    )


@door.route("/{lang}/doctor/visits/{visit}/revise", methods=["POST"], content_types=FORMS)
@polite("revise", by="staff", form=REVISE, again=revise_page)
def revise(asked: Asked) -> Answer:
    """The next number of the prescription goes back to the pharmacist."""
    second.show_again(asked, "revise")
    chosen, numbers = lines.lines_of(asked.given)
    with lines.on_the_form(numbers):
        found = seeing.revise(asked.errand, id=asked.id, lines=chosen, confirmed=_confirmed(asked, chosen))
    return Go(to=f"doctor/visits/{asked.name}", data={"number": found.number, "state": found.state})


@door.route("/{lang}/doctor/visits/{visit}/revoke", methods=["POST"], content_types=FORMS)
@polite("revoke", by="staff", form=REVOKE, again=show)
def revoke(asked: Asked) -> Answer:
    """The doctor takes the prescription back before anything was given out."""
    found = seeing.revoke(asked.errand, id=asked.id, reason=asked.given["reason"])
    return Go(to=f"doctor/visits/{asked.name}", data={"state": found.state})
