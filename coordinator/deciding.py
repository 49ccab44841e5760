"""An approver's yes or no: who may say it is looked up at the click, and the journal takes only the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from coordinator.directory import Directory
from coordinator.journal import AlreadyDecided, Journal, UnknownRequest
from coordinator.lifecycle import Happening, Move
from coordinator.requests import Answer, Decision, Request, State
from coordinator.wording import STATE_WORDS
from sallyport.audit import Deed
from sallyport.decisions import deciders, eligible_approvers, standing
from sallyport.flows import Rule
from sallyport.people import Person, same_person
from sallyport.policies import Policies


class NotYours(Exception):
    """This person cannot take this decision; the sentence says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """Takes decisions under the policies of the moment."""

    journal: Journal
    policies: Callable[[], Policies]
    directory: Directory
    now: Callable[[], datetime]

    def check(self, request_id: str, digest: str, slack_id: str) -> Request:
        """Return the request if this person may decide it now; NotYours says why not."""
        return self._allowed(request_id, digest, slack_id)[0]

    def approve(self, request_id: str, digest: str, slack_id: str) -> Request:
        """Record a yes for exactly what *digest* names; NotYours if it does not count."""
        request, person, rule, may_decide = self._allowed(request_id, digest, slack_id)
        decision = Decision(person.email.casefold(), Answer.APPROVE, self.now())

        def settle(after: Request) -> Move | None:
            reached = standing(rule, may_decide, (d.by for d in after.approvals))
            details = {"through": "slack", "digest": request.digest}
            happening = Happening(Deed.APPROVED, decision.at, decision.by, details)
            expires_at = decision.at.replace(microsecond=0) + after.lifetime if after.lifetime else None
            return Move(happening, State.APPROVED if reached.approved else None, expires_at=expires_at)

        return self._record(request_id, decision, settle)

    def deny(self, request_id: str, digest: str, slack_id: str, reason: str) -> Request:
        """Record a no with its reason; the first one ends the request."""
        _, person, _, _ = self._allowed(request_id, digest, slack_id)
        decision = Decision(person.email.casefold(), Answer.DENY, self.now(), reason=reason)
        details = {"through": "slack", "reason": reason}
        happening = Happening(Deed.DENIED, decision.at, decision.by, details)
        move = Move(happening, State.DENIED, closing=f"Denied by {person.email}: {reason}")
        return self._record(request_id, decision, lambda _: move)

    def _record(self, request_id: str, decision: Decision, settle: Callable[[Request], Move | None]) -> Request:
        try:
            return self.journal.decide(request_id, decision, settle)
        except AlreadyDecided as error:
            raise NotYours(too_late(error.request)) from None

    def _allowed(
        self, request_id: str, digest: str, slack_id: str
    ) -> tuple[Request, Person, Rule, frozenset[str]]:
        try:
            request = self.journal.request(request_id)
        except UnknownRequest:
            raise NotYours(f"There is no request {request_id}.") from None
        if request.state is not State.PENDING or self.now() >= request.decide_by:
            raise NotYours(too_late(request))
        if digest != request.digest:
            raise NotYours(f"{request.id} is not what this card shows; open the newest card and decide there.")
        policies = self.policies()
        flow = policies.flows.get(request.flow)
        rule = flow.rule_for(request.answers) if flow else None
        person = self.directory.person(slack_id, bound=rule is None or rule.bound_identity)
        if rule is None or person is None:
            raise NotYours("Policies do not know you here, so your decision cannot count. Ask the operators.")
        if same_person(person.email, request.requester) and not rule.self_approval:
            raise NotYours("Nobody decides their own request. Somebody else has been asked.")
        owners = frozenset().union(*(change.owners(policies.catalogue) for change in request.changes))
        eligible = eligible_approvers(policies, rule, owners, request.requester)
        may_decide = deciders(rule, eligible, request.asked)
        if person.email.casefold() not in may_decide:
            raise NotYours(f"Only {_those(policies, may_decide)} can decide {request.id}.")
        return request, person, rule, may_decide


def too_late(request: Request) -> str:
    """Say to a late click who was faster, or what became of the request."""
    if request.decisions:
        last = request.decisions[-1]
        verb = "approved" if last.answer is Answer.APPROVE else "denied"
        return f"{request.id} was {verb} by {last.by} already. It stands at: {STATE_WORDS[request.state]}."
    if request.state is State.PENDING:
        return f"The time to decide {request.id} is over."
    return f"{request.id} is decided already. It stands at: {STATE_WORDS[request.state]}."


def _those(policies: Policies, emails: frozenset[str]) -> str:
    people = (policies.people.by_email(email) for email in sorted(emails))
    return " or ".join(person.label for person in people if person) or "somebody else"
