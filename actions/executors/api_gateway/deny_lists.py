"""Other people's Deny statements: whether one would keep our Allow from having any effect, and the one kind
that may be edited.

The kind is "Deny NotIpAddress": it shuts out everybody who is not on its list. Only addresses that we added are
ever taken out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import cast

from sallyport.changes.sources import SourceKind
from sallyport.documents import JSON
from sallyport.resource_policies.document import ApiArn, Policy, Statement, conditions, is_ours, texts
from sallyport.resource_policies.patterns import overlap
from sallyport.resource_policies.statements import Door, Sources, not_inside

_LIST = "NotIpAddress"
_NO_ADDRESS = "0.0.0.0/32"  # nobody calls from it: AWS takes no empty list


@dataclass(frozen=True, slots=True)
class Block:
    """A Deny statement that stops what a door would let in; `missing` would have to stand on its list."""

    sid: str
    missing: Sources
    editable: bool

    @property
    def name(self) -> str:
        return f"the Deny statement “{self.sid}”" if self.sid else "a Deny statement without a Sid"


@dataclass(frozen=True, slots=True)
class Addition:
    """Addresses that we put on the lists of the Deny statements named *sid*, for one stage."""

    sid: str
    stage: str
    addresses: Sources


class _Verdict(Enum):
    HOLDS = "holds"  # the condition is true for these callers, so that the Deny may apply
    FAILS = "fails"
    UNSURE = "unsure"  # it speaks of something else than where the call comes from


def blocks(policy: Policy, door: Door, sources: Sources, arn: ApiArn, *, private: bool) -> Iterator[Block]:
    """Yield the Deny statements of others that stop calls from *sources* through *door*."""
    for statement in policy.others:
        if statement.get("Effect") == "Deny" and _covers(statement, f"{arn}/{door.resource}", arn):
            block = _block(statement, door, sources, private=private)
            if block:
                yield block


def lists_over(policy: Policy, door: Door, arn: ApiArn, *, private: bool) -> Iterator[str]:
    """Yield the Sids of the lists on which the addresses of callers through *door* have to stand."""
    key = "aws:vpcsourceip" if private else "aws:sourceip"
    for statement in _lists(policy):
        if str(_list_key(statement)).lower() == key and _covers(statement, f"{arn}/{door.resource}", arn):
            yield _sid(statement)


def present(policy: Policy, additions: Iterable[Addition]) -> frozenset[tuple[str, str, str]]:
    """Return what of *additions* stands on a list, as (Sid, stage, address)."""
    return frozenset(
        (addition.sid, addition.stage, address)
        for addition in additions
        for statement in _named(policy, addition.sid)
        for address in addition.addresses & frozenset(_listed(statement))
    )


def edit(policy: Policy, take: Iterable[Addition], put: Iterable[Addition]) -> Policy:
    """Return *policy* with the addresses of *take* off their lists, but those of *put* on them."""
    taken, added = tuple(take), tuple(put)
    statements = tuple(_edited(policy, s, taken, added) for s in policy.statements)
    return Policy(statements, policy.version, policy.id)


def standing(policy: Policy, sid: str, additions: Iterable[Addition]) -> Sources:
    """Return the addresses on the lists named *sid* that are not there through us."""
    ours = _addresses(sid, additions)
    return frozenset(a for s in _named(policy, sid) for a in _listed(s)) - ours


def _edited(
    policy: Policy, statement: Statement, take: tuple[Addition, ...], put: tuple[Addition, ...]
) -> Statement:
    key = _list_key(statement)
    if key is None or is_ours(statement) or statement.get("Effect") != "Deny":
        return statement
    wanted = _addresses(_sid(statement), put)
    gone = frozenset(
        a for addition in take if statement in _named(policy, addition.sid) for a in addition.addresses
    )
    now = _listed(statement)
    after = [a for a in now if a not in gone - wanted] + sorted(wanted - set(now))
    if after == now:
        return statement
    after = after or [_NO_ADDRESS]
    condition = cast(Mapping[str, Mapping[str, JSON]], statement["Condition"])
    lists = {**condition[_LIST], key: cast(JSON, after)}
    return {**statement, "Condition": cast(JSON, {**condition, _LIST: lists})}


def _named(policy: Policy, sid: str) -> list[Statement]:
    """Return the lists named *sid*; every list if somebody renamed it, so that nothing of ours stays behind."""
    lists = _lists(policy)
    return [s for s in lists if _sid(s) == sid] or lists


def _lists(policy: Policy) -> list[Statement]:
    return [s for s in policy.others if s.get("Effect") == "Deny" and _list_key(s)]


def _sid(statement: Statement) -> str:
    return str(statement.get("Sid", ""))


def _addresses(sid: str, additions: Iterable[Addition]) -> Sources:
    return frozenset(a for addition in additions if addition.sid == sid for a in addition.addresses)


def _list_key(statement: Statement) -> str | None:
    keys = cast(Mapping[str, Mapping[str, JSON]], statement.get("Condition") or {}).get(_LIST, {})
    return next((k for k in keys if k.lower() in ("aws:sourceip", "aws:vpcsourceip")), None)


def _listed(statement: Statement) -> list[str]:
    condition = cast(Mapping[str, Mapping[str, JSON]], statement["Condition"])
    return texts(condition[_LIST][str(_list_key(statement))])


def _covers(statement: Statement, resource: str, arn: ApiArn) -> bool:
    """Tell whether the Deny may be about *resource*; what it excepts instead of naming counts as covered."""
    if "Resource" not in statement:
        return True
    return any(overlap(arn.full(pattern), resource) for pattern in texts(statement["Resource"]))


def _block(statement: Statement, door: Door, sources: Sources, *, private: bool) -> Block | None:
    if not _may_mean(statement, door, sources):
        return None
    address_key = "aws:vpcsourceip" if private else "aws:sourceip"
    found = conditions(statement)
    verdicts = [_verdict(op, key, values, door, sources, address_key) for op, key, values in found]
    if _Verdict.FAILS in verdicts or (verdicts and _Verdict.HOLDS not in verdicts):
        return None
    lists = [values for op, key, values in found if op == _LIST and key == address_key]
    editable = door.kind is SourceKind.CIDR and len(lists) == 1
    missing = not_inside(sources, lists[0]) if editable else sources
    return Block(_sid(statement), missing, editable)


def _may_mean(statement: Statement, door: Door, sources: Sources) -> bool:
    """Tell whether the Deny is about these callers: everybody's is; one for named principals only for those."""
    principal = statement.get("Principal", "*")
    names = texts(principal["AWS"]) if isinstance(principal, dict) and "AWS" in principal else ["*"]
    return "*" in names or (door.kind in (SourceKind.ACCOUNT, SourceKind.ROLE) and bool(set(names) & sources))


