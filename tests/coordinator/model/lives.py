"""The whole machine: people and workers at two replicas of one database, and the promises beside them."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from coordinator.journal import open_store
from sallyport.ids import ALPHABET, LENGTH
from sallyport.policies import Policies
from tests.coordinator.conftest import Installed, in_memory
from tests.coordinator.fakes import KeptSink
from tests.coordinator.model.company import VARIANTS, Company, Replica
from tests.coordinator.model.outside import Jobs, MemorySlack
from tests.coordinator.model.people import YES, People, numbers, replicas
from tests.coordinator.model.promises import Promises
from tests.coordinator.model.workers import Hands, Workers


class Lives(People, Workers, Promises):
    """One company's days; `template` is a migrated database to copy, since migrating takes most of the time."""

    template: Path
    policies: Mapping[str, Policies]
    installed: Installed

    # The way through GitHub is the longest, so it is begun often.
    @initialize(variant=st.sampled_from([*sorted(VARIANTS), *["confirmed"] * 6]))
    def open(self, variant: str) -> None:
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
        self.asks(at=0, who="U0ANA", key=1, hours=4)

    @rule(at=replicas, number=numbers)
    def goes_live(self, at: int, number: int) -> None:
        """Those who are asked say yes, in GitHub too, and everybody does their work: as it is on most days."""
        self.those_whose_turn_it_is_approve(at=at, number=number, most=3)
        self.work_through(at=at, turns=4, good=True)
        if any(life.confirm_by and life.heard is None for life in self.lives.values()):
            self.reviews(number=0, who="sam", says=YES)
            self.work_through(at=at, turns=3, good=True)

    def teardown(self) -> None:
        if hasattr(self, "engines"):
            for engine in self.engines:
                engine.dispose()
            self.folder.cleanup()
            self.ids.stop()
