"""The zip: exactly what Lambda needs, in the form Lambda is quick with, the same bytes every time."""

import importlib.util
import json
import marshal
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from jinja2 import ModuleLoader

from infra.package import PLATFORMS, ROOT, SERVICES, TASK_ROOT, tree_files
from tests.deploy.conftest import build

pytestmark = pytest.mark.zip

OURS = {"LICENSE", "__pycache__", "app.py", "chalicelib"}
THEIRS = {
    "aws_xray_sdk",
    "botocore",
    "chalice",
    "dateutil",
    "jinja2",
    "jmespath",
    "markupsafe",
    "pynamodb",
    "segno",
    "six.py",
    "tzdata",
    "urllib3",
    "wrapt",
}
ZIP_BYTES_MAX = 6_000_000
STREAM = {
    "DescribeStream",
    "GetRecords",
    "GetShardIterator",
    "ListStreams",
}  # read by Lambda itself, in the function's name
# Each of these costs a cold start milliseconds; the page, route or request that needs it imports it.
LATER = {"asyncio", "aws_xray_sdk", "jinja2", "segno", "wrapt"}
LATER |= {f"chalicelib.doors.{name}" for name in ("answers", "clock", "contract", "typeset")} | {
    "chalicelib.rooms.fhir"
}
UNCHECKED_HASH = 0b01  # PEP 552: never compared with the source's date, which Chalice sets to 1980


def names_in(package: Path) -> list[str]:
    with zipfile.ZipFile(package / "deployment.zip") as packed:
        return packed.namelist()


def test_the_zip_holds_the_clinic_its_libraries_and_nothing_else(package: Path) -> None:
    tops = {name.split("/")[0] for name in names_in(package)}
    assert {top for top in tops if not top.endswith(".dist-info")} == OURS | THEIRS


def test_every_file_of_chalicelib_was_in_the_checkout(package: Path) -> None:
    packed = {name for name in names_in(package) if name.startswith("chalicelib/") and "__pycache__" not in name}
    here = {path.relative_to(ROOT).as_posix() for path in tree_files()}
    here = {re.sub(r"(pages/texts/.*)\.po$", r"\1.mo", name) for name in here if name.startswith("chalicelib/")}
    here = {re.sub(r"pages/([^/]*\.html)$", _compiled, name) for name in here}
    assert packed == here


def _compiled(page: re.Match[str]) -> str:
    """A page lies in the zip as the module that Jinja will look for."""
    return f"pages/compiled/{ModuleLoader.get_module_filename(page[1])}"


def test_pages_are_compiled_and_need_no_compiler(task: Path) -> None:
    """Every page can be got in every language, with its compiled module and without Jinja's parser."""
    code = (
        "import sys; from chalicelib.doors import typeset, words\n"
        "for language in words.LANGUAGES:\n"
        "    for name in sys.argv[1:]: typeset.environment(language).get_template(name)\n"
        "print(len(words.LANGUAGES))"
    )
    names = [path.name for path in (ROOT / "chalicelib" / "pages").glob("*.html")]
    settings = {"PATH": os.environ["PATH"], "PYTHONPATH": str(task), "AWS_DEFAULT_REGION": "eu-west-1"}
    command = [sys.executable, "-S", "-B", "-c", code, *names]
    said = subprocess.run(command, cwd=task, env=settings, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert int(said.stdout) >= 2, "English and Chinese"


def test_nothing_private_or_half_made_is_in_it(package: Path) -> None:
    unwanted = re.compile(r"(^|/)\.|\.(po|swp|orig|db|pem|key|pyi)$")
    certificates = "botocore/cacert.pem"  # whom to trust; public
    assert [name for name in names_in(package) if unwanted.search(name) and name != certificates] == []


def test_every_module_has_bytecode_that_lambda_will_use(task: Path) -> None:
    for source in task.rglob("*.py"):
        compiled = Path(importlib.util.cache_from_source(str(source))).read_bytes()
        assert int.from_bytes(compiled[4:8], "little") == UNCHECKED_HASH, source
        assert compiled[8:16] == importlib.util.source_hash(source.read_bytes()), f"{source} changed after compiling"
        assert marshal.loads(compiled[16:]).co_filename == f"{TASK_ROOT}/{source.relative_to(task)}"  # noqa: S302


def test_no_path_of_the_building_machine_is_in_it(task: Path) -> None:
    here = str(ROOT).encode()
    assert [str(path) for path in task.rglob("*") if path.is_file() and here in path.read_bytes()] == []


def test_botocore_knows_only_the_services_the_clinic_calls(task: Path) -> None:
    data = task / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == SERVICES
    partitions = json.loads((data / "endpoints.json").read_text())["partitions"]
    assert set().union(*(partition["services"] for partition in partitions)) == SERVICES
    assert "eu-west-1" in partitions[0]["regions"]


def test_botocore_knows_of_dynamodb_what_the_functions_may_do(task: Path) -> None:
    policies = [json.loads(path.read_text()) for path in (ROOT / ".chalice").glob("policy-*.json")]
    actions = {action for policy in policies for one in policy["Statement"] for action in one["Action"]}
    table = {action.partition(":")[2] for action in actions if action.startswith("dynamodb:")} - STREAM
    model = json.loads((task / "botocore/data/dynamodb/2012-08-10/service-2.json").read_text())
    assert set(model["operations"]) == table | {"TransactWriteItems"}, "its parts are what is permitted"
    assert "TransactionCanceledException" in model["shapes"], "shapes are there with what is in them"


def test_nothing_is_imported_for_what_a_page_may_not_need(task: Path) -> None:
    code = "import app, sys; print(*sys.modules)"
    settings = {"PATH": os.environ["PATH"], "PYTHONPATH": str(task), "AWS_DEFAULT_REGION": "eu-west-1"}
    settings |= {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000"}
    command = [sys.executable, "-S", "-B", "-c", code]
    loaded = subprocess.run(command, cwd=task, env=settings, capture_output=True, text=True, check=True).stdout.split()
    assert "chalicelib.doors.manners" in loaded
    assert LATER & set(loaded) == set()


@pytest.mark.parametrize("arch", sorted(PLATFORMS))
def test_a_commit_makes_the_same_bytes_every_time(tmp_path: Path, arch: str) -> None:
    once, again = (build(tmp_path / name, "--arch", arch) for name in ("once", "again"))
    for name in ("deployment.zip", "sam.json"):
        assert (again / name).read_bytes() == (once / name).read_bytes(), name


def test_the_zip_is_small(package: Path) -> None:
    assert (package / "deployment.zip").stat().st_size < ZIP_BYTES_MAX
