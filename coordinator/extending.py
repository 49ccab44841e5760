"""Putting off the end of what is live: a new request for the same, which policy decides like any other.

Both have an entry while both live, and what any live entry asks for stays: nothing is ever prolonged in place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from coordinator.asking import Asking
from coordinator.deciding import NotYours
from coordinator.journal import Journal
from coordinator.lifecycle import end_of_life
from coordinator.ownership import own
from coordinator.positions import rule_of
from coordinator.requests import Request, State
from coordinator.slack.choices import Choice
from coordinator.wording import STATE_WORDS, state_words
from sallyport.decisions import chosen_lifetime, duration_choices
from sallyport.flows import DURATION, REASON, Rule
from sallyport.platforms.slack_text import date
from sallyport.problems import Problem, Problems
from sallyport.times import say_duration


@dataclass(frozen=True, slots=True)
class Extending:
    """Takes a requester's wish to keep what is live for longer."""

    journal: Journal
    asking: Asking
    now: Callable[[], datetime]

    def offer(self, request_id: str, slack_id: str) -> tuple[Request, tuple[Choice, ...]]:
        """Return what would be extended, and the durations that put its end off; NotYours if nothing does."""
        first, rule = self._extendable(request_id, slack_id)
        lengths = tuple(
            choice for choice in duration_choices(rule.lifetime) if self._puts_off(first, rule, choice[0])
        )
        if not lengths:
            longest = say_duration(rule.lifetime.maximum)
            raise NotYours(
                f"{first.id} lives until {_end(first)}, and policy allows {longest} at most from an approval, "
                "which would end earlier. Extend it later."
            )
        return first, lengths

    def ask(self, request_id: str, slack_id: str, duration: str, reason: str, key: str) -> Request:
        """Ask for the same with another *duration* and *reason*; it counts from its own approval.

        A form that is delivered twice returns what it made the first time. NotYours if it cannot be extended,
        Problems for what is wrong with the answers.
        """
        made = self.journal.by_submission(key)
        if made and (made.extends, made.requester_slack) == (request_id, slack_id):
            return made
        first, rule = self._extendable(request_id, slack_id)
        flow = self.asking.policies().flows[first.flow]
        if not self._puts_off(first, rule, duration):
            what = f"that would end before {first.id} does anyway"
            raise Problems([Problem(what, "choose a longer duration", field=DURATION)])
        answers = {**first.form, DURATION: duration, REASON: reason}
        return self.asking.ask(flow, slack_id, answers, key, extends=first.id)

    def _extendable(self, request_id: str, slack_id: str) -> tuple[Request, Rule]:
        request = own(self.journal, request_id, slack_id)
        rule = rule_of(request, self.asking.policies())
        if request.state is not State.ACTIVE:
            raise NotYours(f"{request_id} is not live. It stands at: {state_words(request)}.")
        if request.expires_at is None:
            raise NotYours(f"{request_id} has no end that could be put off.")
        if rule is None or not rule.extension:
            raise NotYours(f"Policy does not let {request_id} be extended; ask again when it has ended.")
        extension = request.extension
        if extension and extension.state and (extension.is_open or request.is_extended):
            stands = STATE_WORDS[extension.state]
            raise NotYours(f"{request_id} has an extension already: {extension.id}. It stands at: {stands}.")
        return request, rule

    def _puts_off(self, first: Request, rule: Rule, duration: str) -> bool:
        """Tell whether *duration* from now ends later; one that is none is told of as in every form."""
        try:
            length = chosen_lifetime(rule.lifetime, duration)
        except ValueError:
            return True
        ends = end_of_life(self.now(), length, rule.lifetime.grain)
        return ends is None or first.expires_at is None or ends > first.expires_at


def _end(request: Request) -> str:
    return date(request.expires_at) if request.expires_at else "ever"
