"""The building: one Chalice app, its doors, its tracing. Nothing is decided here."""

import gc
from collections.abc import Mapping

gc.disable()  # nothing made while Lambda wakes up is ever garbage, and to look for it is a tenth of a cold start

from chalice import Chalice, Cron, Rate  # noqa: E402
from chalice.app import CloudWatchEvent, DynamoDBEvent  # noqa: E402

from chalicelib.doors import (  # noqa: E402
    board,
    desk,
    doctor,
    finding,
    glass,
    manners,
    number,
    patient,
    people,
    pharmacy,
    privacy,
    questions,
    record,
    sheet,
    staff,
    watch,
)
from chalicelib.outside import tracing  # noqa: E402

app = Chalice(app_name="cloud-clinic")
manners.welcome(app)
app.register_middleware(tracing.traced, "all")
app.register_blueprint(board.door)
app.register_blueprint(questions.door)
app.register_blueprint(finding.door)
app.register_blueprint(number.door)
app.register_blueprint(patient.door)
app.register_blueprint(staff.door)
app.register_blueprint(doctor.door)
app.register_blueprint(pharmacy.door)
app.register_blueprint(sheet.door)
app.register_blueprint(desk.door)
app.register_blueprint(watch.door)
app.register_blueprint(record.door)
app.register_blueprint(privacy.door)
app.register_blueprint(people.door)
app.register_blueprint(glass.door)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(event: CloudWatchEvent) -> None:
    """Once a minute: the lost, the silent and the late. Declared here and not in a Blueprint, whose event functions
    Lambda would load without this file and its tracing."""
    from chalicelib.doors import clock  # here and below: no page waits for what only the clock needs

    clock.tick()


@app.schedule(Cron("7", "*", "*", "*", "?", "*"))
def anchor(event: CloudWatchEvent) -> None:
    """Once an hour: the audit's chains, signed and locked away."""
    from chalicelib.doors import clock
    from chalicelib.outside import signing, vault

    clock.anchor(vault.vault(), signing.KMS)


@app.on_dynamodb_record(stream_arn="the table's own, named in infra/stack/tell.json", batch_size=10)
def tell(event: DynamoDBEvent) -> Mapping[str, object]:
    """A doctor has taken a patient: told now, and not at the next sweep. What fails here the sweep does."""
    from chalicelib.doors import clock

    return clock.tell((record.sequence_number, record.keys["pk"]["S"]) for record in event)


gc.freeze()
gc.set_threshold(10_000)  # of what a request makes, nearly all goes with it: not to be looked through every 700
gc.enable()
