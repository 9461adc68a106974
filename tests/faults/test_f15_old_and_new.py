"""Old and new programs side by side: what a newer one wrote beside our attributes is still there after us."""

from typing import Any

import pytest

from chalicelib.store.rows import TABLE, Row
from chalicelib.visit import seeing
from tests.builders import ADA, ANN
from tests.visit.deeds import DEEDS, Deed
from tests.visit.walk import Key, Walk, table

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
