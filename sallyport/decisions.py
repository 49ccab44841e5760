"""Who may ask, who may approve, whether it is approved, and until when: pure functions, no I/O, no clock.

The coordinator decides with them, and the executor decides again with the same ones before it changes AWS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sallyport.approval import chosen, panels, standing
from sallyport.entries import BREAK_GLASS, POLICY, SLACK_AND_BACK, Entry, Grant, is_scheduled
from sallyport.flows import DURATION, ENVIRONMENT, INCIDENT, PERMANENT, REASON, Flow, Lifetime, Rule
from sallyport.people import People
from sallyport.policies import Policies
from sallyport.problems import Problem
from sallyport.schedules import FLOW as STOPS
from sallyport.schedules import said_of
from sallyport.times import format_duration, format_moment, parse_duration, rounding, say_duration

NO_BREAK_GLASS = Problem("policy gives you no break-glass here", "ask for it as usual", field=ENVIRONMENT)
REASON_LONGEST = 2000
INCIDENT_LONGEST = 100
_NO_GRANT = (
    "policy approves it by itself, which only the coordinator can say; in a pull request somebody else who may "
    "ask for it must approve it"
)
USUAL = ("15m", "30m", "1h", "2h", "4h", "8h", "1d", "3d", "7d", "30d", "90d")  # durations that forms offer


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


def incident_problem(incident: str) -> Problem | None:
    """Say what is wrong with the reference of an incident, by which a review finds what it was about."""
    if not incident.strip():
        return Problem("an incident is needed", "name it as its tool does, such as INC-4711", field=INCIDENT)
    if len(incident) > INCIDENT_LONGEST:
        what = f"the incident has {len(incident)} characters"
        return Problem(what, f"name it in {INCIDENT_LONGEST}, and say the rest in the reason", field=INCIDENT)
    if not incident.isprintable():
        return Problem("the incident is not one line of text", "type its reference anew", field=INCIDENT)
    return None


def chosen_lifetime(life: Lifetime, text: str) -> timedelta | None:
    """Return how long the entry shall live (None is permanent); ValueError if policy does not allow it."""
    if not text.strip():
        return life.default
    if text == PERMANENT:
        if not life.permanent:
            raise ValueError(f"permanent is not allowed here; the longest is {format_duration(life.maximum)}")
        return None
    length = parse_duration(text)
    if not life.minimum <= length <= life.maximum:
        shortest, longest = format_duration(life.minimum), format_duration(life.maximum)
        raise ValueError(f"{text} is outside what policy allows here: from {shortest} to {longest}")
    return length


def lifetime_problem(life: Lifetime, text: str) -> Problem | None:
    """Say why policy does not allow the duration *text*."""
    try:
        chosen_lifetime(life, text)
    except ValueError as error:
        return Problem(str(error), field=DURATION)
    return None


def duration_choices(life: Lifetime) -> tuple[tuple[str, str], ...]:
    """Return the durations a form offers as (value, label), the default first."""
    usual = (length for length in map(parse_duration, USUAL) if life.minimum <= length <= life.maximum)
    lengths = dict.fromkeys((life.default, *usual))
    choices = [(format_duration(length), say_duration(length)) for length in lengths]
    return (*choices, (PERMANENT, "Permanent")) if life.permanent else tuple(choices)


def shorter_choices(life: Lifetime, asked: timedelta | None) -> tuple[tuple[str, str], ...]:
    """Return the durations an approver may choose from: what was asked first, and what is shorter."""
    longest = asked if asked is not None else life.maximum
    upto = replace(life, default=longest, maximum=longest, minimum=min(life.minimum, longest), permanent=False)
    choices = duration_choices(upto)
    return choices if asked is not None else ((PERMANENT, "Permanent"), *choices)


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
    wrong = (p for change in entry.changes for p in change.problems(entry.environment, policies.catalogue))
    return tuple(dict.fromkeys((*approval_refusals(entry, policies), *(problem.sentence for problem in wrong))))


def approval_refusals(entry: Entry, policies: Policies) -> tuple[str, ...]:
    """Say what policy has against who asked for *entry*, who approved it, and until when: all but its changes."""
    if not entry.changes:
        return ("it changes nothing",)
    return tuple(dict.fromkeys(refusal for one in entry.alone() for refusal in _refusals(one, policies)))


def _refusals(entry: Entry, policies: Policies) -> Sequence[str]:
    flow = policies.flows.get(entry.flow)
    rule = policies.rule_for(flow, answers_of(entry)) if flow else None
    if flow is None or rule is None:
        return [f"policy has no rule for {entry.flow} in {entry.environment}"]
    if entry.grant is not None and is_scheduled(entry.grant):
        return schedule_refusals(entry, entry.grant, policies)
    if policies.people.external:
        policies = replace(policies, people=_as_attested(policies.people, entry))
    barred = None if is_emergency(entry.grant) else requester_problem(policies, flow, rule, entry.requested_by)
    missing, approved_at = _approval(entry, rule, policies)
    if rule.step_up and entry.confirmation and approved_at:
        approved_at = max(approved_at, entry.confirmation.at)
    refusals = [barred.sentence] if barred else []
    refusals += [missing] if missing else []
    return refusals + _deadline_refusals(entry.expires_at, approved_at, limits(rule, entry.grant))


def schedule_refusals(entry: Entry, grant: Grant, policies: Policies) -> list[str]:
    """Say why no schedule asks for what *entry* says that one does: then nobody does at all.

    It is granted for a part of one period of sleep, and ends with it: how long a rule lets people stop an
    environment does not matter.
    """
    schedule = policies.schedule_of(entry.environment)
    if schedule is None or entry.flow != STOPS:
        return [f"no schedule asks for {entry.flow} in {entry.environment}"]
    named = said_of(schedule.requester)
    if entry.requested_by != schedule.requester:
        return [f"{entry.environment} sleeps by {named}, and it was asked for by {said_of(entry.requested_by)}"]
    period = schedule.period_at(grant.at)
    if period is None:
        return [f"{named} keeps {entry.environment} up at {format_moment(grant.at)}"]
    if entry.expires_at is None or entry.expires_at > period.end:
        return [f"{named} wants {entry.environment} up again at {format_moment(period.end)}, before it would end"]
    return []


def is_emergency(grant: Grant | None) -> bool:
    """Tell whether nobody was asked because there was no time to."""
    return grant is not None and grant.through == BREAK_GLASS


def limits(rule: Rule, grant: Grant | None = None) -> Lifetime:
    """Return how long an entry may live: what is granted in an emergency shorter, and never permanently."""
    if not is_emergency(grant) or rule.break_glass is None:
        return rule.lifetime
    longest, life = rule.break_glass.maximum, rule.lifetime
    shortest, usual = min(life.minimum, longest), min(life.default, longest)
    return replace(life, maximum=longest, minimum=shortest, default=usual, permanent=False)


def grain_of(entry: Entry, policies: Policies) -> timedelta:
    """Return the grain to which a deadline of *entry* is rounded up that is counted from its approval.

    Of several rules' it is the finest, since each of them must accept the deadline.
    """
    flow = policies.flows.get(entry.flow)
    rules = [policies.rule_for(flow, answers_of(one)) for one in entry.alone()] if flow else []
    return min((rule.lifetime.grain if rule else timedelta() for rule in rules), default=timedelta())


def _as_attested(people: People, entry: Entry) -> People:
    """Return *people* with external groups as far as approvers spoke for them, which the coordinator attests."""
    spoken = {
        group: [approval.by for approval in entry.approvals if group in approval.speaks_for]
        for group in people.external
    }
    return people.with_members(spoken)


def _approval(entry: Entry, rule: Rule, policies: Policies) -> tuple[str, datetime | None]:
    """Return why the entry is not approved, or else empty and when the last approval that counts was given."""
    grant, people = entry.grant, policies.people
    if grant is not None:
        return grant_refusal(people, rule, entry.requested_by, grant), grant.at
    owners = frozenset().union(*(change.owners(policies.catalogue) for change in entry.changes))
    found = chosen(panels(people, rule, owners, entry.requested_by), entry.asked)
    approvals = [(people.canonical(approval.by), approval.at) for approval in entry.approvals]
    if not found:  # the rule approves by itself, and did not always: an approval then says no less
        return "" if approvals else _NO_GRANT, max((at for _, at in approvals), default=None)
    reached = standing(found, (by for by, _ in approvals))
    may_decide = frozenset().union(*(panel.emails for panel in found))
    last = max((at for by, at in approvals if by in may_decide), default=None)
    if reached.panel is None:
        return "", last
    own = any(by == people.canonical(entry.requested_by) for by, _ in approvals)
    tail = "; nobody approves their own request" if own else " by people whom policy accepts"
    stage = f" at the stage {reached.panel.stage.name}" if len(found) > 1 else ""
    return f"it has {reached.missing}{stage}{tail}", last


def may_break_glass(people: People, rule: Rule, email: str) -> bool:
    """Tell whether policy lets this person go ahead in an emergency without anybody's approval."""
    return rule.break_glass is not None and people.in_groups(email, rule.break_glass.groups)


def grant_refusal(people: People, rule: Rule, requester: str, grant: Grant) -> str:
    """Say why nobody's approval is not enough here; empty if policy lets it be."""
    if grant.through == POLICY:
        return "" if rule.approves_by_itself else "policy wants it approved by people"
    if not may_break_glass(people, rule, requester):
        return "policy gives its requester no break-glass here"
    return "" if grant.incident.strip() else "it names no incident"


def _deadline_refusals(expires_at: datetime | None, approved_at: datetime | None, life: Lifetime) -> list[str]:
    """Measure the life of an entry from the last approval that counts: another one cannot lengthen it."""
    if expires_at is None:
        return [] if life.permanent else ["it has no deadline, and policy allows no permanent entry here"]
    if approved_at is None:
        return []
    more = max(SLACK_AND_BACK, rounding(approved_at, life.maximum, life.grain))
    if expires_at - approved_at <= life.maximum + more:
        return []
    longest = format_duration(life.maximum)
    return [f"it would live longer than {longest}, the longest that policy allows here{_rounded(life)}"]


def _rounded(life: Lifetime) -> str:
    return f", rounded up to {format_duration(life.grain)}" if life.grain else ""
