"""The house rules, checked on every run: who may import whom, how long a file may be, and what is never done."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib import log
from chalicelib.rooms import FOUNDATION, PATH
from chalicelib.rooms.permission import MAY
from chalicelib.visit import ACTS

ROOT = Path(__file__).parents[2]
FUNCTION_LINES_MAX = 50
FILE_LINES_MAX = 400

# What each part may import of the house. Rooms are further ordered by FOUNDATION and PATH, acts of the visit by ACTS.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "app": ("doors", "outside"),
    "doors": (
        "doors",
        "outside",
        "log",
        "store.names",
        "store.records",
        "store.staff",
        "visit",
        "rooms",
        "refusal",
        "clinic",
    )
    + ("store.keys", "store.chain", "store.roots"),  # the clock signs the audit
    "visit": ("visit", "rooms", "refusal"),
    "store": ("store", "rooms", "refusal", "clinic", "log"),
    "outside": ("outside", "rooms.notice", "refusal"),  # a driver says what came of it in the room's words
    "clinic": ("rooms",),
    "rooms": ("rooms", "refusal"),
    "refusal": (),
    "log": (),
}
PURE = {"chalicelib", "collections", "dataclasses", "datetime", "decimal", "enum", "typing"}
PURE |= {"base64", "contextlib", "hashlib", "hmac", "json", "math", "re", "unicodedata"}  # the same bytes in, the same bytes out
NEVER_IN_LAMBDA = {"infra", "templates", "tests", "bench", "moto", "pytest"}

# Files and functions that may be longer than the rest, each with the reason.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}

# Writes of the store without a condition, each with the reason why it needs none.
UNCONDITIONAL = {
    "lanes.draw": "a counter: added twice it leaves a hole, never a double",
    "lanes.let_go": "takes one word out of a set: twice is once",
    "writing._write_seen": "the newest sign of life, in the transaction of a desk that is written on condition",
    "writing._count_presence": "a counter, in the transaction of a desk that is written on condition",
    "staff.sign_out": "a session that is gone is gone, whether it was there or not",
    "staff.forget_tries": "tries that turned out right are forgotten, whoever counted last",
}


def tracked(*endings: str) -> list[Path]:
    """Every file that is, or is about to be, in the repository."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    paths = (ROOT / name for name in dict.fromkeys(names.split("\0")) if name.endswith(endings))
    return sorted(path for path in paths if path.is_file())


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


PYTHON = tracked(".py")
HOUSE = [path for path in PYTHON if short(path) == "app.py" or short(path).startswith("chalicelib/")]
STORE = [path for path in HOUSE if path.parent.name == "store"]
each = pytest.mark.parametrize("path", HOUSE, ids=short)
every = pytest.mark.parametrize("path", PYTHON, ids=short)


def part(path: Path) -> str:
    """Which part of the house a file belongs to: app, doors, visit, store, rooms, outside, clinic, refusal."""
    inside = path.relative_to(ROOT).with_suffix("").parts
    return inside[0] if len(inside) == 1 else inside[1]


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules a file imports, wherever in the file it does."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{short(path)}: import by full name, so that the direction can be read"
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                yield deeper if _is_module(deeper) else str(node.module)


def _is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            yield ast.unparse(inner.func), inner


@each
def test_imports_point_one_way(path: Path) -> None:
    if short(path) == "chalicelib/__init__.py":
        assert not list(imports(path))
        return
    for name in imports(path):
        pieces = name.split(".")
        assert pieces[0] not in NEVER_IN_LAMBDA, f"{short(path)} runs in Lambda and may not import {name}"
        if pieces[0] != "chalicelib":
            continue
        inside = ".".join(pieces[1:])
        allowed = MAY_IMPORT[part(path)]
        assert any(inside == a or inside.startswith(f"{a}.") for a in allowed), f"{part(path)} may not import {name}"


@each
def test_a_room_knows_only_the_rooms_before_it_and_nothing_but_plain_python(path: Path) -> None:
    if part(path) != "rooms" or path.name == "__init__.py":
        return
    order = (*FOUNDATION, *PATH)
    assert path.stem in order, f"give {path.stem} its place in rooms/__init__.py"
    for name in imports(path):
        pieces = name.split(".")
        assert pieces[0] in PURE, f"a room is pure, but {short(path)} imports {name}"
        if pieces[:2] == ["chalicelib", "rooms"]:
            assert order.index(pieces[2]) < order.index(path.stem), f"{path.stem} comes before {pieces[2]}"


