"""`make package`: what is deployed, built from committed files only and the same every time.

out/deployment.zip is what Lambda runs; out/sam.json is everything else, a CloudFormation template for
`aws cloudformation package` and `deploy`. Chalice makes both; around it we see to what it leaves open: a clean
export to work in, libraries for Lambda's platform, bytecode that Lambda can use (it would otherwise compile every
file at every cold start), a zip whose bytes depend on nothing but the commit.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from infra import stack

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out"
INGREDIENTS = (
    "app.py",
    "chalicelib",
    ".chalice",
    "infra/stack",
    "infra/outside.json",
    "requirements.txt",
    "LICENSE",
)
PLATFORMS = {
    "x86_64": ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64"),
    "arm64": ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_28_aarch64"),
}
SERVICES = frozenset(
    {"cognito-idp", "dynamodb", "kms", "s3", "sns", "xray"}
)  # what is called from Lambda; botocore knows some 400 more
ON_TABLE = frozenset(
    {"BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"}
)  # of DynamoDB's 60 or so: botocore reads them all and makes a method of each at every cold start
CALL_OUTSIDE = ("policy-api.json", "policy-sweep.json")  # the functions that use what the kit switches on
UNUSED = (
    "bin",
    "share",
    "botocore/data/*/*/examples-1.json*",
    "**/*.c",
    "**/*.pyi",
    "**/py.typed",
    *(f"*.dist-info/{note}" for note in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")),
)
ADDED_BY_CHALICE = "chalice"  # puts the half of itself that runs in Lambda into the zip
MERGED = "stack.json"  # in the export: the stack's parts together, as Chalice wants them
STAGE = "live"  # Chalice tags the function with it; a hospital has one stack, not stages
COMPILE_PAGES = (
    "typeset.environment('en').compile_templates(typeset.COMPILED, extensions=['html'], zip=None, ignore_errors=False)"
)
TASK_ROOT = "/var/task"  # where Lambda unpacks the zip: tracebacks name files as they are there
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say


def main() -> int:
    parser = argparse.ArgumentParser(prog="make package")
    parser.add_argument("--arch", choices=sorted(PLATFORMS), default="x86_64")
    parser.add_argument("--tree", action="store_true", help="the files as they lie here, committed or not")
    parser.add_argument("--out", type=Path, default=OUT)
    wishes = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clinic-") as folder:
        build = Path(folder)
        if wishes.tree:
            copy_tree(build)
        else:
            export_head(build)
        make(build, wishes.arch, wishes.out)
    size = (wishes.out / "deployment.zip").stat().st_size
    print(f"{_shown(wishes.out)}/deployment.zip  {size / 1e6:.1f} MB for {wishes.arch}, Python {_python()}")
    print(f"{_shown(wishes.out)}/sam.json")
    print("from the files as they lie here" if wishes.tree else f"from commit {_head()}")
    return 0


def export_head(build: Path) -> None:
    """The last commit's files: what lies about in this checkout, a note or a key, can never be deployed."""
    packed = subprocess.run(["git", "archive", "HEAD", "--", *INGREDIENTS], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        tar.extractall(build, filter="data")


def copy_tree(build: Path) -> None:
    """The same files as they lie here, for trying a change before it is committed. Ignored files stay behind."""
    for path in tree_files():
        target = build / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def tree_files() -> list[Path]:
    """What a deployment is made from, as it lies here."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *INGREDIENTS]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def make(build: Path, arch: str, out: Path) -> None:
    """Turn a clean export in `build` into out/deployment.zip and out/sam.json."""
    compile_texts(build / "chalicelib" / "pages" / "texts")
    compile_pages(build)
    clinic = json.loads((build / "chalicelib" / "clinic.json").read_text())
    permit(build, clinic)
    shutil.copytree(libraries(build / "requirements.txt", arch, clinic["timezone"]), build / "vendor")
    (build / "requirements.txt").write_text("# all of it is in vendor/\n")  # or Chalice would fetch it again
    config = build / ".chalice" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"lambda_architecture": arch}))
    raw, task = build / "raw", build / "task"
    _chalice(build, raw)
    with zipfile.ZipFile(raw / "deployment.zip") as packed:
        packed.extractall(task)  # noqa: S202  # made a line ago
    shutil.copyfile(build / "LICENSE", task / "LICENSE")
    for ours in ("app.py", "chalice", "chalicelib"):
        _precompile(task / ours, task)
    out.mkdir(parents=True, exist_ok=True)
    _zip(task, out / "deployment.zip")
    template = stack.finish(json.loads((raw / "sam.json").read_text()), sys.version_info[:2])
    (out / "sam.json").write_text(json.dumps(template, indent=1, sort_keys=True) + "\n")


def permit(build: Path, kit: dict[str, Any]) -> None:
    """Give the functions what the kit's services outside need; a service that is not used is not permitted."""
    parts = json.loads((build / "infra" / "outside.json").read_text())
    whole = stack.assemble(kit, build / "infra" / "stack")
    policies = {path: json.loads(path.read_text()) for path in (build / ".chalice").glob("policy-*.json")}
    used = {"sms": kit.get("sms", {}).get("provider") == "sns", "push": kit.get("push", {}).get("on") is True}
    for part in (parts[name] for name, on in used.items() if on):
        for may in (policies[path] for path in policies if path.name in CALL_OUTSIDE):
            may["Statement"].append(part["Statement"])
        whole["Globals"]["Function"]["Environment"]["Variables"] |= part["Variables"]
        whole["Resources"] |= part["Resources"]
    for path, may in policies.items():
        path.write_text(json.dumps(may))
    (build / MERGED).write_text(json.dumps(whole))


def compile_texts(folder: Path) -> None:
    """Leave the compiled translations in place of their sources."""
    for source in sorted(folder.glob("*.po")):
        with source.open("rb") as text, source.with_suffix(".mo").open("wb") as compiled:
            catalogue = read_po(text)
            catalogue.creation_date = catalogue.revision_date = datetime(*EPOCH, tzinfo=UTC)  # else Babel writes now
            write_mo(compiled, catalogue)
        source.unlink()


def compile_pages(build: Path) -> None:
    """Leave the pages as Python modules in place of their templates: a cold start compiles nothing.

    In a process of its own, since it is the export's pages that are compiled, with the export's settings.
    """
    code = f"from chalicelib.doors import typeset; {COMPILE_PAGES}"
    settings = {"PYTHONHASHSEED": "0", "PYTHONPATH": str(build), "PYTHONDONTWRITEBYTECODE": "1"}
    apart([sys.executable, "-c", code], cwd=build, env=os.environ | settings)
    for source in (build / "chalicelib" / "pages").glob("*.html"):
        source.unlink()
    shutil.rmtree(build / "chalicelib" / "pages" / "own", ignore_errors=True)  # a kit's pages: compiled like ours


def apart(words: list[str], **more: Any) -> None:
    """Run a program that the terminal's Ctrl-C does not reach: we end it ourselves, and no trace of it is shown."""
    subprocess.run(words, check=True, start_new_session=True, **more)


def libraries(requirements: Path, arch: str, zone: str) -> Path:
    """The pinned libraries for Lambda's platform, trimmed and precompiled. Kept: the next build needs no network."""
    lines = requirements.read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith(("#", ADDED_BY_CHALICE))]
    recipe = "\n".join([*pins, arch, zone, _python(), Path(__file__).read_text()])
    kept = ROOT / ".tools" / f"libraries-{arch}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    if kept.exists():
        return kept
    kept.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        fresh = Path(folder) / "vendor"
        platforms = [f"--platform={name}" for name in PLATFORMS[arch]]
        apart(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--no-compile",
            ]
            + ["--only-binary=:all:", "--implementation=cp", f"--python-version={_python()}", *platforms]
            + [f"--target={fresh}", *pins],
        )
        _trim(fresh, zone)
        _precompile(fresh, fresh)
        fresh.rename(kept)
    return kept


