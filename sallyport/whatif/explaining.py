"""Why policies decide as they do on one ask: which rule, who may ask, who could approve, for how long, with what.

Facts only; `sentences` puts them into words. Works on half a form: what is missing is told, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sallyport.catalogue import Catalogue
from sallyport.changes import Change
from sallyport.changes.protocol import Access
from sallyport.flows import APPROVER, DURATION, ENVIRONMENT, TAGS, Flow, Rule
from sallyport.people import EVERYONE, Person
from sallyport.policies import Policies
from sallyport.problems import Problem
from sallyport.schedules import FLOW as STOPS
from sallyport.schedules import Schedule
from sallyport.whatif.verdicts import Verdict, identity_problem, judge, known, unknown_members


class Fit(StrEnum):
    """How a rule stands to the answers."""

    APPLIES = "applies"
    DIFFERS = "differs"  # an answer is another than the rule is for
    OPEN = "open"  # it depends on an answer that is missing
    LATER = "later"  # not looked at: an earlier rule applies


@dataclass(frozen=True, slots=True)
class RuleFit:
    """A rule and what decides whether it applies: field, what the rule is for, what was answered."""

    rule: Rule
    fit: Fit
    because: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whom the rule names as approver: why, and why not after all (empty if that person could)."""

    person: Person
    why: tuple[str, ...]
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What an allowed ask would touch: the ticket's summary, the AWS role, the lock, and what becomes possible."""

    summary: str
    access: Access
    lock: str
    effect: str
    undo: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that policies say; there is no verdict while a missing answer decides which rule applies."""

    flow: Flow
    requester: Person
    fits: tuple[RuleFit, ...]
    missing: tuple[str, ...]  # the fields that have no answer yet
    verdict: Verdict | None
    faults: tuple[Problem, ...]  # what is wrong with the answers that were given
    entitled_by: tuple[str, ...]  # the groups through which the person may ask
    candidates: tuple[Candidate, ...]
    footprint: Footprint | None
    first_status: str  # of the ticket
    in_slack: tuple[str, ...] = ()  # groups of approvers whose members only Slack knows
    breakers: tuple[Person, ...] = ()  # who may go ahead in an emergency
    schedule: Schedule | None = None  # by which the same happens without anybody who asks
    confirmers: tuple[Person, ...] = ()  # who could confirm it in GitHub, where the rule wants that

    @property
    def rule(self) -> Rule | None:
        return self.verdict.rule if self.verdict else None

    @property
    def owners_unknown(self) -> bool:
        """Whether owners would approve too, and it is not known yet of what."""
        return bool(
            self.verdict
            and self.rule
            and any(stage.approvers.owners for stage in self.rule.stages)
            and not self.verdict.change
        )


def explain(policies: Policies, flow: Flow, requester: str, answers: Mapping[str, str]) -> Explanation:
    """Explain what policies say when *requester* (e-mail address) gives these *answers*."""
    answers = {name: value.strip() for name, value in answers.items() if value.strip()}
    fits = tuple(_fits(policies, flow, answers))
    undecided = next((fit for fit in fits if fit.fit in (Fit.APPLIES, Fit.OPEN)), None)
    verdict = judge(policies, flow, requester, answers) if not undecided or undecided.fit is Fit.APPLIES else None
    rule = verdict.rule if verdict else None
    missing = () if verdict and not rule else tuple(_missing(flow, rule, answers))  # what is denied needs no more
    faults = tuple(problem for problem in verdict.faults if problem.field not in missing) if verdict else ()
    candidates = tuple(_candidates(policies, rule, verdict, requester, answers)) if verdict and rule else ()
    footprint = None
    try:
        footprint = _footprint(flow, verdict.change, answers, policies.catalogue) if verdict else None
    except LookupError as error:  # the catalogue lacks something that this environment needs
        faults = (*faults, Problem(str(error), field=ENVIRONMENT))
    return Explanation(
        flow=flow,
        requester=policies.people.by_email(requester) or Person(requester),
        fits=fits,
        missing=missing,
        verdict=verdict,
        faults=faults,
        entitled_by=_entitled_by(policies, rule, requester),
        candidates=candidates,
        footprint=footprint,
        first_status=policies.ticket_statuses["pending"].status,
        in_slack=unknown_members(policies, rule) if rule else (),
        breakers=_breakers(policies, rule) if rule else (),
        schedule=policies.schedule_of(answers.get(ENVIRONMENT, "")) if flow.id == STOPS else None,
        confirmers=tuple(_confirmers(policies, rule, candidates, requester)) if rule else (),
    )


def _breakers(policies: Policies, rule: Rule) -> tuple[Person, ...]:
    people = policies.people
    groups = rule.break_glass.groups if rule.break_glass else ()
    emails = sorted(known(policies, rule, people.members(groups)))
    return tuple(person for email in emails if (person := people.by_email(email)))


def _confirmers(
    policies: Policies, rule: Rule, candidates: Iterable[Candidate], requester: str
) -> Iterator[Person]:
    """Yield who could confirm it: any approver with a GitHub login, also one whom the requester did not choose."""
    for candidate in candidates if rule.step_up else ():
        person = candidate.person
        if person.github and not policies.people.is_same(person.email, requester):
            yield person


def _fits(policies: Policies, flow: Flow, answers: Mapping[str, str]) -> Iterator[RuleFit]:
    optional = {field.name for field in flow.fields if field.optional}
    tags = policies.tags_of(flow, answers)
    untold = any(field.source and not answers.get(field.name) for field in flow.fields)  # items that may have tags
    over = False
    for rule in flow.rules:
        facts = tuple(
            (name, " or ".join(sorted(accepted)), answers.get(name, "")) for name, accepted in rule.when.items()
        )
        wrong = tuple(fact for fact in facts if fact[2] not in rule.when[fact[0]])
        differing = tuple(fact for fact in wrong if fact[2] or fact[0] in optional)
        unanswered = tuple(fact for fact in wrong if fact not in differing)
        if rule.tags:
            tagged = (TAGS, " or ".join(sorted(rule.tags)), " and ".join(sorted(tags)))
            facts = (*facts, tagged)
            if not rule.tags & tags:
                unanswered, differing = (
                    ((*unanswered, tagged), differing) if untold else (unanswered, (*differing, tagged))
                )
        if over:
            yield RuleFit(rule, Fit.LATER)
        elif differing:
            yield RuleFit(rule, Fit.DIFFERS, differing)
        elif unanswered:
            yield RuleFit(rule, Fit.OPEN, unanswered)
        else:
            over = True
            yield RuleFit(rule, Fit.APPLIES, facts)


def _missing(flow: Flow, rule: Rule | None, answers: Mapping[str, str]) -> Iterator[str]:
    for field in flow.fields:
        needless = field.optional or field.name == DURATION
        if field.name == APPROVER:
            needless = rule is None or not rule.lets_choose
        if field.name not in answers and not needless:
            yield field.name


def _entitled_by(policies: Policies, rule: Rule | None, requester: str) -> tuple[str, ...]:
    groups: Iterable[str] = rule.may_request if rule else ()
    return tuple(group for group in groups if policies.people.in_groups(requester, (group,)))


def _candidates(
    policies: Policies, rule: Rule, verdict: Verdict, requester: str, answers: Mapping[str, str]
) -> Iterator[Candidate]:
    owners = verdict.change.owners(policies.catalogue) if verdict.change else frozenset()
    for person in sorted(policies.people.persons, key=lambda person: person.label.casefold()):
        if why := tuple(_reasons(policies, rule, owners, person)):
            if policies.people.is_same(person.email, requester) and not rule.self_approval:
                left_out = "nobody approves their own request"
            elif problem := identity_problem(policies, rule, person.email):
                left_out = problem.sentence
            elif APPROVER in answers and person.email.casefold() not in verdict.deciders:
                left_out = f"{answers[APPROVER]} was chosen"
            else:
                left_out = ""
            yield Candidate(person, why, left_out)


def _reasons(policies: Policies, rule: Rule, owners: frozenset[str], person: Person) -> Iterator[str]:
    for stage in rule.stages:
        spec, at = stage.approvers, f" ({stage.name})" if len(rule.stages) > 1 else ""
        if any(policies.people.is_same(person.email, email) for email in spec.people):
            yield f"named by the rule{at}"
        for group in spec.groups:
            if policies.people.in_groups(person.email, (group,)):
                yield f"known to policies{at}" if group == EVERYONE else f"in the group {group}{at}"
        if spec.owners and any(policies.people.is_same(person.email, owner) for owner in owners):
            yield f"owns what is asked for{at}"


def _footprint(
    flow: Flow, change: Change | None, answers: Mapping[str, str], catalogue: Catalogue
) -> Footprint | None:
    if change is None:
        return None
    environment = answers[ENVIRONMENT]
    return Footprint(
        summary=f"{flow.title}: {change.title(catalogue)}",
        access=change.access(environment, catalogue),
        lock=change.lock(environment, catalogue),
        effect=change.effect(environment, catalogue),
        undo=change.undo(),
    )
