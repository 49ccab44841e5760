"""What schedules put to sleep, by environment: a stop that nobody asks for reaches as far as any other.

Environments are compared, not schedules: how those are called, or grouped, stops nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sallyport.policies import Policies
from sallyport.times import format_duration
from sallyport.whatif.meanings import Meaning


def changed_sleep(old: Policies, new: Policies) -> Iterator[Meaning]:
    """Yield each fact of an environment's sleep that differs; one that no schedule names has none."""
    for environment in sorted({*old.catalogue.environments, *new.catalogue.environments}):
        before, after = _sleep(old, environment), _sleep(new, environment)
        for fact in dict.fromkeys((*before, *after)):
            was, becomes = before.get(fact, ""), after.get(fact, "")
            if was != becomes:
                yield Meaning(environment, fact, was, becomes)


def _sleep(policies: Policies, environment: str) -> Mapping[str, str]:
    schedule = policies.schedule_of(environment)
    if schedule is None:
        return {}
    return {
        "sleeps by": schedule.name,
        "is up": schedule.words(),
        "holidays": ", ".join(day.isoformat() for day in sorted(schedule.holidays)),
        "shortest stop": format_duration(schedule.shortest),
        "kept up at most": format_duration(schedule.longest_keep),
    }