@each
def test_an_act_of_the_visit_knows_only_the_acts_before_it(path: Path) -> None:
    if part(path) != "visit" or path.name == "__init__.py":
        return
    assert path.stem in ACTS, f"give {path.stem} its place in visit/__init__.py"
    for name in imports(path):
        pieces = name.split(".")
        if pieces[:2] == ["chalicelib", "visit"]:
            assert ACTS.index(pieces[2]) < ACTS.index(path.stem), f"{path.stem} comes before {pieces[2]}"


@each
def test_rooms_and_visit_ask_nobody_for_the_time_or_for_luck(path: Path) -> None:
    if part(path) not in ("rooms", "visit"):
        return
    asked = {name for name, _ in calls(tree(path))}
    clocks = {name for name in asked if name.split(".")[-1] in ("now", "utcnow", "today", "monotonic", "sleep")}
    luck = {name for name in asked if name.split(".")[-1] in ("uuid4", "token_hex", "token_urlsafe", "randbelow")}
    outside = asked & {"open", "input", "print", "eval", "exec", "__import__"}
    assert not clocks | luck | outside, f"{short(path)} must be handed what it calls for"
    known = {name.split(".")[0] for name in imports(path)}
    assert not known & {"time", "random", "secrets", "uuid", "os", "pathlib", "socket", "boto3", "botocore", "pynamodb"}


@each
def test_only_the_store_knows_dynamodb_and_only_doors_know_http(path: Path) -> None:
    for name in imports(path):
        root = name.split(".")[0]
        assert root not in ("pynamodb", "boto3") or part(path) == "store", f"{short(path)} imports {name}"
        assert root != "chalice" or part(path) in ("doors", "app"), f"{short(path)} imports {name}"


@each
def test_nothing_prints_and_nothing_scans(path: Path) -> None:
    names = {name for name, _ in calls(tree(path))}
    assert "print" not in names, f"{short(path)} prints: Lambda keeps that, whatever it says"
    scans = {name for name in names if name.split(".")[-1] in ("scan", "parallel_scan")}
    assert not scans, f"{short(path)} reads the whole table: {scans}"


# Who writes where Lambda keeps it but through chalicelib/log.py, each with the reason.
OTHER_LOGS = {
    "chalicelib/log.py": "the one that does",
    "chalicelib/outside/metrics.py": "counts of the whole clinic, in CloudWatch's own format",
    "chalicelib/outside/sms.py": "its double says texts on a developer's machine; the clinic's own driver says nothing",
}


@each
def test_only_one_place_writes_into_the_log(path: Path) -> None:
    """Everything else goes through `log.note`, which knows which fields there are."""
    if short(path) in OTHER_LOGS:
        return
    writers = ("getLogger", "basicConfig", "warn", "warning", "exception", "critical", "print_exc", "print_exception")
    for name, _ in calls(tree(path)):
        *of, last = name.split(".")
        assert last not in writers, f"{short(path)} calls {name}"
        assert of[:1] != ["sys"] or of[-1] not in ("stdout", "stderr"), f"{short(path)} calls {name}"
        assert not (of and of[-1].lower() in ("log", "logger", "logging")) or last == "note", f"{short(path)}: {name}"


@each
def test_what_is_logged_is_on_the_list_and_is_named_where_it_is_said(path: Path) -> None:
    for name, call in calls(tree(path)):
        if name in ("note", "log.note") and ast.unparse(call.args[0]).startswith("logging."):
            assert isinstance(call.args[1], ast.Constant), f"{short(path)}: an event is a word of ours"
            for keyword in call.keywords:
                assert keyword.arg in {*log.FIELDS, None}, f"{short(path)} logs {keyword.arg}"


@every
def test_functions_fit_on_a_screen(path: Path) -> None:
    for node in functions(path):
        name = f"{short(path)}:{node.name}"
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines >= FUNCTION_LINES_MAX:
            assert name in LONG_FUNCTIONS, f"{name} has {lines} lines: too long to read at once"


