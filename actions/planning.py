"""A plan shown to people: as Markdown for summaries and reviews, and as text for a log.

The plan is a value of `actions.executors.protocol`; nothing here changes or judges it.
"""

from __future__ import annotations

from typing import Any

from actions.executors.protocol import Plan, Verb
from actions.markdown import inert, table

_SIGNS = {Verb.CREATE: "➕ create", Verb.REMOVE: "➖ remove"}


def headline(plan: Plan[Any]) -> str:
    """Count what a plan does."""
    creates = sum(step.verb is Verb.CREATE for step in plan.steps)
    removals = len(plan.steps) - creates
    refused = f", {len(plan.refusals)} refused" if plan.refusals else ""
    return f"{creates} to create, {removals} to remove, {len(plan.unchanged)} unchanged{refused}"


def plan_markdown(plan: Plan[Any]) -> str:
    """Render a plan for a job summary, a check run or a pull request."""
    parts = [
        f"#### {inert(plan.target.lock)} ({inert(plan.target.environment)})",
        f"{headline(plan)}; plan {plan.digest}",
    ]
    if plan.steps:
        rows = [(_SIGNS[s.verb], inert(s.sentence), inert(", ".join(s.entries))) for s in plan.steps]
        parts.append(table(("", "What", "For"), rows))
    parts += [f"- ⛔ {inert(entry)}: {inert(reason)}" for entry, reason in plan.refusals.items()]
    parts += [f"- {inert(fact)}" for fact in plan.facts]
    return _spaced(parts)


def plan_text(plan: Plan[Any]) -> str:
    """Render a plan for a log, one line a step."""
    lines = [f"{plan.target.lock} ({plan.target.environment}): {headline(plan)}; plan {plan.digest}"]
    lines += [f"  {step.verb} {step.sentence} [{', '.join(step.entries)}]" for step in plan.steps]
    lines += [f"  refused {entry}: {reason}" for entry, reason in plan.refusals.items()]
    lines += [f"  {fact}" for fact in plan.facts]
    return "\n".join(lines)


def _spaced(parts: list[str]) -> str:
    """Put a blank line before everything but an item that follows an item."""
    text = ""
    for part in parts:
        text += part if not text else ("\n" if part.startswith("- ") and _last(text) else "\n\n") + part
    return text + "\n"


def _last(text: str) -> bool:
    return text.rpartition("\n")[2].startswith("- ")
