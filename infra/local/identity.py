"""DOUBLE of Cognito for one machine: moto's user pool, with the second factor that moto does not check.

moto keeps users, passwords and challenges and signs real tokens; but it takes any six digits for a code, gives every
user the same seed, and lets people without a second factor in. Here a pool with `MfaConfiguration: ON` means it: nobody
gets
a token without a code of RFC 6238 that was not used before. The driver that talks to it is the deployed one. None of
this is packaged: a deployed clinic cannot have it.
"""

import base64
import gzip
import hashlib
import hmac
import importlib.resources
import json
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.outside import identity
from chalicelib.outside.identity import Pool
from chalicelib.outside.tokens import Keys

TEMPLATE = Path(__file__).resolve().parents[1] / "stack" / "staff.json"
STEP_SECONDS, DIGITS, WINDOW = 30, 6, 1  # RFC 6238 with the values of every authenticator app; one step of grace
REGION = "eu-west-1"
LOG = logging.getLogger("clinic.codes")


def code_of(seed: str, at: float) -> str:
    """The six digits of this half minute (RFC 6238, HMAC-SHA1)."""
    return _code(seed, int(at) // STEP_SECONDS)


def _code(seed: str, step: int) -> str:
    key = base64.b32decode(seed)
    digest = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


@dataclass(slots=True)
class Authenticator:
    """One user's second factor: the seed, whether its first code was shown, and the last half minute used."""

    seed: str
    confirmed: bool = False
    last_step: int = 0

    def takes(self, code: str, at: float) -> bool:
        """A right code once, never again, and none from before one that was used."""
        now = int(at) // STEP_SECONDS
        for step in range(max(now - WINDOW, self.last_step + 1), now + WINDOW + 1):
            if hmac.compare_digest(_code(self.seed, step), code):
                self.last_step = step
                return True
        return False


class Cognito:
    """A cognito-idp client whose second factor is real; everything else is moto's."""

    def __init__(self, moto: Any, clock: Callable[[], float]) -> None:
        self.moto, self.clock = moto, clock
        self.apps: dict[str, Authenticator] = {}
        self.held: dict[str, tuple[str, dict[str, Any]]] = {}  # session -> whose, and moto's answer until the code came

    def __getattr__(self, name: str) -> Any:
        return getattr(self.moto, name)

    def admin_initiate_auth(self, **said: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.moto.admin_initiate_auth(**said)
        if said["AuthFlow"] == "REFRESH_TOKEN_AUTH" or answer.get("ChallengeName") == "NEW_PASSWORD_REQUIRED":
            return answer
        return self._hold(said["AuthParameters"]["USERNAME"], answer)

    def admin_respond_to_auth_challenge(self, **said: Any) -> dict[str, Any]:
        username = said["ChallengeResponses"]["USERNAME"]
        if said["ChallengeName"] == "NEW_PASSWORD_REQUIRED":
            answer = self.moto.admin_respond_to_auth_challenge(**said)
            if answer.get("ChallengeName") == "MFA_SETUP":
                setting_up = said | {"ChallengeName": "MFA_SETUP", "Session": answer["Session"]}
                answer = self.moto.admin_respond_to_auth_challenge(**setting_up)
            return self._hold(username, answer)
        owner, answer = self._held(said["Session"])
        if owner != username:
            raise _refusal("NotAuthorizedException")
        app = self.apps.get(owner)
        if said["ChallengeName"] == "SOFTWARE_TOKEN_MFA":
            if app is None or not app.takes(said["ChallengeResponses"]["SOFTWARE_TOKEN_MFA_CODE"], self.clock()):
                raise _refusal("CodeMismatchException")
        elif app is None or not app.confirmed:
            raise _refusal("NotAuthorizedException")
        del self.held[said["Session"]]
        return answer

    def associate_software_token(self, **said: Any) -> dict[str, Any]:
        owner, _ = self._held(said["Session"])
        self.apps[owner] = Authenticator(_seed())
        return {"SecretCode": self.apps[owner].seed, "Session": said["Session"]}

    def verify_software_token(self, **said: Any) -> dict[str, Any]:
        if "AccessToken" in said:
            owner = self.moto.get_user(AccessToken=said["AccessToken"])["Username"]
        else:
            owner, _ = self._held(said["Session"])
        app = self.apps.get(owner)
        if app is None or not app.takes(said["UserCode"], self.clock()):
            raise _refusal("EnableSoftwareTokenMFAException")
        app.confirmed = True
        return {"Status": "SUCCESS", "Session": said.get("Session", "")}

    def admin_delete_user(self, **said: Any) -> Any:
        self.apps.pop(said["Username"], None)
        return self.moto.admin_delete_user(**said)

    def has(self, username: str) -> None:
        """Somebody made up has an app already."""
        self.apps[username] = Authenticator(_seed(), confirmed=True)

    def codes(self) -> dict[str, str]:
        """What everybody's app shows now, for the console and the page of codes of a clinic on one machine."""
        return {id: code_of(app.seed, self.clock()) for id, app in sorted(self.apps.items())}

    def _hold(self, username: str, answer: dict[str, Any]) -> dict[str, Any]:
        session = secrets.token_urlsafe(40)
        self.held[session] = username, answer
        app = self.apps.get(username)
        name = "SOFTWARE_TOKEN_MFA" if app and app.confirmed else "MFA_SETUP"
        if app and app.confirmed:
            LOG.info("the code of %s is %s", username, code_of(app.seed, self.clock()))
        return {"ChallengeName": name, "Session": session, "ChallengeParameters": {}}

    def _held(self, session: str) -> tuple[str, dict[str, Any]]:
        if session not in self.held:
            raise _refusal("NotAuthorizedException")
        return self.held[session]


def _seed() -> str:
    return base64.b32encode(secrets.token_bytes(20)).decode()


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "double")


def open_pool(clock: Callable[[], float] = time.time) -> Pool:
    """A new user pool in moto, with the settings that are deployed, and the clinic's driver upon it."""
    from botocore.session import get_session

    moto = get_session().create_client("cognito-idp", region_name=REGION)
    resources = json.loads(TEMPLATE.read_text())["Resources"]
    wanted = resources["StaffPool"]["Properties"]
    pool = moto.create_user_pool(
        PoolName="staff",
        MfaConfiguration=wanted["MfaConfiguration"],
        Policies=wanted["Policies"],
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
        UsernameConfiguration=wanted["UsernameConfiguration"],
    )["UserPool"]["Id"]
    moto.set_user_pool_mfa_config(
        UserPoolId=pool, MfaConfiguration="ON", SoftwareTokenMfaConfiguration={"Enabled": True}
    )
    app = moto.create_user_pool_client(UserPoolId=pool, ClientName="clinic")["UserPoolClient"]["ClientId"]
    return Pool(Cognito(moto, clock), id=pool, app=app, keys=Keys(_moto_keys), clock=time.time)


def _moto_keys() -> bytes:
    """moto's own public keys: over the network it would offer them to another library than ours."""
    file = importlib.resources.files("moto.cognitoidp") / "resources" / "jwks-public.json.gz"
    return gzip.decompress(file.read_bytes())


def stand_in(clock: Callable[[], float] = time.time) -> Pool:
    """From now on the clinic of this process asks this double. Call inside moto's block."""
    pool = open_pool(clock)
    identity.instead(lambda: pool)
    return pool
