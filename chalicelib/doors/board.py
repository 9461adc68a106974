"""The public door: the board every waiting phone reads, how promises were kept, our few files, and a sign of life."""

from chalice import Blueprint

from chalicelib.doors import shown
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import FOREVER, PICTURE, PUBLIC_BOARD, PUBLIC_PAGE, SERVED, Answer, Data, Page, Raw
from chalicelib.refusal import NotFound
from chalicelib.rooms.promise import RATIOS, said
from chalicelib.store import names
from chalicelib.visit import arriving, preferring

door = Blueprint(__name__)
EXAMPLE = 20  # minutes: ratios are told as what they make of one promise


@door.route("/board/{department}")
@polite("look")
def board(asked: Asked) -> Answer:
    """One queue's counts and pace, of a department or of a doctor's own line; the same for everybody, so one answer
    serves thousands for five seconds."""
    name = asked.path["department"]
    if name.startswith("~"):
        data = preferring.board(asked.errand, doctor=names.doctor_of(name), name=name)
    else:
        data = arriving.board(asked.errand, department=name)
    return Data(data=data, cache=PUBLIC_BOARD)


@door.route("/{lang}/waits")
@polite("look")
def waits(asked: Asked) -> Answer:
    """How good our waiting times are: what was promised and what came of it, for anybody to judge."""
    kept = [shown.kept(one, asked.language) for one in arriving.kept(asked.errand)]
    return Page(
        template="waits.html",
        data={"departments": kept, "edges": RATIOS},
        extras={"example": EXAMPLE, "said": said(EXAMPLE)},
        here="waits",
        cache=PUBLIC_PAGE,
    )


@door.route("/s/{file}")
@polite("look")
def file(asked: Asked) -> Answer:
    """A script or picture under the name that carries its hash; kept by browsers for good."""
    name = asked.path["file"]
    found = next((one for one in SERVED.values() if one.marked == name), None)
    if found is None:
        raise NotFound()
    headers = {"Content-Type": found.kind, "Cache-Control": FOREVER}
    if found.kind == PICTURE:  # opened by itself it is a document: it may show the picture inside it, and nothing else
        headers["Content-Security-Policy"] = "default-src 'none'; img-src data:"
    return Raw(body=found.body, headers=headers)


@door.route("/worker.js")
@polite("look")
def worker(asked: Asked) -> Answer:
    """What opens a ticket without a line, and what a push wakes. It stands above all pages: it reaches only what is
    below it."""
    kept, woken = SERVED["worker.js"], SERVED["push.js"]
    headers = {"Content-Type": kept.kind, "Cache-Control": "public, max-age=3600"}
    return Raw(body="\n".join((kept.body, woken.body)), headers=headers)


@door.route("/openapi.json")
@polite("look")
def openapi(asked: Asked) -> Answer:
    """This clinic as programs use it: every address, what it takes, and how it refuses."""
    from chalicelib.doors import contract  # nothing else needs it, nor the shapes of every answer

    return Data(data=contract.document(door.current_app.routes), cache=PUBLIC_PAGE)


@door.route("/health")
@polite("look")
def health(asked: Asked) -> Answer:
    """The function answers. It asks nothing of the database, so a slow table does not take the clinic off the air."""
    return Data(data={"status": "ok"}, cache="no-store")