def _verdict(
    operator: str, key: str, values: list[str], door: Door, sources: Sources, address_key: str
) -> _Verdict:
    operator = operator.removesuffix("IfExists")
    if operator in ("NotIpAddress", "IpAddress") and key in ("aws:sourceip", "aws:vpcsourceip"):
        return _verdict_on_address(operator, values, door, sources, known=key == address_key)
    if key == "aws:sourcevpce" and operator in ("StringNotEquals", "StringEquals"):
        return _verdict_on_endpoint(operator, values, door, sources, private=address_key == "aws:vpcsourceip")
    return _Verdict.UNSURE


def _verdict_on_address(
    operator: str, values: list[str], door: Door, sources: Sources, *, known: bool
) -> _Verdict:
    """Callers of a door without addresses may be anywhere; a key the call lacks passes a negated test only."""
    if operator == "NotIpAddress":
        inside = known and door.kind is SourceKind.CIDR and not not_inside(sources, values)
        return _Verdict.FAILS if inside else _Verdict.HOLDS
    if not known or door.kind is not SourceKind.CIDR:
        return _Verdict.UNSURE if known else _Verdict.FAILS
    hit = not_inside(sources, values) != sources or not_inside(values, sources) != frozenset(values)
    return _Verdict.HOLDS if hit else _Verdict.FAILS


def _verdict_on_endpoint(
    operator: str, values: list[str], door: Door, sources: Sources, *, private: bool
) -> _Verdict:
    if not private:  # no call comes through an endpoint, so the key is missing
        return _Verdict.HOLDS if operator == "StringNotEquals" else _Verdict.FAILS
    if door.kind is not SourceKind.VPC_ENDPOINT:
        return _Verdict.UNSURE
    denied = bool(sources & set(values)) if operator == "StringEquals" else bool(sources - set(values))
    return _Verdict.HOLDS if denied else _Verdict.FAILS
