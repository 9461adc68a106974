"""What goes wrong between here and AWS, in a sentence that says what happened and what to do next."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSOError,
)

AGAIN = "Run the same command again."
SIGN_IN = "Sign in (`aws sso login`, or `aws configure`), check with `aws sts get-caller-identity`, and run it again."
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, SSOError)
_NO_NETWORK = (
    EndpointConnectionError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
    HTTPClientError,
)
_ON_THIS_MACHINE = (ProfileNotFound, ConfigParseError, ConfigNotFound, ProxyConnectionError)  # no retry mends them
_WRONG_KEYS = """
InvalidClientTokenId UnrecognizedClientException SignatureDoesNotMatch ExpiredToken ExpiredTokenException
RequestExpired InvalidAccessKeyId AuthFailure TokenRefreshRequired InvalidToken
"""
_DENIED = "AccessDenied AccessDeniedException UnauthorizedOperation Forbidden 403"
_SLOWER = "Throttling ThrottlingException TooManyRequestsException RequestLimitExceeded SlowDown"
_ACTION = re.compile(r"perform:? ([a-z0-9-]+:\w+)(?: on resource:? (\S+))?")
_EXPIRED = re.compile(r"expired|not yet current", re.IGNORECASE)


class Trouble(Exception):
    """What happened, and what to do next. Both are for the person at the keyboard."""

    def __init__(self, what: str, then: str) -> None:
        super().__init__(f"{what}\n{then}")
        self.what, self.then = what, then


def unanswered(command: click.Command) -> Trouble:
    """A question that nobody is there to answer: which words on the command line answer it."""
    if isinstance(command, click.Group):
        command = next(iter(command.commands.values()))
    options = [one for one in command.params if isinstance(one, click.Option)]
    flags = [one.opts[0] for one in options if one.prompt] or [one.opts[0] for one in options if one.name == "yes"]
    return Trouble(
        "A question was not answered, and there is no terminal to ask at. Nothing was changed.",
        f"Answer it on the command line, with {', '.join(flags)}; --help lists them all.",
    )


@contextmanager
def told(doing: str, *, left: str = "Nothing was changed.") -> Iterator[None]:
    """AWS's errors in words. `doing` is what was being done, `left` what is there now that it stopped halfway."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise explained(error, doing, left) from error


def explained(error: Exception, doing: str, left: str) -> Trouble:
    if isinstance(error, _ON_THIS_MACHINE):
        return _set_up_wrongly(error, doing, left)
    if isinstance(error, _NO_CREDENTIALS):
        return Trouble(f"No credentials for AWS were found while {doing}. {left}", SIGN_IN)
    if isinstance(error, _NO_NETWORK):
        return Trouble(
            f"The connection to AWS was lost while {doing}. {left}",
            f"Check the network, and HTTPS_PROXY if it is set. {AGAIN}",
        )
    if not isinstance(error, ClientError):
        return Trouble(f"It stopped while {doing}: {str(error).rstrip('.')}. {left}", AGAIN)
    code, said = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    if code in _WRONG_KEYS.split():
        why = "have expired" if _EXPIRED.search(code + said) else "are not known to AWS"
        return Trouble(f"Your credentials {why} (while {doing}). {left}", SIGN_IN)
    if code in _DENIED.split():
        return _denied(error, said, doing, left)
    if code in _SLOWER.split():
        return Trouble(f"AWS asks us to be slower (while {doing}). {left}", f"Wait a minute. {AGAIN}")
    return Trouble(
        f"AWS refused while {doing}: {(said or code).rstrip('.')}. {left}", f"Correct what it names. {AGAIN}"
    )


def _set_up_wrongly(error: Exception, doing: str, left: str) -> Trouble:
    """What is wrong with how this machine is set up is named, as the file or the variable to change."""
    facts: dict[str, Any] = getattr(error, "kwargs", {})
    if isinstance(error, ProfileNotFound):
        return Trouble(
            f"There is no profile {facts.get('profile', '')!r} for AWS on this machine (while {doing}). {left}",
            "Correct AWS_PROFILE (`aws configure list-profiles` shows them), or make it: `aws configure sso`.",
        )
    if isinstance(error, ProxyConnectionError):
        return Trouble(
            f"The proxy {_without_password(facts.get('proxy_url', ''))} does not answer (while {doing}). {left}",
            f"Correct HTTPS_PROXY in the environment, or unset it if there is no proxy. {AGAIN}",
        )
    return Trouble(
        f"The file {facts.get('path', '~/.aws/config')} cannot be read (while {doing}). {left}",
        f"Mend it: it has lines like [profile mine] and region = ap-southeast-1. {AGAIN}",
    )


def _without_password(address: object) -> str:
    return re.sub(r"//[^/@]*@", "//", str(address))


def _denied(error: ClientError, said: str, doing: str, left: str) -> Trouble:
    action, resource = denied(said) or (_asked(error), "")
    where = f" on {resource}" if resource else ""
    return Trouble(
        f"You are not permitted to do {action}{where}, which is needed for {doing}. {left}",
        f"Ask who administers the account to allow {action} (docs/deploy.md lists all that is needed). {AGAIN}",
    )


def denied(said: str) -> tuple[str, str] | None:
    """The action, and on what, that a message of IAM says is missing."""
    found = _ACTION.search(said)
    return (found[1], found[2] or "") if found else None


def _asked(error: ClientError) -> str:
    """Where AWS does not name the action: the one that was asked for. S3 says no more than 403 to HEAD."""
    service = {"HeadBucket": "s3:ListBucket", "HeadObject": "s3:GetObject"}
    return service.get(str(error.operation_name), str(error.operation_name))


def code_of(error: ClientError) -> str:
    found: Any = error.response.get("Error", {}).get("Code", "")
    return str(found)
