"""A request as the journal knows it: what was asked, what was decided, and what has been done outside so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sallyport.changes import Change
from sallyport.documents import JSON
from sallyport.entries import Grant, changes_digest, is_scheduled
from sallyport.flows import ENVIRONMENT, PERMANENT
from sallyport.times import format_duration, format_moment, parse_moment


class State(StrEnum):
    """Where a request stands. The last five are ends."""

    PENDING = "pending"
    CONFIRMING = "confirming"  # approved in Slack, and waits for its confirmation in GitHub
    ANNOUNCED = "announced"  # approved, and begins when those who work there have had their notice
    APPROVED = "approved"
    APPLYING = "applying"
    ACTIVE = "active"
    ENDING = "ending"  # given back before its time, and not yet seen to be gone
    ENDED = "ended"
    DENIED = "denied"
    TIMED_OUT = "timed-out"
    CANCELLED = "cancelled"
    FAILED = "failed"


STATES = frozenset(state.value for state in State)
WAITING = frozenset({State.PENDING, State.CONFIRMING, State.ANNOUNCED, State.APPROVED, State.APPLYING})
LIVE = frozenset({State.ACTIVE, State.ENDING})
OVER = frozenset(State) - WAITING - LIVE
WAITED_FOR = frozenset({State.PENDING, State.CONFIRMING})  # somebody has to say yes or no
STANDING = frozenset(State) - OVER - WAITED_FOR  # approved and not over


class Answer(StrEnum):
    """What a person decided."""

    APPROVE = "approve"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's decision on one request."""

    by: str
    answer: Answer
    at: datetime
    through: str = "slack"
    reason: str = ""
    speaks_for: tuple[str, ...] = ()  # groups kept in Slack that the person was in at that moment
    shortened_to: timedelta | None = None  # how long the approver gave it, where that is less than was asked


@dataclass(frozen=True, slots=True)
class Route:
    """Whose decision a request waits for now, and where they are asked; Slack ids."""

    deciders: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()  # people and channels that get a card


def is_channel(place: str) -> bool:
    """Tell whether a Slack id that gets a card is a channel's, and not a person's."""
    return place.startswith(("C", "G"))


@dataclass(frozen=True, slots=True)
class Extension:
    """The newest request that is to put off another's end, as far as the other must know of it."""

    id: str
    state: State | None  # None: one that only a newer version knows
    expires_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it may still become live."""
        return self.state in WAITING


@dataclass(frozen=True, slots=True)
class Kept:
    """Somebody's word that an environment stays up: nothing that a schedule asks for begins before `until`."""

    until: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Since when an approved request waits for AWS, which gave its job no answer, and until when it is tried."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person or a schedule asks for, checked against policy, before it has a place in the journal."""

    key: str  # of the submission: a second delivery of the same one makes no second request
    flow: str
    prefix: str
    environment: str
    requester: str
    requester_slack: str  # empty where a schedule asks, and nobody is told directly
    reason: str
    changes: tuple[Change, ...]
    asked: str  # the approver whom the requester chose, where the rule has him choose
    route: Route
    lifetime: timedelta | None  # None is permanent
    channel: str  # where the thread is opened; empty means a direct message to the requester
    submitted_at: datetime
    decide_by: datetime
    form: Mapping[str, str]  # the answers as they were given
    grant: Grant | None = None  # what stands in for approvals, where nobody needs to be asked
    extends: str = ""  # the request whose end this one is to put off
    nudges: tuple[datetime, ...] = ()  # when those who are asked are reminded by themselves
    notice: timedelta = timedelta()  # how long those who work there are warned before it begins
    grain: timedelta = timedelta()  # to which its end is rounded up, where nobody needs to be asked

    def facts(self) -> dict[str, JSON]:
        """Return what the audit trail says of it: all that was asked for, and what exactly the digest names."""
        return {
            "flow": self.flow,
            "environment": self.environment,
            "reason": self.reason,
            "changes": [change.to_mapping() for change in self.changes],
            "digest": changes_digest(self.flow, self.environment, self.changes),
            "duration": format_duration(self.lifetime) if self.lifetime is not None else PERMANENT,
            "asked": self.asked,
            "decide_by": format_moment(self.decide_by),
        }


