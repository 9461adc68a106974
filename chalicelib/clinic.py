"""This clinic: the hospital's kit as it was compiled into clinic.json, read once when Lambda wakes up."""

import json
from pathlib import Path

from chalicelib.rooms.rules import Clinic

CLINIC = Clinic.of(json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")))
