"""GitHub: approved requests become signed entries in `requests/`, many in one commit.

The commit is a compare-and-swap on the branch's head, from before what is there was looked at: a stale head means
that nothing was written, and that what was seen may be so no more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from coordinator.head import Head
from coordinator.journal import Done, Work
from coordinator.lifecycle import Happening, Move
from coordinator.requests import Request, State
from coordinator.wording import TOO_LATE
from sallyport.attestations import Signer
from sallyport.audit import Deed
from sallyport.decisions import is_emergency
from sallyport.entries import FOLDER, Approval, Confirmation, Entry, Thread, parse_entry
from sallyport.flows import PERMANENT
from sallyport.platforms.github import GitHub
from sallyport.platforms.github_answers import StaleHead
from sallyport.policies import Policies
from sallyport.problems import Problems
from sallyport.times import format_moment, parse_duration, parse_moment

Job = tuple[Work, Request]
Signed = tuple[Entry, Request]
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
        """Commit the entries of *jobs*, except those that an earlier attempt has committed, or whose time is over.

        Were such an attempt to arrive after the look for it, nothing would come of that: its entry is over too.
        """
        now, unsure = self.now(), {request.id for work, request in jobs if work.uncertain}
        head = self.head.latest() if unsure else ""  # before the looks, which are of no older commit
        entries = {request.id: self.signer().sign(entry_of(request)) for _, request in jobs}
        there = {r.id: found for w, r in jobs if w.uncertain and (found := self._standing(entries[r.id]))}
        late = {r.id for _, r in jobs if r.id not in there and entries[r.id].is_over(now)}
        fresh = [(entries[r.id], r) for _, r in jobs if r.id not in there and r.id not in late]
        commit = self._write(fresh, "Apply", head, partial(self._not_arrived, fresh, unsure)) if fresh else head
        entries |= there
        done = {one: Done({"commit": commit}, self._committed(commit, entry)) for one, entry in entries.items()}
        return [_too_late(now) if r.id in late else done[r.id] for _, r in jobs]

    def withdraw(self, jobs: Sequence[Job]) -> list[Done]:
        """Set the deadline of entries to the present, where they still stand: the sweep does the rest."""
        now, committed = self.now().replace(microsecond=0), any(request.is_committed for _, request in jobs)
        head = self.head.latest() if committed else ""
        ending = [
            (self.signer().sign(replace(entry_of(request), expires_at=now)), request)
            for _, request in jobs
            if request.is_committed and self._is_live(entry_of(request), now)
        ]
        if ending:
            self._write(ending, "End", head, partial(self._not_gone, ending))
        return [Done({"at": format_moment(now)}, asked=request.is_committed) for _, request in jobs]

    def _standing(self, entry: Entry) -> Entry | None:
        """Return what an earlier attempt has committed of it; its ticket and thread may be known only since."""
        found = self._parsed(self.github.file(entry.path), entry.path)
        return found if found is not None and _approved_part(found) == _approved_part(entry) else None

    def _is_live(self, entry: Entry, now: datetime) -> bool:
        """Tell whether there is something to end; a file that makes no sense is replaced by one that does."""
        content = self.github.file(entry.path)
        found = self._parsed(content, entry.path)
        return content is not None and (found is None or found.is_live(now))

    def _parsed(self, content: bytes | None, path: str) -> Entry | None:
        try:
            return parse_entry(content, path, self.policies().schemas) if content is not None else None
        except Problems:
            return None

    def _not_arrived(self, fresh: Sequence[Signed], unsure: Collection[str], head: str) -> Sequence[Signed]:
        """Return what is to be committed at *head*; StaleHead if an earlier attempt has come to it only now."""
        asked = [entry.path for entry, request in fresh if request.id in unsure]
        if asked and not self.github.tree(head, FOLDER).keys().isdisjoint(asked):
            raise StaleHead("GitHub", "commit", "an earlier attempt has arrived since it was looked for")
        return fresh

    def _not_gone(self, ending: Sequence[Signed], head: str) -> Sequence[Signed]:
        """Return what is still to be ended at *head*: what a job has taken back by then must not come back."""
        there = self.github.tree(head, FOLDER)
        return [(entry, request) for entry, request in ending if entry.path in there]

    def _write(
        self, entries: Sequence[Signed], verb: str, head: str, left: Callable[[str], Sequence[Signed]]
    ) -> str:
        """Commit on *head* (empty: whichever is known), or what is *left* at the newest if that is another one."""
        try:
            try:
                commit = self._commit(entries, verb, head or self.head.known())
            except StaleHead:
                newest = self.head.latest()
                entries = left(newest)
                commit = self._commit(entries, verb, newest) if entries else newest
        except Exception:
            self.head.moved_to("")
            raise
        self.head.moved_to(commit)
        return commit

    def _commit(self, entries: Sequence[Signed], verb: str, head: str) -> str:
        body = "\n\n".join(_trailers(entry, self.policies()) for entry, _ in entries)
        files = {entry.path: entry.to_yaml().encode() for entry, _ in entries}
        return self.github.commit(_headline([request.id for _, request in entries], verb), body, files, (), head)

    def _committed(self, commit: str, entry: Entry) -> Move:
        details = {
            "commit": commit,
            "url": self.github.html_url_of_commit(commit),
            "entry": entry.digest,
            "ticket": entry.ticket or "",
        }
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
        approvals=tuple(
            Approval(d.by, d.at.replace(microsecond=0), d.through, d.speaks_for) for d in request.approvals
        ),
        asked=request.asked,
        grant=replace(request.grant, at=request.grant.at.replace(microsecond=0)) if request.grant else None,
        confirmation=_confirmation(request),
        ticket=request.ticket,
        thread=Thread(thread["channel"], thread["ts"]) if thread else None,
    )


def _confirmation(request: Request) -> Confirmation | None:
    """Return the approval in GitHub of what has one."""
    given = request.result("confirm")
    if not given:
        return None
    lasting = parse_duration(given["lasting"]) if given["lasting"] != PERMANENT else None
    return Confirmation(given["by"], parse_moment(given["at"]), given["pull"], given["commit"], lasting)


def _too_late(now: datetime) -> Done:
    """End what could not be given in its time: nothing of it is anywhere, and nothing has to be taken back."""
    failed = Move(Happening(Deed.FAILED, now, COORDINATOR, {"detail": TOO_LATE}), State.FAILED, TOO_LATE)
    return Done(then=failed, asked=False)


def _approved_part(entry: Entry) -> Entry:
    return replace(entry, ticket=None, thread=None, attestation=None)


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
        *([f"Confirmed-by: {entry.confirmation.by}"] if entry.confirmation else []),
        *([f"Break-glass: {entry.grant.incident}"] if entry.grant and is_emergency(entry.grant) else []),
        *([f"Ticket: {entry.ticket}"] if entry.ticket else []),
    ]
    return "\n".join(lines)
