"""What Elastic Load Balancing keeps of anything, and how one is found among many. Values and pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.aws.errors import AwsError

Facts = dict[str, Any]


@dataclass(slots=True)
class Thing:
    """A balancer, target group, listener or rule, with what else is kept of it."""

    arn: str
    account: str
    facts: Facts
    attributes: dict[str, str] = field(default_factory=dict)
    tags: list[Facts] = field(default_factory=list)
    extra: list[Facts] = field(default_factory=list)  # targets of a group, further certificates of a listener
    parent: str = ""  # the balancer of a listener, the listener of a rule
    settles_at: datetime | None = None


def by_name(things: Mapping[str, Thing], account: str, member: str, name: str) -> Thing:
    return {(t.account, t.facts[member]): t for t in things.values()}[account, name]


def wanted(things: Mapping[str, Thing], account: str, member: str, name: str, code: str) -> Thing:
    try:
        return by_name(things, account, member, name)
    except KeyError:
        raise AwsError(code, f"One or more of them were not found: {name}") from None


def there(things: Mapping[str, Thing], arn: str, code: str) -> Thing:
    if arn not in things:
        raise AwsError(code, f"'{arn}' not found")
    return things[arn]


def insist_on_new(things: Mapping[str, Thing], account: str, member: str, name: str, code: str) -> None:
    if (account, name) in {(thing.account, thing.facts[member]) for thing in things.values()}:
        raise AwsError(code, f"One with the name '{name}' already exists")


def forwards(thing: Thing) -> Iterator[str]:
    return group_arns(thing.facts.get("DefaultActions") or thing.facts.get("Actions") or [])


def group_arns(actions: list[Facts]) -> Iterator[str]:
    return (action["TargetGroupArn"] for action in actions if "TargetGroupArn" in action)


def with_values(condition: Facts) -> Facts:
    """A condition as it is described: its values stand twice."""
    own = [value["Values"] for value in condition.values() if isinstance(value, dict)]
    return {**condition, "Values": own[0]} if own else condition


def pairs(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in attributes.items()]
