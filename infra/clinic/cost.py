"""What a clinic will cost, before anything is created: from the kit's expected load and the one dated price list."""

import json
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from infra import stack
from infra.kit import ROOT, Kit
from infra.kit.stack import parameters, values

PRICES = tomllib.loads((ROOT / "bench" / "prices.toml").read_text(encoding="utf-8"))
USAGE = tomllib.loads(Path(__file__).with_name("usage.toml").read_text(encoding="utf-8"))
OUTSIDE = ROOT / "infra" / "outside.json"
DAYS = 30.4  # of a month
MILLION, GIGABYTE = 1e6, 1e9
HOURS_OF_A_DAY = 24.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the estimate, in US dollars a month."""

    what: str
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A month of this clinic. `first_year` is what its records add each month when a year of them is kept."""

    consultations: int
    fixed: tuple[Line, ...]
    each: tuple[Line, ...]  # for all consultations of the month
    first_year: float

    @property
    def monthly(self) -> float:
        return sum(line.dollars for line in (*self.fixed, *self.each))

    @property
    def per_thousand(self) -> float:
        """Of the consultations alone; the fixed part is paid in a quiet month too."""
        return sum(line.dollars for line in self.each) / self.consultations * 1000


def estimate(kit: Kit) -> Estimate:
    """Without the free tier, discounts, tax, texts and people's time."""
    arch = str(kit.said.get("architecture", "arm64"))
    consultations = round(kit.said["patients_per_hour"] * open_hours(kit) * DAYS)
    year = consultations * 12 * USAGE["kept_bytes"] / GIGABYTE * (_price("dynamodb", "gb_month") + _recovery())
    return Estimate(
        consultations=consultations,
        fixed=tuple(_fixed(kit, arch)),
        each=(*_each(consultations, arch), *_guarded(kit, consultations)),
        first_year=year,
    )


def open_hours(kit: Kit) -> float:
    """Hours a day in which any department is open: the longest of them."""
    return max(_hours(one["opens"], one["closes"]) for one in kit.said["departments"])


def _hours(opens: str, closes: str) -> float:
    day = datetime(2026, 1, 1)  # noqa: DTZ001  # the length of a stretch of the clock, of no place
    start, end = (datetime.combine(day, time.fromisoformat(said)) for said in (opens, closes))
    if start == end:
        return HOURS_OF_A_DAY
    return ((end - start) % timedelta(days=1)).total_seconds() / 3600


def _price(service: str, what: str) -> float:
    return float(PRICES[service][what])


def _recovery() -> float:
    return _price("dynamodb", "recovery_gb_month")


def _each(n: int, arch: str) -> list[Line]:
    used = {name: n * value for name, value in USAGE.items() if isinstance(value, int | float)}
    kept = used["kept_bytes"] / GIGABYTE
    return [
        Line("API Gateway, requests", used["http_requests"] / MILLION * _price("api", "rest_million")),
        Line("DynamoDB, writes", used["write_units"] / MILLION * _price("dynamodb", "write_units_million")),
        Line("DynamoDB, reads", used["read_units"] / MILLION * _price("dynamodb", "read_units_million")),
        Line(
            "Lambda",
            used["http_requests"] / MILLION * _price("lambda", "requests_million")
            + used["gb_seconds"] * _gb_second(arch),
        ),
        Line("logs", used["log_bytes"] / GIGABYTE * _price("logs", "gb")),
        Line("traces", used["traced"] / MILLION * _price("xray", "traces_million")),
        Line("signatures", used["signatures"] / MILLION * _price("kms", "signatures_million")),
        Line(
            "CloudFront, every request",
            used["edge_requests"]
            / MILLION
            * (_price("cloudfront", "requests_million") + _price("cloudfront", "functions_million"))
            + used["out_bytes"] / GIGABYTE * _price("cloudfront", "gb"),
        ),
        Line("records kept, of this month", kept * (_price("dynamodb", "gb_month") + _recovery())),
    ]


def _guarded(kit: Kit, n: int) -> list[Line]:
    """The firewall, where there is one, looks at every request."""
    if _wishes(kit)["Firewall"] == "off":
        return []
    asked = n * USAGE["http_requests"] / MILLION
    return [Line("firewall, requests", asked * _price("waf", "requests_million"))]


def _gb_second(arch: str) -> float:
    return _price("lambda", "gb_second" if arch == "arm64" else "gb_second_x86")


