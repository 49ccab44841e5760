"""The buttons of a card: an approver's yes or no.

Who pressed is looked up at the press. Whoever may not, or is late, is told so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from coordinator.deciding import Deciding, NotYours
from coordinator.slack import approval_form, forms, replies
from coordinator.slack.answering import Ack, Answering, Body, user_of
from coordinator.slack.doors import Doors
from sallyport.flows import DURATION
from sallyport.platforms.slack_text import plain
from sallyport.policies import Policies


@dataclass(frozen=True, slots=True)
class Buttons:
    """The listeners of cards."""

    answering: Answering
    policies: Callable[[], Policies]
    deciding: Deciding
    doors: Doors

    def approved(self, ack: Ack, body: Body) -> None:
        """Record a yes."""
        request_id, digest = _named(body)
        try:
            self.deciding.approve(request_id, digest, user_of(body))
            ack()
            self.doors.refresh_home(body)
        except NotYours as error:
            ack()
            self.answering.answer(body, str(error))

    def wants_to_approve(self, ack: Ack, body: Body) -> None:
        """Ask for how long; nothing is decided before it is said."""
        request_id, digest = _named(body)
        try:
            request, rule = self.deciding.check(request_id, digest, user_of(body))
            ack()
            form = approval_form.approval_form(request, rule, self.policies()).to_dict()
            self.answering.later(self.answering.slack.open_view, body["trigger_id"], form)
        except NotYours as error:
            ack()
            self.answering.answer(body, str(error))

    def approved_for(self, ack: Ack, body: Body) -> None:
        """Record a yes with the time that the approver gave; whatever is in its way is said in the form."""
        view = body["view"]
        named = json.loads(view["private_metadata"])
        try:
            length = approval_form.shortened_to(view)
            self.deciding.approve(named["request"], named["digest"], user_of(body), length)
            ack()
        except (NotYours, ValueError) as error:
            ack(response_action="errors", errors={DURATION: plain(str(error))})

    def wants_to_deny(self, ack: Ack, body: Body) -> None:
        """Ask for the reason; nothing is decided before it is given."""
        request_id, digest = _named(body)
        try:
            request, _ = self.deciding.check(request_id, digest, user_of(body))
            ack()
            form = forms.denial_form(request, self.policies()).to_dict()
            self.answering.later(self.answering.slack.open_view, body["trigger_id"], form)
        except NotYours as error:
            ack()
            self.answering.answer(body, str(error))

    def denied(self, ack: Ack, body: Body) -> None:
        """Record a no with its reason."""
        view = body["view"]
        named = json.loads(view["private_metadata"])
        reason = forms.read_answers(view)[forms.REASON_BLOCK]
        if not reason:
            ack(response_action="errors", errors={forms.REASON_BLOCK: replies.REASON_NEEDED})
            return
        try:
            self.deciding.deny(named["request"], named["digest"], user_of(body), reason)
            ack()
        except NotYours as error:
            ack(response_action="errors", errors={forms.REASON_BLOCK: plain(str(error))})


def _named(body: Body) -> tuple[str, str]:
    """Return which request a button is for, and which digest its card showed."""
    request_id, _, digest = str(body["actions"][0]["value"]).partition(":")
    return request_id, digest
