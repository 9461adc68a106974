"""A21: somebody who can write to the table changes what the audit says. The verifier names the first bad row."""

import contextlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.refusal import Busy
from chalicelib.rooms.queue import Ticket
from chalicelib.store import chain, records
from chalicelib.store.rows import TABLE, ChainRow, Row
from chalicelib.visit import seeing, sending
from infra import audit
from infra.audit import Anchor, Bad
from tests.attacks.breaks import BREAKS
from tests.builders import ADA, ANN, BO, BOB, COLE, NOW
from tests.visit.walk import CODE, Key, Walk, table

Table = dict[Key, dict[str, Any]]


@pytest.fixture
def walk(clinic_on_moto: None) -> Walk:
    return Walk()


@pytest.fixture
def played(walk: Walk) -> Ticket:
    """A whole visit, from the ticket to the parcel, with enough looks at it for two seals and a tail."""
    id = walk.handed_over()
    sending.deliver(walk.errand(COLE), id=id, code=CODE)
    for n in range(chain.TAIL_MAX + 3):
        sending.see_order(walk.errand(COLE, at=walk.now + timedelta(hours=n)), id=id)
    walk.join(BOB)
    return id


def check(lies: Table, anchors: dict[str, list[Anchor]] | None = None) -> list[Bad]:
    return audit.verify(audit.kept(lies.values()), anchors)


def signed(lies: Table) -> dict[str, list[Anchor]]:
    """What an hourly root would have said of this table."""
    kept = audit.kept(lies.values())
    found = {pk: chain.head_of(ChainRow.from_raw_data(row)) for pk, row in kept.chains.items()}
    return {pk: [Anchor(head.n, head.value, "then")] for pk, head in found.items()}


def marks(lies: Table, id: Ticket) -> list[str]:
    return audit._marks(audit.kept(lies.values()), f"V#{id}")[0]


def line(lies: Table, id: Ticket, n: int) -> Key:
    """The key of the nth line of a visit's chain."""
    return chain.key_of(marks(lies, id)[n - 1], f"V#{id}")


def test_a_played_clinic_verifies_and_every_line_is_in_one_chain(played: Ticket) -> None:
    lies = table()
    assert check(lies) == []
    assert check(lies, signed(lies)) == []
    chained = [
        key for pk, sk in lies if sk == "Y" for key in map(lambda m, pk=pk: chain.key_of(m, pk), all_marks(lies, pk))
    ]
    assert sorted(chained) == sorted(key for key in lies if key[1].startswith("X#"))
    deeds = [lies[line(lies, played, n)]["deed"]["S"] for n in range(1, 4)]
    assert deeds == ["join", "take_next", "sign"], "also the lines that hang on the phone and on the doctor"


def all_marks(lies: Table, pk: str) -> list[str]:
    return audit._marks(audit.kept(lies.values()), pk)[0]


def test_an_edited_line_is_named(played: Ticket) -> None:
    lies = table()
    count = len(marks(lies, played))
    assert count > 2 * chain.TAIL_MAX
    for n in (1, 3, chain.TAIL_MAX, chain.TAIL_MAX + 1, count):
        for field in ("actor", "deed", "at", "policy", "answer", "fingerprint", "role"):
            key = line(lies, played, n)
            was = lies[key].get(field, {"S": ""})["S"]
            edited = {**lies, key: {**lies[key], field: {"S": was + "x"}}}
            (first, *_) = check(edited)
            assert (first.n, first.row, first.why) == (n, key, "this line was changed")


def test_a_field_added_to_a_line_is_named(played: Ticket) -> None:
    lies = table()
    key = line(lies, played, 3)
    assert check({**lies, key: {**lies[key], "excuse": {"S": "it was an emergency"}}})[0].row == key


def test_a_dropped_line_is_named(played: Ticket) -> None:
    lies = table()
    for n in range(1, len(marks(lies, played)) + 1):
        key = line(lies, played, n)
        (first,) = check({k: v for k, v in lies.items() if k != key})
        assert (first.n, first.row, first.why) == (n, key, "this line is gone")


def test_two_lines_with_each_others_contents_are_named(played: Ticket) -> None:
    lies = table()
    one, other = line(lies, played, 4), line(lies, played, 7)
    keys = {name: lies[one][name] for name in ("pk", "sk")}, {name: lies[other][name] for name in ("pk", "sk")}
    found = check({**lies, one: {**lies[other], **keys[0]}, other: {**lies[one], **keys[1]}})
    assert [bad.n for bad in found] == [4, 7]


def test_a_line_put_in_later_is_named(played: Ticket) -> None:
    lies = table()
    key = line(lies, played, 5)
    made_up = (key[0], "X#made-up-afterwards-000")
    (bad,) = check({**lies, made_up: {**lies[key], "sk": {"S": made_up[1]}}})
    assert bad.row == made_up


