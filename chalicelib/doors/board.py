"""The public door: the board every waiting phone reads, our few files, and a sign of life."""

from chalice import Blueprint

from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import FOREVER, PUBLIC_BOARD, SERVED, Answer, Data, Raw
from chalicelib.refusal import NotFound
from chalicelib.visit import arriving

door = Blueprint(__name__)


@door.route("/board/{department}")
@polite("look")
def board(asked: Asked) -> Answer:
    """One queue's counts and pace; the same for everybody, so one answer serves thousands for five seconds."""
    return Data(data=arriving.board(asked.errand, department=asked.path["department"]), cache=PUBLIC_BOARD)


@door.route("/s/{file}")
@polite("look")
def file(asked: Asked) -> Answer:
    """A script or picture under the name that carries its hash; kept by browsers for good."""
    name = asked.path["file"]
    found = next((one for one in SERVED.values() if one.marked == name), None)
    if found is None:
        raise NotFound()
    return Raw(body=found.body, headers={"Content-Type": found.kind, "Cache-Control": FOREVER})


@door.route("/health")
@polite("look")
def health(asked: Asked) -> Answer:
    """The function answers. It asks nothing of the database, so a slow table does not take the clinic off the air."""
    return Data(data={"status": "ok"}, cache="no-store")
