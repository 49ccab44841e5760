"""Drift: where AWS differs from what main's live entries ask for, and nobody is at work on it.

Values and pure functions. Drift is a plan that is not empty; nothing here looks at AWS, tells anybody or mends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from actions.executors.protocol import Claims, Plan, Step, Verb
from actions.verification import Site

QUIET = timedelta(minutes=30)  # two sweeps: what was approved or has ended since is another job's work


class Kind(StrEnum):
    EXTRA = "extra"  # ours, and no live entry asks for it
    MISSING = "missing"  # a live entry asks for it
    CHANGED = "changed"  # ours by its mark, and not as we wrote it
    STRANGE = "strange"  # not ours, and of a kind that only entries should bring


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `sentence` says what would mend it, or what is there or why it cannot be mended."""

    site: Site
    kind: Kind
    sentence: str
    entries: tuple[str, ...] = ()
    mendable: bool = True  # the target's plan would mend it

    @property
    def digest(self) -> str:
        """Name exactly this difference, the same at every look, so that it is told once."""
        content = [self.site.target.lock, self.site.target.environment, self.kind, self.sentence]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


Moved = Callable[[str], datetime | None]  # by entry id: when its file last changed on main; None if never


def drifts_of(
    site: Site, plan: Plan[Any], strangers: Sequence[str], claims: Claims, moved: Moved
) -> tuple[Drift, ...]:
    """Return what *plan* and what is not ours at *site* tell, without what other jobs are at work on."""
    found = [*_steps(site, plan), *_refused(site, plan, claims)]
    found += [Drift(site, Kind.STRANGE, sentence, mendable=False) for sentence in strangers]
    return tuple(drift for drift in found if not _in_motion(drift.entries, claims, moved))


def lasting(first: Iterable[Drift], second: Iterable[Drift]) -> tuple[Drift, ...]:
    """Return what two looks both saw: what only one of them did was being changed."""
    seen = {drift.digest for drift in first}
    return tuple({drift.digest: drift for drift in second if drift.digest in seen}.values())


def _steps(site: Site, plan: Plan[Any]) -> Iterator[Drift]:
    """A step that only completes others tells nothing while they are there to tell."""
    alone = all(step.completes for step in plan.steps)
    for step in (step for step in plan.steps if alone or not step.completes):
        yield Drift(site, _kind(step), step.sentence, step.entries)


def _kind(step: Step) -> Kind:
    if step.altered:
        return Kind.CHANGED
    return Kind.MISSING if step.verb is Verb.CREATE else Kind.EXTRA


def _refused(site: Site, plan: Plan[Any], claims: Claims) -> Iterator[Drift]:
    live = {entry.id for entry in claims.live}
    for entry_id, reason in plan.refusals.items():
        kind = Kind.MISSING if entry_id in live else Kind.EXTRA
        yield Drift(site, kind, reason, (entry_id,), mendable=False)


def _in_motion(entries: Sequence[str], claims: Claims, moved: Moved) -> bool:
    """Tell whether every entry behind a difference has begun or ended just now."""
    deadlines = {entry.id: entry.expires_at for entry in (*claims.live, *claims.ended)}

    def fresh(moment: datetime | None) -> bool:
        return moment is not None and timedelta(0) <= claims.now - moment < QUIET

    return bool(entries) and all(fresh(deadlines.get(one)) or fresh(moved(one)) for one in entries)
