"""The two DynamoDBs of a machine without AWS: moto in this process, or dynoxide beside it, which can keep a file."""

import base64
import contextlib
import ctypes
import hashlib
import io
import os
import platform
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

DYNOXIDE_VERSION = "1.2.1"
DYNOXIDE_TARBALL = f"@dynoxide/linux-x64/-/linux-x64-{DYNOXIDE_VERSION}.tgz"
DYNOXIDE_SHA512 = "sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg=="
DYNOXIDE = ROOT / ".tools" / f"dynoxide-{DYNOXIDE_VERSION}"
DOWNLOAD_SECONDS_MAX = 120
MOTO_ACCOUNT = "123456789012"
START_SECONDS_MAX = 10
STOP_SECONDS_MAX = 5

# What keeps every call on this machine, whatever the person's own AWS settings are.
LOCAL = {
    "TABLE": "clinic",
    "ROOTS_BUCKET": "local",  # signed roots of the audit are kept in this process
    "SMS_PROVIDER": "local",  # texts are kept and shown here; none is sent
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "AWS_XRAY_SDK_ENABLED": "false",
}
NEVER_LOCAL = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_KMS",
)


class NotHere(Exception):
    """This machine cannot run dynoxide, or could not fetch it. The message is for the person at the keyboard."""


def keep_local() -> None:
    """Point every AWS client this process will make at this machine. Call before chalicelib or botocore is imported."""
    for name in NEVER_LOCAL:
        os.environ.pop(name, None)
    os.environ.update(LOCAL)


@contextlib.contextmanager
def moto() -> Iterator[None]:
    """A DynamoDB in this process, and a KMS with the signing key. They forget everything when the block ends."""
    from moto import mock_aws
    from moto.kms.models import kms_backends

    from infra.local.steady_moto import steady

    with steady(), mock_aws():
        keys = kms_backends[MOTO_ACCOUNT][LOCAL["AWS_REGION"]]
        key = keys.create_key(None, "SIGN_VERIFY", "ECC_NIST_P256", "Signs notes and prescriptions", None)
        with _environment(SIGNING_KEY=key.id, AWS_ENDPOINT_URL_KMS=None):
            yield


@contextlib.contextmanager
def _environment(**settings: str | None) -> Iterator[None]:
    """These settings for the length of the block, and afterwards what was there before; None is not set at all."""
    before = {name: os.environ.get(name) for name in settings}
    try:
        _set(settings)
        yield
    finally:
        _set(before)


def _set(settings: dict[str, str | None]) -> None:
    for name, value in settings.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextlib.contextmanager
def dynoxide(file: Path | None = None) -> Iterator[str]:
    """A DynamoDB in a process of its own, in memory or in `file`. Yields its address; ends the process at the end.

    The address is also put where every AWS client looks for it; beside it answers a KMS that signs, whose key is kept
    next to `file`. Raises NotHere.
    """
    from infra.local import signer

    program = fetch_dynoxide()
    port = free_port()
    keep = ["--db-path", str(file)] if file else []
    child = subprocess.Popen(
        [program, "serve", "--port", str(port), *keep],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: the database closes after the last answer, not before
        preexec_fn=_die_with_parent,  # no thread of ours exists yet that could hold a lock
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(child, port)
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = address
        key = file.with_name(f"{file.name}.key") if file else None
        with signer.kms(key) as kms, _environment(SIGNING_KEY=signer.KEY, AWS_ENDPOINT_URL_KMS=kms):
            yield address
    finally:
        os.environ.pop("AWS_ENDPOINT_URL_DYNAMODB", None)
        child.terminate()
        try:
            child.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stderr:
            child.stderr.close()


def fits_here() -> bool:
    """Whether there is a dynoxide for this kind of machine at all."""
    return (platform.system(), platform.machine()) == ("Linux", "x86_64")


def fetch_dynoxide() -> Path:
    """The dynoxide program, downloaded once from the npm registry (no Node needed) and checked against its hash."""
    program = DYNOXIDE / "dynoxide"
    if program.exists():
        return program
    if not fits_here():
        raise NotHere(
            f"dynoxide is not available for {platform.system()} on {platform.machine()}, only for Linux on x86_64."
        )
    packed = _download()
    if base64.b64encode(hashlib.sha512(packed).digest()).decode() != DYNOXIDE_SHA512:
        raise NotHere("The dynoxide that came from the npm registry is not the file it should be; it was not used.")
    DYNOXIDE.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        member = tar.extractfile("package/dynoxide")
        assert member is not None, "the hash was right, so the program is in it"
        fresh = DYNOXIDE / f"dynoxide.{os.getpid()}"
        fresh.write_bytes(member.read())
    fresh.chmod(0o755)
    fresh.rename(program)  # whole or not at all, also when two test runs fetch at once
    return program


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _download() -> bytes:
    registry = os.environ.get("NPM_CONFIG_REGISTRY") or _npm_style("registry") or "https://registry.npmjs.org"
    address = f"{registry.rstrip('/')}/{DYNOXIDE_TARBALL}"
    if not address.startswith(("https://", "http://")):
        raise NotHere(f"The npm registry {registry} is not a web address.")
    try:
        with urllib.request.urlopen(address, timeout=DOWNLOAD_SECONDS_MAX) as answer:  # noqa: S310  # checked above
            packed: bytes = answer.read()
    except urllib.error.URLError as why:
        raise NotHere(f"Could not fetch dynoxide from {address}: {why.reason}.") from why
    return packed


def _npm_style(setting: str) -> str | None:
    """npm reads, and passes on, its settings as lower-case variables."""
    return os.environ.get(f"npm_config_{setting}")


def _die_with_parent() -> None:
    """Linux: if we are killed without a chance to clean up, so is the database."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def _wait_for(child: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until:
        if child.poll() is not None:
            said = child.stderr.read().decode(errors="replace").strip() if child.stderr else ""
            raise NotHere(f"dynoxide could not start: {said or child.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.005)
    raise NotHere(f"dynoxide did not answer within {START_SECONDS_MAX} seconds.")


def main() -> None:
    """Fetch dynoxide if this machine can run it; `make test` asks for it once, before the first test."""
    try:
        fetch_dynoxide()
    except NotHere as why:
        print(f"{why} Tests that need it will say that they were skipped.", file=sys.stderr)


if __name__ == "__main__":
    main()
