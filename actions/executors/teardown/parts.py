"""What every kind of part can do: be found, go down, come up. Each call does the next thing that is to be done.

So a job that was killed anywhere is continued by the next one: what was done is seen, not remembered.
"""

from __future__ import annotations

from typing import Protocol

from actions.executors.teardown.state import Definition, Goal, Part


class Parts(Protocol):
    """One kind of parts. Every method may raise `TargetFault`."""

    def find(self, name: str, wanted: Definition | None = None) -> Part | None:
        """Read the part; None if there is none. *wanted* is its record, where that tells what else to look at."""
        ...

    def down(self, goal: Goal) -> str:
        """Do what is next to delete it; return how it is, empty when it is gone for good."""
        ...

    def up(self, goal: Goal) -> str:
        """Do what is next to restore it; return how it is, empty when it is there and whole."""
        ...