def _trim(vendor: Path, zone: str) -> None:
    """Drop what never runs: other services, other time zones, type stubs, installers' notes. Licences stay."""
    _slim(vendor / "botocore" / "data")
    zones = vendor / "tzdata" / "zoneinfo"
    ours = {zones, zones / "__init__.py", zones / zone, *(zones / zone).parents}
    for path in sorted(zones.rglob("*"), reverse=True):
        if path not in ours and not (path.name == "__init__.py" and path.parent in ours):
            path.rmdir() if path.is_dir() else path.unlink()
    for pattern in UNUSED:
        for path in list(vendor.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _slim(data: Path) -> None:
    """botocore reads these at every cold start: without the manual and everybody else's addresses, 45 ms sooner."""
    for service in data.iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    for packed in sorted(data.glob("*/*/*.json.gz")):
        model = _without_manual(json.loads(gzip.decompress(packed.read_bytes())))
        if packed.match("dynamodb/*/service-2.json.gz"):
            model = _with_only(ON_TABLE, model)
        packed.with_suffix("").write_text(json.dumps(model, separators=(",", ":")))
        packed.unlink()
    endpoints = data / "endpoints.json"
    known = json.loads(endpoints.read_text())
    for partition in known["partitions"]:
        partition["services"] = {name: at for name, at in partition["services"].items() if name in SERVICES}
    endpoints.write_text(json.dumps(known, separators=(",", ":")))


def _with_only(names: frozenset[str], model: dict[str, Any]) -> dict[str, Any]:
    """A service with these of its operations, and the shapes they are made of."""
    operations = {name: operation for name, operation in model["operations"].items() if name in names}
    needed: set[str] = set()
    parts: list[Any] = [operations]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            shape = part.get("shape")
            if isinstance(shape, str) and shape not in needed:
                needed.add(shape)
                parts.append(model["shapes"][shape])
            parts += part.values()
        elif isinstance(part, list):
            parts += part
    shapes = {name: shape for name, shape in model["shapes"].items() if name in needed}
    return {**model, "operations": operations, "shapes": shapes}


def _without_manual(model: Any) -> Any:
    if isinstance(model, dict):
        is_text = isinstance(model.get("documentation"), str)
        return {k: _without_manual(v) for k, v in model.items() if not (is_text and k == "documentation")}
    return [_without_manual(each) for each in model] if isinstance(model, list) else model


def _precompile(what: Path, root: Path) -> None:
    """Bytecode Lambda accepts: Chalice dates every file 1980, so it must be of the kind that asks for no date."""
    apart(
        [sys.executable, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
        + ["-s", str(root), "-p", TASK_ROOT, str(what)],
    )


def _chalice(build: Path, raw: Path) -> None:
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(build),
        "AWS_DEFAULT_REGION": os.environ.get(
            "AWS_DEFAULT_REGION", "eu-west-1"
        ),  # Chalice insists; nothing depends on it
        "AWS_XRAY_SDK_ENABLED": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    said = subprocess.run(
        [
            Path(sys.executable).with_name("chalice"),
            "package",
            "--stage",
            STAGE,
            "--merge-template",
            MERGED,
            str(raw),
        ],
        cwd=build,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    # Chalice only warns when a library is missing from the zip, and succeeds.
    if said.returncode or "Could not install" in said.stdout + said.stderr:
        raise SystemExit(f"chalice package failed:\n{said.stdout}{said.stderr}")


def _zip(task: Path, target: Path) -> None:
    """Sorted and dated alike: a commit has one zip, whatever disk it was built on."""
    files = sorted(path for path in task.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as fresh:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(task).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            fresh.writestr(entry, path.read_bytes())


def _head() -> str:
    said = subprocess.run(["git", "log", "-1", "--format=%h %s"], cwd=ROOT, check=True, capture_output=True, text=True)
    return said.stdout.strip()


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    sys.exit(main())
