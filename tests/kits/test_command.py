"""What the hospital's IT person types: each command works, or says why not and what to do next."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from botocore.exceptions import ConfigParseError, ProfileNotFound, ProxyConnectionError
from click.testing import CliRunner, Result

from infra.clinic import cost
from infra.clinic.__main__ import INTERRUPTED, again, gone_when_stopped, program
from infra.clinic.pricelist import PAGE, page
from infra.clinic.trouble import Trouble, told
from infra.kit import CLINICS, ROOT, TEMPLATES, read
from infra.kit.stack import parameters

pytestmark = pytest.mark.slow

NAME = "made-by-a-test"
SIGNED_OUT = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
}
SIGNED_OUT |= dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"))


def clinic(*words: str, answers: str = "") -> Result:
    return CliRunner().invoke(program, words, input=answers, env=SIGNED_OUT)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the kit of a test will be; gone afterwards."""
    target = CLINICS / NAME
    shutil.rmtree(target, ignore_errors=True)
    yield target
    shutil.rmtree(target, ignore_errors=True)


def test_a_new_kit_asks_ten_questions_and_is_without_a_fault(folder: Path) -> None:
    said = clinic("new", NAME, answers="fever\nRiverside\n河畔\n" + "\n" * 7)
    assert said.exit_code == 0, said.output
    assert said.output.count("]: ") == 10, said.output
    kit = read(folder)
    assert kit.said["name"] == {"en": "Riverside", "zh": "河畔"}
    assert kit.said["departments"] == read(TEMPLATES / "fever").said["departments"]
    assert f"./clinic preview {NAME}" in said.output
    assert "what a visit costs, also where it is nothing: Free of charge, 免费. It is `fee` there." in said.output
    assert "USD for 1,000 consultations" in clinic("cost", NAME).output


def test_flags_answer_for_somebody_who_is_not_asked(folder: Path) -> None:
    said = clinic("new", NAME, "--yes", "--kit", "tcm", "--patients", "77", "--email", "it@example.org")
    assert said.exit_code == 0, said.output
    assert (read(folder).said["patients_per_hour"], read(folder).said["alarm_email"]) == (77, "it@example.org")
    again = clinic("new", NAME, "--yes")
    assert again.exit_code == 1
    assert "is there already; nothing was written over" in again.output


def test_a_wrong_answer_leaves_nothing_behind_and_the_second_attempt_succeeds(folder: Path) -> None:
    said = clinic("new", NAME, "--yes", "--region", "the moon", "--patients", "-1")
    assert said.exit_code == 1
    assert "These answers make no clinic. Nothing was written." in said.output
    assert said.output.count("\n  ") == 2, said.output
    assert not folder.exists()
    assert clinic("new", NAME, "--yes", "--region", "eu-west-1").exit_code == 0
    assert read(folder).said["region"] == "eu-west-1"


OPEN_TO_ALL = "obeys the rules `demo`, for showing the clinic: nobody has to prove who they are"


def test_a_clinic_that_asks_nobody_who_they_are_is_not_opened_without_a_word(folder: Path) -> None:
    asked = clinic("new", NAME, "--policy", "demo", answers="\n" * 9).output
    assert OPEN_TO_ALL in asked
    for words in (("check", NAME), ("deploy", NAME, "--yes", "--showing"), ("deploy", NAME, "--showing")):
        assert OPEN_TO_ALL in (said := clinic(*words).output), words
        assert f"Choose another in clinics/{NAME}/clinic.toml before the first patient: docs/rules.md" in said, words
    for words in (("deploy", NAME, "--yes"), ("deploy", NAME)):
        refused = clinic(*words)
        assert refused.exit_code == 1
        assert "are for showing the clinic, not for care. Nothing was changed." in refused.output
        assert "or say --showing" in refused.output
    file = folder / "clinic.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('policy = "demo"', 'policy = "eu"'), encoding="utf-8")
    assert "for showing" not in clinic("deploy", NAME, "--yes").output


