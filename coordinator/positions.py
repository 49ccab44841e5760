"""Where a request stands under the policies of the moment: its rule, who counts at each stage, what is missing.

Pure, and derived anew each time: nothing of it is stored that a change of policies could make wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from coordinator.requests import Request
from sallyport.approval import Panel, Standing, chosen, panels, standing
from sallyport.flows import Rule
from sallyport.policies import Policies

Narrowing = Callable[[Rule, Sequence[Panel]], tuple[Panel, ...]]


@dataclass(frozen=True, slots=True)
class Position:
    """The rule of a request, its panels, and how far the approvals so far have filled them."""

    rule: Rule
    panels: tuple[Panel, ...]
    standing: Standing

    def after(self, approved_by: Iterable[str]) -> Position:
        """Return the position with these approvals, and no others."""
        return Position(self.rule, self.panels, standing(self.panels, approved_by))

    @property
    def progress(self) -> str:
        """Say how many approvals there are and whose turn it is; empty where one alone decides."""
        turn = self.standing.panel
        if turn is None or self.rule.seats == 1:
            return ""
        stage = f"{turn.stage.name}: " if len(self.panels) > 1 else ""
        return f"{stage}{self.standing.missing}"


def rule_of(request: Request, policies: Policies) -> Rule | None:
    """Return the rule that *request* falls under now; None if policy has none for it any more."""
    flow = policies.flows.get(request.flow)
    return policies.rule_for(flow, request.answers) if flow else None


def notice_of(request: Request, policies: Policies) -> timedelta:
    """Return how long those who work there are warned before it begins; what goes on is no news to them."""
    flow = policies.flows.get(request.flow)
    return flow.notice if flow and not request.extends else timedelta()


def grain_of(request: Request, policies: Policies) -> timedelta:
    """Return to what the end of *request* is rounded up that is counted from its approval."""
    rule = rule_of(request, policies)
    return rule.lifetime.grain if rule else timedelta()


@dataclass(frozen=True, slots=True)
class Step:
    """A stage with those who approved at it, in order, and how many it needs."""

    name: str
    approved_by: tuple[str, ...]
    needed: int


def steps(position: Position, approved_by: Sequence[str]) -> tuple[Step, ...]:
    """Return the stages of *position*: whoever approved counts at the one whose turn it was then."""
    turns = [standing(position.panels, approved_by[:number]).panel for number in range(len(approved_by))]
    return tuple(
        Step(
            panel.stage.name,
            tuple(
                by for by, turn in zip(approved_by, turns, strict=True) if turn is panel and by in panel.members
            ),
            panel.stage.quorum,
        )
        for panel in position.panels
    )


def position_of(
    request: Request, policies: Policies, narrowing: Narrowing = lambda _, found: tuple(found)
) -> Position | None:
    """Return where *request* stands; None if policy has no rule for it any more.

    *narrowing* leaves out of the panels whoever cannot be reached.
    """
    rule = rule_of(request, policies)
    if rule is None:
        return None
    owners = frozenset().union(*(change.owners(policies.catalogue) for change in request.changes))
    found = narrowing(rule, panels(policies.people, rule, owners, request.requester))
    narrowed = chosen(found, request.asked)
    return Position(rule, narrowed, standing(narrowed, [decision.by for decision in request.approvals]))
