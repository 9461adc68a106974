"""What FHIR R4 asks of the resources we make: elements that must be there, and words that may stand in them.

From the specification of R4 (4.0.1), by hand; `test_r27_export.py` holds the bundle also against a library.
"""

from typing import Any

MUST: dict[str, set[str]] = {
    "AllergyIntolerance": {"patient", "clinicalStatus"},  # the status: invariant ait-1
    "ClinicalImpression": {"status", "subject"},
    "Communication": {"status"},
    "Consent": {"status", "scope", "category", "policyRule"},  # the rule: invariant ppc-1
    "DocumentReference": {"status", "content"},
    "Encounter": {"status", "class"},
    "MedicationDispense": {"status", "medicationCodeableConcept"},
    "MedicationRequest": {"status", "intent", "medicationCodeableConcept", "subject"},
    "Organization": {"name"},  # or an identifier: invariant org-1
    "Patient": set(),
    "Practitioner": set(),
    "Provenance": {"target", "recorded", "agent"},
    "QuestionnaireResponse": {"status"},
}
STATUS: dict[str, set[str]] = {
    "ClinicalImpression": {"in-progress", "completed", "entered-in-error"},
    "Communication": {"completed"},
    "Consent": {"active"},
    "DocumentReference": {"current", "superseded"},
    "Encounter": {"planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled"},
    "MedicationDispense": {"preparation", "in-progress", "cancelled", "on-hold", "completed", "stopped"},
    "MedicationRequest": {"active", "on-hold", "cancelled", "completed", "stopped", "draft"},
    "QuestionnaireResponse": {"completed"},
}


def wrong_with(bundle: dict[str, Any]) -> list[str]:
    """Everything that is not as R4 asks: a missing element, a word of no list, an empty value, a broken reference."""
    inside = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    found = [f"{len(bundle['entry']) - len(inside)} addresses twice"] if len(inside) < len(bundle["entry"]) else []
    for address, resource in inside.items():
        kind = resource["resourceType"]
        if address != f"urn:uuid:{resource['id']}":
            found.append(f"{kind} has another id than its address")
        found += [f"{kind} has no {name}" for name in MUST[kind] - resource.keys()]
        if kind in STATUS and resource.get("status") not in STATUS[kind]:
            found.append(f"{kind} {resource.get('status')}")
        found += [f"{kind} {said}" for said in _within(resource, inside)]
    return found


def _within(value: Any, inside: dict[str, Any]) -> list[str]:
    if value in (None, "", [], {}):
        return ["says nothing somewhere"]
    if isinstance(value, list):
        return [said for one in value for said in _within(one, inside)]
    if not isinstance(value, dict):
        return []
    lost = [f"refers to {value['reference']}"] if value.get("reference", "") not in ("", *inside) else []
    return lost + [said for one in value.values() for said in _within(one, inside)]
