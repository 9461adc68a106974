"""X-Ray: one subsegment per deed, with the visit's opaque name as its only annotation; nothing where tracing is off."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

NAME_MAX = 200


def is_on() -> bool:
    """Lambda traces what it was told to trace; elsewhere somebody has to ask for it by naming a daemon."""
    if os.environ.get("AWS_XRAY_SDK_ENABLED", "true").lower() == "false":
        return False
    return "_X_AMZN_TRACE_ID" in os.environ or "AWS_XRAY_DAEMON_ADDRESS" in os.environ


def start() -> None:
    """Trace every AWS call from here on. The SDK costs 0.1 s to import, so only where somebody will look."""
    if not is_on():
        return
    from aws_xray_sdk.core import patch, xray_recorder

    xray_recorder.configure(context_missing="IGNORE_ERROR")
    patch(("botocore",))


@contextlib.contextmanager
def deed(name: str, visit: str = "") -> Iterator[None]:
    """The time one deed takes. `visit` is the opaque name that addresses carry, never anything about a person."""
    recorder = _recorder()
    if recorder is None:
        yield
        return
    subsegment = recorder.begin_subsegment(name[:NAME_MAX])
    if subsegment is not None and visit:
        subsegment.put_annotation("visit", visit[:NAME_MAX])
    try:
        yield
    except Exception as broken:
        if subsegment is not None:
            subsegment.add_error_flag()
            subsegment.put_metadata("refused", type(broken).__name__)  # the class only: a message may hold words
        raise
    finally:
        if subsegment is not None:
            recorder.end_subsegment()


def _recorder() -> Any:
    """The recorder, if there is a segment to hang something under."""
    if not is_on():
        return None
    from aws_xray_sdk.core import xray_recorder

    try:
        return xray_recorder if xray_recorder.current_segment() is not None else None
    except Exception:  # the SDK raises its own kinds where no segment is open
        return None
