"""`python -m infra.audit`: checks that no audit line was changed, lost or moved, and says whose records were touched.

    verify [--roots FOLDER --key FILE]      walks the table, every chain, and the signed roots; names the first bad row
    affected --from T --to T [--actor ID]   which visits and people were read or written, when and by whom

Both read the whole table once and write nothing. They print keys, ids and times: never a name, never a word of a
patient. The table is TABLE in the region of AWS_REGION, or the files of a DynamoDB export (`--export FILE ...`).
FOLDER is a copy of the vault (`aws s3 sync s3://<bucket>/roots FOLDER`), FILE the public key in DER.
"""

import argparse
import gzip
import json
import sys
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.store import chain, roots

Item = dict[str, Any]
Key = tuple[str, str]
SHOWN_MAX = 20  # bad rows printed; the first one is what matters


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that is not as it was written. `n` is its place in the chain of `pk`, counted from 1."""

    pk: str
    n: int
    row: Key
    why: str

    def __str__(self) -> str:
        return f"{self.row[0]} / {self.row[1]}  (line {self.n} of the chain of {self.pk}): {self.why}"


@dataclass(slots=True)
class Kept:
    """What of the table the audit is about: its lines, chains and seals, and whose visits there are."""

    lines: dict[Key, Item] = field(default_factory=dict)
    chains: dict[str, Item] = field(default_factory=dict)
    seals: dict[str, dict[int, Item]] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)  # visit -> person


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a signed root says of one chain: its value after `n` lines, at the time the root was signed."""

    n: int
    value: str
    at: str


def kept(items: Iterable[Item]) -> Kept:
    found = Kept()
    for item in items:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if sk.startswith("X#"):
            found.lines[pk, sk] = item
        elif sk == "Y":
            found.chains[pk] = item
        elif sk.startswith("Y#"):
            found.seals.setdefault(pk, {})[int(sk[2:])] = item
        elif sk == "V" and "person" in item:
            found.people[pk.removeprefix("V#")] = item["person"]["S"]
    return found


def verify(table: Kept, anchors: dict[str, list[Anchor]] | None = None) -> list[Bad]:
    """Everything that is not as it was written, chain by chain, in each the earliest first; nothing if all is well.

    A chain alone shows a line that was edited, dropped, put in, or moved over a seal. Somebody who writes a whole chain
    anew, or cuts its end off, is found by a root that was signed before: give `anchors`.
    """
    found: list[Bad] = []
    linked: set[Key] = set()
    signed = anchors or {}
    for pk in sorted(table.chains.keys() | table.seals.keys() | signed.keys()):
        marks, wrong = _marks(table, pk)
        bad = [*_lines(table, pk, marks, linked), *wrong]
        found += sorted(bad or _anchored(pk, marks, signed.get(pk, [])), key=lambda one: one.n)
    loose = sorted(table.lines.keys() - linked)
    return found + [
        Bad(key[0], 0, key, "is in no chain: it was put there, or its chain was taken away") for key in loose
    ]


def _marks(table: Kept, pk: str) -> tuple[list[str], list[Bad]]:
    """All marks of a chain in order, and what is wrong with the rows that hold them."""
    marks: list[str] = []
    wrong: list[Bad] = []
    value = chain.genesis(pk)
    row = table.chains.get(pk)
    for n, seal in sorted(table.seals.get(pk, {}).items()):
        key = (pk, chain.seal_sk(n))
        if n != len(marks):
            return marks, [Bad(pk, len(marks) + 1, (pk, chain.seal_sk(len(marks))), "this seal is gone")]
        if seal.get("before", {"S": chain.genesis(pk)})["S"] != value:
            wrong.append(Bad(pk, n + 1, key, "this seal does not follow from the one before it"))
        marks += [one["S"] for one in seal["marks"]["L"]]
        value = chain.fold(value, marks[n:])
    if row is None:
        return marks, [*wrong, Bad(pk, len(marks) + 1, (pk, "Y"), "the chain's own row is gone")]
    sealed, head = int(row["n"]["N"]), row.get("head", {"S": chain.genesis(pk)})["S"]
    if sealed != len(marks):
        wrong.append(Bad(pk, len(marks) + 1, (pk, chain.seal_sk(len(marks))), "this seal is gone, or one too many"))
    elif head != value and not wrong:
        wrong.append(Bad(pk, max(1, len(marks)), (pk, "Y"), "its value does not follow from its seals"))
    return marks + [one["S"] for one in row.get("tail", {"L": []})["L"]], wrong


