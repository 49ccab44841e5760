"""A real Bolt app on the local Slack, over sockets and over signed HTTP, used by people who only see words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_bolt.adapter.starlette import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from starlette.applications import Starlette
from starlette.routing import Route

from sandbox.serving import Server
from sandbox.slack import App as Registered
from sandbox.slack import AppFault, SlackStandIn, read_manifest

Json = dict[str, Any]
COMMANDS = {name: f"try {name}" for name in ("/ask", "/slow", "/hello", "/bad", "/card", "/silent")}
APP = Registered(COMMANDS, {"Ask anywhere": "anywhere"})


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def options(*texts: str) -> list[Json]:
    return [{"text": plain(text), "value": text.lower()} for text in texts]


def menu(label: str, name: str, element: Json, **more: Any) -> Json:
    element = {"action_id": name, **element}
    return {"type": "input", "block_id": f"{name}-block", "label": plain(label), "element": element, **more}


def form(environment: str = "") -> Json:
    blocks = [
        menu(
            "Environment",
            "environment",
            {"type": "static_select", "options": options("Production", "Staging")},
            dispatch_action=True,
        ),
        menu("Path", "path", {"type": "plain_text_input", "min_length": 2}),
        menu("Manager", "manager", {"type": "external_select", "min_query_length": 0}, optional=True),
        menu("Checks", "checks", {"type": "checkboxes", "options": options("Tests", "Docs")}, optional=True),
    ]
    if environment:
        warning = {"type": "mrkdwn", "text": f"*{environment}* needs an approval"}
        blocks.append({"type": "section", "block_id": "warning", "text": warning})
    return {
        "type": "modal",
        "callback_id": "ask",
        "title": plain("Ask for access"),
        "submit": plain("Ask"),
        "close": plain("Cancel"),
        "notify_on_close": True,
        "blocks": blocks,
    }


def card(path: str) -> list[Json]:
    dialog = {
        "title": plain("Sure?"),
        "text": plain("This opens it."),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    approve = {
        "type": "button",
        "action_id": "approve",
        "text": plain("Approve"),
        "value": "r1",
        "style": "primary",
    }
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": "<@U0ANA> asks for:"}},
        {"type": "section", "text": plain(path)},
        {
            "type": "actions",
            "block_id": "decide",
            "elements": [
                {**approve, "confirm": dialog},
                {"type": "button", "action_id": "deny", "text": plain("Deny"), "style": "danger"},
            ],
        },
    ]


@dataclass
class Product:
    """A small app that asks, posts a card and updates it; remembers what it heard."""

    client: WebClient
    signing_secret: str
    heard: list[Json] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def app(self) -> App:
        app = App(client=self.client, signing_secret=self.signing_secret)
        app.command("/ask")(self.ask)
        app.command("/slow")(self.slow)
        app.command("/silent")(lambda ack: ack())
        app.command("/hello")(
            lambda ack, command: ack(f"Hello *{command['user_name']}*, {command['text'] or 'nothing'}")
        )
        app.command("/bad")(lambda ack: ack({"text": "x", "blocks": [{"type": "carousel"}]}))
        app.command("/card")(self.post_card)
        app.action("environment")(self.environment)
        app.action("approve")(self.approve)
        app.action("deny")(self.deny)
        app.options("manager")(self.managers)
        app.view("ask")(self.submitted)
        app.view_closed("ask")(lambda ack, body: (self.heard.append(body), ack()))
        app.event("app_home_opened")(self.home)
        app.event("app_mention")(self.mentioned)
        app.global_shortcut("anywhere")(self.ask_anywhere)
        app.action("path")(lambda ack, body: (self.heard.append(body), ack()))
        return app

    def ask_anywhere(self, ack: Any, shortcut: Json, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=shortcut["trigger_id"], view=form())

    def mentioned(self, event: Json, client: WebClient) -> None:
        place = {"channel": event["channel"], "thread_ts": event.get("thread_ts")}
        client.chat_postEphemeral(user=event["user"], text=f"You said {event['text']}", **place)

    def ask(self, ack: Any, command: Json, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=command["trigger_id"], view=form())

    def slow(self, ack: Any) -> None:
        self.go_on.wait(5)
        ack()

    def environment(self, ack: Any, body: Json, client: WebClient) -> None:
        ack()
        chosen = body["actions"][0]["selected_option"]["text"]["text"]
        client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=form(chosen))

    def managers(self, ack: Any, payload: Json) -> None:
        fitting = [name for name in ("Lee Wong", "Sam Okafor") if payload["value"].lower() in name.lower()]
        ack(options=options(*fitting))

    def submitted(self, ack: Any, view: Json, body: Json, client: WebClient) -> None:
        path = view["state"]["values"]["path-block"]["path"]["value"]
        if not path.startswith("/"):
            ack(response_action="errors", errors={"path-block": "Start with a slash."})
            return
        if path in ("/update", "/push"):
            ack(response_action=path[1:], view={**form(), "title": plain("Next")})
            return
        if path == "/clear":
            ack(response_action="clear")
            return
        if path == "/wrong":
            ack(response_action="errors", errors={"warning": "Not an input."})
            return
        ack()
        self.heard.append(view["state"]["values"])
        client.chat_postMessage(channel="C0INFRA", text="A request for Lee", blocks=card(path))

    def post_card(self, ack: Any, client: WebClient, command: Json) -> None:
        ack()
        client.chat_postMessage(channel=command["channel_id"], text="A request", blocks=card(command["text"]))

    def approve(self, ack: Any, body: Json, client: WebClient) -> None:
        ack()
        self.heard.append(body)
        place = {"channel": body["channel"]["id"], "ts": body["message"]["ts"]}
        text = f"Approved by <@{body['user']['id']}>"
        client.chat_update(**place, text=text, blocks=[])
        client.chat_postMessage(channel=place["channel"], thread_ts=place["ts"], text="It will be live soon.")

    def deny(self, ack: Any, respond: Any) -> None:
        ack()
        respond("Only Lee may deny.", replace_original=False)

    def home(self, event: Json, client: WebClient) -> None:
        blocks = [{"type": "section", "text": plain("No open requests")}]
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})


@dataclass
class Scene:
    slack: SlackStandIn
    product: Product


@pytest.fixture(scope="module")
def aside() -> Iterator[ThreadPoolExecutor]:
    """Closing a Socket Mode client takes it up to three seconds; tests need not wait for that one by one."""
    with ThreadPoolExecutor(max_workers=32) as pool:
        yield pool


def leave(handler: SocketModeHandler, aside: ThreadPoolExecutor) -> None:
    handler.client.auto_reconnect_enabled = False
    aside.submit(handler.close)


@pytest.fixture(params=["socket", "http"])
def scene(request: pytest.FixtureRequest, aside: ThreadPoolExecutor) -> Iterator[Scene]:
    """The app runs against the stand-in by the transport in the test's id."""
    with ExitStack() as stack:
        slack = SlackStandIn(app=APP)
        server = stack.enter_context(Server(slack.app))
        client = WebClient(slack.workspace.bot_token, base_url=f"{server.url}/api/", retry_handlers=[])
        product = Product(client, slack.workspace.signing_secret)
        stack.callback(product.go_on.set)
        app = product.app()
        if request.param == "socket":
            handler = SocketModeHandler(app, slack.workspace.app_token)
            handler.connect()
            stack.callback(leave, handler, aside)
            slack.waits_for_app()
        else:
            endpoint = Route("/slack/events", SlackRequestHandler(app).handle, methods=["POST"])
            served = stack.enter_context(Server(Starlette(routes=[endpoint])))
            slack.request_url = f"{served.url}/slack/events"
        yield Scene(slack, product)


