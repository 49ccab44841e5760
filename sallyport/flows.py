"""A flow as its policy file describes it: the form, the ticket, and the rule for each case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum

from sallyport.documents import JSON

ENVIRONMENT = "environment"  # the field that every flow has and that rules are chosen by
DURATION, REASON, APPROVER = "duration", "reason", "approver"  # the fields that rules fill and bound
INCIDENT = "incident"  # what a form asks for only in an emergency
PERMANENT = "permanent"
TAGS = "tags"  # in a rule's `when`: not a field of the form, but what the catalogue says of the chosen items


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
class Stage:
    """One step of an approval: so many different people of these, after the steps before it are done.

    With `distinct_groups`, each of them must speak for another group.
    """

    name: str
    approvers: Approvers
    quorum: int = 1
    distinct_groups: bool = False


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long an entry of this rule may live.

    A deadline that is counted from an approval is put off to the next full `grain` in UTC, where there is one, so
    that what is approved at different seconds ends together. One that somebody wrote stays as written.
    """

    default: timedelta
    maximum: timedelta
    minimum: timedelta
    permanent: bool = False
    approver_may_shorten: bool = False
    grain: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may go ahead in an emergency without anybody's approval, and for how long at most."""

    groups: tuple[str, ...]
    maximum: timedelta


@dataclass(frozen=True, slots=True)
class Enders:
    """Who may end an entry before its time besides its requester: groups, and the owners of the item."""

    groups: tuple[str, ...] = ()
    owners: bool = False


@dataclass(frozen=True, slots=True)
class Cards:
    """Where the question is put: to each approver directly, in a channel, or both."""

    direct: bool = True
    channel: str = ""


class StepUp(StrEnum):
    """The second place where what was approved in Slack must be approved too."""

    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for the requests that match `when`: by field, the answers it is for; an empty one matches all.

    A rule without stages approves by itself.
    """

    name: str
    when: Mapping[str, frozenset[str]]
    may_request: tuple[str, ...]
    stages: tuple[Stage, ...]
    timeout: timedelta
    lifetime: Lifetime
    tags: frozenset[str] = frozenset()  # only for what carries one of them in the catalogue, where there are any
    self_approval: bool = False
    bound_identity: bool = True
    break_glass: BreakGlass | None = None
    extension: bool = True
    early_return: bool = True
    may_end: Enders = Enders()
    confirm: bool = True  # whether Approve asks once more
    step_up: StepUp | None = None
    cards: Cards = Cards()

    @property
    def approves_by_itself(self) -> bool:
        return not self.stages

    @property
    def seats(self) -> int:
        """How many different people must approve, all stages together."""
        return sum(stage.quorum for stage in self.stages)

    @property
    def lets_choose(self) -> bool:
        """Whether the requester chooses who decides."""
        return any(stage.approvers.chosen for stage in self.stages)

    def matches(self, answers: Mapping[str, str], tags: frozenset[str]) -> bool:
        answered = all(answers.get(name, "") in accepted for name, accepted in self.when.items())
        return answered and (not self.tags or bool(self.tags & tags))


@dataclass(frozen=True, slots=True)
class Nudges:
    """When those who are asked are reminded by themselves: in working hours only, and twice at most."""

    automatic: int
    timezone: str
    start: time
    end: time


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


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """How the ticket looks by which somebody else reviews an emergency; `status` is where it is opened again."""

    type: str = "Task"
    labels: tuple[str, ...] = ("break-glass-review",)
    status: str = "To Do"


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
    command: str  # `/prod-access`, or with words of its own where flows share one: `/infra stop`
    title: str
    verb: str  # what the approve button does, e.g. "Approve production access"
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    ticket: TicketStyle
    channel: str = ""  # where the thread is opened; empty means a direct message to the requester
    defaults: Mapping[str, str] = field(default_factory=dict)  # answers of the quick path, where there is one
    examples: tuple[str, ...] = ()  # what may follow the command and asks at once: help shows them
    options: Mapping[str, JSON] = field(default_factory=dict)  # facts for the flow's own change and executor
    nudges: Nudges | None = None
    notice: timedelta = timedelta()  # how long before it begins the environment's channel is warned
    announce_end: bool = False  # whether the channel hears of ends beside the threads
    drift: OnDrift = OnDrift.REPORT
    removals: Removals = field(default_factory=Removals)

    @property
    def slash(self) -> str:
        """The command as Slack knows it, which flows may share."""
        return self.command.partition(" ")[0]

    @property
    def words(self) -> tuple[str, ...]:
        """What must follow the slash command to mean this flow."""
        return tuple(self.command.split()[1:])

    @property
    def has_quick_path(self) -> bool:
        """Whether the command's text alone, as the reason, makes a request."""
        return bool(self.defaults)

    def has_rule_in(self, environment: str) -> bool:
        """Tell whether anything at all can be asked for in *environment*."""
        return any(environment in rule.when.get(ENVIRONMENT, {environment}) for rule in self.rules)

    def rule_for(self, answers: Mapping[str, str], tags: frozenset[str] = frozenset()) -> Rule | None:
        """Return the first rule that matches; None means denied. `Policies.rule_for` knows the tags."""
        return next((rule for rule in self.rules if rule.matches(answers, tags)), None)

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)
