"""An explanation as JSON values, for tools that read it.

Facts that are not known yet, and those that do not exist, are null.
"""

from __future__ import annotations

from sallyport.documents import JSON
from sallyport.flows import Lifetime, Stage
from sallyport.schedules import Schedule
from sallyport.times import format_duration
from sallyport.whatif.explaining import Candidate, Explanation, Footprint, RuleFit


def mapping(explanation: Explanation) -> dict[str, JSON]:
    """Return the explanation as plain values; what is not known yet is null."""
    verdict, rule, footprint = explanation.verdict, explanation.rule, explanation.footprint
    lifetime = rule.lifetime if rule else None
    return {
        "flow": explanation.flow.id,
        "requester": explanation.requester.email,
        "rules": [_rule_mapping(fit) for fit in explanation.fits],
        "rule": rule.name if rule else None,
        "may_ask": verdict.barred is None if verdict else None,
        "may_ask_through": list(explanation.entitled_by),
        "barred": verdict.barred.sentence if verdict and verdict.barred else None,
        "missing": list(explanation.missing),
        "wrong": [{"field": problem.field, "problem": problem.sentence} for problem in explanation.faults],
        "quorum": rule.seats if rule else None,
        "stages": [_stage_mapping(stage) for stage in rule.stages] if rule else None,
        "approves_by_itself": rule.approves_by_itself if rule else None,
        "requester_chooses_approver": rule.lets_choose if rule else None,
        "approvers": [_candidate_mapping(c) for c in explanation.candidates if not c.left_out],
        "left_out": [_candidate_mapping(c) for c in explanation.candidates if c.left_out],
        "approver_groups_in_slack": list(explanation.in_slack),
        "break_glass": _emergency_mapping(explanation),
        "step_up": _second_mapping(explanation),
        "owners_unknown": explanation.owners_unknown,
        "timeout": format_duration(rule.timeout) if rule else None,
        "lifetime": (verdict.lifetime or None) if verdict else None,
        "lifetime_limits": _limits_mapping(lifetime) if lifetime else None,
        "schedule": _schedule_mapping(explanation.schedule) if explanation.schedule else None,
        "ticket": {
            "type": explanation.flow.ticket.type,
            "labels": list(explanation.flow.ticket.labels),
            "status": explanation.first_status,
            "summary": footprint.summary if footprint else None,
        },
        "aws": _aws_mapping(footprint) if footprint else None,
    }


def _rule_mapping(fit: RuleFit) -> dict[str, JSON]:
    because: list[JSON] = [
        {"field": name, "wanted": wanted, "answered": given or None} for name, wanted, given in fit.because
    ]
    return {"name": fit.rule.name, "fit": fit.fit.value, "because": because}


def _emergency_mapping(explanation: Explanation) -> JSON:
    emergency = explanation.rule.break_glass if explanation.rule else None
    if emergency is None:
        return None
    who: list[JSON] = [person.email for person in explanation.breakers]
    return {"groups": list(emergency.groups), "max": format_duration(emergency.maximum), "people": who}


def _schedule_mapping(schedule: Schedule) -> dict[str, JSON]:
    lengths = {"shortest": schedule.shortest, "longest_keep": schedule.longest_keep}
    return {
        "name": schedule.name,
        "up": schedule.words(),
        **{name: format_duration(length) for name, length in lengths.items()},
    }


def _second_mapping(explanation: Explanation) -> JSON:
    place = explanation.rule.step_up if explanation.rule else None
    if place is None:
        return None
    who: list[JSON] = [{"email": person.email, "login": person.github} for person in explanation.confirmers]
    return {"place": place.value, "people": who}


def _stage_mapping(stage: Stage) -> dict[str, JSON]:
    return {"name": stage.name, "quorum": stage.quorum, "distinct_groups": stage.distinct_groups}


def _aws_mapping(footprint: Footprint) -> dict[str, JSON]:
    access = footprint.access
    return {"account": access.account, "region": access.region, "role": access.role, "lock": footprint.lock}


def _candidate_mapping(candidate: Candidate) -> dict[str, JSON]:
    why: dict[str, JSON] = {
        "email": candidate.person.email,
        "name": candidate.person.name,
        "why": list(candidate.why),
    }
    return {**why, "left_out": candidate.left_out} if candidate.left_out else why


def _limits_mapping(lifetime: Lifetime) -> dict[str, JSON]:
    lengths = {"default": lifetime.default, "min": lifetime.minimum, "max": lifetime.maximum}
    return {
        **{name: format_duration(length) for name, length in lengths.items()},
        "permanent": lifetime.permanent,
        "round_up_to": format_duration(lifetime.grain) if lifetime.grain else None,
    }
