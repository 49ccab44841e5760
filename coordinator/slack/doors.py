"""The ways in: a slash command, the shortcut, a mention of the app, and the home tab with its start buttons.

Each leads to a form, or to help made for who asks: nobody is shown a flow that policies do not let them use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from slack_sdk.models.blocks import MarkdownTextObject, SectionBlock

from coordinator.asking import Asking
from coordinator.requests import Request
from coordinator.slack import chooser, home, replies
from coordinator.slack.answering import Ack, Answering, Body, user_of
from coordinator.slack.breaking import Breaking
from coordinator.slack.opening import Opening
from coordinator.slack.text import tidy
from sallyport.commands import Typed, answers_from_words, is_complete, read_line
from sallyport.flows import Flow
from sallyport.policies import Policies
from sallyport.problems import Problems

log = structlog.get_logger()


Besides = Callable[[Ack, Body, str], bool]  # answers a command that asks for nothing; False leaves it to the flows


@dataclass(frozen=True, slots=True)
class Doors:
    """The listeners of everything that begins a request."""

    answering: Answering
    policies: Callable[[], Policies]
    asking: Asking
    opening: Opening
    breaking: Breaking
    besides: Besides

    def command(self, ack: Ack, body: Body) -> None:
        """Answer a slash command: help, the quick path where the flow has one, or the form."""
        text = tidy(body.get("text") or "")
        if self.besides(ack, body, text):
            return
        typed = read_line(body["command"], text, self.policies().flows.values())
        if typed.flow is None or typed.wants_help:
            ack(self._help(typed, body["user_id"]))
        elif typed.incident is not None:
            self.breaking.typed(ack, body, typed.flow, typed.incident)
        elif typed.rest:
            self._take_words(ack, typed.flow, typed.rest, body)
        else:
            ack()
            self.opening.open(typed.flow, body)

    def _take_words(self, ack: Ack, flow: Flow, words: str, body: Body) -> None:
        try:
            answers = answers_from_words(flow, words, self.asking.local_time(body["user_id"]))
            if answers is None:
                ack(replies.form_instead(flow))
                self.opening.open(flow, body)
            elif not is_complete(flow, answers):
                ack(replies.form_for_the_rest(flow))
                self.opening.open(flow, body, answers)
            else:
                request = self.asking.ask(flow, body["user_id"], answers, f"command:{body['trigger_id']}")
                ack(self._confirmed(request))
        except Problems as error:
            ack(replies.not_asked(flow, error))

    def _confirmed(self, request: Request) -> str:
        """Say that it is recorded, whatever else can or cannot be said of it."""
        try:
            return replies.asked(request, self.policies(), self.asking.room_left(request))
        except Exception:
            log.exception("confirmation.failed", request_id=request.id)
            return replies.recorded(request)

    def _help(self, typed: Typed, user: str) -> str:
        mine = self.asking.may_use(user)
        meant = [typed.flow] if typed.flow else typed.sharing
        told = [flow for flow in mine if flow in meant]
        emergencies = [flow for flow in self.asking.may_break_glass(user) if flow in meant]
        if not typed.sharing:
            return replies.unknown_command(typed, mine)
        if not told:
            return replies.not_for_you(typed, mine) + replies.in_an_emergency(emergencies)
        if typed.rest and not typed.wants_help:
            return replies.unknown_words(typed, told)
        others = [flow for flow in mine if flow not in told]
        return replies.help_for(told, others) + replies.in_an_emergency(emergencies)

    def shortcut(self, ack: Ack, body: Body) -> None:
        """Offer what this person may ask for; Slack takes no commands in threads."""
        ack()
        self.opening.open_chooser(body)

    def starts(self, ack: Ack, body: Body) -> None:
        """Open the form that a start button names."""
        ack()
        flow = self.policies().flows.get(body["actions"][0]["value"])
        if flow is None:
            self.answering.answer(body, replies.help_for(self.asking.may_use(user_of(body))))
        else:
            self.opening.open(flow, body)

    def mentioned(self, ack: Ack, body: Body) -> None:
        """Show help, made for who mentioned the app, to that person alone."""
        ack()
        if body["event"].get("user"):  # another app's mention has none
            self.answering.later(self._whisper_help, body)

    def _whisper_help(self, body: Body) -> None:
        event, flows = body["event"], self.asking.may_use(user_of(body))
        text = replies.help_for(flows)
        words = SectionBlock(text=MarkdownTextObject(text=text))
        buttons = chooser.start_buttons(flows) if flows else ()
        blocks = [block.to_dict() for block in (words, *buttons)]
        slack = self.answering.slack
        slack.whisper(event["channel"], user_of(body), text, blocks, thread_ts=event.get("thread_ts"))

    def home_opened(self, ack: Ack, body: Body) -> None:
        """Show the person's desk."""
        ack()
        self.answering.later(self.show_home, user_of(body))

    def refresh_home(self, body: Body) -> None:
        """Show the desk anew after something was pressed there."""
        view = body.get("view")
        if view is not None and view["type"] == "home":
            self.answering.later(self.show_home, user_of(body))

    def show_home(self, user: str) -> None:
        """Put the desk of *user* on the app's home tab."""
        self.answering.slack.publish_view(user, home.home(self.asking.desk(user), self.policies()).to_dict())
