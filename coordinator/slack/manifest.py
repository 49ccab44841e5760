"""The Slack app manifest, made from the flows, so that commands and scopes never differ from the code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from coordinator.slack.chooser import SHORTCUT, SHORTCUT_NAME
from sallyport.commands import takes_words
from sallyport.flows import Flow
from sallyport.policies import Policies

LONGEST_DESCRIPTION, LONGEST_HINT = 2000, 1000  # characters that Slack takes
SCOPES = [
    "app_mentions:read",
    "channels:history",  # to find a message again whose answer was lost
    "chat:write",
    "chat:write.public",
    "commands",
    "groups:history",
    "im:history",
    "im:write",
    "usergroups:read",  # for groups that policies leave to Slack
    "users:read",
    "users:read.email",
]


def manifest_yaml(policies: Policies, request_url: str = "") -> str:
    """Return the manifest (schema 2); with *request_url* for HTTP, without for Socket Mode."""
    address = {"url": request_url} if request_url else {}
    commands = [
        {**_command(slash, flows), "should_escape": False, **address}
        for slash, flows in _by_slash(policies.flows.values()).items()
    ]
    asked_for = {"request_url": request_url, "message_menu_options_url": request_url} if request_url else {}
    interactivity = {"is_enabled": True, **asked_for}
    events = {"request_url": request_url} if request_url else {}
    manifest: dict[str, Any] = {
        "_metadata": {"major_version": 2},
        "display_information": {"name": "Sallyport", "description": "Ask for infrastructure, get it decided here"},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Sallyport", "always_online": True},
            "shortcuts": [
                {
                    "name": SHORTCUT_NAME,
                    "type": "global",
                    "callback_id": SHORTCUT,
                    "description": "Choose what you need; it works in threads too",
                }
            ],
            "slash_commands": commands,
        },
        "oauth_config": {"scopes": {"bot": SCOPES}},
        "settings": {
            "event_subscriptions": {"bot_events": ["app_home_opened", "app_mention"], **events},
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": not request_url,
            "token_rotation_enabled": False,
        },
    }
    return yaml.safe_dump(manifest, sort_keys=False, width=110)


def _by_slash(flows: Iterable[Flow]) -> dict[str, list[Flow]]:
    """Group the flows by the command that Slack knows: it is registered once."""
    grouped: dict[str, list[Flow]] = {}
    for flow in flows:
        grouped.setdefault(flow.slash, []).append(flow)
    return grouped


def _command(slash: str, flows: Sequence[Flow]) -> dict[str, Any]:
    words = [" ".join(flow.words) for flow in flows if flow.words]
    takes = "[reason]" if takes_words(flows[0]) else "[help]"
    return {
        "command": slash,
        "description": ", ".join(flow.title for flow in flows)[:LONGEST_DESCRIPTION],
        "usage_hint": f"[{' | '.join([*words, 'help'])}]"[:LONGEST_HINT] if words else takes,
    }
