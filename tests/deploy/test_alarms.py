"""The alarms: every one watches something that exists, reaches somebody, and is explained."""

import json
import re
import tomllib
from typing import Any

import pytest

from chalicelib.doors import clock
from chalicelib.outside import metrics
from chalicelib.visit.sweeping import Swept
from infra import stack as parts
from infra.clinic import cost
from infra.package import ROOT
from tests.builders import NOW
from tests.deploy.test_stack import every

pytestmark = pytest.mark.zip

Template = dict[str, Any]
RULES = tomllib.loads((ROOT / "infra" / "stack" / "alarms.toml").read_text())
METRICS_MAX = 12  # ten are free, and as many alarms; more cost 0.30 and 0.10 USD a month each
ALARMS_MAX = 19


@pytest.fixture(scope="module")
def alarms(stack: Template) -> dict[str, Template]:
    return {name: one["Properties"] for name, one in every(stack, "AWS::CloudWatch::Alarm").items()}


def test_every_alarm_tells_the_topic_when_it_begins_and_when_it_ends(alarms: dict[str, Template]) -> None:
    assert set(alarms) == {f"Alarm{name}" for name in RULES}
    assert len(alarms) <= ALARMS_MAX
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}], name


def test_what_the_sweep_counts_is_what_the_alarms_watch(alarms: dict[str, Template]) -> None:
    counted = set(clock._measured(Swept()))
    assert len(counted) <= METRICS_MAX
    asked = {alarm["MetricName"] for alarm in alarms.values() if alarm["Namespace"] == parts.METRICS}
    assert asked <= counted
    assert metrics.NAMESPACE == parts.METRICS
    assert cost.USAGE["idle"]["metrics"] == len(counted), "and what each is paid for"


def test_every_metric_is_of_something_in_the_stack(alarms: dict[str, Template], stack: Template) -> None:
    for name, alarm in alarms.items():
        (dimension,) = alarm["Dimensions"]
        of = dimension["Value"].get("Ref") or dimension["Value"]["Fn::GetAtt"][0]
        assert of == "AWS::StackName" or of in stack["Resources"], name


def test_every_alarm_is_explained_under_its_name(alarms: dict[str, Template]) -> None:
    """The mail says: docs/operate.md, NAME. There it must be found, with what to do."""
    explained = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "operate.md").read_text(), re.MULTILINE))
    assert set(RULES) <= explained


def test_the_dashboard_shows_every_alarm(stack: Template, alarms: dict[str, Template]) -> None:
    (board,) = every(stack, "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(board["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]
    assert widgets[0]["properties"]["alarms"] == [f"${{Alarm{name}.Arn}}" for name in RULES]
    places = [(one["x"], one["y"]) for one in widgets]
    assert len(set(places)) == len(places) == len(alarms) + 1


def test_a_count_is_one_line_that_cloudwatch_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLINIC", "riverside")
    metrics.put({"Swept": 1, "Waiting": 17, "Broken": [1.0, 0.0] * 60, "Quiet": []}, NOW)
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    (about,) = said["_aws"]["CloudWatchMetrics"]
    assert said["_aws"]["Timestamp"] == NOW.timestamp() * 1000
    assert about["Namespace"] == "CloudClinic"
    assert about["Dimensions"] == [["Clinic"]]
    assert {m["Name"]: said[m["Name"]] for m in about["Metrics"]} == {
        "Swept": 1,
        "Waiting": 17,
        "Broken": [1.0, 0.0] * 50,  # no line may hold more
    }
    assert said["Clinic"] == "riverside"
    assert set(said) == {"_aws", "Clinic", "Swept", "Waiting", "Broken"}, "and nothing else"


def test_a_machine_without_a_stack_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CLINIC", raising=False)
    metrics.put({"Swept": 1}, NOW)
    assert capsys.readouterr().out == ""
