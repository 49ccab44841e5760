"""A flow as its policy file describes it: the form, the ticket, and the rule for each case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from sallyport.documents import JSON

ENVIRONMENT = "environment"  # the field that every flow has and that rules are chosen by
DURATION, REASON, APPROVER = "duration", "reason", "approver"  # the fields that rules fill and bound
PERMANENT = "permanent"


class FieldKind(StrEnum):
    CHOICE = "choice"
    TEXT = "text"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Field:
    """One question of the form."""

    name: str
    label: str
    kind: FieldKind
    options: tuple[str, ...] = ()  # a fixed list
    source: str = ""  # or the catalogue list the options come from
    hint: str = ""
    placeholder: str = ""
    optional: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may approve: people, groups, owners of the item; with `chosen`, the requester picks one of them."""

    people: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()
    owners: bool = False
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long an entry of this rule may live."""

    default: timedelta
    maximum: timedelta
    minimum: timedelta
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for the requests that match `when` (field to value; an empty one matches all)."""

    name: str
    when: Mapping[str, str]
    may_request: tuple[str, ...]
    approvers: Approvers
    quorum: int
    timeout: timedelta
    lifetime: Lifetime
    self_approval: bool = False
    bound_identity: bool = True

    def matches(self, answers: Mapping[str, str]) -> bool:
        return all(answers.get(name) == value for name, value in self.when.items())


@dataclass(frozen=True, slots=True)
class TicketStyle:
    """How the flow's tickets look in JIRA."""

    type: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketStatus:
    """A status of the JIRA workflow, with the resolution that its transition asks for."""

    status: str
    resolution: str | None = None


class OnDrift(StrEnum):
    """What is done where AWS differs from the entries: tell, or also mend what was told and is still there."""

    REPORT = "report"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True)
class Removals:
    """How many entries of a target a job may end before their time because they are not proven any more.

    It is stopped above *number*, and above *percent* of those in force; one alone may always end.
    """

    number: int = 10
    percent: int = 34


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of request."""

    id: str
    prefix: str
    command: str
    title: str
    verb: str  # what the approve button does, e.g. "Approve production access"
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    ticket: TicketStyle
    channel: str = ""  # where the thread is opened; empty means a direct message to the requester
    defaults: Mapping[str, str] = field(default_factory=dict)  # answers of the quick path, where there is one
    options: Mapping[str, JSON] = field(default_factory=dict)  # facts for the flow's own change and executor
    drift: OnDrift = OnDrift.REPORT
    removals: Removals = field(default_factory=Removals)

    @property
    def has_quick_path(self) -> bool:
        """Whether the command's text alone, as the reason, makes a request."""
        return bool(self.defaults)

    def rule_for(self, answers: Mapping[str, str]) -> Rule | None:
        """Return the first rule that matches; None means that policy denies."""
        return next((rule for rule in self.rules if rule.matches(answers)), None)

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)