def test_a_new_clinic_obeys_the_strict_rules_and_says_what_they_need(folder: Path) -> None:
    asked = clinic("new", NAME, answers="\n" * 10).output
    assert "demo is for showing it: nobody proves who they are" in asked
    assert read(folder).said["policy"] == "strict"
    assert "a prescription needs a proven phone number, and it sends no codes" in asked
    file = folder / "clinic.toml"
    text = file.read_text(encoding="utf-8").replace('provider = "none"', 'provider = "sns"', 1)
    file.write_text(text, encoding="utf-8")
    assert "proven phone number" not in clinic("check", NAME).output


REFUSED = [
    (("check", "nowhere"), "There is no kit 'nowhere'", "./clinic new nowhere"),
    (("new", "Bad_Name", "--yes"), "cannot be a clinic's short name", "begins with a letter"),
    (("new", "general", "--yes"), "'general' is the name of a kit of ours", "./clinic new my-general --kit general"),
    (("deploy", "general", "--yes", "--showing"), "No credentials for AWS were found", "aws sso login"),
    (("upgrade", "general"), "No credentials for AWS were found", "aws sso login"),
    (("status", "general"), "No credentials for AWS were found", "aws sso login"),
    (("drill", "general"), "No credentials for AWS were found", "aws sso login"),
    (("export", "general", "--bucket", "mine"), "No credentials for AWS were found", "aws sso login"),
    (("staff", "add", "general", "--id", "a", "--called", "A", "--role", "desk"), "No credentials", "aws sso login"),
    (("destroy", "general", "--yes"), "No credentials for AWS were found", "aws sso login"),
    (("deploy", "general", "--yes", "--region", "mars-1"), "'mars-1' is not a region", "ap-southeast-1"),
    (
        ("deploy", "general", "--yes", "--endpoint", "foo"),
        "--endpoint: 'foo' is not an address",
        "http://127.0.0.1:4566",
    ),
    (("status", "general", "--endpoint", "localhost:4566"), "is not an address", "http://127.0.0.1:4566"),
    (("status", "general", "--endpoint", "http://127.0.0.1:99999"), "is not an address", "http://127.0.0.1:4566"),
    (("status", "general", "--endpoint", ""), "--endpoint: '' is not an address", "http://127.0.0.1:4566"),
    (("deploy", "general", "--yes", "--stack", "Bad_Name"), "cannot be the name of a stack", "begins with a letter"),
]


@pytest.mark.parametrize(("words", "what", "then"), REFUSED, ids=[" ".join(one[0]) for one in REFUSED])
def test_what_cannot_be_done_is_a_sentence_and_what_to_do_next(words: tuple[str, ...], what: str, then: str) -> None:
    said = clinic(*words)
    assert said.exit_code == 1
    assert isinstance(said.exception, SystemExit), said.exception
    *_, first, second = said.output.strip().splitlines()
    assert what in first
    assert then in second


SET_UP_WRONGLY: list[tuple[Exception, str, str]] = [
    (ProfileNotFound(profile="gone"), "There is no profile 'gone'", "Correct AWS_PROFILE"),
    (ConfigParseError(path="~/.aws/config"), "The file ~/.aws/config cannot be read", "Mend it"),
    (ProxyConnectionError(proxy_url="http://me:word@proxy:9"), "The proxy http://proxy:9 does not", "HTTPS_PROXY"),
]


@pytest.mark.parametrize(("error", "what", "then"), SET_UP_WRONGLY, ids=[one[1] for one in SET_UP_WRONGLY])
def test_what_is_wrong_on_this_machine_is_named_and_mended_there(error: Exception, what: str, then: str) -> None:
    with pytest.raises(Trouble) as caught, told("looking"):
        raise error
    assert what in caught.value.what
    assert then in caught.value.then


