"""AWS WAF in the sandbox: what IP sets refuse, what a web ACL lets in, and that moto agrees about tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import AwsStandIn, CannotJudge, sample_world
from sandbox.aws.clients import NONPROD_APPLY, PROD_APPLY, PROD_PLAN, client
from sandbox.serving import Server

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
V4 = {"Name": "partners-ipv4", "Id": "0a1b2c3d-0000-4000-8000-000000000004", "Scope": "REGIONAL"}
V6 = {"Name": "partners-ipv6", "Id": "0a1b2c3d-0000-4000-8000-000000000006", "Scope": "REGIONAL"}
ACL = {"Name": "partners", "Id": "0a1b2c3d-0000-4000-8000-0000000000ac", "Scope": "REGIONAL"}
ARN = "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/partners-ipv4/0a1b2c3d-0000-4000-8000-000000000004"


@pytest.fixture
def aws() -> AwsStandIn:
    return AwsStandIn(sample_world(), clock=lambda: NOW)


@pytest.fixture
def url(aws: AwsStandIn) -> Iterator[str]:
    with Server(aws.app) as server:
        yield server.url


@pytest.fixture
def waf(url: str) -> Any:
    return client(url, "wafv2")


def refusal(call: Any, **parameters: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Code"])


def put(waf: Any, addresses: list[str], spec: dict[str, str] = V4, **facts: str) -> Any:
    token = waf.get_ip_set(**spec)["LockToken"]
    return waf.update_ip_set(**spec, Addresses=addresses, **{"LockToken": token, **facts})


def test_a_change_names_the_state_that_it_was_made_from(waf: Any) -> None:
    token = waf.get_ip_set(**V4)["LockToken"]
    following = waf.update_ip_set(**V4, Addresses=["198.51.100.1/32"], LockToken=token)["NextLockToken"]
    late = {**V4, "Addresses": [], "LockToken": token}
    assert refusal(waf.update_ip_set, **late) == "WAFOptimisticLockException"
    assert waf.get_ip_set(**V4)["IPSet"]["Addresses"] == ["198.51.100.1/32"]
    waf.update_ip_set(**V4, Addresses=[], LockToken=following)
    assert waf.get_ip_set(**V4)["IPSet"]["Addresses"] == []


def test_moto_agrees_about_tokens_and_what_a_set_looks_like() -> None:
    from moto import mock_aws

    with mock_aws():
        import boto3

        theirs = boto3.client("wafv2", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        made = theirs.create_ip_set(
            Name="s", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=["192.0.2.0/24"]
        )
        spec = {"Name": "s", "Scope": "REGIONAL", "Id": made["Summary"]["Id"]}
        found = theirs.get_ip_set(**spec)
        assert {"Name", "Id", "ARN", "IPAddressVersion", "Addresses"} <= set(found["IPSet"])
        theirs.update_ip_set(**spec, Addresses=["198.51.100.1/32"], LockToken=found["LockToken"])
        again = {**spec, "Addresses": [], "LockToken": found["LockToken"]}
        assert refusal(theirs.update_ip_set, **again) == "WAFOptimisticLockException"


def test_a_change_replaces_the_description_too(aws: AwsStandIn, waf: Any) -> None:
    put(waf, [], Description="Partners of 2026")
    assert aws.waf.description(ARN) == "Partners of 2026"
    put(waf, [])
    assert aws.waf.description(ARN) == ""


@pytest.mark.parametrize("bad", ["0.0.0.0/0", "198.51.100.1", "198.51.100.1/24", "2001:db8::/64", "x"])
def test_a_set_takes_ranges_of_its_version_and_never_everything(waf: Any, bad: str) -> None:
    token = waf.get_ip_set(**V4)["LockToken"]
    parameters = {**V4, "Addresses": [bad], "LockToken": token}
    assert refusal(waf.update_ip_set, **parameters) == "WAFInvalidParameterException"


def test_a_set_takes_an_address_once_and_ten_thousand_of_them(waf: Any) -> None:
    token = waf.get_ip_set(**V4)["LockToken"]
    twice = {**V4, "Addresses": ["198.51.100.1/32"] * 2, "LockToken": token}
    assert refusal(waf.update_ip_set, **twice) == "WAFInvalidParameterException"
    many = [f"81.{n // 65536}.{n // 256 % 256}.{n % 256}/32" for n in range(10_001)]
    assert refusal(waf.update_ip_set, **{**twice, "Addresses": many}) == "WAFLimitsExceededException"
    put(waf, many[1:])


def test_ipv6_comes_back_written_out(aws: AwsStandIn, waf: Any) -> None:
    put(waf, ["2001:db8::1/128"], V6)
    assert waf.get_ip_set(**V6)["IPSet"]["Addresses"] == ["2001:0db8:0000:0000:0000:0000:0000:0001/128"]
    assert aws.waf.addresses(ARN.replace("ipv4", "ipv6").replace("0004", "0006")) == {"2001:db8::1/128"}


def test_what_is_another_accounts_or_scopes_is_not_there(url: str, waf: Any) -> None:
    gone = "WAFNonexistentItemException"
    assert refusal(client(url, "wafv2", NONPROD_APPLY).get_ip_set, **V4) == gone
    assert refusal(waf.get_ip_set, **{**V4, "Scope": "CLOUDFRONT"}) == gone
    assert refusal(waf.get_ip_set, **{**V4, "Name": "partners"}) == gone
    assert refusal(client(url, "wafv2", NONPROD_APPLY).get_web_acl, **ACL) == gone
    stranger = {
        "WebACLArn": "arn:aws:wafv2:eu-west-1:222222222222:regional/webacl/x/0",
        "ResourceType": "API_GATEWAY",
    }
    assert refusal(waf.list_resources_for_web_acl, **stranger) == gone


def test_who_may_only_look_changes_nothing(url: str) -> None:
    plan = client(url, "wafv2", PROD_PLAN)
    token = plan.get_ip_set(**V4)["LockToken"]
    assert refusal(plan.update_ip_set, **V4, Addresses=[], LockToken=token) == "AccessDeniedException"


def test_a_stage_tells_its_web_acl_and_the_web_acl_its_stages(url: str, waf: Any) -> None:
    stage = client(url, "apigateway", PROD_APPLY).get_stage(restApiId="a1partners", stageName="live")
    name, acl_id = stage["webAclArn"].split("/")[-2:]
    acl = waf.get_web_acl(Name=name, Id=acl_id, Scope="REGIONAL")["WebACL"]
    assert acl["DefaultAction"] == {"Block": {}}
    assert [rule["Name"] for rule in acl["Rules"]] == ["whitelisted"]
    listed = waf.list_resources_for_web_acl(WebACLArn=acl["ARN"], ResourceType="API_GATEWAY")
    assert listed["ResourceArns"] == ["arn:aws:apigateway:eu-west-1::/restapis/a1partners/stages/live"]
    others = waf.list_resources_for_web_acl(WebACLArn=acl["ARN"], ResourceType="APPSYNC")
    assert others["ResourceArns"] == []
    orders = client(url, "apigateway", PROD_APPLY).get_stage(restApiId="a1orders", stageName="live")
    assert "webAclArn" not in orders


class TestTheJudge:
    def call(self, aws: AwsStandIn, ip: str = "192.0.2.7") -> bool:
        return aws.apigateway.allows("a1partners", "live", "GET", "/v1/orders", at=NOW, source_ip=ip)

    def test_a_call_passes_the_web_acl_and_then_the_policy(self, aws: AwsStandIn) -> None:
        assert self.call(aws)
        assert not self.call(aws, "203.0.113.1")
        assert not self.call(aws, "2001:db8::1")
        aws.apigateway.put_policy("a1partners", {"Version": "2012-10-17", "Statement": [NOBODY]})
        aws.apigateway.deploy("a1partners", "live")
        assert not self.call(aws)

    def test_the_first_rule_that_matches_decides(self, aws: AwsStandIn) -> None:
        acl = aws.waf.acls["partners"]
        block = {**acl.rules[0], "Name": "blocked", "Priority": -1, "Action": {"Block": {}}}
        aws.waf.put_acl(replace(acl, rules=(*acl.rules, block)))
        assert not self.call(aws)

    @pytest.mark.parametrize(
        "rule", [{"Statement": {"GeoMatchStatement": {}}}, {"Action": {"Count": {}}}, {"Action": {"Captcha": {}}}]
    )
    def test_it_never_guesses(self, aws: AwsStandIn, rule: dict[str, Any]) -> None:
        acl = aws.waf.acls["partners"]
        aws.waf.put_acl(replace(acl, rules=({**acl.rules[0], **rule},)))
        with pytest.raises(CannotJudge):
            self.call(aws)


NOBODY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "execute-api:Invoke",
    "Resource": "execute-api:/*",
}
