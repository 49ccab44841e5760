"""From the data of a flow's policy file, which fit its JSON Schema, to the flow as a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import time, timedelta
from typing import Any, cast

from sallyport.flows import (
    TAGS,
    Approvers,
    BreakGlass,
    Cards,
    Enders,
    Field,
    FieldKind,
    Flow,
    Lifetime,
    Nudges,
    OnDrift,
    Removals,
    Rule,
    Stage,
    StepUp,
    TicketStyle,
)
from sallyport.times import parse_duration

SINGLE_STAGE = "approval"  # what the only stage of a rule is called
_OF_STAGE = ("approvers", "quorum", "distinct_groups")  # what a rule of a single stage says of it


def read_flow(data: Mapping[str, Any]) -> Flow:
    """Return the flow that the data of a file describe, which fit the JSON Schema of flows."""
    return Flow(
        id=data["flow"],
        prefix=data["prefix"],
        command=data["command"],
        title=data["title"],
        verb=data["verb"],
        fields=tuple(_field(name, facts) for name, facts in data["fields"].items()),
        rules=tuple(_rule(number, facts) for number, facts in enumerate(data["rules"], 1)),
        ticket=TicketStyle(data["ticket"]["type"], tuple(data["ticket"].get("labels", ()))),
        channel=data.get("channel", ""),
        defaults=data.get("defaults", {}),
        examples=tuple(data.get("examples", ())),
        options=data.get("options", {}),
        notice=parse_duration(data["notice"]) if "notice" in data else timedelta(),
        nudges=_nudges(data["nudges"]) if "nudges" in data else None,
        announce_end=data.get("announce_end", False),
        drift=OnDrift(data.get("drift", OnDrift.REPORT)),
        removals=Removals(**data.get("removals", {})),
    )


def _field(name: str, facts: Mapping[str, Any]) -> Field:
    plain = {key: facts[key] for key in ("hint", "placeholder", "optional", "default") if key in facts}
    kind = FieldKind(facts["kind"])
    return Field(name, facts["label"], kind, tuple(facts.get("options", ())), facts.get("from", ""), **plain)


def _rule(number: int, facts: Mapping[str, Any]) -> Rule:
    when = {name: frozenset([given] if isinstance(given, str) else given) for name, given in _when(facts)}
    plain = ("self_approval", "bound_identity", "extension", "early_return", "confirm")
    emergency, cards, enders = facts.get("break_glass"), facts.get("cards", {}), facts.get("may_end", {})
    return Rule(
        name=facts.get("name", f"rule {number}"),
        when={name: accepted for name, accepted in when.items() if name != TAGS},
        tags=when.get(TAGS, frozenset()),
        may_request=tuple(facts["may_request"]["groups"]),
        stages=tuple(_stages(facts)),
        timeout=parse_duration(facts["timeout"]),
        lifetime=_lifetime(facts["duration"]),
        break_glass=BreakGlass(tuple(emergency["groups"]), parse_duration(emergency["max"]))
        if emergency
        else None,
        may_end=Enders(tuple(enders.get("groups", ())), enders.get("owners", False)),
        cards=Cards(cards.get("direct", True), cards.get("channel", "")),
        step_up=StepUp(facts["step_up"]) if "step_up" in facts else None,
        **{name: facts[name] for name in plain if name in facts},
    )


def _when(facts: Mapping[str, Any]) -> Iterable[tuple[str, str | list[str]]]:
    return cast(Mapping[str, "str | list[str]"], facts.get("when", {})).items()


def _stages(facts: Mapping[str, Any]) -> Iterator[Stage]:
    """Yield the stages of a rule; one with `approvers` has a single one, and one that approves by itself none."""
    if "approvers" in facts:
        yield _stage({"name": SINGLE_STAGE, **{key: facts[key] for key in _OF_STAGE if key in facts}})
    yield from map(_stage, facts.get("stages", ()))


def _stage(facts: Mapping[str, Any]) -> Stage:
    approvers = facts["approvers"]
    return Stage(
        name=facts["name"],
        approvers=Approvers(
            people=frozenset(email.casefold() for email in approvers.get("people", ())),
            groups=tuple(approvers.get("groups", ())),
            owners=approvers.get("owners", False),
            chosen=approvers.get("chosen", False),
        ),
        quorum=facts.get("quorum", 1),
        distinct_groups=facts.get("distinct_groups", False),
    )


def _lifetime(facts: Mapping[str, Any]) -> Lifetime:
    return Lifetime(
        default=parse_duration(facts["default"]),
        maximum=parse_duration(facts["max"]),
        minimum=parse_duration(facts.get("min", "1m")),
        permanent=facts.get("permanent", False),
        approver_may_shorten=facts.get("approver_may_shorten", False),
        grain=parse_duration(facts["round_up_to"]) if "round_up_to" in facts else timedelta(),
    )


def _nudges(facts: Mapping[str, Any]) -> Nudges:
    hours = facts["working_hours"]
    start, end = (time.fromisoformat(hours[name]) for name in ("from", "to"))
    return Nudges(facts["automatic"], hours["timezone"], start, end)
