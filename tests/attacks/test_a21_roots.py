"""A21, hour by hour: the audit's chains are signed and locked away, so that not even a whole forged chain passes."""

import functools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.doors import clock, manners
from chalicelib.outside import vault as vaults
from chalicelib.store import roots
from chalicelib.visit import sending
from infra import audit
from tests.attacks.test_a21_tampering import check, line, rewritten
from tests.builders import SAM
from tests.people import Clock
from tests.visit.walk import Walk, restore, table
from tests.visit.weather import Died, death, watched

BUCKET = "clinic-roots"


class Hourly(Walk):
    """A clinic whose hours pass for the clock's door too."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(self.now)

    def an_hour_later(self) -> None:
        self.now += timedelta(hours=1)
        self.clock.now = self.now


class Kms:
    """A key in (moto's) KMS."""

    def __init__(self) -> None:
        from botocore.session import get_session

        self.kms = get_session().create_client("kms", region_name="eu-west-1")
        made = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.key_id = made["KeyMetadata"]["KeyId"]

    def sign(self, digest: bytes) -> bytes:
        said = {"KeyId": self.key_id, "Message": digest, "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}
        return bytes(self.kms.sign(**said)["Signature"])

    @functools.cached_property
    def public_key(self) -> bytes:
        return bytes(self.kms.get_public_key(KeyId=self.key_id)["PublicKey"])


@pytest.fixture
def walk(clinic_on_moto: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hourly]:
    walk = Hourly()
    monkeypatch.setattr(manners, "clock", walk.clock)
    vaults._s3.cache_clear()
    yield walk
    vaults._s3.cache_clear()


@pytest.fixture
def bucket(walk: Hourly) -> Any:
    """The bucket as the stack makes it."""
    s3 = vaults._s3()
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True, CreateBucketConfiguration=where)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 6}}
    s3.put_object_lock_configuration(
        Bucket=BUCKET, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    return s3


def documents(vault: vaults.Double) -> list[bytes]:
    return list(vault.kept.values())


def test_every_hour_signs_for_every_chain_that_changed(walk: Hourly) -> None:
    vault, kms = vaults.Double(), Kms()
    id = walk.prescribed()
    assert clock.anchor(vault, kms) == 1
    walk.an_hour_later()
    sending.review(walk.errand(SAM), id=id, number=1, approve=True, reason="")
    assert clock.anchor(vault, kms) == 1
    for _ in range(2):
        walk.an_hour_later()
    assert clock.anchor(vault, kms) == 1, "also what changed just before the last root, by a clock that is late"
    for _ in range(2):
        walk.an_hour_later()
    assert clock.anchor(vault, kms) == 1, "an hour without a change is signed too: none can be left out unseen"
    signed, wrong = audit.anchors(documents(vault), kms.public_key)
    assert wrong == []
    assert [anchor.n for anchor in signed[f"V#{id}"]] == [3, 4, 4]
    assert check(table(), signed) == []
    assert json.loads(documents(vault)[3])["heads"] == []


def test_a_chain_forged_after_it_was_signed_is_named_to_the_hour(walk: Hourly) -> None:
    vault, kms = vaults.Double(), Kms()
    id = walk.approved()
    clock.anchor(vault, kms)
    walk.an_hour_later()
    sending.see_prescription(walk.errand(SAM), id=id)
    walk.an_hour_later()
    sending.see_prescription(walk.errand(SAM), id=id)
    clock.anchor(vault, kms)
    lies, pk = table(), f"V#{id}"
    signed, _ = audit.anchors(documents(vault), kms.public_key)
    first = signed[pk][0].n
    key = line(lies, id, first + 1)
    forged = rewritten({**lies, key: {**lies[key], "actor": {"S": "bo"}}}, pk)
    assert check(forged) == []
    (bad,) = check(forged, signed)
    assert (bad.n, bad.row) == (first + 1, key)


def test_a_forged_or_missing_root_is_named(walk: Hourly) -> None:
    vault, kms = vaults.Double(), Kms()
    walk.prescribed()
    for _ in range(3):
        clock.anchor(vault, kms)
        walk.an_hour_later()
    kept = [json.loads(one) for one in documents(vault)]

    def wrong(said: list[dict[str, Any]]) -> list[str]:
        return audit.anchors([json.dumps(one).encode() for one in said], kms.public_key)[1]

    assert wrong(kept) == []
    assert wrong([kept[0], kept[2]]) == ["roots/00000003.json does not follow from roots/00000001.json"]
    assert "lists other chains" in wrong([{**kept[0], "heads": kept[0]["heads"][1:]}])[0]
    assert "not signed" in wrong([{**kept[0], "at": "2030-01-01T00:00:00+00:00"}])[0]
    other = Kms()
    assert len([one for one in audit.anchors(documents(vault), other.public_key)[1] if "not signed" in one]) == 3


def test_a_root_whose_maker_died_is_the_next_ones_beginning(walk: Hourly) -> None:
    """Put into the vault, and killed before it was remembered: the same number is not made twice."""
    vault, kms = vaults.Double(), Kms()
    walk.prescribed()
    clock.anchor(vault, kms)
    lost = roots.made(roots.newest(), [], manners.clock())
    lost |= {"key": kms.key_id, "signature": "AA=="}
    vault.put(roots.name(2), json.dumps(lost).encode())
    clock.anchor(vault, kms)
    assert roots.newest().n == 2
    clock.anchor(vault, kms)
    assert [json.loads(one)["n"] for one in documents(vault)] == [1, 2, 3]
    assert json.loads(documents(vault)[2])["before"] == roots.after(lost).digest


@pytest.fixture
def few() -> Iterator[None]:
    """A root has room for two chains."""
    whole, roots.HEADS_MAX = roots.HEADS_MAX, 2
    yield
    roots.HEADS_MAX = whole


def test_a_full_hour_has_several_roots(walk: Hourly, few: None) -> None:
    vault, kms = vaults.Double(), Kms()
    walk.crowd(3)
    assert clock.anchor(vault, kms) > 1
    signed, wrong = audit.anchors(documents(vault), kms.public_key)
    assert (wrong, check(table(), signed)) == ([], [])
    assert {pk for pk, sk in table() if sk == "Y"} == signed.keys()


def test_an_hour_whose_maker_died_between_two_roots_is_finished_in_the_next(walk: Hourly, few: None) -> None:
    """The chains of the part that was never made did not change since: they are found all the same."""
    vault, kms = vaults.Double(), Kms()
    walk.crowd(5)
    for _ in range(2):
        walk.an_hour_later()
    before = table()
    with watched() as asked:
        clock.anchor(vaults.Double(), kms)
    restore(before)
    with pytest.raises(Died), death(asked.writes[0], before=False):
        clock.anchor(vault, kms)
    assert len(documents(vault)) == 1
    walk.an_hour_later()
    clock.anchor(vault, kms)
    signed, wrong = audit.anchors(documents(vault), kms.public_key)
    assert (wrong, check(table(), signed)) == ([], [])
    assert {pk for pk, sk in table() if sk == "Y"} == signed.keys()


def test_nothing_is_locked_away_where_no_bucket_is_named(walk: Hourly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROOTS_BUCKET", raising=False)
    assert vaults.vault() is None
    assert clock.anchor(vaults.vault(), Kms()) == 0


@pytest.mark.parametrize("kind", ["bucket", "double"])
def test_the_vault_keeps_what_it_was_given(walk: Hourly, bucket: Any, kind: str) -> None:
    vault: vaults.Vault = vaults.Bucket(BUCKET) if kind == "bucket" else vaults.Double()
    assert vault.put("roots/1.json", b"one") is True
    assert vault.put("roots/1.json", b"another") is False
    assert vault.get("roots/1.json") == b"one"


def test_nobody_takes_a_root_out_of_the_bucket(walk: Hourly, bucket: Any) -> None:
    vault, kms = vaults.Bucket(BUCKET), Kms()
    walk.prescribed()
    assert clock.anchor(vault, kms) == 1
    (version,) = bucket.list_object_versions(Bucket=BUCKET)["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.delete_object(
            Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"], BypassGovernanceRetention=True
        )
    assert json.loads(vault.get(roots.name(1)))["n"] == 1


def test_the_command_compares_with_the_roots(walk: Hourly, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vault, kms = vaults.Double(), Kms()
    walk.handed_over()
    clock.anchor(vault, kms)
    key = tmp_path / "key.der"
    key.write_bytes(kms.public_key)
    for name, body in vault.kept.items():
        (tmp_path / name.replace("/", "-")).write_bytes(body)
    asked = ["verify", "--roots", str(tmp_path), "--key", str(key)]
    assert audit.main(asked) == 0
    assert "1 roots sign for" in capsys.readouterr().out
    (tmp_path / "roots-00000001.json").write_bytes(documents(vault)[0].replace(b'"n":1', b'"n":2', 1))
    assert audit.main(asked) == 1
    assert "BAD ROOT: roots/00000002.json does not follow from the beginning" in capsys.readouterr().out


def test_roots_that_are_not_there_prove_nothing(
    walk: Hourly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty folder, or roots without the key, must not pass for "all is well"."""
    key = tmp_path / "key.der"
    key.write_bytes(Kms().public_key)
    with pytest.raises(SystemExit):
        audit.main(["verify", "--roots", str(tmp_path)])
    with pytest.raises(SystemExit):
        audit.main(["verify", "--key", str(key)])
    assert audit.main(["verify", "--roots", str(tmp_path), "--key", str(key)]) == 1
    assert "has no roots" in capsys.readouterr().out
