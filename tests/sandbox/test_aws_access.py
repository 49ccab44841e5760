"""The door of the sandbox's AWS: who may call, what is logged, what moto answers, what people see."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from sandbox.aws import NONPROD, PROD, AwsStandIn, sample_world
from sandbox.aws.clients import NONPROD_APPLY, PROD_PLAN, client
from sandbox.faults import Fault, Kind, Moment
from sandbox.serving import Server

APPLY = f"arn:aws:iam::{NONPROD}:role/sallyport-apply"
INSTANCE = "arn:aws:sso:::instance/ssoins-7223aaaabbbbcccc"


@pytest.fixture
def aws() -> AwsStandIn:
    return AwsStandIn(sample_world())


@pytest.fixture
def url(aws: AwsStandIn) -> Iterator[str]:
    with Server(aws.app) as server:
        yield server.url


def token(**changes: Any) -> str:
    claims = {"aud": "sts.amazonaws.com", "sub": "repo:acme/infra:ref:refs/heads/main", "exp": time.time() + 300}
    parts = ({"alg": "RS256"}, {**claims, **changes}, {})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def assume(url: str, role: str = APPLY, jwt: str = "", name: str = "aw-7k3m9q") -> Any:
    return client(url, "sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName=name, WebIdentityToken=jwt or token()
    )


def signed_with(url: str, service: str, answer: Any) -> Any:
    keys = answer["Credentials"]
    return client(url, service, keys["AccessKeyId"], session=(keys["SecretAccessKey"], keys["SessionToken"]))


def refused(code: str, call: Any, **parameters: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value


def test_a_github_token_buys_keys_of_the_roles_account(aws: AwsStandIn, url: str) -> None:
    answer = assume(url)
    assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/sallyport-apply/aw-7k3m9q")
    identity = signed_with(url, "sts", answer).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (NONPROD, answer["AssumedRoleUser"]["Arn"])
    signed_with(url, "apigateway", answer).get_rest_api(restApiId="b2payments")
    last = aws.calls[-1]
    assert (last.service, last.operation, last.account, last.session_name) == (
        "apigateway",
        "GetRestApi",
        NONPROD,
        "aw-7k3m9q",
    )


def test_the_role_says_whether_the_session_may_write(url: str) -> None:
    plan = signed_with(url, "apigateway", assume(url, APPLY.replace("apply", "plan")))
    assert plan.get_rest_apis()["items"]
    refused("AccessDeniedException", plan.create_deployment, restApiId="b2payments", stageName="test")


@pytest.mark.parametrize(
    ("code", "role", "changes"),
    [
        ("AccessDenied", APPLY, {"sub": "repo:evil/infra:ref:refs/heads/main"}),
        ("AccessDenied", f"arn:aws:iam::{NONPROD}:role/another", {}),
        ("InvalidIdentityToken", APPLY, {"aud": "elsewhere"}),
        ("ExpiredTokenException", APPLY, {"exp": 1}),
    ],
)
def test_a_token_that_the_role_does_not_trust_buys_nothing(
    url: str, code: str, role: str, changes: dict[str, Any]
) -> None:
    refused(code, assume, url=url, role=role, jwt=token(**changes))


def test_what_is_no_token_and_bad_session_names_are_refused(aws: AwsStandIn, url: str) -> None:
    refused("InvalidIdentityToken", assume, url=url, jwt="not-a-jwt")
    refused("ValidationError", assume, url=url, name="spaces are out")
    assert "not-a-jwt" not in repr(aws.calls)


def test_newer_subjects_with_ids_are_trusted_too(url: str) -> None:
    assert assume(url, jwt=token(sub="repo:acme@1/infra@2:ref:refs/heads/main"))


def test_unknown_keys_get_each_services_own_refusal(aws: AwsStandIn, url: str) -> None:
    stranger = "AKIAUNKNOWN000000000"
    unknown = "UnrecognizedClientException"
    error = refused(unknown, client(url, "apigateway", stranger).get_rest_apis)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    refused(unknown, client(url, "sso-admin", stranger).list_instances)
    refused(unknown, client(url, "secretsmanager", stranger).list_secrets)
    refused(unknown, client(url, "s3", stranger).list_objects_v2, Bucket="audit")
    refused("InvalidClientTokenId", client(url, "sts", stranger).get_caller_identity)
    assert {(call.account, call.error is not None) for call in aws.calls} == {("", True)}


def test_a_session_is_good_only_with_its_own_token(url: str) -> None:
    keys = assume(url)["Credentials"]
    forged = client(url, "apigateway", keys["AccessKeyId"], session=(keys["SecretAccessKey"], "forged"))
    refused("UnrecognizedClientException", forged.get_rest_apis)


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/restapis", {}, 403, "MissingAuthenticationTokenException"),
        ("/restapis", {"Authorization": "Bearer x"}, 403, "MissingAuthenticationTokenException"),
        ("/", {"X-Amz-Target": "SWBExternalService.ListInstances"}, 400, "MissingAuthenticationTokenException"),
        ("/", {"X-Amz-Target": "AWSIdentityStore.ListUsers"}, 400, "MissingAuthenticationTokenException"),
        ("/moto-api/reset", {}, 403, "MissingAuthenticationTokenException"),
    ],
)
def test_unsigned_calls_are_refused(url: str, path: str, headers: dict[str, str], status: int, code: str) -> None:
    method = "GET" if path == "/restapis" else "POST"
    request = urllib.request.Request(url + path, b"{}" if method == "POST" else None, headers, method=method)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    with caught.value as answer:
        assert answer.code == status
        assert answer.headers["x-amzn-RequestId"]
        assert code in answer.read().decode() + str(answer.headers)


def test_parameters_that_the_model_does_not_have_are_refused(url: str) -> None:
    def post(body: bytes) -> str:
        scope = "AWS4-HMAC-SHA256 Credential=AKIASANDBOXPRODAPPLY/20261121/eu-west-1/sso/aws4_request"
        headers = {
            "X-Amz-Target": "SWBExternalService.ListPermissionSets",
            "Authorization": f"{scope}, SignedHeaders=host, Signature=0",
        }
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5)
        with caught.value as answer:
            return str(json.loads(answer.read())["__type"])

    assert post(json.dumps({"InstanceArn": INSTANCE, "Instance": 1}).encode()) == "ValidationException"
    assert post(b"{}") == "ValidationException"
    assert post(json.dumps({"InstanceArn": INSTANCE, "MaxResults": "9"}).encode()) == "ValidationException"
    assert post(b"{") == "SerializationException"


def test_other_regions_are_empty_and_say_so(url: str) -> None:
    refused("UnknownRegionException", client(url, "apigateway", region="us-east-1").get_rest_apis)


def test_calls_are_logged_with_parameters_and_the_request_id_that_boto3_sees(aws: AwsStandIn, url: str) -> None:
    answer = client(url, "apigateway").get_stage(restApiId="a1payments", stageName="live")
    (call,) = aws.calls
    assert call.parameters == {"restApiId": "a1payments", "stageName": "live"}
    assert call.request_id == answer["ResponseMetadata"]["RequestId"]
    assert call.account == PROD
    aws.reset_calls()
    assert aws.calls == []


def test_services_without_a_stand_in_are_answered_by_moto_in_the_callers_account(url: str) -> None:
    mine = client(url, "secretsmanager")
    arn = mine.create_secret(Name="audit-key", SecretString="s")["ARN"]
    assert arn.split(":")[4] == PROD
    assert client(url, "secretsmanager", NONPROD_APPLY).list_secrets()["SecretList"] == []
    assert mine.get_secret_value(SecretId="audit-key")["SecretString"] == "s"
    refused("AccessDeniedException", client(url, "secretsmanager", PROD_PLAN).delete_secret, SecretId="audit-key")


def test_moto_keeps_objects_for_the_audit_trail(aws: AwsStandIn, url: str) -> None:
    s3 = client(url, "s3")
    s3.create_bucket(Bucket="audit", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="audit", Key="2026/11 21/a.json", Body=b"{}")
    assert s3.get_object(Bucket="audit", Key="2026/11 21/a.json")["Body"].read() == b"{}"
    refused(
        "PreconditionFailed", s3.put_object, Bucket="audit", Key="2026/11 21/a.json", Body=b"", IfNoneMatch="*"
    )
    refused("AccessDeniedException", client(url, "s3", PROD_PLAN).delete_object, Bucket="audit", Key="a")
    assert {call.service for call in aws.calls} == {"s3"}


def test_a_lost_answer_is_a_write_that_happened(aws: AwsStandIn, url: str) -> None:
    aws.faults.add(Fault(Kind.DROP, Moment.AFTER, "PATCH", "/restapis/"))
    with pytest.raises(ConnectionClosedError):
        client(url, "apigateway").update_rest_api(
            restApiId="a1payments", patchOperations=[{"op": "replace", "path": "/policy", "value": ""}]
        )
    assert aws.apigateway.policy("a1payments") is None


def test_the_page_shows_policies_and_assignments_escaped(aws: AwsStandIn, url: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/<script>alert(1)</script>",
    }
    aws.apigateway.put_policy("a1orders", {"Version": "2012-10-17", "Statement": [statement]})
    with urllib.request.urlopen(f"{url}/sandbox/aws", timeout=5) as answer:
        shown = answer.read().decode()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "differs from the saved one" in shown
    assert "<td>222222222222</td><td>ProdReadOnly</td><td>kim@example.com</td>" in shown
    assert aws.calls == []
