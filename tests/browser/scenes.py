"""Every scene there is. The tour plays them all."""

from tests.browser import scenes_arriving, scenes_number, scenes_parcels, scenes_staff, scenes_visit, scenes_working
from tests.browser.tour import Scene

SCENES: tuple[Scene, ...] = (
    scenes_visit.whole_visit,
    scenes_arriving.danger_sign,
    scenes_arriving.wrong_answers,
    scenes_arriving.child,
    scenes_arriving.waiting_room,
    scenes_arriving.other_phone,
    scenes_arriving.run_out,
    scenes_arriving.lost_answers,
    scenes_arriving.without_a_line,
    scenes_arriving.how_good_the_times_are,
    scenes_number.family,
    scenes_number.found_again,
    scenes_working.signing_in,
    scenes_staff.letting_in,
    scenes_staff.outside_care,
    scenes_working.on_duty,
    scenes_working.handed_back,
    scenes_working.warned,
    scenes_working.outcomes,
    scenes_working.desk,
    scenes_working.closing_time,
    scenes_working.vanished,
    scenes_working.staffing,
    scenes_parcels.nobody_at_home,
    scenes_parcels.collected,
)

# Played once more in browsers without scripts: every step of a patient, and the staff pages that have a script.
WITHOUT_SCRIPTS: tuple[Scene, ...] = (
    scenes_visit.whole_visit,
    scenes_arriving.danger_sign,
    scenes_arriving.wrong_answers,
    scenes_arriving.child,
    scenes_arriving.waiting_room,
    scenes_arriving.other_phone,
    scenes_arriving.lost_answers,
    scenes_number.found_again,
    scenes_arriving.how_good_the_times_are,
    scenes_working.handed_back,
    scenes_working.warned,
    scenes_working.desk,
    scenes_staff.outside_care,
)
