"""Who may ask, who may approve, whether it is approved, and until when: pure functions, no I/O, no clock.

The coordinator decides with them, and the executor decides again with the same ones before it changes AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sallyport.entries import Entry
from sallyport.flows import APPROVER, DURATION, ENVIRONMENT, PERMANENT, REASON, Flow, Rule
from sallyport.people import same_person
from sallyport.policies import Policies
from sallyport.problems import Problem
from sallyport.times import format_duration, parse_duration, say_duration

REASON_LONGEST = 2000
SLACK_AND_BACK = timedelta(minutes=10)  # how far a coordinator's clock may be ahead of a job's


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a request has come: approved, or what is still missing, in words for a person."""

    approved: bool
    given: int
    needed: int

    @property
    def missing(self) -> str:
        return f"{self.given} of {self.needed} approvals"


def requester_problem(policies: Policies, flow: Flow, rule: Rule | None, email: str) -> Problem | None:
    """Say why *email* may not ask for this; None if policy lets the person."""
    if rule is None:
        return Problem(
            f"policy has no rule for this {flow.title.lower()}", "nobody may ask for it", field=ENVIRONMENT
        )
    if not policies.people.in_groups(email, rule.may_request):
        groups = ", ".join(rule.may_request)
        return Problem(f"only members of {groups} may ask for this", "ask to be added there", field=ENVIRONMENT)
    return None


def reason_problem(reason: str) -> Problem | None:
    """Say what is wrong with a reason, which an approver and an auditor will read."""
    if not reason.strip():
        return Problem("a reason is needed", "say what it is for; approvers and auditors read it", field=REASON)
    if not reason.isascii() and any("\ud800" <= character <= "\udfff" for character in reason):
        return Problem(
            "the reason has half a character in it", "type the emoji or sign at its end anew", field=REASON
        )
    if len(reason) > REASON_LONGEST:
        what = f"the reason has {len(reason)} characters"
        return Problem(what, f"say it in {REASON_LONGEST}, and link the rest", field=REASON)
    return None


def chosen_lifetime(rule: Rule, text: str) -> timedelta | None:
    """Return how long the entry shall live (None is permanent); ValueError if the rule does not allow it."""
    limits = rule.lifetime
    if not text.strip():
        return limits.default
    if text == PERMANENT:
        if not limits.permanent:
            raise ValueError(f"permanent is not allowed here; the longest is {format_duration(limits.maximum)}")
        return None
    length = parse_duration(text)
    if not limits.minimum <= length <= limits.maximum:
        shortest, longest = format_duration(limits.minimum), format_duration(limits.maximum)
        raise ValueError(f"{text} is outside what policy allows here: from {shortest} to {longest}")
    return length


def lifetime_problem(rule: Rule, text: str) -> Problem | None:
    """Say why the rule does not allow the duration *text*."""
    try:
        chosen_lifetime(rule, text)
    except ValueError as error:
        return Problem(str(error), field=DURATION)
    return None


def duration_choices(rule: Rule) -> tuple[tuple[str, str], ...]:
    """Return the durations a form offers as (value, label), the default first."""
    limits = rule.lifetime
    usual = [
        parse_duration(text) for text in ("15m", "30m", "1h", "2h", "4h", "8h", "1d", "3d", "7d", "30d", "90d")
    ]
    lengths = [
        limits.default,
        *(x for x in usual if limits.minimum <= x <= limits.maximum and x != limits.default),
    ]
    choices = [(format_duration(length), say_duration(length)) for length in lengths]
    return (*choices, (PERMANENT, "Permanent")) if limits.permanent else tuple(choices)


def eligible_approvers(policies: Policies, rule: Rule, owners: Iterable[str], requester: str) -> frozenset[str]:
    """Return who may decide, as folded e-mail addresses; the requester never, unless the rule allows it."""
    spec = rule.approvers
    owned = frozenset(owner.casefold() for owner in owners) if spec.owners else frozenset()
    known = {p.email.casefold() for p in policies.people.persons}
    eligible = (spec.people | policies.people.members(spec.groups) | owned) & known
    return eligible if rule.self_approval else eligible - {requester.casefold()}