def test_marks_in_another_order_are_found(played: Ticket) -> None:
    """In a seal by the chain itself, in the tail by the root that was signed."""
    lies = table()
    seal = (f"V#{played}", chain.seal_sk(chain.TAIL_MAX))
    said = lies[seal]["marks"]["L"]
    turned = {**lies, seal: {**lies[seal], "marks": {"L": said[::-1]}}}
    assert check(turned)[0].pk == f"V#{played}"
    row = (f"V#{played}", "Y")
    tail = lies[row]["tail"]["L"]
    assert len(tail) > 1
    turned = {**lies, row: {**lies[row], "tail": {"L": tail[::-1]}}}
    (bad,) = check(turned, signed(lies))
    assert (bad.n, "not the one that was signed" in bad.why) == (1, True)


def test_an_end_cut_off_with_its_marks_is_found_by_the_signed_root(played: Ticket) -> None:
    lies = table()
    row, count = (f"V#{played}", "Y"), len(marks(lies, played))
    last = line(lies, played, count)
    short = {k: v for k, v in lies.items() if k != last}
    short[row] = {**lies[row], "tail": {"L": lies[row]["tail"]["L"][:-1]}}
    assert check(short) == [], "within itself it is a chain like any other"
    (bad,) = check(short, signed(lies))
    assert (bad.n, bad.pk) == (count, row[0])
    assert "cut off" in bad.why


def test_a_chain_written_anew_is_found_by_the_signed_root(played: Ticket) -> None:
    """Whoever edits a line and works out every hash again, as the program would."""
    lies = table()
    pk, key = f"V#{played}", line(lies, played, 3)
    forged = {**lies, key: {**lies[key], "actor": {"S": "bo"}}}
    forged = rewritten(forged, pk)
    assert check(forged) == [], "within itself it is a chain like any other"
    (bad,) = check(forged, signed(lies))
    assert bad.pk == pk
    early = {pk: [Anchor(2, chain.fold(chain.genesis(pk), marks(lies, played)[:2]), "earlier"), *signed(lies)[pk]]}
    (bad,) = check(forged, early)
    assert (bad.n, bad.row) == (3, key), "with a root of every hour the first bad row is known to the hour"


def rewritten(lies: Table, pk: str) -> Table:
    found, value, n = dict(lies), chain.genesis(pk), 0
    keys = [chain.key_of(mark, pk) for mark in all_marks(lies, pk)]
    fresh = [chain.mark_of(lies[key], pk) for key in keys]
    while (pk, chain.seal_sk(n)) in lies:
        seal = (pk, chain.seal_sk(n))
        ours = fresh[n : n + chain.TAIL_MAX]
        before = {"before": {"S": value}} if n else {}
        found[seal] = {**lies[seal], **before, "marks": {"L": [{"S": mark} for mark in ours]}}
        value, n = chain.fold(value, ours), n + chain.TAIL_MAX
    tail = {"L": [{"S": mark} for mark in fresh[n:]]}
    found[pk, "Y"] = {**lies[pk, "Y"], "head": {"S": value}, "tail": tail}
    return found


def test_chains_and_seals_that_are_gone_or_changed_are_named(played: Ticket) -> None:
    lies = table()
    pk = f"V#{played}"
    for sk in (chain.seal_sk(0), chain.seal_sk(chain.TAIL_MAX), "Y"):
        bad = check({k: v for k, v in lies.items() if k != (pk, sk)})[0]
        assert (bad.row, bad.why.endswith("gone") or "gone, or" in bad.why) == ((pk, sk), True)
    everything = {k: v for k, v in lies.items() if k[0] != pk}
    assert check(everything, signed(lies))[0].pk == pk, "a visit that vanished with all its rows was signed for"


def test_everybody_at_once_leaves_one_chain(clinic_on_dynoxide: str) -> None:
    """Patient and doctor write and read at the same moment, over several seals: every line linked, none twice."""
    walk = Walk()
    id = walk.taken()

    def talk(n: int) -> None:
        """As a phone does: who is told "very busy" sends the same again."""
        for _ in range(20):
            with contextlib.suppress(Busy):
                return once(n)
        raise AssertionError("busy for ever")

    def once(n: int) -> None:
        if n % 2:
            seeing.say(walk.errand(ANN, f"ann-{n}"), id=id, text="Hello", epoch=None)
        else:
            seeing.open_visit(walk.errand(ADA, f"ada-{n}", at=NOW + timedelta(hours=n)), id=id)

    with ThreadPoolExecutor(4) as room:
        list(room.map(talk, range(3 * chain.TAIL_MAX)))
    lies = table()
    assert check(lies) == []
    assert len(marks(lies, id)) >= 3 * chain.TAIL_MAX + 2


