"""What Slack refuses about messages, forms and lists of options, one row a rule."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.slack.limits import message_problems, option_problems, view_problems, view_too_large

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(text: str, value: str | None = None) -> Json:
    return {"text": plain(text), "value": text if value is None else value}


def section(text: str, **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def button(text: str = "Go", **more: Any) -> Json:
    return {"type": "button", "text": plain(text), **more}


def select(*options: Json, **more: Any) -> Json:
    return {"type": "static_select", "options": list(options), **more}


def field(element: Json, **more: Any) -> Json:
    return {"type": "input", "label": plain("Name"), "element": element, **more}


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain("Title"), "submit": plain("Go"), "blocks": list(blocks), **more}


CONFIRM = {"title": plain("Sure?"), "text": plain("Really."), "confirm": plain("Yes"), "deny": plain("No")}
TEXT = {"type": "plain_text_input", "action_id": "t"}

ACCEPTED_MESSAGES: dict[str, list[Json]] = {
    "nothing": [],
    "fifty blocks": [{"type": "divider"}] * 50,
    "a full section": [section("x" * 3000, fields=[plain("x" * 2000)] * 10, accessory=button())],
    "a header": [{"type": "header", "text": plain("x" * 150)}],
    "a context": [{"type": "context", "elements": [mrkdwn("x")] * 10}],
    "a row of buttons": [actions(*[button(str(n), action_id=str(n), value="v" * 2000) for n in range(25)])],
    "a confirmed button": [actions(button(style="danger", confirm=CONFIRM))],
    "a hundred options": [actions(select(*[option(str(n)) for n in range(100)]))],
    "an initial option": [actions(select(option("a"), option("b"), initial_option=option("b")))],
    "rich text": [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "<!x>"}]}],
        }
    ],
}
REFUSED_MESSAGES: dict[str, tuple[list[Json], str, str]] = {
    "51 blocks": ([{"type": "divider"}] * 51, "/blocks", "no more than 50 items"),
    "an unknown block": ([{"type": "carousel"}], "/blocks/0/type", "unsupported type: carousel"),
    "an unknown key": ([section("x", colour="red")], "/blocks/0", "invalid additional property: colour"),
    "a section with nothing": ([{"type": "section"}], "/blocks/0", "missing required field: text or fields"),
    "an empty text": ([section("")], "/blocks/0/text/text", "at least 1"),
    "a long section": ([section("x" * 3001)], "/blocks/0/text/text", "no more than 3000"),
    "11 fields": ([section("x", fields=[plain("x")] * 11)], "/blocks/0/fields", "no more than 10"),
    "a long field": ([section("x", fields=[plain("x" * 2001)])], "/blocks/0/fields/0/text", "no more than 2000"),
    "a mrkdwn header": (
        [{"type": "header", "text": mrkdwn("x")}],
        "/blocks/0/text/type",
        "allowed here: plain_text",
    ),
    "a long header": ([{"type": "header", "text": plain("x" * 151)}], "/blocks/0/text/text", "no more than 150"),
    "a mrkdwn button": (
        [actions(button() | {"text": mrkdwn("x")})],
        "/blocks/0/elements/0/text/type",
        "plain_text",
    ),
    "a long button": ([actions(button("x" * 76))], "/blocks/0/elements/0/text/text", "no more than 75"),
    "a long value": ([actions(button(value="x" * 2001))], "/blocks/0/elements/0/value", "no more than 2000"),
    "a strange style": ([actions(button(style="warn"))], "/blocks/0/elements/0/style", "must be one of"),
    "no elements": ([actions()], "/blocks/0/elements", "no fewer than 1"),
    "26 elements": ([actions(*[button()] * 26)], "/blocks/0/elements", "no more than 25"),
    "11 context elements": ([{"type": "context", "elements": [plain("x")] * 11}], "/blocks/0/elements", "than 10"),
    "101 options": (
        [actions(select(*map(option, map(str, range(101)))))],
        "/blocks/0/elements/0/options",
        "than 100",
    ),
    "no options": ([actions(select())], "/blocks/0/elements/0/options", "no fewer than 1"),
    "a long option": (
        [actions(select(option("x" * 76, "x")))],
        "/blocks/0/elements/0/options/0/text/text",
        "than 75",
    ),
    "a long option value": (
        [actions(select(option("x", "x" * 76)))],
        "/blocks/0/elements/0/options/0/value",
        "than 75",
    ),
    "an initial option from elsewhere": (
        [actions(select(option("a"), initial_option=option("b")))],
        "/blocks/0/elements/0/initial_option",
        "one of the options",
    ),
    "two options of one value": (
        [actions(select(option("a", "v"), option("b", "v")))],
        "/blocks/0/elements/0",
        "option value 'v' stands 2 times",
    ),
    "both kinds of options": (
        [actions(select(option("a"), option_groups=[{"label": plain("g"), "options": [option("b")]}]))],
        "/blocks/0/elements/0",
        "either options or option_groups",
    ),
    "six menu items": (
        [actions({"type": "overflow", "options": [option(str(n)) for n in range(6)]})],
        "/blocks/0/elements/0/options",
        "no more than 5",
    ),
    "a long dialog title": (
        [actions(button(confirm=CONFIRM | {"title": plain("x" * 101)}))],
        "/blocks/0/elements/0/confirm/title/text",
        "no more than 100",
    ),
    "a dialog without words": (
        [actions(button(confirm={"title": plain("Sure?")}))],
        "/blocks/0/elements/0/confirm",
        "missing required field: deny",
    ),
    "an input element among actions": ([actions(TEXT)], "/blocks/0/elements/0/type", "unsupported type"),
    "a repeated block_id": ([section("a", block_id="b")] * 2, "/blocks", "block_id 'b' stands 2 times"),
    "a repeated action_id": (
        [actions(button(action_id="a"), button(action_id="a"))],
        "/blocks/0",
        "action_id 'a' stands 2 times",
    ),
    "a number for a text": ([section("x") | {"text": 7}], "/blocks/0/text", "must be an object"),
    "an image without words": ([{"type": "image", "image_url": "https://x"}], "/blocks/0", "alt_text"),
}
REFUSED_VIEWS: dict[str, tuple[Json, str, str]] = {
    "no title": ({"type": "modal", "blocks": [section("x")]}, "/view", "missing required field: title"),
    "a long title": (modal(section("x"), title=plain("x" * 25)), "/view/title/text", "no more than 24"),
    "a long submit": (modal(section("x"), submit=plain("x" * 25)), "/view/submit/text", "no more than 24"),
    "no blocks": (modal(), "/view/blocks", "no fewer than 1"),
    "101 blocks": (modal(*[{"type": "divider"}] * 101), "/view/blocks", "no more than 100"),
    "inputs without submit": (
        {"type": "modal", "title": plain("x"), "blocks": [field(TEXT)]},
        "/view",
        "missing required field: submit",
    ),
    "long private metadata": (
        modal(section("x"), private_metadata="x" * 3001),
        "/view/private_metadata",
        "than 3000",
    ),
    "a repeated action_id in one block": (
        modal(actions(button(action_id="a"), button(action_id="a"))),
        "/view/blocks/0",
        "action_id 'a' stands 2 times",
    ),
    "a mrkdwn label": (modal(field(TEXT, label=mrkdwn("x"))), "/view/blocks/0/label/type", "plain_text"),
    "a long label": (modal(field(TEXT, label=plain("x" * 2001))), "/view/blocks/0/label/text", "than 2000"),
    "a long placeholder": (
        modal(field({**TEXT, "placeholder": plain("x" * 151)})),
        "/view/blocks/0/element/placeholder/text",
        "no more than 150",
    ),
    "11 radio buttons": (
        modal(field({"type": "radio_buttons", "options": [option(str(n)) for n in range(11)]})),
        "/view/blocks/0/element/options",
        "no more than 10",
    ),
    "impossible lengths": (
        modal(field({**TEXT, "min_length": 9, "max_length": 3})),
        "/view/blocks/0/element",
        "min_length must not be more",
    ),
    "two first fields": (
        modal(*[field({**TEXT, "action_id": name, "focus_on_load": True}) for name in "ab"]),
        "/view/blocks",
        "only one element may have focus_on_load",
    ),
    "a view handed back whole": (
        modal(section("x"), hash="1", id="V1"),
        "/view",
        "invalid additional property: hash",
    ),
    "a home with a title": (
        {"type": "home", "title": plain("x"), "blocks": [section("x")]},
        "/view",
        "property: title",
    ),
    "not a view": ({"type": "dialog"}, "/view/type", "allowed here: home, modal"),
}


@pytest.mark.parametrize("blocks", ACCEPTED_MESSAGES.values(), ids=ACCEPTED_MESSAGES)
def test_a_message_within_all_limits_is_taken(blocks: list[Json]) -> None:
    assert message_problems(blocks) == []


@pytest.mark.parametrize(("blocks", "pointer", "reason"), REFUSED_MESSAGES.values(), ids=REFUSED_MESSAGES)
def test_a_message_over_a_limit_is_refused_with_place_and_reason(
    blocks: list[Json], pointer: str, reason: str
) -> None:
    problems = message_problems(blocks)
    assert any(reason in problem and problem.endswith(f"[json-pointer:{pointer}]") for problem in problems), (
        problems
    )


@pytest.mark.parametrize(("view", "pointer", "reason"), REFUSED_VIEWS.values(), ids=REFUSED_VIEWS)
def test_a_form_over_a_limit_is_refused_with_place_and_reason(view: Json, pointer: str, reason: str) -> None:
    problems = view_problems(view)
    assert any(reason in problem and problem.endswith(f"[json-pointer:{pointer}]") for problem in problems), (
        problems
    )


def test_a_form_within_all_limits_is_taken() -> None:
    assert view_problems(modal(field(TEXT), section("x"), private_metadata="x" * 3000, callback_id="c")) == []
    assert view_problems({"type": "home", "blocks": [section("x")]}) == []


def test_a_view_of_more_than_250_kb_is_too_large() -> None:
    assert view_too_large(modal(*[section("x" * 2900)] * 90))
    assert not view_too_large(modal(section("x" * 2900)))


def test_an_external_menu_may_offer_a_hundred_options_or_none() -> None:
    assert option_problems({"options": []}) == []
    assert option_problems({"options": [option(str(n)) for n in range(100)]}) == []
    assert "no more than 100" in option_problems({"options": [option(str(n)) for n in range(101)]})[0]
    assert "must be an object with options" in option_problems({"text": "hm"})[0]
