"""The Web API's front door: token, scope, arguments; then the method. Answers are Slack's JSON.

An unknown method or argument is refused, never ignored. The methods stand in api_*.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse

from .state import Refused, State
from .workspace import Workspace

Json = dict[str, Any]
_STRUCTURED = ("blocks", "view", "metadata")  # JSON text when they come in a form
_TRUE, _FALSE = (True, "1", "true", "True"), (False, "0", "false", "False")


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted call: its arguments, and the world it is about."""

    arguments: Mapping[str, Any]
    workspace: Workspace
    state: State
    base_url: str
    strict_accessibility: bool
    open_socket: Callable[[], str]

    def text(self, name: str, default: str = "") -> str:
        value = self.arguments.get(name, default)
        if not isinstance(value, str):
            raise Refused("invalid_arguments", f"[ERROR] must be a string [json-pointer:/{name}]")
        return value

    def flag(self, name: str) -> bool:
        value = self.arguments.get(name, False)
        if value not in (*_TRUE, *_FALSE):
            raise Refused("invalid_arguments", f"[ERROR] must be a boolean [json-pointer:/{name}]")
        return value in _TRUE

    def number(self, name: str, default: int, most: int) -> int:
        try:
            value = int(self.arguments.get(name, default))
        except (TypeError, ValueError):
            raise Refused("invalid_arguments", f"[ERROR] must be an integer [json-pointer:/{name}]") from None
        if not 1 <= value <= most:
            raise Refused("invalid_limit")
        return value


@dataclass(frozen=True, slots=True)
class Method:
    """What a method asks for; `app_level` methods take the app token instead of the bot's."""

    run: Callable[[Call], Json]
    scope: str = ""
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    app_level: bool = False


async def arguments_of(request: Request) -> Json:
    """Arguments from a JSON body, a form or the query, with structured ones parsed."""
    kind = request.headers.get("content-type", "").split(";")[0]
    if kind == "application/json":
        return _parsed_json(await request.body())
    if kind.startswith("multipart/"):
        async with request.form() as form:
            fields: Json = {key: value for key, value in form.items() if not isinstance(value, UploadFile)}
    else:
        fields = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    return _structured({**request.query_params, **fields})


def _parsed_json(body: bytes) -> Json:
    try:
        arguments = json.loads(body or b"{}")
    except ValueError:
        raise Refused("invalid_json") from None
    if not isinstance(arguments, dict):
        raise Refused("json_not_object")
    return _structured(arguments)


def _structured(arguments: Json) -> Json:
    for name in _STRUCTURED:
        if isinstance(arguments.get(name), str):
            try:
                arguments[name] = json.loads(arguments[name])
            except ValueError:
                raise Refused("invalid_arguments", f"[ERROR] must be JSON [json-pointer:/{name}]") from None
    return arguments


def _check_token(given: str, method: Method, workspace: Workspace) -> None:
    wanted, other = workspace.bot_token, workspace.app_token
    if method.app_level:
        wanted, other = other, wanted
    if not given:
        raise Refused("not_authed")
    if given == other:
        raise Refused("not_allowed_token_type")
    if given != wanted:
        raise Refused("invalid_auth")
    if method.scope and not method.app_level and method.scope not in workspace.scopes:
        raise Refused("missing_scope", f"needed: {method.scope}; provided: {','.join(workspace.scopes)}")


def _check_arguments(method: Method, arguments: Mapping[str, Any]) -> None:
    missing = [f"[ERROR] missing required field: {name}" for name in method.required if name not in arguments]
    known = {*method.required, *method.optional}
    unknown = [f"[ERROR] argument not supported here: {name}" for name in arguments if name not in known]
    if missing or unknown:
        raise Refused("invalid_arguments", *missing, *unknown)


def refusal(error: Refused) -> Json:
    answer: Json = {"ok": False, "error": error.error}
    if error.messages:
        answer["response_metadata"] = {"messages": list(error.messages)}
    return answer


@dataclass(frozen=True, slots=True)
class WebApi:
    """All methods over one world; `call` makes the `Call` that a method gets."""

    methods: Mapping[str, Method]
    call: Callable[[Request, Json], Call]

    async def endpoint(self, request: Request) -> JSONResponse:
        try:
            arguments = await arguments_of(request)
            arguments.pop("token", None)
            answer = self._run(request, arguments)
        except Refused as error:
            answer = refusal(error)
        return JSONResponse(answer, headers={"x-oauth-scopes": ",".join(self.call(request, {}).workspace.scopes)})

    def _run(self, request: Request, arguments: Json) -> Json:
        name = request.path_params["method"]
        method = self.methods.get(name)
        if method is None:
            raise Refused("unknown_method", f"{name} is not part of the local Slack")
        call = self.call(request, arguments)
        _check_token(_bearer(request), method, call.workspace)
        if arguments.pop("team_id", call.workspace.team_id) != call.workspace.team_id:  # Bolt adds it to all calls
            raise Refused("team_access_not_granted")
        _check_arguments(method, arguments)
        with call.state.change():
            return {"ok": True, **method.run(call)}


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()