@dataclass(frozen=True, slots=True)
class Request:
    """One request with its decisions and the results of the effects done so far, by effect name."""

    id: str
    flow: str
    environment: str
    state: State
    revision: int
    requester: str
    requester_slack: str
    reason: str
    changes: tuple[Change, ...]
    asked: str
    notify: tuple[str, ...]  # Slack ids of the people and channels that were ever asked
    deciders: tuple[str, ...]  # Slack ids of those for whose decision it waits now
    lifetime: timedelta | None
    channel: str
    submitted_at: datetime
    decide_by: datetime
    expires_at: datetime | None
    closing: str  # how it ended or failed, a whole sentence
    form: Mapping[str, str] = field(default_factory=dict)
    grant: Grant | None = None
    extends: str = ""
    extension: Extension | None = None
    decisions: tuple[Decision, ...] = ()
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    armed: frozenset[str] = field(default=frozenset(), compare=False)  # the names of its effects, done or not
    begins_at: datetime | None = None  # where it was announced first
    kept: Kept | None = None  # where somebody kept it from beginning, or ended it, for a while

    @property
    def is_scheduled(self) -> bool:
        """Whether a schedule asks for it, and no person."""
        return is_scheduled(self.grant)

    @property
    def digest(self) -> str:
        """Name exactly what was asked: the card shows it, and the approval is for it."""
        return changes_digest(self.flow, self.environment, self.changes)

    @property
    def approvals(self) -> tuple[Decision, ...]:
        return tuple(d for d in self.decisions if d.answer is Answer.APPROVE)

    def with_decision(self, decision: Decision) -> Request:
        """Return the request with one decision more, where it stands among the others in time."""
        decisions = sorted((*self.decisions, decision), key=lambda one: (one.at, one.by))
        return replace(self, decisions=tuple(decisions))

    @property
    def denial(self) -> Decision | None:
        return next((d for d in self.decisions if d.answer is Answer.DENY), None)

    @property
    def awaited(self) -> tuple[str, ...]:
        """Slack ids of those it waits for: who decide it in Slack, or who can confirm it in GitHub."""
        return tuple(self.result("pull").get("slack", ())) if self.state is State.CONFIRMING else self.deciders

    @property
    def was_half_approved(self) -> bool:
        """Whether Slack had approved it and GitHub was asked to confirm that."""
        return "pull" in self.armed

    @property
    def granted(self) -> timedelta | None:
        """How long it lives from its approval (None: for ever): as was asked, or the least an approver gave."""
        given = (self.lifetime, *(decision.shortened_to for decision in self.approvals))
        return min((length for length in given if length is not None), default=None)

    @property
    def ticket(self) -> str | None:
        return self.result("ticket").get("key")

    @property
    def is_committed(self) -> bool:
        """Whether its entry came to the repository: what was too late for that never does."""
        return bool(self.result("commit"))

    @property
    def run_url(self) -> str | None:
        return self.result("dispatch").get("url")

    @property
    def unanswered(self) -> Unanswered | None:
        """How it waits for AWS; None where it does not."""
        heard = self.result("watch")
        if self.state is not State.APPLYING or "unanswered_since" not in heard:
            return None
        return Unanswered(parse_moment(heard["unanswered_since"]), parse_moment(heard["tried_until"]))

    @property
    def was_never_made(self) -> bool:
        """Whether it came to nothing, as far as is known: AWS gave its last job no answer, which made nothing."""
        came_to_nothing = self.state in {State.APPLYING, State.FAILED, State.CANCELLED}
        return came_to_nothing and "unanswered_since" in self.result("watch")

    @property
    def is_extended(self) -> bool:
        """Whether it goes on under another request, so that its own end takes nothing back."""
        return self.extension is not None and self.extension.state is State.ACTIVE

    @property
    def continued_by(self) -> str:
        """The request under which it went on when it ended; empty where it was taken back."""
        return str(self.result("watch-expiry").get("continued_by", ""))

    @property
    def answers(self) -> dict[str, str]:
        """Return what rules are chosen by."""
        facts = {ENVIRONMENT: self.environment}
        for change in self.changes:
            facts.update({k: v for k, v in change.to_mapping().items() if isinstance(v, str)})
        return facts

    def result(self, effect: str) -> Mapping[str, Any]:
        """Return what the effect brought, empty while it has not been done."""
        return self.results.get(effect, {})
