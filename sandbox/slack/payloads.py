"""The JSON that Slack shows of people, messages and views, and sends when somebody types, presses or submits.

Pure functions over the workspace and the state. It must never leave out what the real payload always carries.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from .state import Posted
from .views import View
from .workspace import SLACKBOT, Channel, Member, Workspace

Json = dict[str, Any]
VERIFICATION_TOKEN = "sandbox-verification-token"  # the legacy field; apps must not rely on it


def user_json(member: Member, workspace: Workspace) -> Json:
    """A user object. Like the real one it lacks zone and guest flags when deactivated, and e-mail for bots."""
    profile: Json = {"real_name": member.real_name, "display_name": member.name, "team": workspace.team_id}
    if member.email and "users:read.email" in workspace.scopes:
        profile["email"] = member.email
    user: Json = {
        "id": member.id,
        "team_id": workspace.team_id,
        "name": member.name,
        "deleted": member.deleted,
        "profile": profile,
        "is_bot": member.is_bot and member.id != SLACKBOT,
        "is_app_user": False,
        "updated": 1700000000,
    }
    if member.deleted:
        return user
    offset = datetime.now(UTC).astimezone(ZoneInfo(member.tz)).utcoffset()
    return user | {
        "real_name": member.real_name,
        "tz": member.tz,
        "tz_label": member.tz,
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": member.is_restricted,
        "is_ultra_restricted": False,
    }


def channel_json(channel: Channel, workspace: Workspace) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_private,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": False,
        "is_member": workspace.bot_user_id in channel.members,
        "context_team_id": workspace.team_id,
    }


def direct_json(channel: str, user: str) -> Json:
    return {"id": channel, "is_im": True, "is_archived": False, "is_open": True, "user": user}


def message_json(posted: Posted, workspace: Workspace, replies: int = 0, *, metadata: bool = False) -> Json:
    now = posted.now
    message: Json = {
        "type": "message",
        "ts": posted.ts,
        "user": posted.author,
        "team": workspace.team_id,
        "text": now.text,
    }
    if posted.author == workspace.bot_user_id:
        message |= {"bot_id": workspace.bot_id, "app_id": workspace.app_id}
    if now.blocks:
        message["blocks"] = list(now.blocks)
    if posted.thread_ts:
        message["thread_ts"] = posted.thread_ts
    elif replies:
        message |= {"thread_ts": posted.ts, "reply_count": replies}
    if len(posted.versions) > 1:
        message["edited"] = {"user": posted.author, "ts": f"{now.at:.6f}"}
    if metadata and now.metadata:
        message["metadata"] = now.metadata
    return message


def view_json(view: View, workspace: Workspace) -> Json:
    definition = view.definition
    return {
        "id": view.id,
        "team_id": workspace.team_id,
        "type": definition["type"],
        "title": definition.get("title"),
        "submit": definition.get("submit"),
        "close": definition.get("close"),
        "blocks": definition["blocks"],
        "private_metadata": definition.get("private_metadata", ""),
        "callback_id": definition.get("callback_id", ""),
        "external_id": definition.get("external_id", ""),
        "state": {"values": view.values},
        "hash": view.hash,
        "clear_on_close": definition.get("clear_on_close", False),
        "notify_on_close": definition.get("notify_on_close", False),
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "app_id": workspace.app_id,
        "app_installed_team_id": workspace.team_id,
        "bot_id": workspace.bot_id,
    }


def _who(user: str, workspace: Workspace) -> Json:
    member = workspace.member(user)
    name = member.name if member else user
    return {
        "team": {"id": workspace.team_id, "domain": workspace.team_name.lower()},
        "user": {"id": user, "username": name, "name": name, "team_id": workspace.team_id},
        "api_app_id": workspace.app_id,
        "token": VERIFICATION_TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def command_payload(
    workspace: Workspace,
    user: str,
    channel: tuple[str, str],
    typed: tuple[str, str],
    trigger_id: str,
    response_url: str,
) -> Json:
    """A slash command; `channel` is (id, name), `typed` is (command, text)."""
    member = workspace.member(user)
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "team_domain": workspace.team_name.lower(),
        "channel_id": channel[0],
        "channel_name": channel[1],
        "user_id": user,
        "user_name": member.name if member else user,
        "command": typed[0],
        "text": typed[1],
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }


def message_action(
    workspace: Workspace, user: str, posted: Posted, channel_name: str, action: Json, response_url: str
) -> Json:
    """block_actions from a message (without its trigger_id)."""
    container: Json = {
        "type": "message",
        "message_ts": posted.ts,
        "channel_id": posted.channel,
        "is_ephemeral": posted.audience is not None,
    }
    if posted.thread_ts:
        container["thread_ts"] = posted.thread_ts
    payload = {
        "type": "block_actions",
        **_who(user, workspace),
        "container": container,
        "channel": {"id": posted.channel, "name": channel_name},
        "state": {"values": posted.values.get(user, {})},
        "response_url": response_url,
        "actions": [action],
    }
    if posted.audience is None:  # Slack does not hand back the text of ephemeral messages
        payload["message"] = message_json(posted, workspace)
    return payload


def view_action(workspace: Workspace, view: View, action: Json) -> Json:
    return {
        "type": "block_actions",
        **_who(view.user, workspace),
        "container": {"type": "view", "view_id": view.id},
        "view": view_json(view, workspace),
        "actions": [action],
    }


def submission(workspace: Workspace, view: View) -> Json:
    return {
        "type": "view_submission",
        **_who(view.user, workspace),
        "view": view_json(view, workspace),
        "response_urls": [],
    }


def closure(workspace: Workspace, view: View, *, is_cleared: bool) -> Json:
    """A form was closed; as from Slack, without what had been typed into it."""
    return {
        "type": "view_closed",
        **_who(view.user, workspace),
        "view": view_json(view, workspace) | {"state": {"values": {}}},
        "is_cleared": is_cleared,
    }


def suggestion(workspace: Workspace, user: str, container: Json, element: Json, query: str) -> Json:
    return {
        "type": "block_suggestion",
        **_who(user, workspace),
        **container,
        "block_id": element["block_id"],
        "action_id": element["action_id"],
        "value": query,
    }


def shortcut(workspace: Workspace, user: str, callback_id: str, trigger_id: str, action_ts: str) -> Json:
    """A global shortcut: it comes from no channel, so it brings no address to answer at."""
    return {
        "type": "shortcut",
        **_who(user, workspace),
        "callback_id": callback_id,
        "trigger_id": trigger_id,
        "action_ts": action_ts,
    }


def mention(workspace: Workspace, posted: Posted) -> Json:
    """The Events API envelope's payload for a message that mentions the app."""
    event: Json = {
        "type": "app_mention",
        "user": posted.author,
        "text": posted.now.text,
        "ts": posted.ts,
        "channel": posted.channel,
        "event_ts": posted.ts,
    }
    if posted.thread_ts:
        event["thread_ts"] = posted.thread_ts
    return _event(workspace, event)


def home_opened(workspace: Workspace, view: View | None, user: str, event_ts: str) -> Json:
    """The Events API envelope's payload for somebody opening the app's home tab."""
    event: Json = {
        "type": "app_home_opened",
        "user": user,
        "channel": "D0" + user.removeprefix("U0"),
        "tab": "home",
        "event_ts": event_ts,
    }
    if view is not None:
        event["view"] = view_json(view, workspace)
    return _event(workspace, event)


def _event(workspace: Workspace, event: Json) -> Json:
    event_ts = event["event_ts"]
    return {
        "type": "event_callback",
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "api_app_id": workspace.app_id,
        "event": event,
        "event_id": "Ev" + event_ts.replace(".", ""),
        "event_time": int(float(event_ts)),
        "authorizations": [
            {"enterprise_id": None, "team_id": workspace.team_id, "user_id": workspace.bot_user_id, "is_bot": True}
        ],
    }