@pytest.mark.parametrize("path", tracked(".py", ".html", ".js", ".css"), ids=short)
def test_files_fit_in_a_head(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines < FILE_LINES_MAX or short(path) in LONG_FILES, f"{short(path)} has {lines} lines"


def test_the_exceptions_are_still_needed() -> None:
    for name in LONG_FILES:
        assert (ROOT / name).read_text(encoding="utf-8").count("\n") >= FILE_LINES_MAX, f"{name} became short"
    long = {f"{short(path)}:{node.name}" for path in PYTHON for node in functions(path)}
    assert set(LONG_FUNCTIONS) <= long


@every
def test_every_file_says_in_its_first_line_what_it_is(path: Path) -> None:
    said = ast.get_docstring(tree(path)) or ""
    first = said.split("\n")[0]
    assert first, f"{short(path)} does not say what it is"
    sentence = re.match(r"[^\s].*?[.!?](?=\s|$)", first)
    assert sentence, f"{short(path)}: the first line should begin with a sentence to repeat: {first}"


@every
def test_nothing_is_mocked_by_patching(path: Path) -> None:
    froms = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in froms for alias in node.names} | set(imports(path))
    assert not [name for name in names if "mock" in name.split(".")[:2]], short(path)
    put = [call for name, call in calls(tree(path)) if name == "monkeypatch.setattr"]
    assert all([ast.unparse(arg) for arg in call.args[:2]] == ["manners", "'clock'"] for call in put), short(path)


def test_every_limit_is_kept_somewhere() -> None:
    made: dict[str, Path] = {}
    used: dict[str, int] = {}
    for path in [p for p in PYTHON if part(p) not in ("tests", "house")]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Name | ast.Attribute):
                name = node.id if isinstance(node, ast.Name) else node.attr
                if name.endswith("_MAX") and isinstance(node.ctx, ast.Store):
                    made[name] = path
                elif name.endswith("_MAX"):
                    used[name] = used.get(name, 0) + 1
    forgotten = {name: short(path) for name, path in made.items() if name not in used}
    assert not forgotten, f"limits that limit nothing: {forgotten}"


def test_every_write_of_the_store_has_a_condition() -> None:
    bare: set[str] = set()
    for path in STORE:
        for node in functions(path):
            for name, call in calls(node):
                keywords = {keyword.arg for keyword in call.keywords}
                writes = name.split(".")[-1] in ("save", "update", "delete") and "." in name
                of_a_set = bool(call.args) and not name.startswith("transaction.")  # Attribute.delete({...}): an action
                if writes and not of_a_set and "condition" not in keywords and _innermost(path, call, node):
                    bare.add(f"{path.stem}.{node.name}")
    bare -= {"writing.build"}  # hands over to the writers below it
    assert bare == set(UNCONDITIONAL), "a write without a condition needs its reason in UNCONDITIONAL, and no other"


def _innermost(path: Path, call: ast.Call, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether no function inside this one holds the call."""
    return not any(
        call in ast.walk(inner)
        for inner in ast.walk(function)
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner is not function
    )


def test_no_path_of_one_machine_is_kept() -> None:
    theirs = re.compile(rb"(?<![\w.])/(?:home|root|Users|work)/\w")
    found = {}
    for path in tracked(""):
        data = path.read_bytes()
        if b"\0" not in data and (hit := theirs.search(data)):
            found[short(path)] = data[hit.start() : hit.start() + 60]
    assert not found


def _deeds_of_doors() -> set[str]:
    worn = set()
    for path in (ROOT / "chalicelib" / "doors").glob("*.py"):
        for name, call in calls(tree(path)):
            if name.split(".")[-1] == "polite" and call.args and isinstance(call.args[0], ast.Constant):
                worn.add(str(call.args[0].value))
    return worn


def test_doors_wear_only_deeds_that_somebody_may_do() -> None:
    assert _deeds_of_doors() <= set(MAY)


def test_every_deed_that_somebody_may_do_has_a_door() -> None:
    assert set(MAY) - {"let_go"} <= _deeds_of_doors()  # a part of forgetting: each ticket of the phone by itself


def test_every_deed_of_the_visit_is_reached_from_a_door() -> None:
    visit = [path for path in HOUSE if part(path) == "visit"]
    deeds = {
        node.name
        for path in visit
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and _takes_an_errand(node)
    }
    reached = set()
    for path in [p for p in HOUSE if part(p) in ("doors", "visit")]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Name | ast.Attribute):
                reached.add(node.id if isinstance(node, ast.Name) else node.attr)
    assert deeds <= reached


def _takes_an_errand(node: ast.FunctionDef) -> bool:
    first = [*node.args.posonlyargs, *node.args.args][:1]
    return bool(first) and first[0].annotation is not None and ast.unparse(first[0].annotation) == "Errand"