def deciders(rule: Rule, eligible: frozenset[str], asked: str) -> frozenset[str]:
    """Narrow the eligible to the one whom the requester chose, where the rule has him choose."""
    return eligible & {asked.casefold()} if rule.approvers.chosen else eligible


def approver_problem(rule: Rule, eligible: frozenset[str], asked: str) -> Problem | None:
    """Say why nobody could approve as the form stands."""
    if not eligible:
        return Problem("nobody can approve this: policy names no one but you", "ask its owners", field=ENVIRONMENT)
    if rule.approvers.chosen and asked.casefold() not in eligible:
        return Problem("this person may not approve it", "choose one of the list", field=APPROVER)
    if not rule.approvers.chosen and len(eligible) < rule.quorum:
        what = f"{rule.quorum} approvals are needed and only {len(eligible)} people could give one"
        return Problem(what, "ask the owners of the policy", field=ENVIRONMENT)
    return None


def standing(rule: Rule, may_decide: frozenset[str], approved_by: Iterable[str]) -> Standing:
    """Count distinct people who approved and still may."""
    count = len({email.casefold() for email in approved_by} & may_decide)
    needed = 1 if rule.approvers.chosen else rule.quorum
    return Standing(count >= needed, count, needed)


def answers_of(entry: Entry) -> Mapping[str, str]:
    """Return what rules are chosen by, for an entry with one change."""
    facts: dict[str, str] = {}
    for change in entry.changes:
        facts.update({name: value for name, value in change.to_mapping().items() if isinstance(value, str)})
    return {**facts, ENVIRONMENT: entry.environment}


def entry_refusals(entry: Entry, policies: Policies) -> tuple[str, ...]:
    """Evaluate policy again for an entry that claims to be approved; empty if everything holds.

    Each change is judged as if it stood alone, so that none hides behind the rule or the owners of another.
    """
    if not entry.changes:
        return ("it changes nothing",)
    each = (_refusals(replace(entry, changes=(change,)), policies) for change in entry.changes)
    return tuple(dict.fromkeys(refusal for refusals in each for refusal in refusals))


def _refusals(entry: Entry, policies: Policies) -> list[str]:
    flow = policies.flows.get(entry.flow)
    rule = flow.rule_for(answers_of(entry)) if flow else None
    if flow is None or rule is None:
        return [f"policy has no rule for {entry.flow} in {entry.environment}"]
    refusals = [p.sentence for p in (requester_problem(policies, flow, rule, entry.requested_by),) if p]
    refusals += [
        p.sentence for change in entry.changes for p in change.problems(entry.environment, policies.catalogue)
    ]
    owners = frozenset().union(*(change.owners(policies.catalogue) for change in entry.changes))
    eligible = eligible_approvers(policies, rule, owners, entry.requested_by)
    may_decide = deciders(rule, eligible, entry.asked)
    reached = standing(rule, may_decide, (approval.by for approval in entry.approvals))
    if not reached.approved:
        own = any(same_person(approval.by, entry.requested_by) for approval in entry.approvals)
        tail = "; nobody approves their own request" if own else " by people whom policy accepts"
        refusals.append(f"it has {reached.missing}{tail}")
    counted = [approval.at for approval in entry.approvals if approval.by.casefold() in may_decide]
    return refusals + _deadline_refusals(entry.expires_at, counted, rule)


def _deadline_refusals(expires_at: datetime | None, approved_at: list[datetime], rule: Rule) -> list[str]:
    """Measure the life of an entry from the last approval that counts: another one cannot lengthen it."""
    if expires_at is None:
        return [] if rule.lifetime.permanent else ["it has no deadline, and policy allows no permanent entry here"]
    if not approved_at or expires_at - max(approved_at) <= rule.lifetime.maximum + SLACK_AND_BACK:
        return []
    longest = format_duration(rule.lifetime.maximum)
    return [f"it would live longer than {longest}, the longest that policy allows here"]
