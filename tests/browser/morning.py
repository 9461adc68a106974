"""The morning that is photographed: some wait already, three doctors work, and one patient is followed through."""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.clinic import CLINIC
from chalicelib.outside.signing import KMS
from chalicelib.rooms.arrival import ForWhom, Getting, HowLong
from chalicelib.rooms.consult import SOAP, Outcome
from chalicelib.rooms.permission import Actor, Role
from chalicelib.store import records
from chalicelib.visit import desk, seeing, taking
from chalicelib.visit.errand import Errand
from infra.local.seed import STAFF
from tests.browser import scenes_visit
from tests.browser.live import OPENS
from tests.browser.people import Patient
from tests.browser.stage import Stage

Newcomer = tuple[str, int, int, str, str, str, str, str]
# department, age, minutes they have waited, getting, and in each language their name and what is wrong
EARLIER: tuple[Newcomer, ...] = (
    ("respiratory", 41, 34, "better", "Rosa Diaz", "Dry cough for two weeks", "陈静", "干咳两周了"),
    ("respiratory", 52, 29, "same", "Paul Marsh", "Blocked nose, no smell", "赵磊", "鼻塞，闻不到味道"),
)
WAITING: tuple[Newcomer, ...] = (
    ("children", 4, 13, "same", "Mia Fox", "Ear pain, could not sleep", "王梓萱", "耳朵疼，一夜没睡好"),
    ("respiratory", 46, 11, "worse", "Tom Hill", "High fever since last night, chills", "周志强", "昨晚开始高烧，发冷"),
    ("general", 63, 9, "same", "Ines Roth", "My blood pressure tablets are running out", "李建国", "降压药快吃完了"),
    ("respiratory", 29, 8, "same", "Omar Aziz", "Hay fever, itchy eyes", "杨帆", "花粉过敏，眼睛痒"),
    ("mind", 24, 5, "same", "Lena Berg", "I sleep badly before exams", "徐梦婷", "考试前总是睡不着"),
)
LATER: tuple[Newcomer, ...] = (
    ("respiratory", 57, 0, "better", "Ivan Petrov", "Cough at night, almost gone", "何文博", "夜里咳嗽，快好了"),
    ("respiratory", 33, 0, "same", "Grace Obi", "Fever is back after three days", "马晓燕", "退烧三天后又烧起来"),
)
ON_DUTY = {"ada": ("respiratory",), "bo": ("children", "general"), "chen": ("respiratory",)}


def play(stage: Stage) -> None:
    clock = stage.clinic.clock
    clock.stops(OPENS - timedelta(hours=1))
    for doctor, departments in ON_DUTY.items():
        taking.go_on_duty(_errand(stage, doctor), departments=departments, capacity=4)
    _come(stage, EARLIER, OPENS)
    _ada_is_busy(stage)
    _come(stage, WAITING, OPENS)
    patient = stage.patient()
    _in_danger(stage)
    scenes_visit.arrives(patient, place=3)
    _come(stage, LATER, OPENS)
    clerk = stage.desk()
    clerk.sees_queue()
    clerk.look("desk-queue")
    clerk.adds(clerk.story.guardian)
    clerk.draws_ticket()
    clerk.look("desk-ticket")
    for _ in range(2):
        clock.passes(minutes=1)
        taking.take_next(_errand(stage, "chen"), departments=ON_DUTY["chen"])
    doctor = stage.doctor()
    scenes_visit.is_called(patient, doctor)
    clock.passes(minutes=2)
    scenes_visit.talk(patient, doctor)
    clock.passes(minutes=2)  # who signed in five minutes ago is asked for the second factor again
    scenes_visit.finish(patient, doctor)
    _medicine_comes(stage, patient)


def _ada_is_busy(stage: Stage) -> None:
    """One visit finished, one conversation in which it is her turn."""
    clock, story = stage.clinic.clock, stage.patient().story
    clock.stops(OPENS - timedelta(minutes=25))
    first = taking.take_next(_errand(stage, "ada"), departments=ON_DUTY["ada"])
    assert first is not None
    clock.passes(minutes=6)
    soap = dict(zip(SOAP, story.soap, strict=True))
    rest = Outcome.REST
    said = _errand(stage, "ada")
    seeing.sign(said, id=first, epoch=1, soap=soap, outcome=rest, summary=story.advice, lines=(), confirmed=False)
    second = taking.take_next(_errand(stage, "ada"), departments=ON_DUTY["ada"])
    assert second is not None
    clock.passes(minutes=3)
    seeing.say(_errand(stage, "ada"), id=second, text=story.question, epoch=1)
    clock.passes(minutes=2)
    actor = Actor(role=Role.PATIENT, id=records.visit(second).secret)
    seeing.say(replace(_errand(stage, "ada"), actor=actor), id=second, text=story.answer, epoch=None)


def _medicine_comes(stage: Stage, patient: Patient) -> None:
    clock, pharmacist = stage.clinic.clock, stage.pharmacist()
    clock.passes(minutes=4)
    scenes_visit.reviewed(patient, pharmacist)
    scenes_visit.orders(patient)
    clock.passes(minutes=5)
    pharmacist.goes_to("/pharmacy")  # whoever does nothing for ten minutes is signed out
    clock.passes(minutes=6)
    courier = stage.courier()
    scenes_visit.packed(patient, pharmacist, courier)
    clock.passes(minutes=9)
    scenes_visit.delivered(patient, pharmacist, courier)
    scenes_visit.reads_prescription(patient)


def _in_danger(stage: Stage) -> None:
    somebody = stage.patient()
    somebody.goes_to("/ask/flags")
    somebody.ticks("flags", "chest_pain")
    somebody.presses("Continue")
    somebody.reads("What you told us can be dangerous. Do not wait for a ticket.")
    somebody.look("emergency")


def _errand(stage: Stage, who: str) -> Errand:
    member = next(member for member in STAFF if member.id == who)
    now = stage.clinic.clock()
    request = f"{who}-{now.timestamp():.6f}"
    return Errand(actor=member.actor, request=request, now=now, clinic=CLINIC, records=records, signer=KMS)


def _come(stage: Stage, people: tuple[Newcomer, ...], present: datetime) -> None:
    """Each at their own minute before the present."""
    for department, age, ago, getting, *words in people:
        stage.clinic.clock.stops(present - timedelta(minutes=ago))
        name, why = words[:2] if stage.language == "en" else words[2:]
        child = department == "children"
        desk.add_person(
            _errand(stage, "dee"),
            secret=f"secret of {name}",
            person=f"{age:02x}{department.encode().hex():0<62}",
            for_whom=ForWhom.CHILD if child else ForWhom.ME,
            name=name,
            age=age,
            guardian=name if child else "",
            department=department,
            why=why,
            allergies="",
            follow_up=False,
            how_long=HowLong.DAYS,
            getting=Getting(getting),
            phone="13900000000",
            consented=True,
            language=stage.language,
            flags=("none",),
        )
    stage.clinic.clock.stops(present)