def _lines(table: Kept, pk: str, marks: list[str], linked: set[Key]) -> Iterator[Bad]:
    """Every mark against the line it stands for."""
    for n, mark in enumerate(marks, start=1):
        key = chain.key_of(mark, pk)
        line = table.lines.get(key)
        if line is None:
            yield Bad(pk, n, key, "this line is gone")
        elif key in linked:
            yield Bad(pk, n, key, "this line is in a chain twice")
        elif chain.mark_of(line, pk) != mark:
            yield Bad(pk, n, key, "this line was changed")
        linked.add(key)


def _anchored(pk: str, marks: list[str], anchors: list[Anchor]) -> Iterator[Bad]:
    """The earliest signed value that the chain has no more; the first bad row lies after the last right one."""
    right = 0
    for anchor in sorted(anchors, key=lambda one: one.n):
        if anchor.n > len(marks):
            yield Bad(pk, len(marks) + 1, (pk, "Y"), f"cut off: it had {anchor.n} lines when signed at {anchor.at}")
            return
        if chain.fold(chain.genesis(pk), marks[: anchor.n]) != anchor.value:
            row = chain.key_of(marks[right], pk)
            why = f"from here to line {anchor.n} the chain is not the one that was signed at {anchor.at}"
            yield Bad(pk, right + 1, row, why)
            return
        right = anchor.n


def anchors(documents: Iterable[bytes], public_key: bytes) -> tuple[dict[str, list[Anchor]], list[str]]:
    """What signed roots say of every chain, and what is wrong with the roots: a signature that is not of this key, a
    number left out, a value that does not follow from the chains listed."""
    found: dict[str, list[Anchor]] = {}
    wrong: list[str] = []
    last = roots.Last()
    for root in sorted(map(json.loads, documents), key=lambda one: int(one["n"])):
        name = roots.name(root["n"])
        if root["n"] != last.n + 1 or root["before"] != last.digest:
            wrong.append(f"{name} does not follow from {roots.name(last.n) if last.n else 'the beginning'}")
        if not _signed(root, public_key):
            wrong.append(f"{name} is not signed with this key")
        elif roots.merkle(roots.leaf(head) for head in root["heads"]) != root["root"]:
            wrong.append(f"{name} lists other chains than were signed")
        else:
            for pk, n, value in root["heads"]:
                found.setdefault(pk, []).append(Anchor(n, value, root["at"]))
        last = roots.after(root)
    return found, wrong


