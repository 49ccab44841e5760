"""The words of a pull request's plan: what would be created, changed, removed and refused, and who must review it.

Pure functions. Everything that people wrote is shown as plain text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from actions.coverage import shown_of
from actions.events import PullEvent
from actions.executors.protocol import Plan, Verb
from actions.judging import who_may_review
from actions.markdown import bounded, inert, table
from actions.planning import plan_markdown
from actions.verification import Finding
from sallyport.policies import Policies

COMMENT_BYTES = 64_000  # GitHub takes 65,536 characters


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merge would do: the entries it brings, the plan of each target, and why a target has none."""

    findings: tuple[Finding, ...]
    plans: tuple[Plan[Any], ...]
    faults: Mapping[str, str]
    policies: Policies


def comment(preview: Preview, pull: PullEvent, environment: str, run_url: str) -> str:
    """Return the comment; the numbers come first, so that what is cut from a long one is detail."""
    head = f"### What merging this would do in {inert(environment)}"
    about = f"Plan `{shown_of(preview.plans).digest}` for {pull.head[:12]}"
    about += f", made by [this job]({run_url})." if run_url else "."
    parts = [head, about, *_targets(preview), *_refused(preview), *_reviews(preview)]
    parts += (
        [f"<details><summary>Every step</summary>\n\n{_steps(preview)}\n\n</details>"] if preview.plans else []
    )
    return bounded("\n\n".join(parts) + "\n", COMMENT_BYTES)


def not_planned(pull: PullEvent, *, has_role: bool) -> str:
    """Say why there is no plan; empty if nothing stands in its way."""
    if pull.is_fork:
        return (
            "No plan was made: it comes from a fork, whose jobs may neither assume a role nor comment. "
            "Somebody with write access can push the branch to this repository."
        )
    if not has_role:
        return "No plan was made: no environment that this touches has a `reader` in policies/environments.yaml."
    return ""


def _targets(preview: Preview) -> Iterator[str]:
    if not preview.plans and not preview.faults:
        yield "It changes nothing in AWS."
        return
    rows = [_row(plan) for plan in preview.plans]
    rows += [(inert(lock), "", "", "", "", f"🔴 {inert(fault)}") for lock, fault in preview.faults.items()]
    yield table(("Target", "Create", "Change", "Remove", "Refuse", "Limits"), rows)


def _row(plan: Plan[Any]) -> tuple[str, ...]:
    made = {entry for step in plan.steps if step.verb is Verb.CREATE for entry in step.entries}
    gone = {entry for step in plan.steps if step.verb is Verb.REMOVE for entry in step.entries}
    changed = {entry for step in plan.steps for entry in step.entries if entry in made & gone}
    creates = sum(step.verb is Verb.CREATE for step in plan.steps)
    counts = (creates, len(changed), len(plan.steps) - creates, len(plan.refusals))
    return (inert(plan.target.lock), *map(str, counts), inert("; ".join(plan.facts)))


def _refused(preview: Preview) -> Iterator[str]:
    reasons = [(finding.id, finding.doubt) for finding in preview.findings if finding.present and finding.doubt]
    reasons += [(entry, reason) for plan in preview.plans for entry, reason in plan.refusals.items()]
    if reasons:
        yield "\n".join(f"- ⛔ {inert(entry)}: {inert(reason)}" for entry, reason in reasons)


def _reviews(preview: Preview) -> Iterator[str]:
    entries = [f.entry for f in preview.findings if f.entry and f.present and f.entry.attestation is None]
    by_reviewers: dict[str, list[str]] = {}
    for entry in entries:
        by_reviewers.setdefault(who_may_review(entry, preview.policies), []).append(entry.id)
    if by_reviewers:
        rows = [(inert(who), inert(", ".join(ids[:20])), str(len(ids))) for who, ids in by_reviewers.items()]
        yield table(("Who may review", "Entries", "Count"), rows)


def _steps(preview: Preview) -> str:
    return "\n".join(plan_markdown(plan) for plan in preview.plans)
