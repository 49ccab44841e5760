"""What a person reads: mrkdwn rendered as Slack would, user text kept harmless, times in the reader's zone."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.slack import sample_workspace
from sandbox.slack.markup import Markup
from sandbox.slack.text import Reader

Json = dict[str, Any]
READER = Reader(sample_workspace(), "Europe/Berlin")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("*bold* _it_ ~no~ `a*b*`", "bold it no a*b*"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("<@U0ANA> in <#C0INFRA>", "@Ana Ruiz in #infra-requests"),
        ("<!subteam^S0ENG> <!here>", "@engineering @here"),
        ("<https://a.example/x?a=1&amp;b=2|the run>", "the run"),
        ("<https://a.example>", "https://a.example"),
        ("*<https://a.example|run>* done", "run done"),
        ("until <!date^1795824000^{date_short_pretty} at {time}|later>", "until Nov 28, 2026 at 01:00"),
        ("```\nplan: 1\n```", "plan: 1"),
        ("\ue000 odd \uf8ff", "\ufffd odd \ufffd"),
    ],
)
def test_mrkdwn_reads_as_slack_shows_it(typed: str, read: str) -> None:
    assert READER.mrkdwn(typed).text == read


def test_times_are_in_the_zone_of_the_reader() -> None:
    text = "<!date^1795824000^{date} {time}|later>"
    assert Reader(sample_workspace(), "Africa/Lagos").mrkdwn(text).text == "November 28, 2026 01:00"
    assert Reader(sample_workspace(), "America/New_York").mrkdwn(text).text == "November 27, 2026 19:00"


def test_who_is_mentioned_and_what_is_linked_is_told_apart_from_mere_words() -> None:
    loud = READER.mrkdwn("<!channel> <@U0LEE> <https://evil.example|Approve>")
    assert loud.mentions == ("channel", "U0LEE")
    assert loud.links == (("https://evil.example", "Approve"),)
    quiet = READER.mrkdwn("&lt;!channel&gt; @channel &lt;https://evil.example|Approve&gt;")
    assert (quiet.mentions, quiet.links) == ((), ())
    assert quiet.text == "<!channel> @channel <https://evil.example|Approve>"


def test_plain_text_is_never_markup() -> None:
    block = {"type": "section", "text": {"type": "plain_text", "text": "<!channel> *x* &lt;"}}
    visible = READER.blocks([block])
    assert (visible.text, visible.mentions) == ("<!channel> *x* &lt;", ())


def test_a_form_shows_labels_choices_hints_and_errors_and_hides_values() -> None:
    chosen = {"text": {"type": "plain_text", "text": "Production"}, "value": "secret-value"}
    block = {
        "type": "input",
        "block_id": "b",
        "label": {"type": "plain_text", "text": "Where"},
        "optional": True,
        "hint": {"type": "plain_text", "text": "Think twice"},
        "element": {"type": "static_select", "action_id": "a", "options": [chosen]},
    }
    values = {"b": {"a": {"type": "static_select", "selected_option": chosen}}}
    shown = READER.blocks([block], values, {"b": "Not today."}).text
    assert shown == "Where (optional)\nProduction\nThink twice\nNot today."


def test_rich_text_reads_as_words_and_counts_its_mentions() -> None:
    parts = [{"type": "text", "text": "<!here> "}, {"type": "user", "user_id": "U0LEE"}]
    listed = {
        "type": "rich_text_section",
        "elements": [{"type": "link", "url": "https://a.example", "text": "run"}],
    }
    block = {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": parts},
            {"type": "rich_text_list", "style": "bullet", "elements": [listed]},
        ],
    }
    visible = READER.blocks([block])
    assert visible.text == "<!here> @Lee Wong\n• run"
    assert (visible.mentions, visible.links) == (("U0LEE",), (("https://a.example", "run"),))


def test_the_page_escapes_every_word_and_links_only_the_web() -> None:
    html = Markup(READER, {}, {}).mrkdwn("&lt;script&gt; *b* <javascript:alert(1)|x> <https://a.example|y>")
    assert "<script>" not in html
    assert "javascript:" not in html
    assert '<b>b</b> x <a href="https://a.example"' in html
