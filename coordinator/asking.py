"""From what a person typed to a recorded request, or to all that is wrong with it; and what a form can offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from coordinator.directory import Directory
from coordinator.journal import Journal
from coordinator.requests import Ask, Request
from coordinator.slack.forms import Choice, Offer
from coordinator.slack.home import Desk
from sallyport.changes import KINDS, Change
from sallyport.decisions import (
    approver_problem,
    chosen_lifetime,
    deciders,
    duration_choices,
    eligible_approvers,
    lifetime_problem,
    reason_problem,
    requester_problem,
)
from sallyport.flows import APPROVER, DURATION, ENVIRONMENT, REASON, Flow, Rule
from sallyport.people import Person
from sallyport.policies import Policies
from sallyport.problems import Problem, Problems

LISTED = 20  # requests that a person's desk shows at most


@dataclass(frozen=True, slots=True)
class Asking:
    """Turns answers into requests under the policies of the moment."""

    journal: Journal
    policies: Callable[[], Policies]
    directory: Directory
    now: Callable[[], datetime]

    def offer(self, flow: Flow, slack_id: str, environment: str) -> Offer:
        """Return what the form can offer this person in *environment* (the flow's first where it is empty)."""
        policies = self.policies()
        field = flow.field(ENVIRONMENT)
        environment = (
            environment or (field.default if field else "") or next(iter(policies.catalogue.environments))
        )
        rule = flow.rule_for({ENVIRONMENT: environment})
        person = self._person(slack_id, rule)
        problem = requester_problem(policies, flow, rule, person.email) if person else _stranger(rule)
        if rule is None or person is None or problem is not None:
            return Offer(environment, (), (), problem.sentence if problem else "")
        eligible = self._reachable(eligible_approvers(policies, rule, (), person.email), rule)
        return Offer(environment, self._named(eligible), duration_choices(rule))

    def desk(self, slack_id: str) -> Desk:
        """Return what concerns this person: what they may start, decide, and what is theirs."""
        flows = [flow for flow in self.policies().flows.values() if self._may_start(flow, slack_id)]
        return Desk(flows, self.journal.to_decide(slack_id, LISTED), self.journal.asked_by(slack_id, LISTED))

    def _may_start(self, flow: Flow, slack_id: str) -> bool:
        return any(
            self.offer(flow, slack_id, environment).durations
            for environment in self.policies().catalogue.environments
        )

    def ask(self, flow: Flow, slack_id: str, answers: Mapping[str, str], key: str) -> Request:
        """Record the request; Problems tells everything that is wrong, each at its field."""
        policies = self.policies()
        answers = {name: value.strip() for name, value in answers.items()}
        rule = flow.rule_for(answers)
        person = self._person(slack_id, rule)
        if person is None or rule is None:
            problem = _stranger(rule) if person is None else requester_problem(policies, flow, rule, person.email)
            raise Problems([problem] if problem else [])
        change, problems = _change(flow, answers, policies)
        owners = change.owners(policies.catalogue) if change else frozenset()
        eligible = self._reachable(eligible_approvers(policies, rule, owners, person.email), rule)
        asked = self._asked(rule, answers)
        found = (
            requester_problem(policies, flow, rule, person.email),
            reason_problem(answers.get(REASON, "")),
            lifetime_problem(rule, answers.get(DURATION, "")),
            approver_problem(rule, frozenset(eligible), asked),
        )
        problems += [problem for problem in found if problem]
        if change is None or problems:
            raise Problems(problems)
        chosen = deciders(rule, frozenset(eligible), asked)
        notify = tuple(sorted(eligible[email] for email in chosen))
        return self.journal.submit(self._ask(flow, rule, person, slack_id, change, asked, notify, answers, key))

    def _ask(
        self,
        flow: Flow,
        rule: Rule,
        person: Person,
        slack_id: str,
        change: Change,
        asked: str,
        notify: tuple[str, ...],
        answers: Mapping[str, str],
        key: str,
    ) -> Ask:
        now = self.now()
        return Ask(
            key=key,
            flow=flow.id,
            prefix=flow.prefix,
            environment=answers[ENVIRONMENT],
            requester=person.email,
            requester_slack=slack_id,
            reason=answers[REASON],
            changes=(change,),
            asked=asked,
            notify=notify,
            lifetime=chosen_lifetime(rule, answers.get(DURATION, "")),
            channel=flow.channel,
            submitted_at=now,
            decide_by=now + rule.timeout,
        )

    def _person(self, slack_id: str, rule: Rule | None) -> Person | None:
        return self.directory.person(slack_id, bound=rule is None or rule.bound_identity)

    def _reachable(self, emails: frozenset[str], rule: Rule) -> dict[str, str]:
        """Return those who are active in Slack and whose decision would count, with their ids there."""
        ids = ((email, self.directory.slack_id(email, bound=rule.bound_identity)) for email in emails)
        return {email: slack_id for email, slack_id in ids if slack_id}

    def _named(self, eligible: Mapping[str, str]) -> tuple[Choice, ...]:
        people = self.policies().people
        named = [
            (slack_id, person.label) for email, slack_id in eligible.items() if (person := people.by_email(email))
        ]
        return tuple(sorted(named, key=lambda choice: choice[1].casefold()))

    def _asked(self, rule: Rule, answers: Mapping[str, str]) -> str:
        if not rule.approvers.chosen:
            return ""
        person = self.directory.person(answers.get(APPROVER, ""), bound=False) if answers.get(APPROVER) else None
        return person.email if person else ""


def _change(flow: Flow, answers: Mapping[str, str], policies: Policies) -> tuple[Change | None, list[Problem]]:
    try:
        return KINDS[flow.id].from_answers(answers, policies.catalogue), []
    except Problems as error:
        return None, list(error.problems)


def _stranger(rule: Rule | None) -> Problem:
    what = "policies do not know who you are in Slack"
    mend = "ask the operators to add your Slack id to policies/people.yaml"
    if rule is not None and not rule.bound_identity:
        mend = "ask the operators to add you to policies/people.yaml"
    return Problem(what, mend, field=ENVIRONMENT)
