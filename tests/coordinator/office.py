"""The real service at local stand-ins, reached as Slack reaches it, with a strict GitHub in memory."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from coordinator.alerts import Alerts
from coordinator.clients import Clients
from coordinator.config import read_config
from coordinator.essentials import Essentials
from coordinator.journal import Journal
from coordinator.requests import Request
from coordinator.server import web_app
from coordinator.service import Service
from coordinator.worker import Worker
from sallyport.platforms.jira import Jira
from sallyport.platforms.slack import Slack
from sallyport.policies import FOLDER
from sallyport.times import utc_now
from sandbox.jira import JiraStandIn, sample_site
from sandbox.slack import Form, SlackStandIn, sample_workspace
from sandbox.slack.delivery import Ack
from tests.coordinator.conftest import Installed, Places
from tests.coordinator.fakes import FakeGitHub

Json = dict[str, Any]
COMMANDS = {"/apiwhitelisting": "API whitelisting", "/prod-access": "Production access"}
CHANNEL = "infra-requests"


@dataclass
class Office:
    """One running replica and the people around it."""

    service: Service
    slack: SlackStandIn
    jira: JiraStandIn
    github: FakeGitHub

    @property
    def journal(self) -> Journal:
        return self.service.journal

    @property
    def requests(self) -> list[Request]:
        return [self.journal.request(one) for one in self.journal.ids()]

    @property
    def request(self) -> Request:
        """The only request there is."""
        (request,) = self.requests
        return request

    # What people do

    def opens_form(self, who: str = "ana", command: str = "/apiwhitelisting") -> Form:
        person = self.slack.person(who)
        answer = person.types(command, channel=CHANNEL)
        assert answer.ok, answer
        return person.waits_for_form()

    def fills_form(self, who: str = "ana", **different: str) -> Form:
        """A whitelisting form as it would be taken, but for what is *different* (by field, "" is left alone)."""
        form = self.opens_form(who)
        usual = {
            "environment": "",
            "method": "POST",
            "api": "Payments API",
            "path": "/v1/charges",
            "source": "198.51.100.10/32",
            "duration": "",
            "approver": "Lee Wong",
            "reason": "Partner go-live",
        }
        labels = {"method": "HTTP method", "api": "API Gateway", "approver": "Manager"}
        for name, value in (usual | different).items():
            label = labels.get(name, name.capitalize())
            if value and name in {"path", "source", "reason"}:
                form.fill(label, value)
            elif value:
                assert form.choose(label, value).ok
        return form

    def asks(self, reason: str = "debugging the checkout 500s", who: str = "ana") -> Request:
        """The quick path; the request it made."""
        before = set(self.journal.ids())
        answer = self.slack.person(who).types(f"/prod-access {reason}", channel=CHANNEL)
        assert answer.ok, answer
        (made,) = set(self.journal.ids()) - before
        return self.journal.request(made)

    # What nobody could do with Slack's own buttons

    def forged(self, changes: Mapping[str, Any]) -> Json:
        """The last form submission with other answers: field to option value or text."""
        payload = copy.deepcopy(self._last("view_submission"))
        for block_id, block in payload["view"]["state"]["values"].items():
            (element,) = block.values()
            name = block_id.split(":")[0]
            if name in changes and "selected_option" in element:
                text = {"type": "plain_text", "text": "forged"}
                element["selected_option"] = {"value": changes[name], "text": text}
            elif name in changes:
                element["value"] = changes[name]
        return payload

    def submits_forged(self, **changes: str) -> dict[str, str]:
        """The errors by field that a forged submission is answered with; none if it was taken."""
        ack = self.slack.press_raw(self.forged(changes))
        assert ack.ok, ack
        if not ack.body:
            return {}
        assert ack.body["response_action"] == "errors"
        return {block_id.split(":")[0]: error for block_id, error in ack.body["errors"].items()}

    def presses_forged(self, user: str | None = None, value: str | None = None, action: str | None = None) -> Ack:
        """The last press of a button, by somebody else, with another value, or of another button."""
        payload = copy.deepcopy(self._last("block_actions"))
        pressed = payload["actions"][0]
        payload["user"]["id"] = user or payload["user"]["id"]
        pressed["value"] = value or pressed["value"]
        if action:
            pressed["action_id"] = f"{action}:{pressed['action_id'].partition(':')[2]}"
        return self.slack.press_raw(payload)

    def _last(self, kind: str) -> Json:
        return next(d.payload for d in reversed(self.slack.deliveries) if d.payload.get("type") == kind)


@contextmanager
def open_office(database_url: str, installed: Installed, places: Places, *, http: bool) -> Iterator[Office]:
    """Run listeners and worker, in one process, over signed HTTP or over Socket Mode until the block ends."""
    slack, jira = SlackStandIn(sample_workspace(), COMMANDS), JiraStandIn(sample_site())
    places.slack.app, places.jira.app, slack.url = slack.app, jira.app, places.slack.url
    github = FakeGitHub(utc_now, {f"{FOLDER}/{path}": content for path, content in installed.files.items()})
    workspace = slack.workspace
    variables = {
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_API_URL": f"{slack.url}/api/",
        "JIRA_URL": places.jira.url,
        "JIRA_TOKEN": "jira-token",
        "JIRA_PROJECT": "OPS",
        "GITHUB_REPOSITORY": "acme/infra",
        "GITHUB_TOKEN": "ghp_coordinator",
        "DATABASE_URL": database_url,
        "COORDINATOR_SIGNING_KEY": installed.private_key,
        "ALERT_CHANNEL": "C0ALERTS",
        **(
            {"SLACK_SIGNING_SECRET": workspace.signing_secret}
            if http
            else {"SLACK_APP_TOKEN": workspace.app_token}
        ),
    }
    slack_client = Slack.connect(workspace.bot_token, variables["SLACK_API_URL"])
    jira_client = Jira.connect(places.jira.url, "jira-token", project="OPS")
    clients = Clients(slack_client, jira_client, github)  # type: ignore[arg-type]  # the same methods
    essentials = Essentials(read_config(variables), clients, Alerts(slack_client, variables["ALERT_CHANNEL"]))
    service, worker = Service(essentials), Worker(essentials)
    places.coordinator.app = web_app(service)
    try:
        essentials.start()
        worker.start()
        service.start()
        if http:
            slack.request_url = f"{places.coordinator.url}/slack/events"
        else:
            slack.waits_for_app()
        yield Office(service, slack, jira, github)
    finally:
        essentials.stop()
        _stop(service, slack)
        worker.stop()
        service.listeners.afterwards.shutdown()
        service.journal._engine.dispose()
        jira_client.close()


def _stop(service: Service, slack: SlackStandIn) -> None:
    """Stop the service, and let Slack say something: the client listens for three seconds before it closes."""
    stopping = threading.Thread(target=service.stop)
    stopping.start()
    while stopping.is_alive():
        for socket, loop in list(slack.sockets._open.values()):
            asyncio.run_coroutine_threadsafe(socket.send_text(slack.sockets._hello()), loop)
        stopping.join(0.02)
