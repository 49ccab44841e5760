"""API Gateway REST APIs: the operations that read, change and deploy resource policies.

Strict where the real one is: policies come back escaped with full ARNs, are bounded in size, do nothing until a
deployment, and deployments are throttled. It must never accept a patch that it does not carry out.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from sandbox.aws.api_views import deployment_view, page, resource_view, rest_api_view, stage_view
from sandbox.aws.apis import Deployment, RestApi, Stage, new_api, served_authorization
from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.judge import Gate, Visit, passes
from sandbox.aws.policies import Document, PolicyError, minified, parse_api_policy
from sandbox.aws.waf import Waf
from sandbox.aws.wire import Operation, Parameters, RestJsonProtocol, Result
from sandbox.aws.world import AwsWorld

MAX_POLICY = 8192
_PATCHABLE = {"/policy": ("replace",)}
_BAD_POLICY = "Invalid policy document. Please check the policy syntax and ensure that Principals are valid."


class ApiGateway:
    """All APIs of all accounts. Helper methods that take `api` want its id, or its name where that is unique."""

    unsigned: frozenset[str] = frozenset()

    def __init__(self, world: AwsWorld, clock: Callable[[], datetime], lock: threading.RLock, waf: Waf) -> None:
        self.protocol = RestJsonProtocol("apigateway")
        self._waf = waf
        self.deployment_interval = 5.0
        self._clock = clock
        self._lock = lock
        self._ids = count(1)
        self._last_deployment: dict[str, datetime] = {}
        self._apis = {spec.id: new_api(spec, world.region, clock()) for spec in world.apis}
        for api in self._apis.values():
            for stage in api.spec.stages:
                api.deploy(self._new_id(), stage, "as the world began", clock())
        self.operations = {
            "GetRestApis": Operation(self._get_rest_apis, "position limit"),
            "GetRestApi": Operation(self._get_rest_api, "restApiId"),
            "UpdateRestApi": Operation(self._update_rest_api, "restApiId patchOperations"),
            "GetResources": Operation(self._get_resources, "restApiId position limit embed"),
            "GetStage": Operation(self._get_stage, "restApiId stageName"),
            "GetStages": Operation(self._get_stages, "restApiId deploymentId"),
            "UpdateStage": Operation(self._update_stage, "restApiId stageName patchOperations"),
            "CreateDeployment": Operation(self._create_deployment, "restApiId stageName description"),
            "GetDeployment": Operation(self._get_deployment, "restApiId deploymentId embed"),
            "GetDeployments": Operation(self._get_deployments, "restApiId position limit"),
        }

    # What a test or the page may ask, past the API

    def apis(self) -> list[RestApi]:
        with self._lock:
            return list(self._apis.values())

    def policy(self, api: str) -> Document | None:
        """The stored policy, whether deployed or not; None without one."""
        return self._named(api).policy

    def policy_in_force(self, api: str, stage: str) -> Document | None:
        """The policy in the deployment that `stage` serves."""
        return self._named(api).in_force(stage).policy

    def allows(
        self,
        api: str,
        stage: str,
        method: str,
        path: str,
        *,
        at: datetime,
        source_ip: str | None = None,
        vpce: str | None = None,
        principal: str | None = None,
        iam_allows: bool = False,
    ) -> bool:
        """Whether a call gets through what is deployed. `principal`: ARN of a caller that signs.

        Raises `CannotJudge` for policies beyond the judge's rules.
        """
        found = self._named(api)
        deployed = found.in_force(stage)
        authorization = served_authorization(deployed.resources, method, path)
        if authorization is None or not self._waf.lets_in(found.spec.id, stage, source_ip):
            return False
        private = found.spec.endpoint == "PRIVATE"
        gate = Gate(f"{found.root}/{stage}", found.spec.account, private, authorization, deployed.policy)
        return passes(gate, Visit(method, path, at, source_ip, vpce, principal, iam_allows))

    # What a person does by hand in the console

    def put_policy(self, api: str, document: Mapping[str, Any] | None) -> None:
        """Save a policy, or remove it, without deploying."""
        with self._lock:
            found = self._named(api)
            found.policy = None if document is None else parse_api_policy(minified(document), found.root)

    def add_resource(self, api: str, path: str, method: str, authorization: str = "NONE") -> None:
        """Define a method without deploying it."""
        with self._lock:
            self._named(api).define(path, method, authorization)

    def deploy(self, api: str, stage: str, description: str | None = None) -> str:
        """Deploy as it is now, past the throttle; returns the deployment's id."""
        with self._lock:
            return self._named(api).deploy(self._new_id(), stage, description, self._clock()).id

    def _named(self, api: str) -> RestApi:
        if api in self._apis:
            return self._apis[api]
        found = [one for one in self._apis.values() if one.spec.name == api]
        if len(found) != 1:
            known = ", ".join(f"{one.spec.id} ({one.spec.name})" for one in self._apis.values())
            raise LookupError(f"{api} is the name of {len(found)} APIs; name one of: {known}")
        return found[0]

    # Operations

    def _get_rest_apis(self, caller: Caller, parameters: Parameters) -> Result:
        mine = [rest_api_view(api) for api in self._apis.values() if api.spec.account == caller.account]
        return page(mine, parameters)

    def _get_rest_api(self, caller: Caller, parameters: Parameters) -> Result:
        return rest_api_view(self._api(caller, parameters))

    def _update_rest_api(self, caller: Caller, parameters: Parameters) -> Result:
        api = self._api(caller, parameters)
        policy = api.policy
        for patch in parameters.get("patchOperations", []):
            _check_patch(patch, _PATCHABLE)
            policy = _new_policy(patch["value"], api.root)
        api.policy = policy
        return rest_api_view(api)

    def _get_resources(self, caller: Caller, parameters: Parameters) -> Result:
        api = self._api(caller, parameters)
        detailed = _embeds(parameters, "methods")
        return page([resource_view(one, detailed) for one in api.resources.values()], parameters)

    def _get_stage(self, caller: Caller, parameters: Parameters) -> Result:
        api = self._api(caller, parameters)
        return self._shown(api, self._stage(api, parameters))

    def _get_stages(self, caller: Caller, parameters: Parameters) -> Result:
        api = self._api(caller, parameters)
        wanted = parameters.get("deploymentId")
        stages = (one for one in api.stages.values() if wanted in (None, one.deployment_id))
        return {"item": [self._shown(api, one) for one in stages]}

    def _update_stage(self, caller: Caller, parameters: Parameters) -> Result:
        api = self._api(caller, parameters)
        stage = self._stage(api, parameters)
        wanted = stage.deployment_id
        for patch in parameters.get("patchOperations", []):
            _check_patch(patch, {"/deploymentId": ("replace",)})
            wanted = self._deployment(api, patch["value"]).id
        api.serve(stage.name, wanted, self._clock())
        return self._shown(api, stage)

    def _create_deployment(self, caller: Caller, parameters: Parameters) -> Result:
        self._throttle(caller.account)
        api = self._api(caller, parameters)
        if not api.has_methods():
            raise AwsError("BadRequestException", "The REST API doesn't contain any methods")
        made = api.deploy(
            self._new_id(), parameters.get("stageName"), parameters.get("description"), self._clock()
        )
        return deployment_view(made, detailed=False)

    def _get_deployment(self, caller: Caller, parameters: Parameters) -> Result:
        found = self._deployment(self._api(caller, parameters), parameters["deploymentId"])
        return deployment_view(found, detailed=_embeds(parameters, "apisummary"))

    def _get_deployments(self, caller: Caller, parameters: Parameters) -> Result:
        found = self._api(caller, parameters).deployments.values()
        return page([deployment_view(one, detailed=False) for one in found], parameters)

    # Look-ups and limits

    def _shown(self, api: RestApi, stage: Stage) -> Result:
        return stage_view(stage, self._waf.web_acl_of(api.spec.id, stage.name))

    def _api(self, caller: Caller, parameters: Parameters) -> RestApi:
        wanted = parameters["restApiId"]
        found = self._apis.get(wanted)
        if found is None or found.spec.account != caller.account:
            raise AwsError("NotFoundException", f"Invalid API identifier specified {caller.account}:{wanted}")
        return found

    @staticmethod
    def _stage(api: RestApi, parameters: Parameters) -> Stage:
        if parameters["stageName"] not in api.stages:
            raise AwsError("NotFoundException", "Invalid stage identifier specified")
        return api.stages[parameters["stageName"]]

    @staticmethod
    def _deployment(api: RestApi, wanted: str) -> Deployment:
        if wanted not in api.deployments:
            raise AwsError("NotFoundException", "Invalid Deployment identifier specified")
        return api.deployments[wanted]

    def _throttle(self, account: str) -> None:
        """One CreateDeployment per interval and account; one that is refused does not count."""
        now = self._clock()
        last = self._last_deployment.get(account)
        left = self.deployment_interval - (now - last).total_seconds() if last else 0.0
        if left > 0:
            raise AwsError("TooManyRequestsException", "Too Many Requests", {"Retry-After": str(math.ceil(left))})
        self._last_deployment[account] = now

    def _new_id(self) -> str:
        return f"d{next(self._ids):05}"


def _new_policy(text: str, root: str) -> Document | None:
    if not text:
        return None
    try:
        document = parse_api_policy(text, root)
    except PolicyError as problem:
        raise AwsError("BadRequestException", f"{_BAD_POLICY} ({problem})") from problem
    if (size := len(minified(document))) > MAX_POLICY:
        raise AwsError("BadRequestException", f"The policy has {size} characters; the limit is {MAX_POLICY}")
    return document


def _check_patch(patch: Mapping[str, Any], allowed: Mapping[str, Sequence[str]]) -> None:
    op, path = patch.get("op"), patch.get("path")
    if op not in allowed.get(str(path), ()):
        choices = [known for known, ops in allowed.items() if op in ops]
        raise AwsError(
            "BadRequestException",
            f"Invalid patch path '{path}' specified for op '{op}'. Must be one of: [{', '.join(choices)}]",
        )
    if "value" not in patch or "from" in patch:
        raise AwsError("BadRequestException", f"op '{op}' of {path} takes a value and nothing else")


def _embeds(parameters: Parameters, known: str) -> bool:
    wanted = parameters.get("embed", [])
    if set(wanted) - {known}:
        raise AwsError("BadRequestException", f"Invalid embed value; must be {known}")
    return bool(wanted)
