"""What is not so any more when it could be sent is not said: see test_telling for the rest."""

from chalicelib.rooms.notice import Kind, Outcome
from tests.builders import MINUTE
from tests.visit.test_telling import Provider, asks_for_texts, clinic, notices, sweep
from tests.visit.walk import Walk

__all__ = ["clinic"]  # the fixture


def test_nearly_is_not_said_to_who_is_with_a_doctor_already(clinic: Walk) -> None:
    """The service is down for five minutes, a doctor takes the patient meanwhile, and it is up again."""
    clinic.on_duty()
    asks_for_texts(clinic)
    post = Provider(answers=[Outcome.LATER] * 2)
    sweep(clinic, post)
    clinic.take()
    post = Provider()
    sweep(clinic, post, after=5 * MINUTE)
    sweep(clinic, post, after=5 * MINUTE)
    assert [one.kind for one in post.asked] == [Kind.TURN]
    assert ("nearly", "untrue") in [(kind, state) for kind, state, *_ in notices()]
