"""REST APIs, resources, stages and deployments as API Gateway's answers show them, and pages of them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from sandbox.aws.apis import Deployment, Resource, RestApi, Stage, summary
from sandbox.aws.errors import AwsError
from sandbox.aws.policies import escaped
from sandbox.aws.wire import Parameters, Result


def page(items: Sequence[dict[str, Any]], parameters: Parameters) -> Result:
    limit = parameters.get("limit", 25)
    if not 1 <= limit <= 500:
        raise AwsError("BadRequestException", "limit must be between 1 and 500")
    start = _position(parameters["position"]) if "position" in parameters else 0
    rest = {"position": _token(start + limit)} if start + limit < len(items) else {}
    return {"items": list(items[start : start + limit]), **rest}


def _token(start: int) -> str:
    return urlsafe_b64encode(f"from:{start}".encode()).decode()


def _position(token: str) -> int:
    try:
        return int(urlsafe_b64decode(token).decode().removeprefix("from:"))
    except ValueError as problem:
        raise AwsError("BadRequestException", "Invalid position parameter") from problem


def rest_api_view(api: RestApi) -> dict[str, Any]:
    endpoint: dict[str, Any] = {"types": [api.spec.endpoint], "ipAddressType": "ipv4"}
    if api.spec.vpc_endpoints:
        endpoint["vpcEndpointIds"] = list(api.spec.vpc_endpoints)
    return {
        "id": api.spec.id,
        "name": api.spec.name,
        "createdDate": api.created,
        "apiKeySource": "HEADER",
        "endpointConfiguration": endpoint,
        "tags": {},
        "disableExecuteApiEndpoint": False,
        "apiStatus": "AVAILABLE",
        "rootResourceId": api.resources["/"].id,
        **({"policy": escaped(api.policy)} if api.policy is not None else {}),
    }


def resource_view(found: Resource, detailed: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": found.id, "path": found.path}
    if found.parent_id is not None:
        shown |= {"parentId": found.parent_id, "pathPart": found.part}
    if found.methods:
        shown["resourceMethods"] = {
            verb: {"httpMethod": verb, "authorizationType": authorization, "apiKeyRequired": False}
            if detailed
            else {}
            for verb, authorization in found.methods.items()
        }
    return shown


def stage_view(found: Stage, web_acl: str) -> dict[str, Any]:
    """A stage; `web_acl` is the ARN of the one that it is associated with, or empty."""
    return {
        "deploymentId": found.deployment_id,
        "stageName": found.name,
        "cacheClusterEnabled": False,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {},
        "tracingEnabled": False,
        "createdDate": found.created,
        "lastUpdatedDate": found.updated,
        **({"webAclArn": web_acl} if web_acl else {}),
    }


def deployment_view(found: Deployment, *, detailed: bool) -> dict[str, Any]:
    return {
        "id": found.id,
        "createdDate": found.created,
        **({"description": found.description} if found.description is not None else {}),
        **({"apiSummary": summary(found.resources)} if detailed else {}),
    }