def test_a_command_is_answered_in_words_only_its_typist_sees(scene: Scene) -> None:
    ana = scene.slack.person("ana")
    answer = ana.types("/hello world & more", channel="infra-requests")
    assert (answer.ok, answer.text) == (True, "Hello ana, world & more")
    assert ana.sees("Hello ana", "infra-requests", timeout=0).is_ephemeral
    assert scene.slack.person("lee").messages("infra-requests") == []


def test_an_empty_acknowledgement_shows_nothing(scene: Scene) -> None:
    assert scene.slack.person("ana").types("/silent").text == ""


def test_a_command_the_app_does_not_acknowledge_in_time_fails_before_the_person(scene: Scene) -> None:
    scene.slack.ack_seconds = 0.2
    answer = scene.slack.person("ana").types("/slow")
    assert (answer.ok, answer.text) == (False, '/slow failed with the error "operation_timeout"')
    assert [delivery.payload["command"] for delivery in scene.slack.timeouts] == ["/slow"]
    scene.product.go_on.set()


def test_an_unknown_command_never_reaches_the_app(scene: Scene) -> None:
    assert scene.slack.person("ana").types("/nosuch").text == "/nosuch is not a valid command."
    assert scene.slack.deliveries == []


def test_an_answer_slack_would_refuse_is_a_fault_of_the_app(scene: Scene) -> None:
    with pytest.raises(AppFault, match="unsupported type: carousel"):
        scene.slack.person("ana").types("/bad")


