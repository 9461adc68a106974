"""A clinic that sends no texts: nobody can prove a number, and nothing asks for it."""

import subprocess
import sys

from infra.local.engine import ROOT

WITHOUT_TEXTS = """
import os
from infra.local import engine
engine.keep_local()
os.environ["SMS_PROVIDER"] = "none"
from tests import engines
with engines.moto_table():
    from app import app
    from tests.people import ANN, InProcess, Patient
    ann = Patient(InProcess(app), ANN)
    assert "number" not in " ".join(ann.get("/en").page.links)
    assert [form.action for form in ann.get("/en/find").page.forms] == ["/en/forget"]
    assert ann.get("/en/number").status == 404
    assert ann.post("/en/number", phone="138 0000 1234").status in (404, 422)
    assert ann.join()
    assert "Your place 1" in ann.look().words
    print("as it was")
"""


def test_a_clinic_without_texts_is_as_it_was() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_TEXTS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "as it was", done.stderr[-2000:]
