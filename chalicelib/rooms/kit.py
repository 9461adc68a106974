"""Kit: what a hospital said in its clinic.toml, read into one `Clinic` and checked. Nothing unusable comes out."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from chalicelib.rooms import packs
from chalicelib.rooms.rules import (
    AGE_MAX,
    CLINICAL_YEARS,
    DAYS_MAX,
    INFANT_AGE,
    PROCESS_YEARS,
    TICKET_DAYS_MAX,
    Clinic,
    Codes,
    Department,
    Keep,
    Medicine,
    RedFlag,
    Sms,
    Staff,
    Words,
)

DEPARTMENTS_MAX = 20
ROWS_AT_ONCE = 95  # of the 100 in a transaction, for the lanes and roster lines of a doctor who goes on duty everywhere
# or is let go: desk, member, administrators, audit line and its chain come with them
MEDICINES_IN_FORMULARY_MAX = 500
PREFER_LEAST, PREFER_MOST = 5, 240  # minutes
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # I and O are left out: they look like digits on a printed ticket

IDLE_MINUTES_MAX = 60  # HIPAA 164.312(a)(2)(iii) asks for an automatic log-off; this floor a clinic can only tighten
PROOF_MINUTES_MAX = 5
# The most a kit may say about codes by text; what it leaves out is the default of `Codes`.
PER_PHONE_MAX, PER_ADDRESS_MAX, PER_CLINIC_MAX = 10, 200, 100_000
IDLE_HOURS_MAX = 24
COUNTRIES_MAX = 20
PER_DAY_MAX = 100_000  # texts to who waits

YEARS_MAX = 100  # of keeping records
TICKET_DAYS_LEAST = 7  # a parcel is on its way, and a complaint is thought of

PROVIDERS = ("none", "sns", "local")  # of texts; "local" is the double that `make run` and tests put there

FEE_MAX = 60  # characters: it stands beside the doctor, and is kept with every visit
RED_FLAGS_OWN_MAX = 6  # the hospital's own danger signs; a longer list is not read


class BadKit(ValueError):
    """The hospital's kit has a value we cannot use. The message names it."""


def clinic(kit: Mapping[str, Any]) -> Clinic:
    """Build from a parsed clinic.toml or its compiled JSON. Raises BadKit naming the wrong value."""
    try:
        obeyed = packs.rules(str(kit.get("policy", packs.DEFAULT)), kit.get("rules"))
        made = Clinic(
            name=dict(kit["name"]),
            languages=tuple(kit["languages"]),
            timezone=str(kit["timezone"]),
            emergency_number=str(kit["emergency_number"]),
            phone=str(kit["phone"]),
            brand=str(kit["brand"]),
            departments=tuple(_department(d) for d in kit["departments"]),
            formulary=tuple(_medicine(m) for m in kit["formulary"]),
            policy=obeyed.policy.version,
            rules=obeyed,
            consent_version=str(kit["consent_version"]),
            fee=dict(kit["fee"]),
            guardian_age=int(kit["guardian_age"]),
            lanes=int(kit.get("lanes", 1)),
            lanes_open=int(kit.get("lanes_open", 0)),
            prefer_minutes=int(kit.get("prefer_minutes", 60)),
            sms=_sms(kit.get("sms", {})),
            codes=Codes(**kit.get("codes", {})),
            logo=bool(kit.get("logo", False)),
            red_flags=tuple(RedFlag(id=str(f["id"]), text=dict(f["text"])) for f in kit.get("red_flags", ())),
            texts={language: dict(own) for language, own in kit.get("texts", {}).items()},
            staff=Staff(**{name: int(value) for name, value in kit.get("staff", {}).items()}),
            keep=Keep(**{name: int(value) for name, value in kit.get("keep", {}).items()}),
            regulator=packs.Regulator.of(kit.get("regulator", {})),
        )
    except KeyError as missing:
        raise BadKit(f"{missing.args[0]} is missing") from missing
    except packs.BadRules as loose:
        raise BadKit(str(loose)) from loose
    except TypeError as unknown:
        raise BadKit(str(unknown)) from unknown
    _check(made)
    return made


