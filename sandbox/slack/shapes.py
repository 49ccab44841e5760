"""The shapes of Block Kit as tables: which keys a block, element or view may carry, and how long each may be.

Limits: docs.slack.dev/reference/block-kit, slack_sdk models, @slack/types (the stricter where they differ).
Blocks and elements that the product has no use for are absent, and so refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Problems:
    """Reasons for a refusal, worded and placed as Slack does: `[ERROR] why [json-pointer:/where]`."""

    messages: list[str] = field(default_factory=list)

    def add(self, pointer: str, reason: str) -> None:
        self.messages.append(f"[ERROR] {reason} [json-pointer:{pointer}]")


Check = Callable[[Any, str, Problems], None]
Keys = Mapping[str, Check]


def string(longest: int, *, shortest: int = 1) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.add(at, "must be a string")
        elif len(value) > longest:
            problems.add(at, f"must be no more than {longest} characters")
        elif len(value) < shortest:
            problems.add(at, f"must be at least {shortest} characters")

    return check


def boolean(value: Any, at: str, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.add(at, "must be a boolean")


def integer(least: int, most: int) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            problems.add(at, f"must be an integer from {least} to {most}")

    return check


def one_of(*choices: str) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if value not in choices:
            problems.add(at, f"must be one of: {', '.join(choices)}")

    return check


def list_of(item: Check, most: int, *, least: int = 1) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.add(at, "must be an array")
            return
        if len(value) > most:
            problems.add(at, f"no more than {most} items allowed")
        if len(value) < least:
            problems.add(at, f"no fewer than {least} items allowed")
        for index, each in enumerate(value):
            item(each, f"{at}/{index}", problems)

    return check


def shape(required: Keys, optional: Keys | None = None) -> Check:
    known = {**required, **(optional or {})}

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add(at, "must be an object")
            return
        for key in required:
            if key not in value:
                problems.add(at, f"missing required field: {key}")
        for key, each in value.items():
            if key in known:
                known[key](each, f"{at}/{key}", problems)
            else:
                problems.add(at, f"invalid additional property: {key}")

    return check


def typed(shapes: Mapping[str, Check]) -> Check:
    """One of several objects told apart by `type`; each shape lists its other keys."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add(at, "must be an object")
            return
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in shapes:
            problems.add(f"{at}/type", f"unsupported type: {kind}; allowed here: {', '.join(sorted(shapes))}")
            return
        shapes[kind]({key: each for key, each in value.items() if key != "type"}, at, problems)

    return check


def plain(longest: int) -> Check:
    return typed({"plain_text": shape({"text": string(longest)}, {"emoji": boolean})})


def text(longest: int) -> Check:
    mrkdwn = shape({"text": string(longest)}, {"verbatim": boolean})
    return typed({"plain_text": shape({"text": string(longest)}, {"emoji": boolean}), "mrkdwn": mrkdwn})


ID = string(255)
STYLE = one_of("primary", "danger")
CONFIRM = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}, {"style": STYLE}
)
OPTION = shape({"text": plain(75), "value": string(75)}, {"description": plain(75)})
OPTION_ROW = shape({"text": text(75), "value": string(75)}, {"description": text(75)})
OVERFLOW_OPTION = shape({"text": plain(75), "value": string(75)}, {"description": plain(75), "url": string(3000)})
OPTIONS = list_of(OPTION, 100)
OPTION_GROUPS = list_of(shape({"label": plain(75), "options": OPTIONS}), 100)
DISPATCH = shape({}, {"trigger_actions_on": list_of(one_of("on_enter_pressed", "on_character_entered"), 2)})

_PLACED: Keys = {"placeholder": plain(150), "focus_on_load": boolean}
_ASKED: Keys = {**_PLACED, "confirm": CONFIRM}
_MANY: Keys = {"max_selected_items": integer(1, 100)}
_TYPED: Keys = {**_PLACED, "initial_value": string(3000, shortest=0), "dispatch_action_config": DISPATCH}
_STATIC: Keys = {**_ASKED, "options": OPTIONS, "option_groups": OPTION_GROUPS}
_EXTERNAL: Keys = {**_ASKED, "min_query_length": integer(0, 3000)}


def _element(required: Keys, optional: Keys) -> Check:
    return shape(required, {"action_id": ID, **optional})


