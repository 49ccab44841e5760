"""The page shows what one person sees and does what that person's clicks would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.serving import Server
from sandbox.slack import SlackStandIn

Json = dict[str, Any]
FORM = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Ask"},
    "submit": {"type": "plain_text", "text": "Go"},
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "Path"},
            "element": {"type": "plain_text_input", "action_id": "a"},
        }
    ],
}


@pytest.fixture
def slack() -> SlackStandIn:
    return SlackStandIn(app={"/ask": "ask for something"})


@pytest.fixture
def page(slack: SlackStandIn) -> Iterator[str]:
    """The address of the page."""
    with Server(slack.app) as server:
        yield server.url


def state(page: str, **asked: str) -> Json:
    seen: Json = requests.get(f"{page}/sandbox/state", {"person": "ana", **asked}, timeout=5).json()
    return seen


def act(page: str, **deed: Any) -> Json:
    told: Json = requests.post(f"{page}/sandbox/act", json={"person": "ana", **deed}, timeout=5).json()
    return told


def test_the_page_and_permalinks_are_one_file_without_outside_parts(page: str) -> None:
    html = requests.get(page, timeout=5).text
    assert requests.get(f"{page}/archives/C0INFRA/p1", timeout=5).text == html
    assert "src=" not in html
    assert "https://" not in html


def test_each_person_sees_their_own_places_messages_and_commands(slack: SlackStandIn, page: str) -> None:
    slack.person("lee").says("for *lee* & co", "alerts")
    assert [place["name"] for place in state(page)["places"]] == ["# infra-requests", "Sallyport"]
    assert "for <b>lee</b> &amp; co" in state(page, person="lee", where="alerts")["messages"]
    assert state(page)["commands"] == {"/ask": "ask for something"}


def test_emoji_are_pictures_but_in_code(slack: SlackStandIn, page: str) -> None:
    slack.person("lee").says(":white_check_mark: `:gear:` at 10:30:00", "infra-requests")
    assert "✅ <code>:gear:</code> at 10:30:00" in state(page, where="C0INFRA")["messages"]


def test_nothing_is_sent_again_when_nothing_changed(page: str) -> None:
    revision = state(page)["revision"]
    assert state(page, revision=str(revision)) == {"same": True}


def test_a_form_is_filled_in_and_refused_on_the_page(slack: SlackStandIn, page: str) -> None:
    with slack.world.state.change():
        view = slack.world.state.views.open("U0ANA", FORM)
    assert state(page, person="lee")["form"] is None

    assert act(page, do="submit", view=view.id) == {}
    assert "Please complete this required field." in state(page)["form"]["html"]
    act(page, do="set", surface=f"view:{view.id}", block="b", action="a", value="/v1")
    assert slack.person("ana").waits_for_form("Ask").value("Path") == "/v1"
    act(page, do="close", view=view.id)
    assert act(page, do="close", view=view.id) == {"notice": "this form is closed"}


def test_a_failed_command_is_told(slack: SlackStandIn, page: str) -> None:
    slack.url = "http://localhost"
    told = act(page, do="say", where="dm", line="/ask")
    assert told == {"notice": '/ask failed with the error "dispatch_failed"'}
