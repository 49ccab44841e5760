"""Says whether a call to a deployed API would get through, by AWS's rules for resource policies.

It shares no code with what writes policies, so that it can judge them. It never guesses: a condition, principal
or authorization type that it does not know raises `CannotJudge`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any


class CannotJudge(NotImplementedError):
    """The policy uses something that this judge has no rule for."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One call: from where, as whom, when (aware). `iam_allows`: the caller's own IAM policy allows it."""

    method: str
    path: str
    at: datetime
    source_ip: str | None = None
    vpce: str | None = None
    principal: str | None = None
    iam_allows: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """What a stage puts in the way of a call to one of its methods."""

    stage_arn: str
    account: str
    private: bool
    authorization: str
    policy: Mapping[str, Any] | None


def passes(gate: Gate, visit: Visit) -> bool:
    """Whether the call gets through; source: API Gateway developer guide, authorization flow."""
    if gate.private != (visit.vpce is not None):
        return False
    if gate.authorization == "NONE":
        return _open_method(gate, visit)
    if gate.authorization == "AWS_IAM":
        return visit.principal is not None and _signed_method(gate, visit, visit.principal)
    raise CannotJudge(f"authorization {gate.authorization}")


def _open_method(gate: Gate, visit: Visit) -> bool:
    """Nobody is authenticated here, even when the call is signed. A private API without a policy is closed."""
    if gate.policy is None:
        return not gate.private
    verdicts = _verdicts(gate, visit, None)
    return "Deny" not in verdicts and "Allow" in verdicts


def _signed_method(gate: Gate, visit: Visit, principal: str) -> bool:
    verdicts = _verdicts(gate, visit, principal) if gate.policy is not None else set()
    if "Deny" in verdicts or (gate.private and gate.policy is None):
        return False
    by_policy = "Allow" in verdicts
    if _account(principal) == gate.account:
        return by_policy or visit.iam_allows
    return by_policy and visit.iam_allows


def _verdicts(gate: Gate, visit: Visit, principal: str | None) -> set[str]:
    arn = f"{gate.stage_arn}/{visit.method}/{visit.path.lstrip('/')}"
    context = _context(gate, visit, principal)
    statements = (gate.policy or {})["Statement"]
    return {s["Effect"] for s in _many(statements) if _applies(s, arn, principal, context)}


def _applies(statement: Mapping[str, Any], arn: str, principal: str | None, context: Mapping[str, str]) -> bool:
    if unknown := set(statement) - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}:
        raise CannotJudge(f"statement members {sorted(unknown)}")
    # Every condition is looked at, so that an unknown one raises even when another already failed.
    conditions = [
        _holds(operator, key, _many(wanted), context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    ]
    return (
        all(conditions)
        and any(_like(action.lower(), "execute-api:invoke") for action in _many(statement["Action"]))
        and any(_like(resource, arn) for resource in _many(statement["Resource"]))
        and _is_meant(statement["Principal"], principal)
    )


def _is_meant(wanted: Any, principal: str | None) -> bool:
    if wanted == "*":
        return True
    if set(wanted) != {"AWS"}:
        raise CannotJudge(f"principal {wanted}")
    names = _many(wanted["AWS"])
    if "*" in names:
        return True
    if principal is None:
        return False
    account = _account(principal)
    return bool({principal, _role(principal), account, f"arn:aws:iam::{account}:root"} & set(names))


def _account(arn: str) -> str:
    return arn.split(":")[4]


def _role(arn: str) -> str:
    """The role behind an assumed-role session's ARN; other ARNs as they are."""
    found = re.fullmatch(r"arn:aws:sts::([0-9]{12}):assumed-role/([^/]+)/.+", arn)
    return f"arn:aws:iam::{found[1]}:role/{found[2]}" if found else arn


def _context(gate: Gate, visit: Visit, principal: str | None) -> dict[str, str]:
    """The condition keys of the call, in lower case. A private API sees the address as aws:VpcSourceIp."""
    if visit.at.tzinfo is None:
        raise ValueError("the time of a visit must be aware")
    address = "aws:vpcsourceip" if gate.private else "aws:sourceip"
    found = {
        address: visit.source_ip,
        "aws:sourcevpce": visit.vpce,
        "aws:currenttime": visit.at.isoformat(),
        "aws:epochtime": str(visit.at.timestamp()),
        "aws:principalarn": _role(principal) if principal else None,
        "aws:principalaccount": _account(principal) if principal else None,
    }
    return {key: value for key, value in found.items() if value is not None}


_KEYS = {
    "aws:sourceip",
    "aws:vpcsourceip",
    "aws:sourcevpce",
    "aws:currenttime",
    "aws:epochtime",
    "aws:principalarn",
    "aws:principalaccount",
}


def _time(text: str) -> datetime:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return datetime.fromtimestamp(float(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _in_network(found: str, wanted: str) -> bool:
    return ip_address(found) in ip_network(wanted, strict=False)


def _like(pattern: str, text: str) -> bool:
    """`*` and `?` as IAM has them: they cross slashes, and nothing else is special."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


_POSITIVE: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda found, wanted: found == wanted,
    "StringLike": lambda found, wanted: _like(wanted, found),
    "ArnEquals": lambda found, wanted: _like(wanted, found),
    "ArnLike": lambda found, wanted: _like(wanted, found),
    "IpAddress": _in_network,
    "DateLessThan": lambda found, wanted: _time(found) < _time(wanted),
    "DateLessThanEquals": lambda found, wanted: _time(found) <= _time(wanted),
    "DateGreaterThan": lambda found, wanted: _time(found) > _time(wanted),
    "DateGreaterThanEquals": lambda found, wanted: _time(found) >= _time(wanted),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
}


def _holds(operator: str, key: str, wanted: Iterable[str], context: Mapping[str, str]) -> bool:
    """One condition key under one operator. A missing key fails a positive test and passes a negated one."""
    name, lenient = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    negated = name in _NEGATED
    test = _POSITIVE.get(_NEGATED.get(name, name))
    if test is None:
        raise CannotJudge(f"condition operator {operator}")
    if key.lower() not in _KEYS:
        raise CannotJudge(f"condition key {key}")
    found = context.get(key.lower())
    if found is None:
        return negated or lenient
    return any(test(found, value) for value in wanted) != negated


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
