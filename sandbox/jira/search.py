"""The search endpoints: pages of Data Center's /search and of Cloud's /search/jql, and the lagging index.

An issue that the index does not know yet is not found, whatever the query says.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.jira.incoming import listed, whole_number
from sandbox.jira.issues import Issue
from sandbox.jira.jql import select
from sandbox.jira.jql_parser import parse
from sandbox.jira.project import Project
from sandbox.jira.refusals import JiraRefusal
from sandbox.jira.site import JiraSite
from sandbox.jira.wire import SYSTEM_FIELDS, Wire

REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_PAGE = 50
_MOST = 100
_MOST_IDS = 5_000
_MOST_RECONCILED = 50


@dataclass
class Search:
    """Searches in one project, through an index that may lag behind."""

    project: Project
    _reconciled: set[int] = field(default_factory=set)

    def reindex(self) -> None:
        """Let the index catch up with all issues there are."""
        self._reconciled.update(issue.id for issue in self.project.issues.values())

    def find(self, jql: str) -> list[Issue]:
        """All issues that the index knows and the query matches."""
        pick = select(self.project, parse(jql))
        return pick(issue for issue in self.project.issues.values() if self._indexed(issue))

    def _indexed(self, issue: Issue) -> bool:
        lag = self.project.switches.search_lag
        if issue.id in self._reconciled:
            return True
        if isinstance(lag, str):
            return False
        return (self.project.clock() - issue.created).total_seconds() >= lag

    def classic(self, wire: Wire, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Data Center: pages by `startAt`, with a total; all navigable fields unless told."""
        fields = field_ids(self.project.site, listed(asked.get("fields")) or ["*navigable"])
        start = whole_number(asked.get("startAt"), "startAt", 0)
        size = min(whole_number(asked.get("maxResults"), "maxResults", _PAGE), 1_000)
        found = self.find(str(asked.get("jql", "")))
        shown = [wire.issue(issue, fields) for issue in found[start : start + size]]
        return {"startAt": start, "maxResults": size, "total": len(found), "issues": shown}

    def enhanced(self, wire: Wire, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Cloud: pages by token, no total; nothing but ids unless fields are named."""
        jql = str(asked.get("jql", ""))
        if parse(jql).where is None:
            raise JiraRefusal(400, "Unbounded JQL queries are not allowed here. Please add a search restriction.")
        self._reconcile(asked)
        fields = field_ids(self.project.site, listed(asked.get("fields")))
        most = _MOST if fields else _MOST_IDS
        size = min(whole_number(asked.get("maxResults"), "maxResults", _PAGE), most)
        start = _start(asked.get("nextPageToken"), jql)
        found = self.find(jql)
        rows = found[start : start + size]
        shown = [wire.issue(each, fields) if fields else {"id": str(each.id)} for each in rows]
        if start + size >= len(found):
            return {"issues": shown, "isLast": True}
        return {"issues": shown, "isLast": False, "nextPageToken": _token(start + size, jql)}

    def _reconcile(self, asked: Mapping[str, Any]) -> None:
        ids = listed(asked.get("reconcileIssues"))
        if len(ids) > _MOST_RECONCILED:
            raise JiraRefusal(400, "At most 50 issue ids can be reconciled.")
        self._reconciled.update(whole_number(each, "reconcileIssues", 0) for each in ids)


def field_ids(site: JiraSite, asked: list[str]) -> set[str]:
    """Field ids for what was asked: ids, `*all`, `*navigable` (all but comments) and `-id` to leave out."""
    everything = {*SYSTEM_FIELDS, *(custom.id for custom in site.custom_fields)}
    chosen: set[str] = set()
    for name in asked:
        if name == "*all":
            chosen |= everything
        elif name == "*navigable":
            chosen |= everything - {"comment"}
        elif name.removeprefix("-") not in everything:
            raise JiraRefusal(400, f"This stand-in has no field '{name}'.")
        elif not name.startswith("-"):
            chosen.add(name)
    return chosen - {name[1:] for name in asked if name.startswith("-")}


def _token(start: int, jql: str) -> str:
    return base64.urlsafe_b64encode(f"{start}:{jql}".encode()).decode()


def _start(token: Any, jql: str) -> int:
    if token is None:
        return 0
    try:
        start, _, query = base64.urlsafe_b64decode(str(token)).decode().partition(":")
        if query == jql:
            return int(start)
    except ValueError:
        pass
    raise JiraRefusal(400, "The nextPageToken is invalid or belongs to another query.")
