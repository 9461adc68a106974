"""Metrics: counts that CloudWatch reads out of one line of the log. Of the whole clinic, never of a person."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

NAMESPACE = "CloudClinic"
VALUES_MAX = 100  # of one metric in one line: the format's limit


def put(counts: Mapping[str, float | Sequence[float]], at: datetime) -> None:
    """One line in CloudWatch's embedded metric format, where the stack has named the clinic (CLINIC); else nothing.

    Of several values CloudWatch makes an average; an empty list says nothing. A line and not a call: it costs no
    request and no permission, and cannot fail.
    """
    clinic = os.environ.get("CLINIC")
    if not clinic:
        return
    said = {name: value[:VALUES_MAX] if isinstance(value, Sequence) else value for name, value in counts.items()}
    said = {name: value for name, value in said.items() if value != []}
    metrics = [{"Name": name, "Unit": "Count"} for name in said]
    about = {"Namespace": NAMESPACE, "Dimensions": [["Clinic"]], "Metrics": metrics}
    told = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [about]}
    sys.stdout.write(json.dumps({"_aws": told, "Clinic": clinic, **said}) + "\n")
    sys.stdout.flush()
