"""Identity: proving who somebody is, by the hospital's Cognito user pool: a password, then a six-digit code (TOTP).

The pool knows passwords and second factors, and we never keep either. Password and code are sent to us over TLS, by
forms that need no script, and on to Cognito by AdminInitiateAuth, which only this function's role may call: the pool
has no client that a stranger could talk to directly, past our caps. SRP would prove a password without sending it, but
it needs a script in the browser. Nothing is imported here that a page for patients does not need: botocore's
client is made at the first sign-in.
"""

import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.outside.tokens import BadToken, Keys, claims
from chalicelib.refusal import Busy, NotFound, Refusal, SignInFirst, TooLate

CONNECT_SECONDS, ANSWER_SECONDS = 1, 4  # one try: a challenge that was answered cannot be answered again
LATER = frozenset(
    {"TooManyRequestsException", "LimitExceededException", "InternalErrorException", "ThrottlingException"}
)
WRONG_CODE = frozenset({"CodeMismatchException", "EnableSoftwareTokenMFAException", "ExpiredCodeException"})
MARK = "nickname"  # the one attribute that is kept of anybody: which slip the first password is on
WEAK = frozenset({"InvalidPasswordException", "PasswordHistoryPolicyViolationException"})


class Step(StrEnum):
    """What is asked next of somebody who signs in."""

    NEW_PASSWORD = "password"  # noqa: S105  # a step, not a password
    SET_UP = "set_up"
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """The next step. `session` is Cognito's word for how far one has come; `seed` is shown to an authenticator app."""

    step: Step
    session: str
    seed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """Password and second factor were right. `refresh` lets the second factor be asked for again without the first."""

    id: str
    refresh: str


_STEPS = {
    "NEW_PASSWORD_REQUIRED": Step.NEW_PASSWORD,
    "MFA_SETUP": Step.SET_UP,
    "SOFTWARE_TOKEN_MFA": Step.CODE,
}


class Pool:
    """One user pool. `client` is a cognito-idp client of botocore, or a double of one."""

    def __init__(self, client: Any, *, id: str, app: str, keys: Keys, clock: Callable[[], float] = time.time) -> None:
        self.client, self.id, self.app, self.keys, self.clock = client, id, app, keys, clock
        self.issuer = f"https://cognito-idp.{id.partition('_')[0]}.amazonaws.com/{id}"

    # ---- signing in

    def begin(self, id: str, password: str) -> Asks:
        """The first factor. The same refusal for an unknown name, a wrong password and somebody who is shut out."""
        try:
            said = self._ask("ADMIN_USER_PASSWORD_AUTH", USERNAME=id, PASSWORD=password)
        except (NotFound, SignInFirst):
            raise Refusal("This name and password do not belong together.", field="secret") from None
        return self._next(said)

    def new_password(self, id: str, session: str, password: str) -> Asks:
        """In place of the one on the slip."""
        return self._next(self._answer("NEW_PASSWORD_REQUIRED", id, session, NEW_PASSWORD=password))

    def set_up(self, id: str, session: str, code: str) -> Proved:
        """The first code of a new authenticator app."""
        said = _patiently(self.client.verify_software_token, Session=session, UserCode=code)
        if said.get("Status") != "SUCCESS":
            raise _wrong_code()
        return self._proved(id, self._answer("MFA_SETUP", id, said["Session"]))

    def code(self, id: str, session: str, code: str) -> Proved:
        """The second factor."""
        return self._proved(id, self._answer("SOFTWARE_TOKEN_MFA", id, session, SOFTWARE_TOKEN_MFA_CODE=code))

    def code_again(self, id: str, refresh: str, code: str) -> None:
        """The second factor alone, of somebody who is signed in. Raises Refusal for a wrong one."""
        said = self._ask("REFRESH_TOKEN_AUTH", REFRESH_TOKEN=refresh)
        token = said["AuthenticationResult"]["AccessToken"]
        self._belongs(id, token)
        if _patiently(self.client.verify_software_token, AccessToken=token, UserCode=code).get("Status") != "SUCCESS":
            raise _wrong_code()

    def _next(self, said: dict[str, Any]) -> Asks:
        step = _STEPS[said["ChallengeName"]]  # a pool that lets anybody in without a second factor is a bug: KeyError
        if step is not Step.SET_UP:
            return Asks(step=step, session=said["Session"])
        made = _patiently(self.client.associate_software_token, Session=said["Session"])
        return Asks(step=step, session=made["Session"], seed=made["SecretCode"])

    def _proved(self, id: str, said: dict[str, Any]) -> Proved:
        result = said["AuthenticationResult"]
        self._belongs(id, result["AccessToken"])
        return Proved(id=id, refresh=result["RefreshToken"])

    def _belongs(self, id: str, token: str) -> None:
        """Cognito's word is not taken for it: the token itself must say who this is, and be Cognito's."""
        try:
            said = claims(token, keys=self.keys, issuer=self.issuer, client=self.app, now=self.clock())
        except BadToken:
            raise SignInFirst("Please sign in to continue.") from None
        if said["username"] != id:
            raise SignInFirst("Please sign in to continue.")

    # ---- letting in and out

    def let_in(self, id: str, password: str, *, slip: str) -> None:
        """This first password opens the door once, and a new second factor is set up with it.

        `slip` tells a repeat of this request from an earlier one. Done again it changes nothing; once the password has
        been used it is too late. The user is made anew, the one way of which it is certain that old password, second
        factor and tokens are gone.
        """
        found = self._find(id)
        if found and {"Name": MARK, "Value": slip} in found["UserAttributes"]:
            if found["UserStatus"] != "FORCE_CHANGE_PASSWORD":
                raise TooLate("This slip has been used. Reset the sign-in again to print another.")
            return
        if found:
            self._change("admin_delete_user", id)
        _patiently(
            self.client.admin_create_user,
            UserPoolId=self.id,
            Username=id,
            TemporaryPassword=password,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": MARK, "Value": slip}],
        )

    def shut_out(self, id: str) -> None:
        """Cannot sign in any more, and old refresh tokens are worth nothing. Nobody by that name is fine too."""
        if self._find(id):
            self._change("admin_disable_user", id)
            self._change("admin_user_global_sign_out", id)

    def open_up(self, id: str) -> None:
        """The undo of `shut_out`."""
        if self._find(id):
            self._change("admin_enable_user", id)

    def sign_out(self, id: str) -> None:
        if self._find(id):
            self._change("admin_user_global_sign_out", id)

    def _find(self, id: str) -> dict[str, Any] | None:
        try:
            return _patiently(self.client.admin_get_user, UserPoolId=self.id, Username=id)
        except NotFound:
            return None

    def _change(self, operation: str, id: str) -> None:
        _patiently(getattr(self.client, operation), UserPoolId=self.id, Username=id)

    def _ask(self, flow: str, **said: str) -> dict[str, Any]:
        ask = self.client.admin_initiate_auth
        return _patiently(ask, UserPoolId=self.id, ClientId=self.app, AuthFlow=flow, AuthParameters=said)

    def _answer(self, challenge: str, id: str, session: str, **said: str) -> dict[str, Any]:
        return _patiently(
            self.client.admin_respond_to_auth_challenge,
            UserPoolId=self.id,
            ClientId=self.app,
            ChallengeName=challenge,
            Session=session,
            ChallengeResponses={"USERNAME": id, **said},
        )


