"""Deploying against a made-up AWS: what can go wrong is said in a sentence, and the second attempt succeeds."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.clinic import closing, opening
from infra.clinic.account import digest
from infra.clinic.packing import Packed
from infra.clinic.trouble import Trouble
from infra.kit import ROOT, TEMPLATES, Kit, read
from tests.kits.cloud import ACCOUNT, REGION, STACK, TOPIC, Cloud, Fault, answer, no_network, opened, refused

pytestmark = pytest.mark.slow

BUCKET = f"{STACK}-code-{ACCOUNT}-{REGION}"
NOT_YOURS = (
    "User: arn:aws:iam::123456789012:user/it is not authorized to perform: {0} on resource: {1} because no policy"
)
DONE = "<{0}Response><{0}Result/><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{0}Response>"


@pytest.fixture(scope="module")
def kit() -> Kit:
    return read(TEMPLATES / "children")


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with opened(tmp_path) as made:
        yield made


def deploy(cloud: Cloud, kit: Kit, **changes: object) -> list[str]:
    """Deploy; gives what was said."""
    cloud.said.clear()
    opening.deploy(cloud.account, cloud.order(kit, **changes), cloud.said.append)
    return cloud.said


def trouble(cloud: Cloud, kit: Kit, **changes: object) -> Trouble:
    with pytest.raises(Trouble) as caught:
        deploy(cloud, kit, **changes)
    assert caught.value.then, "what to do next is always said"
    return caught.value


def test_from_nothing_to_an_open_clinic_and_again_and_changed(cloud: Cloud, kit: Kit) -> None:
    said = deploy(cloud, kit)
    assert said[0] == f"Account {ACCOUNT}, {REGION}."
    assert "1 changes: 1 new" in said
    assert cloud.state() == "CREATE_COMPLETE"
    assert (cloud.stack.tags["clinic"], cloud.stack.tags["commit"]) == ("children", "commit-one")
    assert deploy(cloud, kit)[-2:] == [
        f"The code is in {BUCKET} already.",
        "Nothing has changed since the last deploy.",
    ]
    assert "1 changes: 1 new" in deploy(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert cloud.state() == "UPDATE_COMPLETE"
    changes = cloud.client("cloudformation").list_change_sets(StackName=STACK)["Summaries"]
    assert [one for one in changes if one["Status"] == "FAILED"] == [], "no change set is left lying about"


def test_the_code_is_uploaded_once_under_its_hash_to_a_closed_bucket(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit)
    s3 = cloud.client("s3")
    key = f"code/{digest(cloud.folder / 'one.zip')}.zip"
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == (cloud.folder / "one.zip").read_bytes()
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    rules = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def statements(cloud: Cloud) -> list[dict[str, Any]]:
    found = json.loads(cloud.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert isinstance(found, list)
    return found


def test_the_bucket_takes_no_request_without_tls(cloud: Cloud, kit: Kit) -> None:
    """And what the hospital says about its bucket stays, also when we come again."""
    deploy(cloud, kit)
    (ours,) = statements(cloud)
    assert (ours["Effect"], ours["Principal"], ours["Action"]) == ("Deny", "*", "s3:*")
    assert ours["Resource"] == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    assert ours["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    theirs = {
        **ours,
        "Sid": "Theirs",
        "Action": "s3:DeleteObject",
        "Condition": {"Bool": {"aws:ViaAWSService": "true"}},
    }
    said = json.dumps({"Version": "2012-10-17", "Statement": theirs})
    cloud.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=said)
    for code in ("two", "two"):
        deploy(cloud, kit, code=code)
        assert statements(cloud) == [theirs, ours]


FAULTS: list[tuple[str, list[Fault], tuple[str, ...]]] = [
    (
        "sts.GetCallerIdentity",
        [refused("InvalidClientTokenId", "The security token included in the request is invalid.", status=403)],
        ("Your credentials are not known to AWS", "Nothing was changed", "aws sso login"),
    ),
    (
        "sts.GetCallerIdentity",
        [refused("ExpiredToken", "The security token included in the request is expired", status=403)],
        ("Your credentials have expired", "aws sso login"),
    ),
    ("sts.GetCallerIdentity", [no_network], ("The connection to AWS was lost while asking AWS who you are",)),
    (
        "s3.CreateBucket",
        [refused("AccessDenied", NOT_YOURS.format("s3:CreateBucket", "arn:aws:s3:::b"), status=403, query=False)],
        ("You are not permitted to do s3:CreateBucket on arn:aws:s3:::b", "allow s3:CreateBucket", "docs/deploy.md"),
    ),
    ("s3.PutObject", [no_network], ("lost while uploading one.zip", "half a file is never used", "same command again")),
    (
        "cloudformation.CreateChangeSet",
        [refused("AccessDenied", NOT_YOURS.format("cloudformation:CreateChangeSet", "x"), status=403)],
        ("You are not permitted to do cloudformation:CreateChangeSet", "Nothing was changed"),
    ),
    (
        "cloudformation.CreateChangeSet",
        [refused("Throttling", "Rate exceeded")],
        ("AWS asks us to be slower", "Wait a minute"),
    ),
]


@pytest.mark.parametrize(("operation", "faults", "words"), FAULTS, ids=[f"{f[0]}: {f[2][0][:30]}" for f in FAULTS])
def test_a_fault_on_the_way_is_a_sentence_and_the_second_attempt_succeeds(
    cloud: Cloud, kit: Kit, operation: str, faults: list[Fault], words: tuple[str, ...]
) -> None:
    cloud.wire.next(operation, *faults)
    found = trouble(cloud, kit)
    for word in words:
        assert word in f"{found.what} {found.then}"
    deploy(cloud, kit)
    assert cloud.state() == "CREATE_COMPLETE"


def test_a_name_that_somebody_else_has_is_passed_over(cloud: Cloud, kit: Kit) -> None:
    cloud.wire.next("s3.HeadBucket", refused("403", status=403, query=False))
    cloud.wire.next("s3.CreateBucket", refused("BucketAlreadyExists", status=409, query=False))
    said = deploy(cloud, kit)
    (uploaded,) = [line for line in said if line.startswith("Uploaded")]
    assert f"to {BUCKET}." not in uploaded
    assert cloud.state() == "CREATE_COMPLETE"


def test_when_every_name_is_taken_it_says_so(cloud: Cloud, kit: Kit) -> None:
    cloud.wire.next("s3.CreateBucket", *[refused("BucketAlreadyExists", status=409, query=False)] * 3)
    assert "belongs to somebody else" in trouble(cloud, kit).what
    deploy(cloud, kit)
    assert cloud.state() == "CREATE_COMPLETE"


@pytest.mark.parametrize("tags", [{}, {"clinic": "lakeside"}])
def test_a_stack_of_somebody_elses_under_our_name_is_left_alone(cloud: Cloud, kit: Kit, tags: dict[str, str]) -> None:
    deploy(cloud, kit)
    cloud.stack.tags, before = tags, cloud.stack.template
    for state in ("CREATE_COMPLETE", "ROLLBACK_COMPLETE"):
        cloud.stack.status = state
        found = trouble(cloud, kit, code="two", AlarmTopic=TOPIC)
        assert f"The name {STACK} is taken" in found.what
        assert "--stack" in found.then
        with pytest.raises(Trouble, match="is taken"):
            closing.close(cloud.account, STACK, kit.name, cloud.said.append)
        assert (cloud.stack.template, cloud.stack.status) == (before, state)
    elsewhere = dataclasses.replace(cloud.order(kit, table=False, AlarmTopic=TOPIC), stack="clinic-another")
    opening.deploy(cloud.account, elsewhere, cloud.said.append)


def test_what_cannot_be_packed_is_said_before_anything_is_uploaded(cloud: Cloud, kit: Kit) -> None:
    def broken(kit: Kit, *, tree: bool, arch: str) -> Packed:
        raise subprocess.CalledProcessError(1, ["/usr/bin/git", "archive", "HEAD"])

    with pytest.raises(Trouble, match="git archive HEAD failed.*Nothing was changed") as caught:
        opening.deploy(cloud.account, dataclasses.replace(cloud.order(kit), pack=broken), cloud.said.append)
    assert "network" in caught.value.then
    assert not [one for one in cloud.wire.asked if one.startswith("s3.")]
    deploy(cloud, kit)


def test_a_start_whose_answer_was_lost_is_not_called_nothing(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit)
    cloud.wire.next("cloudformation.ExecuteChangeSet", no_network)
    found = trouble(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert "may have begun" in found.what
    assert "Nothing was changed" not in found.what
    deploy(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert cloud.state() == "UPDATE_COMPLETE"


def test_an_own_bucket_that_may_not_be_looked_into_is_a_missing_permission(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit)
    cloud.wire.next("s3.HeadBucket", refused("403", status=403, query=False))
    assert "You are not permitted to do s3:ListBucket" in trouble(cloud, kit).what


@pytest.mark.parametrize("state", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])
def test_what_a_failed_first_attempt_left_is_removed_and_the_clinic_opens(cloud: Cloud, kit: Kit, state: str) -> None:
    deploy(cloud, kit, table=False, AlarmTopic=TOPIC)
    cloud.stack.status = state
    said = deploy(cloud, kit)
    assert "Removing what is left of it ..." in said
    assert cloud.state() == "CREATE_COMPLETE"


@pytest.mark.parametrize("state", ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"])
def test_while_somebody_else_deploys_this_one_waits_its_turn(cloud: Cloud, kit: Kit, state: str) -> None:
    deploy(cloud, kit)
    cloud.stack.status = state
    found = trouble(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert f"being changed right now ({state})" in found.what
    assert "s3.PutObject" not in cloud.wire.asked[-3:], "nothing is packed or uploaded meanwhile"
    cloud.stack.status = "UPDATE_COMPLETE"
    deploy(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert cloud.state() == "UPDATE_COMPLETE"


def test_of_two_deploys_at_once_one_is_told_and_its_second_attempt_succeeds(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit)

    def theirs_first() -> object:
        cloud.stack.status = "UPDATE_IN_PROGRESS"
        return refused("InvalidChangeSetStatus", "ChangeSet cannot be executed in its current execution status")()

    cloud.wire.next("cloudformation.ExecuteChangeSet", theirs_first)
    found = trouble(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert "Somebody else's deploy of clinic-riverside began a moment before" in found.what
    cloud.stack.status = "UPDATE_COMPLETE"
    deploy(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert cloud.state() == "UPDATE_COMPLETE"


def test_a_deploy_that_begins_while_this_one_is_prepared_is_told(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit)

    def theirs_first() -> object:
        cloud.stack.status = "UPDATE_IN_PROGRESS"
        said = f"Stack:{STACK} is in UPDATE_IN_PROGRESS state and can not be updated."
        return refused("ValidationError", said)()

    cloud.wire.next("cloudformation.CreateChangeSet", theirs_first)
    found = trouble(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert "Somebody else's deploy" in found.what
    cloud.stack.status = "UPDATE_COMPLETE"
    deploy(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert cloud.state() == "UPDATE_COMPLETE"


def test_an_update_that_could_not_be_taken_back_is_finished_first(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit)
    cloud.stack.status = "UPDATE_ROLLBACK_FAILED"

    def taken_back() -> object:
        cloud.stack.status = "UPDATE_ROLLBACK_COMPLETE"
        return answer(200, DONE.format("ContinueUpdateRollback"))

    cloud.wire.next("cloudformation.ContinueUpdateRollback", taken_back)
    assert any("Finishing that first" in line for line in deploy(cloud, kit, code="two", AlarmTopic=TOPIC))
    assert cloud.state() == "UPDATE_COMPLETE"


def test_a_stack_that_could_not_be_removed_is_named(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit)
    cloud.stack.status = "DELETE_FAILED"
    assert "was being removed and could not be" in trouble(cloud, kit).what


def test_a_lost_network_while_watching_is_waited_out(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit)
    order = cloud.order(kit, code="two", AlarmTopic=TOPIC)
    begun = cloud.wire.asked.count("cloudformation.DescribeStackEvents")

    def lost_after_the_start() -> None:
        cloud.wire.next("cloudformation.DescribeStacks", no_network, no_network)

    cloud.wire.next("cloudformation.ExecuteChangeSet", lost_after_the_start)
    opening.deploy(cloud.account, order, cloud.said.append)
    assert cloud.state() == "UPDATE_COMPLETE"
    assert cloud.wire.asked.count("cloudformation.DescribeStackEvents") >= begun + 3


def test_a_network_that_stays_lost_is_said_and_the_second_attempt_finds_it_done(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit)

    def gone() -> None:
        cloud.wire.next("cloudformation.DescribeStackEvents", *[no_network] * 41)

    cloud.wire.next("cloudformation.ExecuteChangeSet", gone)
    found = trouble(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert "AWS goes on by itself" in found.what
    assert deploy(cloud, kit, code="two", AlarmTopic=TOPIC)[-1] == "Nothing has changed since the last deploy."


def test_a_change_that_would_lose_the_records_is_refused(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit, AlarmTopic=TOPIC)
    found = trouble(cloud, kit, code="two", table=False, AlarmTopic=TOPIC)
    assert "ClinicTable (AWS::DynamoDB::Table) removed" in found.what
    assert cloud.state() == "CREATE_COMPLETE"


def test_what_failed_first_is_named_with_the_permission_it_lacked(cloud: Cloud, kit: Kit) -> None:
    deploy(cloud, kit)

    def fails() -> object:
        why = NOT_YOURS.format("sns:CreateTopic", "arn:aws:sns:x")
        cloud.stack._add_stack_event("UPDATE_FAILED", why)
        cloud.stack.status = "UPDATE_ROLLBACK_COMPLETE"
        return answer(200, DONE.format("ExecuteChangeSet"))

    cloud.wire.next("cloudformation.ExecuteChangeSet", fails)
    found = trouble(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert f"{STACK}: User:" in found.what
    assert "the clinic is open as it was" in found.what
    assert "allow sns:CreateTopic" in found.then
    deploy(cloud, kit, code="two", AlarmTopic=TOPIC)
    assert cloud.state() == "UPDATE_COMPLETE"


PACKS = """
import signal, sys
from infra import package
signal.signal(signal.SIGINT, signal.default_int_handler)  # what is started in the background is born without it
try:
    package.apart([sys.executable, "-c", "import sys, time; print('runs', flush=True); time.sleep(60)"])
except KeyboardInterrupt:
    print("stopped")
"""


def test_who_stops_while_it_packs_sees_no_trace() -> None:
    """A terminal tells the keys Ctrl-C to whatever runs in it, the programs that we have started too."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", PACKS], cwd=ROOT, text=True, start_new_session=True, **pipes) as child:
        assert child.stdout
        assert child.stdout.readline() == "runs\n"
        os.killpg(child.pid, signal.SIGINT)
        assert child.communicate(timeout=60) == ("stopped\n", "")
