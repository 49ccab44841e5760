"""What the coordinator needs of a place for records, and what it finds there.

A sink takes the same record twice without harm and never changes one that it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from coordinator.audit.records import Record


@dataclass(frozen=True, slots=True)
class Found:
    """One record as the sink holds it, at *place*; `fault` is set where the sink itself shows a tampering."""

    place: str
    text: str
    fault: str = ""


class Sink(Protocol):
    """What the coordinator needs of a place for records."""

    def put(self, records: Sequence[Record]) -> None:
        """Store each record once, in order, and return when all are safe.

        Raises Refused where the sink will not, or has another record under the key; TryLater or Unknown otherwise.
        """
        ...

    def read(self) -> Iterator[Found]:
        """Yield every record, those of one request in the order they were written. Raises as `put` does."""
        ...
