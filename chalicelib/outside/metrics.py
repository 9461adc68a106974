"""Metrics: counts that CloudWatch reads out of one line of the log. Of the whole clinic, never of a person."""

import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime

NAMESPACE = "CloudClinic"


def put(counts: Mapping[str, float], at: datetime) -> None:
    """One line in CloudWatch's embedded metric format, where the stack has named the clinic (CLINIC); else nothing.

    A line and not a call: it costs no request and no permission, and cannot fail.
    """
    clinic = os.environ.get("CLINIC")
    if not clinic:
        return
    metrics = [{"Name": name, "Unit": "Count"} for name in counts]
    about = {"Namespace": NAMESPACE, "Dimensions": [["Clinic"]], "Metrics": metrics}
    told = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [about]}
    sys.stdout.write(json.dumps({"_aws": told, "Clinic": clinic, **counts}) + "\n")
    sys.stdout.flush()
