"""Resources: FHIR resources as they are made, each under an address by which the others refer to it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chalicelib.rooms.queue import Visit
from chalicelib.rooms.rules import Clinic
from chalicelib.rooms.staff import plate_of

Resource = dict[str, Any]


@dataclass(slots=True)
class Bundle:
    """The resources so far, in order."""

    clinic: Clinic
    language: str
    now: datetime
    found: dict[str, Resource] = field(default_factory=dict)

    def add(self, address: str, kind: str, **said: object) -> str:
        """A resource with what is said of it: FHIR has no empty values. Gives its address."""
        kept = {name.rstrip("_"): value for name, value in said.items() if value not in (None, "", [], {})}
        self.found[address] = {"resourceType": kind, "id": address.removeprefix("urn:uuid:"), **kept}
        return address

    def words(self, of: Mapping[str, str]) -> str:
        return of.get(self.language) or next(iter(of.values()), "")

    @property
    def whole(self) -> Resource:
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "timestamp": instant(self.now),
            "entry": [{"fullUrl": address, "resource": resource} for address, resource in self.found.items()],
        }


def to(address: str) -> Resource:
    return {"reference": address}


def person(visit: Visit) -> str:
    return _address("person", visit.person)


def practitioner(id: str) -> str:
    return _address("practitioner", id)


def qualified(visit: Visit, doctor: str) -> Resource:
    """Title and licence number, as the patient was told them."""
    plate = plate_of(visit.plates, doctor)
    if plate is None:
        return {}
    licence = [{"value": plate.licence}]
    return {"identifier": licence, "qualification": [{"identifier": licence, "code": {"text": plate.title}}]}


def named(visit: Visit, doctor: str) -> Resource:
    """Beside a reference to the doctor: in this visit, whatever they are called in another."""
    plate = plate_of(visit.plates, doctor)
    return {"display": f"{plate.name}, {plate.title}, {plate.licence}"} if plate else {}


def organization(clinic: Clinic) -> str:
    return _address("clinic", *clinic.name.values())


def encounter(visit: Visit) -> str:
    return part(visit, "encounter")


def part(visit: Visit, *what: object) -> str:
    """The address of a part of a visit. The request's id is as good as random, so no two clinics make the same."""
    return _address(visit.request, *what)


def _address(*what: object) -> str:
    """Always the same for the same thing, so that a record that is taken out twice is one record."""
    x = hashlib.sha256("/".join(str(one) for one in what).encode()).hexdigest()
    return f"urn:uuid:{x[:8]}-{x[8:12]}-8{x[13:16]}-8{x[17:20]}-{x[20:32]}"


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def telephone(number: str | None) -> list[Resource]:
    return [{"system": "phone", "value": number}] if number else []
