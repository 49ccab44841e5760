"""AWS's answers about one allow list as a value: what is there, whose it is, and how full it is. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actions.executors.allow_lists.calls import MARK, TAG, Facts, ListCalls
from actions.executors.allow_lists.state import Holder, ListState, Opening, Rule
from sallyport.changes.allow_list import AllowList
from sallyport.changes.sources import parse_network

_VERSIONS = (4, 6)
_WHERE = "policies/catalogue/allow-lists.yaml"


def observe(calls: ListCalls, allow_list: AllowList, lock: str) -> ListState:
    """Read the groups and lists of the catalogue, and our rules in groups that it names no more."""
    found = {rule["SecurityGroupRuleId"]: rule for rule in calls.rules_in(allow_list.ports)}
    groups = calls.groups(allow_list.ports)
    rules = [_rule(rule, lock) for rule in {**found, **_by_id(calls.rules_tagged(lock))}.values()]
    referenced = {rule["PrefixListId"] for rule in found.values() if "PrefixListId" in rule}
    lists = calls.prefix_lists({*allow_list.prefix_lists.values(), *referenced})
    holders = {
        group: _group(group, (rule for rule in found.values() if rule["GroupId"] == group), lists, allow_list)
        for group in sorted(groups)
    }
    unusable = {group: f"AWS has no security group {group} here; mend {_WHERE}." for group in allow_list.ports}
    unusable = {group: why for group, why in unusable.items() if group not in groups}
    for version, list_id in allow_list.prefix_lists.items():
        if why := _list_problem(list_id, lists.get(list_id), version):
            unusable[list_id] = why
            continue
        revision = lists[list_id]["Version"]
        entries = [_entry(list_id, entry) for entry in calls.entries(list_id, revision)]
        holders[list_id] = Holder(
            list_id, {version: len(entries)}, {version: lists[list_id]["MaxEntries"]}, revision
        )
        rules += entries
    return ListState(allow_list, holders, tuple(rules), unusable)


def _by_id(rules: Iterable[Facts]) -> dict[str, Facts]:
    return {rule["SecurityGroupRuleId"]: rule for rule in rules}


def _group(group: str, rules: Iterable[Facts], lists: Mapping[str, Facts], allow_list: AllowList) -> Holder:
    weights = [_weight(rule, lists) for rule in rules]
    used = {version: sum(weight.get(version, 0) for weight in weights) for version in _VERSIONS}
    return Holder(group, used, dict.fromkeys(_VERSIONS, allow_list.rules_per_group))


def _weight(rule: Facts, lists: Mapping[str, Facts]) -> dict[int, int]:
    """Return what a rule counts against the group's quota, by IP version (Amazon VPC quotas).

    A prefix list counts with all the entries that it may have. Those that AWS manages do not tell how many.
    """
    if "CidrIpv4" in rule:
        return {4: 1}
    if "CidrIpv6" in rule:
        return {6: 1}
    found = lists.get(rule.get("PrefixListId", ""), {})
    if "MaxEntries" in found:
        return {_version(found): found["MaxEntries"]}
    return dict.fromkeys(_VERSIONS, 1)


def _rule(rule: Facts, lock: str) -> Rule:
    ours = any((tag["Key"], tag["Value"]) == (TAG, lock) for tag in rule.get("Tags", ()))
    return Rule(rule["SecurityGroupRuleId"], rule["GroupId"], _opening(rule), ours)


def _opening(rule: Facts) -> Opening | None:
    cidr, port = rule.get("CidrIpv4") or rule.get("CidrIpv6"), rule.get("FromPort", -1)
    if cidr is None or rule["IpProtocol"] != "tcp" or port < 1 or port != rule.get("ToPort"):
        return None
    return Opening(rule["GroupId"], str(parse_network(cidr)), port)


def _entry(list_id: str, entry: Facts) -> Rule:
    ours = entry.get("Description", "").startswith(MARK)
    return Rule(entry["Cidr"], list_id, Opening(list_id, str(parse_network(entry["Cidr"]))), ours)


def _list_problem(list_id: str, found: Facts | None, version: int) -> str:
    if found is None:
        return f"AWS has no prefix list {list_id} here; mend {_WHERE}."
    if _version(found) != version:
        return f"The prefix list {list_id} is one for {found['AddressFamily']}; mend {_WHERE}."
    return ""


def _version(prefix_list: Facts) -> int:
    return 6 if prefix_list["AddressFamily"] == "IPv6" else 4
