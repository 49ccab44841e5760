"""What AWS does not know of an environment: the stop that comes next, and who keeps it up until when.

The coordinator knows it, and a job that draws the picture shows it; the words stand here for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sallyport.platforms.slack_text import date, escape
from sallyport.schedules import said_of
from sallyport.times import format_moment, parse_moment

_STOP, _KEPT = "stop", "kept"


@dataclass(frozen=True, slots=True)
class Coming:
    """A stop that has not begun, and until when who keeps the environment up. `by` is an address or a schedule."""

    begins: datetime | None = None
    ends: datetime | None = None
    by: str = ""
    kept_until: datetime | None = None
    kept_by: str = ""

    def to_text(self) -> str:
        """Return it as one input of a workflow; empty where nothing comes."""
        return " ".join(self._tokens())

    def lines(self, named: Callable[[str], str] = said_of) -> Iterator[str]:
        """Yield a sentence for each, as mrkdwn; *named* says who somebody is."""
        if self.kept_until:
            yield f"Kept up until {date(self.kept_until)} by {escape(named(self.kept_by))}."
        if self.begins:
            ends = f" until {date(self.ends)}" if self.ends else ""
            yield f"To be stopped {date(self.begins)}{ends}, asked by {escape(named(self.by))}."

    def _tokens(self) -> Iterator[str]:
        if self.begins:
            ends = format_moment(self.ends) if self.ends else "-"
            yield f"{_STOP}/{format_moment(self.begins)}/{ends}/{self.by}"
        if self.kept_until:
            yield f"{_KEPT}/{format_moment(self.kept_until)}/{self.kept_by}"


def read_coming(text: str) -> Coming:
    """Return what `to_text` wrote; ValueError if *text* is anything else."""
    found: dict[str, object] = {}
    for token in text.split():
        match token.split("/"):
            case [kind, begins, ends, by] if kind == _STOP:
                ends_at = None if ends == "-" else parse_moment(ends)
                found |= {"begins": parse_moment(begins), "ends": ends_at, "by": by}
            case [kind, until, by] if kind == _KEPT:
                found |= {"kept_until": parse_moment(until), "kept_by": by}
            case _:
                raise ValueError(f"“{token}” says of no stop when it comes")
    return Coming(**found)  # type: ignore[arg-type]  # each field has the type that it was read as
