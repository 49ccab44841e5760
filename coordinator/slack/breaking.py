"""The doors to break-glass: a word after a command, and buttons that only those see whom policy lets.

None of them does anything yet: each leads to the form, and only the form's submission breaks the glass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator.asking import Asking
from coordinator.slack import forms, replies
from coordinator.slack.answering import Ack, Answering, Body, user_of
from coordinator.slack.opening import Opening
from sallyport.flows import INCIDENT, Flow
from sallyport.policies import Policies
from sallyport.problems import Problems


@dataclass(frozen=True, slots=True)
class Breaking:
    """The listeners of break-glass."""

    answering: Answering
    policies: Callable[[], Policies]
    asking: Asking
    opening: Opening

    def typed(self, ack: Ack, body: Body, flow: Flow, incident: str) -> None:
        """Open the form after a command, for whom policy lets; *incident* is what was typed behind the word."""
        if flow in self.asking.may_break_glass(user_of(body)):
            ack()
            self.opening.open_emergency(flow, body, {**flow.defaults, INCIDENT: incident})
        else:
            ack(replies.no_break_glass(flow))

    def starts(self, ack: Ack, body: Body) -> None:
        """Open the form that a button names."""
        ack()
        flow = self.policies().flows.get(body["actions"][0]["value"])
        if flow is not None and flow in self.asking.may_break_glass(user_of(body)):
            self.opening.open_emergency(flow, body, flow.defaults)
        else:
            self.answering.answer(body, replies.no_break_glass(flow))

    def submitted(self, ack: Ack, body: Body) -> None:
        """Go ahead, or show what is wrong at each field and keep the form."""
        view = body["view"]
        flow = self.policies().flows[forms.memo_of(view).flow]
        answers = forms.read_answers(view)
        incident = " ".join(answers.pop(INCIDENT, "").split())
        try:
            self.asking.ask(flow, user_of(body), answers, forms.key_of(view), incident=incident)
            ack()
        except Problems as error:
            ack(response_action="errors", errors=forms.errors_for(view, error.problems))