def test_a_form_is_filled_in_updated_refused_and_submitted(scene: Scene) -> None:
    ana, lee = scene.slack.person("ana"), scene.slack.person("lee")
    ana.types("/ask", channel="infra-requests")
    form = ana.waits_for_form("Ask for access")
    assert form.labels == ["Environment", "Path", "Manager", "Checks"]
    assert form.options("Environment") == ["Production", "Staging"]

    form.fill("Path", "v1/charges")
    form.choose("Environment", "Production")
    form.waits_for("Production needs an approval")
    assert form.value("Path") == "v1/charges"
    assert form.options("Manager") == ["Lee Wong", "Sam Okafor"]
    assert form.options("Manager", typed="sam") == ["Sam Okafor"]
    form.choose("Manager", "Lee Wong")
    form.choose("Checks", "Docs", "Tests")

    assert form.submit() == {"Path": "Start with a slash."}
    assert "Start with a slash." in form.text
    form.fill("Path", "/v1/charges")
    assert form.submit() == {}
    assert not form.is_open

    values = scene.product.heard[0]
    assert values["manager-block"]["manager"]["selected_option"]["text"]["text"] == "Lee Wong"
    checks = values["checks-block"]["checks"]["selected_options"]
    assert [option["value"] for option in checks] == ["docs", "tests"]
    assert lee.sees("/v1/charges", "infra-requests").buttons == ["Approve", "Deny"]


def test_slack_itself_refuses_an_incomplete_form_without_asking_the_app(scene: Scene) -> None:
    ana = scene.slack.person("ana")
    ana.types("/ask")
    form = ana.waits_for_form()
    form.fill("Path", "/")
    sent = len(scene.slack.deliveries)
    assert form.submit() == {
        "Environment": "Please complete this required field.",
        "Path": "Please enter at least 2 characters.",
    }
    assert len(scene.slack.deliveries) == sent


@pytest.mark.parametrize(
    ("path", "titles"),
    [("/update", ["Next"]), ("/push", ["Next", "Ask for access"]), ("/clear", [])],
)
def test_a_submission_may_be_answered_with_another_form(scene: Scene, path: str, titles: list[str]) -> None:
    ana = scene.slack.person("ana")
    ana.types("/ask")
    form = ana.waits_for_form()
    form.choose("Environment", "Staging")
    form.waits_for("Staging needs an approval")
    form.fill("Path", path)
    assert form.submit() == {}
    for title in titles:
        ana.waits_for_form(title, timeout=0).close()
    assert ana.form is None


def test_errors_for_something_that_is_not_an_input_are_a_fault_of_the_app(scene: Scene) -> None:
    ana = scene.slack.person("ana")
    ana.types("/ask")
    form = ana.waits_for_form()
    form.choose("Environment", "Staging")
    form.fill("Path", "/wrong")
    with pytest.raises(AppFault, match=r"errors for \['warning'\]"):
        form.submit()


