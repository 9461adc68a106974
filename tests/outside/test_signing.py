"""The signing key: moto's KMS and the one of a machine without moto behave alike, and a silent one is said to be."""

from collections.abc import Iterator

import botocore.session
import pytest

from chalicelib.outside import signing
from chalicelib.outside.signing import KMS
from chalicelib.refusal import Unsigned
from chalicelib.rooms import seal
from infra.local import engine, signer
from infra.verify import verifies

DIGEST = seal.digest(b"what a doctor wrote")


def forget() -> None:
    for kept in (signing._kms, signing._public, signing._good):
        kept.cache_clear()


@pytest.fixture(params=["moto", "local"])
def key(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Either KMS, with the clinic's key in it."""
    forget()
    if request.param == "moto":
        with engine.moto():
            yield
    else:
        with signer.kms() as address:
            monkeypatch.setenv("SIGNING_KEY", signer.KEY)
            monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", address)
            yield
    forget()


def test_what_is_signed_verifies_here_and_offline(key: None) -> None:
    value = KMS.sign(DIGEST)
    assert KMS.verify(DIGEST, value, key=KMS.key_id)
    assert verifies(b"what a doctor wrote", value, KMS.public_key())
    assert KMS.verify(DIGEST, KMS.sign(DIGEST), key=KMS.key_id), "another one, or in the double the same: both verify"


def test_what_is_not_signed_does_not_verify(key: None) -> None:
    value = KMS.sign(DIGEST)
    assert not KMS.verify(seal.digest(b"something else"), value, key=KMS.key_id)
    assert not KMS.verify(DIGEST, value[:-1] + bytes([value[-1] ^ 1]), key=KMS.key_id)
    assert not KMS.verify(DIGEST, b"", key=KMS.key_id)
    assert not KMS.verify(DIGEST, b"never a signature", key=KMS.key_id)


def test_a_good_signature_is_asked_about_once_and_a_wrong_one_each_time(key: None) -> None:
    asked: list[str] = []
    value = KMS.sign(DIGEST)
    signing._kms().meta.events.register("before-call.kms.Verify", lambda model, **_: asked.append(model.name))
    for _ in range(3):
        assert KMS.verify(DIGEST, value, key=KMS.key_id)
    assert len(asked) == 1
    for _ in range(2):
        assert not KMS.verify(seal.digest(b"something else"), value, key=KMS.key_id)
    assert len(asked) == 3


def test_another_key_is_not_even_asked(key: None) -> None:
    kms = botocore.session.get_session().create_client("kms", region_name="eu-west-1")
    asked: list[str] = []
    signing._kms().meta.events.register("before-call.kms", lambda model, **_: asked.append(model.name))
    assert not KMS.verify(DIGEST, b"x" * 70, key="arn:aws:kms:eu-west-1:666666666666:key/of-somebody-else")
    assert asked == []
    kms.close()


def test_after_a_change_of_keys_the_old_one_still_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    with engine.moto():
        old, value = KMS.key_id, KMS.sign(DIGEST)
        client = botocore.session.get_session().create_client("kms", region_name="eu-west-1")
        new = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        monkeypatch.setenv("SIGNING_KEY", f"{new},{old}")
        assert KMS.key_id == new
        assert KMS.verify(DIGEST, value, key=old)
        assert not KMS.verify(DIGEST, value, key=new)
    forget()


@pytest.mark.parametrize("broken", ["no key", "no such key", "nobody there"])
def test_a_key_that_cannot_be_reached_is_said_to_be(key: None, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, mine = KMS.sign(DIGEST), KMS.key_id
    if broken == "nobody there":
        forget()
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://127.0.0.1:{engine.free_port()}")
    else:
        monkeypatch.setenv("SIGNING_KEY", "" if broken == "no key" else "00000000-0000-0000-0000-000000000000")
    with pytest.raises(Unsigned):
        KMS.sign(DIGEST)
    with pytest.raises(Unsigned):
        KMS.public_key()
    if broken == "nobody there":
        with pytest.raises(Unsigned):
            KMS.verify(DIGEST, value, key=mine)


def test_the_key_of_kept_data_outlives_the_program(tmp_path) -> None:
    file = tmp_path / "clinic.db.key"
    value = signer.Local(file).sign(DIGEST)
    assert signer.Local(file).verify(DIGEST, value, key=signer.KEY)
    assert file.stat().st_mode & 0o077 == 0, "nobody else may read it"