def _wrong_code() -> Refusal:
    return Refusal("That code is not right. Wait for the next one and enter it.", field="code")


def _patiently(ask: Callable[..., Any], **said: Any) -> dict[str, Any]:
    """One call, its errors in our words: Busy, NotFound, SignInFirst (too late, or not allowed), or a Refusal."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        found: dict[str, Any] = ask(**said)
        return found
    except ParamValidationError:
        raise SignInFirst("That took too long. Please sign in again.") from None  # a session nobody was given
    except BotoCoreError as silent:
        raise Busy from silent
    except ClientError as refused:
        code = refused.response["Error"]["Code"]
    if code in LATER:
        raise Busy
    if code in WRONG_CODE:
        raise _wrong_code()
    if code in WEAK:
        raise Refusal("Choose a longer password: at least 12 characters, and not one you had before.", field="secret")
    if code == "UserNotFoundException":
        raise NotFound()
    raise SignInFirst("That took too long. Please sign in again.")


def _connected() -> Pool:
    """The pool that the stack has made."""
    from botocore.config import Config
    from botocore.session import get_session

    id, app = os.environ.get("STAFF_POOL", ""), os.environ.get("STAFF_CLIENT", "")
    if not id:
        raise Refusal("Signing in is not set up here.")
    brief = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    client = get_session().create_client("cognito-idp", region_name=id.partition("_")[0], config=brief)
    address = f"https://cognito-idp.{id.partition('_')[0]}.amazonaws.com/{id}/.well-known/jwks.json"
    return Pool(client, id=id, app=app, keys=Keys(functools.partial(_fetched, address)))


def _fetched(address: str) -> bytes:
    from urllib.request import urlopen

    try:
        with urlopen(address, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  # https, and made above
            return bytes(answer.read())
    except OSError as silent:
        raise Busy from silent


_way_in: list[Callable[[], Pool]] = [_connected]


@functools.cache
def pool() -> Pool:
    """The clinic's own, made once per container."""
    return _way_in[0]()


def instead(open: Callable[[], Pool]) -> None:
    """Another pool from now on: the double of a machine without AWS, which lives outside what is deployed."""
    _way_in[0] = open
    pool.cache_clear()
