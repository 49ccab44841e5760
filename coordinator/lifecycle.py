"""The life of a request: which state may follow which, and what has to be done outside for each.

Pure: from a request and what happened to it follow the facts to record and the effects to arm. An effect is
named within its request (`card:U024BE7LH`), so that arming it twice is arming it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from coordinator.requests import Ask, Request, Route, State
from sallyport.audit import Deed
from sallyport.decisions import is_emergency
from sallyport.documents import JSON
from sallyport.times import format_moment

FOLLOWS: Mapping[State, frozenset[State]] = {
    State.PENDING: frozenset({State.ANNOUNCED, State.APPROVED, State.DENIED, State.TIMED_OUT, State.CANCELLED}),
    State.ANNOUNCED: frozenset({State.APPROVED, State.CANCELLED}),
    State.APPROVED: frozenset({State.APPLYING, State.ACTIVE, State.FAILED}),
    State.APPLYING: frozenset({State.ACTIVE, State.FAILED}),
    State.ACTIVE: frozenset({State.ENDING, State.ENDED}),
    State.ENDING: frozenset({State.ENDED}),
}


NUDGE, NUDGED, REMIND = "nudge", "nudged", "remind"  # effects; an automatic nudge has its number behind it
LONGEST_LEAD = timedelta(hours=1)  # between the reminder of an end and the end
SHORTEST_REMINDED = timedelta(minutes=5)

TOLD_BY_JOBS = frozenset({Deed.APPLIED, Deed.REVERTED, Deed.NOT_REVERTED, Deed.REFUSED, Deed.FAILED})


class Lane(StrEnum):
    """Who does an effect: each lane has its own workers, so that a slow platform holds up only itself."""

    JIRA = "jira"
    SLACK = "slack"
    COMMIT = "commit"
    DISPATCH = "dispatch"
    RUNS = "runs"
    EXPIRY = "expiry"
    CLOCK = "clock"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Armed:
    """An effect to do once `due` has come and the effect named `after` is done.

    Arming a name again makes it due again: that is how a card, whose content follows from the request, is
    brought up to date. Effects that must happen once are armed once, by the transition that causes them.
    """

    name: str
    kind: str
    lane: Lane
    due: datetime
    after: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happening:
    """A fact to record, and the words of it that go to the ticket."""

    deed: Deed
    at: datetime
    by: str
    details: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """Something happened to a request: a fact, and the state it leads to (None keeps the state).

    A move to a state that cannot follow the present one is dropped: the fact was recorded by who was faster.
    """

    happening: Happening
    to: State | None = None
    closing: str = ""  # how it ended or failed, a whole sentence
    expires_at: datetime | None = None
    arm: tuple[Armed, ...] = ()
    route: Route | None = None  # whose turn it is now, where that has changed


def on_submit(ask: Ask) -> list[Armed]:
    """Open the ticket, the thread and the cards, and wait for a decision no longer than policy says."""
    now = ask.submitted_at
    waits = [] if ask.grant else [Armed("timeout", "timeout", Lane.CLOCK, ask.decide_by), *_nudges(ask)]
    loud = _emergency(now) if is_emergency(ask.grant) else []
    surfaces = _surfaces(ask.route.notify, now)
    return [Armed("ticket", "ticket", Lane.JIRA, now), *surfaces, *waits, *loud, _export(now)]


def _emergency(now: datetime) -> list[Armed]:
    """Tell the alert channel at once, and ask for a review."""
    return [Armed("alarm", "alarm", Lane.SLACK, now), Armed("review", "review", Lane.JIRA, now, after="ticket")]


def _nudges(ask: Ask) -> list[Armed]:
    return [Armed(f"{NUDGE}:{n}", NUDGE, Lane.CLOCK, due) for n, due in enumerate(ask.nudges, 1)]


def granted(ask: Ask) -> Move | None:
    """Return the approval that nobody needs to give; None where people are asked."""
    if ask.grant is None:
        return None
    approved = Happening(Deed.APPROVED, ask.submitted_at, "policy", {"through": ask.grant.through})
    if is_emergency(ask.grant):
        details: dict[str, JSON] = {"through": ask.grant.through, "incident": ask.grant.incident}
        approved = Happening(Deed.BREAK_GLASS, ask.submitted_at, ask.requester, details)
    return approval(approved, end_of_life(ask.submitted_at, ask.lifetime), ask.notice)


def approval(approved: Happening, expires_at: datetime | None, notice: timedelta) -> Move:
    """Return the move of the last yes that is needed; where *notice* is given first, it begins after that."""
    if not notice:
        return Move(approved, State.APPROVED, expires_at=expires_at)
    begins = approved.at.replace(microsecond=0) + notice
    payload = {"begins": format_moment(begins)}
    arm = (
        Armed("announce", "announce", Lane.SLACK, approved.at, payload=payload),
        Armed("begin", "begin", Lane.CLOCK, begins, payload=payload),
    )
    return Move(approved, State.ANNOUNCED, expires_at=expires_at, arm=arm)


def announced_anew(now: datetime) -> Armed:
    """Bring the announcement up to date; what it says of the beginning stays as it was armed first."""
    return Armed("announce", "announce", Lane.SLACK, now)


def end_of_life(approved_at: datetime, lifetime: timedelta | None) -> datetime | None:
    """Return when what is approved now ends, to the second as entries record it; None if never."""
    return approved_at.replace(microsecond=0) + lifetime if lifetime is not None else None


def on_fact(number: int, deed: Deed, now: datetime) -> list[Armed]:
    """Write the fact into the ticket, after the one before it, and export it; the first is the ticket itself.

    What a job reports it tells in the thread and the ticket by itself; arming both makes sure of it.
    """
    if number == 1:
        return []
    after = "ticket" if number == 2 else f"comment:{number - 1}"
    payload = {"fact": number, "deed": deed.value}
    reply = Armed(f"reply:{number}", "reply", Lane.SLACK, now, after="thread", payload=payload)
    return [
        *([reply] if deed in TOLD_BY_JOBS else []),
        Armed(f"comment:{number}", "comment", Lane.JIRA, now, after=after, payload=payload),
        _export(now),
    ]


def on_state(request: Request, now: datetime) -> list[Armed]:
    """Bring every surface up to date with the state just reached, and do what the state asks for."""
    work = _WORK.get(request.state)
    told = [*_reminded(request, now), *([announced_anew(now)] if request.result("announce") else [])]
    return [*_surfaces(request.notify, now), *told, *(work(request, now) if work else [])]


def on_extension(first: Request, now: datetime) -> list[Armed]:
    """Show at the request that is to go on how its extension stands."""
    return [Armed("thread", "thread", Lane.SLACK, now), *_reminded(first, now)]


def _reminded(request: Request, now: datetime) -> list[Armed]:
    """Bring the reminder of a near end up to date, where there is one."""
    return [Armed(REMIND, REMIND, Lane.SLACK, now)] if request.result(REMIND) else []


def reminder_due(approved_at: datetime, expires_at: datetime) -> datetime | None:
    """Return when the requester is reminded of the end: a quarter of the life before it, an hour at most.

    None for a life so short that the reminder would follow the approval at once.
    """
    life = expires_at - approved_at
    return expires_at - min(life / 4, LONGEST_LEAD) if life > SHORTEST_REMINDED else None


def on_route(request: Request, now: datetime) -> list[Armed]:
    """Ask those whose turn it is, and show the others how it stands."""
    return _surfaces(request.notify, now)


def on_ticket(request: Request, now: datetime) -> list[Armed]:
    """Show the ticket that has just been opened on what was posted before it."""
    return [armed for armed in _surfaces(request.notify, now) if armed.lane is Lane.SLACK]


def on_withdrawal(now: datetime) -> list[Armed]:
    """End an entry at once: its deadline becomes the present, and the sweep takes back whatever is there."""
    return [Armed("withdraw", "withdraw", Lane.COMMIT, now, after="commit"), *_expiry(now, after="withdraw")]


def _export(now: datetime) -> Armed:
    """Write what is new in the audit trail to its sink."""
    return Armed("audit", "audit", Lane.AUDIT, now)


def _surfaces(notify: Iterable[str], now: datetime) -> list[Armed]:
    return [
        Armed("thread", "thread", Lane.SLACK, now),
        *(Armed(f"card:{user}", "card", Lane.SLACK, now, payload={"user": user}) for user in notify),
        Armed("move", "move", Lane.JIRA, now, after="ticket"),
    ]


def _approved(request: Request, now: datetime) -> list[Armed]:
    """Apply it, and arm the expiry with it: there is no path on which only the first of the two is known."""
    apply = [
        Armed("commit", "commit", Lane.COMMIT, now),
        Armed("dispatch", "dispatch", Lane.DISPATCH, now, after="commit"),
        Armed("watch", "watch", Lane.RUNS, now, after="dispatch"),
    ]
    if request.expires_at is None:
        return apply
    due = reminder_due(now, request.expires_at)
    reminder = [Armed("reminder", "reminder", Lane.CLOCK, due)] if due else []
    return [*apply, *reminder, *_expiry(request.expires_at, after="commit")]


def _expiry(due: datetime, after: str) -> list[Armed]:
    return [
        Armed("expire", "expire", Lane.EXPIRY, due, after=after),
        Armed("watch-expiry", "watch-expiry", Lane.RUNS, due, after="expire"),
    ]


def _told(request: Request, now: datetime) -> list[Armed]:
    event = request.state.value
    return [Armed(f"tell:{event}", "tell", Lane.SLACK, now, payload={"event": event})]


def _failed(request: Request, now: datetime) -> list[Armed]:
    return [*_told(request, now), *on_withdrawal(now)]


_WORK = {
    State.APPROVED: _approved,
    State.ACTIVE: _told,
    State.FAILED: _failed,
    State.ENDING: lambda _, now: on_withdrawal(now),
    State.ENDED: _told,
    State.DENIED: _told,
    State.TIMED_OUT: _told,
}
