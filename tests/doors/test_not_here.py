"""A patient who does not answer, and one who writes at the last moment, at the doctor's door and on their own page."""

from chalicelib.doors.form import dialled
from chalicelib.visit import seeing
from tests.doors.stories import SOAP, id_of, taken
from tests.people import Cast, Patient


def address(patient: Patient, *parts: str) -> str:
    return "/".join(("/en/doctor/visits", patient.visit, *parts))


def test_a_patient_who_does_not_answer_is_waited_for_then_passed_over_and_can_be_called_again(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.bob.join()  # so that there is somebody to let past
    got = cast.ada.get(address(cast.ann))
    assert "Give the patient until 10:03." in got.words
    assert cast.ada.post(address(cast.ann, "not-here"), epoch="1").status == 409
    cast.clock.forward(minutes=4)
    cast.ada.get(address(cast.ann))
    got = cast.ada.fill("/not-here")
    assert "Not there. The patient keeps a place" in got.words
    seen_by_ann = cast.ann.look()
    assert "We called you at 10:00 and you did not answer." in seen_by_ann.words
    got = cast.ada.fill("/call-again")
    assert "The patient does not answer" in got.words
    assert cast.ada.post(address(cast.ann, "call-again")).status == 409


def test_i_am_here_is_next(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.bob.join()
    cast.clock.forward(minutes=4)
    cast.ada.get(address(cast.ann))
    cast.ada.fill("/not-here")
    cast.ann.look()
    got = cast.ann.fill("/here")
    assert "Your place 1" in got.words
    assert "You are at the front again." in got.words


def test_of_several_at_the_front_nobody_is_told_to_be_the_next(cast: Cast) -> None:
    for patient in (cast.ann, cast.bob):
        taken(cast, patient)
    for patient in (cast.ann, cast.bob):
        seeing.hand_back(cast.errand("ada"), id=id_of(patient), epoch=1, reason="I am called away")
    assert "You are at the front: the next doctor takes you first" in cast.ann.look().words
    got = cast.bob.look()
    assert "Your doctor had to stop. You are among the first: a doctor takes you before the others" in got.words
    assert "Your place 2" in got.words


def test_a_doctor_who_comes_back_is_told_whom_the_silence_cost(cast: Cast) -> None:
    for patient in (cast.ann, cast.bob):
        taken(cast, patient)
    seeing.hand_back(cast.errand("ada"), id=id_of(cast.bob), epoch=1, reason="I am called away")
    assert "no sign of life" not in cast.ada.get("/en/doctor").words
    cast.clock.forward(minutes=11)
    cast.ann.look()
    got = cast.ada.get("/en/doctor").words
    assert "We had no sign of life from you for 10 minutes. Back at the front of the queue: Ann Smith." in got


def test_nothing_is_signed_over_words_the_doctor_cannot_have_read(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ada.get(address(cast.ann, "finish"))
    cast.ann.look()
    cast.ann.fill("/messages", text="I am allergic to ibuprofen!")
    got = cast.ada.fill("/finish", **SOAP, outcome="rest_and_observe", summary="Rest.")
    assert got.status == 409
    assert "The patient has written since you opened this page. Read it, then sign." in got.words
    assert "#heard" in got.page.links, "leads to the link that leads to the words"
    got = cast.ada.fill("/finish")
    assert "Signed and finished" in got.words, "told once; all that was typed is still there"


def test_a_phone_number_and_a_code_may_be_typed_on_any_keyboard() -> None:
    for typed in ("１３８ ００００ １２３４", "138 0000 1234", "١٣٨٠٠٠٠١٢٣٤"):
        given = dialled("phone", max=40).read([typed])
        assert str(given).replace(" ", "") == "13800001234"
    assert dialled("phone", max=40).read(["＋８６ 1"]) == "+86 1"
