"""The edge: what CloudFront may keep and for how long, and what it must ask the clinic for each time."""

import fnmatch
from typing import Any

import pytest

from tests.deploy.test_stack import the

pytestmark = pytest.mark.zip

Template = dict[str, Any]
NEVER_KEPT = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # AWS's own policy CachingDisabled
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-38738e2966ac"  # AWS's own AllViewerExceptHostHeader; the API needs its own host
NOT_PERSONAL = ("/board/{department}", "/s/{file}", "/worker.js")


@pytest.fixture(scope="module")
def edge(stack: Template) -> Template:
    return the(stack, "AWS::CloudFront::Distribution")["Properties"]["DistributionConfig"]


def kept_by(edge: Template, path: str) -> Template:
    """The behaviour for a path: the first whose pattern fits, as CloudFront chooses."""
    fitting = (one for one in edge["CacheBehaviors"] if fnmatch.fnmatchcase(path, one["PathPattern"]))
    return next(fitting, edge["DefaultCacheBehavior"])


def test_only_what_says_the_same_to_everybody_is_kept(edge: Template) -> None:
    from app import app

    kept = [path for path in app.routes if kept_by(edge, path)["CachePolicyId"] != NEVER_KEPT]
    assert sorted(kept) == sorted(NOT_PERSONAL)


def test_a_page_of_somebodys_own_is_asked_for_each_time_with_all_it_came_with(edge: Template) -> None:
    own = kept_by(edge, "/en/visits/abc")
    assert (own["CachePolicyId"], own["OriginRequestPolicyId"]) == (NEVER_KEPT, ALL_BUT_HOST)
    assert "POST" in own["AllowedMethods"]
    (tells,) = own["FunctionAssociations"]
    assert tells["EventType"] == "viewer-request"


def test_the_board_is_kept_as_long_as_the_clinic_says_and_the_files_for_good(edge: Template, stack: Template) -> None:
    policies = {
        path: stack["Resources"][kept_by(edge, path)["CachePolicyId"]["Ref"]]["Properties"]["CachePolicyConfig"]
        for path in ("/board/general", "/s/wait.0123.js")
    }
    for policy in policies.values():
        asked = policy["ParametersInCacheKeyAndForwardedToOrigin"]
        assert asked["CookiesConfig"] == {"CookieBehavior": "none"}, "no cookie is part of what is shared"
        assert asked["QueryStringsConfig"] == {"QueryStringBehavior": "none"}
        assert (policy["MinTTL"], policy["DefaultTTL"]) == (0, 0), "nothing is kept that the clinic did not say to keep"
    assert [policy["MaxTTL"] for policy in policies.values()] == [60, 31536000]


def test_no_refusal_is_kept(edge: Template) -> None:
    """Unasked, CloudFront keeps an error for ten seconds and shows a stranger's "not found" to the patient."""
    codes = {one["ErrorCode"]: one["ErrorCachingMinTTL"] for one in edge["CustomErrorResponses"]}
    assert codes == dict.fromkeys((400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504), 0)


def test_the_way_in_is_encrypted_and_the_api_opens_to_the_edge_only(edge: Template, stack: Template) -> None:
    for one in (edge["DefaultCacheBehavior"], *edge["CacheBehaviors"]):
        assert one["ViewerProtocolPolicy"] == "redirect-to-https"
    (origin,) = edge["Origins"]
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    (shown,) = origin["OriginCustomHeaders"]
    key = stack["Resources"]["EdgeKey"]["Properties"]["Value"]
    assert (shown["HeaderName"], shown["HeaderValue"]) == ("x-api-key", key)
    stage = the(stack, "AWS::ApiGateway::Stage")["Properties"]["StageName"]
    assert origin["OriginPath"] == f"/{stage}"
    assert the(stack, "AWS::ApiGateway::UsagePlan")["Properties"]["ApiStages"][0]["ApiId"] == {"Ref": "RestAPI"}


def test_pages_know_that_no_stage_is_in_their_address(stack: Template) -> None:
    for name in ("APIHandler", "Sweep"):
        variables = stack["Resources"][name]["Properties"]["Environment"]["Variables"]
        assert variables["BASE_PATH"] == {"Fn::If": ["WithEdge", "", "/clinic"]}


def test_the_firewall_keeps_nothing_of_a_request(stack: Template) -> None:
    acl = the(stack, "AWS::WAFv2::WebACL")["Properties"]
    for one in (acl, *acl["Rules"]):
        assert one["VisibilityConfig"]["SampledRequestsEnabled"] is False
