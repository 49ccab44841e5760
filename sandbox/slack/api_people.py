"""Web API methods about who is who: the app itself, users, user groups."""

from __future__ import annotations

import base64
from typing import Any

from .payloads import user_json
from .state import Refused
from .web_api import Call, Method
from .workspace import Usergroup

Json = dict[str, Any]


def auth_test(call: Call) -> Json:
    workspace = call.workspace
    return {
        "url": workspace.url + "/",
        "team": workspace.team_name,
        "user": workspace.bot_name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user_id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def connections_open(call: Call) -> Json:
    return {"url": call.open_socket()}


def users_info(call: Call) -> Json:
    member = call.workspace.member(call.text("user"))
    if member is None:
        raise Refused("user_not_found")
    return {"user": user_json(member, call.workspace)}


def users_list(call: Call) -> Json:
    everybody = call.workspace.everybody
    limit = call.number("limit", 1000, 1000)
    start = _start(call.text("cursor"), [member.id for member in everybody])
    page = everybody[start : start + limit]
    following = everybody[start + limit : start + limit + 1]
    cursor = base64.b64encode(f"user:{following[0].id}".encode()).decode() if following else ""
    return {
        "members": [user_json(member, call.workspace) for member in page],
        "response_metadata": {"next_cursor": cursor},
    }


def _start(cursor: str, ids: list[str]) -> int:
    if not cursor:
        return 0
    try:
        return ids.index(base64.b64decode(cursor).decode().removeprefix("user:"))
    except ValueError:
        raise Refused("invalid_cursor") from None


def users_lookup_by_email(call: Call) -> Json:
    email = call.text("email").lower()
    for member in call.workspace.members:
        if member.email.lower() == email and email and not member.deleted:
            return {"user": user_json(member, call.workspace)}
    raise Refused("users_not_found")


def usergroups_list(call: Call) -> Json:
    def shown(group: Usergroup) -> Json:
        answer: Json = {
            "id": group.id,
            "team_id": call.workspace.team_id,
            "is_usergroup": True,
            "name": group.handle.replace("-", " ").capitalize(),
            "handle": group.handle,
            "date_delete": 0,
        }
        if call.flag("include_users"):
            answer["users"] = list(group.users)
        if call.flag("include_count"):
            answer["user_count"] = len(group.users)
        return answer

    return {"usergroups": [shown(group) for group in call.workspace.usergroups]}


def usergroups_users_list(call: Call) -> Json:
    wanted = call.text("usergroup")
    for group in call.workspace.usergroups:
        if group.id == wanted:
            return {"users": list(group.users)}
    raise Refused("no_such_subteam")


METHODS = {
    "auth.test": Method(auth_test),
    "apps.connections.open": Method(connections_open, app_level=True),
    "users.info": Method(users_info, "users:read", ("user",)),
    "users.list": Method(users_list, "users:read", (), ("cursor", "limit")),
    "users.lookupByEmail": Method(users_lookup_by_email, "users:read.email", ("email",)),
    "usergroups.list": Method(
        usergroups_list, "usergroups:read", (), ("include_users", "include_count", "include_disabled")
    ),
    "usergroups.users.list": Method(
        usergroups_users_list, "usergroups:read", ("usergroup",), ("include_disabled",)
    ),
}
