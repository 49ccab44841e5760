"""Security groups as EC2 keeps them: canonical ranges, no rule twice, all of a call or nothing, bounded in number.

Serves only rules for address ranges, and what stands in a group beside them for the quota.
"""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.listing import listed, values_of
from sandbox.aws.wire import Operation, Parameters, Result
from sandbox.aws.world import SecurityGroup

_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_TAG_FILTER = "tag:"


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One inbound rule; a port of −1 stands for all."""

    id: str
    group: str
    source: str  # a range, or the id of a group or of a prefix list
    from_port: int
    to_port: int
    protocol: str = "tcp"
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes a rule the same as another: descriptions and tags do not count."""
        return self.group, self.source, self.protocol, str(self.from_port), str(self.to_port)

    @property
    def words(self) -> str:
        ports = f"from port: {self.from_port}, to port: {self.to_port}"
        return f"peer: {self.source}, {self.protocol.upper()}, {ports}, ALLOW"


class SecurityGroups:
    """The groups of all accounts. `rules_quota` is for each IP version."""

    def __init__(
        self, groups: Iterable[SecurityGroup], sizes: Mapping[str, tuple[int, int]], lock: threading.RLock
    ) -> None:
        self.rules_quota = 60
        self._groups = {group.id: group for group in groups}
        self._sizes = sizes  # IP version and maximum of each prefix list
        self._lock = lock
        self._ids = count(1)
        self._rules: dict[str, GroupRule] = {}
        for group in self._groups.values():
            for source, port, description in group.rules:
                self.add(group.id, source, port, description)
        self.operations = {
            "DescribeSecurityGroups": Operation(self._describe_groups, "Filters MaxResults NextToken"),
            "DescribeSecurityGroupRules": Operation(self._describe_rules, "Filters MaxResults NextToken"),
            "AuthorizeSecurityGroupIngress": Operation(self._authorize, "GroupId IpPermissions TagSpecifications"),
            "RevokeSecurityGroupIngress": Operation(self._revoke, "GroupId SecurityGroupRuleIds"),
        }

    # What a test or the page may ask, and what a person does by hand

    def rules(self, group: str) -> list[GroupRule]:
        with self._lock:
            return [rule for rule in self._rules.values() if rule.group == group]

    def lets_in(self, group: str, cidr: str, port: int) -> bool:
        """Whether a rule names exactly this range and port."""
        return any((r.source, r.from_port, r.to_port) == (cidr, port, port) for r in self.rules(group))

    def groups(self) -> list[SecurityGroup]:
        return list(self._groups.values())

    def add(self, group: str, source: str, port: int, description: str = "", **tags: str) -> str:
        """Make a rule by hand, past the quota; returns its id."""
        with self._lock:
            rule = GroupRule(self._new_id(), group, source, port, port, "tcp", description, tags)
            self._rules[rule.id] = rule
            return rule.id

    def remove(self, rule: str) -> None:
        with self._lock:
            del self._rules[rule]

    # Operations

    def _describe_groups(self, caller: Caller, parameters: Parameters) -> Result:
        wanted = values_of(parameters, ("group-id",))["group-id"]
        found = [
            group for group in self._groups.values() if group.account == caller.account and group.id in wanted
        ]
        views = [
            {"GroupId": g.id, "GroupName": g.name, "OwnerId": g.account, "Description": g.name, "VpcId": g.vpc}
            for g in found
        ]
        return listed("SecurityGroups", views, parameters)

    def _describe_rules(self, caller: Caller, parameters: Parameters) -> Result:
        rules = [rule for rule in self._rules.values() if self._groups[rule.group].account == caller.account]
        for name, values in values_of(parameters, ("group-id", _TAG_FILTER)).items():
            if name == "group-id":
                rules = [rule for rule in rules if rule.group in values]
            else:
                rules = [rule for rule in rules if rule.tags.get(name.removeprefix(_TAG_FILTER)) in values]
        views = [self._view(rule) for rule in rules] + self._egress(caller, parameters)
        return listed("SecurityGroupRules", views, parameters)

    def _authorize(self, caller: Caller, parameters: Parameters) -> Result:
        group = self._group(caller, parameters)
        tags = _tags(parameters.get("TagSpecifications", []))
        new = [
            rule for permission in parameters["IpPermissions"] for rule in self._read(group.id, permission, tags)
        ]
        if len({rule.identity for rule in new}) < len(new):
            raise AwsError("InvalidParameterValue", "The same permission must not appear multiple times")
        there = {rule.identity for rule in self._rules.values()}
        for rule in new:
            if rule.identity in there:
                sentence = f'the specified rule "{rule.words}" already exists'
                raise AwsError("InvalidPermission.Duplicate", sentence)
        self._check_quota([*self.rules(group.id), *new])
        self._rules |= {rule.id: rule for rule in new}
        return {"Return": True, "SecurityGroupRules": [self._view(rule) for rule in new]}

    def _revoke(self, caller: Caller, parameters: Parameters) -> Result:
        group = self._group(caller, parameters)
        wanted = parameters["SecurityGroupRuleIds"]
        here = {rule.id for rule in self.rules(group.id)}
        if unknown := [one for one in wanted if one not in here]:
            sentence = f"The specified rule ID '{unknown[0]}' does not exist in this security group"
            raise AwsError("InvalidSecurityGroupRuleId.NotFound", sentence)
        gone = [self._rules.pop(one) for one in wanted]
        views = [{"SecurityGroupRuleId": r.id, "GroupId": r.group, "IsEgress": False} for r in gone]
        return {"Return": True, "RevokedSecurityGroupRules": views}

    # Look-ups and limits

    def _group(self, caller: Caller, parameters: Parameters) -> SecurityGroup:
        found = self._groups.get(parameters.get("GroupId", ""))
        if found is None or found.account != caller.account:
            sentence = f"The security group '{parameters.get('GroupId')}' does not exist"
            raise AwsError("InvalidGroup.NotFound", sentence)
        return found

    def _read(self, group: str, permission: Mapping[str, Any], tags: Mapping[str, str]) -> Iterable[GroupRule]:
        if extra := set(permission) - {"IpProtocol", "FromPort", "ToPort", "IpRanges", "Ipv6Ranges"}:
            raise AwsError("InvalidParameterValue", f"the sandbox does not take {', '.join(sorted(extra))}")
        ports = permission["FromPort"], permission["ToPort"]
        ranges = [(4, r["CidrIp"], r) for r in permission.get("IpRanges", [])]
        ranges += [(6, r["CidrIpv6"], r) for r in permission.get("Ipv6Ranges", [])]
        if not ranges:
            raise AwsError("InvalidParameterValue", "A permission must name a source")
        for version, text, facts in ranges:
            description = facts.get("Description", "")
            if not _DESCRIPTION.fullmatch(description):
                raise AwsError("InvalidParameterValue", f"Invalid rule description '{description}'")
            cidr = canonical(text, version)
            yield GroupRule(self._new_id(), group, cidr, *ports, permission["IpProtocol"], description, tags)

    def _check_quota(self, rules: Iterable[GroupRule]) -> None:
        used = {4: 0, 6: 0}
        for rule in rules:
            for version, weight in self._weight(rule.source).items():
                used[version] += weight
        if max(used.values()) > self.rules_quota:
            sentence = "The maximum number of rules per security group has been reached."
            raise AwsError("RulesPerSecurityGroupLimitExceeded", sentence)

    def _weight(self, source: str) -> dict[int, int]:
        if source in self._sizes:
            version, most = self._sizes[source]
            return {version: most}
        return {4: 1, 6: 1} if source.startswith("sg-") else {ipaddress.ip_network(source).version: 1}

    def _view(self, rule: GroupRule) -> dict[str, Any]:
        if rule.source.startswith("pl-"):
            source: dict[str, Any] = {"PrefixListId": rule.source}
        elif rule.source.startswith("sg-"):
            source = {"ReferencedGroupInfo": {"GroupId": rule.source}}
        else:
            source = {"CidrIpv6" if ":" in rule.source else "CidrIpv4": rule.source}
        return {
            "SecurityGroupRuleId": rule.id,
            "GroupId": rule.group,
            "GroupOwnerId": self._groups[rule.group].account,
            "IsEgress": False,
            "IpProtocol": rule.protocol,
            "FromPort": rule.from_port,
            "ToPort": rule.to_port,
            **source,
            **({"Description": rule.description} if rule.description else {}),
            "Tags": [{"Key": key, "Value": value} for key, value in rule.tags.items()],
        }

    def _egress(self, caller: Caller, parameters: Parameters) -> list[dict[str, Any]]:
        """The rule by which every group lets everything out; asked for by group, it comes along."""
        wanted = values_of(parameters, ("group-id", _TAG_FILTER)).get("group-id", ())
        return [
            {
                "SecurityGroupRuleId": f"sgr-e{g.id[4:]}",
                "GroupId": g.id,
                "GroupOwnerId": g.account,
                "IsEgress": True,
            }
            | {"IpProtocol": "-1", "FromPort": -1, "ToPort": -1, "CidrIpv4": "0.0.0.0/0"}
            for g in self._groups.values()
            if g.account == caller.account and g.id in wanted
        ]

    def _new_id(self) -> str:
        return f"sgr-0{next(self._ids):016x}"


def canonical(text: str, version: int) -> str:
    """The range as EC2 stores it: host bits are wiped, not refused."""
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError as problem:
        raise AwsError("InvalidParameterValue", f"CIDR block {text} is malformed") from problem
    if found.version != version or "/" not in text:
        raise AwsError("InvalidParameterValue", f"CIDR block {text} is malformed")
    return str(found)


def _tags(specifications: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for specification in specifications:
        if specification.get("ResourceType") != "security-group-rule":
            raise AwsError("InvalidParameterValue", "TagSpecifications are for security-group-rule here")
        found |= {tag["Key"]: tag["Value"] for tag in specification["Tags"]}
    return found
