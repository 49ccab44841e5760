"""What every flow's change can say of itself; coordinator and executor need no more to carry it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol, Self, runtime_checkable

from sallyport.catalogue import Catalogue
from sallyport.documents import JSON
from sallyport.problems import Problem


@dataclass(frozen=True, slots=True)
class Access:
    """The AWS role a change is made with, and where; `reader` may only look, and is empty where there is none."""

    account: str
    region: str
    role: str
    reader: str = ""


class Change(Protocol):
    """One change of an entry: a frozen value, made from a form's answers or from an entry's file."""

    @classmethod
    def from_answers(cls, answers: Mapping[str, str], catalogue: Catalogue) -> Self:
        """Make the change a form asks for; Problems carries one Problem for each field that is wrong."""
        ...

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, JSON]) -> Self:
        """Read the change from an entry whose file fits the flow's JSON Schema."""
        ...

    def to_mapping(self) -> dict[str, JSON]:
        """Return the change as an entry records it."""
        ...

    def problems(self, environment: str, catalogue: Catalogue) -> Sequence[Problem]:
        """Tell why this change cannot be made in *environment*; `Problem.field` names the form's field."""
        ...

    def lock(self, environment: str, catalogue: Catalogue) -> str:
        """Name the AWS target, such as `apigateway/222222222222/eu-west-1/a1b2c3`: one writer at a time."""
        ...

    def access(self, environment: str, catalogue: Catalogue) -> Access:
        """Tell which role makes the change."""
        ...

    def owners(self, catalogue: Catalogue) -> frozenset[str]:
        """Return the e-mail addresses of those who own what is changed."""
        ...

    def title(self, catalogue: Catalogue) -> str:
        """Name what is asked for in a few words: the head of a card and the summary of a ticket."""
        ...

    def details(self, catalogue: Catalogue) -> Sequence[tuple[str, str]]:
        """Return the facts of the change as (label, value), for cards and tickets."""
        ...

    def effect(self, environment: str, catalogue: Catalogue) -> str:
        """Say in one sentence what becomes possible, for the person who decides."""
        ...

    def undo(self) -> str:
        """Say in one sentence how the change ends."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """A change that is in force or soon will be, until when (UTC; None is for ever)."""

    change: Change
    until: datetime | None


@runtime_checkable
class ReadsWords(Protocol):
    """What a kind of change fulfils besides where its command takes words: `/infra stop dev --for 12h`.

    A kind that does not is asked for by its form, and the words of a flow with defaults are the reason.
    """

    @classmethod
    def answers_from_words(cls, text: str, typed_at: datetime) -> Mapping[str, str]:
        """Return the answers that the words after the command give, by field of the form.

        *text* is never empty, and is as typed: phones make `—for` of `--for`, and curly quotes. Answers may be
        missing: then the form opens with those there are. Problems says what no answer can be made of.
        *typed_at* is in the time zone of who typed, for words such as `08:00`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Announcement:
    """What follows an environment's name in a message to those who work there."""

    will: str  # “will be stopped”
    doing: str
    done: str
    undoing: str
    undone: str
    spared: str  # “stays up”
    spare: str  # the button: “Keep it up”
    spare_for_a_while: str = ""  # the button beside it, where there is one: “Keep it up until…”


@runtime_checkable
class Placed(Protocol):
    """What a kind of change fulfils besides whose title says by itself where it is."""

    title_says_where: ClassVar[bool]


@runtime_checkable
class Foretold(Protocol):
    """What a kind of change fulfils besides where its form says what it does, before anybody asks for it."""

    @classmethod
    def foretell(cls, environment: str, catalogue: Catalogue) -> str:
        """Say, in plain lines, what becomes of *environment*; LookupError if it has nothing of the kind."""
        ...


@runtime_checkable
class Announced(Protocol):
    """What a kind of change fulfils besides where its flow gives notice before it begins."""

    def announcement(self) -> Announcement:
        """Return the words of the warning, and of what becomes of it."""
        ...


ChangeKind = type[Change]
