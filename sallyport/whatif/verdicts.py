"""What policies say to one ask that was not made: who is barred, what is wrong, who could decide, until when.

Decided by the functions that the coordinator and the executor use. It takes everybody whom policies know for
active in Slack, and never asks Slack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sallyport.approval import Panel, Standing, approver_problem, chosen, panels, standing
from sallyport.changes import KINDS, Change
from sallyport.confirming import confirmer_problem
from sallyport.decisions import (
    NO_BREAK_GLASS,
    chosen_lifetime,
    incident_problem,
    lifetime_problem,
    limits,
    may_break_glass,
    reason_problem,
    requester_problem,
)
from sallyport.entries import BREAK_GLASS, Grant
from sallyport.flows import APPROVER, DURATION, ENVIRONMENT, PERMANENT, REASON, Flow, Lifetime, Rule
from sallyport.policies import Policies
from sallyport.problems import Problem, Problems, nearest, quoted
from sallyport.times import format_duration

_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)  # limits do not depend on when the glass is broken


@dataclass(frozen=True, slots=True)
class Verdict:
    """What policies say to an ask; the e-mail addresses are folded."""

    rule: Rule | None = None
    barred: Problem | None = None  # why this person may not ask for it at all
    faults: tuple[Problem, ...] = ()  # what is wrong with the answers
    change: Change | None = None  # None while the answers do not make one
    panels: tuple[Panel, ...] = ()  # whose yes could count
    asked: str = ""  # the one whom the requester chose, where the rule has him choose
    lifetime: str = ""  # such as `4h` or `permanent`; empty where the rule does not allow what was asked

    @property
    def eligible(self) -> frozenset[str]:
        """Everybody whose yes could count."""
        return _everybody(self.panels)

    @property
    def deciders(self) -> frozenset[str]:
        """Those of them who would be asked."""
        return _everybody(chosen(self.panels, self.asked))

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (self.barred, *self.faults) if self.barred else self.faults

    @property
    def allowed(self) -> bool:
        return not self.problems

    def standing(self, approved_by: Iterable[str]) -> Standing | None:
        """Tell how far these approvals bring the ask; None if it is refused."""
        return standing(chosen(self.panels, self.asked), approved_by) if self.allowed else None


def _everybody(found: Iterable[Panel]) -> frozenset[str]:
    return frozenset().union(*(panel.emails for panel in found))


def judge(
    policies: Policies, flow: Flow, requester: str, answers: Mapping[str, str], incident: str | None = None
) -> Verdict:
    """Decide on *answers* of *flow*'s form, where the approver is named by e-mail address.

    With an *incident* that is not None, the requester breaks the glass: nobody is asked.
    """
    answers = {name: value.strip() for name, value in answers.items()}
    rule = policies.rule_for(flow, answers)
    stranger = identity_problem(policies, rule, requester)
    if rule is None:
        return Verdict(barred=stranger or requester_problem(policies, flow, rule, requester))
    change, faults = _change(flow, answers, policies)
    if incident is not None:
        return _emergency(policies, rule, requester, answers, change, faults, incident)
    owners = change.owners(policies.catalogue) if change else frozenset()
    found = recognised(policies, rule, panels(policies.people, rule, owners, requester))
    asked = _asked(policies, rule, answers)
    wrong = (
        reason_problem(answers.get(REASON, "")),
        lifetime_problem(rule.lifetime, answers.get(DURATION, "")),
        None if unknown_members(policies, rule) else approver_problem(found, asked),
        confirmer_problem(flow, answers[ENVIRONMENT], requester, (change,), policies) if change else None,
    )
    return Verdict(
        rule=rule,
        barred=stranger or requester_problem(policies, flow, rule, requester),
        faults=(*faults, *(problem for problem in wrong if problem)),
        change=change,
        panels=found,
        asked=asked,
        lifetime=_lifetime(rule.lifetime, answers.get(DURATION, "")),
    )


def _emergency(
    policies: Policies,
    rule: Rule,
    requester: str,
    answers: Mapping[str, str],
    change: Change | None,
    faults: tuple[Problem, ...],
    incident: str,
) -> Verdict:
    """Decide on going ahead without approvals: nobody sits on a panel, so none is missing."""
    allowed = may_break_glass(policies.people, rule, requester)
    life = limits(rule, Grant(BREAK_GLASS, _ANY_TIME, incident))
    text = answers.get(DURATION, "")
    wrong = (incident_problem(incident), reason_problem(answers.get(REASON, "")), lifetime_problem(life, text))
    return Verdict(
        rule=rule,
        barred=identity_problem(policies, rule, requester) or (None if allowed else NO_BREAK_GLASS),
        faults=(*faults, *(problem for problem in wrong if problem)),
        change=change,
        lifetime=_lifetime(life, text),
    )


def identity_problem(policies: Policies, rule: Rule | None, email: str) -> Problem | None:
    """Say why the coordinator would not know who *email* is; None if it would."""
    person = policies.people.by_email(email)
    if person is None:
        what = f"policies do not know who {quoted(email)} is"
        mend = nearest(email, (somebody.email for somebody in policies.people.persons))
        return Problem(what, mend, field=ENVIRONMENT)
    if rule is not None and rule.bound_identity and not person.slack:
        what = f"policies do not know who {person.label} is in Slack"
        return Problem(what, "bind the Slack id in policies/people.yaml", field=ENVIRONMENT)
    return None


def recognised(policies: Policies, rule: Rule, found: Iterable[Panel]) -> tuple[Panel, ...]:
    """Return the panels with those whom the coordinator knows by their click, as the rule demands."""
    return tuple(panel.only(known(policies, rule, panel.emails)) for panel in found)


def known(policies: Policies, rule: Rule, emails: Iterable[str]) -> frozenset[str]:
    """Return those whom the coordinator knows by what they type or press, as the rule demands."""
    return frozenset(email for email in emails if identity_problem(policies, rule, email) is None)


def unknown_members(policies: Policies, rule: Rule) -> tuple[str, ...]:
    """Return the groups of approvers that are kept in Slack, of whose members nothing has been said here."""
    named = (group for stage in rule.stages for group in stage.approvers.groups)
    return tuple(g for g in named if g in policies.people.external and not policies.people.members((g,)))


def unknown_answers(flow: Flow, answers: Iterable[str]) -> Iterator[Problem]:
    """Yield a problem for each name of *answers* that is no field of the flow's form; `field` is that name."""
    fields = [field.name for field in flow.fields]
    for name in answers:
        if name not in fields:
            what = f"the form of {flow.id} has no field {quoted(name)}"
            yield Problem(what, nearest(name, fields), field=name)


def _change(
    flow: Flow, answers: Mapping[str, str], policies: Policies
) -> tuple[Change | None, tuple[Problem, ...]]:
    try:
        return KINDS[flow.id].from_answers(answers, policies.catalogue), ()
    except Problems as error:
        return None, error.problems


def _asked(policies: Policies, rule: Rule, answers: Mapping[str, str]) -> str:
    person = policies.people.by_email(answers.get(APPROVER, "")) if rule.lets_choose else None
    return person.email if person else ""


def _lifetime(life: Lifetime, text: str) -> str:
    try:
        length = chosen_lifetime(life, text)
    except ValueError:
        return ""
    return PERMANENT if length is None else format_duration(length)
