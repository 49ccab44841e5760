"""The listeners of the requester's own buttons. Whoever else presses one is told whose it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator.deciding import NotYours
from coordinator.extending import Extending
from coordinator.journal import Journal
from coordinator.nudging import Nudging
from coordinator.ownership import own
from coordinator.requests import Request
from coordinator.slack import forms, replies
from coordinator.slack.answering import Ack, Answering, Body, user_of
from coordinator.slack.doors import Doors
from coordinator.slack.extension_form import extended_by, extension_form
from coordinator.slack.opening import Opening
from coordinator.withdrawing import Withdrawing
from sallyport.flows import DURATION, REASON
from sallyport.platforms.slack_text import plain
from sallyport.policies import Policies
from sallyport.problems import Problems


@dataclass(frozen=True, slots=True)
class OwnPresses:
    """What requesters do with what they have asked for."""

    answering: Answering
    policies: Callable[[], Policies]
    journal: Journal
    withdrawing: Withdrawing
    extending: Extending
    nudging: Nudging
    opening: Opening
    doors: Doors

    def cancels(self, ack: Ack, body: Body) -> None:
        """Cancel the person's own request."""
        self._withdraw(ack, body, self.withdrawing.cancel)

    def gives_back(self, ack: Ack, body: Body) -> None:
        """End the person's own live entry before its time."""
        self._withdraw(ack, body, self.withdrawing.give_back)

    def _withdraw(self, ack: Ack, body: Body, withdraw: Callable[[str, str], Request]) -> None:
        try:
            withdraw(_request_of(body), user_of(body))
            ack()
            self.doors.refresh_home(body)
        except NotYours as error:
            ack()
            self.answering.answer(body, str(error))

    def nudges(self, ack: Ack, body: Body) -> None:
        """Remind those whose turn it is."""
        try:
            request = self.nudging.nudge(_request_of(body), user_of(body))
            ack()
            self.answering.answer(body, replies.nudged(request))
        except NotYours as error:
            ack()
            self.answering.answer(body, str(error))

    def asks_again(self, ack: Ack, body: Body) -> None:
        """Open the form with the answers as they were given."""
        ack()
        try:
            request = own(self.journal, _request_of(body), user_of(body))
        except NotYours as error:
            self.answering.answer(body, str(error))
            return
        flow = self.policies().flows.get(request.flow)
        if flow is None:
            self.answering.answer(body, replies.FLOW_GONE)
        else:
            self.opening.open(flow, body, request.form)

    def wants_to_extend(self, ack: Ack, body: Body) -> None:
        """Open the form for an extension; nothing is asked before it is sent."""
        try:
            first, lengths = self.extending.offer(_request_of(body), user_of(body))
            ack()
            form = extension_form(first, lengths, self.policies()).to_dict()
            self.answering.later(self.answering.slack.open_view, body["trigger_id"], form)
        except NotYours as error:
            ack()
            self.answering.answer(body, str(error))

    def extends(self, ack: Ack, body: Body) -> None:
        """Record the extension as a request of its own, or show what is wrong and keep the form."""
        view, answers = body["view"], forms.read_answers(body["view"])
        asked = (extended_by(view), user_of(body), answers[DURATION], answers[REASON], forms.key_of(view))
        try:
            self.extending.ask(*asked)
            ack()
        except NotYours as error:
            ack(response_action="errors", errors={DURATION: plain(str(error))})
        except Problems as error:
            ack(response_action="errors", errors=forms.errors_for(view, error.problems))


def _request_of(body: Body) -> str:
    """Return the id of the request that a button is for."""
    return str(body["actions"][0]["value"]).partition(":")[0]