def _sms(kit: Mapping[str, Any]) -> Sms:
    said: dict[str, Any] = {name: str(value) for name, value in kit.items() if name not in ("others", "per_day")}
    if "per_day" in kit:
        said["per_day"] = kit["per_day"]
    return Sms(**said, others=tuple(str(country) for country in kit.get("others", ())))


def _department(kit: Mapping[str, Any]) -> Department:
    ages, urgent = kit.get("ages", {}), kit.get("urgent", {})
    return Department(
        id=str(kit["id"]),
        letter=str(kit["letter"]),
        name=dict(kit["name"]),
        about=dict(kit["about"]),
        opens=time.fromisoformat(kit["opens"]),
        closes=time.fromisoformat(kit["closes"]),
        ages=(int(ages.get("from", 0)), int(ages.get("to", AGE_MAX))),
        urgent_under=int(urgent.get("under", INFANT_AGE)),
        urgent_from=int(urgent["from"]) if "from" in urgent else None,
        waiting_max=int(kit.get("waiting_max", 0)),
        fee=dict(kit["fee"]) if "fee" in kit else None,
    )


def _medicine(kit: Mapping[str, Any]) -> Medicine:
    return Medicine(
        id=str(kit["id"]),
        name=dict(kit["name"]),
        strength=str(kit["strength"]),
        form=dict(kit["form"]),
        ingredients=tuple(kit["ingredients"]),
        interacts=tuple(kit.get("interacts", ())),
        doses=tuple(kit["doses"]),
        days_max=int(kit["days_max"]),
        per_day_max=int(kit["per_day_max"]),
        schedule=str(kit["schedule"]),
    )


def _check(clinic: Clinic) -> None:
    if not 1 <= len(clinic.departments) <= DEPARTMENTS_MAX:
        raise BadKit(f"departments: between 1 and {DEPARTMENTS_MAX}")
    if len(clinic.red_flags) > RED_FLAGS_OWN_MAX:
        raise BadKit(f"red_flags: at most {RED_FLAGS_OWN_MAX} of your own")
    if len(clinic.formulary) > MEDICINES_IN_FORMULARY_MAX:
        raise BadKit(f"formulary: at most {MEDICINES_IN_FORMULARY_MAX} medicines")
    if not PREFER_LEAST <= clinic.prefer_minutes <= PREFER_MOST:
        raise BadKit(f"prefer_minutes: between {PREFER_LEAST} and {PREFER_MOST}")
    if clinic.guardian_age < clinic.rules.policy.guardian_age:
        raise BadKit(f"guardian_age: at least {clinic.rules.policy.guardian_age} under {clinic.policy}")
    _check_ids(clinic)
    _check_lanes(clinic)
    _check_words(clinic)
    _check_staff(clinic.staff)
    _check_keep(clinic.keep)
    _check_sms(clinic.sms)
    _check_codes(clinic.codes)


def _check_lanes(clinic: Clinic) -> None:
    most = ROWS_AT_ONCE // len(clinic.departments) - 1
    if not 1 <= clinic.lanes <= most:
        raise BadKit(f"lanes: between 1 and {most} with so many departments")
    if not 0 <= clinic.lanes_open <= clinic.lanes:
        raise BadKit("lanes_open: at most as many as lanes")


def _check_staff(staff: Staff) -> None:
    if not 1 <= staff.idle_minutes <= IDLE_MINUTES_MAX:
        raise BadKit(f"staff idle_minutes: between 1 and {IDLE_MINUTES_MAX}")
    if not 1 <= staff.proof_minutes <= PROOF_MINUTES_MAX:
        raise BadKit(f"staff proof_minutes: between 1 and {PROOF_MINUTES_MAX}")


def _check_keep(keep: Keep) -> None:
    """A floor: no kit, and so nobody who works here, makes a record be forgotten earlier."""
    if not CLINICAL_YEARS <= keep.clinical_years <= YEARS_MAX:
        raise BadKit(f"keep clinical_years: between {CLINICAL_YEARS} and {YEARS_MAX}")
    if not PROCESS_YEARS <= keep.process_years <= keep.clinical_years:
        raise BadKit(f"keep process_years: between {PROCESS_YEARS} and clinical_years")
    if not TICKET_DAYS_LEAST <= keep.ticket_days <= TICKET_DAYS_MAX:
        raise BadKit(f"keep ticket_days: between {TICKET_DAYS_LEAST} and {TICKET_DAYS_MAX}")


