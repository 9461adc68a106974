"""The button that lets a browser be woken, where it can be; the worker and the push service are played here."""

from collections.abc import Iterator

import botocore.session
import pytest
from playwright.sync_api import expect

from chalicelib.outside import push
from chalicelib.rooms.queue import Ticket
from chalicelib.store import names, records
from tests.browser.conftest import NewStage
from tests.browser.live import Clinic
from tests.browser.people import Patient

ENDPOINT = "https://fcm.googleapis.com/fcm/send/anns-browser"
# A worker is there, its owner says yes, and the vendor gives an address; the clinic's half is the real one.
PLAYED = """
const gives = { subscribe: asked => {
  window.asked = { visible: asked.userVisibleOnly, letters: asked.applicationServerKey.length };
  return Promise.resolve({ endpoint: '%s' });
} };
const worker = Promise.resolve({ pushManager: gives });
Object.defineProperty(navigator, 'serviceWorker', { value: { ready: worker, register: () => worker } });
Object.defineProperty(Notification, 'permission', { get: () => 'default' });
Notification.requestPermission = () => Promise.resolve('%s');
"""
WORDS = "() => caches.open('wake').then(c => c.match('/wake-words')).then(r => r ? r.json() : null)"


@pytest.fixture
def key(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kms = botocore.session.get_session().create_client("kms", region_name="eu-west-1")
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    monkeypatch.setenv("PUSH_KEY", made)
    for kept in (push._kms, push._point):
        kept.cache_clear()
    yield
    for kept in (push._kms, push._point):
        kept.cache_clear()


def waiting(new_stage: NewStage, language: str, answer: str) -> Patient:
    patient = new_stage(language).patient()
    patient.page.add_init_script(PLAYED % (ENDPOINT, answer))
    patient.goes_to("")
    patient.joins()
    return patient


def visit_of(patient: Patient) -> Ticket:
    return names.ticket_of(patient.page.url.partition("?")[0].rpartition("/")[2])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_phone_that_can_be_woken_says_so_and_keeps_the_words(new_stage: NewStage, key: None, language: str) -> None:
    patient = waiting(new_stage, language, "granted")
    patient.presses("Tell me when it is nearly my turn")
    expect(patient.page.locator("#wake [role=status]")).to_have_text(patient.t("This phone will tell you."))
    assert patient.page.evaluate("window.asked") == {"visible": True, "letters": 65}
    wake = records.wake(visit_of(patient))
    assert wake is not None
    assert wake.endpoint == ENDPOINT
    words = patient.page.evaluate(WORDS)
    assert words["body"] == patient.t("It is nearly your turn. Open your ticket.")
    assert patient.page.url.endswith(words["url"])


def test_who_says_no_is_told_what_that_means(new_stage: NewStage, key: None) -> None:
    patient = waiting(new_stage, "en", "denied")
    patient.presses("Tell me when it is nearly my turn")
    expect(patient.page.locator("#wake [role=status]")).to_contain_text("Leave the page open instead.")
    assert records.wake(visit_of(patient)) is None


def test_no_button_where_no_script_runs(new_stage: NewStage, key: None) -> None:
    patient = new_stage("en", script=False).patient()
    patient.goes_to("")
    patient.joins()
    expect(patient.page.locator("#wake")).to_have_count(1)
    expect(patient.button("Tell me when it is nearly my turn")).to_have_count(0)
