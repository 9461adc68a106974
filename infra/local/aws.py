"""AWS on this machine, to rehearse a deployment: ministack in an environment of its own, on this machine only.

It builds the stack from the template, calls the zip behind API Gateway, from the table's stream and by the clock. What
it cannot do is in docs/deploy.md. It does not do the SAM transform, so `local` does, and names to every function where
this AWS is.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local.engine import ROOT, NotHere, free_port

REQUIREMENTS = ROOT / "requirements-rehearse.txt"
START_SECONDS_MAX = 60
STACK_SECONDS_MAX = 120
STOP_SECONDS_MAX = 10
REGION = "eu-west-1"
# Nothing that listens on every address of the machine, and only what the stack needs.
QUIET = {"BIND_HOST": "127.0.0.1", "LAMBDA_EXECUTOR": "local", "MINISTACK_REGION": REGION, "IOT_MTLS_ENABLED": "0"}

Template = dict[str, Any]


def program() -> Path:
    """ministack, installed once for these pins. Raises NotHere."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    home = ROOT / ".tools" / f"ministack-{pins}"
    done = home / "done"
    if not done.exists():
        print(f"Installing ministack into {home.relative_to(ROOT)} (once) ...", flush=True)
        venv.create(home, with_pip=True, clear=True)
        install = [
            str(home / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        said = subprocess.run([*install, "-r", str(REQUIREMENTS)], capture_output=True, text=True, check=False)
        if said.returncode:
            raise NotHere(f"ministack could not be installed:\n{said.stderr}")
        done.touch()
    return home / "bin" / "ministack"


@contextlib.contextmanager
def aws(log: Path) -> Iterator[str]:
    """A whole local AWS for the length of the block; gives its address. What it says goes into `log`."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(log.parent),
        "TMPDIR": str(log.parent),
        "GATEWAY_PORT": str(port),
    }
    with log.open("wb") as said:
        child = subprocess.Popen([program()], env=settings | QUIET, stdout=said, stderr=said, start_new_session=True)
        try:
            _wait_for(child, address, log)
            yield address
        finally:
            child.terminate()
            try:
                child.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _wait_for(child: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while child.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(address, timeout=1).close()  # noqa: S310  # our own address
            return
        time.sleep(0.1)
    raise NotHere(f"ministack did not start:\n{log.read_text(errors='replace')[-2000:]}")


def local(sam: Template, address: str, bucket: str, key: str, **given: str) -> Template:
    """The template as CloudFormation builds it (the SAM transform is CloudFormation's own part of the work), with one
    thing added: every function's calls go to this AWS."""
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    sam = json.loads(json.dumps(sam))
    for resource in sam["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
    sam["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = address
    parameters = {name: each["Default"] for name, each in sam["Parameters"].items()} | given
    here = boto3.Session(region_name=REGION)
    made: Template = Translator({}, Parser(), boto_session=here).translate(sam, parameters, feature_toggle=None)
    return made


def deploy(cloudformation: Any, s3: Any, package: Path, address: str, stack: str, **given: str) -> dict[str, str]:
    """Create or update the stack from a package; gives its outputs. Raises RuntimeError: what CloudFormation says."""
    zipped = (package / "deployment.zip").read_bytes()
    key = f"{hashlib.sha256(zipped).hexdigest()}.zip"
    bucket = f"{stack}-packages"
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=bucket, Key=key, Body=zipped)
    template = local(json.loads((package / "sam.json").read_text()), address, bucket, key, **given)
    s3.put_object(Bucket=bucket, Key=f"{key}.json", Body=json.dumps(template).encode())
    asked = {
        "StackName": stack,
        "TemplateURL": f"{address}/{bucket}/{key}.json",
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    }
    exists = any(one["StackName"] == stack for one in cloudformation.describe_stacks()["Stacks"])
    (cloudformation.update_stack if exists else cloudformation.create_stack)(**asked)
    state = wait(cloudformation, stack)
    if state["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [
            f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}"
            for e in events
            if "FAILED" in e["ResourceStatus"]
        ]
        raise RuntimeError(f"{state['StackStatus']}: {failed}")
    return {one["OutputKey"]: one["OutputValue"] for one in state["Outputs"]}


def wait(cloudformation: Any, stack: str) -> dict[str, Any]:
    """The stack when it has come to rest. Raises TimeoutError."""
    until = time.monotonic() + STACK_SECONDS_MAX
    while time.monotonic() < until:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        if "IN_PROGRESS" not in found["StackStatus"]:
            return found
        time.sleep(0.2)
    raise TimeoutError(stack)


if __name__ == "__main__":
    try:
        program()
    except NotHere as why:
        sys.exit(str(why))