def test_closing_a_form_tells_the_app_that_asked_for_it_and_makes_the_form_useless(scene: Scene) -> None:
    ana = scene.slack.person("ana")
    ana.types("/ask")
    form = ana.waits_for_form()
    form.fill("Path", "/v1")
    form.close()
    (closed,) = scene.product.heard
    assert closed["type"] == "view_closed"
    with pytest.raises(AssertionError, match="is closed"):
        form.fill("Path", "/v2")


def test_a_closed_form_does_not_tell_what_had_been_typed_into_it(scene: Scene) -> None:
    scene.slack.person("ana").types("/ask")
    form = scene.slack.person("ana").waits_for_form()
    form.fill("Path", "/v1")
    form.close()
    (closed,) = scene.product.heard
    assert closed["view"]["state"] == {"values": {}}
    assert closed["view"]["callback_id"] == "ask"


def test_typing_is_told_only_by_a_field_that_asks_for_it(scene: Scene) -> None:
    scene.slack.person("ana").types("/ask")
    form = scene.slack.person("ana").waits_for_form()
    form.fill("Path", "/v1")
    assert scene.product.heard == []
    view = form._target
    (block,) = [block for block in view.blocks if block["block_id"] == "path-block"]
    block["dispatch_action"] = True
    form.fill("Path", "/v2")
    assert scene.product.heard == [], "by default only Enter is told"
    block["element"]["dispatch_action_config"] = {"trigger_actions_on": ["on_character_entered"]}
    form.fill("Path", "/v3")
    (typed,) = scene.product.heard
    assert typed["actions"][0]["value"] == "/v3"
    assert typed["view"]["state"]["values"]["path-block"]["path"]["value"] == "/v3"


def test_a_shortcut_opens_a_form_without_a_channel(scene: Scene) -> None:
    ana = scene.slack.person("ana")
    assert ana.uses_shortcut("Ask anywhere").ok
    assert ana.waits_for_form().title == "Ask for access"
    assert "response_url" not in scene.slack.deliveries[-1].payload
    unknown = ana.uses_shortcut("Ask nowhere")
    assert (unknown.ok, "Ask anywhere" in unknown.text) == (False, True)


def test_a_mention_reaches_the_app_only_where_it_is_and_with_its_thread(scene: Scene) -> None:
    ana = scene.slack.person("ana")
    root = ana.says("who can help?", "infra-requests")
    ana.says("@sallyport help", "infra-requests", thread=root)
    answer = ana.sees("You said @Sallyport help", "infra-requests", thread=root)
    assert answer.is_ephemeral
    count = len(scene.slack.deliveries)
    ana.says("@sallyport help", "dm")
    ana.says("no mention", "infra-requests")
    assert len(scene.slack.deliveries) == count


def test_what_an_app_registers_is_read_from_its_manifest() -> None:
    manifest = """
    features:
      slash_commands: [{command: /ask, description: Ask for something}]
      shortcuts:
        - {name: Ask anywhere, type: global, callback_id: anywhere}
        - {name: Ask about this, type: message, callback_id: about}
    oauth_config: {scopes: {bot: [commands, chat:write]}}
    settings: {event_subscriptions: {bot_events: [app_home_opened]}}
    """
    app = read_manifest(manifest)
    assert app == Registered(
        {"/ask": "Ask for something"},
        {"Ask anywhere": "anywhere"},
        frozenset({"app_home_opened"}),
        ("commands", "chat:write"),
    )
    slack = SlackStandIn(app=app)
    assert slack.workspace.scopes == ("commands", "chat:write")
    slack.person("ana").says("@sallyport help", "infra-requests")
    assert slack.deliveries == []


