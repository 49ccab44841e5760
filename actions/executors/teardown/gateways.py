"""NAT gateways and the routes to them. Addresses are never released: partners may have let them in.

A deleted gateway leaves blackhole routes; those are pointed to the new one. A route that somebody changed
meanwhile is left to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from actions.executors.protocol import TargetFault
from actions.executors.teardown import wording
from actions.executors.teardown.desk import Desk, chosen, own_tags
from actions.executors.teardown.state import Definition, Goal, Kind, Part, lacking

_STATES = ["pending", "available", "deleting", "failed"]
_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


@dataclass(frozen=True, slots=True)
class Gateways:
    """NAT gateways by their tag Name, since a new one has another id."""

    desk: Desk

    def find(self, name: str, wanted: Definition | None = None) -> Part | None:
        found = self._described(name)
        if not found:
            return None
        facts = found[0]
        routes = self._routes(facts["NatGatewayId"], wanted or {})
        obstacle = _obstacle(facts)
        if len(found) > 1:
            obstacle = f"{len(found)} NAT gateways have this name"
        definition = {"gateway": _creation(facts), "routes": routes}
        state = facts["State"]
        return Part(Kind.GATEWAY, name, state, state == "available", definition, obstacle)

    def down(self, goal: Goal) -> str:
        found = self._described(goal.name)
        if not found:
            return ""
        if found[0]["State"] == "deleting":
            return "deleting"
        gateway = found[0]["NatGatewayId"]
        self.desk.write("ec2", "delete_nat_gateway", f"{goal.name} ({gateway})", NatGatewayId=gateway)
        return "deleting"

    def up(self, goal: Goal) -> str:
        found = self._described(goal.name)
        if not found:
            creation: dict[str, Any] = dict(goal.definition["gateway"])
            tags = [{"ResourceType": "natgateway", "Tags": creation.pop("Tags")}]
            creation |= {"TagSpecifications": tags, "ClientToken": goal.token}
            self.desk.write("ec2", "create_nat_gateway", goal.name, **creation)
            return "pending"
        facts = found[0]
        if facts["State"] == "failed":
            raise TargetFault(wording.failed(facts.get("FailureMessage", "AWS does not say why")))
        if facts["State"] != "available":
            return str(facts["State"])
        gateway = facts["NatGatewayId"]
        here: Definition = {"routes": self._routes(gateway, goal.definition)}
        routes: dict[str, Any] = lacking(here, goal.definition, "routes")
        for key, route in routes.items():
            what = f"{key} to {goal.name} ({gateway})"
            self.desk.write("ec2", "replace_route", what, **_parameters(route), NatGatewayId=gateway)
        return ""

    def _described(self, name: str) -> list[Any]:
        wanted = [{"Name": "tag:Name", "Values": [name]}, {"Name": "state", "Values": _STATES}]
        found = self.desk.all("ec2", "describe_nat_gateways", "NatGateways", Filter=wanted)
        return sorted(found, key=lambda facts: _STATES.index(facts["State"]) == 2)

    def _routes(self, gateway: str, wanted: Definition) -> dict[str, Any]:
        """Return the routes to the gateway, and those of *wanted* that are somebody else's by now."""
        filters = [{"Name": "route.nat-gateway-id", "Values": [gateway]}]
        tables = self.desk.all("ec2", "describe_route_tables", "RouteTables", Filters=filters)
        routes = [route for table in tables for route in _routes_of(table)]
        mine = {_key(route): _parameters(route) for route in routes if route.get("NatGatewayId") == gateway}
        return mine | self._of_others(gateway, wanted.get("routes", {}))

    def _of_others(self, gateway: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        if not wanted:
            return {}
        ids = sorted({route["RouteTableId"] for route in wanted.values()})
        tables = self.desk.all("ec2", "describe_route_tables", "RouteTables", RouteTableIds=ids)
        now = {_key(route): route for table in tables for route in _routes_of(table)}
        return {
            key: value
            for key, value in wanted.items()
            if key not in now or (now[key].get("State") != "blackhole" and now[key].get("NatGatewayId") != gateway)
        }


def _creation(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of CreateNatGateway."""
    made = chosen(facts, "SubnetId", "ConnectivityType")
    addresses = [one["AllocationId"] for one in facts["NatGatewayAddresses"] if "AllocationId" in one]
    primary = [one for one in facts["NatGatewayAddresses"] if one.get("IsPrimary")] or facts["NatGatewayAddresses"]
    if addresses:
        first = primary[0]["AllocationId"]
        made["AllocationId"] = first
        others = [one for one in addresses if one != first]
        return {**made, **({"SecondaryAllocationIds": others} if others else {}), "Tags": own_tags(facts["Tags"])}
    return {**made, "PrivateIpAddress": primary[0]["PrivateIp"], "Tags": own_tags(facts["Tags"])}


def _obstacle(facts: Mapping[str, Any]) -> str:
    if facts.get("AvailabilityMode") == "regional":
        return "it is a regional NAT gateway, which a restore cannot set up again"
    return ""


def _routes_of(table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return ({**route, "RouteTableId": table["RouteTableId"]} for route in table["Routes"])


def _parameters(route: Mapping[str, Any]) -> dict[str, Any]:
    return chosen(route, "RouteTableId", *_DESTINATIONS)


def _key(route: Mapping[str, Any]) -> str:
    return " ".join(map(str, _parameters(route).values()))
