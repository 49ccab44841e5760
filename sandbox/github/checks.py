"""Check runs, kept in memory: what the product says about a commit beside it.

Only what a GitHub App sends and reads is taken; anything else is refused by name.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_FIELDS = {
    "name",
    "head_sha",
    "status",
    "conclusion",
    "output",
    "details_url",
    "external_id",
    "started_at",
    "completed_at",
}
_STATUSES = {"queued", "in_progress", "completed"}
_CONCLUSIONS = {"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}


class CheckError(Exception):
    """GitHub would answer 422 with this message."""


class CheckRuns:
    def __init__(self) -> None:
        self._runs: dict[int, dict[str, Any]] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def create(self, given: Any, app: str) -> dict[str, Any]:
        """Keep a check of the GitHub App *app*, by its slug; no field of what is given can claim another."""
        facts = _checked(given)
        if "name" not in facts or "head_sha" not in facts:
            raise CheckError('Invalid request.\n\n"name" and "head_sha" weren\'t supplied.')
        with self._lock:
            number = next(self._ids)
            self._runs[number] = _completed(
                {"id": number, "status": "queued", "started_at": _now(), **facts, "app": {"slug": app}}
            )
            return dict(self._runs[number])

    def update(self, number: int, given: Any) -> dict[str, Any] | None:
        facts = _checked(given)
        with self._lock:
            if number not in self._runs:
                return None
            output = {**self._runs[number].get("output", {}), **facts.pop("output", {})}
            self._runs[number] = _completed({**self._runs[number], **facts, "output": output})
            return dict(self._runs[number])

    def of(self, sha: str, *, name: str, status: str, latest: bool) -> list[dict[str, Any]]:
        """The newest first; with `latest` only the newest of each name."""
        with self._lock:
            found = [dict(run) for run in reversed(self._runs.values()) if run["head_sha"] == sha]
        found = [run for run in found if name in ("", run["name"]) and status in ("", run["status"])]
        if not latest:
            return found
        return list({run["name"]: run for run in reversed(found)}.values())


def _checked(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise CheckError("Invalid request.\n\nThe body is not an object.")
    if unknown := sorted(set(given) - _FIELDS):
        raise CheckError(f"The stand-in does not support these fields of a check run: {', '.join(unknown)}")
    if given.get("status", "queued") not in _STATUSES or given.get("conclusion", "success") not in _CONCLUSIONS:
        raise CheckError("Invalid request.\n\nThe status or conclusion is not a possible value.")
    if "output" in given and not {"title", "summary"} <= set(given["output"]):
        raise CheckError('Invalid request.\n\nThe output needs "title" and "summary".')
    return dict(given)


def _completed(run: dict[str, Any]) -> dict[str, Any]:
    if "conclusion" in run:
        return {"completed_at": _now(), **run, "status": "completed"}
    if run["status"] == "completed":
        raise CheckError("Invalid request.\n\nA completed check run needs a conclusion.")
    return run


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