def test_a_card_is_confirmed_approved_updated_and_answered_in_its_thread(scene: Scene) -> None:
    ana, lee = scene.slack.person("ana"), scene.slack.person("lee")
    ana.types("/card <!channel> *now*", channel="infra-requests")
    message = lee.sees("<!channel> *now*", "infra-requests")
    assert message.mentions == ("U0ANA",)

    shown = message.press("Approve", confirm=False)
    assert shown.dialog == "Sure?\nThis opens it.\nYes\nNo"
    assert scene.product.heard == []

    assert message.press("Approve").ok
    assert lee.sees("It will be live soon.", "infra-requests", thread=message).visible_text
    assert message.visible_text == "Approved by @Lee Wong"
    assert message.buttons == []
    assert [reply.visible_text for reply in message.replies()] == ["It will be live soon."]
    assert [text.splitlines()[0] for text in message.texts] == ["@Ana Ruiz asks for:", "Approved by @Lee Wong"]
    assert scene.product.heard[0]["user"]["id"] == "U0LEE"
    with pytest.raises(AssertionError, match="no buttons say 'Approve'"):
        message.press("Approve")


def test_a_response_url_answers_only_who_pressed(scene: Scene) -> None:
    scene.slack.person("ana").types("/card x", channel="infra-requests")
    kim = scene.slack.person("kim")
    kim.sees("asks for", "infra-requests").press("Deny")
    assert kim.sees("Only Lee may deny.", "infra-requests").is_ephemeral
    with pytest.raises(AssertionError, match="does not see"):
        scene.slack.person("lee").sees("Only Lee may deny.", "infra-requests", timeout=0)


def test_the_home_tab_shows_what_the_app_published(scene: Scene) -> None:
    assert "No open requests" in scene.slack.person("ana").opens_home().text


def test_a_replay_reaches_the_app_a_second_time(scene: Scene) -> None:
    scene.slack.person("ana").types("/card once", channel="infra-requests")
    message = scene.slack.person("lee").sees("once", "infra-requests")
    message.press("Approve")
    assert scene.slack.replay().ok
    bodies = scene.product.heard
    assert len(bodies) == 2
    assert bodies[0]["trigger_id"] == bodies[1]["trigger_id"]


def test_a_trigger_opens_one_form_only(scene: Scene) -> None:
    ana = scene.slack.person("ana")
    ana.types("/ask")
    ana.waits_for_form()
    trigger = scene.slack.deliveries[-1].payload["trigger_id"]
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        scene.product.client.views_open(trigger_id=trigger, view=form())


def test_a_form_does_not_change_under_an_old_hash(scene: Scene) -> None:
    ana = scene.slack.person("ana")
    ana.types("/ask")
    shown = ana.waits_for_form()
    shown.choose("Environment", "Staging")
    shown.waits_for("Staging needs an approval")
    old = scene.slack.deliveries[-1].payload["view"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        scene.product.client.views_update(view_id=old["id"], hash=old["hash"], view=form())


@pytest.mark.parametrize("scene", ["http"], indirect=True)
@pytest.mark.parametrize(
    "forgery", [{"secret": "wrong"}, {"age": 301.0}, {"headers": {"X-Slack-Signature": "v0=00"}}]
)
def test_the_app_refuses_wrong_and_stale_signatures(scene: Scene, forgery: Json) -> None:
    scene.slack.person("ana").types("/hello")
    assert scene.slack.forge() == 200
    assert scene.slack.forge(**forgery) == 401


@pytest.mark.parametrize("scene", ["socket"], indirect=True)
def test_the_app_comes_back_when_slack_recycles_its_socket(scene: Scene) -> None:
    scene.slack.sockets.refresh()
    scene.slack.waits_for_app()
    assert scene.slack.person("ana").types("/hello again").text == "Hello ana, again"


def test_without_the_app_a_command_fails_at_once() -> None:
    slack = SlackStandIn(app=COMMANDS)
    slack.url = "http://localhost:1"
    assert slack.person("ana").types("/hello").text == '/hello failed with the error "dispatch_failed"'


def test_people_cannot_act_where_they_are_not_or_after_they_have_left() -> None:
    slack = SlackStandIn(app=COMMANDS)
    with pytest.raises(AssertionError, match="U0ANA is not in #alerts; they see: dm, infra-requests"):
        slack.person("ana").types("/hello", channel="alerts")
    slack.deactivate("lee")
    with pytest.raises(KeyError, match="nobody called 'lee'"):
        slack.person("lee")
