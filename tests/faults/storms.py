"""Many mishaps in one run: what befalls a call follows from the storm's number and the call's name alone."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tests.faults.journeys import JOURNEYS, Journey
from tests.faults.matrix import OF_A_COMMIT, Ended, run
from tests.faults.premises import Premises
from tests.faults.story import must_be_same, without_alerts
from tests.faults.wire import Call, Mishap

ODDS = 0.2  # of a mishap, for each call


@dataclass(frozen=True)
class Storm:
    """A journey in bad weather. Its jobs tell only by their check, so that the coordinator has to tell all."""

    name: str
    seed: int

    def __str__(self) -> str:
        return f"{self.name}.storm.{self.seed}"

    @property
    def journey(self) -> Journey:
        return replace(JOURNEYS[self.name], jobs_tell=False)

    def befalls(self, call: Call) -> Mishap | None:
        """Return what befalls a call.

        A start is spared, since a process that cannot start does nothing wrong, and what people do themselves.
        """
        dice = random.Random(f"{self.seed} {call}")
        spared = call.doing in {"start", "person"} or dice.random() > ODDS
        return None if spared else dice.choice(OF_A_COMMIT if call.platform == "journal" else tuple(Mishap))


def check_storm(premises: Premises, storm: Storm, undisturbed: Ended) -> Ended:
    """Walk through a storm; Differs if it does not end as in fair weather, but for alerts to the operators."""
    ended = run(premises, storm.journey, storm.befalls, warm=True)
    must_be_same(without_alerts(undisturbed.story), without_alerts(ended.story), str(storm))
    return ended
