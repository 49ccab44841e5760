"""The coordinator's memory: facts and pending effects, in one database, each change in one transaction."""

from coordinator.journal.effects import Again, Done, Work
from coordinator.journal.journal import AlreadyDecided, Journal, UnknownRequest
from coordinator.journal.store import open_store

__all__ = ["Again", "AlreadyDecided", "Done", "Journal", "UnknownRequest", "Work", "open_store"]