BUTTON = _element(
    {"text": plain(75)},
    {
        "value": string(2000),
        "url": string(3000),
        "style": STYLE,
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
)
IMAGE = shape({"alt_text": string(2000), "image_url": string(3000)})
_MENUS: Keys = {
    "static_select": _element({}, {**_STATIC, "initial_option": OPTION}),
    "multi_static_select": _element({}, {**_STATIC, **_MANY, "initial_options": OPTIONS}),
    "external_select": _element({}, {**_EXTERNAL, "initial_option": OPTION}),
    "multi_external_select": _element({}, {**_EXTERNAL, **_MANY, "initial_options": OPTIONS}),
    "users_select": _element({}, {**_ASKED, "initial_user": ID}),
    "multi_users_select": _element({}, {**_ASKED, **_MANY, "initial_users": list_of(ID, 100)}),
    "radio_buttons": _element(
        {"options": list_of(OPTION_ROW, 10)},
        {"initial_option": OPTION_ROW, "confirm": CONFIRM, "focus_on_load": boolean},
    ),
    "checkboxes": _element(
        {"options": list_of(OPTION_ROW, 10)},
        {"initial_options": list_of(OPTION_ROW, 10), "confirm": CONFIRM, "focus_on_load": boolean},
    ),
    "datepicker": _element({}, {**_ASKED, "initial_date": string(10, shortest=10)}),
    "timepicker": _element({}, {**_ASKED, "initial_time": string(5, shortest=5), "timezone": string(50)}),
}
_DATETIME: Keys = {
    "datetimepicker": _element(
        {},
        {
            "initial_date_time": integer(1_000_000_000, 9_999_999_999),
            "confirm": CONFIRM,
            "focus_on_load": boolean,
        },
    )
}
_BUTTONS: Keys = {
    "button": BUTTON,
    "overflow": _element({"options": list_of(OVERFLOW_OPTION, 5)}, {"confirm": CONFIRM}),
}
_TEXT_INPUTS: Keys = {
    "plain_text_input": _element(
        {},
        {**_TYPED, "multiline": boolean, "min_length": integer(0, 3000), "max_length": integer(1, 3000)},
    ),
    "number_input": _element(
        {"is_decimal_allowed": boolean},
        {**_TYPED, "min_value": string(32), "max_value": string(32)},
    ),
    "email_text_input": _element({}, _TYPED),
    "url_text_input": _element({}, _TYPED),
}

_PART_STYLE = shape({}, {"bold": boolean, "italic": boolean, "strike": boolean, "code": boolean})
_STYLED: Keys = {"style": _PART_STYLE}
PART = typed(
    {
        "text": shape({"text": string(12000)}, _STYLED),
        "link": shape({"url": string(3000)}, {"text": string(3000), **_STYLED}),
        "user": shape({"user_id": ID}, _STYLED),
        "usergroup": shape({"usergroup_id": ID}, _STYLED),
        "channel": shape({"channel_id": ID}, _STYLED),
        "broadcast": shape({"range": one_of("here", "channel", "everyone")}),
        "emoji": shape({"name": string(100)}, {"unicode": string(100)}),
        "date": shape(
            {"timestamp": integer(0, 9_999_999_999), "format": string(200)},
            {"url": string(3000), "fallback": string(200), **_STYLED},
        ),
    }
)
_PARTS = list_of(PART, 1000, least=0)
_RICH_SECTION = shape({"elements": _PARTS})
_RICH_LIST = shape(
    {
        "style": one_of("bullet", "ordered"),
        "elements": list_of(typed({"rich_text_section": _RICH_SECTION}), 1000),
    },
    {"indent": integer(0, 8), "offset": integer(0, 10_000), "border": integer(0, 1)},
)
RICH = typed(
    {
        "rich_text_section": _RICH_SECTION,
        "rich_text_list": _RICH_LIST,
        "rich_text_preformatted": shape({"elements": _PARTS}, {"border": integer(0, 1)}),
        "rich_text_quote": shape({"elements": _PARTS}, {"border": integer(0, 1)}),
    }
)

_PLACE: Keys = {"block_id": ID}
_BLOCKS: Keys = {
    "section": shape(
        {},
        {
            **_PLACE,
            "text": text(3000),
            "fields": list_of(text(2000), 10),
            "accessory": typed({**_BUTTONS, **_MENUS, "image": IMAGE}),
            "expand": boolean,
        },
    ),
    "divider": shape({}, _PLACE),
    "header": shape({"text": plain(150)}, _PLACE),
    "image": shape({"alt_text": string(2000), "image_url": string(3000)}, {**_PLACE, "title": plain(2000)}),
    "context": shape(
        {
            "elements": list_of(
                typed(
                    {
                        "image": IMAGE,
                        "plain_text": shape({"text": string(3000)}, {"emoji": boolean}),
                        "mrkdwn": shape({"text": string(3000)}, {"verbatim": boolean}),
                    }
                ),
                10,
            )
        },
        _PLACE,
    ),
    "actions": shape({"elements": list_of(typed({**_BUTTONS, **_MENUS, **_DATETIME}), 25)}, _PLACE),
    "input": shape(
        {"label": plain(2000), "element": typed({**_MENUS, **_DATETIME, **_TEXT_INPUTS})},
        {**_PLACE, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": shape({"elements": list_of(RICH, 100)}, _PLACE),
}
MESSAGE_BLOCKS = list_of(typed({**_BLOCKS, "markdown": shape({"text": string(12000)}, _PLACE)}), 50, least=0)
VIEW_BLOCKS = list_of(typed(_BLOCKS), 100)

_VIEW: Keys = {
    "private_metadata": string(3000, shortest=0),
    "callback_id": string(255, shortest=0),
    "external_id": string(255, shortest=0),
}
VIEW = typed(
    {
        "modal": shape(
            {"title": plain(24), "blocks": VIEW_BLOCKS},
            {
                **_VIEW,
                "submit": plain(24),
                "close": plain(24),
                "clear_on_close": boolean,
                "notify_on_close": boolean,
            },
        ),
        "home": shape({"blocks": VIEW_BLOCKS}, _VIEW),
    }
)
