"""What people type after `/infra stop` and `/infra whitelist add`, as answers to the form.

Nothing is asked of policies here: they judge the answers, whichever door they came through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta

from sallyport.flows import DURATION, ENVIRONMENT, REASON
from sallyport.problems import Problem, Problems, quoted
from sallyport.times import format_duration, next_time, parse_duration
from sallyport.words import Line, read_words, unlinked

ADDRESS, DESCRIPTION = "address", "description"
FOR, UNTIL, TTL, ENV = "for", "until", "ttl", "env"
STOP_OPTIONS = {FOR: "12h", UNTIL: "08:00", ENV: "dev", REASON: "'nobody works tonight'"}
WHITELIST_OPTIONS = {
    TTL: "7d",
    FOR: "7d",
    UNTIL: "18:00",
    ENV: "dev",
    DESCRIPTION: "'home office'",
    REASON: "'testing the checkout'",
}
MOST = {"m": 1440, "h": 24 * 365, "d": 365}  # of each unit, in the lifetime of an address

_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm)?", re.IGNORECASE)
_MINUTE, _DAY_HALF = timedelta(minutes=1), 12  # hours


def stop_answers(text: str, typed_at: datetime) -> Mapping[str, str]:
    """Read `[environment] [--for 12h | --until 08:00] [--reason '…']`; Problems tells what is not understood.

    *typed_at* is in the person's own time zone, in which they mean a time of day.
    """
    line = read_words(text, wordy=(REASON,), bare=(FOR, UNTIL))
    found = [*line.problems(STOP_OPTIONS), *line.too_many(0 if ENV in line.options else 1)]
    answers = {
        ENVIRONMENT: _environment(line.options.get(ENV) or next(iter(line.words), "")),
        DURATION: _length(line, typed_at, found),
        REASON: line.options.get(REASON, ""),
    }
    return _answers(answers, found)


def whitelist_answers(text: str, typed_at: datetime) -> Mapping[str, str]:
    """Read `[add] address [--ttl=7d] [--description='…'] [--env=…]`; Problems tells what is not understood."""
    line = read_words(text, wordy=(DESCRIPTION, REASON))
    words = line.words[1:] if line.words[:1] and line.words[0].casefold() == "add" else line.words
    line = Line(words, line.options)
    found = [*line.problems(WHITELIST_OPTIONS), *line.too_many(1)]
    if ttl := line.options.get(TTL, ""):
        found += ttl_problems(ttl)
    answers = {
        ENVIRONMENT: _environment(line.options.get(ENV, "")),
        ADDRESS: unlinked(next(iter(words), "")),
        DESCRIPTION: line.options.get(DESCRIPTION, ""),
        DURATION: _length(line, typed_at, found),
        REASON: line.options.get(REASON) or line.options.get(DESCRIPTION, ""),
    }
    return _answers(answers, found)


def ttl_problems(text: str) -> Iterable[Problem]:
    """Yield why *text* is no lifetime of an address: `1m` to `1440m`, or `1d` to `365d`."""
    shortened = text.casefold()
    try:
        length = parse_duration(shortened)
    except ValueError as error:
        yield Problem(str(error), field=DURATION)
        return
    unit, number = shortened.strip()[-1], int(shortened.strip()[:-1])
    if unit == "s":
        yield Problem(f"{text} is less than addresses are let in for", "write 1m or more", field=DURATION)
    elif number > MOST[unit]:
        days = min(-(-length // timedelta(days=1)), MOST["d"])
        mend = f"the longest are 1440m and 365d; write {days}d"
        yield Problem(f"{text} is too long", mend, field=DURATION)


def time_of_day(text: str) -> time:
    """Return the time that `08:00`, `8.30`, `8am` or `6:30pm` names; ValueError with a form that would work."""
    found = _CLOCK.fullmatch(text.strip())
    hour, minute, half = (int(found[1]), int(found[2] or 0), (found[3] or "").casefold()) if found else (99, 0, "")
    if half and 1 <= hour <= _DAY_HALF:
        hour = hour % _DAY_HALF + (_DAY_HALF if half == "pm" else 0)
    elif half:
        hour = 99
    if hour > 23 or minute > 59:
        raise ValueError(f"{quoted(text)} is no time of day: write one such as 08:00 or 6:30pm")
    return time(hour, minute)


def _length(line: Line, typed_at: datetime, found: list[Problem]) -> str:
    """Return how long it is to last; an end is turned into a length, in whole minutes upwards."""
    given = [name for name in (FOR, TTL, UNTIL) if line.options.get(name)]
    if len(given) > 1:
        found.append(Problem(f"--{given[0]} and --{given[1]} say it twice", "write one of them", field=DURATION))
    if not given:
        return ""
    if given[0] != UNTIL:
        return line.options[given[0]].casefold()
    try:
        ends = next_time(typed_at, time_of_day(line.options[UNTIL]))
    except ValueError as error:
        found.append(Problem(str(error), field=DURATION))
        return ""
    return format_duration(-((typed_at.astimezone(UTC) - ends) // _MINUTE) * _MINUTE)


def _environment(word: str) -> str:
    return word.casefold()


def _answers(answers: Mapping[str, str], found: list[Problem]) -> dict[str, str]:
    if found:
        raise Problems(found)
    return {name: value for name, value in answers.items() if value}
