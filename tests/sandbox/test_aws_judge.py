"""The judge of deployed policies follows AWS's evaluation rules and never guesses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.aws import AwsStandIn, CannotJudge, sample_world

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::222222222222:role/caller"
STRANGER = "arn:aws:iam::333333333333:role/caller"


@pytest.fixture
def aws() -> AwsStandIn:
    return AwsStandIn(sample_world(), clock=lambda: NOW)


def call(aws: AwsStandIn, api: str, method: str = "GET", path: str = "/v1/orders", **visit: Any) -> bool:
    return aws.apigateway.allows(api, "live", method, path, **{"at": NOW, **visit})


def put(aws: AwsStandIn, api: str, *statements: dict[str, Any]) -> None:
    whole = [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"} | s
        for s in statements
    ]
    aws.apigateway.put_policy(api, {"Version": "2012-10-17", "Statement": whole})
    aws.apigateway.deploy(api, "live")


def test_an_open_api_without_a_policy_lets_everybody_in(aws: AwsStandIn) -> None:
    assert call(aws, "orders", source_ip="8.8.8.8")


def test_a_first_policy_closes_an_open_api_to_everybody_else(aws: AwsStandIn) -> None:
    put(aws, "orders", {"Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}})
    assert call(aws, "orders", source_ip="198.51.100.200")
    assert not call(aws, "orders", source_ip="8.8.8.8")


def test_a_method_that_is_not_deployed_does_not_answer(aws: AwsStandIn) -> None:
    assert not call(aws, "orders", "DELETE", source_ip="8.8.8.8")
    assert not call(aws, "orders", path="/v2", source_ip="8.8.8.8")


def test_an_explicit_deny_wins_over_an_allow(aws: AwsStandIn) -> None:
    assert call(aws, "legacy", source_ip="203.0.113.7")
    assert not call(aws, "legacy", source_ip="198.51.100.10")
    kept = aws.apigateway.policy("legacy")
    assert kept is not None
    extra = {"Sid": "ours", "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.10/32"}}}
    put(aws, "legacy", *kept["Statement"], extra)
    assert not call(aws, "legacy", source_ip="198.51.100.10")


def test_a_resource_names_stage_method_and_the_path_as_it_was_asked(aws: AwsStandIn) -> None:
    put(aws, "orders", {"Resource": ["execute-api:/live/GET/v1/orders/*", "execute-api:/live/POST/v1/orders"]})
    assert call(aws, "orders", path="/v1/orders/17", source_ip="8.8.8.8")
    assert call(aws, "orders", "POST", source_ip="8.8.8.8")
    assert not call(aws, "orders", source_ip="8.8.8.8")
    put(aws, "orders", {"Resource": "execute-api:/live/GET/v1/orders/{id}"})
    assert not call(aws, "orders", path="/v1/orders/17", source_ip="8.8.8.8")


def test_a_private_api_is_reached_through_its_endpoint_only(aws: AwsStandIn) -> None:
    assert call(aws, "internal", vpce="vpce-0a1b2c3d4e5f60718")
    assert not call(aws, "internal", vpce="vpce-0ffffffffffffffff")
    assert not call(aws, "internal", source_ip="192.0.2.1")
    assert not call(aws, "orders", vpce="vpce-0a1b2c3d4e5f60718")
    aws.apigateway.put_policy("internal", None)
    aws.apigateway.deploy("internal", "live")
    assert not call(aws, "internal", vpce="vpce-0a1b2c3d4e5f60718")


def test_a_private_api_sees_addresses_as_vpc_source_ip(aws: AwsStandIn) -> None:
    put(aws, "internal", {"Condition": {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}}})
    assert call(aws, "internal", vpce="vpce-1", source_ip="10.1.2.3")
    put(aws, "internal", {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}})
    assert not call(aws, "internal", vpce="vpce-1", source_ip="10.1.2.3")


def test_a_missing_key_fails_a_positive_and_passes_a_negated_test(aws: AwsStandIn) -> None:
    put(aws, "orders", {"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}})
    assert call(aws, "orders", source_ip="8.8.8.8")
    put(aws, "orders", {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}})
    assert not call(aws, "orders", source_ip="8.8.8.8")
    put(aws, "orders", {"Condition": {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}})
    assert call(aws, "orders", source_ip="8.8.8.8")


def test_signed_methods_need_an_allow_somewhere_and_across_accounts_in_both(aws: AwsStandIn) -> None:
    assert not call(aws, "signed", source_ip="8.8.8.8")
    assert not call(aws, "signed", principal=ROLE)
    assert call(aws, "signed", principal=ROLE, iam_allows=True)
    put(aws, "signed", {"Principal": {"AWS": [ROLE, "arn:aws:iam::333333333333:root"]}})
    assert call(aws, "signed", principal=ROLE)
    assert call(aws, "signed", principal="arn:aws:sts::222222222222:assumed-role/caller/job")
    assert not call(aws, "signed", principal="arn:aws:iam::222222222222:role/other")
    assert not call(aws, "signed", principal=STRANGER)
    assert call(aws, "signed", principal=STRANGER, iam_allows=True)


def test_a_named_principal_is_never_met_on_a_method_without_authorization(aws: AwsStandIn) -> None:
    put(aws, "orders", {"Principal": {"AWS": [ROLE]}})
    assert not call(aws, "orders", source_ip="8.8.8.8", principal=ROLE, iam_allows=True)


def test_what_the_judge_does_not_know_raises(aws: AwsStandIn) -> None:
    put(aws, "orders", {"Condition": {"Bool": {"aws:SecureTransport": "true"}}})
    with pytest.raises(CannotJudge, match="Bool"):
        call(aws, "orders", source_ip="8.8.8.8")
    put(aws, "orders", {"Condition": {"StringEquals": {"aws:UserAgent": "curl"}}})
    with pytest.raises(CannotJudge, match="UserAgent"):
        call(aws, "orders", source_ip="8.8.8.8")
    aws.apigateway.add_resource("orders", "/v3", "GET", "COGNITO_USER_POOLS")
    aws.apigateway.deploy("orders", "live")
    with pytest.raises(CannotJudge, match="COGNITO"):
        call(aws, "orders", path="/v3", source_ip="8.8.8.8")
    with pytest.raises(ValueError, match="aware"):
        call(aws, "orders", source_ip="8.8.8.8", at=datetime(2026, 1, 1))  # noqa: DTZ001  # that is the point


def test_dates_take_iso_and_epoch_forms(aws: AwsStandIn) -> None:
    put(aws, "orders", {"Condition": {"DateGreaterThanEquals": {"aws:EpochTime": "1795251600"}}})
    assert call(aws, "orders", source_ip="8.8.8.8")
    assert not call(aws, "orders", source_ip="8.8.8.8", at=datetime(2026, 11, 21, 8, 59, 59, tzinfo=UTC))
