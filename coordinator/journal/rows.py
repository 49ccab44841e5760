"""Between the journal's rows and the values the coordinator works with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from coordinator.requests import STATES, Answer, Ask, Decision, Extension, Kept, Request, State
from sallyport.audit import Fact, deed_of
from sallyport.changes import KINDS
from sallyport.changes.protocol import Change
from sallyport.entries import Grant
from sallyport.times import parse_moment

UNREADABLE = (LookupError, TypeError, ValueError)  # what reading a row raises that only a newer version can read


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
        "notify": list(ask.route.notify),
        "lifetime_seconds": seconds(ask.lifetime),
        "channel": ask.channel,
        "submitted_at": ask.submitted_at,
        "decide_by": ask.decide_by,
        "expires_at": None,
        "closing": "",
        "form": dict(ask.form),
        "granted": ask.grant.to_mapping() if ask.grant else None,
        "extends": ask.extends,
    }


def decision_values(request_id: str, decision: Decision) -> dict[str, Any]:
    """Return the row of a decision."""
    return {
        "request_id": request_id,
        "by": decision.by,
        "answer": decision.answer.value,
        "at": decision.at,
        "through": decision.through,
        "reason": decision.reason,
        "speaks_for": list(decision.speaks_for),
        "shortened_to_seconds": seconds(decision.shortened_to),
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
        notify=ask.route.notify,
        deciders=tuple(sorted(ask.route.deciders)),
        lifetime=ask.lifetime,
        channel=ask.channel,
        submitted_at=ask.submitted_at,
        decide_by=ask.decide_by,
        expires_at=None,
        closing="",
        form=ask.form,
        grant=ask.grant,
        extends=ask.extends,
    )


def to_request(
    row: sa.Row[*tuple[Any, ...]],
    decisions: Iterable[sa.Row[*tuple[Any, ...]]],
    effects: Sequence[sa.Row[*tuple[Any, ...]]],
    deciders: Iterable[str],
    extension: sa.Row[*tuple[Any, ...]] | None,
) -> Request:
    """Join a request's row with its decisions, in order, the results, who decides now, and what extends it.

    One of UNREADABLE if something of it is nothing that this version knows.
    """
    return Request(
        id=row.id,
        flow=row.flow,
        environment=row.environment,
        state=State(row.state),
        revision=row.revision,
        requester=row.requester,
        requester_slack=row.requester_slack,
        reason=row.reason,
        changes=_changes(row),
        asked=row.asked,
        notify=tuple(row.notify),
        deciders=tuple(deciders),
        lifetime=length(row.lifetime_seconds),
        channel=row.channel,
        submitted_at=row.submitted_at,
        decide_by=row.decide_by,
        expires_at=row.expires_at,
        closing=row.closing,
        form=row.form,
        grant=_grant(row.granted) if row.granted else None,
        extends=row.extends,
        extension=_extension(extension) if extension else None,
        decisions=tuple(_decision(decision) for decision in decisions),
        results={effect.name: effect.result for effect in effects if effect.result},
        armed=frozenset(effect.name for effect in effects),
        begins_at=row.begins_at,
        kept=Kept(row.kept_until, row.kept_by) if row.kept_until else None,
    )


def readable_changes(row: sa.Row[*tuple[Any, ...]]) -> tuple[Change, ...]:
    """Return what a row with `flow` and `changes` asks for; nothing where only a newer version can read it."""
    try:
        return _changes(row)
    except UNREADABLE:
        return ()


def _changes(row: sa.Row[*tuple[Any, ...]]) -> tuple[Change, ...]:
    return tuple(KINDS[row.flow].from_mapping(change) for change in row.changes)


def _extension(row: sa.Row[*tuple[Any, ...]]) -> Extension:
    """Return how an extension stands; what only a newer version can tell keeps nobody from reading the first."""
    return Extension(row.id, State(row.state) if row.state in STATES else None, row.expires_at)


def _decision(row: sa.Row[*tuple[Any, ...]]) -> Decision:
    return Decision(
        row.by,
        Answer(row.answer),
        row.at,
        row.through,
        row.reason,
        tuple(row.speaks_for),
        length(row.shortened_to_seconds),
    )


def _grant(data: Mapping[str, str]) -> Grant:
    return Grant(data["through"], parse_moment(data["at"]), data.get("incident", ""))


def seconds(of: timedelta | None) -> int | None:
    """Return a length of time as a column holds it; None is for ever."""
    return int(of.total_seconds()) if of is not None else None


def length(of: int | None) -> timedelta | None:
    """Return the length of time that a column holds."""
    return timedelta(seconds=of) if of is not None else None


def to_fact(row: sa.Row[*tuple[Any, ...]]) -> Fact:
    return Fact(row.request_id, row.number, deed_of(row.deed), row.at, row.by, row.details, row.previous)


def fact_values(fact: Fact) -> dict[str, Any]:
    """Return the row of a fact."""
    return {
        "request_id": fact.request_id,
        "number": fact.number,
        "deed": str(fact.deed),
        "at": fact.at,
        "by": fact.by,
        "details": dict(fact.details),
        "previous": fact.previous,
        "digest": fact.digest,
    }
