"""The cells of the matrix: each call that an undisturbed run was seen to make, with what may befall it.

Nobody writes the calls down: a call that the coordinator learns to make is in the matrix at the next run.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.faults.deeds import deeds_of
from tests.faults.journeys import JOURNEYS, Journey
from tests.faults.premises import PLATFORMS, Premises, open_premises
from tests.faults.story import must_be_same, story_of
from tests.faults.wire import Call, Mishap, route_of
from tests.faults.world import World

OF_A_READ = (  # what it can tell apart
    Mishap.RESET_AFTER,
    Mishap.TIMEOUT_AFTER,
    Mishap.ERROR_AFTER,
    Mishap.LIMITED_BEFORE,
    Mishap.MALFORMED_AFTER,
    Mishap.CRASH_AFTER,
)
DOUBLING = (Mishap.RESET_AFTER, Mishap.MALFORMED_AFTER, Mishap.CRASH_AFTER)  # of a write of a kind that is known
OF_A_COMMIT = (Mishap.RESET_BEFORE, Mishap.RESET_AFTER, Mishap.CRASH_BEFORE, Mishap.CRASH_AFTER)
SECOND = (Mishap.RESET_AFTER, Mishap.CRASH_AFTER, Mishap.MALFORMED_AFTER, Mishap.LIMITED_BEFORE)
FOLLOWING = 3  # calls of an effect that are looked at after a write of it was done unheard
AWS_READS = ("GET.", "Get", "List", "Describe")
FATAL = {Mishap.CRASH_BEFORE, Mishap.CRASH_AFTER}
UNTIL_IT_FINDS = "confirm"  # what looks again and again: the last time is what it is for
MAIN = ("whitelisting", "access")  # every call of these is in the matrix; of the others, what is new in them


@dataclass(frozen=True)
class Ended:
    """A run that is over."""

    story: list[str]
    calls: list[Call]
    deaths: list[str]
    logged: list[tuple[str, str]]  # every call by platform and route, as the stand-ins have logged it


@dataclass(frozen=True)
class Cell:
    """One mishap that befalls one call of one journey."""

    journey: Journey
    call: Call
    mishap: Mishap

    def __str__(self) -> str:
        return f"{self.journey.name}.{self.call}.{self.mishap}"


Befalls = Callable[[Call], Mishap | None]


def run(
    premises: Premises,
    journey: Journey,
    befalls: Befalls = lambda _: None,
    *,
    warm: bool = False,
) -> Ended:
    """Walk a journey to the end of everything that follows from it; *warm* skips reading policies once more."""
    world = World(
        premises,
        applying=journey.applying,
        jobs_tell=journey.jobs_tell,
        jobs_are_real=journey.jobs_are_real,
        trail_in_bucket=journey.trail_in_bucket,
        policies=journey.policies,
        warm=warm,
    )
    world.wire.befalls = befalls
    with world.begun():
        journey.walk(world)
        _ = world.replica  # who reads the trail below is no part of the journey
        calls, world.wire.befalls = list(world.wire.calls), lambda _: None
        story = deeds_of(world) if journey.jobs_are_real else story_of(world)
    logs = ((platform, call) for platform in PLATFORMS for call in world.wire.faults[platform].calls)
    return Ended(story, calls, world.deaths, [(platform, route_of(platform, *call)) for platform, call in logs])


def check(premises: Premises, cell: Cell, undisturbed: Ended, then: Mapping[Call, Mishap] | None = None) -> Ended:
    """Run a cell, and what befalls it *then*; Differs if it does not end as the undisturbed run did."""
    blows = {cell.call: cell.mishap, **(then or {})}
    ended = run(premises, cell.journey, blows.get, warm=cell.call.doing != "start")
    name = " and then ".join([str(cell), *(f"{call}.{mishap}" for call, mishap in (then or {}).items())])
    assert [call for call in ended.calls if call in blows] == list(blows), f"{name}: not everything befell"
    fatal = [str(call) for call, mishap in blows.items() if mishap in FATAL]
    assert [death for death in ended.deaths if death in fatal] == fatal, f"{name}: it did not die"
    must_be_same(undisturbed.story, ended.story, name)
    return ended


def check_looks(premises: Premises, write: Cell, undisturbed: Ended) -> None:
    """Let a write be done unheard, and then a second mishap befall each of the calls that follow from that.

    These are the looks that come before the next attempt, and that attempt.
    """
    first = check(premises, write, undisturbed)
    after = first.calls[first.calls.index(write.call) + 1 :]
    follows = [call for call in after if call.doing == write.call.doing][:FOLLOWING]
    for number, call in enumerate(follows):
        for mishap in SECOND[number % 2 :: 2]:
            check(premises, write, undisturbed, {call: mishap})


@lru_cache(maxsize=1)
def recorded() -> Mapping[str, tuple[Call, ...]]:
    """Return the calls of every journey, as seen in an undisturbed run of it."""
    with tempfile.TemporaryDirectory(prefix="recording-") as folder, open_premises(Path(folder)) as premises:
        return {name: tuple(run(premises, journey).calls) for name, journey in JOURNEYS.items()}


def cells() -> Iterator[Cell]:
    """Return all cells in the order of the journeys and their calls.

    The first call of a kind gets every mishap (a read those that a read can tell apart), and so does the last of
    what looks until it finds something. In the main journeys every other call gets some too: in the first of them
    each write all that can double or lose it, and in turn what is left. So do the calls of real jobs, and
    those that write the trail to a bucket.
    """
    seen: set[tuple[str, str, str]] = set()
    turns = itertools.cycle(OF_A_READ)
    for name, calls in recorded().items():
        found = {call.kind: call for call in calls if call.doing == UNTIL_IT_FINDS}.values()
        for call in calls:
            if call.kind not in seen or call in found:
                mishaps = mishaps_of(call)
            elif call.platform == "journal" or call.doing == "start" or not (name in MAIN or call.goes_to_aws):
                mishaps = ()
            else:
                mishaps = DOUBLING if name == MAIN[0] and is_write(call) else (next(turns),)
            seen.add(call.kind)
            yield from (Cell(JOURNEYS[name], call, mishap) for mishap in mishaps)


def mishaps_of(call: Call) -> tuple[Mishap, ...]:
    """Return all that can befall a call and makes a difference to it."""
    if call.platform in {"journal", "sink"}:
        return OF_A_COMMIT
    return tuple(Mishap) if is_write(call) else OF_A_READ


def unheard() -> Iterator[Cell]:
    """Return, for each kind of the coordinator's writes, the cell in which it is first done and not heard of."""
    firsts = {cell.call for cell in cells() if cell.mishap is Mishap.SLOW and not cell.call.is_of_a_job}
    return (cell for cell in cells() if cell.call in firsts and cell.mishap is Mishap.RESET_AFTER)


def cell_named(name: str) -> Cell:
    """Return the cell with that name; it says which there are if there is none."""
    named = {str(cell): cell for cell in cells()}
    assert name in named, f"no cell {name}; there are: {sorted(named)}"
    return named[name]


def is_write(call: Call) -> bool:
    """Tell whether the call changes what people see or what will happen."""
    if call.platform in {"git", "journal", "sink"}:
        return False
    if call.platform == "aws":
        return not call.route.startswith(AWS_READS)
    if call.platform == "slack":
        return call.route in {"chat.postMessage", "chat.update", "views.open", "views.update"}
    return not call.route.startswith("GET.")
