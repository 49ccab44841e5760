"""Durations as people and policies write them, and moments as entries record them.

Durations are `30s`, `15m`, `4h`, `7d`; moments are absolute UTC to the second, `2026-11-21T09:12:44Z`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z")


def parse_duration(text: str) -> timedelta:
    """Return the length that *text* names; ValueError, with the nearest right form, if it names none."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"“{text}” is not a duration: write a number and s, m, h or d, such as 30m, 4h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def format_duration(length: timedelta) -> str:
    """Write *length* in the largest unit that keeps it exact."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def say_duration(length: timedelta) -> str:
    """Write *length* for a sentence: `4 hours`, `1 day`, and `13 hours 20 minutes` where minutes are too many."""
    hours, rest = divmod(length, timedelta(hours=1))
    if hours > 2 and rest:
        return f"{hours} hours {say_duration(rest)}"
    short = format_duration(length)
    word = _UNITS[short[-1]]
    return f"1 {word[:-1]}" if short[:-1] == "1" else f"{short[:-1]} {word}"


def round_up(moment: datetime, grain: timedelta) -> datetime:
    """Return the first full *grain* in UTC that is not before *moment*; *moment* where there is no grain."""
    return moment + rounding(moment, timedelta(), grain)


def rounding(since: datetime, length: timedelta, grain: timedelta) -> timedelta:
    """Return how much *length* after *since* (UTC) falls short of a full *grain*; nothing where there is no grain.

    A grain divides a day, so that full ones are at the same times of every day.
    """
    return (_EPOCH - since - length) % grain if grain else timedelta()


def next_time(after: datetime, at: time) -> datetime:
    """Return the next moment (UTC) when clocks in the time zone of *after* show *at*.

    Where a change of clocks leaves that time out, it is as far after midnight as it would have been.
    """
    today = datetime.combine(after.date(), at, after.tzinfo)
    days = (today + timedelta(days=number) for number in range(3))  # wall-clock days: some have 23 hours
    return next(day for day in (day.astimezone(UTC) for day in days) if day > after)


def parse_moment(text: str) -> datetime:
    """Return the UTC moment that *text* names; ValueError if it is not `YYYY-MM-DDTHH:MM:SSZ`."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"“{text}” is not a moment in UTC such as 2026-11-21T09:12:44Z")
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"“{text}” is not a moment: {error}") from None


def parse_when(text: str) -> datetime:
    """Return the UTC moment that a person typed, such as `2026-11-17 14:00`: in UTC unless it names an offset.

    ValueError, with examples, if it is none.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        examples = "2026-11-17, 2026-11-17 14:00 (UTC) or 2026-11-17 14:00+01:00"
        raise ValueError(f"“{text}” is not a moment: write {examples}") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def format_moment(moment: datetime) -> str:
    """Write *moment* in UTC to the second; ValueError if it does not say its time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; nobody can tell which moment it is")
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def utc_now() -> datetime:
    """Return the present second; the only place where the product reads the wall clock."""
    return datetime.now(UTC)
