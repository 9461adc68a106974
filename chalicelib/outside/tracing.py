"""X-Ray: one subsegment per deed, with the visit's opaque name as its only annotation, of requests that are sampled."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

NAME_MAX = 200
E = TypeVar("E")
A = TypeVar("A")


def is_sampled() -> bool:
    """Lambda says with each request whether its trace is kept; of the others nobody sees anything."""
    if os.environ.get("AWS_XRAY_SDK_ENABLED", "true").lower() == "false":
        return False
    return "Sampled=1" in os.environ.get("_X_AMZN_TRACE_ID", "").split(";")


def traced(event: E, answer: Callable[[E], A]) -> A:
    """Chalice's middleware around whatever Lambda is asked: from the first that is sampled, every AWS call is seen. The
    SDK is a fifteenth of a cold start, so not before."""
    if is_sampled():
        _see_every_call()
    return answer(event)


@functools.cache
def _see_every_call() -> None:
    from aws_xray_sdk.core import patch, xray_recorder

    xray_recorder.configure(context_missing="IGNORE_ERROR")
    patch(("botocore",))  # the classes, so also clients that are there already


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
    if not is_sampled():
        return None
    from aws_xray_sdk.core import xray_recorder

    try:
        return xray_recorder if xray_recorder.current_segment() is not None else None
    except Exception:  # the SDK raises its own kinds where no segment is open
        return None
