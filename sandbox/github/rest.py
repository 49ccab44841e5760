"""The REST frame: routes, authentication, permissions, query parameters, pages and ETags.

What a route does is in `rest_git`, `rest_actions` and `rest_pulls`. A path or parameter that is not listed there
is an error with a clear message, never silence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.github.accounts import Accounts, Token

_PAGING = frozenset({"per_page", "page"})


class Refusal(Exception):
    """An answer with an error status, GitHub's `message` and, for some, its `errors`."""

    def __init__(self, status: int, message: str, errors: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.errors = errors

    @property
    def body(self) -> dict[str, object]:
        return {"message": str(self), **({"errors": list(self.errors)} if self.errors else {})}


def not_found(message: str = "Not Found") -> NoReturn:
    raise Refusal(404, message)


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised request."""

    token: Token
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One supported call; `scope` and `level` are the permission that it needs, if any, or `or_scope` instead."""

    method: str
    path: str
    handler: Handler
    scope: str = ""
    level: str = "read"
    query: frozenset[str] = frozenset()
    paged: bool = False
    or_scope: str = ""


def routes(endpoints: Sequence[Endpoint], accounts: Accounts, prefix: str) -> list[Route]:
    """Starlette routes for the endpoints, with handlers run in threads."""
    return [
        Route(prefix + one.path, _endpoint(one, accounts), methods=[one.method], name=f"{one.method} {one.path}")
        for one in endpoints
    ]


def unsupported(request: Request) -> Response:
    """For every call that no route takes: a client that reaches this asks for more than the product should."""
    said = f"The GitHub stand-in does not support {request.method} {request.url.path}"
    return JSONResponse({"message": said}, status_code=400)


def authenticate(request: Request, accounts: Accounts) -> Token:
    header = request.headers.get("authorization")
    if header is None:
        raise Refusal(401, "Requires authentication")
    token = accounts.holder(header)
    if token is None:
        raise Refusal(401, "Bad credentials")
    return token


def paged(call: Call, items: Sequence[Any], wrap: Callable[[list[Any]], Any]) -> Answer:
    """One page of a list, with GitHub's Link header to the next."""
    size, page = int(call.query.get("per_page", 30)), int(call.query.get("page", 1))
    if not (1 <= size <= 100 and page >= 1):
        raise Refusal(422, "per_page is 1 to 100 and page starts at 1")
    start = (page - 1) * size
    more = start + size < len(items)
    other = "".join(f"{name}={value}&" for name, value in call.query.items() if name not in _PAGING)
    link = {"Link": f'<{call.url}?{other}per_page={size}&page={page + 1}>; rel="next"'} if more else {}
    return Answer(wrap(list(items[start : start + size])), headers=link)


def _endpoint(one: Endpoint, accounts: Accounts) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        return await run_in_threadpool(_respond, one, accounts, request, raw)

    return endpoint


def _respond(one: Endpoint, accounts: Accounts, request: Request, raw: bytes) -> Response:
    try:
        answer = one.handler(_call(one, accounts, request, raw))
    except Refusal as refusal:
        return JSONResponse(refusal.body, status_code=refusal.status)
    if answer.status == 204:
        return Response(status_code=204)
    return _tagged(request, answer)


def _call(one: Endpoint, accounts: Accounts, request: Request, raw: bytes) -> Call:
    token = authenticate(request, accounts)
    if one.scope and not any(token.may(scope, one.level) for scope in (one.scope, one.or_scope)):
        raise Refusal(403, "Resource not accessible by integration")
    known = one.query | (_PAGING if one.paged else frozenset())
    if unknown := sorted(set(request.query_params) - known):
        raise Refusal(400, f"The stand-in does not support the parameter {unknown[0]} of {one.method} {one.path}")
    query = dict(request.query_params)
    if wrong := [name for name in _PAGING & set(query) if not query[name].isdigit()]:
        raise Refusal(422, f"{wrong[0]} is not a number")
    url = str(request.url.replace(query="", fragment=""))
    return Call(token, request.path_params, query, _body(raw), url)


def _body(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else {}
    except ValueError as error:
        raise Refusal(400, "Problems parsing JSON") from error


def _tagged(request: Request, answer: Answer) -> Response:
    """GETs carry an ETag, and are answered 304 to a client that has it already."""
    response = JSONResponse(answer.body, answer.status, dict(answer.headers))
    if request.method != "GET":
        return response
    tag = f'"{hashlib.sha256(bytes(response.body)).hexdigest()}"'
    if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return response
