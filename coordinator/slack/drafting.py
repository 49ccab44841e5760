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
        self._writing: set[str] = set()
        self._changed = threading.Condition()

    def keep(self, draft: Draft) -> None:
        """Keep *draft* soon; what is typed meanwhile takes its place."""
        with self._changed:
            is_waiting = draft.form in self._waiting
            self._waiting[draft.form] = draft
        if not is_waiting:
            self._later(self.settle, draft.form)

    def settle(self, form: str) -> None:
        """Return only when nothing waits to be written for *form*; a write that fails is given up."""
        with self._changed:
            self._changed.wait_for(lambda: form not in self._writing)
            draft = self._waiting.pop(form, None)
            if draft is None:
                return
            self._writing.add(form)
        try:
            self._drafts.keep(draft)
        finally:
            with self._changed:
                self._writing.discard(form)
                self._changed.notify_all()
