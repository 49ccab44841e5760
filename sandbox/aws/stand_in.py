"""One endpoint that is all of AWS for the sandbox: sends each call to the stand-in or to moto, and keeps a log.

Nothing is answered without known credentials, save the page for people and STS's exchange of a GitHub token.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.aws import wire
from sandbox.aws.apigateway import ApiGateway
from sandbox.aws.auto_scaling import AutoScaling
from sandbox.aws.credentials import Caller, Callers, Scope, scope_of
from sandbox.aws.ec2 import Ec2
from sandbox.aws.ecs import Ecs
from sandbox.aws.errors import AwsError
from sandbox.aws.identity_center import IdentityCenter
from sandbox.aws.identity_store import IdentityStore
from sandbox.aws.load_balancing import LoadBalancing
from sandbox.aws.moto_bridge import Moto
from sandbox.aws.page import page
from sandbox.aws.rds import Rds
from sandbox.aws.rds_restores import RdsRestores
from sandbox.aws.sso_admin import SsoAdmin
from sandbox.aws.sts import NOBODY, Sts
from sandbox.aws.waf import Waf
from sandbox.aws.wire import Incoming, Operation, Outgoing
from sandbox.aws.world import AwsWorld
from sandbox.faults import Faults, FaultyApp

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_SECRET = {"WebIdentityToken"}
_REGIONAL = {
    "apigateway",
    "ec2",
    "sso-admin",
    "identitystore",
    "ecs",
    "application-autoscaling",
    "rds",
    "elasticloadbalancing",
    "wafv2",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call as CloudTrail would have it. `account` is empty for strangers; `error` is the code of a refusal."""

    service: str
    operation: str
    account: str
    session_name: str
    parameters: Mapping[str, Any]
    request_id: str
    at: datetime
    error: str | None = None


class Service(Protocol):
    """What the dispatcher needs of a stand-in. `unsigned`: operations that need no credentials."""

    @property
    def unsigned(self) -> frozenset[str]: ...
    @property
    def protocol(self) -> wire.Protocol: ...
    @property
    def operations(self) -> Mapping[str, Operation]: ...


