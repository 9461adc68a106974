"""The clinic's stack in CloudFormation: created or changed through a change set, watched, and taken down again."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.clinic.account import Account
from infra.clinic.trouble import AGAIN, Trouble, code_of, denied, explained, told

EVENTS_MAX = 500
LOOKS_MAX = 1200  # an hour of looks, three seconds apart; CloudFront takes its time
LOST_LOOKS_MAX = 40  # looks without a network before we say so; AWS goes on meanwhile
# What must never be replaced or removed by a mistake: people's records, their keys, their sign-ins.
KEPT_FOR_GOOD = ("AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::Cognito::UserPool")
NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed", "no changes")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """A stack as it is now. `state` is "" if there is none."""

    state: str
    why: str
    outputs: Mapping[str, str]
    tags: Mapping[str, str]

    @property
    def busy(self) -> bool:
        return self.state.endswith("_IN_PROGRESS") and self.state != "REVIEW_IN_PROGRESS"


NONE = Standing("", "", {}, {})


def look(account: Account, name: str) -> Standing:
    with told(f"looking at the stack {name}"):
        return _look(account, name)


def _look(account: Account, name: str) -> Standing:
    try:
        (found,) = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return NONE
        raise
    return Standing(
        state=found["StackStatus"],
        why=found.get("StackStatusReason", ""),
        outputs={one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])},
        tags={one["Key"]: one["Value"] for one in found.get("Tags", [])},
    )


def parameters(account: Account, name: str) -> dict[str, str]:
    """What the stack was told when it was deployed last."""
    with told(f"looking at the stack {name}"):
        (found,) = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}


def ready(account: Account, name: str, say: Say) -> Standing:
    """Bring the stack to where it can be deployed: cleans up after an attempt that failed. Raises Trouble if not."""
    standing = look(account, name)
    if standing.busy:
        raise Trouble(
            f"The stack {name} is being changed right now ({standing.state}): somebody else deploys, or an earlier "
            "deploy still runs. Nothing was changed by this one.",
            "Wait until ./clinic status says it is complete, then deploy again: your changes come after theirs.",
        )
    if standing.state in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}:
        say(f"An earlier attempt to create {name} failed ({standing.why or standing.state}). Nobody has used it.")
        say("Removing what is left of it ...")
        take_down(account, name, say)
        return NONE
    if standing.state == "UPDATE_ROLLBACK_FAILED":
        say(f"An earlier change of {name} could not be taken back ({standing.why}). Finishing that first ...")
        with told("taking back the earlier change"):
            known = _events(account, name)
            account.client("cloudformation").continue_update_rollback(StackName=name)
        return _settled(account, name, say, known=set(known), good={"UPDATE_ROLLBACK_COMPLETE"})
    if standing.state == "DELETE_FAILED":
        raise Trouble(
            f"The stack {name} was being removed and could not be: {standing.why}. The clinic is closed.",
            "Remove what it names in the AWS console, or give up on it: ./clinic destroy, which leaves it behind. "
            "Then deploy again.",
        )
    return standing


def deploy(
    account: Account,
    name: str,
    *,
    template_url: str,
    parameters: Mapping[str, str],
    tags: Mapping[str, str],
    say: Say,
) -> Standing:
    """Create or change the stack. Gives how it stands afterwards; raises Trouble with the first thing that failed."""
    standing = ready(account, name, say)
    new = standing.state in {"", "REVIEW_IN_PROGRESS"}
    change = f"clinic-{secrets.token_hex(6)}"
    with told(f"preparing the change of {name}"):
        _propose(account, name, change, new=new, template_url=template_url, parameters=parameters, tags=tags)
        changes = _changes(account, name, change)
    if changes is None:
        _forget(account, name, change)
        say("Nothing has changed since the last deploy.")
        return standing
    try:
        _refuse_loss(name, changes)
    except Trouble:
        _forget(account, name, change)
        raise
    say(f"{len(changes)} changes: {_counted(changes)}")
    try:
        with told(f"preparing the change of {name}"):
            known = _events(account, name)
        with told(f"starting the change of {name}", left="It may have begun: ./clinic status shows it."):
            account.client("cloudformation").execute_change_set(StackName=name, ChangeSetName=change)
    except Trouble as trouble:
        raise _overtaken(account, name, change, trouble) from trouble
    return _settled(account, name, say, known=set(known), good={"CREATE_COMPLETE", "UPDATE_COMPLETE"})


def _propose(
    account: Account,
    name: str,
    change: str,
    *,
    new: bool,
    template_url: str,
    parameters: Mapping[str, str],
    tags: Mapping[str, str],
) -> None:
    account.client("cloudformation").create_change_set(
        StackName=name,
        ChangeSetName=change,
        ChangeSetType="CREATE" if new else "UPDATE",
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        ClientToken=change,
    )


def _changes(account: Account, name: str, change: str) -> list[Mapping[str, Any]] | None:
    """What would be done; None if nothing would. Raises Trouble if AWS refuses the template."""
    for _ in range(LOOKS_MAX):
        found = account.client("cloudformation").describe_change_set(StackName=name, ChangeSetName=change)
        if found["Status"] == "FAILED":
            why = str(found.get("StatusReason", ""))
            if any(words in why for words in NOTHING_TO_DO):
                return None
            raise Trouble(f"AWS does not accept the change: {why} Nothing was changed.", f"Correct it. {AGAIN}")
        if found["Status"] == "CREATE_COMPLETE":
            return [one["ResourceChange"] for one in found.get("Changes", []) if "ResourceChange" in one]
        account.wait()
    raise Trouble(f"AWS has been preparing the change of {name} for too long. Nothing was changed.", AGAIN)


def _refuse_loss(name: str, changes: list[Mapping[str, Any]]) -> None:
    """A change set says beforehand what would be replaced. A table that is replaced is an empty table."""
    for change in changes:
        lost = change["Action"] == "Remove" or change.get("Replacement") == "True"
        if lost and change["ResourceType"] in KEPT_FOR_GOOD:
            verb = "removed" if change["Action"] == "Remove" else "replaced by a new, empty one"
            raise Trouble(
                f"This would have {change['LogicalResourceId']} ({change['ResourceType']}) {verb}, with what is in "
                f"it. Nothing was changed.",
                "Go back to the version that runs (./clinic status names its commit), or move the records first.",
            )


def _counted(changes: list[Mapping[str, Any]]) -> str:
    found = [str(change["Action"]) for change in changes]
    words = {"Add": "new", "Modify": "changed", "Remove": "removed"}
    return ", ".join(f"{found.count(action)} {word}" for action, word in words.items() if action in found)


def _forget(account: Account, name: str, change: str) -> None:
    """A change set that is not used is only in the way; one that cannot be removed harms nobody."""
    try:
        account.client("cloudformation").delete_change_set(StackName=name, ChangeSetName=change)
    except (ClientError, BotoCoreError):
        return


def _overtaken(account: Account, name: str, change: str, trouble: Trouble) -> Trouble:
    """Why a prepared change did not start. One whose answer was lost may have; it is then found by the next attempt."""
    if not isinstance(trouble.__cause__, ClientError):
        return trouble
    _forget(account, name, change)
    if code_of(trouble.__cause__) != "InvalidChangeSetStatus" and not look(account, name).busy:
        return trouble
    return Trouble(
        f"Somebody else's deploy of {name} began a moment before this one. Nothing was changed by this one.",
        "Wait until ./clinic status says it is complete, then deploy again: your changes come after theirs.",
    )


def take_down(account: Account, name: str, say: Say, *, leave: tuple[str, ...] = ()) -> None:
    """Remove the stack; what its template retains stays, and `leave` (only of one that failed to be removed) too."""
    with told(f"removing the stack {name}"):
        known = _events(account, name)
        keep = {"RetainResources": list(leave)} if leave else {}
        account.client("cloudformation").delete_stack(StackName=name, **keep)
    _settled(account, name, say, known=set(known), good={"", "DELETE_COMPLETE"})


def _settled(account: Account, name: str, say: Say, *, known: set[str], good: set[str]) -> Standing:
    """Watch until AWS is done, telling each step that is not known. A lost network is waited out: AWS goes on."""
    failed: list[str] = []
    lost = 0
    for _ in range(LOOKS_MAX):
        try:
            _tell(account, name, say, known, failed)
            standing = _look(account, name)
            lost = 0
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and "does not exist" in str(error):
                standing = NONE
            elif isinstance(error, ClientError) and code_of(error) not in {"Throttling", "ThrottlingException"}:
                raise explained(error, f"watching {name}", "AWS goes on by itself.") from error
            else:
                lost += 1
                if lost > LOST_LOOKS_MAX:
                    raise _unseen(name) from error
                account.wait()
                continue
        if not standing.busy:
            return _judged(name, standing, good, failed)
        account.wait()
    raise _unseen(name)


def _unseen(name: str) -> Trouble:
    return Trouble(
        f"The connection to AWS was lost while the change of {name} was under way. AWS goes on by itself.",
        "Look with ./clinic status when the network is back; if it is complete, you are done.",
    )


def _events(account: Account, name: str) -> dict[str, Any]:
    """What has happened to the stack, the newest first, by id. No clock of ours is compared with AWS's."""
    pages = account.client("cloudformation").get_paginator("describe_stack_events")
    found = pages.paginate(StackName=name, PaginationConfig={"MaxItems": EVENTS_MAX}).build_full_result()
    return {one["EventId"]: one for one in found.get("StackEvents", [])}