def test_the_chains_row_stays_small(played: Ticket) -> None:
    assert all(len(item["tail"]["L"]) <= chain.TAIL_MAX for (_, sk), item in table().items() if sk == "Y")


def test_a_seal_missed_by_a_death_is_made_by_the_next(walk: Walk) -> None:
    """The tail is full and whoever should seal it died: the next line seals first, and is in the chain."""
    id = walk.taken()
    for n in range(3 * chain.TAIL_MAX):
        seeing.open_visit(walk.errand(ADA, at=NOW + timedelta(hours=n)), id=id)
        assert check(table()) == []


def test_the_command_reads_the_live_table_and_an_export(
    played: Ticket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(["verify"]) == 0
    export = tmp_path / "part.json"
    export.write_text("\n".join(json.dumps({"Item": item}) for item in table().values()))
    assert audit.main(["verify", "--export", str(export)]) == 0
    assert "Every line is as it was written." in capsys.readouterr().out
    pk, sk = line(table(), played, 3)
    edit = {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}, "AttributeUpdates": {"actor": {"Value": {"S": "bo"}}}}
    Row._get_connection().connection.client.update_item(TableName=TABLE, **edit)
    assert audit.main(["verify"]) == 1
    assert f"FIRST BAD ROW: {pk} / {sk}" in capsys.readouterr().out


def test_a_line_written_while_the_table_is_read_is_no_tampering(played: Ticket) -> None:
    """The first page of the table is older than the last one: a chain came with it whose line is on a page before."""
    whole = list(table().values())
    missing = line(table(), played, 3)
    first = [item for item in whole if (item["pk"]["S"], item["sk"]["S"]) != missing]
    assert audit.verdict(audit.kept(first), None, None, again=lambda: whole) == 0
    assert audit.verdict(audit.kept(first), None, None, again=lambda: first) == 1, "gone both times"


def test_who_was_affected_is_told_without_a_name(played: Ticket, capsys: pytest.CaptureFixture[str]) -> None:
    """R30: whose records were read or written in a time, by whom."""
    lies = table()
    kept = audit.kept(lies.values())
    everything = audit.affected(kept, since=NOW, until=NOW + timedelta(days=2))
    assert {one.visit for one in everything if one.role == "doctor" and one.visit} == {str(played)}
    assert {one.person for one in everything if one.visit} == {records.visit(v).person for v in visits_in(lies)}
    coles = audit.affected(kept, since=NOW + timedelta(hours=2), until=NOW + timedelta(days=2), actor="cole")
    assert coles
    assert {(one.actor, one.deed, one.visit) for one in coles} == {("cole", "look", str(played))}
    assert not audit.affected(kept, since=NOW + timedelta(days=2), until=NOW + timedelta(days=3))
    assert not audit.affected(kept, since=NOW, until=NOW + timedelta(days=2), actor=BO.id)
    assert audit.main(["affected", "--from", "2030-01-07T00:00", "--to", "2030-01-09"]) == 0
    said = capsys.readouterr().out
    assert str(played) in said
    assert ANN.id not in said, "not even the hash of a patient's secret"
    assert not [word for word in ("Ann", "Bob", "River Road", "13800001234") if word in said]


def visits_in(lies: Table) -> Iterator[Ticket]:
    return (Ticket.of(pk[2:]) for (pk, sk), item in lies.items() if sk == "V" and item["kind"]["S"] == "visit")


@pytest.mark.parametrize("name", [name for name in BREAKS if name.startswith("a21")])
def test_without_its_defence_the_audit_can_be_changed_unseen(walk: Walk, name: str) -> None:
    """Each break leaves something that the verifier finds at once, or blinds it to what it must find."""
    with BREAKS[name]():
        id = walk.prescribed()
        lies = table()
        try:
            sound = not check(lies) and _finds_an_edit(lies, id)
        except (KeyError, IndexError):
            sound = False
    assert not sound, f"{name} was not noticed"


def _finds_an_edit(lies: Table, id: Ticket) -> bool:
    finds: list[Callable[[], bool]] = []
    for n in range(1, len(marks(lies, id)) + 1):
        key = line(lies, id, n)
        edited = {**lies, key: {**lies[key], "actor": {"S": "bo"}}}
        finds.append(lambda edited=edited, key=key: [bad.row for bad in check(edited)] == [key])
    forged = rewritten({**lies, line(lies, id, 2): {**lies[line(lies, id, 2)], "actor": {"S": "bo"}}}, f"V#{id}")
    return all(find() for find in finds) and bool(check(forged, signed(lies)))
