"""The whole machine: people and workers at two replicas of one database, and the promises beside them."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from coordinator.journal import open_store
from sallyport.ids import ALPHABET, LENGTH
from sallyport.policies import Policies
from tests.coordinator.conftest import Installed, in_memory
from tests.coordinator.fakes import KeptSink
from tests.coordinator.model.company import ACCESS, STOP, VARIANTS, Company, Replica
from tests.coordinator.model.outside import Ends, Jobs, MemorySlack
from tests.coordinator.model.people import HOURS, flows, given, numbers, replicas, reviewers, said
from tests.coordinator.model.promises import Promises
from tests.coordinator.model.warned import Warned
from tests.coordinator.model.workers import Hands, Workers


class Lives(Warned, Workers, Promises):
    """One company's days; `template` is a migrated database to copy, since migrating takes most of the time."""

    template: Path
    policies: Mapping[str, Policies]
    installed: Installed

    def open(self, variant: str, flow_id: str = ACCESS, hours: int | None = 4) -> None:
        """Begin with one request."""
        names = map("".join, itertools.product(ALPHABET, repeat=LENGTH))
        self.ids = patch("coordinator.journal.journal.new_id", lambda prefix: f"{prefix}-{next(names)}")
        self.ids.start()  # the order of what is due at once must not hang on chance
        self.folder = tempfile.TemporaryDirectory(dir=in_memory())
        database = Path(self.folder.name, "journal.db")
        shutil.copy(self.template, database)
        self.company = Company(self.policies, self.installed, variant=variant)
        self.engines = [open_store(f"sqlite:///{database}") for _ in range(2)]
        first, second = (Replica(self.company, engine) for engine in self.engines)
        self.replicas = first, second
        self.slack, self.sink = MemorySlack(), KeptSink()
        self.hands = Hands(first, self.slack, self.sink), Hands(second, self.slack, self.sink)
        self.jobs = Jobs(self.company.github, lambda: self.company.in_force, lambda: self.company.now)
        self.lives, self.by_key, self.leased, self.seen = {}, {}, {}, {}
        self.word = None
        self.asks(at=0, who="U0ANA", key=1, hours=hours, flow_id=flow_id)

    @rule(at=replicas, number=numbers, hours=given, who=reviewers, says=said)
    def goes_on(self, at: int, number: int, hours: int | None, who: str, says: str) -> None:
        """Those who are waited for answer, in Slack or in GitHub, and everybody works: as it is on most days."""
        self.those_whose_turn_it_is_approve(at=at, number=number, most=3, hours=hours)
        self.reviews(number=number, who=who, says=says)
        self.work_through(at=at, turns=4, ends=Ends.WELL)

    def teardown(self) -> None:
        if hasattr(self, "engines"):
            for engine in self.engines:
                engine.dispose()
            self.folder.cleanup()
            self.ids.stop()


def lives_that_begin(with_: Mapping[str, st.SearchStrategy[Any]]) -> type[Lives]:
    """Return the machine whose first request is of such a variant, such a flow and such a duration."""

    class Begun(Lives):
        @initialize(**with_, most_days=st.lists(st.tuples(given, reviewers, said), max_size=3))
        def begins(self, variant: str, flow_id: str, hours: int | None, most_days: list[Any]) -> None:
            self.open(variant, flow_id, hours)
            for less, who, says in most_days:
                self.goes_on(at=0, number=0, hours=less, who=who, says=says)

    return Begun


_ANY = {"variant": st.sampled_from(sorted(VARIANTS)), "flow_id": flows, "hours": st.sampled_from(HOURS)}
WAYS = {  # of beginning; what is further than others is begun by itself, so that chance gets there
    "anyhow": _ANY,
    "to be confirmed in GitHub": _ANY | {"variant": st.just("confirmed")},
    "to be announced": _ANY
    | {"variant": st.sampled_from(["by itself", "one of them", "confirmed"]), "flow_id": st.just(STOP)},
    "for ever": _ANY | {"hours": st.none()},
}
