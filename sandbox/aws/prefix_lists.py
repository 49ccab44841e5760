"""Managed prefix lists as EC2 keeps them: every change names the version it is made to, and takes its time.

A change is refused while another is going on. Earlier versions stay readable.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.listing import listed, values_of
from sandbox.aws.security_groups import canonical
from sandbox.aws.wire import Operation, Parameters, Result
from sandbox.aws.world import PrefixList

_PER_CALL = 100
_BUSY = "modify-in-progress"


@dataclass(slots=True)
class KeptList:
    """A list with all its versions; `coming` is what a change under way will make of it."""

    spec: PrefixList
    state: str = "create-complete"
    message: str = ""
    versions: list[dict[str, str]] = field(default_factory=list)  # range to description
    coming: dict[str, str] | None = None
    polls: int = 0  # how often it will still be seen under way

    @property
    def version(self) -> int:
        return len(self.versions)

    @property
    def entries(self) -> Mapping[str, str]:
        return self.versions[-1]

    @property
    def ip_version(self) -> int:
        return int(self.spec.family[-1])


class PrefixLists:
    """The lists of all accounts. A change is seen under way `settle_polls` times before it is done."""

    def __init__(self, lists: Iterable[PrefixList], lock: threading.RLock) -> None:
        self.settle_polls = 1
        self.fails_with = ""  # why the next change will fail after it was accepted; empty if it will not
        self._lock = lock
        self._lists = {one.id: KeptList(one, versions=[dict(one.entries)]) for one in lists}
        self.operations = {
            "DescribeManagedPrefixLists": Operation(self._describe, "Filters MaxResults NextToken"),
            "GetManagedPrefixListEntries": Operation(
                self._entries, "PrefixListId TargetVersion MaxResults NextToken"
            ),
            "ModifyManagedPrefixList": Operation(
                self._modify, "PrefixListId CurrentVersion AddEntries RemoveEntries"
            ),
        }

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """The IP version and the maximum of each list, which rules that name it count with."""
        return {one.spec.id: (one.ip_version, one.spec.max_entries) for one in self._lists.values()}

    def lists(self) -> list[KeptList]:
        return list(self._lists.values())

    def entries(self, prefix_list: str) -> dict[str, str]:
        """The present entries, by range, with their descriptions."""
        with self._lock:
            return dict(self._lists[prefix_list].entries)

    def edit(self, prefix_list: str, add: Mapping[str, str], remove: Iterable[str] = ()) -> None:
        """Change it by hand, at once."""
        with self._lock:
            found = self._lists[prefix_list]
            kept = {cidr: text for cidr, text in found.entries.items() if cidr not in set(remove)}
            found.versions.append({**kept, **add})

    # Operations

    def _describe(self, caller: Caller, parameters: Parameters) -> Result:
        wanted = values_of(parameters, ("prefix-list-id",))["prefix-list-id"]
        found = [self._lists[one] for one in sorted(wanted) if one in self._lists]
        views = [_view(one) for one in found if one.spec.account == caller.account]
        for one in found:
            self._proceed(one)
        return listed("PrefixLists", views, parameters)

    def _entries(self, caller: Caller, parameters: Parameters) -> Result:
        found = self._list(caller, parameters)
        version = parameters.get("TargetVersion", found.version)
        if not 1 <= version <= found.version:
            raise AwsError("InvalidPrefixListVersion.NotFound", f"There is no version {version}")
        entries = found.versions[version - 1].items()
        views = [{"Cidr": cidr, **({"Description": text} if text else {})} for cidr, text in entries]
        return listed("Entries", views, parameters)

    def _modify(self, caller: Caller, parameters: Parameters) -> Result:
        found = self._list(caller, parameters)
        if found.state == _BUSY:
            sentence = f"The request cannot be completed in the current state ({found.state})."
            raise AwsError("IncorrectState", sentence)
        if "CurrentVersion" not in parameters:
            raise AwsError("MissingParameter", "The request must contain the parameter CurrentVersion")
        if parameters["CurrentVersion"] != found.version:
            raise AwsError("PrefixListVersionMismatch", "The prefix list has the incorrect version number.")
        found.coming = _changed(found, parameters.get("AddEntries", []), parameters.get("RemoveEntries", []))
        found.state, found.message, found.polls = _BUSY, "", self.settle_polls
        return {"PrefixList": _view(found)}

    def _list(self, caller: Caller, parameters: Parameters) -> KeptList:
        found = self._lists.get(parameters["PrefixListId"])
        if found is None or found.spec.account != caller.account:
            sentence = f"The prefix list ID '{parameters['PrefixListId']}' does not exist"
            raise AwsError("InvalidPrefixListID.NotFound", sentence)
        return found

    def _proceed(self, found: KeptList) -> None:
        """Let a change that was seen under way often enough come to its end."""
        found.polls -= 1
        if found.state != _BUSY or found.polls > 0 or found.coming is None:
            return
        if self.fails_with:
            found.state, found.message, self.fails_with = "modify-failed", self.fails_with, ""
        else:
            found.versions.append(found.coming)
            found.state = "modify-complete"
        found.coming = None


def _changed(found: KeptList, add: list[Mapping[str, Any]], remove: list[Mapping[str, Any]]) -> dict[str, str]:
    if not add and not remove:
        raise AwsError("InvalidRequest", "The request changes nothing")
    if max(len(add), len(remove)) > _PER_CALL:
        raise AwsError("InvalidParameterValue", "The number of entries per request cannot exceed limit (100).")
    coming = {canonical(one["Cidr"], found.ip_version): one.get("Description", "") for one in add}
    going = {one["Cidr"] for one in remove}
    if len(coming) < len(add) or coming.keys() & (found.entries.keys() | going) or going - found.entries.keys():
        raise AwsError("InvalidPrefixListModification", "An entry is there already, or twice, or is not there.")
    entries = {**{cidr: text for cidr, text in found.entries.items() if cidr not in going}, **coming}
    if len(entries) > found.spec.max_entries:
        sentence = f"The prefix list {found.spec.id} may have {found.spec.max_entries} entries."
        raise AwsError("PrefixListMaxEntriesExceeded", sentence)
    return entries


def _view(found: KeptList) -> dict[str, Any]:
    return {
        "PrefixListId": found.spec.id,
        "PrefixListName": found.spec.name,
        "AddressFamily": found.spec.family,
        "State": found.state,
        "MaxEntries": found.spec.max_entries,
        "Version": found.version,
        "OwnerId": found.spec.account,
        **({"StateMessage": found.message} if found.message else {}),
    }