def _fixed(kit: Kit, arch: str) -> list[Line]:
    """What is paid in a month in which nobody comes."""
    idle = USAGE["idle"]
    sweep = idle["sweeps"] * (
        _price("lambda", "requests_million") / MILLION + idle["sweep_gb_seconds"] * _gb_second(arch)
    )
    sweep += idle["sweeps"] * idle["sweep_read_units"] / MILLION * _price("dynamodb", "read_units_million")
    lines = [Line("the sweep, once a minute", sweep)]
    there = _there(kit)
    counted = Counter(str(one["Type"]) for one in there)
    counted["rules"] = sum(len(one["Properties"]["Rules"]) for one in there if one["Type"] == "AWS::WAFv2::WebACL")
    counted["metrics"] = idle["metrics"]
    for kind, said, price in (
        ("AWS::CloudWatch::Alarm", "alarms", _price("cloudwatch", "alarm_month")),
        ("AWS::CloudWatch::Dashboard", "dashboard", _price("cloudwatch", "dashboard_month")),
        ("metrics", "metrics of the clinic's own", _price("cloudwatch", "metric_month")),
        ("AWS::KMS::Key", "keys of the hospital's own", _price("kms", "key_month")),
        ("AWS::SecretsManager::Secret", "secret", _price("secrets", "secret_month")),
        ("AWS::WAFv2::WebACL", "firewall", _price("waf", "acl_month")),
        ("rules", "rules of the firewall", _price("waf", "rule_month")),
    ):
        if counted[kind]:
            lines.append(Line(f"{counted[kind]} {said}", counted[kind] * price))
    return lines + _awake(kit)


def _awake(kit: Kit) -> list[Line]:
    """What is kept ready day and night because the kit asks for it."""
    wishes = _wishes(kit)
    warm = float(wishes["Warm"])
    if not warm:
        return []
    seconds = warm * float(wishes["Memory"]) / 1024 * DAYS * HOURS_OF_A_DAY * 3600
    return [Line(f"{warm:.0f} environments kept awake", seconds * _price("lambda", "provisioned_gb_second"))]


def _wishes(kit: Kit) -> dict[str, str]:
    """Every parameter of the stack as this clinic has it: the kit's, or what it is without."""
    return {name: str(one["Default"]) for name, one in parameters().items()} | values(kit.said)


def _there(kit: Kit) -> list[Mapping[str, Any]]:
    """What the stack has with this kit, without what a parameter leaves out."""
    whole = stack.assemble({"timezone": kit.said["timezone"]})
    if kit.said.get("push", {}).get("on"):
        whole["Resources"] |= json.loads(OUTSIDE.read_text(encoding="utf-8"))["push"]["Resources"]
    conditions, wishes = whole["Conditions"], _wishes(kit)
    listed = [one for one in whole["Resources"].values() if "Type" in one]
    return [one for one in listed if "Condition" not in one or holds(conditions[one["Condition"]], conditions, wishes)]


def holds(rule: Mapping[str, Any], conditions: Mapping[str, Any], wishes: Mapping[str, str]) -> bool:
    """A condition of CloudFormation's, as CloudFormation will see it."""
    ((name, said),) = rule.items()
    if name == "Condition":
        return holds(conditions[said], conditions, wishes)
    if name == "Fn::Equals":
        one, other = (wishes[each["Ref"]] if isinstance(each, dict) else str(each) for each in said)
        return one == other
    parts = [holds(each, conditions, wishes) for each in said]
    return {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}[name]


def told(kit: Kit, found: Estimate) -> str:
    """The estimate as a table for people."""
    lines = [
        f"{kit.said['patients_per_hour']:,} people an hour, {open_hours(kit):.0f} hours a day: "
        f"{found.consultations:,} consultations a month.",
        "",
        *(f"  {line.what:34} {line.dollars:10,.2f} USD a month" for line in (*found.fixed, *found.each)),
        f"  {'':34} {'-' * 10}",
        f"  {'together':34} {found.monthly:10,.2f} USD a month",
        "",
        f"{found.per_thousand:.2f} USD for 1,000 consultations. Records of a whole year add {found.first_year:,.2f} "
        "USD a month.",
        f"List prices of {PRICES['region']}, {PRICES['as_of']}, without free tier, discounts, tax and text messages; "
        "other regions differ.",
        f"Use per consultation measured {USAGE['as_of']} (docs/costs.md).",
    ]
    return "\n".join(lines)
