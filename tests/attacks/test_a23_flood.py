"""A23, a bill as the attack: what an hour of flood can cost is bounded before anybody is asked, and is within the cap.

Every request of the flood is counted as the dearest thing that nobody has to sign in for. What it costs is the stack's
throttle times the price list; beyond the throttle API Gateway refuses, and that costs nothing.
"""

import copy
import json
from typing import Any

import pytest

from chalicelib.clinic import CLINIC
from infra import stack
from infra.clinic.cost import PRICES
from tests.attacks.breaks import BREAKS

CAP = 100.0  # US dollars an hour; pumped texts have cost others 10,000
HOUR, MILLION, GIGABYTE = 3600, 1e6, 1e9
# Of one request, more than any public address needs: a join, its audit line and its index (tests/budgets counts it).
WRITES, READS, GB_SECONDS, LOGGED_BYTES = 16, 6, 0.15, 1500
TEXT_DOLLARS = 0.05
Template = dict[str, Any]


def parts() -> Template:
    return stack.assemble({"timezone": "UTC"})


def hour_of_flood(template: Template) -> float:
    """US dollars, at the rate that the stack lets through."""
    (setting,) = template["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    assert (setting["ResourcePath"], setting["HttpMethod"]) == ("/*", "*"), "every address"
    rate = template["Parameters"][setting["ThrottlingRateLimit"]["Ref"]]["Default"]
    burst = template["Parameters"][setting["ThrottlingBurstLimit"]["Ref"]]["Default"]
    asked = rate * HOUR + burst
    each = (
        PRICES["api"]["rest_million"] / MILLION
        + PRICES["lambda"]["requests_million"] / MILLION
        + GB_SECONDS * PRICES["lambda"]["gb_second"]
        + WRITES * PRICES["dynamodb"]["write_units_million"] / MILLION
        + READS * PRICES["dynamodb"]["read_units_million"] / MILLION
        + LOGGED_BYTES / GIGABYTE * PRICES["logs"]["gb"]
    )
    return float(asked * each)


def test_an_hour_of_flood_stays_under_the_cap() -> None:
    assert hour_of_flood(parts()) < CAP


def test_a_throttle_that_was_opened_is_noticed() -> None:
    with BREAKS["a23 the throttle is opened"]():
        assert hour_of_flood(parts()) > CAP
    gone = copy.deepcopy(parts())
    del gone["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    with pytest.raises(KeyError):
        hour_of_flood(gone)


def test_texts_are_capped_for_the_whole_clinic() -> None:
    """The caps are conditions of the write (tests/attacks/test_a07_sms_pumping.py); this is what they come to."""
    assert (CLINIC.codes.per_clinic + CLINIC.sms.per_day) * TEXT_DOLLARS <= CAP, "of a whole day"


def test_one_address_can_be_stopped_and_somebody_is_told_of_the_bill() -> None:
    template = parts()
    rules = template["Resources"]["FirewallRules"]["Properties"]["Rules"]
    (often,) = [one for one in rules if "RateBasedStatement" in one["Statement"]]
    assert often["Action"] == {"Block": {}}
    assert template["Parameters"][often["Statement"]["RateBasedStatement"]["Limit"]["Ref"]]["Default"] <= 10_000
    kinds = {one["Type"] for one in template["Resources"].values() if "Type" in one}
    assert "AWS::Budgets::Budget" in kinds
    assert "ApiThrottled" in json.dumps(list(template["Resources"]))
