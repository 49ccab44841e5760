"""The calls to API Gateway, each in one place, in the executor's own values. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from actions.executors.api_gateway.marks import Mark, Method
from actions.executors.api_gateway.state import Stage
from actions.executors.aws import AwsFault, Clients, ask, confirm_account, insist, request_id
from actions.executors.protocol import TargetFault
from actions.pacing import Backoff, Pacer, Wait
from sallyport.changes.protocol import Access
from sallyport.resource_policies.document import ApiArn, Policy, parse

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

Answer = TypeVar("Answer")

BETWEEN_DEPLOYMENTS = timedelta(seconds=5)  # CreateDeployment: one in five seconds an account, not adjustable
_PAGE = 500
_BACKOFF = Backoff(attempts=6, first=1.0)


@dataclass(frozen=True, slots=True)
class RestApi:
    """What GetRestApi tells."""

    policy: Policy | None
    private: bool


class ApiCalls:
    """The calls for one REST API. Writes return AWS's request id."""

    def __init__(self, clients: Clients, access: Access, arn: ApiArn, pacer: Pacer, wait: Wait) -> None:
        self._read: APIGatewayClient = clients.reader("apigateway", access)
        self._write: APIGatewayClient = clients.writer("apigateway", access)
        self._confirm_account = partial(confirm_account, clients, access, arn.account, arn.lock)
        self._arn = arn
        self._pacer = pacer
        self._wait = wait

    @property
    def _id(self) -> str:
        return self._arn.rest_api

    def rest_api(self) -> RestApi | None:
        """Read the API; None if the account has none of that id."""
        answer = _or_none(lambda: ask("GetRestApi", lambda: self._read.get_rest_api(restApiId=self._id)))
        if answer is None:
            self._confirm_account()
            return None
        try:
            policy = parse(answer.get("policy"))
        except ValueError as error:
            raise TargetFault(f"The resource policy of {self._id} cannot be read ({error}).") from error
        return RestApi(policy, "PRIVATE" in answer.get("endpointConfiguration", {}).get("types", []))

    def stage(self, name: str) -> Stage:
        """Read a stage with the deployment that it serves."""
        found = _or_none(lambda: ask("GetStage", lambda: self._read.get_stage(restApiId=self._id, stageName=name)))
        if found is None:
            return Stage(name, "", exists=False)
        deployment = found["deploymentId"]
        description, methods = ask("GetDeployment", lambda: self._deployment(deployment))
        return Stage(name, deployment, Mark.read(description), methods)

    def methods(self) -> frozenset[Method]:
        """Read the methods as they are defined now, deployed or not."""
        return frozenset(ask("GetResources", self._methods))

    def put_policy(self, policy: Policy | None) -> str:
        """Replace the policy; None takes it away."""
        value = policy.text(self._arn) if policy else ""
        operation = {"op": "replace", "path": "/policy", "value": value}
        answer = self._insist(
            "UpdateRestApi",
            lambda: self._write.update_rest_api(restApiId=self._id, patchOperations=cast(Any, [operation])),
        )
        return request_id(answer)

    def deploy(self, stage: str, description: str) -> tuple[str, str]:
        """Deploy *stage* when it is the account's turn; return the deployment's id and the request id."""

        def create() -> tuple[str, str]:
            self._pacer.turn(self._arn.account)
            answer = self._write.create_deployment(restApiId=self._id, stageName=stage, description=description)
            return answer["id"], request_id(answer)

        return self._insist("CreateDeployment", create)

    def serve(self, stage: str, deployment: str) -> str:
        """Have *stage* serve an earlier deployment again."""
        operation = {"op": "replace", "path": "/deploymentId", "value": deployment}
        answer = self._insist(
            "UpdateStage",
            lambda: self._write.update_stage(
                restApiId=self._id, stageName=stage, patchOperations=cast(Any, [operation])
            ),
        )
        return request_id(answer)

    def _deployment(self, deployment: str) -> tuple[str, frozenset[Method]]:
        answer = self._read.get_deployment(restApiId=self._id, deploymentId=deployment, embed=["apisummary"])
        methods = frozenset(
            Method(path, verb, method.get("authorizationType", "NONE"), method.get("apiKeyRequired", False))
            for path, verbs in answer.get("apiSummary", {}).items()
            for verb, method in verbs.items()
        )
        return answer.get("description", ""), methods

    def _methods(self) -> list[Method]:
        pages = self._read.get_paginator("get_resources").paginate(
            restApiId=self._id, embed=["methods"], PaginationConfig={"PageSize": _PAGE}
        )
        return [
            Method(
                item["path"], verb, method.get("authorizationType", "NONE"), method.get("apiKeyRequired", False)
            )
            for page in pages
            for item in page.get("items", [])
            for verb, method in item.get("resourceMethods", {}).items()
        ]

    def _insist(self, operation: str, call: Callable[[], Answer]) -> Answer:
        return insist(operation, call, _BACKOFF, self._wait)


def _or_none(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except AwsFault as fault:
        if fault.code == "NotFoundException":
            return None
        raise
