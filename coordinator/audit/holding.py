"""Who had what, when, by whose approval, and until when: intervals, from a request's facts alone. Pure.

What is not known is never told as if it were: a job that did not report may have given the access.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from coordinator.audit.context import Context, context_of
from sallyport.audit import Deed, Fact
from sallyport.outcomes import Result, Untold
from sallyport.times import parse_moment


class Certainty(StrEnum):
    """How sure it is that somebody had it."""

    HAD = "had"  # read back by a job
    MAY_HAVE_HAD = "may have had"  # a job never said what it did, or only a newer version knows what came after
    OVERDUE = "still had"  # past its deadline, and nobody has seen it taken back


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when something was in force; `end` is None while nobody has seen it end."""

    start: datetime
    end: datetime | None
    certain: bool

    def covers(self, at: datetime) -> bool:
        """Tell whether it was in force at *at*."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class Holding:
    """One person's hold on something at a moment."""

    request_id: str
    context: Context
    span: Span
    certainty: Certainty

    @property
    def until(self) -> datetime | None:
        """Return when it ended, or else is to end; None if it is permanent."""
        return self.span.end or _deadline(self.context)


def holdings(facts: Sequence[Fact], at: datetime) -> Iterator[Holding]:
    """Yield what one request had in force at *at*; its facts are all that are known, those after *at* too."""
    context = context_of(facts)
    for span in spans(facts):
        if span.covers(at):
            yield Holding(facts[0].request_id, context, span, _certainty(span, facts, context, at))


def spans(facts: Sequence[Fact]) -> list[Span]:
    """Return when what a request asked for was in force, or may have been."""
    found: list[Span] = []
    dispatched: datetime | None = None
    for fact in facts:
        match fact.deed:
            case Deed.DISPATCHED:
                dispatched = fact.at
            case Deed.APPLIED:
                found.append(Span(fact.at, _end_after(fact, facts), certain=True))
            case Deed.FAILED if fact.details.get("result") == Untold.UNKNOWN:
                found.append(Span(dispatched or fact.at, _end_after(fact, facts), certain=False))
            case _:
                continue
    return found


def terms(context: Context) -> dict[str, str]:
    """Return the names by which what a request asked for can be asked about, by how they are `folded`."""
    values = {str(value) for change in context.changes for value in change.values() if isinstance(value, str)}
    target = {context.resource, *context.resource.split("/")} if context.resource else set()
    return {folded(name): name for name in sorted(values | target)}


def folded(name: str) -> str:
    """Return a name as it is compared: prod-admin, “prod admin” and ProdAdmin are one."""
    return "".join(sign for sign in name.casefold() if sign not in "-_ ")


def _end_after(begun: Fact, facts: Sequence[Fact]) -> datetime | None:
    """Return when it was seen to be gone: by the first look that is not older than what it ended."""
    ends = (fact.at for fact in facts if _is_end(fact) and (fact.at >= begun.at or fact.number > begun.number))
    return next(ends, None)


def _is_end(fact: Fact) -> bool:
    return fact.deed is Deed.REVERTED or fact.details.get("result") in {Result.REVERTED, Untold.UNREPORTED}


def _certainty(span: Span, facts: Sequence[Fact], context: Context, at: datetime) -> Certainty:
    if not span.certain or any(not fact.is_known and span.start <= fact.at <= at for fact in facts):
        return Certainty.MAY_HAVE_HAD
    deadline = _deadline(context)
    return Certainty.OVERDUE if deadline and at >= deadline else Certainty.HAD


def _deadline(context: Context) -> datetime | None:
    return parse_moment(context.expires_at) if context.expires_at else None