def _signed(root: Item, public_key: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = serialization.load_der_public_key(public_key)
    assert isinstance(key, ec.EllipticCurvePublicKey), "the clinic signs with ECDSA on P-256"
    try:
        key.verify(b64decode(root["signature"]), roots.digest(root), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Touched:
    """One line of the audit, as a hospital must report it: no name, nothing a patient said."""

    at: str
    role: str
    actor: str
    deed: str
    visit: str  # "" for a list or somebody's own duty
    person: str

    def __str__(self) -> str:
        return "\t".join((self.at, self.role, self.actor, self.deed, self.visit or "-", self.person[:16] or "-"))


def affected(table: Kept, *, since: datetime, until: datetime, actor: str = "") -> list[Touched]:
    """Whose records were read or written in [since, until), and by whom, the earliest first.

    A look at a list is a line of its own without a visit: everybody who was on that list then was seen.
    """
    found = []
    for (pk, _), line in table.lines.items():
        at = datetime.fromisoformat(line["at"]["S"])
        if not since <= at < until or actor not in ("", line["actor"]["S"]):
            continue
        visit = visit_of(pk, line)
        by = "" if line["role"]["S"] == "patient" else line["actor"]["S"]  # a patient's id is a hash of their secret
        deed = line["deed"]["S"]
        found.append(Touched(at.isoformat(), line["role"]["S"], by, deed, visit, table.people.get(visit, "")))
    return sorted(found, key=lambda one: (one.at, one.visit))


def visit_of(pk: str, line: Item) -> str:
    """The visit a line is about; of a join and a call it is the answer."""
    if pk.startswith("V#"):
        return pk[2:]
    return str(line["answer"]["S"]) if line["deed"]["S"] in ("join", "take_next") and "answer" in line else ""


def live() -> Iterator[Item]:
    """Every row of the table as it is now."""
    from chalicelib.store.rows import TABLE, Row

    client = Row._get_connection().connection.client
    page: Item = {}
    while True:
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}
        page = client.scan(TableName=TABLE, ConsistentRead=True, **more)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return


def exported(files: Iterable[Path]) -> Iterator[Item]:
    """The rows of a DynamoDB export: one {"Item": ...} a line, packed or not."""
    for file in files:
        with gzip.open(file, "rt") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    yield json.loads(line)["Item"]


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.audit", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("verify", "affected"):
        command = commands.add_parser(name)
        command.add_argument("--export", type=Path, nargs="+", help="files of a DynamoDB export; else the live table")
    commands.choices["verify"].add_argument("--roots", type=Path, help="a folder with the signed roots")
    commands.choices["verify"].add_argument("--key", type=Path, help="the public key they were signed with, DER")
    command.add_argument("--from", dest="since", type=_moment, required=True, help="2026-11-24T09:00 (UTC unless said)")
    command.add_argument("--to", dest="until", type=_moment, required=True)
    command.add_argument("--actor", default="", help="only what this member of staff did")
    wishes = parser.parse_args(argv)
    if wishes.command == "verify" and bool(wishes.roots) != bool(wishes.key):
        parser.error("--roots and --key go together: without both, no signed root is looked at")
    table = kept(exported(wishes.export) if wishes.export else live())
    if wishes.command == "affected":
        return _say_affected(affected(table, since=wishes.since, until=wishes.until, actor=wishes.actor))
    return verdict(table, wishes.roots, wishes.key, None if wishes.export else live)


def _say_affected(found: list[Touched]) -> int:
    print("at", "role", "actor", "deed", "visit", "person", sep="\t")
    print(*found, sep="\n")
    visits, people = {one.visit for one in found} - {""}, {one.person for one in found} - {""}
    print(f"{len(found)} lines, {len(visits)} visits of {len(people)} people", file=sys.stderr)
    return 0


def verdict(
    table: Kept, folder: Path | None, key: Path | None, again: Callable[[], Iterable[Item]] | None = None
) -> int:
    """`again` reads a table in use once more: what is wrong there is wrong both times."""
    signed: dict[str, list[Anchor]] = {}
    wrong: list[str] = []
    print(f"{len(table.lines)} lines in {len(table.chains)} chains")
    if folder and key:
        files = sorted(folder.glob("**/*.json"))
        signed, wrong = anchors((file.read_bytes() for file in files), key.read_bytes())
        print(f"{len(files)} roots sign for {len(signed)} chains")
        wrong += [] if files else [f"{folder} has no roots: nothing is known of what was cut off"]
    print(*(f"BAD ROOT: {one}" for one in wrong), sep="\n", end="\n" if wrong else "")
    bad = verify(table, signed)
    if bad and again:  # people work while we read, and a line may be newer than our page with its chain
        there = set(verify(kept(again()), signed))
        bad = [one for one in bad if one in there]
    return _sayverdict(bad) or bool(wrong)


def _sayverdict(bad: list[Bad]) -> int:
    if not bad:
        print("Every line is as it was written.")
        return 0
    print(f"FIRST BAD ROW: {bad[0]}")
    print(*bad[1:SHOWN_MAX], sep="\n")
    if len(bad) > SHOWN_MAX:
        print(f"... and {len(bad) - SHOWN_MAX} more")
    return 1


if __name__ == "__main__":
    sys.exit(main())
