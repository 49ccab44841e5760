"""Issues and their parts as REST v2 shows them: the field names, shapes and time format of JIRA.

Only shapes live here; what may be asked is decided by the handlers.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sandbox.jira.issues import Change, Comment, FieldValue, Issue, RemoteLink
from sandbox.jira.project import Project
from sandbox.jira.site import CustomField, FieldType, JiraUser, Status, Transition

# id -> (name, JQL clause names)
SYSTEM_FIELDS = {
    "assignee": ("Assignee", ("assignee",)),
    "comment": ("Comment", ()),
    "created": ("Created", ("created",)),
    "description": ("Description", ()),
    "issuetype": ("Issue Type", ("issuetype",)),
    "labels": ("Labels", ("labels",)),
    "project": ("Project", ("project",)),
    "reporter": ("Reporter", ("reporter",)),
    "resolution": ("Resolution", ("resolution",)),
    "resolutiondate": ("Resolved", ("resolved",)),
    "status": ("Status", ("status",)),
    "summary": ("Summary", ("summary",)),
    "updated": ("Updated", ("updated",)),
}
_SCHEMA = {
    FieldType.TEXT: "string",
    FieldType.USER: "user",
    FieldType.SELECT: "option",
    FieldType.DATETIME: "datetime",
}


def time(moment: datetime) -> str:
    """JIRA's own format: milliseconds and an offset without a colon."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


