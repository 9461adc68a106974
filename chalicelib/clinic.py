"""This clinic: the hospital's kit as it was compiled into clinic.json, read once when Lambda wakes up."""

import json
import os
from pathlib import Path

from chalicelib.rooms import kit

_KIT = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
if "SMS_PROVIDER" in os.environ:  # on a developer's machine texts are kept and shown, whatever the kit says
    _KIT["sms"] = {**_KIT.get("sms", {}), "provider": os.environ["SMS_PROVIDER"]}
CLINIC = kit.clinic(_KIT)
