"""One request as the handlers see it: who asks, with which parameters, and a body of known members.

A parameter or member that the stand-in does not know is refused by name: it must never pass silently.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from sandbox.jira.refusals import JiraRefusal
from sandbox.jira.site import JiraSite, JiraUser


def authenticated(site: JiraSite, request: Request) -> JiraUser:
    """The user whose token came along: Bearer on Data Center, Basic on Cloud."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    name = None
    if not site.is_cloud and scheme == "Bearer":
        name = site.tokens.get(f":{secret}")
    elif site.is_cloud and scheme == "Basic":
        name = site.tokens.get(_decoded(secret))
    user = site.user(name) if name else None
    if user is None or not user.active:
        raise JiraRefusal(401, "Client must be authenticated to access this resource.")
    return user


def _decoded(secret: str) -> str:
    try:
        return base64.b64decode(secret, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def parameters(request: Request, *allowed: str) -> dict[str, str]:
    """The query parameters, each of them supported; a repeated one joined by commas."""
    if unknown := sorted(set(request.query_params) - set(allowed)):
        raise JiraRefusal(400, f"This stand-in does not support the parameter '{unknown[0]}' here.")
    return {name: ",".join(request.query_params.getlist(name)) for name in request.query_params}


async def json_body(request: Request) -> Any:
    if request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        raise JiraRefusal(415, "Unsupported Media Type: send application/json.")
    try:
        return json.loads(await request.body())
    except ValueError:
        raise JiraRefusal(400, "The request body is not valid JSON.") from None


async def json_object(request: Request, *allowed: str) -> Mapping[str, Any]:
    """The JSON object in the body, with no member but the allowed ones."""
    return members(await json_body(request), *allowed)


def members(value: Any, *allowed: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise JiraRefusal(400, "An object was expected.")
    if unknown := sorted(set(value) - set(allowed)):
        raise JiraRefusal(400, f"This stand-in does not support the member '{unknown[0]}' here.")
    return value


def whole_number(text: Any, name: str, default: int) -> int:
    if text is None:
        return default
    if not str(text).isdecimal():
        raise JiraRefusal(400, f"'{name}' must be a whole number, not '{text}'.")
    return int(text)


def listed(value: Any) -> list[str]:
    """A list given as an array or as comma-separated text."""
    if value is None:
        return []
    items = value if isinstance(value, list) else str(value).split(",")
    return [str(item).strip() for item in items if str(item).strip()]
