"""Rules: what this clinic is and what it permits, as values. `kit` makes one `Clinic` of what the hospital said."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time

from chalicelib.rooms.packs import Regulator, Rules

DAYS_MAX = 30  # for which a browser may be known by a proven number

# Years that records are kept at least, from the 2022 Chinese rules for internet hospitals. A kit may ask for more.
CLINICAL_YEARS, PROCESS_YEARS = 15, 3
TICKET_DAYS_MAX = 90  # after its end a visit opens by its ticket alone; a kit may say fewer

AGE_MAX = 120
INFANT_AGE = 1  # under one year: seen as urgent, unless the kit says more

Words = Mapping[str, str]  # language code -> text


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A queue of its own, with its opening hours in the clinic's local time. Equal hours mean always open.

    Whom it is for (`ages`), who is seen as urgent by age alone, and how many may wait before others are asked to come
    back later (0: no limit; urgent people are always let in).
    """

    id: str
    letter: str
    name: Words
    about: Words
    opens: time
    closes: time
    ages: tuple[int, int] = (0, AGE_MAX)  # completed years, both included
    urgent_under: int = INFANT_AGE
    urgent_from: int | None = None
    waiting_max: int = 0
    fee: Words | None = None  # what patients pay here, where it is not what they pay elsewhere in the clinic

    def is_urgent_at(self, age: int) -> bool:
        """Whether somebody of this age goes first here, whatever they have."""
        return age < self.urgent_under or (self.urgent_from is not None and age >= self.urgent_from)

    def is_open(self, local: datetime) -> bool:
        """Whether the department is open at `local`, a time on the clinic's own clock."""
        now = local.time()
        if self.opens == self.closes:
            return True
        if self.opens < self.closes:
            return self.opens <= now < self.closes
        return now >= self.opens or now < self.closes  # over midnight


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    """One line of the clinic's formulary.

    `ingredients` are lower-case words compared with what the patient is allergic to; `interacts` holds ids of
    medicines it must not be given with. A pair that is not listed is *not known*, never *safe*.
    """

    id: str
    name: Words
    strength: str
    form: Words
    ingredients: tuple[str, ...]
    interacts: tuple[str, ...]
    doses: tuple[str, ...]
    days_max: int
    per_day_max: int
    schedule: str  # in the words of packs: whether it may be prescribed online at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """Text messages: who sends them, the country of numbers typed without one, and the desk's own number.

    A patient's number of another country than these gets no text: strangers must not make the clinic pay for them.
    """

    provider: str = "none"
    country: str = ""
    desk: str = ""
    others: tuple[str, ...] = ()
    per_day: int = 1000  # texts to all waiting patients in a day: what a bad day may cost

    @property
    def countries(self) -> tuple[str, ...]:
        """The beginnings of the numbers that may be sent a text."""
        return (self.country, *self.others)

    @property
    def on(self) -> bool:
        return self.provider != "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedFlag:
    """A danger sign of the hospital's own, asked with those everybody is asked."""

    id: str
    text: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """People who work here: after how many minutes without a tap they are signed out, and for how many minutes after
    the second factor was shown they may sign."""

    idle_minutes: int = 15
    proof_minutes: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Codes by text, with which a patient proves a phone number: how many are sent, and how long a browser is known."""

    on: bool = False
    per_phone: int = 5  # codes to one number in a day
    per_address: int = 30  # codes asked for from one network address in an hour; many phones may share one
    per_clinic: int = 1000  # codes of the whole clinic in a day: what a bad day may cost
    idle_hours: int = 12  # a browser that was away for longer proves the number again
    days: int = 7  # and after so many days in any case


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many years records are kept: the clinical ones, and the conversation. See `retention`. And for how many days
    after its end a visit opens by its ticket alone: see `pocket`."""

    clinical_years: int = CLINICAL_YEARS
    process_years: int = PROCESS_YEARS
    ticket_days: int = TICKET_DAYS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """Everything a hospital decided about its clinic."""

    name: Words
    languages: tuple[str, ...]
    timezone: str
    emergency_number: str
    phone: str
    brand: str
    departments: tuple[Department, ...]
    formulary: tuple[Medicine, ...]
    policy: str  # name and version of the rules in force, stored with every deed
    rules: Rules
    consent_version: str
    fee: Words  # what patients pay for a visit, as they read it before they join (R21); nothing is paid unsaid
    guardian_age: int
    lanes: int
    lanes_open: int = 0  # people join only the first so many; 0: all. The rest are emptied, before `lanes` is lowered
    prefer_minutes: int = 60  # so long people may wait for the doctor they had, before it is the first free one
    sms: Sms = Sms()
    staff: Staff = Staff()
    keep: Keep = Keep()
    regulator: Regulator = Regulator()
    logo: bool = False  # the hospital's own picture stands in pages/files
    red_flags: tuple[RedFlag, ...] = ()
    texts: Mapping[str, Words] = field(default_factory=dict)  # language -> our text -> the hospital's own

    codes: Codes = Codes()

    @property
    def own_flags(self) -> tuple[str, ...]:
        return tuple(flag.id for flag in self.red_flags)

    @property
    def proves_phones(self) -> bool:
        """Whether a patient can prove a phone number here. If not, a person is known by their phone's secret only."""
        return self.codes.on and self.sms.on

    def department(self, id: str) -> Department | None:
        return next((d for d in self.departments if d.id == id), None)

    def fee_in(self, department: str) -> Words:
        """What patients of this department pay for a visit."""
        found = self.department(department)
        return found.fee if found and found.fee else self.fee

    def lane_for(self, person: str) -> int:
        """The number of the lane that somebody joins: always the same one while as many are open. `person` is hex."""
        return int(person[:8], 16) % (self.lanes_open or self.lanes)

    def lanes_of(self, departments: Iterable[str]) -> list[tuple[str, int]]:
        """All lanes of these departments."""
        return [(department, number) for department in departments for number in range(self.lanes)]

    def medicine(self, id: str) -> Medicine | None:
        return next((m for m in self.formulary if m.id == id), None)
