"""Bolt listeners: they validate, record one fact, acknowledge, and return.

Nothing is acknowledged before it is durable. Everything after the acknowledgement runs elsewhere and cannot
take it back: Bolt loses an ack when its listener raises right after it.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from slack_bolt import Ack, App

from coordinator.asking import Asking
from coordinator.courtesy import Courtesy
from coordinator.deciding import Deciding, NotYours
from coordinator.requests import Request
from coordinator.slack import cards, forms, home, replies
from coordinator.slack.text import tidy
from coordinator.withdrawing import Withdrawing
from sallyport.flows import ENVIRONMENT, REASON, Flow
from sallyport.platforms.slack import Slack
from sallyport.policies import Policies
from sallyport.problems import Problems

log = structlog.get_logger()

Body = Mapping[str, Any]
_ANY = re.compile(r"/.+")  # policies may gain a flow while we run


@dataclass(frozen=True, slots=True)
class Listeners:
    """Everything a person can type or press in Slack."""

    slack: Slack
    policies: Callable[[], Policies]
    asking: Asking
    deciding: Deciding
    withdrawing: Withdrawing
    courtesy: Courtesy = field(default_factory=Courtesy)
    afterwards: Executor = field(default_factory=lambda: ThreadPoolExecutor(8, thread_name_prefix="afterwards"))

    def attach(self, app: App) -> None:
        """Register the listeners; a command is looked up in policies when it is typed."""
        app.command(_ANY)(self._guarded(self.command))
        app.view(forms.ASK)(self._guarded(self.submitted))
        app.view(forms.DENIAL)(self._guarded(self.denied))
        app.action(_begins(forms.ANSWER))(self._guarded(self.chosen))
        app.action(_begins(cards.APPROVE))(self._guarded(self.approved))
        app.action(_begins(cards.DENY))(self._guarded(self.wants_to_deny))
        app.action(_begins(cards.CANCEL))(self._guarded(self.cancels))
        app.action(_begins(cards.GIVE_BACK))(self._guarded(self.gives_back))
        app.action(_begins(home.START))(self._guarded(self.starts))
        app.event("app_home_opened")(self._guarded(self.home_opened))

    # Asking

    def command(self, ack: Ack, body: Body) -> None:
        """Answer a slash command: help, the quick path where the flow has one, or the form."""
        flow = self.policies().flow_of_command(body["command"])
        text = tidy(body.get("text") or "")
        if flow is None:
            ack(replies.unknown_command(body["command"], self.policies()))
        elif text.casefold() in {"help", "?", "--help"}:
            ack(replies.help_for(flow, self.policies()))
        elif text and flow.has_quick_path:
            self._ask_quickly(ack, flow, text, body)
        else:
            ack(replies.form_instead(flow) if text else "")
            self._later(self._open_form, flow, body["user_id"], body["trigger_id"])

    def _ask_quickly(self, ack: Ack, flow: Flow, reason: str, body: Body) -> None:
        answers = {**flow.defaults, REASON: reason}
        try:
            request = self.asking.ask(flow, body["user_id"], answers, f"command:{body['trigger_id']}")
        except Problems as error:
            ack(replies.not_asked(flow, error))
        else:
            ack(replies.asked(request, self.policies()))

    def _open_form(self, flow: Flow, user: str, trigger: str) -> None:
        offer = self.asking.offer(flow, user, "")
        self.slack.open_view(trigger, forms.blank_form(flow.id, self.policies(), offer))

    def chosen(self, ack: Ack, body: Body) -> None:
        """Show what the chosen environment offers, keeping what was filled in."""
        ack()
        view = body.get("view")
        if view is not None:
            self._later(self._update_form, body["user"]["id"], view)

    def _update_form(self, user: str, view: Mapping[str, Any]) -> None:
        flow = self.policies().flows[json.loads(view["private_metadata"])["flow"]]
        answers = forms.read_answers(view)
        offer = self.asking.offer(flow, user, answers.get(ENVIRONMENT, ""))
        form = forms.ask_form(flow, self.policies(), offer, answers)
        self.slack.update_view(view["id"], form.to_dict(), view["hash"])

    def submitted(self, ack: Ack, body: Body) -> None:
        """Record the request, or show what is wrong at each field and keep the form."""
        view = body["view"]
        flow = self.policies().flows[json.loads(view["private_metadata"])["flow"]]
        try:
            self.asking.ask(flow, body["user"]["id"], forms.read_answers(view), f"view:{view['id']}")
            ack()
        except Problems as error:
            ack(response_action="errors", errors=forms.errors_for(view, error.problems))

    # Deciding

    def approved(self, ack: Ack, body: Body) -> None:
        """Record a yes; whoever may not say it, or says it late, is told so."""
        request_id, digest = _named(body)
        try:
            self.deciding.approve(request_id, digest, body["user"]["id"])
            ack()
            self._refresh_home(body)
        except NotYours as error:
            ack()
            self._answer(body, str(error))

    def wants_to_deny(self, ack: Ack, body: Body) -> None:
        """Ask for the reason; nothing is decided before it is given."""
        request_id, digest = _named(body)
        try:
            request = self.deciding.check(request_id, digest, body["user"]["id"])
            ack()
            title = "; ".join(change.title(self.policies().catalogue) for change in request.changes)
            self._later(self.slack.open_view, body["trigger_id"], forms.denial_form(request, title).to_dict())
        except NotYours as error:
            ack()
            self._answer(body, str(error))

    def denied(self, ack: Ack, body: Body) -> None:
        """Record a no with its reason."""
        view = body["view"]
        named = json.loads(view["private_metadata"])
        reason = forms.read_answers(view)[forms.REASON_BLOCK].strip()
        if not reason:
            ack(response_action="errors", errors={forms.REASON_BLOCK: replies.REASON_NEEDED})
            return
        try:
            self.deciding.deny(named["request"], named["digest"], body["user"]["id"], reason)
            ack()
        except NotYours as error:
            ack(response_action="errors", errors={forms.REASON_BLOCK: str(error)})

    # Taking back

    def cancels(self, ack: Ack, body: Body) -> None:
        """Cancel the person's own request."""
        self._withdraw(ack, body, self.withdrawing.cancel)

    def gives_back(self, ack: Ack, body: Body) -> None:
        """End the person's own live entry before its time."""
        self._withdraw(ack, body, self.withdrawing.give_back)

    def _withdraw(self, ack: Ack, body: Body, withdraw: Callable[[str, str], Request]) -> None:
        try:
            withdraw(_named(body)[0], body["user"]["id"])
            ack()
            self._refresh_home(body)
        except NotYours as error:
            ack()
            self._answer(body, str(error))

    # App Home

    def home_opened(self, ack: Ack, body: Body) -> None:
        """Show the person's desk."""
        ack()
        self._later(self._show_home, body["event"]["user"])

    def starts(self, ack: Ack, body: Body) -> None:
        """Open the form that a start button names."""
        ack()
        flow = self.policies().flows[body["actions"][0]["value"]]
        self._later(self._open_form, flow, body["user"]["id"], body["trigger_id"])

    def _show_home(self, user: str) -> None:
        self.slack.publish_view(user, home.home(self.asking.desk(user), self.policies()).to_dict())

    def _refresh_home(self, body: Body) -> None:
        view = body.get("view")
        if view is not None and view["type"] == "home":
            self._later(self._show_home, body["user"]["id"])

    # Around all of them

    def _answer(self, body: Body, text: str) -> None:
        """Tell the person where they are; the home tab has no place for words, so there they get a message."""
        url = body.get("response_url")
        if url:
            self._later(self.slack.respond, url, text)
        else:
            self._later(self._message, body["user"]["id"], text)

    def _message(self, user: str, text: str) -> None:
        self.slack.post(user, text, marker=f"answer:{user}")

    def _later(self, do: Callable[..., object], *arguments: object) -> None:
        self.afterwards.submit(self._politely(do), *arguments)

    def _politely(self, do: Callable[..., object]) -> Callable[..., object]:
        """Wrap what follows an acknowledgement: others' come first, and nobody waits for its faults."""

        def politely(*arguments: object) -> None:
            self.courtesy.give_way()
            try:
                do(*arguments)
            except Exception as error:
                log.warning("afterwards.failed", call=getattr(do, "__name__", str(do)), error=str(error))

        return politely

    def _guarded(self, listener: Callable[[Ack, Body], None]) -> Callable[[Ack, Body], None]:
        def guarded(ack: Ack, body: Body) -> None:
            try:
                with self.courtesy.serving():
                    listener(ack, body)
            except Exception:
                fault = secrets.token_hex(3)
                log.exception("listener.failed", listener=listener.__name__, fault=fault)
                _say_broken(ack, body, fault)
                if "actions" in body and body.get("response_url"):  # an ack carries no words to who pressed
                    with suppress(RuntimeError):  # we are stopping
                        self._answer(body, replies.broken(fault))

        return guarded


def _begins(prefix: str) -> re.Pattern[str]:
    return re.compile(f"^{re.escape(prefix)}")


def _named(body: Body) -> tuple[str, str]:
    """Return which request a button is for, and which digest its card showed."""
    request_id, _, digest = str(body["actions"][0]["value"]).partition(":")
    return request_id, digest


def _say_broken(ack: Ack, body: Body, fault: str) -> None:
    """Tell the person that nothing was recorded; a form stays open with all that was typed."""
    text = replies.broken(fault)
    view = body.get("view")
    if body.get("type") == "view_submission" and view is not None:
        first = next(iter(view["state"]["values"]))
        ack(response_action="errors", errors={first: text})
    elif "command" in body:
        ack(text)
    else:
        ack()
