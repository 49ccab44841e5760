"""Elastic Load Balancing as far as application load balancers die and come back, and its refusals.

Every new thing has a new ARN. A balancer takes `turn_time` to be active, and its target groups stay in use for
that long after it is deleted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count

from sandbox.aws.balancer_things import (
    Facts,
    Thing,
    by_name,
    forwards,
    group_arns,
    insist_on_new,
    pairs,
    there,
    wanted,
    with_values,
)
from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.estate import VPC, LoadBalancer
from sandbox.aws.wire import Operation, Parameters, QueryProtocol, Result
from sandbox.aws.world import REGION, AwsWorld

PROTECTED = "deletion_protection.enabled"
_BALANCER_ATTRIBUTES = {PROTECTED: "false", "idle_timeout.timeout_seconds": "60", "routing.http2.enabled": "true"}
_GROUP_ATTRIBUTES = {"deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false"}


class LoadBalancing:
    """All balancers, target groups, listeners and rules, by ARN."""

    unsigned: frozenset[str] = frozenset()

    def __init__(self, world: AwsWorld, clock: Callable[[], datetime], lock: threading.RLock) -> None:
        self.protocol = QueryProtocol("elbv2")
        self.turn_time = timedelta(seconds=2)
        self._clock = clock
        self._lock = lock
        self._ids = count(1)
        self.balancers: dict[str, Thing] = {}
        self.groups: dict[str, Thing] = {}
        self.listeners: dict[str, Thing] = {}
        self.rules: dict[str, Thing] = {}
        self._freed: dict[str, datetime] = {}  # when a target group of a deleted balancer is free
        self.operations = self._operations()
        self._populate(world)

    def group_arn(self, account: str, name: str) -> str:
        """The ARN of a target group; KeyError if there is none."""
        return by_name(self.groups, account, "TargetGroupName", name).arn

    def serves(self, arn: str) -> bool:
        """Whether a target group exists and a listener or rule forwards to it."""
        return arn in self.groups and arn in set(self._used())

    def _operations(self) -> dict[str, Operation]:
        return {
            "DescribeLoadBalancers": Operation(self._describe_balancers, "Names"),
            "CreateLoadBalancer": Operation(
                self._create_balancer, "Name Subnets SecurityGroups Scheme Tags Type IpAddressType"
            ),
            "DeleteLoadBalancer": Operation(self._delete_balancer, "LoadBalancerArn"),
            "DescribeLoadBalancerAttributes": Operation(self._attributes, "LoadBalancerArn"),
            "ModifyLoadBalancerAttributes": Operation(self._modify_attributes, "LoadBalancerArn Attributes"),
            "DescribeTargetGroups": Operation(self._describe_groups, "LoadBalancerArn Names"),
            "CreateTargetGroup": Operation(
                self._create_group,
                "Name Protocol ProtocolVersion Port VpcId HealthCheckProtocol HealthCheckPort HealthCheckEnabled "
                "HealthCheckPath HealthCheckIntervalSeconds HealthCheckTimeoutSeconds HealthyThresholdCount "
                "UnhealthyThresholdCount Matcher TargetType Tags IpAddressType",
            ),
            "DeleteTargetGroup": Operation(self._delete_group, "TargetGroupArn"),
            "DescribeTargetGroupAttributes": Operation(self._attributes, "TargetGroupArn"),
            "ModifyTargetGroupAttributes": Operation(self._modify_attributes, "TargetGroupArn Attributes"),
            "DescribeTargetHealth": Operation(self._targets, "TargetGroupArn"),
            "RegisterTargets": Operation(self._register, "TargetGroupArn Targets"),
            "DescribeListeners": Operation(self._describe_listeners, "LoadBalancerArn"),
            "CreateListener": Operation(
                self._create_listener, "LoadBalancerArn Protocol Port SslPolicy Certificates DefaultActions Tags"
            ),
            "DescribeListenerCertificates": Operation(self._certificates, "ListenerArn"),
            "AddListenerCertificates": Operation(self._add_certificates, "ListenerArn Certificates"),
            "DescribeRules": Operation(self._describe_rules, "ListenerArn"),
            "CreateRule": Operation(self._create_rule, "ListenerArn Conditions Priority Actions Tags"),
            "DescribeTags": Operation(self._tags, "ResourceArns"),
        }

    # Load balancers

    def _describe_balancers(self, caller: Caller, parameters: Parameters) -> Result:
        found = [
            wanted(self.balancers, caller.account, "LoadBalancerName", name, "LoadBalancerNotFound")
            for name in _names(parameters)
        ]
        for balancer in found:
            state = "provisioning" if self._is_busy(balancer) else "active"
            balancer.facts["State"] = {"Code": state}
        return {"LoadBalancers": [balancer.facts for balancer in found]}

    def _create_balancer(self, caller: Caller, parameters: Parameters) -> Result:
        name = parameters["Name"]
        insist_on_new(self.balancers, caller.account, "LoadBalancerName", name, "DuplicateLoadBalancerName")
        unique = self._unique()
        facts = {
            "LoadBalancerArn": _arn(caller.account, f"loadbalancer/app/{name}/{unique}"),
            "LoadBalancerName": name,
            "DNSName": f"{name}-{unique}.{REGION}.elb.amazonaws.com",
            "Type": parameters.get("Type", "application"),
            "Scheme": parameters.get("Scheme", "internet-facing"),
            "IpAddressType": parameters.get("IpAddressType", "ipv4"),
            "VpcId": VPC,
            "AvailabilityZones": [{"SubnetId": subnet} for subnet in parameters.get("Subnets", [])],
            "SecurityGroups": parameters.get("SecurityGroups", []),
        }
        settles_at = self._clock() + self.turn_time
        made = Thing(
            facts["LoadBalancerArn"], caller.account, facts, dict(_BALANCER_ATTRIBUTES), settles_at=settles_at
        )
        return self._kept(self.balancers, made, "LoadBalancers", parameters)

    def _delete_balancer(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        found = self.balancers.get(parameters["LoadBalancerArn"])
        if found is None:
            return {}
        if found.attributes[PROTECTED] == "true":
            raise AwsError(
                "OperationNotPermitted", "Load balancer cannot be deleted: deletion protection is enabled"
            )
        listeners = [arn for arn, listener in self.listeners.items() if listener.parent == found.arn]
        rules = [arn for arn, rule in self.rules.items() if rule.parent in listeners]
        freed = {arn for thing in (*listeners, *rules) for arn in forwards(self._listener_or_rule(thing))}
        self._freed |= dict.fromkeys(freed, self._clock() + self.turn_time)
        for arn in listeners:
            del self.listeners[arn]
        for arn in rules:
            del self.rules[arn]
        del self.balancers[found.arn]
        return {}

    def _listener_or_rule(self, arn: str) -> Thing:
        return self.listeners[arn] if arn in self.listeners else self.rules[arn]

    # Target groups

    def _describe_groups(self, caller: Caller, parameters: Parameters) -> Result:
        if "LoadBalancerArn" in parameters:
            there(self.balancers, parameters["LoadBalancerArn"], "LoadBalancerNotFound")
            used = set(self._used(parameters["LoadBalancerArn"]))
            return {"TargetGroups": [group.facts for arn, group in self.groups.items() if arn in used]}
        account = caller.account
        found = [
            wanted(self.groups, account, "TargetGroupName", n, "TargetGroupNotFound") for n in _names(parameters)
        ]
        return {"TargetGroups": [group.facts for group in found]}

    def _create_group(self, caller: Caller, parameters: Parameters) -> Result:
        name = parameters["Name"]
        insist_on_new(self.groups, caller.account, "TargetGroupName", name, "DuplicateTargetGroupName")
        arn = _arn(caller.account, f"targetgroup/{name}/{self._unique()}")
        given = {key: value for key, value in parameters.items() if key not in {"Name", "Tags"}}
        facts = {"TargetGroupArn": arn, "TargetGroupName": name, "TargetType": "instance", **given}
        made = Thing(arn, caller.account, facts, dict(_GROUP_ATTRIBUTES))
        return self._kept(self.groups, made, "TargetGroups", parameters)

    def _delete_group(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        arn = parameters["TargetGroupArn"]
        freed = self._freed.get(arn)
        if arn in set(self._used()) or (freed and self._clock() < freed):
            raise AwsError("ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule")
        self.groups.pop(arn, None)
        return {}

    def _targets(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        group = there(self.groups, parameters["TargetGroupArn"], "TargetGroupNotFound")
        return {"TargetHealthDescriptions": [{"Target": target} for target in group.extra]}

    def _register(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        group = there(self.groups, parameters["TargetGroupArn"], "TargetGroupNotFound")
        new = [{"Port": group.facts["Port"], **target} for target in parameters["Targets"]]
        group.extra += [target for target in new if target not in group.extra]
        return {}

    # Listeners and rules

    def _describe_listeners(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        arn = there(self.balancers, parameters["LoadBalancerArn"], "LoadBalancerNotFound").arn
        return {"Listeners": [found.facts for found in self.listeners.values() if found.parent == arn]}

    def _create_listener(self, caller: Caller, parameters: Parameters) -> Result:
        balancer = there(self.balancers, parameters["LoadBalancerArn"], "LoadBalancerNotFound")
        taken = {listener.facts["Port"] for listener in self.listeners.values() if listener.parent == balancer.arn}
        if parameters["Port"] in taken:
            raise AwsError("DuplicateListener", "A listener already exists on this port for this load balancer")
        self._insist_on_groups(parameters["DefaultActions"])
        if parameters["Protocol"] == "HTTPS" and len(parameters.get("Certificates", [])) != 1:
            raise AwsError("ValidationError", "A certificate must be specified for HTTPS listeners, and only one")
        arn = f"{balancer.arn.replace(':loadbalancer/', ':listener/')}/{self._unique()}"
        facts = {"ListenerArn": arn, **{key: value for key, value in parameters.items() if key != "Tags"}}
        made = Thing(arn, caller.account, facts, parent=balancer.arn)
        self._freed = {one: at for one, at in self._freed.items() if one not in set(forwards(made))}
        return self._kept(self.listeners, made, "Listeners", parameters)

    def _certificates(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        found = there(self.listeners, parameters["ListenerArn"], "ListenerNotFound")
        default = [{**one, "IsDefault": True} for one in found.facts.get("Certificates", [])]
        return {"Certificates": [*default, *({**one, "IsDefault": False} for one in found.extra)]}

    def _add_certificates(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        found = there(self.listeners, parameters["ListenerArn"], "ListenerNotFound")
        found.extra += [one for one in parameters["Certificates"] if one not in found.extra]
        return {"Certificates": parameters["Certificates"]}

    def _describe_rules(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        listener = there(self.listeners, parameters["ListenerArn"], "ListenerNotFound")
        default = {
            "RuleArn": f"{listener.arn}/default",
            "Priority": "default",
            "Conditions": [],
            "Actions": listener.facts["DefaultActions"],
            "IsDefault": True,
        }
        rules = [rule.facts for rule in self.rules.values() if rule.parent == listener.arn]
        return {"Rules": [*rules, default]}

    def _create_rule(self, caller: Caller, parameters: Parameters) -> Result:
        listener = there(self.listeners, parameters["ListenerArn"], "ListenerNotFound")
        priority = str(parameters["Priority"])
        if priority in {rule.facts["Priority"] for rule in self.rules.values() if rule.parent == listener.arn}:
            raise AwsError("PriorityInUse", f"Priority '{priority}' is currently in use")
        self._insist_on_groups(parameters["Actions"])
        for condition in parameters["Conditions"]:
            if "Values" in condition and len(condition) > 2:
                raise AwsError("ValidationError", "You cannot specify both Values and a condition's own values")
        arn = f"{listener.arn.replace(':listener/', ':listener-rule/')}/{self._unique()}"
        conditions = [with_values(condition) for condition in parameters["Conditions"]]
        actions = parameters["Actions"]
        facts = {
            "RuleArn": arn,
            "Priority": priority,
            "Conditions": conditions,
            "Actions": actions,
            "IsDefault": False,
        }
        return self._kept(self.rules, Thing(arn, caller.account, facts, parent=listener.arn), "Rules", parameters)

    # What all have

    def _attributes(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        return {"Attributes": pairs(self._with_attributes(parameters).attributes)}

    def _modify_attributes(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        found = self._with_attributes(parameters)
        for one in parameters["Attributes"]:
            if one["Key"] not in found.attributes:
                raise AwsError("ValidationError", f"Attribute key '{one['Key']}' is not recognized")
            found.attributes[one["Key"]] = one["Value"]
        return {"Attributes": pairs(found.attributes)}

    def _with_attributes(self, parameters: Parameters) -> Thing:
        if "LoadBalancerArn" in parameters:
            return there(self.balancers, parameters["LoadBalancerArn"], "LoadBalancerNotFound")
        return there(self.groups, parameters["TargetGroupArn"], "TargetGroupNotFound")

    def _tags(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        everything = {**self.balancers, **self.groups, **self.listeners, **self.rules}
        found = [there(everything, arn, "LoadBalancerNotFound") for arn in parameters["ResourceArns"]]
        return {"TagDescriptions": [{"ResourceArn": thing.arn, "Tags": thing.tags} for thing in found]}

    def _kept(self, things: dict[str, Thing], made: Thing, member: str, parameters: Parameters) -> Result:
        made.tags = list(parameters.get("Tags", []))
        things[made.arn] = made
        return {member: [made.facts]}

    def _used(self, balancer: str = "") -> Iterator[str]:
        """The ARNs of the target groups to which something of *balancer*, or of any, forwards."""
        listeners = [found for found in self.listeners.values() if balancer in ("", found.parent)]
        arns = {listener.arn for listener in listeners}
        for thing in (*listeners, *(rule for rule in self.rules.values() if rule.parent in arns)):
            yield from forwards(thing)

    def _insist_on_groups(self, actions: list[Facts]) -> None:
        for arn in group_arns(actions):
            there(self.groups, arn, "TargetGroupNotFound")

    def _is_busy(self, thing: Thing) -> bool:
        return thing.settles_at is not None and self._clock() < thing.settles_at

    def _unique(self) -> str:
        return f"{next(self._ids):016x}"

    def _populate(self, world: AwsWorld) -> None:
        for group in world.target_groups:
            self._create_group(
                _owner(group.account),
                {
                    "Name": group.name,
                    "Protocol": "HTTP",
                    "ProtocolVersion": "HTTP1",
                    "Port": group.port,
                    "VpcId": VPC,
                    "HealthCheckPath": "/health",
                    "HealthCheckEnabled": True,
                    "Matcher": {"HttpCode": "200"},
                    "TargetType": "instance" if group.targets else "ip",
                    "Tags": [{"Key": "team", "Value": "web"}],
                },
            )
            made = self.groups[self.group_arn(group.account, group.name)]
            made.attributes["deregistration_delay.timeout_seconds"] = "30"
            made.extra = [{"Id": target, "Port": group.port} for target in group.targets]
        for balancer in world.load_balancers:
            self._populate_balancer(balancer)

    def _populate_balancer(self, balancer: LoadBalancer) -> None:
        owner = _owner(balancer.account)
        subnets = ["subnet-0de0a110000000001", "subnet-0de0a110000000002"]
        groups = ["sg-0de0a11000000a001"]
        tags = [{"Key": "team", "Value": "web"}]
        parameters = {"Name": balancer.name, "Subnets": subnets, "SecurityGroups": groups, "Tags": tags}
        arn = self._create_balancer(owner, parameters)["LoadBalancers"][0]["LoadBalancerArn"]
        self.balancers[arn].settles_at = None
        self.balancers[arn].attributes |= dict(balancer.attributes)
        for listener in balancer.listeners:
            certificates = [{"CertificateArn": one} for one in listener.certificates]
            made = self._create_listener(
                owner,
                {
                    "LoadBalancerArn": arn,
                    "Protocol": "HTTPS" if certificates else "HTTP",
                    "Port": listener.port,
                    "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
                    "Certificates": certificates[:1],
                    "DefaultActions": [self._forward(balancer.account, listener.target_group)],
                },
            )["Listeners"][0]
            self.listeners[made["ListenerArn"]].extra = certificates[1:]
            for priority, path, group in listener.rules:
                condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}
                actions = [self._forward(balancer.account, group)]
                rule = {"Priority": priority, "Conditions": [condition], "Actions": actions}
                self._create_rule(owner, {"ListenerArn": made["ListenerArn"], **rule})

    def _forward(self, account: str, group: str) -> Facts:
        return {"Type": "forward", "TargetGroupArn": self.group_arn(account, group)}


def _owner(account: str) -> Caller:
    return Caller(account, "", "", "")


def _arn(account: str, path: str) -> str:
    return f"arn:aws:elasticloadbalancing:{REGION}:{account}:{path}"


def _names(parameters: Parameters) -> list[str]:
    if not parameters.get("Names"):
        raise AwsError("ValidationError", "the sandbox wants Names")
    return list(parameters["Names"])
