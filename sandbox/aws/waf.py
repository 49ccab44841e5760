"""AWS WAF as far as IP sets keep APIs: sets that are replaced as a whole, and the web ACLs that look into them.

Strict where the real one is: every change names the token of the state that it was made from, no range is
everything, a set is of one IP version, and IPv6 comes back written out. It must never guess what a rule lets in.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.judge import CannotJudge
from sandbox.aws.wire import JsonProtocol, Operation, Parameters, Result
from sandbox.aws.world import IpSet, WebAcl

CAPACITY = 10_000


@dataclass(slots=True)
class KeptSet:
    """A set as it is now; `token` names this state."""

    spec: IpSet
    addresses: tuple[str, ...]
    description: str
    token: str = field(default_factory=lambda: str(uuid.uuid4()))


class Waf:
    """The IP sets and web ACLs of all accounts. Helper methods want the ARN of a set, or the name of a web ACL."""

    unsigned: frozenset[str] = frozenset()

    def __init__(self, sets: Iterable[IpSet], acls: Iterable[WebAcl], region: str, lock: threading.RLock) -> None:
        self.protocol = JsonProtocol("wafv2")
        self._lock = lock
        self._region = region
        self._sets = {one.arn(region): KeptSet(one, _written(one, one.addresses), one.description) for one in sets}
        self.acls = {one.name: one for one in acls}
        self.operations = {
            "GetIPSet": Operation(self._get_ip_set, "Name Scope Id"),
            "UpdateIPSet": Operation(self._update_ip_set, "Name Scope Id Description Addresses LockToken"),
            "GetWebACL": Operation(self._get_web_acl, "Name Scope Id"),
            "ListResourcesForWebACL": Operation(self._list_resources, "WebACLArn ResourceType"),
        }

    # What a test or the page may ask, past the API

    def sets(self) -> list[KeptSet]:
        return list(self._sets.values())

    def addresses(self, arn: str) -> set[str]:
        """The present addresses of a set, in canonical form."""
        with self._lock:
            return {str(ip_network(one)) for one in self._sets[arn].addresses}

    def description(self, arn: str) -> str:
        return self._sets[arn].description

    def web_acl_of(self, api: str, stage: str) -> str:
        """The ARN of the web ACL that a stage is associated with; empty if with none."""
        found = next((one for one in self.acls.values() if f"{api}/{stage}" in one.stages), None)
        return found.arn(self._region) if found else ""

    def lets_in(self, api: str, stage: str, source_ip: str | None) -> bool:
        """Whether the web ACL of a stage lets a call through to the API itself. Raises `CannotJudge`."""
        found = next((one for one in self.acls.values() if f"{api}/{stage}" in one.stages), None)
        if found is None:
            return True
        for rule in sorted(found.rules, key=lambda rule: int(rule["Priority"])):
            if self._matches(rule["Statement"], source_ip):
                return _is_allow(rule["Action"])
        return _is_allow(found.default)

    # What a person does by hand in the console

    def edit(self, arn: str, addresses: Iterable[str]) -> None:
        """Replace what is in a set."""
        with self._lock:
            found = self._sets[arn]
            found.addresses, found.token = _written(found.spec, addresses), str(uuid.uuid4())

    def delete(self, arn: str) -> None:
        """Delete a set; the real one insists that no rule names it."""
        with self._lock:
            del self._sets[arn]

    def put_acl(self, acl: WebAcl) -> None:
        """Make a web ACL, or replace the one of its name."""
        with self._lock:
            self.acls[acl.name] = acl

    def _matches(self, statement: Mapping[str, Any], source_ip: str | None) -> bool:
        match list(statement):
            case ["IPSetReferenceStatement"] if set(statement["IPSetReferenceStatement"]) == {"ARN"}:
                kept = self._sets[statement["IPSetReferenceStatement"]["ARN"]]
                return source_ip is not None and _is_in(source_ip, kept.addresses)
            case ["OrStatement"]:
                return any(self._matches(one, source_ip) for one in statement["OrStatement"]["Statements"])
            case kinds:
                raise CannotJudge(f"rule statement {kinds}")

    # Operations

    def _get_ip_set(self, caller: Caller, parameters: Parameters) -> Result:
        found = self._set(caller, parameters)
        view = {
            "Name": found.spec.name,
            "Id": found.spec.id,
            "ARN": found.spec.arn(self._region),
            "Description": found.description,
            "IPAddressVersion": f"IPV{found.spec.version}",
            "Addresses": list(found.addresses),
        }
        return {"IPSet": view, "LockToken": found.token}

    def _update_ip_set(self, caller: Caller, parameters: Parameters) -> Result:
        found = self._set(caller, parameters)
        if parameters["LockToken"] != found.token:
            sentence = "AWS WAF couldn't save your changes because someone changed the resource after you started."
            raise AwsError("WAFOptimisticLockException", sentence)
        coming = parameters["Addresses"]
        if len(coming) > CAPACITY:
            raise AwsError("WAFLimitsExceededException", f"An IP set holds {CAPACITY} addresses")
        found.addresses = _written(found.spec, coming)
        found.description = parameters.get("Description", "")
        found.token = str(uuid.uuid4())
        return {"NextLockToken": found.token}

    def _get_web_acl(self, caller: Caller, parameters: Parameters) -> Result:
        found = self.acls.get(parameters.get("Name", ""))
        named = (parameters.get("Scope"), parameters.get("Id"))
        if found is None or found.account != caller.account or named != ("REGIONAL", found.id):
            raise AwsError("WAFNonexistentItemException", _GONE)
        view = {
            "Name": found.name,
            "Id": found.id,
            "ARN": found.arn(self._region),
            "DefaultAction": dict(found.default),
            "Rules": [{**rule, "VisibilityConfig": _visibility(rule["Name"])} for rule in found.rules],
            "VisibilityConfig": _visibility(found.name),
        }
        return {"WebACL": view, "LockToken": str(uuid.uuid4())}

    def _list_resources(self, caller: Caller, parameters: Parameters) -> Result:
        acls = (one for one in self.acls.values() if one.account == caller.account)
        found = next((one for one in acls if one.arn(self._region) == parameters["WebACLArn"]), None)
        if found is None:
            raise AwsError("WAFNonexistentItemException", _GONE)
        if parameters.get("ResourceType") != "API_GATEWAY":
            return {"ResourceArns": []}
        stages: Sequence[tuple[str, ...]] = [tuple(one.split("/")) for one in found.stages]
        arns = [f"arn:aws:apigateway:{self._region}::/restapis/{api}/stages/{stage}" for api, stage in stages]
        return {"ResourceArns": arns}

    def _set(self, caller: Caller, parameters: Parameters) -> KeptSet:
        for found in self._sets.values():
            spec = found.spec
            named = (parameters["Name"], parameters["Id"], parameters["Scope"])
            if spec.account == caller.account and named == (spec.name, spec.id, "REGIONAL"):
                return found
        raise AwsError("WAFNonexistentItemException", _GONE)


_GONE = "AWS WAF couldn't perform the operation because your resource doesn't exist."


def _written(spec: IpSet, addresses: Iterable[str]) -> tuple[str, ...]:
    """What AWS keeps: each range once, of the set's version, never everything, and IPv6 written out."""
    found = []
    for text in addresses:
        try:
            network = ip_network(text)
        except ValueError as problem:
            raise AwsError("WAFInvalidParameterException", f"Error reason: {text!r} is no CIDR") from problem
        if network.version != spec.version or network.prefixlen == 0 or "/" not in text:
            raise AwsError("WAFInvalidParameterException", f"Error reason: {text!r} cannot be in this IP set")
        found.append(network.exploded)
    if len(set(found)) < len(found):
        raise AwsError("WAFInvalidParameterException", "Error reason: an address is there twice")
    return tuple(found)


def _is_in(source_ip: str, addresses: Iterable[str]) -> bool:
    caller = ip_address(source_ip)
    return any(caller in network for network in map(ip_network, addresses) if network.version == caller.version)


def _is_allow(action: Mapping[str, Any]) -> bool:
    if set(action) not in ({"Allow"}, {"Block"}):
        raise CannotJudge(f"action {sorted(action)}")
    return "Allow" in action


def _visibility(name: str) -> dict[str, Any]:
    return {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": name}
