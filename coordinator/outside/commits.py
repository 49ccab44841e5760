"""GitHub: approved requests become signed entries in `requests/`, many in one commit.

The commit is a compare-and-swap on the branch's head: a stale head means nothing was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordinator.head import Head
from coordinator.journal import Done, Work
from coordinator.lifecycle import Happening, Move
from coordinator.requests import Request
from sallyport.attestations import Signer
from sallyport.audit import Deed
from sallyport.entries import Approval, Entry, Thread
from sallyport.platforms.github import GitHub
from sallyport.platforms.github_answers import StaleHead
from sallyport.policies import Policies

Job = tuple[Work, Request]
COORDINATOR = "coordinator"


@dataclass(frozen=True, slots=True)
class Commits:
    """The effects `commit` and `withdraw`."""

    github: GitHub
    signer: Callable[[], Signer]
    policies: Callable[[], Policies]
    now: Callable[[], datetime]
    head: Head

    def commit(self, jobs: Sequence[Job]) -> list[Done]:
        """Commit the entries of *jobs*, except those that an earlier attempt has committed."""
        entries = {request.id: self.signer().sign(entry_of(request)) for _, request in jobs}
        there = {r.id for w, r in jobs if w.uncertain and self._stands(entries[r.id])}
        fresh = [request for _, request in jobs if request.id not in there]
        if fresh:
            self._write([(entries[r.id], r) for r in fresh], _headline([r.id for r in fresh], "Apply"))
        return [Done({"commit": self.head.known()}, then=self._committed()) for _ in jobs]

    def withdraw(self, jobs: Sequence[Job]) -> list[Done]:
        """Set the deadline of entries to the present, where they still stand: the sweep does the rest."""
        now = self.now().replace(microsecond=0)
        ending = [
            (self.signer().sign(replace(entry_of(request), expires_at=now)), request)
            for _, request in jobs
            if self.github.file(entry_of(request).path) is not None
        ]
        if ending:
            self._write(ending, _headline([request.id for _, request in ending], "End"))
        return [Done({"commit": self.head.known()}) for _ in jobs]

    def _stands(self, entry: Entry) -> bool:
        if self.github.file(entry.path) != entry.to_yaml().encode():
            return False
        self.head.latest()
        return True

    def _write(self, entries: Sequence[tuple[Entry, Request]], headline: str) -> None:
        body = "\n\n".join(_trailers(entry, self.policies()) for entry, _ in entries)
        files = {entry.path: entry.to_yaml().encode() for entry, _ in entries}
        try:
            try:
                commit = self.github.commit(headline, body, files, (), self.head.known())
            except StaleHead:
                commit = self.github.commit(headline, body, files, (), self.head.latest())
        except Exception:
            self.head.moved_to("")
            raise
        self.head.moved_to(commit)

    def _committed(self) -> Move:
        details = {"commit": self.head.known(), "url": self.github.html_url_of_commit(self.head.known())}
        return Move(Happening(Deed.COMMITTED, self.now(), COORDINATOR, details))


def entry_of(request: Request) -> Entry:
    """Return the entry that a request's approval makes, before it is signed."""
    thread = request.result("thread")
    return Entry(
        id=request.id,
        flow=request.flow,
        environment=request.environment,
        requested_by=request.requester,
        reason=request.reason,
        expires_at=request.expires_at,
        changes=request.changes,
        approvals=tuple(Approval(d.by, d.at.replace(microsecond=0), d.through) for d in request.approvals),
        asked=request.asked,
        ticket=request.ticket,
        thread=Thread(thread["channel"], thread["ts"]) if thread else None,
    )


def _headline(ids: Sequence[str], verb: str) -> str:
    return f"{verb} {ids[0]}" if len(ids) == 1 else f"{verb} {ids[0]} and {len(ids) - 1} more"


def _trailers(entry: Entry, policies: Policies) -> str:
    """Say what, for whom, by whom and under which ticket, in the form git tools read."""
    what = "; ".join(change.title(policies.catalogue) for change in entry.changes)
    lines = [
        f"{what} in {entry.environment} for {entry.requested_by}",
        "",
        f"Request-Id: {entry.id}",
        f"Requested-by: {entry.requested_by}",
        *(f"Approved-by: {approval.by}" for approval in entry.approvals),
        *([f"Ticket: {entry.ticket}"] if entry.ticket else []),
    ]
    return "\n".join(lines)
