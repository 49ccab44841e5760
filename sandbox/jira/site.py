"""What a JIRA administrator sets up: people, tokens, issue types, custom fields and the workflow.

All of it is frozen: a stand-in serves one site for its whole life and never changes its rules half-way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Deployment = Literal["Server", "Cloud"]


@dataclass(frozen=True, slots=True)
class JiraUser:
    """One account; `name` is the user name of Data Center and the accountId of Cloud."""

    name: str
    email: str
    display: str
    active: bool = True


class FieldType(StrEnum):
    TEXT = "text"
    USER = "user"
    SELECT = "select"
    DATETIME = "datetime"


@dataclass(frozen=True, slots=True)
class CustomField:
    """A site's own field; `on_screen=False` is a field that exists and can be set nowhere."""

    number: int
    name: str
    type: FieldType
    options: tuple[str, ...] = ()
    on_screen: bool = True

    @property
    def id(self) -> str:
        return f"customfield_{self.number}"


class Category(StrEnum):
    """The three status categories, by the key that no language setting changes."""

    TO_DO = "new"
    IN_PROGRESS = "indeterminate"
    DONE = "done"

    @property
    def label(self) -> str:
        return {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}[self.value]

    @property
    def number(self) -> int:
        return {"new": 2, "indeterminate": 4, "done": 3}[self.value]


@dataclass(frozen=True, slots=True)
class Status:
    id: str
    name: str
    category: Category


@dataclass(frozen=True, slots=True)
class Transition:
    """A way from any of `origins` to `target`; `screen` names the fields that may be sent along."""

    id: str
    name: str
    origins: tuple[str, ...]
    target: str
    screen: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    clears_resolution: bool = False


@dataclass(frozen=True, slots=True)
class Workflow:
    """Statuses (the first is where an issue begins), transitions and resolutions of the project."""

    statuses: tuple[Status, ...]
    transitions: tuple[Transition, ...]
    resolutions: tuple[str, ...]

    def status(self, name: str) -> Status:
        return next(status for status in self.statuses if status.name == name)

    def leaving(self, status: str) -> tuple[Transition, ...]:
        return tuple(transition for transition in self.transitions if status in transition.origins)


_OPEN = ("To Do", "Waiting for approval", "In Progress")
_ENDS = ("Done", "Declined", "Cancelled")

DEFAULT_WORKFLOW = Workflow(
    statuses=(
        Status("1", "To Do", Category.TO_DO),
        Status("2", "Waiting for approval", Category.IN_PROGRESS),
        Status("3", "In Progress", Category.IN_PROGRESS),
        Status("4", "Done", Category.DONE),
        Status("5", "Declined", Category.DONE),
        Status("6", "Cancelled", Category.DONE),
    ),
    transitions=(
        Transition("11", "Ask for approval", ("To Do",), "Waiting for approval"),
        Transition("21", "Start", ("Waiting for approval",), "In Progress", ("Approver", "Expires at")),
        Transition("31", "Finish", ("In Progress",), "Done", ("resolution",), ("resolution",)),
        Transition("41", "Decline", _OPEN[1:], "Declined", ("resolution",), ("resolution",)),
        Transition("51", "Withdraw", _OPEN, "Cancelled", ("resolution",)),
        Transition("61", "Reopen", _ENDS, "To Do", clears_resolution=True),
    ),
    resolutions=("Done", "Declined", "Timed out", "Failed", "Cancelled", "Won't Do", "Duplicate"),
)


@dataclass(frozen=True, slots=True)
class JiraSite:
    """One JIRA with one project.

    `tokens` maps `:<token>` (Data Center, Bearer) or `<e-mail>:<token>` (Cloud, Basic) to a user name.
    `app_functions` names JQL functions that only an installed app brings (`startOfQuarter`).
    """

    project: str
    users: tuple[JiraUser, ...]
    tokens: Mapping[str, str]
    deployment: Deployment = "Server"
    workflow: Workflow = DEFAULT_WORKFLOW
    issue_types: tuple[str, ...] = ("Service Request", "Access Request", "Task")
    custom_fields: tuple[CustomField, ...] = ()
    app_functions: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_cloud(self) -> bool:
        return self.deployment == "Cloud"

    def user(self, name: str) -> JiraUser | None:
        return next((user for user in self.users if user.name == name), None)

    def custom_field(self, name: str) -> CustomField | None:
        """A custom field by its name, as people and JQL write it."""
        wanted = name.casefold()
        return next((field for field in self.custom_fields if field.name.casefold() == wanted), None)


def sample_site(deployment: Deployment = "Server") -> JiraSite:
    """The sandbox's OPS project; the robot's token is `jira-token`, a person's is `<name>-token`."""
    users = (
        JiraUser("ana", "ana@example.com", "Ana Ruiz"),
        JiraUser("lee", "lee@example.com", "Lee Wong"),
        JiraUser("sam", "sam@example.com", "Sam Okafor"),
        JiraUser("kim", "kim@example.com", "Kim Berg"),
        JiraUser("rob", "rob@example.com", "Robot"),
        JiraUser("dee", "dee@example.com", "Dee Gone", active=False),
    )
    secrets = {user.name: "jira-token" if user.name == "rob" else f"{user.name}-token" for user in users}
    return JiraSite(
        project="OPS",
        users=users,
        tokens={
            f"{user.email if deployment == 'Cloud' else ''}:{secrets[user.name]}": user.name for user in users
        },
        deployment=deployment,
        custom_fields=(
            CustomField(10010, "Approver", FieldType.USER),
            CustomField(10011, "Request id", FieldType.TEXT),
            CustomField(10012, "Expires at", FieldType.DATETIME),
            CustomField(10013, "Target environment", FieldType.SELECT, ("nonprod", "prod")),
            CustomField(10014, "Cost centre", FieldType.TEXT, on_screen=False),
        ),
    )
