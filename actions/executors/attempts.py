"""Several writes of which one may fail: all are tried, and every failure is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from actions.executors.protocol import TargetFault


@dataclass(slots=True)
class Attempts:
    """Collects the evidence of what worked and the sentences of what did not."""

    done: list[str] = field(default_factory=list)
    faults: list[TargetFault] = field(default_factory=list)

    def make(self, attempt: Callable[[], str]) -> bool:
        """Tell whether *attempt* worked."""
        return self.make_all(lambda: (attempt(),))

    def make_all(self, attempt: Callable[[], Iterable[str]]) -> bool:
        """Tell whether *attempt*, which does several things, worked."""
        try:
            self.done += attempt()
        except TargetFault as fault:
            self.faults.append(fault)
            return False
        return True

    def evidence(self) -> tuple[str, ...]:
        """Return what was done; TargetFault if anything failed."""
        if self.faults:
            rest = f" Done all the same: {'; '.join(self.done)}." if self.done else ""
            passing = all(fault.passing for fault in self.faults)
            raise TargetFault(" ".join(map(str, self.faults)) + rest, passing=passing)
        return tuple(self.done)