def _tell(account: Account, name: str, say: Say, known: set[str], failed: list[str]) -> None:
    fresh = {id: event for id, event in _events(account, name).items() if id not in known}
    known |= set(fresh)
    for event in reversed(fresh.values()):
        state, what = event["ResourceStatus"], event["LogicalResourceId"]
        why = event.get("ResourceStatusReason", "")
        if state.endswith("_FAILED") and "cancelled" not in why:
            failed.append(f"{what}: {why}")
        if not state.endswith("_IN_PROGRESS"):
            because = f"  {why}" if why and state.endswith("_FAILED") else ""
            say(f"  {state.replace('_', ' ').lower():28} {what}{because}")


def _judged(name: str, standing: Standing, good: set[str], failed: list[str]) -> Standing:
    if standing.state in good:
        return standing
    first = failed[0] if failed else standing.why or standing.state
    what = f"{name} could not be changed: {first.rstrip('.')}. "
    if standing.state in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}:
        what += "AWS took back what it had made; a table or key that is retained may be left, empty."
    elif standing.state == "UPDATE_ROLLBACK_COMPLETE":
        what += "AWS went back to what ran before: the clinic is open as it was."
    else:
        what += f"The stack is {standing.state}."
    if missing := denied(first):
        return _raise(what, f"Ask who administers the account to allow {missing[0]}, then deploy again.")
    return _raise(what, "Correct what it names, then run the same command again: it cleans up by itself.")


def _raise(what: str, then: str) -> Standing:
    raise Trouble(what, then)
