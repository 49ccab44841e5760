"""Points in time as JQL writes them: dates, offsets from now, and functions such as startOfMonth(-1).

Everything is UTC and relative to a `now` that is passed in. A week starts on Monday.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sandbox.jira.jql_parser import Call, Literal, Operand
from sandbox.jira.refusals import JiraRefusal
from sandbox.jira.site import JiraSite

_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y/%m/%d %H:%M")
_PERIOD = re.compile(r"([+-]?)(\d+[wdhm](?: \d+[wdhm])*)")
_STEP = re.compile(r"(\d+)([wdhm])")
_OFFSET = re.compile(r"([+-]?\d+)([yMwdhm]?)")
_LENGTH = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}


def point_in_time(operand: Operand, field: str, now: datetime, site: JiraSite) -> datetime:
    if isinstance(operand, Literal):
        return _literal(operand.text, field, now)
    return _call(operand, now, site)


def _literal(text: str, field: str, now: datetime) -> datetime:
    for layout in _FORMATS:
        try:
            return datetime.strptime(text, layout).replace(tzinfo=UTC)
        except ValueError:
            continue
    if period := _PERIOD.fullmatch(text):
        length = sum((int(n) * _LENGTH[unit] for n, unit in _STEP.findall(period[2])), timedelta())
        return now - length if period[1] == "-" else now + length
    dates = "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd'"
    formats = f"{dates}, or a period format e.g. '-5d', '4w 2d'"
    raise JiraRefusal(
        400, f"Date value '{text}' for field '{field}' is invalid. Valid formats include: {formats}."
    )


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _week(moment: datetime) -> datetime:
    return _midnight(moment) - timedelta(days=moment.weekday())


def _month(moment: datetime) -> datetime:
    return _midnight(moment).replace(day=1)


def _quarter(moment: datetime) -> datetime:
    return _month(moment).replace(month=(moment.month - 1) // 3 * 3 + 1)


def _year(moment: datetime) -> datetime:
    return _month(moment).replace(month=1)


# function -> (its start, its natural unit, how many of that unit it spans)
_STARTS: dict[str, tuple[Callable[[datetime], datetime], str, int]] = {
    "startofday": (_midnight, "d", 1),
    "startofweek": (_week, "w", 1),
    "startofmonth": (_month, "M", 1),
    "startofquarter": (_quarter, "M", 3),
    "startofyear": (_year, "y", 1),
}
_NEEDS_APP = "startofquarter"  # JIRA's own list has day, week, month and year only


def _call(call: Call, now: datetime, site: JiraSite) -> datetime:
    name = call.function.lower()
    if name == "now" and not call.arguments:
        return now
    missing = name == _NEEDS_APP and _NEEDS_APP not in {each.lower() for each in site.app_functions}
    if name not in _STARTS or missing or len(call.arguments) > 1:
        arguments = ", ".join(call.arguments)
        raise JiraRefusal(400, f"Unable to find JQL function '{call.function}({arguments})'.")
    start, unit, span = _STARTS[name]
    moment = start(now)
    return _shifted(moment, call, unit, span) if call.arguments else moment


def _shifted(moment: datetime, call: Call, natural: str, span: int) -> datetime:
    offset = _OFFSET.fullmatch(call.arguments[0])
    if offset is None:
        shape = "(+/-)n(yMwdhm), e.g. -1M for 1 month earlier"
        message = f"Duration for function '{call.function}' should have the format {shape}."
        raise JiraRefusal(400, message)
    amount, unit = int(offset[1]), offset[2]
    if not unit:
        amount, unit = amount * span, natural
    if unit in _LENGTH:
        return moment + amount * _LENGTH[unit]
    return _add_months(moment, amount * (12 if unit == "y" else 1))


def _add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
