"""The coordinator's memory: facts and pending effects, in one database, each change in one transaction."""

from coordinator.journal.drafts import Draft, Drafts
from coordinator.journal.effects import Again, Done, Work
from coordinator.journal.journal import AlreadyDecided, Journal, OutcomeUnknown
from coordinator.journal.reading import NewerRequest, UnknownRequest
from coordinator.journal.silences import Silence, Unheard
from coordinator.journal.store import open_store

__all__ = [
    "Again",
    "AlreadyDecided",
    "Done",
    "Draft",
    "Drafts",
    "Journal",
    "NewerRequest",
    "OutcomeUnknown",
    "Silence",
    "Unheard",
    "UnknownRequest",
    "Work",
    "open_store",
]
