"""Load balancers with attributes, listeners, certificates and rules. Deleting one deletes its listeners and rules.

A balancer that is created again has another DNS name: aliases in DNS are not ours to change, so it is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.executors.protocol import TargetFault
from actions.executors.teardown import wording
from actions.executors.teardown.desk import Desk, chosen, own_tags
from actions.executors.teardown.groups import by_name, with_arns
from actions.executors.teardown.state import Definition, Goal, Kind, Part, lacking

_PROTECTED = "deletion_protection.enabled"


@dataclass(frozen=True, slots=True)
class Balancers:
    """Application and network load balancers, by name."""

    desk: Desk

    def arn(self, name: str) -> str | None:
        """Return the ARN that a load balancer has now; None if there is none."""
        facts = self._described(name)
        return facts["LoadBalancerArn"] if facts else None

    def find(self, name: str, wanted: Definition | None = None) -> Part | None:  # noqa: ARG002
        facts = self._described(name)
        if facts is None:
            return None
        arn = facts["LoadBalancerArn"]
        found: dict[str, dict[str, Any]] = {
            "balancer": self._creation(facts),
            "attributes": self._attributes(arn),
            "listeners": {},
            "certificates": {},
            "rules": {},
        }
        for listener in self._listeners(arn):
            self._add_listener(found, listener)
        status = facts["State"]["Code"]
        return Part(
            Kind.BALANCER,
            name,
            status,
            status == "active",
            found,
            _obstacle(facts, found),
            is_protected=found["attributes"].get(_PROTECTED) == "true",
            address=facts["DNSName"],
        )

    def down(self, goal: Goal) -> str:
        arn, name = self.arn(goal.name), goal.name
        if arn is None:
            return ""
        if self._attributes(arn).get(_PROTECTED) == "true":
            if not self.desk.override:
                raise TargetFault(wording.PROTECTED)
            off = [{"Key": _PROTECTED, "Value": "false"}]
            self.desk.write("elbv2", "modify_load_balancer_attributes", name, LoadBalancerArn=arn, Attributes=off)
        self.desk.write("elbv2", "delete_load_balancer", name, LoadBalancerArn=arn)
        return "deleting"

    def up(self, goal: Goal) -> str:
        part, name = self.find(goal.name), goal.name
        if part is None:
            self.desk.write("elbv2", "create_load_balancer", name, Name=name, **goal.definition["balancer"])
            return "provisioning"
        if not part.is_ready:
            return part.status
        arn = str(self.arn(name))
        if attributes := lacking(part.definition, goal.definition, "attributes"):
            pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
            self.desk.write(
                "elbv2", "modify_load_balancer_attributes", name, LoadBalancerArn=arn, Attributes=pairs
            )
        for port, listener in lacking(part.definition, goal.definition, "listeners").items():
            creation = with_arns(self.desk, listener)
            self.desk.write("elbv2", "create_listener", f"{name}:{port}", LoadBalancerArn=arn, **creation)
        self._complete_listeners(arn, part, goal)
        return ""

    def _complete_listeners(self, arn: str, part: Part, goal: Goal) -> None:
        """Add certificates and rules to the listeners, which are all there by now."""
        arns = {str(one["Port"]): one["ListenerArn"] for one in self._listeners(arn)}
        for key, value in lacking(part.definition, goal.definition, "certificates").items():
            listener = arns[key.partition(" ")[0]]
            what = f"{goal.name}:{key}"
            self.desk.write("elbv2", "add_listener_certificates", what, ListenerArn=listener, Certificates=[value])
        for key, value in lacking(part.definition, goal.definition, "rules").items():
            port, _, priority = key.partition("/")
            rule, what = with_arns(self.desk, value), f"{goal.name}:{key}"
            self.desk.write("elbv2", "create_rule", what, ListenerArn=arns[port], Priority=int(priority), **rule)

    def _add_listener(self, found: dict[str, dict[str, Any]], listener: Mapping[str, Any]) -> None:
        arn, port = listener["ListenerArn"], str(listener["Port"])
        names = ("Protocol", "Port", "SslPolicy", "Certificates", "AlpnPolicy")
        actions = [_action(action) for action in listener["DefaultActions"]]
        made = {**chosen(listener, *names), "DefaultActions": actions}
        if listener.get("MutualAuthentication", {}).get("Mode", "off") != "off":
            made["MutualAuthentication"] = listener["MutualAuthentication"]
        found["listeners"][port] = by_name(made)
        for one in self.desk.all("elbv2", "describe_listener_certificates", "Certificates", ListenerArn=arn):
            if not one.get("IsDefault"):
                found["certificates"][f"{port} {one['CertificateArn']}"] = chosen(one, "CertificateArn")
        for rule in self.desk.all("elbv2", "describe_rules", "Rules", ListenerArn=arn):
            if not rule["IsDefault"]:
                found["rules"][f"{port}/{rule['Priority']}"] = by_name(_rule(rule))

    def _creation(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        arn = facts["LoadBalancerArn"]
        tags = self.desk.read("elbv2", "describe_tags", ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
        made = chosen(facts, "Scheme", "Type", "IpAddressType", "SecurityGroups")
        made |= {"Tags": own_tags(tags)} if own_tags(tags) else {}
        zones = facts["AvailabilityZones"]
        if facts["Type"] == "network":
            return {**made, "SubnetMappings": [_mapping(zone) for zone in zones]}
        return {**made, "Subnets": [zone["SubnetId"] for zone in zones]}

    def _attributes(self, arn: str) -> dict[str, Any]:
        found = self.desk.read("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=arn)["Attributes"]
        return {pair["Key"]: pair["Value"] for pair in found}

    def _listeners(self, arn: str) -> list[Any]:
        return self.desk.all("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn)

    def _described(self, name: str) -> Any:
        none = "LoadBalancerNotFound"
        return self.desk.find("elbv2", "describe_load_balancers", "LoadBalancers", none, Names=[name])


def _mapping(zone: Mapping[str, Any]) -> dict[str, Any]:
    """Return the subnet of a network load balancer with the address that it has there."""
    addresses = zone.get("LoadBalancerAddresses", [])
    address = addresses[0] if addresses else {}
    return {"SubnetId": zone["SubnetId"], **chosen(address, "AllocationId", "PrivateIPv4Address")}


def _action(action: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action as it can be created: a single target group is described twice."""
    if "ForwardConfig" in action:
        return {key: value for key, value in action.items() if key != "TargetGroupArn"}
    return dict(action)


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule as it can be created: the values of a condition are described twice."""
    conditions = [
        {key: value for key, value in one.items() if key != "Values" or len(one) == 2}
        for one in rule["Conditions"]
    ]
    made = {"Conditions": conditions, "Actions": [_action(action) for action in rule["Actions"]]}
    return {**made, **chosen(rule, "Transforms")}


def _obstacle(facts: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> str:
    if facts["Type"] not in {"application", "network"}:
        return f"it is a {facts['Type']} load balancer, which a restore cannot set up again"
    things = [*found["listeners"].values(), *found["rules"].values()]
    actions = [action for one in things for action in (*one.get("DefaultActions", ()), *one.get("Actions", ()))]
    if any(action["Type"] == "authenticate-oidc" for action in actions):
        return "it signs people in with a client secret, which AWS does not tell again"
    return ""
