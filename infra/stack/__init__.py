"""The stack: its parts in this folder put together for one kit, and what Chalice makes of them put right.

Every .json file here is a piece of CloudFormation: table, functions, API, edge, watch. To add a service is to add a
file; two files that say different things about the same place are refused. alarms.toml becomes alarms and their
dashboard. `finish` does what a merge cannot: it edits the routes that Chalice has written.
"""

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

Template = dict[str, Any]

HERE = Path(__file__).parent
METRICS = "CloudClinic"  # the namespace of what the sweep counts (chalicelib/outside/metrics.py)
SNAPSHOTS_FROM = (3, 12)  # the first Python that Lambda can start from a snapshot
WIDTH, HEIGHT, COLUMNS = 8, 6, 3  # of a dashboard's widgets, on a grid 24 wide
# With what API Gateway answers by itself, before any of our code runs. An empty list of a policy allows nothing, and
# needs no quotes inside the quotes of a header's value.
ALONE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src; form-action; base-uri; frame-ancestors",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
API_CALLS = {"from": "${APIHandler.Arn}", "to": "${APIHandlerAliaslive}"}


def assemble(kit: dict[str, Any], folder: Path = HERE) -> Template:
    """What `chalice package` merges into its own template. Raises ValueError where two parts contradict."""
    whole: Template = {"Description": "Cloud Clinic: one clinic, one table."}
    for part in sorted(folder.glob("*.json")):
        _merge(whole, json.loads(part.read_text(encoding="utf-8")), part.name)
    for answer in whole["Resources"]["RestAPI"]["Properties"]["GatewayResponses"].values():
        headers = answer.setdefault("ResponseParameters", {}).setdefault("Headers", {})
        headers |= {name: f"'{value}'" for name, value in ALONE.items()}
    whole["Parameters"]["Timezone"]["Default"] = kit["timezone"]
    rules = tomllib.loads((folder / "alarms.toml").read_text(encoding="utf-8"))
    alarms = {f"Alarm{name}": _alarm(name, rule) for name, rule in rules.items()}
    whole["Resources"] |= alarms
    whole["Resources"]["Dashboard"] = _dashboard(alarms)
    return whole


def finish(template: Template, python: tuple[int, int]) -> Template:
    """What Chalice's template lacks: routes that call the alias and ask for the edge's key, and no vain promises.

    An address that only takes a form is also looked at, by a reload or a bookmark: the function leads to the page."""
    resources = template["Resources"]
    body = resources["RestAPI"]["Properties"]["DefinitionBody"]
    body["securityDefinitions"] = {"edge": {"type": "apiKey", "name": "x-api-key", "in": "header"}}
    for methods in body["paths"].values():
        methods.setdefault("get", copy.deepcopy(methods.get("post")))
        for method in methods.values():
            uri = method["x-amazon-apigateway-integration"]["uri"]
            uri["Fn::Sub"] = uri["Fn::Sub"].replace(API_CALLS["from"], API_CALLS["to"])
            method["security"] = {"Fn::If": ["WithEdge", [{"edge": []}], []]}
    resources["APIHandlerInvokePermission"]["Properties"]["FunctionName"] = {"Ref": "APIHandlerAliaslive"}
    if python < SNAPSHOTS_FROM:
        template["Parameters"]["SnapStart"]["AllowedValues"] = ["off"]
        del resources["APIHandler"]["Properties"]["SnapStart"], template["Conditions"]["FromSnapshot"]
    return template


def _merge(into: Template, part: Template, name: str, where: str = "") -> None:
    for key, value in part.items():
        if key not in into:
            into[key] = value
        elif isinstance(value, dict) and isinstance(into[key], dict):
            _merge(into[key], value, name, f"{where}.{key}")
        elif into[key] != value:
            raise ValueError(f"infra/stack/{name} contradicts another part at {where}.{key}")


def _alarm(name: str, rule: dict[str, Any]) -> Template:
    """One rule of alarms.toml as CloudFormation has it."""
    below = "under" in rule
    limit = rule["under" if below else "over"]
    properties: Template = {
        "AlarmName": {"Fn::Sub": f"${{AWS::StackName}}-{name}"},
        "AlarmDescription": f"{rule['says']} What to do: docs/operate.md, {name}.",
        "ComparisonOperator": "LessThanThreshold" if below else "GreaterThanThreshold",
        "Threshold": {"Ref": limit} if isinstance(limit, str) else limit,
        "EvaluationPeriods": rule.get("times", 1),
        "TreatMissingData": "breaching" if rule.get("silence") == "alarm" else "notBreaching",
        "AlarmActions": [{"Ref": "AlarmTopic"}],
        "OKActions": [{"Ref": "AlarmTopic"}],
    }
    statistic = rule.get("statistic", "Sum")
    properties |= _metric(rule["of"], rule["metric"]) | {"Period": rule.get("seconds", 60)}
    properties["ExtendedStatistic" if statistic.startswith("p") else "Statistic"] = statistic
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def _metric(of: str, metric: str) -> Template:
    kind, _, who = of.partition(":")
    namespace, dimension, value = {
        "function": ("AWS/Lambda", "FunctionName", {"Ref": who}),
        "api": ("AWS/ApiGateway", "ApiName", {"Ref": "AWS::StackName"}),
        "table": ("AWS/DynamoDB", "TableName", {"Ref": "ClinicTable"}),
        "queue": ("AWS/SQS", "QueueName", {"Fn::GetAtt": [who, "QueueName"]}),
        "clinic": (METRICS, "Clinic", {"Ref": "AWS::StackName"}),
    }[kind]
    return {"Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": dimension, "Value": value}]}


def _dashboard(alarms: dict[str, Template]) -> Template:
    """Every alarm's own chart with its threshold, in the order of the file; above them which are on."""
    arns = [f"${{{alarm}.Arn}}" for alarm in alarms]
    state = {"type": "alarm", "x": 0, "y": 0, "width": 24, "height": 3, "properties": {"alarms": arns}}
    charts = [
        {
            "type": "metric",
            "x": n % COLUMNS * WIDTH,
            "y": 3 + n // COLUMNS * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {"annotations": {"alarms": [arn]}, "view": "timeSeries", "title": name.removeprefix("Alarm")},
        }
        for n, (name, arn) in enumerate(zip(alarms, arns, strict=True))
    ]
    body = json.dumps({"widgets": [state, *charts]})
    properties = {"DashboardName": {"Fn::Sub": "${AWS::StackName}"}, "DashboardBody": {"Fn::Sub": body}}
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}
