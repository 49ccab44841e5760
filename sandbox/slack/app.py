"""What the installed app has registered: the part of its manifest that decides what people see and what it hears.

It must never register what the manifest does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

EVENTS = frozenset({"app_home_opened", "app_mention"})


@dataclass(frozen=True, slots=True)
class App:
    """Commands with their descriptions, global shortcuts by name with their callback ids, events, bot scopes."""

    commands: Mapping[str, str] = field(default_factory=dict)
    shortcuts: Mapping[str, str] = field(default_factory=dict)
    events: frozenset[str] = EVENTS
    scopes: tuple[str, ...] = ()


def read_manifest(manifest: str) -> App:
    """Read a manifest (schema 2, YAML) as installing the app does."""
    content = yaml.safe_load(manifest)
    features, settings = content["features"], content["settings"]
    return App(
        commands={command["command"]: command["description"] for command in features["slash_commands"]},
        shortcuts={
            each["name"]: each["callback_id"] for each in features["shortcuts"] if each["type"] == "global"
        },
        events=frozenset(settings["event_subscriptions"]["bot_events"]),
        scopes=tuple(content["oauth_config"]["scopes"]["bot"]),
    )
