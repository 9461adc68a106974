"""What a kit says to CloudFormation: the parameters of the stack, and their values for this clinic."""

from collections.abc import Mapping
from typing import Any

from infra import stack


def parameters() -> dict[str, dict[str, Any]]:
    """Every parameter the stack has, as its parts declare them."""
    declared: dict[str, dict[str, Any]] = stack.assemble({"timezone": "UTC"})["Parameters"]
    return declared


def values(said: Mapping[str, Any]) -> dict[str, str]:
    """The parameters this kit sets; all others keep the template's default."""
    known = parameters()
    derived = {"AlarmEmail": said["alarm_email"], "Timezone": said["timezone"]}
    mine = {name: value for name, value in derived.items() if name in known and value}
    return {name: _text(value) for name, value in {**mine, **said.get("stack", {})}.items()}


def _text(value: object) -> str:
    """CloudFormation takes texts; TOML's true and false are its "on" and "off"."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
