"""The EC2 calls for allow lists, each in one place, in the executor's own values. Decides nothing.

A rule of a group is ours by its tag, which names the allow list; an entry of a prefix list by its description.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, TypeVar

from actions.executors.allow_lists.state import Opening
from actions.executors.aws import AwsFault, Clients, ask, insist, request_id
from actions.pacing import Backoff, Wait
from sallyport.changes.protocol import Access

Answer = TypeVar("Answer")
Facts = Mapping[str, Any]

TAG = "sallyport"
MARK = "Sallyport "  # begins the description of what we write
ENTRIES_PER_CALL = 100  # of ModifyManagedPrefixList, each way
_PLAIN = re.compile(r"[^A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]")  # what EC2 does not take in a description
_LONGEST = 255
_GOING_ON = "-in-progress"  # ends the states in which a prefix list takes no change
_BACKOFF = Backoff(attempts=6, first=1.0)
_POLL = Backoff(attempts=20, first=0.5, factor=1.5, longest=5.0)  # about a minute


class ListCalls:
    """The calls with one role in one region. Writes return AWS's request id."""

    def __init__(self, clients: Clients, access: Access, wait: Wait) -> None:
        self._read: Any = clients.reader("ec2", access)
        self._write: Any = clients.writer("ec2", access)
        self._wait = wait

    def groups(self, ids: Iterable[str]) -> frozenset[str]:
        """Return those of the security groups that exist."""
        found = self._pages("describe_security_groups", "SecurityGroups", Filters=[_filter("group-id", ids)])
        return frozenset(group["GroupId"] for group in found)

    def rules_in(self, groups: Iterable[str]) -> list[Facts]:
        """Return the inbound rules of security groups, whoever made them."""
        return self._rules(_filter("group-id", groups))

    def rules_tagged(self, lock: str) -> list[Facts]:
        """Return our inbound rules of one allow list, in whatever groups they are."""
        return self._rules(_filter(f"tag:{TAG}", [lock]))

    def prefix_lists(self, ids: Iterable[str]) -> dict[str, Facts]:
        """Return those of the prefix lists that exist, once nothing is going on in them."""
        found = {one["PrefixListId"]: one for one in self._lists(ids)}
        return {list_id: self._settled(list_id, one) for list_id, one in found.items()}

    def entries(self, prefix_list: str, version: int) -> list[Facts]:
        """Return the entries of one version of a prefix list."""
        return self._pages(
            "get_managed_prefix_list_entries", "Entries", PrefixListId=prefix_list, TargetVersion=version
        )

    def authorize(self, group: str, openings: Sequence[Opening], lock: str, reference: str) -> str:
        """Make all rules of *openings* in one call."""
        permissions = [_permission(port, found, reference) for port, found in _by_port(openings).items()]
        tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": TAG, "Value": lock}]}]
        answer = self._insist(
            "AuthorizeSecurityGroupIngress",
            lambda: self._write.authorize_security_group_ingress(
                GroupId=group, IpPermissions=permissions, TagSpecifications=tags
            ),
        )
        return request_id(answer)

    def revoke(self, group: str, rules: Sequence[str]) -> str:
        """Take rules away, by their ids, in one call."""
        answer = self._insist(
            "RevokeSecurityGroupIngress",
            lambda: self._write.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=list(rules)),
        )
        return request_id(answer)

    def modify(self, prefix_list: str, version: int, add: Sequence[str], remove: Sequence[str], why: str) -> str:
        """Change the entries of exactly that version; AwsFault if somebody else was faster."""
        requests = []
        for coming, going in zip_longest(_chunks(add), _chunks(remove), fillvalue=()):
            change = {
                "AddEntries": [{"Cidr": cidr, "Description": _description(why)} for cidr in coming],
                "RemoveEntries": [{"Cidr": cidr} for cidr in going],
            }
            answer = self._modify(prefix_list, version, {name: items for name, items in change.items() if items})
            latest = self._settled(prefix_list, answer["PrefixList"])
            if latest["State"] == "modify-failed":
                why = latest.get("StateMessage") or "no reason given"
                raise AwsFault(f"AWS failed to change the prefix list {prefix_list}: {why}.", "Failed")
            version = latest["Version"]
            requests.append(request_id(answer))
        return ", ".join(requests)

    def _modify(self, prefix_list: str, version: int, change: Mapping[str, Any]) -> Facts:
        def call() -> Facts:
            found: Facts = self._write.modify_managed_prefix_list(
                PrefixListId=prefix_list, CurrentVersion=version, **change
            )
            return found

        return self._insist("ModifyManagedPrefixList", call)

    def _settled(self, prefix_list: str, latest: Facts) -> Facts:
        """Poll until nothing is going on in the list; AwsFault if that takes longer than we wait."""
        for pause in _POLL.pauses():
            if not latest["State"].endswith(_GOING_ON):
                return latest
            self._wait(pause)
            latest = next(iter(self._lists([prefix_list])), latest)
        raise AwsFault(f"The prefix list {prefix_list} is {latest['State']} for longer than we wait.", "Pending")

    def _lists(self, ids: Iterable[str]) -> list[Facts]:
        return self._pages(
            "describe_managed_prefix_lists", "PrefixLists", Filters=[_filter("prefix-list-id", ids)]
        )

    def _rules(self, which: Facts) -> list[Facts]:
        found = self._pages("describe_security_group_rules", "SecurityGroupRules", Filters=[which])
        return [rule for rule in found if not rule["IsEgress"]]

    def _pages(self, operation: str, member: str, **parameters: Any) -> list[Facts]:
        """Return all items of a listing; a filter for nothing would be one for everything, and is not asked."""
        if any(not which["Values"] for which in parameters.get("Filters", ())):
            return []

        def pages() -> list[Facts]:
            found = self._read.get_paginator(operation).paginate(PaginationConfig={"PageSize": 100}, **parameters)
            return [item for page in found for item in page[member]]

        return ask("".join(word.capitalize() for word in operation.split("_")), pages)

    def _insist(self, operation: str, call: Callable[[], Answer]) -> Answer:
        return insist(operation, call, _BACKOFF, self._wait)


def _filter(name: str, values: Iterable[str]) -> dict[str, Any]:
    return {"Name": name, "Values": sorted(values)}


def _by_port(openings: Iterable[Opening]) -> dict[int, list[Opening]]:
    found: dict[int, list[Opening]] = {}
    for opening in sorted(openings):
        found.setdefault(opening.port, []).append(opening)
    return found


def _permission(port: int, openings: Iterable[Opening], reference: str) -> dict[str, Any]:
    ranges: dict[str, list[dict[str, str]]] = {}
    for opening in openings:
        family, key = ("IpRanges", "CidrIp") if opening.version == 4 else ("Ipv6Ranges", "CidrIpv6")
        ranges.setdefault(family, []).append({key: opening.cidr, "Description": _description(reference)})
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **ranges}


def _description(reference: str) -> str:
    return _PLAIN.sub("", MARK + reference)[:_LONGEST]


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), ENTRIES_PER_CALL):
        yield items[start : start + ENTRIES_PER_CALL]
