"""The books of one job: the newest ledger that it has seen, with what all of its ledgers remember."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from threading import RLock

from actions.ledger import Assumption, Ledger
from actions.memory import Memory
from actions.proving import Hub, Landing, Landings
from actions.snapshot import take
from actions.workspace import Workspace


class Books:
    """The newest ledger that the job has seen, and the way to a newer one.

    All ledgers of a job share what they remember: where several threads work, whoever asks one holds `lock`.
    """

    def __init__(self, workspace: Workspace, hub: Hub | None = None) -> None:
        workspace.insist_on_history()
        self.lock = RLock()
        self._begun = 0  # fetches of main
        self._served = 0  # the last of them that succeeded
        self._workspace = workspace
        self._memory = Memory(landings=Landings(hub))
        self.ledger = Ledger(workspace, take(workspace, workspace.head()), self._memory)

    def landing(self, commit: str) -> Landing | None:
        """Return the merged pull request that brought *commit*; None if it was pushed past any."""
        return self._memory.landings.of(commit)

    def assuming(self, paths: frozenset[str], now: datetime) -> Ledger:
        """Return the ledger as if the files at *paths* were merged and reviewed at *now*."""
        memory = replace(self._memory, findings={}, sites={})
        return Ledger(self._workspace, self.ledger.snapshot, memory, Assumption(paths, now))

    def refresh(self) -> Ledger:
        """Fetch main and open its ledger. WorkspaceFault or Problems if that cannot be.

        One fetch serves all threads that asked before it began.
        """
        asked = self._begun
        with self.lock:
            if self._served <= asked:
                self._begun += 1
                snapshot = take(self._workspace, self._workspace.refresh(), self.ledger.snapshot)
                self.ledger = Ledger(self._workspace, snapshot, self._memory)
                self._served = self._begun
            return self.ledger
