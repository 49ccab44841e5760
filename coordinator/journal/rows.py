"""Between the journal's rows and the values the coordinator works with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from coordinator.requests import Answer, Ask, Decision, Request, State
from sallyport.audit import Deed, Fact
from sallyport.changes import KINDS


def request_values(ask: Ask, request_id: str) -> dict[str, Any]:
    """Return the row of a new request."""
    return {
        "id": request_id,
        "submission": ask.key,
        "flow": ask.flow,
        "environment": ask.environment,
        "state": State.PENDING.value,
        "revision": 1,
        "requester": ask.requester,
        "requester_slack": ask.requester_slack,
        "reason": ask.reason,
        "changes": [change.to_mapping() for change in ask.changes],
        "asked": ask.asked,
        "notify": list(ask.notify),
        "lifetime_seconds": int(ask.lifetime.total_seconds()) if ask.lifetime is not None else None,
        "channel": ask.channel,
        "submitted_at": ask.submitted_at,
        "decide_by": ask.decide_by,
        "expires_at": None,
        "closing": "",
    }


def new_request(ask: Ask, request_id: str) -> Request:
    """Return the request that the row of `request_values` holds."""
    return Request(
        id=request_id,
        flow=ask.flow,
        environment=ask.environment,
        state=State.PENDING,
        revision=1,
        requester=ask.requester,
        requester_slack=ask.requester_slack,
        reason=ask.reason,
        changes=ask.changes,
        asked=ask.asked,
        notify=ask.notify,
        lifetime=ask.lifetime,
        channel=ask.channel,
        submitted_at=ask.submitted_at,
        decide_by=ask.decide_by,
        expires_at=None,
        closing="",
    )


def to_request(
    row: sa.Row[*tuple[Any, ...]],
    decisions: Iterable[sa.Row[*tuple[Any, ...]]],
    effects: Iterable[sa.Row[*tuple[Any, ...]]],
) -> Request:
    """Join a request's row with its decisions, in order, and the results of its effects."""
    return Request(
        id=row.id,
        flow=row.flow,
        environment=row.environment,
        state=State(row.state),
        revision=row.revision,
        requester=row.requester,
        requester_slack=row.requester_slack,
        reason=row.reason,
        changes=tuple(KINDS[row.flow].from_mapping(change) for change in row.changes),
        asked=row.asked,
        notify=tuple(row.notify),
        lifetime=timedelta(seconds=row.lifetime_seconds) if row.lifetime_seconds is not None else None,
        channel=row.channel,
        submitted_at=row.submitted_at,
        decide_by=row.decide_by,
        expires_at=row.expires_at,
        closing=row.closing,
        decisions=tuple(Decision(d.by, Answer(d.answer), d.at, d.through, d.reason) for d in decisions),
        results={effect.name: effect.result for effect in effects if effect.result},
    )


def to_fact(row: sa.Row[*tuple[Any, ...]]) -> Fact:
    return Fact(row.request_id, row.number, Deed(row.deed), row.at, row.by, row.details, row.previous)


def fact_values(fact: Fact) -> dict[str, Any]:
    """Return the row of a fact."""
    return {
        "request_id": fact.request_id,
        "number": fact.number,
        "deed": fact.deed.value,
        "at": fact.at,
        "by": fact.by,
        "details": dict(fact.details),
        "previous": fact.previous,
        "digest": fact.digest,
    }
