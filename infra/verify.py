"""`python -m infra.verify`: checks, without any network, the signatures in an exported record against the public key.

    aws kms get-public-key --key-id <SigningKeyId> --query PublicKey --output text | base64 -d > clinic.der
    python -m infra.verify --key clinic.der record.json

Says each signed document with "good" or what is wrong with it, and ends with 1 if anything is: notes, prescriptions,
and a pharmacist's approvals, each of the very prescription that is in the record. `--show` prints beneath each what
exactly was signed: whose it is, every word of a note, every medicine by the name that the doctor read.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

GOOD = "good"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.verify")
    parser.add_argument("--key", type=Path, required=True, help="the clinic's public key, DER or PEM")
    parser.add_argument("record", type=Path, help="an exported record: a FHIR bundle in JSON")
    parser.add_argument("--show", action="store_true", help="and what was signed")
    wishes = parser.parse_args(argv)
    bundle = json.loads(wishes.record.read_bytes())
    found = list(checked(bundle, wishes.key.read_bytes()))
    for name, said in found:
        print(f"{said:40} {name}")
        if wishes.show and said == GOOD:
            print(json.dumps(json.loads(signed_words(bundle, name)), ensure_ascii=False, indent=1))
    if not found:
        print("Nothing in this record is signed.", file=sys.stderr)
    return 0 if found and all(said == GOOD for _, said in found) else 1


def checked(bundle: dict[str, Any], key: bytes) -> Iterator[tuple[str, str]]:
    """Every signed document of a bundle: its name, and "good" or what is wrong."""
    inside = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    signed = set()
    for resource in inside.values():
        if resource["resourceType"] != "Provenance":
            continue
        for target in resource["target"]:
            signed.add(target["reference"])
            for one in resource["signature"]:
                said = _judged(inside.get(target["reference"]), one, key)
                if said == GOOD and not _approves(inside[target["reference"]], list(inside.values())):
                    said = "approves what is not in this record"
                yield target["reference"], said
    for name, resource in inside.items():
        if resource["resourceType"] == "DocumentReference" and name not in signed:
            yield name, "not signed"


def _approves(document: dict[str, Any], resources: list[dict[str, Any]]) -> bool:
    """An approval is of a prescription by the doctor's signature on it: that one must be here, over these very bytes.
    Whatever else is signed approves nothing, and is good as it is."""
    said = json.loads(_words(document))
    if said["kind"] != "approval":
        return True
    by = [one for one in resources if one["resourceType"] == "Provenance"]
    signed = {target["reference"] for one in by if _value(one) == said["signed"]["value"] for target in one["target"]}
    found = [_words(one) for one in resources if f"urn:uuid:{one['id']}" in signed]
    digests = {hashlib.sha256(words).hexdigest() for words in found if json.loads(words)["kind"] == "prescription"}
    return digests == {said["signed"]["digest"]}


def _value(provenance: dict[str, Any]) -> str:
    return str(provenance["signature"][0]["data"])


def signed_words(bundle: dict[str, Any], name: str) -> bytes:
    """The bytes in a document of this name, which it has."""
    return _words(next(one["resource"] for one in bundle["entry"] if one["fullUrl"] == name))


def _words(document: dict[str, Any]) -> bytes:
    return base64.b64decode(document["content"][0]["attachment"]["data"])


def _judged(document: dict[str, Any] | None, signature: dict[str, Any], key: bytes) -> str:
    if document is None:
        return "the signed document is missing"
    return (
        GOOD
        if verifies(_words(document), base64.b64decode(signature["data"]), key)
        else "NOT what was signed with this key"
    )


def verifies(words: bytes, signature: bytes, key: bytes) -> bool:
    """Whether the clinic's key signed exactly these bytes: ECDSA, P-256, SHA-256, over their SHA-256."""
    pem = key.lstrip().startswith(b"-----BEGIN")
    public = (serialization.load_pem_public_key if pem else serialization.load_der_public_key)(key)
    assert isinstance(public, ec.EllipticCurvePublicKey), "the clinic's key is on the curve P-256"
    try:
        public.verify(signature, hashlib.sha256(words).digest(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