class AwsStandIn:
    """`app` is the ASGI application. `clock` returns aware UTC; credentials alone go by the machine's clock."""

    def __init__(self, world: AwsWorld, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._lock = threading.RLock()
        self._clock = clock
        self._world = world
        self._callers = Callers(world.keys)
        self._calls: list[Call] = []
        self._moto = Moto()
        self.waf = Waf(world.ip_sets, world.web_acls, world.region, self._lock)
        self.apigateway = ApiGateway(world, clock, self._lock, self.waf)
        self.ec2 = Ec2(world, clock, self._lock)
        self.identity_center = IdentityCenter(world, clock, self._lock)
        self.elbv2 = LoadBalancing(world, clock, self._lock)
        self.ecs = Ecs(world.services, clock, self._lock, self.elbv2)
        self.rds = Rds(world.databases, clock, self._lock)
        self.rds_restores = RdsRestores(self.rds, clock)
        self.rds.operations |= self.rds_restores.operations
        self._services: dict[str, Service] = {
            "apigateway": self.apigateway,
            "wafv2": self.waf,
            "ec2": self.ec2,
            "sso": SsoAdmin(self.identity_center),
            "identitystore": IdentityStore(self.identity_center),
            "ecs": self.ecs,
            "application-autoscaling": AutoScaling(self.ecs),
            "rds": self.rds,
            "elasticloadbalancing": self.elbv2,
            "sts": Sts(self._callers, world.roles),
        }
        self.faults = Faults()
        routes = [
            Route("/sandbox/aws", self._page, methods=["GET"]),
            Route("/{path:path}", self._serve, methods=_METHODS),
        ]
        self.app = FaultyApp(Starlette(routes=routes), self.faults)

    @property
    def calls(self) -> list[Call]:
        """Every call so far, refused ones and strangers' included, in order."""
        with self._lock:
            return list(self._calls)

    def reset_calls(self) -> None:
        with self._lock:
            self._calls.clear()

    async def _page(self, _request: Request) -> Response:
        with self._lock:
            return HTMLResponse(
                page(self.apigateway, self.waf, self.identity_center, self.ec2, self.ecs, self.rds)
            )

    async def _serve(self, request: Request) -> Response:
        incoming = Incoming(
            request.method,
            request.scope["path"],
            request.url.query,
            {name.lower(): value for name, value in request.headers.items()},
            await request.body(),
        )
        scope = scope_of(incoming.headers.get("authorization", ""))
        service = self._stand_in_for(incoming, scope)
        if service is not None:
            with self._lock:
                found = self._answer(service, incoming, scope)
        else:
            raw_path = request.scope["raw_path"].decode("latin-1") + (
                f"?{incoming.query}" if incoming.query else ""
            )
            found = await self._ask_moto(incoming, scope, raw_path)
        return Response(found.body, found.status, dict(found.headers))

    def _stand_in_for(self, incoming: Incoming, scope: Scope | None) -> Service | None:
        """What serves the call; None where moto does, which has the rest of EC2."""
        name = _service_name(incoming, scope)
        if name == "ec2" and _form(incoming).get("Action") not in self.ec2.operations:
            return None
        return self._services.get(name)

    def _answer(self, service: Service, incoming: Incoming, scope: Scope | None) -> Outgoing:
        protocol, operations = service.protocol, service.operations
        name, caller, parameters, error = f"{incoming.method} {incoming.path}", NOBODY, {}, None
        request_id = str(uuid.uuid4())
        try:
            name = protocol.operation(incoming, operations)
            if name not in service.unsigned:
                caller = self._caller(protocol.service, incoming, scope)
            parameters = protocol.parameters(name, incoming, operations[name].accepts)
            _authorise(caller, protocol.service, name)
            return protocol.answer(name, operations[name].serve(caller, parameters), request_id)
        except AwsError as refused:
            error = refused.code
            return protocol.refusal(refused, request_id)
        finally:
            self._log(protocol.service, name, caller, parameters, request_id, error)

    async def _ask_moto(self, incoming: Incoming, scope: Scope | None, raw_path: str) -> Outgoing:
        name, service = _guessed_operation(incoming), scope.service if scope else "unknown"
        caller, error, request_id = NOBODY, None, str(uuid.uuid4())
        try:
            caller = self._caller(service, incoming, scope)
            _authorise(caller, service, name)
            return await run_in_threadpool(self._moto.answer, incoming, caller.account, raw_path)
        except AwsError as refused:
            error = refused.code
            return wire.foreign_refusal(incoming, refused, request_id)
        finally:
            self._log(service, name, caller, {}, request_id, error)

    def _caller(self, service: str, incoming: Incoming, scope: Scope | None) -> Caller:
        if scope is None:
            raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
        caller = self._callers.find(scope, incoming.headers.get("x-amz-security-token"))
        if service in _REGIONAL and scope.region != self._world.region:
            raise AwsError("UnknownRegionException", f"the sandbox has nothing in {scope.region}")
        return caller

    def _log(
        self,
        service: str,
        operation: str,
        caller: Caller,
        parameters: Mapping[str, Any],
        request_id: str,
        error: str | None,
    ) -> None:
        shown = {name: "(secret)" if name in _SECRET else value for name, value in parameters.items()}
        call = Call(
            service, operation, caller.account, caller.session_name, shown, request_id, self._clock(), error
        )
        with self._lock:
            self._calls.append(call)


def _authorise(caller: Caller, service: str, operation: str) -> None:
    if not caller.may(operation):
        sentence = f"User: {caller.arn} is not authorized to perform: {service}:{operation}"
        raise AwsError("AccessDeniedException", sentence)


def _service_name(incoming: Incoming, scope: Scope | None) -> str:
    """The signing name; unsigned calls by what they look like, so that each is refused in its own format."""
    if scope is not None:
        return scope.service
    target = incoming.headers.get("x-amz-target", "").partition(".")[0]
    if target in {"SWBExternalService", "AWSIdentityStore"}:
        return {"SWBExternalService": "sso", "AWSIdentityStore": "identitystore"}[target]
    if incoming.path.startswith("/restapis"):
        return "apigateway"
    return "sts" if _form(incoming).get("Version") == "2011-06-15" else ""


def _guessed_operation(incoming: Incoming) -> str:
    """A name for the log, and for the question whether a read-only caller may do it."""
    named = incoming.headers.get("x-amz-target", "").rpartition(".")[2] or _form(incoming).get("Action", "")
    verb = "Get" if incoming.method in {"GET", "HEAD"} else incoming.method
    return named or f"{verb} {incoming.path}"


def _form(incoming: Incoming) -> dict[str, str]:
    if not incoming.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    return dict(parse_qsl(incoming.body.decode("utf-8", "replace")))
