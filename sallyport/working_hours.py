"""Working hours: Monday to Friday, from and to a time of day in one time zone, whatever its clocks do.

Pure, and it knows no holidays: what falls on one is done on that day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sallyport.flows import Nudges

SATURDAY = 5
DAY = timedelta(days=1)


def next_working_moment(hours: Nudges, moment: datetime) -> datetime:
    """Return *moment* if people are at work then, else when they next begin; aware, in UTC.

    The end of the hours is not working time any more. Where clocks go forward, a time of day that is skipped
    means as long after the midnight before; where they go back, the first of two.
    """
    zone, moment = ZoneInfo(hours.timezone), moment.astimezone(UTC)
    day = moment.astimezone(zone).date()
    while True:
        opens, closes = moment_on(day, hours.start, zone), moment_on(day, hours.end, zone)
        if day.weekday() < SATURDAY and moment < closes:
            return max(moment, opens)
        day += DAY


def is_time_zone(name: str) -> bool:
    """Tell whether *name* is an IANA time zone that this machine knows."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def moment_on(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return that time of that day in UTC: two moments of one zone are compared as its clocks show them.

    A time that clocks skip is as long after the midnight before; of one that they show twice it is the first.
    """
    return datetime.combine(day, clock, zone).astimezone(UTC)
