"""Phones: what is kept of a number that somebody proves, and the count of a code's tries."""

from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.rooms.phone import FOUND_MAX, PEOPLE_MAX, TRIES_MAX, Claim, Counted, Holding, Person, Phone, Proof
from chalicelib.rooms.queue import Ticket
from chalicelib.store import phone_rows, rows
from chalicelib.store.phone_rows import ClaimRow, CounterRow, PhoneRow
from chalicelib.store.rows import Row
from chalicelib.store.shapes import readable, record_of, sound
from chalicelib.store.writing import hold_proof, in_reach


def asking(holder: str, counters: tuple[Counted, ...]) -> tuple[Claim | None, list[tuple[Counted, int]]]:
    """The newest claim of this browser and how far the counters are, in one request; the same for every number."""
    keys = [(f"P#{holder}", "C"), *((f"Q#{one.about}", "Q") for one in counters)]
    with in_reach():
        found = {row.pk: sound(row) for row in Row.batch_get(keys, consistent_read=True)}
    claim = found.get(f"P#{holder}")
    counts = {pk: int(row.sent) for pk, row in found.items() if isinstance(row, CounterRow)}
    so_far = [(one, counts.get(f"Q#{one.about}", 0)) for one in counters]
    return (record_of(Claim, claim) if isinstance(claim, ClaimRow) else None), so_far


def claim_of(holder: str) -> Claim | None:
    """The number this browser says is its own."""
    try:
        with in_reach():
            return record_of(Claim, sound(ClaimRow.get(f"P#{holder}", "C", consistent_read=True)))
    except DoesNotExist:
        return None


def count_try(claim: Claim, digest: str) -> Claim | None:
    """Count a guess, in one step, before it is looked at; None if that code takes no more of them.

    The same guess again, as after a lost reply, is not counted again: it tells nobody anything new.
    """
    row = ClaimRow(f"P#{claim.holder}", "C")
    condition = (ClaimRow.tries < TRIES_MAX) & (ClaimRow.digest == claim.digest) & (ClaimRow.last_try != digest)
    actions: list[Action] = [ClaimRow.tries.add(1), ClaimRow.last_try.set(digest), ClaimRow.version.add(1)]
    try:
        with in_reach():
            row.update(actions=actions, condition=condition & (ClaimRow.proven == False))  # noqa: E712  # an expression
    except UpdateError as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            raise
        with in_reach():
            row.refresh(consistent_read=True)
        same = row.digest == claim.digest and row.last_try == digest and not row.proven
        return record_of(Claim, row) if same else None
    return record_of(Claim, row)


def proof(token: str) -> Proof | None:
    """What a browser with this token has proven."""
    try:
        with in_reach():
            return record_of(Proof, sound(phone_rows.ProofRow.get(f"S#{token}", "P", consistent_read=True)))
    except DoesNotExist:
        return None


def phone(id: str) -> tuple[Phone, list[Person]]:
    """A number with its people, in the order in which they were added, in one query."""
    with in_reach():
        found = list(Row.query(f"P#{id}", Row.sk.between("H#", "U"), consistent_read=True, limit=1 + PEOPLE_MAX))
    people = list(readable(Person, (row for row in found if isinstance(row, phone_rows.PersonRow | rows.BrokenRow))))
    phones = [record_of(Phone, row) for row in found if isinstance(row, phone_rows.PhoneRow)]
    return (phones[0] if phones else Phone(id=id)), sorted(people, key=lambda person: person.added_at)


def while_it_holds(transaction: TransactWrite, proof: Proof) -> None:
    """To be written with what is done by a proof and leaves its number as it is: two updates that change nothing, and
    are refused if it was signed out meanwhile, here or everywhere."""
    hold_proof(transaction, Holding(token=proof.token))
    out = PhoneRow.signed_out_at
    transaction.update(
        PhoneRow(f"P#{proof.phone}", "T"),
        actions=[PhoneRow.kind.set(PhoneRow)],
        condition=PhoneRow.pk.exists() & (out.does_not_exist() | (out < proof.began_at)),
    )


def drawn(phone: str) -> list[Ticket]:
    """The tickets drawn with this number in the last days, the newest first."""
    with in_reach():
        found = phone_rows.DrawnRow.query(
            f"P#{phone}", Row.sk.startswith("V#"), consistent_read=True, scan_index_forward=False, limit=FOUND_MAX
        )
        return [row.visit for row in found]
