"""An approver's yes or no: who may say it is looked up at the click, and the journal takes only the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.directory import Directory
from coordinator.journal import AlreadyDecided, Journal, UnknownRequest
from coordinator.lifecycle import Happening, Move, approval, end_of_life, half_approved
from coordinator.positions import Position, notice_of
from coordinator.reminding import automatic_in_github
from coordinator.requests import Answer, Decision, Request, State
from coordinator.routing import Routing
from coordinator.wording import state_words
from sallyport.audit import Deed
from sallyport.documents import JSON
from sallyport.flows import Rule
from sallyport.people import People, Person
from sallyport.platforms.slack_text import escape
from sallyport.times import format_duration, say_duration

NAMED = 5  # of those who can decide; the others are counted


class NotYours(Exception):
    """This person cannot take this decision; the sentence says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """Takes decisions under the policies of the moment."""

    journal: Journal
    routing: Routing
    directory: Directory
    now: Callable[[], datetime]

    def check(self, request_id: str, digest: str, slack_id: str) -> tuple[Request, Rule]:
        """Return the request and its rule if this person may decide it now; NotYours says why not."""
        request, _, position = self._allowed(request_id, digest, slack_id)
        return request, position.rule

    def approve(
        self, request_id: str, digest: str, slack_id: str, shortened_to: timedelta | None = None
    ) -> Request:
        """Record a yes for exactly what *digest* names; NotYours if it does not count.

        With *shortened_to*, it is for that time at most, where policy lets approvers say so. The last yes that is
        needed makes it approved, or sends it to the second place where policy wants it confirmed; one before it
        asks those whose turn is next.
        """
        request, person, position = self._allowed(request_id, digest, slack_id)
        if shortened_to is not None and not _may_shorten(request, position.rule, shortened_to):
            raise NotYours(f"Policy does not let you give {request_id} for {say_duration(shortened_to)}.")
        by = person.email.casefold()
        spoken = self.routing.policies().people.speaks_for(by)
        decision = Decision(by, Answer.APPROVE, self.now(), speaks_for=spoken, shortened_to=shortened_to)

        def settle(after: Request) -> Move:
            reached = position.after([approval.by for approval in after.approvals])
            happening = Happening(Deed.APPROVED, decision.at, by, _details(after, decision))
            if reached.standing.approved and position.rule.step_up:
                return self._half_approved(after, happening, position.rule)
            if reached.standing.approved:
                notice = notice_of(after, self.routing.policies())
                ends = end_of_life(decision.at, after.granted, position.rule.lifetime.grain)
                return approval(happening, ends, notice)
            return Move(happening, route=self.routing.route(reached, [one.by for one in after.decisions]))

        return self._record(request_id, decision, settle)

    def _half_approved(self, after: Request, happening: Happening, rule: Rule) -> Move:
        """Return the move that sends it to the second place, for as long again, with the nudges that are left."""
        flow, until = self.routing.policies().flows[after.flow], happening.at + rule.timeout
        return half_approved(happening, until, automatic_in_github(flow.nudges, after, happening.at, until))

    def deny(self, request_id: str, digest: str, slack_id: str, reason: str) -> Request:
        """Record a no with its reason; the first one ends the request."""
        _, person, _ = self._allowed(request_id, digest, slack_id)
        decision = Decision(person.email.casefold(), Answer.DENY, self.now(), reason=reason)
        details = {"through": "slack", "reason": reason}
        happening = Happening(Deed.DENIED, decision.at, decision.by, details)
        move = Move(happening, State.DENIED, closing=f"Denied by {person.email}: {reason}")
        return self._record(request_id, decision, lambda _: move)

    def _record(self, request_id: str, decision: Decision, settle: Callable[[Request], Move]) -> Request:
        try:
            return self.journal.decide(request_id, decision, settle)
        except AlreadyDecided as error:
            raise NotYours(self._said_before(error.request)) from None

    def _said_before(self, request: Request) -> str:
        """Say to whom somebody was faster, perhaps this person's own other click, how it stands."""
        is_open = request.state is State.PENDING
        return _twice(request) if is_open else too_late(request, self.routing.policies().people)

    def _allowed(self, request_id: str, digest: str, slack_id: str) -> tuple[Request, Person, Position]:
        try:
            request = self.journal.request(request_id)
        except UnknownRequest as error:
            raise NotYours(str(error)) from None
        if request.state is not State.PENDING or self.now() >= request.decide_by:
            raise NotYours(too_late(request, self.routing.policies().people))
        if digest != request.digest:
            raise NotYours(f"{request.id} is not what this card shows; open the newest card and decide there.")
        position = self.routing.position(request)
        person = self.directory.person(slack_id, bound=position is None or position.rule.bound_identity)
        if position is None or person is None:
            raise NotYours("Policies do not know you here, so your decision cannot count. Ask the operators.")
        people = self.routing.policies().people
        if people.is_same(person.email, request.requester) and not position.rule.self_approval:
            raise NotYours("Nobody decides their own request. Somebody else has been asked.")
        if any(decision.by == person.email.casefold() for decision in request.decisions):
            raise NotYours(_twice(request))
        turn = position.standing.panel
        if turn is None or person.email.casefold() not in turn.members:
            raise NotYours(_whose_turn(request, position, people, person.email.casefold()))
        return request, person, position


def _may_shorten(request: Request, rule: Rule, length: timedelta) -> bool:
    life, asked = rule.lifetime, request.lifetime
    longest = asked if asked is not None else life.maximum
    return life.approver_may_shorten and min(life.minimum, longest) <= length <= longest


def _details(request: Request, decision: Decision) -> dict[str, JSON]:
    shortened: dict[str, JSON] = {}
    if decision.shortened_to is not None:
        shortened = {"shortened_to": format_duration(decision.shortened_to)}
    return {"through": decision.through, "digest": request.digest, **shortened}


def _whose_turn(request: Request, position: Position, people: People, email: str) -> str:
    turn = position.standing.panel
    if turn is None:
        return f"{request.id} has all the approvals it needs."
    names = _those(people, turn.emails)
    if any(email in panel.members for panel in position.panels):
        return f"It is not your turn yet: first {names} must approve {request.id}."
    return f"Only {names} can decide {request.id}."


def too_late(request: Request, people: People) -> str:
    """Say to a late click who was faster, or what became of the request."""
    match request.state:
        case State.PENDING:
            return f"The time to decide {request.id} is over."
        case State.TIMED_OUT if request.was_half_approved:
            return f"{request.id} was approved in Slack and never confirmed in GitHub, so it is closed."
        case State.TIMED_OUT:
            return f"Nobody decided {request.id} in time, so it is closed."
        case State.CANCELLED:
            return f"{request.id} was cancelled, so there is nothing to decide any more."
    stands = f"It stands at: {state_words(request)}."
    if not request.decisions:
        return f"{request.id} is decided already. {stands}"
    last = request.decisions[-1]
    verb = "approved" if last.answer is Answer.APPROVE else "denied"
    return f"{request.id} was {verb} by {_those(people, frozenset({last.by}))} already. {stands}"


def _twice(request: Request) -> str:
    return f"You have decided {request.id} already; it still waits for others."


def _those(people: People, emails: frozenset[str]) -> str:
    """Name them, as mrkdwn; policy may let a whole department decide, so not all of many."""
    names = [escape(person.label) for email in sorted(emails) if (person := people.by_email(email))]
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return " or ".join([*names[:NAMED], *more]) or "somebody else"
