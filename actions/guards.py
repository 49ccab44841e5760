"""What a plan may not do although nothing else is wrong with it: asked before the first write at a target.

A guard never keeps an end from coming: what is past its deadline, given back or deleted is taken back whatever the
numbers are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from actions.executors.protocol import Claims, Plan, Verb
from sallyport.flows import Removals

Guard = Callable[[Plan[Any]], str]  # why the plan must not be carried out, a sentence; empty if it may


def too_many(plan: Plan[Any], claims: Claims, most: Removals) -> str:
    """Say why *plan* would end too many entries before their time, as a sentence; empty if it does not.

    A slip in policies/people.yaml makes every entry unproven at once. One alone may always be taken back.
    """
    early = {entry.id for entry in claims.ended if entry.id in claims.doubted and entry.is_live(claims.now)}
    removed = sorted(early & {one for step in plan.steps if step.verb is Verb.REMOVE for one in step.entries})
    there = len(claims.live) + len(removed)
    if len(removed) <= 1 or (len(removed) <= most.number and len(removed) * 100 <= most.percent * there):
        return ""
    shown = ", ".join(removed[:5]) + (", …" if len(removed) > 5 else "")
    return (
        f"{len(removed)} of {there} entries at {plan.target.lock} ({shown}) are not proven any more and would be "
        f"taken back before their time; policy stops at more than {most.number}, or {most.percent} percent. Mend "
        "what changed for them (policies, people, keys), or delete their files by a pull request. They end at "
        "their deadlines."
    )


def sparing_the_doubted(claims: Claims) -> Claims:
    """Return *claims* with those whom nobody ended, and whose time is ahead, left in force."""
    spared = tuple(entry for entry in claims.ended if entry.id in claims.doubted and entry.is_live(claims.now))
    ended = tuple(entry for entry in claims.ended if entry not in spared)
    return replace(claims, live=(*claims.live, *spared), ended=ended)
