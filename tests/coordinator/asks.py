"""What the tests of the coordinator ask for and decide, by short words; every value is explicit and in UTC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from coordinator.journal import Journal, Work
from coordinator.lifecycle import Armed, Happening, Lane, Move, half_approved
from coordinator.requests import Answer, Ask, Decision, Request, Route, State
from sallyport.audit import Deed
from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.sources import parse_source

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
ANA, LEE, SAM = "ana@example.com", "lee@example.com", "sam@example.com"
CHANGE = ApiWhitelisting("payments", "live", "POST", "/v1/charges", parse_source("198.51.100.10/32"))


def ask(key: str = "view:V1", **different: Any) -> Ask:
    """What Ana asks Lee for: Payments in production, for four hours."""
    usual = Ask(
        key=key,
        flow="api-whitelisting",
        prefix="aw",
        environment="prod",
        requester=ANA,
        requester_slack="U0ANA",
        reason="Partner go-live",
        changes=(CHANGE,),
        asked=LEE,
        route=Route(("U0LEE",), ("U0LEE",)),
        lifetime=4 * HOUR,
        channel="C0INFRA",
        submitted_at=NOW,
        decide_by=NOW + 8 * HOUR,
        form={},
    )
    return replace(usual, **different)


def yes(by: str = LEE, at: datetime = NOW) -> Decision:
    return Decision(by, Answer.APPROVE, at)


def no(by: str = LEE, at: datetime = NOW, reason: str = "Not today") -> Decision:
    return Decision(by, Answer.DENY, at, reason=reason)


def at_quorum(quorum: int, decision: Decision, *, steps_up: bool = False) -> Callable[[Request], Move]:
    """Settle as the product does: approved, or half of it, once that many people have said yes."""

    def settle(after: Request) -> Move:
        reached = len(after.approvals) >= quorum
        happening = Happening(Deed.APPROVED, decision.at, decision.by, {"through": decision.through})
        if reached and steps_up:
            return half_approved(happening, decision.at + HOUR)
        expires_at = decision.at + after.lifetime if after.lifetime else None
        return Move(happening, State.APPROVED if reached else None, expires_at=expires_at)

    return settle


def approve(
    journal: Journal,
    request_id: str,
    by: str = LEE,
    *,
    at: datetime = NOW,
    quorum: int = 1,
    steps_up: bool = False,
) -> Request:
    decision = yes(by, at)
    return journal.decide(request_id, decision, at_quorum(quorum, decision, steps_up=steps_up))


def deny(journal: Journal, request_id: str, by: str = LEE, *, at: datetime = NOW) -> Request:
    decision = no(by, at)
    denied = Move(Happening(Deed.DENIED, at, by, {"reason": decision.reason}), State.DENIED, "Denied.")
    return journal.decide(request_id, decision, lambda _: denied)


def happened(deed: Deed, to: State | None = None, *, at: datetime = NOW, arm: tuple[Armed, ...] = ()) -> Move:
    """Something that a part of Sallyport saw."""
    return Move(Happening(deed, at, "coordinator"), to, closing=f"It was {deed}.", arm=arm)


def claim(journal: Journal, lane: Lane, name: str, now: datetime = NOW) -> Work:
    """Claim what is due in *lane* and return the effect called *name*; it must be among it."""
    due = {work.name: work for work in journal.claim(lane, now, 50)}
    assert name in due, f"{name} is not due at {now}; these are: {sorted(due)}"
    return due[name]


def names(works: list[Work]) -> list[str]:
    return [work.name for work in works]
