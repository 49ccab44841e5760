"""A form between opening and sending: what it offers while somebody types, what they typed, and its end.

What was typed is kept as it is typed, and offered again when the form is closed without being sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator.asking import Asking
from coordinator.journal import Draft
from coordinator.slack import choices, forms, inputs, replies
from coordinator.slack.answering import Ack, Answering, Body, user_of
from coordinator.slack.doors import Doors
from coordinator.slack.drafting import Drafting
from coordinator.slack.opening import Opening
from sallyport.flows import ENVIRONMENT
from sallyport.policies import Policies
from sallyport.problems import Problems


@dataclass(frozen=True, slots=True)
class Filling:
    """The listeners of an open form."""

    answering: Answering
    policies: Callable[[], Policies]
    asking: Asking
    opening: Opening
    drafting: Drafting
    doors: Doors

    def answered(self, ack: Ack, body: Body) -> None:
        """Keep what is filled in so far, and show what it offers where that is something else than before."""
        ack()
        view = body.get("view")
        if view is None:
            return
        memo, answers = forms.memo_of(view), forms.read_answers(view)
        if not memo.emergency:  # what was meant for an emergency is not offered again later
            self.drafting.keep(Draft(forms.key_of(view), user_of(body), memo.flow, answers, self.asking.now()))
        self.opening.follow(view, user_of(body))

    def suggests(self, ack: Ack, body: Body) -> None:
        """Offer what fits to what was typed into a field with a long list."""
        memo = forms.memo_of(body["view"])
        flow = self.policies().flows[memo.flow]
        field = flow.field(inputs.field_of(body["block_id"]))
        if field is None:
            ack(options=[])
            return
        answers = {**forms.read_answers(body["view"]), ENVIRONMENT: memo.environment}
        offer = self.asking.offer(flow, user_of(body), answers)
        offered = choices.choices(field, flow, self.policies(), offer)
        ack(**choices.matching(offered, body.get("value") or ""))

    def submitted(self, ack: Ack, body: Body) -> None:
        """Record the request, or show what is wrong at each field and keep the form."""
        view = body["view"]
        flow = self.policies().flows[forms.memo_of(view).flow]
        try:
            self.asking.ask(flow, user_of(body), forms.read_answers(view), forms.key_of(view))
            ack()
        except Problems as error:
            ack(response_action="errors", errors=forms.errors_for(view, error.problems))

    def closed(self, ack: Ack, body: Body) -> None:
        """Offer again what was filled in, where the person came from."""
        ack()
        self.answering.later(self._offer_again, body)

    def _offer_again(self, body: Body) -> None:
        form, memo = forms.key_of(body["view"]), forms.memo_of(body["view"])
        self.drafting.settle(form)
        draft = self.asking.draft_of(form)
        if draft is None:
            return
        if not memo.url:
            self.doors.show_home(user_of(body))
            return
        text = replies.kept(self.policies().flows[memo.flow], draft)
        self.answering.slack.respond(memo.url, text, [forms.going_on(draft, text).to_dict()])

    def goes_on(self, ack: Ack, body: Body) -> None:
        """Bring back what the person had filled in."""
        ack()
        draft = self.asking.draft_of(body["actions"][0]["value"])
        if draft is None or draft.slack_id != user_of(body) or draft.flow not in self.policies().flows:
            self.answering.answer(body, replies.DRAFT_GONE)
        else:
            self.opening.go_on(draft, body)
