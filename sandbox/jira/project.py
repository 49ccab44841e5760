"""The project's issues and every rule about changing them: creation, edits, comments, the workflow.

It knows no HTTP; it takes parsed JSON and a user, and answers with frozen issues or a `JiraRefusal`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sandbox.jira.fields import apply_label_operations, creatable, editable, read_comment, read_fields
from sandbox.jira.issues import Change, ChangeItem, Comment, Issue, RemoteLink, frozen
from sandbox.jira.refusals import JiraRefusal, off_screen
from sandbox.jira.site import Category, JiraSite, JiraUser, Transition

Clock = Callable[[], datetime]
MAX_PROPERTY = 32_768
_PLAIN = ("summary", "description", "labels", "assignee", "reporter", "resolution", "status")


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Switches:
    """What a test may switch on while the stand-in runs.

    `search_lag`: seconds until a search finds a new issue, or "until reconciled" (Cloud's
    `reconcileIssues`, or `JiraStandIn.reindex()`). `seconds_between_writes`: pace of writes to one issue.
    """

    search_lag: float | Literal["until reconciled"] = 0.0
    seconds_between_writes: float = 0.0


@dataclass
class Project:
    """All issues of one site, each replaced as a whole by a write."""

    site: JiraSite
    clock: Clock = utc_now
    switches: Switches = field(default_factory=Switches)
    issues: dict[str, Issue] = field(default_factory=dict)
    _written: dict[str, datetime] = field(default_factory=dict)
    _last_id: int = 10_000

    def get(self, key_or_id: str) -> Issue:
        """An issue by key or by numeric id, as JIRA allows wherever an issue is named."""
        for issue in self.issues.values():
            if key_or_id in (issue.key, str(issue.id)):
                return issue
        hidden = " or you do not have permission to see it." if self.site.is_cloud else ""
        raise JiraRefusal(404, f"Issue does not exist{hidden}" if hidden else "Issue Does Not Exist")

    def create(self, user: JiraUser, body: Mapping[str, Any]) -> Issue:
        values = read_fields(self.site, body.get("fields"), creatable(self.site))
        properties = read_properties(body.get("properties", []))
        if missing := {name: text for name, text in _REQUIRED.items() if name not in values}:
            raise JiraRefusal(400, errors=missing)
        now = self.clock()
        issue = Issue(
            id=self._next_id(),
            key=f"{self.site.project}-{len(self.issues) + 1}",
            type=values["issuetype"],
            summary=values["summary"],
            description=values.get("description", ""),
            labels=values.get("labels", ()),
            status=self.site.workflow.statuses[0].name,
            reporter=values.get("reporter") or user.name,
            assignee=values.get("assignee"),
            created=now,
            updated=now,
            fields=self._custom({}, values),
            properties=frozen(properties),
        )
        self.issues[issue.key] = issue
        return issue

    def edit(self, user: JiraUser, key: str, body: Mapping[str, Any]) -> None:
        issue = self._about_to_write(key)
        values = read_fields(self.site, body.get("fields", {}), editable(self.site))
        update = _object(body.get("update", {}), "update")
        for name in update:
            if name != "labels":
                raise JiraRefusal(400, errors={name: off_screen(name)})
            if name in values:
                raise JiraRefusal(400, errors={name: "Field cannot appear in both 'fields' and 'update'."})
            values[name] = apply_label_operations(issue.labels, update[name])
        if "reporter" in values and values["reporter"] is None:
            raise JiraRefusal(400, errors={"reporter": "Reporter is required."})
        self._store(user, issue, values)

    def comment(self, user: JiraUser, key: str, body: Any, properties: Any) -> Comment:
        issue = self._about_to_write(key)
        text = read_comment(body)
        return self._add_comment(user, issue, text, read_properties(properties))

    def transition(self, user: JiraUser, key: str, body: Mapping[str, Any]) -> None:
        issue = self._about_to_write(key)
        transition = self._transition(issue, body.get("transition"))
        values = read_fields(self.site, body.get("fields", {}), transition.screen)
        if missing := {
            name: f"{name.capitalize()} is required." for name in transition.required if not values.get(name)
        }:
            raise JiraRefusal(400, errors=missing)
        comments = _comments_of(body.get("update", {}))
        values["status"] = transition.target
        if transition.clears_resolution:
            values["resolution"] = None
        moved = self._store(user, issue, values)
        for text in comments:
            self._add_comment(user, moved, text, {})
            moved = self.issues[moved.key]

    def set_property(self, key: str, name: str, value: Any) -> bool:
        """Store a property; true if it is a new one."""
        issue = self._about_to_write(key)
        check_property(name, value)
        self._put(replace(issue, properties=frozen({**issue.properties, name: value})))
        return name not in issue.properties

    def link(self, key: str, url: str, title: str, global_id: str | None) -> tuple[RemoteLink, bool]:
        """Add a remote link, or replace the one with the same global id; true if it is a new one."""
        issue = self._about_to_write(key)
        old = next((link for link in issue.links if global_id and link.global_id == global_id), None)
        link = RemoteLink(old.id if old else self._next_id(), url, title, global_id)
        links = tuple(link if each is old else each for each in issue.links) if old else (*issue.links, link)
        self._put(replace(issue, links=links))
        return link, old is None

    def _transition(self, issue: Issue, wanted: Any) -> Transition:
        number = str(wanted.get("id")) if isinstance(wanted, Mapping) and len(wanted) == 1 else "None"
        for transition in self.site.workflow.leaving(issue.status):
            if transition.id == number:
                return transition
        raise JiraRefusal(400, f"Transition id '{number}' is not valid for this issue.")

    def _store(self, user: JiraUser, issue: Issue, values: Mapping[str, Any]) -> Issue:
        """Write the values, and the history of those that differ."""
        now = self.clock()
        plain = {name: value for name, value in values.items() if name in _PLAIN}
        changed = replace(issue, **plain, fields=self._custom(issue.fields, values))
        items = tuple(self._differences(issue, changed))
        if items:
            change = Change(str(self._next_id()), user.name, now, items)
            changed = replace(changed, updated=now, changelog=(*changed.changelog, change))
        if changed.resolution != issue.resolution:
            changed = replace(changed, resolved=now if changed.resolution else None)
        self._put(changed)
        return changed

    def _differences(self, before: Issue, after: Issue) -> list[ChangeItem]:
        pairs = [(name, getattr(before, name), getattr(after, name)) for name in _PLAIN]
        pairs += [(f.name, before.fields.get(f.name), after.fields.get(f.name)) for f in self.site.custom_fields]
        return [ChangeItem(name, readable(old), readable(new)) for name, old, new in pairs if old != new]

    def _custom(self, old: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        own = {custom.name for custom in self.site.custom_fields}
        merged = {**old, **{name: value for name, value in values.items() if name in own}}
        return frozen({name: value for name, value in merged.items() if value is not None})

    def _add_comment(self, user: JiraUser, issue: Issue, text: str, properties: Mapping[str, Any]) -> Comment:
        now = self.clock()
        comment = Comment(str(self._next_id()), user.name, text, now, frozen(properties))
        self._put(replace(issue, updated=now, comments=(*issue.comments, comment)))
        return comment

    def _about_to_write(self, key: str) -> Issue:
        """The issue, unless it was written to so recently that JIRA's per-issue limit says to wait."""
        issue = self.get(key)
        last = self._written.get(issue.key)
        pause = self.switches.seconds_between_writes
        if last is not None and (left := pause - (self.clock() - last).total_seconds()) > 0:
            headers = {"Retry-After": str(math.ceil(left)), "RateLimit-Reason": "jira-per-issue-on-write"}
            raise JiraRefusal(429, "Rate limit exceeded.", headers=headers)
        return issue

    def _put(self, issue: Issue) -> None:
        self.issues[issue.key] = issue
        self._written[issue.key] = self.clock()

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def category(self, issue: Issue) -> Category:
        return self.site.workflow.status(issue.status).category


