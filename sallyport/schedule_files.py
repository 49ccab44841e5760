"""From the document of `policies/schedules.yaml`, which fits its JSON Schema, to schedules, or to what is wrong.

Each problem stands at the line that holds it. No schedule can name what may not be stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from typing import Any, cast
from zoneinfo import available_timezones

from sallyport.changes.infra_stop import InfraStop
from sallyport.consistency import Known
from sallyport.documents import Document
from sallyport.flows import ENVIRONMENT, Flow
from sallyport.problems import Problem, Problems, nearest, quoted
from sallyport.schedules import FLOW, Schedule
from sallyport.times import parse_duration
from sallyport.working_hours import is_time_zone

_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORKDAYS = _WEEK[:5]
_MIDNIGHT = time()


def read_schedules(document: Document) -> dict[str, Schedule]:
    """Return the schedules by name; Problems tells each that says nothing, or nothing that could be meant."""
    data = cast(Mapping[str, Mapping[str, Any]], document.data)
    found = [problem for name, facts in data.items() for problem in _faults(name, facts, document)]
    if found:
        raise Problems(found)
    return {name: _schedule(name, facts) for name, facts in data.items()}


def _faults(name: str, facts: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    yield from _hours_faults(name, facts, document)
    for number, text in enumerate(facts.get("holidays", ())):
        try:
            date.fromisoformat(text)
        except ValueError:
            what = f"{quoted(text)} is no date of the calendar"
            yield Problem(what, "write one such as 2026-12-25", document.place((name, "holidays", number)))


def _hours_faults(name: str, facts: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    sleeps = [word for word in ("nights", "weekends") if facts.get(word)]
    if "working_hours" in facts and sleeps:
        what = f"{name} says both when it is up and when it sleeps: working_hours and {' and '.join(sleeps)}"
        yield Problem(what, "keep one of the two", document.place((name, "working_hours")))
    elif "working_hours" not in facts and not sleeps:
        mend = "give it working_hours, or else nights or weekends: true"
        yield Problem(f"{name} does not say when anything sleeps", mend, document.place((name,)))
    for word in ("working_hours", "nights"):
        hours = facts.get(word)
        if hours and hours["from"] == hours["to"]:
            what = f"the {word.replace('_', ' ')} from {hours['from']} to {hours['to']} have no length"
            yield Problem(what, "let them end at another time", document.place((name, word, "to")))


def _schedule(name: str, facts: Mapping[str, Any]) -> Schedule:
    days, opens, closes = _hours(facts)
    return Schedule(
        name=name,
        environments=tuple(facts["environments"]),
        timezone=facts["timezone"],
        days=frozenset(map(_WEEK.index, days)),
        opens=opens,
        closes=closes,
        holidays=frozenset(map(date.fromisoformat, facts.get("holidays", ()))),
        shortest=parse_duration(facts["shortest"]) if "shortest" in facts else timedelta(hours=1),
        longest_keep=parse_duration(facts["longest_keep"]) if "longest_keep" in facts else timedelta(days=3),
    )


def _hours(facts: Mapping[str, Any]) -> tuple[tuple[str, ...], time, time]:
    """Return on which days it is up, from when, and to when."""
    if up := facts.get("working_hours"):
        return tuple(up.get("days", _WORKDAYS)), time.fromisoformat(up["from"]), time.fromisoformat(up["to"])
    days = _WORKDAYS if facts.get("weekends") else _WEEK
    if nights := facts.get("nights"):
        return days, time.fromisoformat(nights["to"]), time.fromisoformat(nights["from"])
    return days, _MIDNIGHT, _MIDNIGHT


def schedule_problems(
    known: Known, flows: Mapping[str, Flow], schedules: Mapping[str, Schedule], document: Document
) -> Iterator[Problem]:
    """Yield what is wrong with the schedules, given everything else that policies define."""
    taken: dict[str, str] = {}
    for schedule in schedules.values():
        if not is_time_zone(schedule.timezone):
            what, mend = (
                f"{quoted(schedule.timezone)} is no time zone",
                nearest(schedule.timezone, available_timezones()),
            )
            yield Problem(what, mend, document.place((schedule.name, "timezone")))
        for number, environment in enumerate(schedule.environments):
            place = document.place((schedule.name, "environments", number))
            for what, mend in _obstacles(known, flows.get(FLOW), environment):
                yield Problem(what, mend, place)
            if (other := taken.setdefault(environment, schedule.name)) != schedule.name:
                what = f"{environment} is in the schedule {other} too, and the two would overlap"
                yield Problem(what, "leave it in one of them", place)


def _obstacles(known: Known, flow: Flow | None, environment: str) -> Iterator[tuple[str, str]]:
    """Yield why no schedule can stop *environment*, each with what would mend it."""
    places = known.catalogue.environments
    if environment not in places:
        yield f"{quoted(environment)} is no environment", nearest(environment, places)
        return
    if never := InfraStop(environment).problems(environment, known.catalogue):
        yield never[0].sentence, "take it out of the schedule"
        return
    if flow is None or flow.rule_for({ENVIRONMENT: environment}) is None:
        yield f"{environment} has no rule in the flow {FLOW}, so nobody could keep it up", "add one to the flow"
    elif not (places[environment].channel or flow.channel):
        mend = "give the environment or the flow a channel"
        yield f"{environment} has no channel in which its people are warned", mend
