"""API Gateway in the sandbox: policies come back escaped, are strictly checked, and act only when deployed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Api, AwsStandIn, AwsWorld, sample_world
from sandbox.aws.clients import NONPROD_APPLY, PROD_APPLY, PROD_PLAN, client
from sandbox.aws.world import PROD, AccessKey
from sandbox.serving import Server

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ROOT = "arn:aws:execute-api:eu-west-1:222222222222:a1payments"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws(clock: Clock) -> AwsStandIn:
    return AwsStandIn(sample_world(), clock=clock)


@pytest.fixture
def url(aws: AwsStandIn) -> Iterator[str]:
    with Server(aws.app) as server:
        yield server.url


@pytest.fixture
def gateway(url: str) -> Any:
    return client(url, "apigateway")


def allow(sid: str, cidr: str, path: str = "/live/POST/v1/charges", **condition: Any) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": f"execute-api:{path}",
        "Condition": {"IpAddress": {"aws:SourceIp": [cidr]}, **condition},
    }


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def patch(value: str, path: str = "/policy", op: str = "replace") -> list[dict[str, str]]:
    return [{"op": op, "path": path, "value": value}]


def read_back(raw: str) -> Any:
    return json.loads(json.loads(f'"{raw}"'))


def refused(code: str, call: Any, **parameters: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value


def test_a_policy_comes_back_backslash_escaped_with_full_arns(gateway: Any) -> None:
    raw = gateway.get_rest_api(restApiId="a1payments")["policy"]
    assert raw.startswith('{\\"Version\\"')
    assert "192.0.2.0\\/24" in raw
    with pytest.raises(ValueError, match="property name"):
        json.loads(raw)
    assert read_back(raw)["Statement"][0]["Resource"] == f"{ROOT}/*"


def test_an_api_without_a_policy_has_no_policy_member(gateway: Any) -> None:
    assert "policy" not in gateway.get_rest_api(restApiId="a1orders")


def test_a_saved_policy_is_stored_expanded_and_is_not_in_force(aws: AwsStandIn, gateway: Any) -> None:
    before = aws.apigateway.policy_in_force("a1payments", "live")
    answer = gateway.update_rest_api(
        restApiId="a1payments", patchOperations=patch(document(allow("aw1", "198.51.100.10/32")))
    )
    assert read_back(answer["policy"]) == aws.apigateway.policy("a1payments")
    assert aws.apigateway.policy("a1payments")["Statement"][0]["Resource"] == f"{ROOT}/live/POST/v1/charges"  # type: ignore[index]  # just written
    assert aws.apigateway.policy_in_force("a1payments", "live") == before


def test_a_deployment_puts_the_policy_in_force_and_expiry_needs_no_call(aws: AwsStandIn, gateway: Any) -> None:
    until = {"DateLessThan": {"aws:CurrentTime": "2026-12-21T00:00:00Z"}}
    gateway.update_rest_api(
        restApiId="a1payments", patchOperations=patch(document(allow("aw1", "198.51.100.10/32", **until)))
    )

    def comes_in(at: datetime) -> bool:
        return aws.apigateway.allows("a1payments", "live", "POST", "/v1/charges", source_ip="198.51.100.10", at=at)

    assert not comes_in(NOW)
    made = gateway.create_deployment(restApiId="a1payments", stageName="live", description="aw-7k3m9q")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert gateway.get_stage(restApiId="a1payments", stageName="live")["deploymentId"] == made["id"]
    assert comes_in(NOW)
    assert comes_in(datetime(2026, 12, 20, 23, 59, 59, tzinfo=UTC))
    assert not comes_in(datetime(2026, 12, 21, tzinfo=UTC))


def test_an_empty_value_clears_the_policy(aws: AwsStandIn, gateway: Any) -> None:
    assert "policy" not in gateway.update_rest_api(restApiId="a1payments", patchOperations=patch(""))
    assert aws.apigateway.policy("a1payments") is None


@pytest.mark.parametrize(
    "bad",
    [
        "{bad",
        "[]",
        json.dumps({"Statement": [allow("a", "192.0.2.1/32")]}),
        json.dumps({"Version": "2012-10-17", "Statement": []}),
        document(allow("same", "192.0.2.1/32"), allow("same", "192.0.2.2/32")),
        document(allow("aw-1", "192.0.2.1/32")),
        document({**allow("a", "192.0.2.1/32"), "Effect": "Maybe"}),
        document({**allow("a", "192.0.2.1/32"), "Principal": {"AWS": ["ana"]}}),
        document({**allow("a", "192.0.2.1/32"), "Action": "s3:GetObject"}),
        document({**allow("a", "192.0.2.1/32"), "Resource": "arn:aws:s3:::bucket"}),
        document({**allow("a", "192.0.2.1/32"), "NotAction": "x"}),
        document({**allow("a", "192.0.2.1/32"), "Condition": {"IpAdress": {"aws:SourceIp": "192.0.2.1"}}}),
        '{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}',
    ],
)
def test_an_invalid_policy_is_refused_and_nothing_is_stored(aws: AwsStandIn, gateway: Any, bad: str) -> None:
    before = aws.apigateway.policy("a1payments")
    error = refused(
        "BadRequestException", gateway.update_rest_api, restApiId="a1payments", patchOperations=patch(bad)
    )
    assert isinstance(error, gateway.exceptions.BadRequestException)
    assert aws.apigateway.policy("a1payments") == before


def test_the_size_limit_counts_the_expanded_form(gateway: Any) -> None:
    many = [allow(f"aw{n:04}", "198.51.100.10/32") for n in range(36)]
    assert len(json.dumps({"Version": "2012-10-17", "Statement": many}, separators=(",", ":"))) < 8192
    error = refused(
        "BadRequestException",
        gateway.update_rest_api,
        restApiId="a1payments",
        patchOperations=patch(document(*many)),
    )
    assert "8192" in str(error)


@pytest.mark.parametrize(("op", "path"), [("remove", "/policy"), ("add", "/policy"), ("replace", "/name")])
def test_a_patch_that_is_not_carried_out_is_refused(gateway: Any, op: str, path: str) -> None:
    error = refused(
        "BadRequestException",
        gateway.update_rest_api,
        restApiId="a1payments",
        patchOperations=patch("x", path, op),
    )
    assert f"Invalid patch path '{path}' specified for op '{op}'" in str(error)


def test_deployments_are_throttled_per_account_with_retry_after(
    aws: AwsStandIn, gateway: Any, url: str, clock: Clock
) -> None:
    gateway.create_deployment(restApiId="a1payments", stageName="live")
    clock.pass_by(3.5)
    error = refused("TooManyRequestsException", gateway.create_deployment, restApiId="a1orders", stageName="live")
    assert error.response["retryAfterSeconds"] == "2"  # type: ignore[typeddict-item]  # a modelled header
    client(url, "apigateway", NONPROD_APPLY).create_deployment(restApiId="b2payments", stageName="test")
    clock.pass_by(1.5)
    gateway.create_deployment(restApiId="a1orders", stageName="live")
    aws.apigateway.deployment_interval = 0
    gateway.create_deployment(restApiId="a1orders", stageName="live")


def test_a_deployment_publishes_what_others_left_undeployed(aws: AwsStandIn, gateway: Any) -> None:
    def deployed() -> dict[str, Any]:
        stage = gateway.get_stage(restApiId="a1orders", stageName="live")
        found = gateway.get_deployment(
            restApiId="a1orders", deploymentId=stage["deploymentId"], embed=["apisummary"]
        )
        return dict(found["apiSummary"])

    aws.apigateway.add_resource("orders", "/v2/refunds", "POST", "AWS_IAM")
    resources = gateway.get_resources(restApiId="a1orders", embed=["methods"])["items"]
    defined = {r["path"]: r["resourceMethods"] for r in resources if "resourceMethods" in r}
    assert defined["/v2/refunds"]["POST"]["authorizationType"] == "AWS_IAM"
    assert "/v2/refunds" not in deployed()
    gateway.create_deployment(restApiId="a1orders", stageName="live")
    assert deployed()["/v2/refunds"] == {"POST": {"authorizationType": "AWS_IAM", "apiKeyRequired": False}}


def test_a_stage_can_be_put_back_to_an_older_deployment(aws: AwsStandIn, gateway: Any) -> None:
    old = gateway.get_stage(restApiId="a1payments", stageName="live")["deploymentId"]
    aws.apigateway.put_policy("a1payments", None)
    new = aws.apigateway.deploy("a1payments", "live")
    assert aws.apigateway.policy_in_force("a1payments", "live") is None
    back = gateway.update_stage(
        restApiId="a1payments", stageName="live", patchOperations=patch(old, "/deploymentId")
    )
    assert back["deploymentId"] == old
    assert aws.apigateway.policy_in_force("a1payments", "live") is not None
    assert [d["id"] for d in gateway.get_deployments(restApiId="a1payments")["items"]] == [old, new]
    refused(
        "NotFoundException",
        gateway.update_stage,
        restApiId="a1payments",
        stageName="live",
        patchOperations=patch("d99999", "/deploymentId"),
    )


def test_a_deployment_can_make_a_stage_and_stages_are_listed_by_deployment(gateway: Any) -> None:
    made = gateway.create_deployment(restApiId="a1orders", stageName="canary")
    assert [s["stageName"] for s in gateway.get_stages(restApiId="a1orders")["item"]] == ["live", "canary"]
    found = gateway.get_stages(restApiId="a1orders", deploymentId=made["id"])["item"]
    assert [s["stageName"] for s in found] == ["canary"]


def test_an_api_without_methods_cannot_be_deployed() -> None:
    world = AwsWorld(apis=(Api("a1empty", "empty", PROD, (), {}),), keys=(AccessKey(PROD_APPLY, PROD, "t"),))
    with Server(AwsStandIn(world).app) as server:
        error = refused(
            "BadRequestException",
            client(server.url, "apigateway").create_deployment,
            restApiId="a1empty",
            stageName="live",
        )
    assert "doesn't contain any methods" in str(error)


def test_apis_come_in_pages_of_25() -> None:
    apis = tuple(Api(f"a{n:09}", f"api-{n}", PROD, (), {"GET /": "NONE"}) for n in range(60))
    with Server(AwsStandIn(AwsWorld(apis=apis, keys=(AccessKey(PROD_APPLY, PROD, "t"),))).app) as server:
        gateway = client(server.url, "apigateway")
        first = gateway.get_rest_apis()
        assert len(first["items"]) == 25
        pages = gateway.get_paginator("get_rest_apis").paginate()
        assert [api["name"] for page in pages for api in page["items"]] == [api.name for api in apis]
        refused("BadRequestException", gateway.get_rest_apis, limit=501)
        refused("BadRequestException", gateway.get_rest_apis, position="nowhere")


def test_an_account_sees_only_its_own_apis(gateway: Any, url: str) -> None:
    there = client(url, "apigateway", NONPROD_APPLY)
    assert [api["id"] for api in there.get_rest_apis()["items"]] == ["b2payments"]
    refused("NotFoundException", there.get_rest_api, restApiId="a1payments")
    refused("NotFoundException", gateway.get_stage, restApiId="a1payments", stageName="test")


def test_resources_name_their_parents_and_show_methods_only_when_asked(gateway: Any) -> None:
    found = {r["path"]: r for r in gateway.get_resources(restApiId="a1payments")["items"]}
    assert set(found) == {"/", "/v1", "/v1/charges", "/v1/charges/{id}"}
    assert found["/v1/charges/{id}"]["parentId"] == found["/v1/charges"]["id"]
    assert found["/v1/charges"]["resourceMethods"] == {"GET": {}, "POST": {}}
    assert gateway.get_rest_api(restApiId="a1payments")["rootResourceId"] == found["/"]["id"]


def test_a_plan_role_reads_but_does_not_write(aws: AwsStandIn, url: str) -> None:
    plan = client(url, "apigateway", PROD_PLAN)
    assert plan.get_rest_api(restApiId="a1payments")["name"] == "payments"
    refused("AccessDeniedException", plan.update_rest_api, restApiId="a1payments", patchOperations=patch(""))
    refused("AccessDeniedException", plan.create_deployment, restApiId="a1payments", stageName="live")
    assert [(c.operation, c.error) for c in aws.calls if c.error] == [
        ("UpdateRestApi", "AccessDeniedException"),
        ("CreateDeployment", "AccessDeniedException"),
    ]


def test_what_the_sandbox_does_not_do_is_refused_aloud(gateway: Any) -> None:
    refused("UnknownOperationException", gateway.get_account)
    refused(
        "BadRequestException",
        gateway.create_deployment,
        restApiId="a1payments",
        stageName="live",
        tracingEnabled=True,
    )
    refused("BadRequestException", gateway.get_resources, restApiId="a1payments", embed=["everything"])


def test_names_that_two_apis_share_are_not_guessed(aws: AwsStandIn) -> None:
    with pytest.raises(LookupError, match=r"a1payments.*b2payments"):
        aws.apigateway.policy("payments")
