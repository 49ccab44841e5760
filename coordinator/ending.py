"""Ending what somebody asked for before its time, by its requester or by whom policy lets besides.

Nobody needs anybody's approval to have less. It never ends what has not been seen to be live or not begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from coordinator.deciding import NotYours
from coordinator.directory import Directory
from coordinator.journal import Journal, UnknownRequest
from coordinator.lifecycle import Happening, Move, announced_anew
from coordinator.requests import Kept, Request, State
from coordinator.wording import mention, state_words
from sallyport.audit import Deed
from sallyport.decisions import requester_problem
from sallyport.flows import ENVIRONMENT, Rule
from sallyport.people import Person
from sallyport.policies import Policies


@dataclass(frozen=True, slots=True)
class Ending:
    """Takes the word of who may end it, under the policies of the moment."""

    journal: Journal
    policies: Callable[[], Policies]
    directory: Directory
    now: Callable[[], datetime]

    def may_end(self, request: Request, slack_id: str) -> bool:
        """Tell whether policy lets this person end *request* once it is live."""
        return self._who_may(request, slack_id) is not None

    def end(self, request_id: str, slack_id: str) -> Request:
        """End what is live; NotYours if it is not live, or this person may not."""
        request = self.find(request_id)
        person = self._who_may(request, slack_id)
        if person is None:
            raise NotYours(f"Policy does not let you end {request_id}, asked for by {mention(request)}.")
        move = Move(Happening(Deed.RETURNED, self.now(), person), State.ENDING, kept=_kept(request, person))
        after = self.journal.move(request_id, move)
        if after.state not in {State.ENDING, State.ENDED}:
            raise NotYours(f"{request_id} is not live. It stands at: {state_words(after)}.")
        return after

    def may_spare(self, request: Request, slack_id: str) -> bool:
        """Tell whether this person may keep *request* from beginning, or else end it."""
        announced = request.state is State.ANNOUNCED and self._who_may_ask(request, slack_id) is not None
        return announced or self.may_end(request, slack_id)

    def spare(self, request_id: str, slack_id: str) -> Request:
        """Keep from beginning what was announced, or end it early if it is live; NotYours says why not.

        Whoever may ask for it may keep it from beginning. Nobody is asked what was not done. For what a schedule
        asked for it is the same while it is live, and it stays up until the schedule wants it up anyway.
        """
        request = self.find(request_id)
        if request.state is not State.ANNOUNCED:
            return self.end(request_id, slack_id)
        by = self._who_may_ask(request, slack_id)
        if by is None:
            raise NotYours(f"Policy does not let you ask for {request_id}, nor keep it from beginning.")
        now = self.now()
        person = self.policies().people.by_email(by)
        closing = f"{person.label if person else by} kept it from beginning."
        happening, arm = Happening(Deed.CANCELLED, now, by), (announced_anew(now),)
        move = Move(happening, State.CANCELLED, closing, arm=arm, kept=_kept(request, by))
        after = self.journal.move(request_id, move)
        if after.state is not State.CANCELLED:
            raise NotYours(f"{request_id} has begun. It can be ended once it is live.")
        return after

    def find(self, request_id: str) -> Request:
        """Return the request; NotYours if there is none that is known here."""
        try:
            return self.journal.request(request_id)
        except UnknownRequest as error:
            raise NotYours(str(error)) from None

    def may_ask(self, flow_id: str, environment: str, slack_id: str) -> str | None:
        """Return the e-mail address of who may ask for *flow_id* there; None if this person may not."""
        return self._may_ask(flow_id, {ENVIRONMENT: environment}, slack_id)

    def _who_may_ask(self, request: Request, slack_id: str) -> str | None:
        """Return the e-mail address of who may ask for the same; None if this person may not."""
        if slack_id == request.requester_slack:
            return request.requester
        return self._may_ask(request.flow, request.answers, slack_id)

    def _may_ask(self, flow_id: str, answers: Mapping[str, str], slack_id: str) -> str | None:
        policies = self.policies()
        flow = policies.flows.get(flow_id)
        rule = policies.rule_for(flow, answers) if flow else None
        person = self.directory.person(slack_id, bound=rule is None or rule.bound_identity)
        if flow is None or person is None or requester_problem(policies, flow, rule, person.email):
            return None
        return person.email.casefold()

    def _who_may(self, request: Request, slack_id: str) -> str | None:
        """Return the e-mail address of who may end it; None if this person may not."""
        policies = self.policies()
        flow = policies.flows.get(request.flow)
        rule = policies.rule_for(flow, request.answers) if flow else None
        if rule is not None and not rule.early_return:
            return None
        if slack_id == request.requester_slack:
            return request.requester
        if request.is_scheduled and (by := self._who_may_ask(request, slack_id)):
            return by  # nobody in particular wants it to last
        person = self.directory.person(slack_id, bound=rule is None or rule.bound_identity)
        if rule is None or person is None:
            return None
        return person.email.casefold() if self._is_named(person, rule, request, policies) else None

    def _is_named(self, person: Person, rule: Rule, request: Request, policies: Policies) -> bool:
        owners = frozenset().union(*(change.owners(policies.catalogue) for change in request.changes))
        by_ownership = rule.may_end.owners and any(policies.people.is_same(person.email, one) for one in owners)
        return by_ownership or policies.people.in_groups(person.email, rule.may_end.groups)


def _kept(request: Request, by: str) -> Kept | None:
    """Return until when it is kept up: a schedule asks for a period of sleep once, however that ended."""
    return Kept(request.expires_at, by) if request.is_scheduled and request.expires_at else None
