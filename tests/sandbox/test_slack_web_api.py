"""The Web API as slack_sdk's client meets it: what it keeps, what it tells, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
import websocket
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from sandbox.faults import Fault, Kind, Moment
from sandbox.serving import Server
from sandbox.slack import Channel, SlackStandIn, sample_workspace

Json = dict[str, Any]
SECTION = {"type": "section", "text": {"type": "plain_text", "text": "in a block"}}
VIEW = {"type": "modal", "title": {"type": "plain_text", "text": "Form"}, "blocks": [SECTION]}


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    slack: SlackStandIn
    client: WebClient
    clock: Clock

    def open_form(self, view: Json = VIEW) -> Json:
        trigger = self.slack.world.state.grant_trigger("U0ANA", None)
        opened: Json = self.client.views_open(trigger_id=trigger, view=view)["view"]
        return opened


@pytest.fixture
def desk() -> Iterator[Desk]:
    base = sample_workspace()
    extra = (Channel("C0OTHER", "other", ("U0ANA",)), Channel("C0SECRET", "secret", ("U0ANA",), is_private=True))
    clock = Clock()
    slack = SlackStandIn(replace(base, channels=(*base.channels, *extra)), {"/x": "x"}, clock=clock)
    with Server(slack.app) as server:
        yield Desk(slack, WebClient(base.bot_token, base_url=f"{server.url}/api/", retry_handlers=[]), clock)


def refused(call: Callable[[], Any]) -> tuple[str, list[str]]:
    with pytest.raises(SlackApiError) as caught:
        call()
    answer = caught.value.response
    return answer["error"], (answer.get("response_metadata") or {}).get("messages", [])


def test_the_bot_learns_who_it_is_and_what_it_may(desk: Desk) -> None:
    answer = desk.client.auth_test()
    assert (answer["user_id"], answer["team_id"], answer["bot_id"]) == ("U0BOT", "T0ACME", "B0BOT")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-wrong", "invalid_auth"), ("xapp-sandbox-app", "not_allowed_token_type")],
)
def test_a_call_needs_the_bots_own_token(desk: Desk, token: str, error: str) -> None:
    other = WebClient(token or None, base_url=desk.client.base_url)
    assert refused(lambda: other.auth_test())[0] == error


def test_a_method_needs_its_scope(desk: Desk) -> None:
    scopes = tuple(scope for scope in desk.slack.workspace.scopes if scope != "users:read")
    desk.slack.workspace = replace(desk.slack.workspace, scopes=scopes)
    error, messages = refused(lambda: desk.client.users_info(user="U0ANA"))
    assert error == "missing_scope"
    assert messages[0].startswith("needed: users:read;")


def test_unknown_methods_and_arguments_are_refused(desk: Desk) -> None:
    assert refused(lambda: desk.client.chat_delete(channel="C0INFRA", ts="1.0"))[0] == "unknown_method"
    error, messages = refused(lambda: desk.client.chat_postMessage(channel="C0INFRA", text="x", icon_emoji=":x:"))
    assert (error, messages) == ("invalid_arguments", ["[ERROR] argument not supported here: icon_emoji"])
    error, messages = refused(lambda: desk.client.api_call("chat.postMessage", json={"text": "x"}))
    assert (error, messages) == ("invalid_arguments", ["[ERROR] missing required field: channel"])


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0OTHER", "not_in_channel"),
        ("C0SECRET", "channel_not_found"),
        ("C0NOSUCH", "channel_not_found"),
        ("infra-requests", "channel_not_found"),
        ("D0KIM", "channel_not_found"),
        ("U0DEE", "user_disabled"),
        ("U0ROB", "cannot_dm_bot"),
    ],
)
def test_a_message_goes_only_where_the_bot_is(desk: Desk, channel: str, error: str) -> None:
    assert refused(lambda: desk.client.chat_postMessage(channel=channel, text="x"))[0] == error


def test_a_message_needs_a_text_and_must_not_be_too_long(desk: Desk) -> None:
    def post(**content: Any) -> tuple[str, list[str]]:
        call = {"channel": "C0INFRA", **content}
        return refused(lambda: desk.client.api_call("chat.postMessage", json=call))

    assert post()[0] == "no_text"
    assert post(blocks=[SECTION])[0] == "no_text"
    assert post(text="x" * 4001)[0] == "msg_too_long"
    error, messages = post(text="x", blocks=[{"type": "table"}])
    assert error == "invalid_blocks"
    assert messages[0].endswith("[json-pointer:/blocks/0/type]")


def test_an_edit_keeps_what_it_does_not_mention_and_the_history_keeps_everything(desk: Desk) -> None:
    metadata = {"event_type": "request", "event_payload": {"id": "aw-1"}}
    ts = desk.client.chat_postMessage(channel="C0INFRA", text="one", blocks=[SECTION], metadata=metadata)["ts"]
    desk.client.chat_update(channel="C0INFRA", ts=ts, text="two")
    seen = desk.slack.person("ana").sees("in a block", "infra-requests")
    assert (seen.fallback, seen.metadata) == ("two", metadata)
    desk.client.chat_update(channel="C0INFRA", ts=ts, text="three", blocks=[])
    assert seen.visible_text == "three"
    assert [version.text for version in seen.history] == ["one", "two", "three"]


def test_only_the_bots_own_messages_can_be_edited(desk: Desk) -> None:
    said = desk.slack.person("ana").says("approved!", "infra-requests")
    update = desk.client.chat_update
    assert refused(lambda: update(channel="C0INFRA", ts=said.ts, text="x"))[0] == "cant_update_message"
    assert refused(lambda: update(channel="C0INFRA", ts="1.000001", text="x"))[0] == "message_not_found"


def test_metadata_comes_back_when_asked_for_and_must_have_its_shape(desk: Desk) -> None:
    metadata = {"event_type": "request", "event_payload": {"id": "aw-1"}}
    desk.client.chat_postMessage(channel="C0INFRA", text="x", metadata=metadata)
    history = desk.client.conversations_history
    assert "metadata" not in history(channel="C0INFRA")["messages"][0]
    assert history(channel="C0INFRA", include_all_metadata=True)["messages"][0]["metadata"] == metadata
    wrong = {"event_type": "request"}
    error, _ = refused(lambda: desk.client.chat_postMessage(channel="C0INFRA", text="x", metadata=wrong))
    assert error == "invalid_metadata_format"


def test_history_is_newest_first_in_pages_and_leaves_replies_to_the_thread(desk: Desk) -> None:
    stamps = [desk.client.chat_postMessage(channel="C0INFRA", text=str(n))["ts"] for n in range(3)]
    reply = desk.client.chat_postMessage(channel="C0INFRA", text="reply", thread_ts=stamps[0])
    page = desk.client.conversations_history(channel="C0INFRA", limit=2)
    assert [message["text"] for message in page["messages"]] == ["2", "1"]
    rest = desk.client.conversations_history(channel="C0INFRA", cursor=page["response_metadata"]["next_cursor"])
    assert [(message["text"], message["reply_count"]) for message in rest["messages"]] == [("0", 1)]
    since = desk.client.conversations_history(channel="C0INFRA", oldest=stamps[1])["messages"]
    assert [message["text"] for message in since] == ["2"]
    thread = desk.client.conversations_replies(channel="C0INFRA", ts=stamps[0])["messages"]
    assert [message["ts"] for message in thread] == [stamps[0], reply["ts"]]
    assert refused(lambda: desk.client.conversations_replies(channel="C0INFRA", ts="1.0"))[0] == "thread_not_found"


def test_an_ephemeral_message_is_seen_by_one_person_and_is_on_no_record(desk: Desk) -> None:
    desk.client.chat_postEphemeral(channel="C0INFRA", user="U0KIM", text="psst")
    assert desk.slack.person("kim").sees("psst", "infra-requests").is_ephemeral
    assert desk.slack.person("ana").messages("infra-requests") == []
    assert desk.client.conversations_history(channel="C0INFRA")["messages"] == []
    outsider = lambda: desk.client.chat_postEphemeral(channel="C0ALERTS", user="U0ANA", text="x")  # noqa: E731
    assert refused(outsider)[0] == "user_not_in_channel"


def test_a_direct_message_is_opened_with_a_living_person(desk: Desk) -> None:
    channel = desk.client.conversations_open(users=["U0ANA"])["channel"]["id"]
    ts = desk.client.chat_postMessage(channel=channel, text="hello")["ts"]
    seen = desk.slack.person("ana").sees("hello")
    assert seen.permalink == f"https://acme.slack.com/archives/{channel}/p{ts.replace('.', '')}"
    assert desk.client.chat_getPermalink(channel=channel, message_ts=ts)["permalink"] == seen.permalink
    assert desk.client.conversations_info(channel=channel)["channel"]["is_im"] is True
    assert desk.client.conversations_info(channel="C0OTHER")["channel"]["is_member"] is False
    assert refused(lambda: desk.client.conversations_open(users=["U0NOBODY"]))[0] == "user_not_found"


def test_people_are_listed_in_pages_with_the_traps_of_the_real_list(desk: Desk) -> None:
    people = {user["id"]: user for page in desk.client.users_list(limit=3) for user in page["members"]}
    assert list(people) == ["U0ANA", "U0LEE", "U0SAM", "U0KIM", "U0ROB", "U0DEE", "USLACKBOT", "U0BOT"]
    assert people["U0DEE"]["deleted"] is True
    assert "is_restricted" not in people["U0DEE"]
    assert "email" not in people["U0ROB"]["profile"]
    assert people["USLACKBOT"]["is_bot"] is False
    assert refused(lambda: desk.client.users_list(cursor="!"))[0] == "invalid_cursor"


def test_people_are_found_by_id_and_the_living_by_email(desk: Desk) -> None:
    assert desk.client.users_info(user="U0ANA")["user"]["profile"]["email"] == "ana@example.com"
    assert refused(lambda: desk.client.users_info(user="U0NOBODY"))[0] == "user_not_found"
    assert desk.client.users_lookupByEmail(email="Lee@Example.com")["user"]["id"] == "U0LEE"
    for email in ("dee@example.com", "nobody@example.com"):
        assert refused(lambda email=email: desk.client.users_lookupByEmail(email=email))[0] == "users_not_found"


def test_user_groups_are_known_by_id(desk: Desk) -> None:
    groups = desk.client.usergroups_list(include_users=True)["usergroups"]
    assert {group["handle"]: group["users"] for group in groups}["prod-approvers"] == ["U0LEE", "U0SAM"]
    assert desk.client.usergroups_users_list(usergroup="S0PRODAPP")["users"] == ["U0LEE", "U0SAM"]
    assert refused(lambda: desk.client.usergroups_users_list(usergroup="prod-approvers"))[0] == "no_such_subteam"


def test_a_trigger_dies_after_three_seconds(desk: Desk) -> None:
    trigger = desk.slack.world.state.grant_trigger("U0ANA", None)
    desk.clock.now += 3.1
    assert refused(lambda: desk.client.views_open(trigger_id=trigger, view=VIEW))[0] == "expired_trigger_id"
    assert refused(lambda: desk.client.views_open(trigger_id="1.2.3", view=VIEW))[0] == "invalid_trigger_id"


def test_an_invalid_form_does_not_spend_the_trigger(desk: Desk) -> None:
    trigger = desk.slack.world.state.grant_trigger("U0ANA", None)
    error, messages = refused(lambda: desk.client.views_open(trigger_id=trigger, view={**VIEW, "blocks": []}))
    assert (error, messages) == (
        "invalid_arguments",
        ["[ERROR] no fewer than 1 items allowed [json-pointer:/view/blocks]"],
    )
    assert desk.client.views_open(trigger_id=trigger, view=VIEW)["ok"]


def test_forms_stack_three_deep_and_only_the_top_one_can_be_used(desk: Desk) -> None:
    ana = desk.slack.person("ana")
    below = desk.open_form()
    first = ana.waits_for_form()

    def push() -> Any:
        trigger = desk.slack.world.state.grant_trigger("U0ANA", below["id"])
        return desk.client.views_push(trigger_id=trigger, view=VIEW)

    pushed = push()["view"]
    assert (pushed["root_view_id"], pushed["previous_view_id"]) == (below["id"], below["id"])
    push()
    assert refused(push)[0] == "push_limit_reached"
    with pytest.raises(AssertionError, match="is covered by another"):
        first.close()


def test_a_form_that_is_closed_cannot_be_updated_and_external_ids_are_unique(desk: Desk) -> None:
    opened = desk.open_form({**VIEW, "external_id": "one"})
    updated = desk.client.views_update(external_id="one", hash=opened["hash"], view={**VIEW, "external_id": "one"})
    assert updated["view"]["hash"] != opened["hash"]
    home = {"type": "home", "blocks": [SECTION], "external_id": "one"}
    assert refused(lambda: desk.client.views_publish(user_id="U0LEE", view=home))[0] == "duplicate_external_ids"
    desk.slack.person("ana").waits_for_form().close()
    assert refused(lambda: desk.client.views_update(view_id=opened["id"], view=VIEW))[0] == "not_found"


def test_what_was_chosen_survives_an_update_of_the_same_field_even_if_no_longer_offered(desk: Desk) -> None:
    def form(*texts: str) -> Json:
        options = [{"text": {"type": "plain_text", "text": text}, "value": text} for text in texts]
        element = {"type": "static_select", "action_id": "a", "options": options}
        field = {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "Where"},
            "element": element,
        }
        return {**VIEW, "submit": {"type": "plain_text", "text": "Go"}, "blocks": [field]}

    opened = desk.open_form(form("one", "two"))
    seen = desk.slack.person("ana").waits_for_form()
    seen.choose("Where", "one")
    desk.client.views_update(view_id=opened["id"], view=form("two", "three"))
    assert (seen.value("Where"), seen.options("Where")) == ("one", ["two", "three"])
    with pytest.raises(AssertionError, match="does not offer 'one'"):
        seen.choose("Where", "one")


def response_url(desk: Desk, ts: str | None = None) -> WebhookClient:
    desk.client.auth_test()  # the first call tells the stand-in its own address
    return WebhookClient(desk.slack.world.response_url("C0INFRA", "U0ANA", ts), retry_handlers=[])


def test_a_response_url_is_good_for_five_answers(desk: Desk) -> None:
    hook = response_url(desk)
    assert hook.send(text="for you").status_code == 200
    assert hook.send(text="for all", response_type="in_channel").status_code == 200
    assert [hook.send(text="x").status_code for _ in range(4)] == [200, 200, 200, 404]
    assert desk.slack.person("kim").sees("for all", "infra-requests").author == "Sallyport"
    assert "used_url" in hook.send(text="x").body


def test_a_response_url_is_good_for_half_an_hour(desk: Desk) -> None:
    hook = response_url(desk)
    desk.clock.now += 30 * 60 + 1
    assert "expired_url" in hook.send(text="late").body


def test_a_response_url_replaces_or_deletes_the_message_it_came_from(desk: Desk) -> None:
    ts = desk.client.chat_postMessage(channel="C0INFRA", text="before")["ts"]
    hook, ana = response_url(desk, ts), desk.slack.person("ana")
    hook.send(text="after", replace_original=True)
    assert ana.sees("after", "infra-requests").ts == ts
    assert hook.send(text="x", unfurl_links=True, attachments=[{}]).status_code == 400
    hook.send(delete_original=True)
    assert ana.messages("infra-requests") == []


def test_an_app_has_at_most_ten_sockets_each_from_a_fresh_ticket(desk: Desk) -> None:
    def connect(url: str | None = None) -> tuple[websocket.WebSocket, Json]:
        app_token = desk.slack.workspace.app_token
        socket = websocket.create_connection(url or desk.client.apps_connections_open(app_token=app_token)["url"])
        return socket, json.loads(socket.recv())

    with ExitStack() as stack:
        for count in range(1, 11):
            socket, hello = connect()
            stack.callback(socket.close)
            assert (hello["type"], hello["num_connections"]) == ("hello", count)
            desk.slack.waits_for_app(sockets=count)
        refusal, frame = connect()
        stack.callback(refusal.close)
        assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
        with pytest.raises(websocket.WebSocketBadStatusException):
            connect(f"{desk.client.base_url.replace('http', 'ws').replace('/api/', '')}/link?ticket=used")


def test_faults_spoil_calls_but_not_what_they_did(desk: Desk) -> None:
    desk.slack.faults.add(Fault(Kind.DROP, Moment.AFTER, path="/api/chat.postMessage"))
    with pytest.raises(OSError, match=r"."):
        desk.client.chat_postMessage(channel="C0INFRA", text="posted all the same")
    assert desk.slack.person("ana").sees("posted all the same", "infra-requests")