class Wire:
    """Writes one project's things as JSON values; `base` is the site's address."""

    def __init__(self, project: Project, base: str) -> None:
        self._project = project
        self._site = project.site
        self._base = base
        self._rest = f"{base}/rest/api/2"

    def user(self, user: JiraUser) -> dict[str, Any]:
        if self._site.is_cloud:
            own = {"accountId": user.name, "accountType": "atlassian"}
            address = f"{self._rest}/user?accountId={user.name}"
        else:
            own = {"name": user.name, "key": f"JIRAUSER-{user.name}"}
            address = f"{self._rest}/user?username={user.name}"
        return {
            "self": address,
            **own,
            "emailAddress": user.email,
            "displayName": user.display,
            "active": user.active,
            "timeZone": "UTC",
        }

    def _named_user(self, name: str | None) -> dict[str, Any] | None:
        user = self._site.user(name) if name else None
        return self.user(user) if user else None

    def status(self, status: Status) -> dict[str, Any]:
        category = status.category
        return {
            "self": f"{self._rest}/status/{status.id}",
            "id": status.id,
            "name": status.name,
            "statusCategory": {"id": category.number, "key": category.value, "name": category.label},
        }

    def created(self, issue: Issue) -> dict[str, Any]:
        return {"id": str(issue.id), "key": issue.key, "self": f"{self._rest}/issue/{issue.id}"}

    def issue(
        self, issue: Issue, fields: Collection[str], *, changelog: bool = False, properties: Collection[str] = ()
    ) -> dict[str, Any]:
        """An issue with those fields (ids), and those properties of it that exist."""
        known = self._fields(issue)
        shown: dict[str, Any] = self.created(issue) | {
            "fields": {name: known[name] for name in known if name in fields}
        }
        if changelog:
            shown["changelog"] = self._changelog(issue)
        if properties:
            shown["properties"] = {name: v for name, v in issue.properties.items() if name in properties}
        return shown

    def _fields(self, issue: Issue) -> dict[str, Any]:
        comments = [self.comment(issue, comment) for comment in issue.comments]
        own = {f.id: self._value(f, issue.fields.get(f.name)) for f in self._site.custom_fields}
        return own | {
            "assignee": self._named_user(issue.assignee),
            "comment": {"comments": comments, "maxResults": len(comments), "total": len(comments), "startAt": 0},
            "created": time(issue.created),
            "description": issue.description or None,
            "issuetype": {
                "id": str(self._site.issue_types.index(issue.type) + 1),
                "name": issue.type,
                "subtask": False,
            },
            "labels": list(issue.labels),
            "project": self.project(),
            "reporter": self._named_user(issue.reporter),
            "resolution": self.resolution(issue.resolution) if issue.resolution else None,
            "resolutiondate": time(issue.resolved) if issue.resolved else None,
            "status": self.status(self._site.workflow.status(issue.status)),
            "summary": issue.summary,
            "updated": time(issue.updated),
        }

    def _value(self, custom: CustomField, value: FieldValue | None) -> Any:
        if value is None:
            return None
        if isinstance(value, datetime):
            return time(value)
        if custom.type is FieldType.USER:
            return self._named_user(value)
        return {"value": value, "id": str(custom.options.index(value) + 1)} if custom.options else value

    def project(self) -> dict[str, Any]:
        key = self._site.project
        return {"self": f"{self._rest}/project/10000", "id": "10000", "key": key, "name": key}

    def project_details(self) -> dict[str, Any]:
        types = [
            {"id": str(n + 1), "name": name, "subtask": False} for n, name in enumerate(self._site.issue_types)
        ]
        return self.project() | {"issueTypes": types}

    def resolution(self, name: str) -> dict[str, str]:
        return {"id": str(self._site.workflow.resolutions.index(name) + 1), "name": name}

    def comment(self, issue: Issue, comment: Comment) -> dict[str, Any]:
        author = self._named_user(comment.author)
        return {
            "self": f"{self._rest}/issue/{issue.id}/comment/{comment.id}",
            "id": comment.id,
            "author": author,
            "updateAuthor": author,
            "body": comment.body,
            "created": time(comment.created),
            "updated": time(comment.created),
        }

    def _changelog(self, issue: Issue) -> dict[str, Any]:
        histories = [self._history(change) for change in issue.changelog]
        return {"startAt": 0, "maxResults": len(histories), "total": len(histories), "histories": histories}

    def _history(self, change: Change) -> dict[str, Any]:
        return {
            "id": change.id,
            "author": self._named_user(change.author),
            "created": time(change.created),
            "items": [
                {"field": item.field, "fromString": item.before or None, "toString": item.after or None}
                for item in change.items
            ],
        }

    def transition(self, transition: Transition, *, fields: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": transition.id,
            "name": transition.name,
            "hasScreen": bool(transition.screen),
            "to": self.status(self._site.workflow.status(transition.target)),
        }
        if fields:
            screen = (self._screen_field(name, name in transition.required) for name in transition.screen)
            shown["fields"] = dict(screen)
        return shown

    def _screen_field(self, name: str, required: bool) -> tuple[str, dict[str, Any]]:
        custom = self._site.custom_field(name)
        shown: dict[str, Any] = {"required": required, "name": name.capitalize(), "operations": ["set"]}
        if custom is not None:
            return custom.id, shown | {"name": custom.name, "schema": self.schema(custom)}
        allowed = [self.resolution(each) for each in self._site.workflow.resolutions]
        return name, shown | {"schema": {"type": name, "system": name}, "allowedValues": allowed}

    def schema(self, custom: CustomField) -> dict[str, Any]:
        return {"type": _SCHEMA[custom.type], "customId": custom.number}

    def fields(self) -> list[dict[str, Any]]:
        """The list of GET /field."""
        system: list[dict[str, Any]] = [
            {"id": field_id, "name": name, "custom": False, "clauseNames": list(clauses)}
            for field_id, (name, clauses) in SYSTEM_FIELDS.items()
        ]
        own: list[dict[str, Any]] = [
            {
                "id": custom.id,
                "name": custom.name,
                "custom": True,
                "clauseNames": [f"cf[{custom.number}]", custom.name],
                "schema": self.schema(custom),
            }
            for custom in self._site.custom_fields
        ]
        return system + own

    def link(self, issue: Issue, link: RemoteLink) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": link.id, "self": f"{self._rest}/issue/{issue.id}/remotelink/{link.id}"}
        if link.global_id is not None:
            shown["globalId"] = link.global_id
        return shown | {"object": {"url": link.url, "title": link.title}}