def _check_ids(clinic: Clinic) -> None:
    for what, ids in (
        ("departments", [d.id for d in clinic.departments]),
        ("letters", [d.letter for d in clinic.departments]),
        ("formulary", [m.id for m in clinic.formulary]),
        ("red_flags", [f.id for f in clinic.red_flags]),
    ):
        if len(set(ids)) != len(ids):
            raise BadKit(f"{what}: the same id twice")
    for department in clinic.departments:
        _check_department(department)
    known = {m.id for m in clinic.formulary}
    for medicine in clinic.formulary:
        if unknown := set(medicine.interacts) - known:
            raise BadKit(f"medicine {medicine.id} interacts with unknown {sorted(unknown)}")


def _check_department(department: Department) -> None:
    if not (department.id.isascii() and department.id.isalnum() and department.id.islower()):
        raise BadKit(f"department id {department.id!r}: small letters and digits only")
    if len(department.letter) != 1 or department.letter not in LETTERS:
        raise BadKit(f"department letter {department.letter!r}: one of {LETTERS}")
    if not 0 <= department.ages[0] <= department.ages[1] <= AGE_MAX:
        raise BadKit(f"department {department.id}: ages are from 0 to {AGE_MAX}, the lower one first")
    if department.waiting_max < 0:
        raise BadKit(f"department {department.id}: waiting_max is a number of people, or 0 for no limit")


def _check_words(clinic: Clinic) -> None:
    named: list[tuple[str, Words]] = [("name", clinic.name)]
    named += [(f"department {d.id}", words) for d in clinic.departments for words in (d.name, d.about)]
    named += [(f"red flag {f.id}", f.text) for f in clinic.red_flags]
    named += [(f"medicine {m.id}", words) for m in clinic.formulary for words in (m.name, m.form)]
    fees = [("fee", clinic.fee), *((f"department {d.id} fee", d.fee) for d in clinic.departments if d.fee is not None)]
    for what, words in named + fees:
        for language in clinic.languages:
            if not words.get(language, "").strip():
                raise BadKit(f"{what}: no text in {language}")
    for what, words in fees:
        if any(len(said) > FEE_MAX for said in words.values()):
            raise BadKit(f"{what}: at most {FEE_MAX} characters")


def _check_sms(sms: Sms) -> None:
    if sms.provider not in PROVIDERS:
        raise BadKit(f"sms provider {sms.provider!r}: one of {', '.join(PROVIDERS)}")
    if sms.on and not _is_number(sms.country, 1, 4):
        raise BadKit("sms country: like +86, for phone numbers typed without a country")
    if len(sms.others) > COUNTRIES_MAX or not all(_is_number(country, 1, 4) for country in sms.others):
        raise BadKit(f"sms others: at most {COUNTRIES_MAX} countries like +852")
    if sms.desk and not _is_number(sms.desk, 7, 15):
        raise BadKit("sms desk: the desk's number with its country, like +8613800000000, or empty")
    if not isinstance(sms.per_day, int) or not 1 <= sms.per_day <= PER_DAY_MAX:
        raise BadKit(f"sms per_day: a whole number between 1 and {PER_DAY_MAX}")


def _check_codes(codes: Codes) -> None:
    """A kit may send fewer codes and forget sooner, never the other way without end."""
    if not isinstance(codes.on, bool):
        raise BadKit("codes on: true or false")
    for name, most in (
        ("per_phone", PER_PHONE_MAX),
        ("per_address", PER_ADDRESS_MAX),
        ("per_clinic", PER_CLINIC_MAX),
        ("idle_hours", IDLE_HOURS_MAX),
        ("days", DAYS_MAX),
    ):
        value = getattr(codes, name)
        if not isinstance(value, int) or not 1 <= value <= most:
            raise BadKit(f"codes {name}: a whole number between 1 and {most}")


def _is_number(said: str, least: int, most: int) -> bool:
    digits = said[1:]
    return said[:1] == "+" and digits.isascii() and digits.isdigit() and least <= len(digits) <= most
