"""F15: old and new programs side by side, as while a deployment is going on.

What a newer program wrote beside our attributes is still there after us; what an older one did not write yet is read as
not said. Only of a parcel's steps are a newer program's words lost when we add one.
"""

import json
from typing import Any

import pytest

from chalicelib.rooms.assignment import Doctor, Seen
from chalicelib.rooms.consult import Message, Note
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import Visit
from chalicelib.store.rows import TABLE, Row
from chalicelib.store.shapes import KINDS, record_of, sound
from chalicelib.visit import seeing
from tests.builders import ADA, ANN, BOB, SOAP
from tests.visit.deeds import DEEDS, Deed
from tests.visit.walk import Key, Walk, restore, table, visits

UNKNOWN = {"written_by_a_newer_version": {"S": "keep me"}, "and_a_map": {"M": {"x": {"N": "1"}}}}


def write_beside(keys: set[Key]) -> None:
    client = Row._get_connection().connection.client
    for pk, sk in keys:
        client.update_item(
            TableName=TABLE,
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET written_by_a_newer_version = :s, and_a_map = :m",
            ExpressionAttributeValues={
                ":s": UNKNOWN["written_by_a_newer_version"],
                ":m": UNKNOWN["and_a_map"],
            },
        )


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_what_a_newer_version_wrote_survives(honest_walk: Walk, deed: Deed) -> None:
    walk = honest_walk
    typed = deed.ready(walk)
    before = table()
    write_beside(set(before))
    deed.do(walk.errand(deed.who), **typed)
    after: dict[Key, Any] = table()
    lost = [key for key in before if not after[key].items() >= UNKNOWN.items()]
    assert not lost, "every row that was there still has what we do not know"


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_what_a_newer_version_wrote_into_our_texts_survives(honest_walk: Walk, deed: Deed) -> None:
    walk = honest_walk
    typed = deed.ready(walk)
    before = {key: {name: _more(name, value) for name, value in row.items()} for key, row in table().items()}
    restore(before)
    deed.do(walk.errand(deed.who), **typed)
    after: dict[Key, Any] = table()
    lost = [
        (key, name)
        for key, row in before.items()
        for name in row.keys() & {"answers", "lines"}
        if after[key][name] != row[name]
    ]
    assert not lost


def _more(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """The text of an attribute that holds one, with a word more in it."""
    if name not in ("answers", "lines", "steps"):
        return value
    said = json.loads(value["S"])
    for one in said if isinstance(said, list) else [said]:
        one["from_a_newer_version"] = True
    return {"S": json.dumps(said)}


def test_what_an_older_version_did_not_write_yet_is_read_as_not_said(honest_walk: Walk) -> None:
    walk = honest_walk
    walk.handed_over()
    seeing.amend(walk.errand(ADA), id=visits()[0].id, soap=SOAP)
    seeing.say(walk.errand(BOB), id=walk.join(BOB).id, text="Hello", epoch=None)
    read = set()
    for row in table().values():
        kind = KINDS.get(type(Row.from_raw_data(row)))
        if kind is not None:
            attributes = type(Row.from_raw_data(row)).get_attributes()
            may_miss = {name for name, a in attributes.items() if a.null or a.default is not None}
            old = {name: value for name, value in row.items() if name not in may_miss}
            record_of(kind, sound(Row.from_raw_data(old)))
            read.add(kind)
    assert read >= {Visit, Message, Note, Prescription, Order, Doctor, Seen}, "there was one of each"


def test_a_kind_of_row_we_do_not_know_is_passed_over(honest_walk: Walk) -> None:
    """A newer program keeps something new beside a visit; we read, write and end the visit as if it were not there."""
    walk = honest_walk
    id = walk.taken()
    client = Row._get_connection().connection.client
    new = {"pk": {"S": f"V#{id}"}, "sk": {"S": "F#photo-1"}, "kind": {"S": "photo"}, "of": {"S": "a rash"}}
    client.put_item(TableName=TABLE, Item=new)
    assert seeing.open_visit(walk.errand(ADA), id=id).visit.id == id
    walk.sign(id)
    assert seeing.open_visit(walk.errand(ANN), id=id).notes == []
    assert table()[(f"V#{id}", "F#photo-1")] == new
