"""Every kind of field: how a person fills it in, what Slack's own client refuses, how the page draws it."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.slack import Form, SlackStandIn
from sandbox.slack.limits import view_problems
from sandbox.slack.markup import Markup
from sandbox.slack.views import View

Json = dict[str, Any]
CHOSEN = {"text": {"type": "plain_text", "text": "One"}, "value": "1"}
OTHER = {"text": {"type": "plain_text", "text": "Two"}, "value": "2"}
BOTH = [CHOSEN, OTHER]
GROUPS = [{"label": {"type": "plain_text", "text": "Group"}, "options": BOTH}]


def open_form(*elements: Json) -> tuple[SlackStandIn, Form, View]:
    """A form with one required field for each element, named A, B, C…, in front of ana."""
    blocks = [
        {
            "type": "input",
            "block_id": chr(97 + index),
            "label": {"type": "plain_text", "text": chr(65 + index)},
            "element": {"action_id": f"element-{index}", **element},
        }
        for index, element in enumerate(elements)
    ]
    definition = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Fields"},
        "submit": {"type": "plain_text", "text": "Go"},
        "blocks": blocks,
    }
    assert view_problems(definition) == []
    slack = SlackStandIn()
    with slack.world.state.change():
        view = slack.world.state.views.open("U0ANA", definition)
    return slack, slack.person("ana").waits_for_form("Fields"), view


def html(slack: SlackStandIn, view: View) -> str:
    return Markup(slack.world.reader("U0ANA"), view.values, view.errors).blocks(view.blocks)


CHOICES: dict[str, tuple[Json, str, Json]] = {
    "static_select": ({"options": BOTH}, "Two", {"selected_option": OTHER}),
    "radio_buttons": ({"options": BOTH, "initial_option": CHOSEN}, "Two", {"selected_option": OTHER}),
    "checkboxes": ({"options": BOTH, "initial_options": [CHOSEN]}, "Two", {"selected_options": BOTH}),
    "multi_static_select": ({"option_groups": GROUPS}, "Two", {"selected_options": [OTHER]}),
    "users_select": ({}, "Lee Wong", {"selected_user": "U0LEE"}),
    "multi_users_select": ({"initial_users": ["U0SAM"]}, "Lee Wong", {"selected_users": ["U0SAM", "U0LEE"]}),
}
ENTRIES: dict[str, tuple[Json, str, Json]] = {
    "plain_text_input": ({"multiline": True}, "some words", {"value": "some words"}),
    "number_input": ({"is_decimal_allowed": False}, "7", {"value": "7"}),
    "email_text_input": ({}, "a@example.com", {"value": "a@example.com"}),
    "url_text_input": ({}, "https://a.example", {"value": "https://a.example"}),
    "datepicker": ({}, "2026-12-21", {"selected_date": "2026-12-21"}),
    "timepicker": ({}, "18:30", {"selected_time": "18:30"}),
    "datetimepicker": ({}, "2026-12-21 18:30", {"selected_date_time": 1797874200}),
}
COMPLAINTS: list[tuple[Json, str, str]] = [
    ({"type": "plain_text_input", "max_length": 3}, "long", "Please enter no more than 3 characters."),
    ({"type": "email_text_input"}, "nobody", "Please enter a valid email address."),
    ({"type": "url_text_input"}, "example.com", "Please enter a valid URL."),
    ({"type": "number_input", "is_decimal_allowed": False}, "x", "Please enter a valid number."),
    ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "Please enter a whole number."),
    (
        {"type": "number_input", "is_decimal_allowed": True, "min_value": "2"},
        "1.5",
        "Please enter a number of at least 2.",
    ),
    (
        {"type": "number_input", "is_decimal_allowed": True, "max_value": "2"},
        "2.5",
        "Please enter a number of at most 2.",
    ),
]


@pytest.mark.parametrize(("kind", "case"), CHOICES.items(), ids=CHOICES)
def test_an_option_is_chosen_by_its_words(kind: str, case: tuple[Json, str, Json]) -> None:
    element, text, state = case
    slack, form, view = open_form({"type": kind, **element})
    assert form.choose("A", text).ok
    assert view.values["a"]["element-0"] == {"type": kind, **state}
    assert text in form.value("A")
    assert text in html(slack, view)
    form.clear("A")
    assert form.value("A") == ""
    with pytest.raises(AssertionError, match="does not offer 'Three'"):
        form.choose("A", "Three")


@pytest.mark.parametrize(("kind", "case"), ENTRIES.items(), ids=ENTRIES)
def test_a_field_is_filled_in_as_it_reads(kind: str, case: tuple[Json, str, Json]) -> None:
    element, text, state = case
    slack, form, view = open_form({"type": kind, **element})
    form.fill("A", text)
    assert view.values["a"]["element-0"] == {"type": kind, **state}
    assert form.value("A") == text
    assert text.replace(" ", "T" if kind == "datetimepicker" else " ") in html(slack, view)


@pytest.mark.parametrize(("element", "text", "complaint"), COMPLAINTS, ids=[text for _, _, text in COMPLAINTS])
def test_slack_complains_of_what_it_can_check_itself(element: Json, text: str, complaint: str) -> None:
    slack, form, _ = open_form(element)
    form.fill("A", text)
    assert form.submit() == {"A": complaint}
    assert slack.deliveries == []


def test_what_is_not_there_or_looks_alike_cannot_be_used() -> None:
    _, form, view = open_form(
        {"type": "static_select", "options": [CHOSEN, {**CHOSEN, "value": "2"}]}, {"type": "datepicker"}
    )
    with pytest.raises(AssertionError, match=r"no fields say 'Z'; there are: \['A', 'B'\]"):
        form.fill("Z", "x")
    with pytest.raises(AssertionError, match="2 options of 'A' say 'One': a person could not tell them apart"):
        form.choose("A", "One")
    with pytest.raises(AssertionError, match="choose, do not type"):
        form.fill("A", "One")
    view.definition["blocks"][1]["label"]["text"] = "A"
    with pytest.raises(AssertionError, match="2 fields say 'A'"):
        form.value("A")


def test_a_form_the_app_does_not_answer_stays_open_and_says_so() -> None:
    _, form, _ = open_form({"type": "plain_text_input"})
    form.fill("A", "x")
    assert form.submit() == {"": "We had some trouble connecting. Try again?"}
    assert form.is_open
    assert "Try again?" in form.text


def test_the_page_draws_every_kind_of_block() -> None:
    slack = SlackStandIn()
    plain, part = (
        {"type": "plain_text", "text": "<b>words</b>"},
        {"type": "text", "text": "part", "style": {"bold": True}},
    )
    section = {"type": "rich_text_section", "elements": [part]}
    blocks: list[Json] = [
        {"type": "header", "text": plain},
        {"type": "divider"},
        {"type": "image", "alt_text": "a chart", "image_url": "https://a.example/x.png"},
        {"type": "markdown", "text": "# mark"},
        {
            "type": "context",
            "elements": [plain, {"type": "image", "alt_text": "icon", "image_url": "https://a.example"}],
        },
        {
            "type": "section",
            "block_id": "s",
            "fields": [plain],
            "accessory": {"type": "overflow", "action_id": "o", "options": BOTH},
        },
        {
            "type": "actions",
            "block_id": "x",
            "elements": [
                {"type": "button", "action_id": "go", "text": plain, "url": "https://a.example"},
                {"type": "external_select", "action_id": "e", "placeholder": plain},
            ],
        },
        {
            "type": "rich_text",
            "elements": [
                section,
                {"type": "rich_text_list", "style": "bullet", "elements": [section]},
                {"type": "rich_text_preformatted", "elements": [part]},
                {"type": "rich_text_quote", "elements": [part]},
            ],
        },
    ]
    drawn = Markup(slack.world.reader("U0ANA"), {}, {}).blocks(blocks)
    read = slack.world.reader("U0ANA").blocks(blocks).text
    assert "<b>words" not in drawn
    for piece in (
        "<h3>",
        "<hr>",
        "a chart",
        "# mark",
        "icon",
        "One",
        'data-action="go"',
        "<ul>",
        "<pre>",
        "<blockquote>",
    ):
        assert piece in drawn
    assert read.count("<b>words</b>") == 5
    assert read.endswith("part\n• part\npart\npart")
