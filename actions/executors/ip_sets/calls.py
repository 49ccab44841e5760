"""The calls for IP sets and for what stands before a stage, each in one place. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_network
from typing import Any, TypeVar

from actions.executors.aws import AwsFault, Clients, ask, insist, request_id
from actions.executors.ip_sets.guards import Guard, read_guard
from actions.executors.ip_sets.state import KeptSet
from actions.executors.protocol import TargetFault
from actions.pacing import Backoff, Wait
from sallyport.changes.ip_sets import REGIONAL, IpSet
from sallyport.changes.protocol import Access
from sallyport.resource_policies.document import ApiArn

Answer = TypeVar("Answer")

_BACKOFF = Backoff(attempts=6, first=1.0)
_BUSY = frozenset({"WAFUnavailableEntityException"})  # “being created or changed”: nothing was done


class SetCalls:
    """The calls for the sets of one API. Writes return AWS's request id."""

    def __init__(self, clients: Clients, access: Access, wait: Wait) -> None:
        self._read: Any = clients.reader("wafv2", access)
        self._write: Any = clients.writer("wafv2", access)
        self._stages: Any = clients.reader("apigateway", access)
        self._wait = wait

    def ip_set(self, spec: IpSet) -> KeptSet:
        """Read a set with the token of its state; it does not exist if the account has none of that id."""
        answer = _or_none(lambda: ask("GetIPSet", lambda: self._read.get_ip_set(**_names(spec))))
        if answer is None:
            return KeptSet(spec)
        found = answer["IPSet"]
        try:
            addresses = frozenset(str(ip_network(one, strict=False)) for one in found["Addresses"])
        except ValueError as error:
            raise TargetFault(f"The IP set {spec.name} cannot be read ({error}).") from error
        version = int(found["IPAddressVersion"][-1])
        return KeptSet(spec, addresses, version, answer["LockToken"], found.get("Description", ""))

    def replace(self, state: KeptSet, addresses: Iterable[str]) -> str:
        """Replace all that is in a set, if it is still as *state*; AwsFault if somebody else was faster."""
        described = {"Description": state.description} if state.description else {}
        answer = insist(
            "UpdateIPSet",
            lambda: self._write.update_ip_set(
                **_names(state.spec), **described, Addresses=sorted(addresses), LockToken=state.token
            ),
            _BACKOFF,
            self._wait,
            _BUSY,
        )
        return request_id(answer)

    def guard(self, arn: ApiArn, stage: str) -> Guard:
        """Read what stands before a stage. What AWS refuses to show is told in the guard: it holds up no end."""
        try:
            return self._guard(arn, stage)
        except AwsFault as fault:
            if fault.passing:
                raise
            return Guard(fault=str(fault))

    def _guard(self, arn: ApiArn, stage: str) -> Guard:
        found = ask("GetStage", lambda: self._stages.get_stage(restApiId=arn.rest_api, stageName=stage))
        acl_arn = str(found.get("webAclArn", ""))
        if ":wafv2:" not in acl_arn:
            return Guard()
        name, acl_id = acl_arn.split("/")[-2:]
        acl = ask("GetWebACL", lambda: self._read.get_web_acl(Name=name, Id=acl_id, Scope=REGIONAL)["WebACL"])
        guarded = ask(
            "ListResourcesForWebACL",
            lambda: self._read.list_resources_for_web_acl(WebACLArn=acl_arn, ResourceType="API_GATEWAY"),
        )
        here = f"arn:{arn.partition}:apigateway:{arn.region}::/restapis/{arn.rest_api}/stages/{stage}"
        return ask("GetWebACL", lambda: read_guard(acl, guarded.get("ResourceArns", ()), here))


def _names(spec: IpSet) -> dict[str, str]:
    return {"Name": spec.name, "Id": spec.id, "Scope": REGIONAL}


def _or_none(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except AwsFault as fault:
        if fault.code == "WAFNonexistentItemException":
            return None
        raise
