"""The crowd: patients come, wait, leave or are seen; doctors come on duty, take, talk, sign and go."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from math import log
from typing import Any

from bench.surge import pace, replays
from bench.surge.clinic import TICK_SECONDS, Minute, World
from bench.surge.people import SOAP, SUMMARY, Doctor, Patient, answered, filled_in, hashed, somebody
from bench.surge.pharmacy import PLAYED_ONE_IN, STAFF, send
from bench.surge.phones import Phones, Polls
from bench.surge.replays import at
from chalicelib.refusal import Busy, Refusal
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.permission import Actor
from chalicelib.rooms.prescription import Line
from chalicelib.rooms.queue import Ticket
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, staffing, taking
from chalicelib.visit.arriving import Place
from chalicelib.visit.errand import Errand

SPOKEN = 2  # messages that are really said in a consult; each stands for several
LISTEN_SECONDS = 240  # one real look for new messages stands for all of so long
IDLE_SECONDS = 600  # the same for a doctor's empty work list
MEDICINE = Line(medicine="paracetamol-500", dose="500 mg", per_day=3, days=3)


class Crowd:
    """Everybody. `doubled` counts patients given to a second doctor while the first has them; it must stay 0."""

    def __init__(self, world: World) -> None:
        self.world, self.luck, self.replay = world, world.luck, world.replay
        self.doctors: list[Doctor] = []
        self.idle: dict[str, list[Doctor]] = {d.id: [] for d in world.clinic.departments}
        self.by_id: dict[Ticket, Patient] = {}
        self.with_doctor: dict[Ticket, Doctor] = {}
        self.doubled = self.taken_away = 0
        self.end = self.replay.hours * 3600
        self.phones = Phones(world, self._sees)
        self.polls: list[Polls] = []  # of each minute

    def open_up(self) -> None:
        """The first doctors are at work before the first patients come, and the staff have their sessions."""
        with self.world.table.charged("nobody", 0, http=False):
            for actor in STAFF:
                self._enrol(actor)
            self._duty()
        self.world.later(0, self._tick)
        for department in self.replay.shares:
            self._next_arrival(department)

    def _enrol(self, actor: Actor) -> None:
        licence = {"title": "Physician", "licence": "L", "licence_until": date.max} if actor.role == "doctor" else {}
        staffing.add_member(self.world.errand(), id=actor.id, name=actor.name, role=actor.role, **licence)

    def over(self) -> bool:
        """Nobody comes any more, and everybody who came was seen or left."""
        return self.world.now > self.end and all(p.over is not None for p in self.world.patients)

    # ---- once a minute

    def _tick(self) -> None:
        world, scale = self.world, self.world.scale
        self._duty()
        world.sweep()
        idle = {department: len(doctors) for department, doctors in self.idle.items()}
        polls, waiting = self.phones.minute(idle, self.with_doctor)
        self.polls.append(polls)
        on_duty = sum(d.on_duty for d in self.doctors)
        world.minutes.append(Minute(world.now, waiting * scale, on_duty * scale, len(self.with_doctor) * scale))
        self.world.later(TICK_SECONDS, self._tick)

    def _duty(self) -> None:
        wanted = at(self.replay.doctors, self.world.now / 3600) / self.world.scale
        for department, share in self.replay.shares.items():
            there = [d for d in self.doctors if d.department == department and not d.leaving]
            target = max(1, round(wanted * share))
            for _ in range(target - len(there)):
                self._comes(department)
            for doctor in sorted(there, key=lambda d: d.patient is not None)[: max(0, len(there) - target)]:
                doctor.leaving = True
                if doctor in self.idle[department]:
                    self.idle[department].remove(doctor)
                    self.world.until_done(partial(self._goes, doctor))

    def _comes(self, department: str) -> None:
        doctor = Doctor(name=f"doctor{len(self.doctors)}", department=department)
        self.doctors.append(doctor)
        with self.world.table.charged("nobody", 0, http=False):
            self._enrol(doctor.actor)
        self.world.until_done(partial(self._on_duty, doctor))

    def _on_duty(self, doctor: Doctor) -> None:
        typed = {"departments": (doctor.department,), "capacity": 1}
        times = 0 if self.world.now == 0 else 1  # who is there from the start costs this day nothing
        self.world.deed(
            "go_on_duty",
            taking.go_on_duty,
            doctor.actor,
            request=f"on {doctor.name} {doctor.taps}",
            times=times,
            **typed,
        )
        doctor.on_duty = True
        self._ready(doctor, self.luck.uniform(0, 2 * replays.TAP_SECONDS))

    def _goes(self, doctor: Doctor) -> None:
        self.world.deed("pause", taking.pause, doctor.actor, request=f"off {doctor.name}")
        doctor.on_duty = False

    # ---- patients

    def _next_arrival(self, department: str) -> None:
        """The next patient of a department: a Poisson stream that follows the curve (thinning)."""
        share = self.replay.shares[department] / self.world.scale / 3600
        most = max(v for _, v in self.replay.joins) * share
        now = self.world.now
        while now < self.end:
            now += self.luck.expovariate(most)
            if self.luck.random() * most < at(self.replay.joins, now / 3600) * share:
                break
        if now < self.end:
            self.world.later(now - self.world.now, lambda: self._arrives(department))

    def _arrives(self, department: str) -> None:
        self._next_arrival(department)
        patient = somebody(self.luck, len(self.world.patients), department)
        self.world.patients.append(patient)
        if patient.number % PLAYED_ONE_IN == 0:
            with contextlib.suppress(Busy):
                self._answers(patient)
        self.world.later(replays.ASKING_SECONDS, lambda: self.world.until_done(partial(self._joins, patient)))

    def _answers(self, patient: Patient) -> None:
        """The pages before the ticket, each kept as it is answered."""
        world, holder = self.world, patient.holder
        world.deed("home", arriving.waits, times=PLAYED_ONE_IN * self.replay.home_views)
        world.deed("ask", arriving.begin, times=PLAYED_ONE_IN, holder=holder, language="en", flags=("none",))
        for step, typed in answered(patient):
            world.deed("see_question", arriving.draft, times=PLAYED_ONE_IN, holder=holder)
            world.deed("ask", arriving.answer, times=PLAYED_ONE_IN, holder=holder, step=step, **typed)
        world.deed("see_question", arriving.draft, times=PLAYED_ONE_IN, holder=holder)

    def _joins(self, patient: Patient) -> None:
        world = self.world
        patient.tried = world.now if patient.tried is None else patient.tried
        if patient.patience is not None and world.now - patient.tried > patient.patience:
            patient.left, patient.over = True, world.now  # gave up without ever getting a ticket
            return
        request = filled_in(patient, world.clinic, world.clock)
        typed = {"secret": patient.actor.id, "person": hashed(patient.name), "consented": True}
        patient.visit = world.deed("join", partial(arriving.join, request=request), request=patient.name, **typed)
        patient.joined, patient.page = world.now, patient.visit
        self.by_id[patient.visit.id] = patient
        self._sees(patient)
        if patient.patience is not None:
            left = max(1.0, patient.patience - (world.now - patient.tried))
            world.later(left, lambda: world.until_done(partial(self._leaves, patient)))
        if patient.steps_back:
            pause = self.luck.uniform(60, 600)
            world.later(pause, lambda: world.until_done(partial(self._steps_back, patient)))

    def _sees(self, patient: Patient) -> None:
        """The patient's own page. It also rescues: whom a doctor's call did not reach is at the front again."""

        def page(errand: Errand, id: Ticket) -> Place:
            place = arriving.see_ticket(errand, id=id)
            seeing.open_visit(errand, id=id)
            return place

        with contextlib.suppress(Busy):
            patient.page = self.world.deed("see_visit", page, patient.actor, id=patient.id).line.visit

    def _leaves(self, patient: Patient) -> None:
        if not patient.waiting:
            return
        with self._too_late("leave"):
            self.world.deed("leave", arriving.leave, patient.actor, request=f"leave {patient.name}", id=patient.id)
            patient.left, patient.over = True, self.world.now

    def _steps_back(self, patient: Patient) -> None:
        if not patient.waiting:
            return
        with self._too_late("need_more_time"):
            request = f"back {patient.name}"
            back = arriving.need_more_time
            place = self.world.deed("need_more_time", back, patient.actor, request=request, id=patient.id)
            patient.stepped_back, patient.page = True, place.line.visit

    @contextlib.contextmanager
    def _too_late(self, deed: str) -> Iterator[None]:
        """Whoever is refused because something else happened first lets it be. Busy is not that."""
        try:
            yield
        except Busy:
            raise
        except Refusal:
            self.world.refused[deed] += 1

    # ---- doctors

    def _ready(self, doctor: Doctor, seconds: float) -> None:
        doctor.taps += 1
        self.world.later(seconds, lambda: self.world.until_done(partial(self._takes, doctor)))

    def _takes(self, doctor: Doctor) -> None:
        if doctor.leaving:
            self._goes(doctor)
            return
        self._work(doctor, 1)
        request = f"take {doctor.name} {doctor.taps}"
        with self._too_late("take_next"):
            id = self.world.deed(
                "take_next", taking.take_next, doctor.actor, request=request, departments=(doctor.department,)
            )
            if id is None:
                self._rests(doctor)
            else:
                self._has(doctor, self.by_id[id])
            return
        self._on_duty(doctor)  # silent for too long, the sweep thought

    def _work(self, doctor: Doctor, times: float) -> None:
        """The work list, opened `times` times; opening it is a sign of life."""
        self.world.deed("work", taking.seen, doctor.actor, http=False)
        if self.luck.random() < 1 / PLAYED_ONE_IN:
            over = IDLE_SECONDS / 2  # others open theirs meanwhile
            self.world.deed("work", taking.work, doctor.actor, times=times * PLAYED_ONE_IN, over=over)

    def _rests(self, doctor: Doctor) -> None:
        self.idle[doctor.department].append(doctor)
        taps = doctor.taps

        def looks() -> None:
            if doctor.taps == taps and doctor.on_duty:
                with contextlib.suppress(Busy):
                    self._work(doctor, IDLE_SECONDS / replays.IDLE_LOOK_SECONDS)
                self.world.later(IDLE_SECONDS, looks)

        self.world.later(IDLE_SECONDS, looks)
        self._watches(doctor)

    def _watches(self, doctor: Doctor) -> None:
        """The list of a doctor without patients asks the board, and tells of who came by the chance in work.js."""
        taps = doctor.taps

        def looks() -> None:
            if doctor.taps != taps or not doctor.on_duty:
                return
            if pace.told(self.luck.random(), self.phones.board(doctor.department)):
                self.idle[doctor.department].remove(doctor)
                self._ready(doctor, self.luck.uniform(1, 2 * replays.TAP_SECONDS))
            else:
                self._watches(doctor)

        self.world.later(pace.spread(pace.WORK_SECONDS, self.luck), looks)

    def _has(self, doctor: Doctor, patient: Patient) -> None:
        """A consult begins: everything that will happen in it is put on the agenda."""
        assert patient.id is not None
        world = self.world
        if (other := self.with_doctor.get(patient.id)) is not None:
            with world.table.charged("nobody", 0, http=False):
                self.doubled += patient.id in records.doctor(other.name).visits
        self.with_doctor[patient.id], doctor.patient = doctor, patient
        patient.called = world.now if patient.called is None else patient.called
        patient.calls += 1
        self._sees(patient)
        with contextlib.suppress(Busy):  # they see it a moment later
            self._step(doctor, "open_visit", seeing.open_visit)
        if patient.no_show and patient.calls == 1:
            wait = replays.NO_SHOW_SECONDS
            self._at(doctor, patient, wait, self._hands_back)
            return
        seconds = min(3600.0, self.luck.lognormvariate(log(replays.CONSULT_MEDIAN_SECONDS), replays.CONSULT_SIGMA))
        for n in range(SPOKEN):
            self._at(doctor, patient, seconds * (n + 0.5) / (SPOKEN + 1), partial(self._says, n=n))
        pages = pace.conversation(seconds, replays.MESSAGES, self.luck)
        for start in range(0, int(seconds), LISTEN_SECONDS):
            end = min(start + LISTEN_SECONDS, seconds)
            doctors, patients = ([look for look in page if start <= look.at < end] for page in pages)
            listen = partial(self._listen, seconds=end - start, doctors=len(doctors), patients=patients)
            self._at(doctor, patient, end, listen)
        self._at(doctor, patient, seconds * 0.9, self._writes)
        self._at(doctor, patient, seconds, self._signs)

    def _at(self, doctor: Doctor, patient: Patient, seconds: float, act: Callable[..., None]) -> None:
        calls = patient.calls
        self.world.later(seconds, lambda: self._in_turn(doctor, patient, calls, act))

    def _in_turn(self, doctor: Doctor, patient: Patient, calls: int, act: Callable[..., None]) -> None:
        """Done if this doctor still has this patient; a doctor who is told that it is not so any more goes on."""
        assert patient.id is not None
        id = patient.id

        def do() -> None:
            if doctor.patient is not patient:
                return
            if patient.calls != calls and self.with_doctor.get(id) is doctor:
                return  # given back, and here again: this was meant for the time before
            try:
                act(doctor, patient)  # refused, if another doctor has had them since
            except Busy:
                raise
            except Refusal:
                self.taken_away += 1
                self._free(doctor, patient)

        self.world.until_done(do)

    def _step(self, doctor: Doctor, name: str, do: Callable[..., Any], **typed: Any) -> Any:
        patient = doctor.patient
        assert patient is not None
        return self.world.deed(name, do, doctor.actor, id=patient.id, **typed)

    def _free(self, doctor: Doctor, patient: Patient) -> None:
        assert patient.id is not None
        if self.with_doctor.get(patient.id) is doctor:
            del self.with_doctor[patient.id]
        doctor.patient = None
        self._ready(doctor, self.luck.uniform(0, 2 * replays.TAP_SECONDS))

    def _hands_back(self, doctor: Doctor, patient: Patient) -> None:
        request, epoch = f"hand back {patient.name} {patient.calls}", patient.calls
        self._step(doctor, "hand_back", seeing.hand_back, request=request, epoch=epoch, reason="Did not answer.")
        self._free(doctor, patient)
        self._sees(patient)

    def _says(self, doctor: Doctor, patient: Patient, n: int) -> None:
        mine = n % 2 == 0
        who, epoch = (doctor.actor, patient.calls) if mine else (patient.actor, None)
        request, text = (
            f"say {patient.name} {patient.calls} {n}",
            "Since when have you had the fever, and how high is it?",
        )
        times = replays.MESSAGES / SPOKEN
        typed = {"id": patient.id, "text": text, "epoch": epoch}
        self.world.deed("say", seeing.say, who, request=request, times=times, **typed)

    def _listen(
        self, doctor: Doctor, patient: Patient, seconds: float, doctors: int, patients: list[pace.Look]
    ) -> None:
        """Both pages ask for new messages so often; the patient's now and then also how the visit stands."""
        world, newest = self.world, f"{SPOKEN:05d}"
        # The one that renews the lease: told to come back, the page looks again a little later.
        self._step(doctor, "doctor_listens", seeing.messages, after=newest)
        with contextlib.suppress(Busy):  # the next look comes by itself
            times = max(0, doctors - 1)
            self._step(doctor, "doctor_listens", seeing.messages, times=times, over=seconds, after=newest)
            over: dict[str, float] = {"times": len(patients), "over": seconds}
            world.deed("patient_listens", seeing.messages, patient.actor, id=patient.id, after=newest, **over)
            over = {"times": sum(look.state for look in patients), "over": seconds, "http": False}
            world.deed("patient_listens", arriving.see_ticket, patient.actor, id=patient.id, **over)

    def _writes(self, doctor: Doctor, patient: Patient) -> None:
        typed = {
            "epoch": patient.calls,
            "soap": SOAP,
            "times": replays.NOTE_SAVES,
            "request": f"note {patient.name} {patient.calls}",
        }
        self._step(doctor, "save_note", seeing.save_note, **typed)

    def _signs(self, doctor: Doctor, patient: Patient) -> None:
        medicine = patient.medicine
        self._step(
            doctor,
            "sign",
            seeing.sign,
            request=f"sign {patient.name} {patient.calls}",
            epoch=patient.calls,
            soap=SOAP,
            outcome=Outcome.PRESCRIPTION if medicine else Outcome.REST,
            summary=SUMMARY,
            lines=(MEDICINE,) if medicine else (),
            stated=("spoke",),
            confirmed=False,
        )
        patient.over = self.world.now
        with contextlib.suppress(Busy):
            self._step(doctor, "open_visit", seeing.open_visit)
        self._free(doctor, patient)
        self._sees(patient)
        if medicine and patient.number % PLAYED_ONE_IN == 0:
            self.world.later(180, lambda: send(self.world, patient))