_REQUIRED = {
    "project": "valid project is required",
    "issuetype": "valid issue type is required",
    "summary": "You must specify a summary of the issue.",
}


def readable(value: Any) -> str:
    """A field's value as the history shows it."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _comments_of(update: Any) -> list[str]:
    """`update.comment[].add.body` of a transition; any other operation is refused."""
    operations = _object(update, "update")
    if set(operations) - {"comment"} or not isinstance(operations.get("comment", []), list):
        raise JiraRefusal(400, "Only a list of 'comment' operations can be sent with a transition here.")
    texts = []
    for operation in operations.get("comment", []):
        added = _object(_object(operation, "comment").get("add"), "add")
        if len(operation) != 1 or set(added) != {"body"}:
            raise JiraRefusal(400, errors={"comment": "Only 'add' with a 'body' is supported."})
        texts.append(read_comment(added["body"]))
    return texts


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise JiraRefusal(400, f"'{name}' must be an object.")
    return value


def read_properties(raw: Any) -> dict[str, Any]:
    """Entity properties as a list of `{"key": …, "value": …}`."""
    if not isinstance(raw, list):
        raise JiraRefusal(400, "'properties' must be an array.")
    properties: dict[str, Any] = {}
    for each in raw:
        if not isinstance(each, Mapping) or set(each) != {"key", "value"}:
            raise JiraRefusal(400, "A property must have exactly 'key' and 'value'.")
        check_property(each["key"], each["value"])
        properties[each["key"]] = each["value"]
    return properties


def check_property(name: Any, value: Any) -> None:
    if not isinstance(name, str) or not 1 <= len(name) <= 255:
        raise JiraRefusal(400, "The property key must be a string of 1 to 255 characters.")
    if len(json.dumps(value)) > MAX_PROPERTY:
        raise JiraRefusal(400, "The property value must not be longer than 32768 characters.")
