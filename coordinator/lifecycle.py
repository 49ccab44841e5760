"""The life of a request: what has to be done outside for each of its states.

Pure: from a request and what happened to it follow the facts to record and the effects to arm. An effect is
named within its request (`card:U024BE7LH`), so that arming it twice is arming it once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from coordinator.requests import WAITED_FOR, Ask, Kept, Request, Route, State
from sallyport.audit import Deed
from sallyport.decisions import is_emergency
from sallyport.documents import JSON
from sallyport.entries import Grant
from sallyport.times import format_moment, round_up

TELL = "tell:"  # how effects begin that tell the requester something directly
STRANDED = f"{TELL}stranded"  # nobody can decide it any more
UNANSWERED = f"{TELL}unanswered"  # it waits for AWS
NUDGE, NUDGED, REMIND = "nudge", "nudged", "remind"  # effects; an automatic nudge has its number behind it
RESTARTED = "restarted"  # effects that tell of a job which was started again begin with it
ANNOUNCE = "announce"  # an effect; that of what was put off has the moment behind it
LONGEST_LEAD = timedelta(hours=1)  # between the reminder of an end and the end
SHORTEST_REMINDED = timedelta(minutes=5)
NO_TIME = timedelta()

TOLD_BY_JOBS = frozenset({Deed.APPLIED, Deed.REVERTED, Deed.NOT_REVERTED, Deed.REFUSED, Deed.FAILED})
TOLD_IN_THREAD = TOLD_BY_JOBS | {Deed.UNANSWERED}


LAPSES: Mapping[str, frozenset[State]] = {  # kinds of effects that do nothing any more outside these states
    "timeout": WAITED_FOR,
    NUDGE: WAITED_FOR,
    "begin": frozenset({State.ANNOUNCED}),
    "reminder": frozenset({State.APPROVED, State.APPLYING, State.ACTIVE}),
    "aws": frozenset({State.APPLYING}),
    "give-up": frozenset({State.APPLYING}),
}


class Lane(StrEnum):
    """Who does an effect: each lane has its own workers, so that a slow platform holds up only itself.

    The journal may hold effects of lanes that only another version knows, beside an older replica or after an
    upgrade that was taken back. Nobody here claims them; who reports what waits must not fall over them.
    """

    JIRA = "jira"
    SLACK = "slack"
    COMMIT = "commit"
    DISPATCH = "dispatch"
    RUNS = "runs"
    EXPIRY = "expiry"
    AWS = "aws"
    CLOCK = "clock"
    AUDIT = "audit"


KNOWN = frozenset(lane.value for lane in Lane)
BATCHED = frozenset(
    {Lane.COMMIT, Lane.DISPATCH, Lane.EXPIRY, Lane.AWS}
)  # whose due effects one call does, in order
ALONE = frozenset({Lane.AWS})  # of which one effect, and no more, sees whether its silent platform is back
PLATFORMS: Mapping[Lane, str] = {  # whose answer a lane's effects need
    Lane.JIRA: "JIRA",
    Lane.SLACK: "Slack",
    Lane.COMMIT: "GitHub",
    Lane.DISPATCH: "GitHub",
    Lane.RUNS: "GitHub",
    Lane.EXPIRY: "GitHub",
    Lane.AWS: "AWS",
    Lane.AUDIT: "The audit sink",
}


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
    not_before: datetime | None = None  # it is due, and keeps its place, but is not tried before
    away_since: datetime | None = None  # since when its platform has given no answer


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
    decide_by: datetime | None = None  # until when somebody may answer now, where that has changed
    arm: tuple[Armed, ...] = ()
    route: Route | None = None  # whose turn it is now, where that has changed
    begins_at: datetime | None = None  # where it is announced first, or its beginning is put off
    kept: Kept | None = None  # who keeps up what it would have stopped


def on_submit(ask: Ask) -> list[Armed]:
    """Open the ticket, the thread and the cards, and wait for a decision no longer than policy says."""
    now = ask.submitted_at
    waits = [] if ask.grant else [Armed("timeout", "timeout", Lane.CLOCK, ask.decide_by), *_nudges(ask)]
    loud = _emergency(ask.grant, now)
    loud += [Armed("review", "review", Lane.JIRA, now, after="ticket")] if loud else []
    surfaces = _surfaces(ask.route.notify, now)
    return [Armed("ticket", "ticket", Lane.JIRA, now), *surfaces, *waits, *loud, _export(now)]


def _emergency(grant: Grant | None, now: datetime) -> list[Armed]:
    """Tell the alert channel of an emergency, and show there what becomes of it."""
    return [Armed("alarm", "alarm", Lane.SLACK, now)] if is_emergency(grant) else []


def _nudges(ask: Ask) -> list[Armed]:
    return [Armed(automatic_name(n), NUDGE, Lane.CLOCK, due) for n, due in enumerate(ask.nudges, 1)]


def automatic_name(number: int) -> str:
    """Name the effect of an automatic nudge, counted from 1."""
    return f"{NUDGE}:{number}"


def granted(ask: Ask) -> Move | None:
    """Return the approval that nobody needs to give; None where people are asked."""
    if ask.grant is None:
        return None
    approved = Happening(Deed.APPROVED, ask.submitted_at, "policy", {"through": ask.grant.through})
    if is_emergency(ask.grant):
        details: dict[str, JSON] = {"through": ask.grant.through, "incident": ask.grant.incident}
        approved = Happening(Deed.BREAK_GLASS, ask.submitted_at, ask.requester, details)
    return approval(approved, end_of_life(ask.submitted_at, ask.lifetime, ask.grain), ask.notice)


def approval(approved: Happening, expires_at: datetime | None, notice: timedelta) -> Move:
    """Return the move of the last yes that is needed; where *notice* is given first, it begins after that."""
    if not notice:
        return Move(approved, State.APPROVED, expires_at=expires_at)
    begins = approved.at.replace(microsecond=0) + notice
    arm = (announced_anew(approved.at), beginning(begins))
    return Move(approved, State.ANNOUNCED, expires_at=expires_at, begins_at=begins, arm=arm)


def beginning(begins: datetime) -> Armed:
    """Let it begin at *begins*, and no more at another moment that was armed before."""
    return Armed("begin", "begin", Lane.CLOCK, begins, payload={"begins": format_moment(begins)})


def half_approved(approved: Happening, decide_by: datetime, nudges: tuple[Armed, ...] = ()) -> Move:
    """Return the move of the last yes in Slack, where policy wants it confirmed in GitHub too by *decide_by*.

    The automatic *nudges* that are left remind those who can confirm it.
    """
    details: dict[str, JSON] = {"to_be_confirmed_by": format_moment(decide_by)}
    told = replace(approved, details={**approved.details, **details})
    return Move(told, State.CONFIRMING, decide_by=decide_by, arm=nudges)


def announced_anew(now: datetime) -> Armed:
    """Announce it, or bring the announcement up to date."""
    return Armed(ANNOUNCE, ANNOUNCE, Lane.SLACK, now)


def kept_up(
    stop: Request, kept: Kept, now: datetime, notice: timedelta = NO_TIME, shortest: timedelta = NO_TIME
) -> Move | None:
    """Return what becomes of *stop* when somebody keeps up what it is for; None if that does not concern it.

    What people have asked for is put off, if the *shortest* stop that policy allows is left of it, and announced
    anew with *notice*. A schedule asks again for what is left.
    """
    happening = Happening(Deed.KEPT_UP, now, kept.by, {"kept_until": format_moment(kept.until)})
    match stop.state:
        case State.ANNOUNCED if stop.begins_at and stop.begins_at >= kept.until:
            return None
        case State.ANNOUNCED if not stop.is_scheduled and _outlasts(stop, kept.until + shortest):
            arm = (announced_anew(now), *_announcements(stop, now), *_put_off(kept.until, now, notice))
            return Move(happening, begins_at=kept.until, kept=kept, arm=arm)
        case State.ANNOUNCED:
            cancelled = replace(happening, deed=Deed.CANCELLED)
            return Move(cancelled, State.CANCELLED, kept=kept, arm=(announced_anew(now),))
        case State.ACTIVE:
            return Move(replace(happening, deed=Deed.RETURNED), State.ENDING, kept=kept)
        case State.APPROVED | State.APPLYING | State.ENDING if stop.kept and stop.kept.until >= kept.until:
            return None  # a longer word, which was recorded only just now
        case State.APPROVED | State.APPLYING | State.ENDING if stop.is_scheduled:
            return Move(happening, kept=kept, arm=(announced_anew(now),))  # it is ended once it is live
        case _:
            return None


def _put_off(until: datetime, now: datetime, notice: timedelta) -> Iterator[Armed]:
    """Let begin at *until* what was to begin before; announce it again if that is not soon, and tell who asked."""
    name = f"{ANNOUNCE}:{format_moment(until)}"
    if now < until - notice:
        yield Armed(name, ANNOUNCE, Lane.SLACK, until - notice)
    yield _tells(f"{TELL}{name}", now)
    yield Armed("thread", "thread", Lane.SLACK, now)
    yield beginning(until)


def _outlasts(stop: Request, moment: datetime) -> bool:
    return stop.expires_at is None or moment <= stop.expires_at


def _announcements(request: Request, now: datetime) -> list[Armed]:
    """Bring every announcement up to date that there is or is under way: what is put off is announced twice."""
    there = (name for name in request.armed if name.partition(":")[0] == ANNOUNCE)
    return [Armed(name, ANNOUNCE, Lane.SLACK, now) for name in sorted(there)]


def end_of_life(approved_at: datetime, lifetime: timedelta | None, grain: timedelta = NO_TIME) -> datetime | None:
    """Return when what is approved now ends, as entries record it and rounded up to a *grain*; None if never."""
    return round_up(approved_at.replace(microsecond=0) + lifetime, grain) if lifetime is not None else None


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
        *([reply] if deed in TOLD_IN_THREAD else []),
        Armed(f"comment:{number}", "comment", Lane.JIRA, now, after=after, payload=payload),
        _export(now),
    ]


def on_state(request: Request, now: datetime) -> list[Armed]:
    """Bring every surface up to date with the state just reached, and do what the state asks for."""
    work = _WORK.get(request.state)
    shown = [*_emergency(request.grant, now), *_told_before(request.armed, now), *_announcements(request, now)]
    return [*_surfaces(request.notify, now), *shown, *(work(request, now) if work else [])]


def on_silence(request: Request, now: datetime, give_up: datetime) -> list[Armed]:
    """Show everywhere that an approved request waits for AWS, tell its requester, and do not wait for ever."""
    shown = [*_emergency(request.grant, now), *_told_before(request.armed, now), *_announcements(request, now)]
    told = [] if request.is_scheduled else [_tells(UNANSWERED, now)]
    return [*_surfaces(request.notify, now), *shown, *told, Armed("give-up", "give-up", Lane.CLOCK, give_up)]


def on_extension(armed: Collection[str], now: datetime) -> list[Armed]:
    """Show at the request that is to go on, of whose effects these are *armed*, how its extension stands."""
    return [Armed("thread", "thread", Lane.SLACK, now), *_told_before(armed, now)]


def _told_before(armed: Collection[str], now: datetime) -> list[Armed]:
    """Bring up to date what the requester was told directly: buttons of what is over are gone there too.

    Whatever is being told just now is told again, for it may have been put into words before.
    """
    told = [_tells(name, now) for name in sorted(armed) if name.startswith(TELL)]
    return [*told, *([Armed(REMIND, REMIND, Lane.SLACK, now)] if REMIND in armed else [])]


def reminder_due(approved_at: datetime, expires_at: datetime) -> datetime | None:
    """Return when the requester is reminded of the end: a quarter of the life before it, an hour at most.

    None for a life so short that the reminder would follow the approval at once.
    """
    life = expires_at - approved_at
    return expires_at - min(life / 4, LONGEST_LEAD) if life > SHORTEST_REMINDED else None


def on_route(request: Request, now: datetime) -> list[Armed]:
    """Ask those whose turn it is, and show the others how it stands.

    Where nobody can decide it any more, the requester is told directly: an edited thread calls nobody.
    """
    is_stranded = request.state is State.PENDING and not request.deciders
    told = is_stranded or STRANDED in request.armed
    return [*_surfaces(request.notify, now), *([_tells(STRANDED, now)] if told else [])]


def on_proposal(request: Request, now: datetime) -> list[Armed]:
    """Show, and tell the requester, where it is to be confirmed."""
    return [*on_ticket(request, now), *_told(request, now)]


def on_confirmers(request: Request, now: datetime, who: Sequence[str]) -> list[Armed]:
    """Show that others can confirm it than before; where nobody can, the requester is told directly."""
    told = not (who or request.is_scheduled) or STRANDED in request.armed
    return [*on_proposal(request, now), *([_tells(STRANDED, now)] if told else [])]


def on_answer(now: datetime) -> list[Armed]:
    """Close what was opened in GitHub to have something confirmed, once nobody is asked any more."""
    return [
        Armed("unpull", "unpull", Lane.RUNS, now, after="pull"),
        Armed("unbranch", "unbranch", Lane.RUNS, now, after="unpull"),
    ]


def on_ticket(request: Request, now: datetime) -> list[Armed]:
    """Show the ticket that has just been opened on what was posted before it."""
    shown = [*_surfaces(request.notify, now), *_emergency(request.grant, now)]
    return [armed for armed in shown if armed.lane is Lane.SLACK]


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
    due = None if request.is_scheduled else reminder_due(now, request.expires_at)
    reminder = [Armed("reminder", "reminder", Lane.CLOCK, due)] if due else []
    return [*apply, *reminder, *_expiry(request.expires_at, after="commit")]


def _confirming(request: Request, now: datetime) -> list[Armed]:
    """Ask in GitHub, and wait for an answer no longer than policy says."""
    return [
        Armed("branch", "branch", Lane.RUNS, now),
        Armed("proposal", "proposal", Lane.RUNS, now, after="branch"),
        shown_in_github(now),
        Armed("confirm", "confirm", Lane.RUNS, now, after="pull"),
        Armed("timeout", "timeout", Lane.CLOCK, request.decide_by),
    ]


def shown_in_github(now: datetime) -> Armed:
    """Open its pull request, or bring up to date there who can confirm it."""
    return Armed("pull", "pull", Lane.RUNS, now, after="proposal")


def _expiry(due: datetime, after: str) -> list[Armed]:
    return [
        Armed("expire", "expire", Lane.EXPIRY, due, after=after),
        Armed("watch-expiry", "watch-expiry", Lane.RUNS, due, after="expire"),
    ]


def _told(request: Request, now: datetime) -> list[Armed]:
    if request.is_scheduled:
        return []  # there is nobody who has asked
    return [_tells(f"{TELL}{request.state.value}", now)]


def _tells(name: str, now: datetime) -> Armed:
    """Tell the requester directly how it stands."""
    return Armed(name, "tell", Lane.SLACK, now, payload={"event": name.removeprefix(TELL)})


def _failed(request: Request, now: datetime) -> list[Armed]:
    return [*_told(request, now), *on_withdrawal(now)]


_WORK = {
    State.CONFIRMING: _confirming,
    State.APPROVED: _approved,
    State.ACTIVE: _told,
    State.FAILED: _failed,
    State.ENDING: lambda _, now: on_withdrawal(now),
    State.ENDED: _told,
    State.DENIED: _told,
    State.TIMED_OUT: _told,
}
