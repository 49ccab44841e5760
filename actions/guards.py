"""What a plan may not do although nothing else is wrong with it: asked before the first write at a target.

A guard never keeps an end from coming: what is past its deadline, given back or deleted is taken back whatever the
numbers are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from actions.executors.protocol import Claims, Plan, Target, Verb
from sallyport.changes.removal_override import RemovalOverride
from sallyport.entries import Entry
from sallyport.flows import Removals

Guard = Callable[[Plan[Any]], str]  # why the plan must not be carried out, a sentence; empty if it may


@dataclass(frozen=True, slots=True)
class Excess:
    """More entries of a target that would end at once, before their time, than policy lets end by itself."""

    flow: str
    target: Target
    ids: tuple[str, ...]
    there: int  # entries in force at the target
    most: Removals


@dataclass(frozen=True, slots=True)
class Ruling:
    """What comes of an excess: it is `held`, a whole sentence, or goes ahead by an `override`."""

    held: str = ""
    override: Entry | None = None


def excess_of(flow: str, plan: Plan[Any], claims: Claims, most: Removals) -> Excess | None:
    """Return how *plan* would end too many entries before their time; None if it does not.

    A slip in policies/people.yaml makes every entry unproven at once. One alone may always be taken back.
    """
    early = {entry.id for entry in claims.ended if entry.id in claims.doubted and entry.is_live(claims.now)}
    removed = sorted(early & {one for step in plan.steps if step.verb is Verb.REMOVE for one in step.entries})
    there = len(claims.live) + len(removed)
    if len(removed) <= 1 or (len(removed) <= most.number and len(removed) * 100 <= most.percent * there):
        return None
    return Excess(flow, plan.target, tuple(removed), there, most)


def ruling(excess: Excess, overrides: Iterable[Entry]) -> Ruling:
    """Let *excess* through if one of the *overrides*, live and verified, is for exactly that; else hold it."""
    here = [one for one in overrides if one.environment == excess.target.environment]
    granted = [(entry, change) for entry in here for change in entry.changes if _is_about(change, excess, 0)]
    for entry, change in granted:
        if _is_about(change, excess, len(excess.ids)):
            return Ruling(override=entry)
    too_small = "".join(
        f" {entry.id} lets no more than {change.most} of them end."
        for entry, change in granted
        if isinstance(change, RemovalOverride)
    )
    return Ruling(held=_held(excess) + too_small)


def _is_about(change: object, excess: Excess, count: int) -> bool:
    return isinstance(change, RemovalOverride) and change.permits(excess.flow, excess.target.lock, count)


def _held(excess: Excess) -> str:
    count, most = len(excess.ids), excess.most
    shown = ", ".join(excess.ids[:5]) + (", …" if count > 5 else "")
    return (
        f"{count} of {excess.there} entries of {excess.flow} at {excess.target.lock} ({shown}) are not proven any "
        f"more and would be taken back before their time; policy stops at more than {most.number}, or "
        f"{most.percent} percent. Mend what changed for them (policies, people, keys), or delete their files by a "
        f"pull request; if all {count} are to end now, ask for a removal override. They end at their deadlines."
    )


def sparing_the_doubted(claims: Claims) -> Claims:
    """Return *claims* with those whom nobody ended, and whose time is ahead, left in force."""
    spared = tuple(entry for entry in claims.ended if entry.id in claims.doubted and entry.is_live(claims.now))
    ended = tuple(entry for entry in claims.ended if entry not in spared)
    return replace(claims, live=(*claims.live, *spared), ended=ended)
