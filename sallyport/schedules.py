"""When environments sleep by policy: days of one time zone, in it, as periods between absolute moments.

Pure. A schedule is a requester without a person: its name stands where an e-mail address would, and no address
looks like it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sallyport.working_hours import DAY, moment_on

FLOW = "infra-stop"  # what a schedule asks for
REQUESTER = "schedule:"  # how the name of one begins, where an entry says who asked for it
AHEAD = timedelta(days=400)  # how far periods are looked for
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Period:
    """From one moment to another, both in UTC; the end is not part of it."""

    start: datetime
    end: datetime

    def has(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Schedule:
    """When some environments are up; at all other times they sleep.

    On each of `days` (Monday is 0) that is no holiday they are up from `opens` to `closes`, on the day after where
    that is not later. A holiday is slept through from midnight to midnight.
    """

    name: str
    environments: tuple[str, ...]
    timezone: str
    days: frozenset[int]
    opens: time
    closes: time
    holidays: frozenset[date]
    shortest: timedelta  # a stop that would be shorter is left out
    longest_keep: timedelta  # how long people may keep an environment up at most

    @property
    def requester(self) -> str:
        return f"{REQUESTER}{self.name}"

    def periods(self, since: datetime) -> Iterator[Period]:
        """Yield in order the periods of sleep that are not over at *since*, for a year and a little more.

        Where clocks go forward, a time of day that is skipped means as long after the midnight before; where they
        go back, the first of two.
        """
        day = self._day_before(since)
        closed = since
        for opening in (self._opening(day + number * DAY) for number in range(AHEAD // DAY)):
            if opening is None:
                continue
            if max(closed, since) < opening.start:
                yield Period(closed, opening.start)
            closed = opening.end

    def period_at(self, moment: datetime) -> Period | None:
        """Return the period of sleep that *moment* is in; None if the schedule wants the environments up then."""
        nearest = next(self.periods(moment), None)
        return nearest if nearest and nearest.has(moment) else None

    def coming(self, earliest: datetime, kept_until: datetime | None = None) -> Period | None:
        """Return what is to be slept next: of the first period in which enough is left from *earliest* on.

        It begins at *kept_until* where somebody keeps the environment up for a part of it. None if the periods are
        all too short.
        """
        for period in self.periods(earliest):
            start = max(period.start, kept_until or period.start)
            if period.end - max(start, earliest) >= self.shortest:
                return Period(start, period.end)
        return None

    def words(self) -> str:
        """Say when it is up, for the end of a sentence."""
        hours = "" if self.opens == self.closes else f" from {self.opens:%H:%M} to {self.closes:%H:%M}"
        count = len(self.holidays)
        holidays = f", but for {count} {'holiday' if count == 1 else 'holidays'}" if count else ""
        return f"{_named(self.days)}{hours} ({self.timezone}){holidays}"

    def _day_before(self, since: datetime) -> date:
        """Return the last day whose hours are over at *since*."""
        day = since.astimezone(ZoneInfo(self.timezone)).date()
        while (opening := self._opening(day)) is None or opening.end > since:
            day -= DAY
        return day

    def _opening(self, day: date) -> Period | None:
        """Return the hours of *day*; None if it has none, or a change of clocks leaves nothing of them."""
        if day.weekday() not in self.days or day in self.holidays:
            return None
        zone, last = ZoneInfo(self.timezone), day if self.opens < self.closes else day + DAY
        closes = time() if last in self.holidays else self.closes
        start, end = moment_on(day, self.opens, zone), moment_on(last, closes, zone)
        return Period(start, end) if start < end else None


def schedule_named(requester: str) -> str:
    """Return the name of the schedule that *requester* is; empty if it is a person."""
    return requester.removeprefix(REQUESTER) if requester.startswith(REQUESTER) else ""


def said_of(requester: str) -> str:
    """Return *requester* for a sentence: an e-mail address, or “the schedule nights”."""
    name = schedule_named(requester)
    return f"the schedule {name}" if name else requester


def _named(days: frozenset[int]) -> str:
    """Name days of the week: a run of three or more by its ends."""
    ordered = sorted(days)
    if len(ordered) == len(_DAYS):
        return "every day"
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{_DAYS[ordered[0]]} to {_DAYS[ordered[-1]]}"
    return " and ".join(_DAYS[day] for day in ordered)
