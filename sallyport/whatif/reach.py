"""How far policies reach: in each situation that a form can describe, who may ask, who may approve, on what terms.

A situation is an environment with an item for each question that a catalogue list answers, and a value for each
other question that some rule looks at. Nothing is decided here that `decisions` does not decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import product

from sallyport.approval import panels
from sallyport.changes import KINDS
from sallyport.flows import ENVIRONMENT, Flow, Rule, Stage
from sallyport.policies import Policies
from sallyport.problems import Problems
from sallyport.whatif.verdicts import known, recognised

OTHER = "(anything else)"  # an answer that no rule names
UNASKED = "(not asked)"  # the place of a question that another version of the form has
Situation = tuple[str, ...]  # the answers, in the order of the questions
Seat = tuple[str, str]  # the name of a stage, and the e-mail address of somebody, or a group kept in Slack


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule gives beside people."""

    quorum: int
    stages: str
    longest: timedelta
    permanent: bool
    usual: timedelta
    shortest: timedelta
    timeout: timedelta
    chosen: bool
    self_approval: bool
    bound_identity: bool
    emergency: timedelta  # how long break-glass lasts at most; zero where there is none
    extension: bool
    early_return: bool
    may_end: str  # who else, and empty where nobody
    approver_may_shorten: bool
    grain: timedelta  # to which deadlines are rounded up; zero where they are not
    step_up: str  # where it must be confirmed, and empty where nowhere

    @classmethod
    def of(cls, rule: Rule) -> Terms:
        life = rule.lifetime
        return cls(
            quorum=rule.seats,
            stages=", then ".join(map(_stage, rule.stages)) if not _is_plain(rule) else "",
            longest=life.maximum,
            permanent=life.permanent,
            usual=life.default,
            shortest=life.minimum,
            timeout=rule.timeout,
            chosen=rule.lets_choose,
            self_approval=rule.self_approval,
            bound_identity=rule.bound_identity,
            emergency=rule.break_glass.maximum if rule.break_glass else timedelta(),
            extension=rule.extension,
            early_return=rule.early_return,
            may_end=", ".join((*rule.may_end.groups, *(["owners"] if rule.may_end.owners else []))),
            approver_may_shorten=life.approver_may_shorten,
            grain=life.grain,
            step_up=rule.step_up or "",
        )


def _is_plain(rule: Rule) -> bool:
    """Tell whether the number of approvals says it all."""
    return len(rule.stages) < 2 and not any(stage.distinct_groups for stage in rule.stages)


def _stage(stage: Stage) -> str:
    return f"{stage.name} ({stage.quorum}{' of different groups' if stage.distinct_groups else ''})"


@dataclass(frozen=True, slots=True)
class Reach:
    """What policies give in one situation; e-mail addresses are folded."""

    askers: frozenset[str]
    approvers: frozenset[Seat]  # for a request of somebody else
    terms: Terms
    breakers: frozenset[str] = frozenset()  # who may go ahead in an emergency


@dataclass(frozen=True, slots=True)
class Questions:
    """The answers on which anything depends, in any of the versions of a flow that are compared."""

    names: tuple[str, ...]  # the environment first
    named: Mapping[str, frozenset[str]]  # by field, the answers that rules name

    @classmethod
    def of(cls, flows: Iterable[Flow]) -> Questions:
        named: dict[str, frozenset[str]] = {}
        names = [ENVIRONMENT]
        for flow in flows:
            for rule in flow.rules:
                for name, accepted in rule.when.items():
                    named[name] = named.get(name, frozenset()) | accepted
            names += [field.name for field in flow.fields if field.source]
        return cls(tuple(dict.fromkeys((*names, *sorted(named)))), named)

    def situations(self, policies: Policies, flow: Flow) -> Iterator[Situation]:
        """Yield every situation that *flow*'s form can describe under *policies*."""
        for environment in policies.catalogue.environments:
            values = (self._values(policies, flow, name, environment) for name in self.names[1:])
            yield from product((environment,), *values)

    def _values(self, policies: Policies, flow: Flow, name: str, environment: str) -> tuple[str, ...]:
        field = flow.field(name)
        if field is None:
            return (UNASKED,)
        if field.source:
            items = tuple(option.value for option in policies.catalogue.options(field.source, environment))
            return (*items, "") if field.optional else items
        named = self.named.get(name, frozenset())
        is_all = bool(field.options) and named >= set(field.options)
        return tuple(sorted(named)) if is_all else (*sorted(named), OTHER)


class Survey:
    """The reach of one flow in one version of policies; `unsure` says where owners could not be told."""

    def __init__(self, policies: Policies, flow: Flow, questions: Questions) -> None:
        self._policies = policies
        self._flow = flow
        self._questions = questions
        self._askers: dict[int, frozenset[str]] = {}  # by the identity of the rule: there are few
        self._approvers: dict[tuple[int, frozenset[str]], frozenset[Seat]] = {}
        self.unsure: set[str] = set()

    def reach(self) -> dict[Situation, Reach]:
        """Return the reach in every situation in which anybody may ask."""
        found = {}
        for situation in self._questions.situations(self._policies, self._flow):
            answers = dict(zip(self._questions.names, situation, strict=True))
            rule = self._policies.rule_for(self._flow, answers)
            if rule is not None and (askers := self._may_ask(rule)):
                approvers, breakers = self._may_approve(rule, answers), self._may_break_glass(rule)
                found[situation] = Reach(askers, approvers, Terms.of(rule), breakers)
        return found

    def _may_ask(self, rule: Rule) -> frozenset[str]:
        if id(rule) not in self._askers:
            members = self._policies.people.members(rule.may_request)
            self._askers[id(rule)] = known(self._policies, rule, members)
        return self._askers[id(rule)]

    def _may_break_glass(self, rule: Rule) -> frozenset[str]:
        if rule.break_glass is None:
            return frozenset()
        return known(self._policies, rule, self._policies.people.members(rule.break_glass.groups))

    def _may_approve(self, rule: Rule, answers: Mapping[str, str]) -> frozenset[Seat]:
        owners = self._owners(answers) if any(s.approvers.owners for s in rule.stages) else frozenset()
        key = id(rule), owners
        if key not in self._approvers:
            found = recognised(self._policies, rule, panels(self._policies.people, rule, owners, requester=""))
            seats = {(panel.stage.name, email) for panel in found for email in panel.emails}
            in_slack = {
                (stage.name, f"{group} in Slack")
                for stage in rule.stages
                for group in stage.approvers.groups
                if group in self._policies.people.external
            }
            self._approvers[key] = frozenset(seats | in_slack)
        return self._approvers[key]

    def _owners(self, answers: Mapping[str, str]) -> frozenset[str]:
        """Return who owns what is asked for: only the flow's own change can tell, made from an example."""
        try:
            change = KINDS[self._flow.id].from_answers(self._example(answers), self._policies.catalogue)
        except Problems as error:
            self.unsure.update(problem.sentence for problem in error.problems)
            return frozenset()
        return change.owners(self._policies.catalogue)

    def _example(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Fill the form as its author shows it: with each question's default, placeholder or first option."""
        shown = {
            field.name: field.default or field.placeholder or next(iter(field.options), "")
            for field in self._flow.fields
        }
        return shown | {name: value for name, value in answers.items() if value not in (OTHER, UNASKED)}
