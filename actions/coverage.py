"""Whether a plan does no more than what its reviewers were shown: the plan of a pull request, kept as a check.

The check stands at the commit that was reviewed, and only a job can write one. Where no plan could be shown, there
is nothing to hold against: the reviews of the file still decide. What a step lets in, and until when, is in the
entries, which are what was reviewed to the byte; so a step is known by its kind and by each entry it is for, and
stays the same when others share it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from actions.executors.protocol import Plan, Step
from sallyport.platforms.github import CheckRun
from sallyport.platforms.github_answers import ACTIONS

CHECK_NAME = "sallyport-plan"
_VALUES = re.compile(r"\S*\d\S*(?: (?:and )?\S*\d\S*)*(?: more)?")  # addresses, paths, moments: lists of them too
CHECK_BYTES = 65_000  # GitHub takes 65,535 characters in each field of a check's output


class Checks(Protocol):
    """What coverage needs of the GitHub client."""

    def check_runs(self, head_sha: str, name: str) -> tuple[CheckRun, ...]: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """The steps that reviewers saw, by the lock of their target."""

    steps: Mapping[str, frozenset[str]]

    @property
    def digest(self) -> str:
        """Name exactly this plan."""
        return _digest(self.dump())

    def dump(self) -> str:
        return json.dumps({lock: sorted(names) for lock, names in sorted(self.steps.items())})

    def refusal(self, plan: Plan[Any], entries: Collection[str]) -> str:
        """Say what *plan* would do for *entries* beyond what was shown; empty if nothing.

        A part of what was shown is covered, and so is what other entries need at the same target.
        """
        shown = self.steps.get(plan.target.lock)
        if shown is None:
            return ""
        beyond = [step for step in plan.steps if not names_of(step, entries) <= shown]
        if not beyond:
            return ""
        more = f" and {len(beyond) - 1} more" if len(beyond) > 1 else ""
        return (
            f"the plan that was reviewed ({self.digest}) does not cover “{beyond[0].sentence}”{more}; "
            "open a new pull request, so that what would happen now is reviewed."
        )


def shown_of(plans: Iterable[Plan[Any]]) -> Shown:
    """Return what a comment with *plans* shows."""
    return Shown(
        {plan.target.lock: frozenset(n for s in plan.steps for n in names_of(s, s.entries)) for plan in plans}
    )


def shown_at(checks: Checks, head: str) -> Shown:
    """Return what was shown for the commit *head*; the last plan of each target counts."""
    steps: dict[str, frozenset[str]] = {}
    for check in checks.check_runs(head, CHECK_NAME):
        if check.app != ACTIONS:
            continue
        try:
            known = json.loads(check.text)
            steps |= {str(lock): frozenset(map(str, names)) for lock, names in known.items()}
        except (ValueError, TypeError, AttributeError):
            continue
    return Shown(steps)


def names_of(step: Step, entries: Collection[str]) -> frozenset[str]:
    """Name what a step does for each of *entries* that it is for; what only completes other steps has no name."""
    if step.completes:
        return frozenset()
    kind = _VALUES.sub("#", step.sentence)
    return frozenset(_digest(f"{step.verb}\n{kind}\n{one}") for one in set(step.entries) & set(entries))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
