"""Whose yes counts, and how far it goes: a rule's stages as panels of people, whose seats approvals fill.

Pure. Nobody sits twice, and nobody decides their own request unless the rule says so in so many words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sallyport.flows import APPROVER, ENVIRONMENT, Rule, Stage
from sallyport.people import People
from sallyport.problems import Problem

NAMED, OWNERS = "the people named by the rule", "its owners"  # what counts as a group beside those of people.yaml


@dataclass(frozen=True, slots=True)
class Panel:
    """A stage with those who may approve it: e-mail addresses, folded, each with the groups they speak for."""

    stage: Stage
    members: Mapping[str, frozenset[str]]

    @property
    def emails(self) -> frozenset[str]:
        return frozenset(self.members)

    def only(self, emails: Iterable[str]) -> Panel:
        """Return the panel without those who are not among *emails*."""
        kept = frozenset(emails)
        return replace(self, members={email: groups for email, groups in self.members.items() if email in kept})


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a request has come; `panel` is whose turn it is, None once it is approved."""

    panel: Panel | None
    given: int = 0  # approvals that the panel has, of those it needs
    needed: int = 0

    @property
    def approved(self) -> bool:
        return self.panel is None

    @property
    def missing(self) -> str:
        return f"{self.given} of {self.needed} approvals"


def panels(people: People, rule: Rule, owners: Iterable[str], requester: str) -> tuple[Panel, ...]:
    """Return who may approve each stage; the requester in none, unless the rule allows self-approval."""
    owned = frozenset(person.email.casefold() for email in owners if (person := people.by_email(email)))
    found = (Panel(stage, _members(people, stage, owned)) for stage in rule.stages)
    if rule.self_approval:
        return tuple(found)
    own = people.canonical(requester)
    return tuple(panel.only(panel.emails - {own}) for panel in found)


def _members(people: People, stage: Stage, owned: frozenset[str]) -> dict[str, frozenset[str]]:
    spec = stage.approvers
    groups = {group: people.members((group,)) for group in spec.groups}
    groups[NAMED] = frozenset(person.email.casefold() for e in spec.people if (person := people.by_email(e)))
    groups[OWNERS] = owned if spec.owners else frozenset()
    everybody = frozenset().union(*groups.values())
    return {email: frozenset(name for name, emails in groups.items() if email in emails) for email in everybody}


def chosen(found: Sequence[Panel], asked: str) -> tuple[Panel, ...]:
    """Narrow the panels to the one whom the requester chose, where the rule has him choose."""
    asked = asked.casefold()
    return tuple(panel.only({asked}) if panel.stage.approvers.chosen else panel for panel in found)


def approver_problem(found: Sequence[Panel], asked: str) -> Problem | None:
    """Say why nobody could approve as the form stands, given everybody who may."""
    for panel in found:
        if not panel.members:
            what = f"nobody can approve this{_of(panel.stage, found)}: policy names no one but you"
            return Problem(what, "ask its owners", field=ENVIRONMENT)
        if panel.stage.approvers.chosen and asked.casefold() not in panel.members:
            return Problem("this person may not approve it", "choose one of the list", field=APPROVER)
    narrowed = chosen(found, asked)
    everybody = frozenset().union(*(panel.emails for panel in narrowed))
    if not _filled(narrowed, everybody):
        needed = sum(panel.stage.quorum for panel in narrowed)
        what = f"{needed} approvals by different people are needed, and those who could give them are too few"
        return Problem(what, "ask the owners of the policy", field=ENVIRONMENT)
    return None


def _of(stage: Stage, found: Sequence[Panel]) -> str:
    return f" at the stage {stage.name}" if len(found) > 1 else ""


def standing(found: Sequence[Panel], approved_by: Iterable[str]) -> Standing:
    """Tell how far the approvals of distinct people fill the panels, in the order of the stages."""
    voters = frozenset(email.casefold() for email in approved_by)
    seats = sum(panel.stage.quorum for panel in found)
    if _filled(found, voters):
        return Standing(None, seats, seats)  # as is usual, and quicker than one stage after the other
    reached = (_reached(found[:number], panel, voters) for number, panel in enumerate(found))
    return next(standing for standing in reached if standing.given < standing.needed)


def _reached(before: Sequence[Panel], panel: Panel, voters: frozenset[str]) -> Standing:
    """Tell how far *panel* is filled by those whom the panels *before* it leave."""
    needed = panel.stage.quorum
    given = next(n for n in range(needed, -1, -1) if _filled((*before, _with_quorum(panel, n)), voters))
    return Standing(panel, given, needed)


def _with_quorum(panel: Panel, quorum: int) -> Panel:
    return replace(panel, stage=replace(panel.stage, quorum=quorum))


def _filled(found: Sequence[Panel], voters: frozenset[str]) -> bool:
    """Tell whether *voters* can fill every seat of the panels, nobody twice."""
    if not found:
        return True
    if any(len(panel.emails & voters) < panel.stage.quorum for panel in found):
        return False
    return _seated(found, voters, sorted(found[0].emails & voters), found[0].stage.quorum, frozenset())


def _seated(
    found: Sequence[Panel], voters: frozenset[str], left: Sequence[str], seats: int, taken: frozenset[str]
) -> bool:
    """Try every way to fill the open *seats* of the first panel from those *left*, and then the other panels.

    *taken* are the groups that have spoken already, where the stage wants each to speak for another.
    """
    if not seats:
        return _filled(found[1:], voters)
    panel = found[0]
    for number, voter in enumerate(left, 1):
        for group in sorted(panel.members[voter] - taken) if panel.stage.distinct_groups else ("",):
            if _seated(found, voters - {voter}, left[number:], seats - 1, taken | {group}):
                return True
    return False
