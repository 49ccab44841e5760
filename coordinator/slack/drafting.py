"""Keeps what people type into forms as they type it: Slack says that a form was closed, not what was in it.

Every key pressed may be told to us, so only the newest answers of a form wait to be written, and writing them
waits for whoever else is served.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from coordinator.journal import Draft, Drafts


class Drafting:
    """Writes drafts behind the listeners' backs; *later* runs a function once nobody waits."""

    def __init__(self, drafts: Drafts, later: Callable[..., None]) -> None:
        self._drafts = drafts
        self._later = later
        self._waiting: dict[str, Draft] = {}
        self._lock = threading.Lock()

    def keep(self, draft: Draft) -> None:
        """Keep *draft* soon; what is typed meanwhile takes its place."""
        with self._lock:
            is_waiting = draft.form in self._waiting
            self._waiting[draft.form] = draft
        if not is_waiting:
            self._later(self.settle, draft.form)

    def settle(self, form: str) -> None:
        """Write what still waits for *form*."""
        with self._lock:
            draft = self._waiting.pop(form, None)
        if draft is not None:
            self._drafts.keep(draft)
