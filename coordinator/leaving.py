"""Says in the log what is left to a newer version: once when it is seen first, and not at each look."""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from coordinator.journal import Journal

log = structlog.get_logger()


@dataclass(slots=True)
class Leaving:
    """What this replica has seen that it does not know, and leaves alone."""

    journal: Journal
    _seen: frozenset[str] = field(default=frozenset(), init=False)

    def look(self) -> None:
        """See what waits that is unknown here, and say what was not there at the last look."""
        found = self.journal.unknown()
        if found.keys() - self._seen:
            log.warning("journal.newer", unknown=sorted(found), effects=sum(found.values()))
        self._seen = frozenset(found)