def test_a_port_that_is_taken_is_named_with_the_next(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = clinic("preview", "general", "--port", str(port))
    assert said.exit_code == 1
    assert f"Port {port} is in use.\nChoose another: ./clinic preview general --port" in said.output


def test_closing_asks_for_the_name_of_the_stack() -> None:
    said = clinic("destroy", "general", answers="clinic-generall\n")
    assert said.exit_code == 1
    assert "That is not its name. Nothing was changed." in said.output


def test_the_next_command_is_for_the_same_stack() -> None:
    local = "http://127.0.0.1:4566"
    with click.Context(program.commands["deploy"]) as context:
        assert again("staff add", "kids") == "./clinic staff add kids"
        context.params = {"stack": "clinic-two", "region": None, "endpoint": local, "yes": True}
        assert again("staff add", "kids") == f"./clinic staff add kids --stack clinic-two --endpoint {local}"
        assert again("status", "kids", without=("endpoint",)) == "./clinic status kids --stack clinic-two"


def test_a_rehearsal_that_is_stopped_says_that_nothing_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(click.exceptions.Exit) as caught, gone_when_stopped():
        raise KeyboardInterrupt
    assert caught.value.exit_code == INTERRUPTED
    assert capsys.readouterr().err.strip() == "The rehearsal is over and nothing of it is left."


def test_a_folder_without_its_file_is_said_to_lack_it(folder: Path) -> None:
    folder.mkdir(parents=True)
    said = clinic("check", NAME)
    assert said.exit_code == 1
    assert f"clinic.toml is missing in clinics/{NAME}/." in said.output
    assert f"./clinic new {NAME}" in said.output


UNANSWERED = [
    (("new", NAME), "with --yes;"),
    (("destroy", "general"), "with --yes;"),
    (("staff", "add", "general"), "with --id, --called, --role;"),
]


@pytest.mark.parametrize(("words", "flags"), UNANSWERED, ids=[one[0][0] for one in UNANSWERED])
def test_without_a_terminal_a_question_names_the_words_that_answer_it(words: tuple[str, ...], flags: str) -> None:
    said = clinic(*words)
    assert said.exit_code == 1
    assert "\nA question was not answered, and there is no terminal to ask at. Nothing was changed.\n" in said.output
    assert f"Answer it on the command line, {flags}" in said.output


def test_help_is_a_command_too() -> None:
    assert clinic("help").output == clinic("--help").output


def test_every_command_explains_itself() -> None:
    for name, command in program.commands.items():
        assert command.help, name
        said = clinic(name, "--help")
        assert said.exit_code == 0
        assert f"`./clinic {name}" in (ROOT / "docs" / "deploy.md").read_text(), name


@pytest.mark.parametrize("kind", sorted(one.parent.name for one in TEMPLATES.glob("*/clinic.toml")))
def test_the_estimate_names_what_is_paid_when_nobody_comes(kind: str) -> None:
    found = cost.estimate(read(TEMPLATES / kind))
    fixed = {line.what.partition(" ")[2]: line.dollars for line in found.fixed}
    assert {"alarms", "dashboard", "secret", "metrics of the clinic's own", "keys of the hospital's own"} <= set(fixed)
    assert "firewall" not in fixed
    assert sum(fixed.values()) < 15


def test_what_the_kit_turns_on_is_in_the_estimate(folder: Path) -> None:
    clinic("new", NAME, "--yes")
    file = folder / "clinic.toml"
    before = cost.estimate(read(folder))
    file.write_text(file.read_text(encoding="utf-8") + '\n[stack]\nFirewall = "on"\nWarm = 2\n', encoding="utf-8")
    after = cost.estimate(read(folder))
    added = {line.what for line in (*after.fixed, *after.each)} - {line.what for line in (*before.fixed, *before.each)}
    assert added == {"1 firewall", "3 rules of the firewall", "firewall, requests", "2 environments kept awake"}
    assert after.monthly > before.monthly + 8


def test_a_condition_is_seen_as_cloudformation_will_see_it() -> None:
    conditions = {"On": {"Fn::Equals": [{"Ref": "Edge"}, "on"]}}
    for edge in ("on", "off"):
        wishes = {name: str(one["Default"]) for name, one in parameters().items()} | {"Edge": edge}
        on = edge == "on"
        assert cost.holds({"Condition": "On"}, conditions, wishes) is on
        assert cost.holds({"Fn::Not": [{"Condition": "On"}]}, conditions, wishes) is not on
        assert cost.holds({"Fn::And": [{"Condition": "On"}, {"Fn::Equals": [1, 1]}]}, conditions, wishes) is on
        assert cost.holds({"Fn::Or": [{"Condition": "On"}, {"Fn::Equals": [1, 2]}]}, conditions, wishes) is on


def test_the_page_of_prices_says_what_the_command_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "make costs"
    assert cost.PRICES["as_of"] in text
