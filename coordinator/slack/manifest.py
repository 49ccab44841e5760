"""The Slack app manifest, made from the flows, so that commands and scopes never differ from the code."""

from __future__ import annotations

from typing import Any

import yaml

from sallyport.policies import Policies

SCOPES = [
    "channels:history",  # to find a message again whose answer was lost
    "chat:write",
    "chat:write.public",
    "commands",
    "groups:history",
    "im:history",
    "im:write",
    "users:read",
    "users:read.email",
]


def manifest_yaml(policies: Policies, request_url: str = "") -> str:
    """Return the manifest (schema 2); with *request_url* for HTTP, without for Socket Mode."""
    address = {"url": request_url} if request_url else {}
    commands = [
        {
            "command": flow.command,
            "description": flow.title,
            "usage_hint": "[reason]" if flow.has_quick_path else "[help]",
            "should_escape": False,
            **address,
        }
        for flow in policies.flows.values()
    ]
    interactivity = {"is_enabled": True, **({"request_url": request_url} if request_url else {})}
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
            "slash_commands": commands,
        },
        "oauth_config": {"scopes": {"bot": SCOPES}},
        "settings": {
            "event_subscriptions": {"bot_events": ["app_home_opened"], **events},
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": not request_url,
            "token_rotation_enabled": False,
        },
    }
    return yaml.safe_dump(manifest, sort_keys=False, width=110)
