"""NAT gateways and the routes to them: an address serves one gateway, a deleted gateway leaves blackholes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.estate import VPC, NatGateway
from sandbox.aws.listing import listed, values_of
from sandbox.aws.wire import Operation, Parameters, Result

_AFTERWARDS = {"pending": "available", "deleting": "deleted"}


@dataclass(slots=True)
class Gateway:
    """A gateway; what it is becoming it has become at `settles_at`."""

    id: str
    account: str
    subnet: str
    allocation: str
    tags: list[dict[str, str]]
    token: str = ""
    state: str = "available"
    settles_at: datetime | None = None


class NatGateways:
    """The gateways, and by route table and destination the gateway of each route."""

    def __init__(
        self, gateways: Iterable[NatGateway], clock: Callable[[], datetime], lock: threading.RLock
    ) -> None:
        self.turn_time = timedelta(seconds=2)
        self._clock = clock
        self._lock = lock
        self._ids = count(1)
        self._gateways: dict[str, Gateway] = {}
        self.routes: dict[tuple[str, str, str], str] = {}
        for spec in gateways:
            tags = [{"Key": "Name", "Value": spec.name}, {"Key": "team", "Value": "network"}]
            made = Gateway(self._new_id(), spec.account, spec.subnet, spec.allocation, tags)
            self._gateways[made.id] = made
            self.routes |= {(spec.account, *route): made.id for route in spec.routes}
        self.operations = {
            "DescribeNatGateways": Operation(self._describe, "Filters Filter"),
            "CreateNatGateway": Operation(
                self._create, "SubnetId AllocationId ConnectivityType TagSpecifications ClientToken"
            ),
            "DeleteNatGateway": Operation(self._delete, "NatGatewayId"),
            "DescribeRouteTables": Operation(self._describe_routes, "RouteTableIds Filters"),
            "ReplaceRoute": Operation(self._replace, "RouteTableId DestinationCidrBlock NatGatewayId"),
        }

    def gateways(self) -> list[Gateway]:
        """Every gateway as it is now, deleted ones included, which AWS shows for about an hour."""
        with self._lock:
            for found in self._gateways.values():
                if found.settles_at and self._clock() >= found.settles_at:
                    found.state, found.settles_at = _AFTERWARDS[found.state], None
            return list(self._gateways.values())

    def _describe(self, caller: Caller, parameters: Parameters) -> Result:
        wanted = values_of({"Filters": parameters.get("Filter", [])}, ("tag:", "state"))
        here = [found for found in self.gateways() if found.account == caller.account and _fits(found, wanted)]
        return listed("NatGateways", [_described(found) for found in here], parameters)

    def _create(self, caller: Caller, parameters: Parameters) -> Result:
        for found in self.gateways():
            if parameters.get("ClientToken") and found.token == parameters["ClientToken"]:
                return {"NatGateway": _described(found), "ClientToken": found.token}
            if found.allocation == parameters["AllocationId"] and found.state != "deleted":
                message = f"elastic IP address [{found.allocation}] is already associated"
                raise AwsError("Resource.AlreadyAssociated", message)
        tags = [tag for one in parameters.get("TagSpecifications", []) for tag in one["Tags"]]
        made = Gateway(
            self._new_id(),
            caller.account,
            parameters["SubnetId"],
            parameters["AllocationId"],
            tags,
            parameters.get("ClientToken", ""),
            "pending",
            self._clock() + self.turn_time,
        )
        self._gateways[made.id] = made
        return {"NatGateway": _described(made), "ClientToken": made.token}

    def _delete(self, caller: Caller, parameters: Parameters) -> Result:
        found = self._gateway(caller, parameters["NatGatewayId"])
        if found.state in ("available", "pending"):
            found.state, found.settles_at = "deleting", self._clock() + self.turn_time
        return {"NatGatewayId": found.id}

    def _describe_routes(self, caller: Caller, parameters: Parameters) -> Result:
        here = {key: gateway for key, gateway in self.routes.items() if key[0] == caller.account}
        if "RouteTableIds" in parameters:
            tables = parameters["RouteTableIds"]
        else:
            wanted = values_of(parameters, ("route.nat-gateway-id",))["route.nat-gateway-id"]
            tables = sorted({table for (_, table, _), gateway in here.items() if gateway in wanted})
        return {"RouteTables": [self._table(table, here) for table in tables]}

    def _table(self, table: str, here: dict[tuple[str, str, str], str]) -> dict[str, Any]:
        routes = [
            {"DestinationCidrBlock": to, "NatGatewayId": gateway, "State": self._route_state(gateway)}
            for (_, at, to), gateway in here.items()
            if at == table
        ]
        if not routes:
            raise AwsError("InvalidRouteTableID.NotFound", f"The routeTable ID '{table}' does not exist")
        local = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
        return {"RouteTableId": table, "VpcId": VPC, "Routes": [local, *routes]}

    def _replace(self, caller: Caller, parameters: Parameters) -> Result:
        gateway = self._gateway(caller, parameters["NatGatewayId"])
        if gateway.state != "available":
            raise AwsError("InvalidNatGatewayID.NotFound", f"The NatGateway ID '{gateway.id}' is not available")
        key = (caller.account, parameters["RouteTableId"], parameters["DestinationCidrBlock"])
        if key not in self.routes:
            raise AwsError("InvalidParameterValue", f"There is no route defined for '{key[2]}' in the route table")
        self.routes[key] = gateway.id
        return {}

    def _gateway(self, caller: Caller, gateway_id: str) -> Gateway:
        for found in self.gateways():
            if (found.account, found.id) == (caller.account, gateway_id):
                return found
        raise AwsError("NatGatewayNotFound", f"NatGateway {gateway_id} was not found")

    def _route_state(self, gateway_id: str) -> str:
        states = {found.id: found.state for found in self.gateways()}
        return "active" if states.get(gateway_id, "available") == "available" else "blackhole"

    def _new_id(self) -> str:
        return f"nat-{next(self._ids):017x}"


def _fits(found: Gateway, wanted: dict[str, frozenset[str]]) -> bool:
    facts = {f"tag:{tag['Key']}": tag["Value"] for tag in found.tags} | {"state": found.state}
    return all(facts.get(name) in values for name, values in wanted.items())


def _described(found: Gateway) -> dict[str, Any]:
    return {
        "NatGatewayId": found.id,
        "State": found.state,
        "SubnetId": found.subnet,
        "VpcId": VPC,
        "ConnectivityType": "public",
        "NatGatewayAddresses": [{"AllocationId": found.allocation, "IsPrimary": True}],
        "Tags": found.tags,
    }
