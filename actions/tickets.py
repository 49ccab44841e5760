"""The tickets of entries that came by a pull request: opened once, linked to it, and brought to their status.

JIRA has no idempotent creation, so a ticket is looked for before it is opened; its search lags, so a job waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from actions.reconcile import Pause
from actions.records import LONGEST_PAUSE
from sallyport.entries import Entry
from sallyport.outcomes import Result
from sallyport.platforms.errors import TryLater, Unknown, a_look
from sallyport.platforms.jira import Jira, next_look
from sallyport.platforms.jira_text import plain
from sallyport.policies import Policies
from sallyport.reviews import PullRequest
from sallyport.times import format_moment

T = TypeVar("T")

LABEL = "sallyport"  # the coordinator's tickets carry the same labels and property
PROPERTY = "sallyport.request"
SUMMARY_LONGEST = 240
ROWS = 500
TRIES = 3
PATHS = {  # the states whose statuses lead a new ticket to where it belongs
    Result.APPLIED: ("pending", "approved", "active"),
    Result.ALREADY: ("pending", "approved", "active"),
    Result.REVERTED: ("pending", "approved", "active", "ended"),
    Result.FAILED: (),
    Result.REFUSED: (),
}


@dataclass(frozen=True, slots=True)
class Tickets:
    """The tickets of one JIRA project."""

    jira: Jira
    project: str
    pause: Pause

    def open(self, entry: Entry, pull: PullRequest, policies: Policies) -> str:
        """Open the entry's ticket, or find it; return its key. PlatformError if JIRA does not take it.

        What may have been opened is looked for until JIRA's search must show it.
        """
        key = self._patiently(lambda: self._found(entry))
        if key is None:
            try:
                key = self._patiently(lambda: self._create(entry, pull, policies))
            except Unknown:
                key = self._awaited(entry) or self._create(entry, pull, policies)
        title, same = f"Pull request #{pull.number}", f"sallyport-pull-{pull.number}"
        self._patiently(lambda: self.jira.link(key, pull.url, title, same))
        return key

    def _patiently(self, call: Callable[[], T]) -> T:
        """Return what a call answers; one that was surely turned away is made again, a few times."""
        for attempt in range(1, TRIES):
            try:
                return call()
            except TryLater as error:
                self.pause(min(error.after or 10.0 * attempt, LONGEST_PAUSE))
        return call()

    def _found(self, entry: Entry) -> str | None:
        """Return the key of the entry's ticket, as JIRA's search knows it. A search that fails changes nothing."""
        with a_look():
            return next(iter(self.jira.find_by_label(self.project, label_of(entry.id))), None)

    def _awaited(self, entry: Entry) -> str | None:
        """Return the key of a ticket that may have been opened a moment ago, once JIRA's search shows it."""
        passed = timedelta()
        while wait := next_look(passed):
            self.pause(wait.total_seconds())
            passed += wait
            if key := self._patiently(lambda: self._found(entry)):
                return key
        return None

    def advance(self, entry: Entry, result: Result, policies: Policies) -> None:
        """Bring the ticket, status by status, to where its entry stands."""
        ways = [policies.ticket_statuses[state] for state in PATHS[result] if state in policies.ticket_statuses]
        if not ways or entry.ticket is None:
            return
        standing = self.jira.issue(entry.ticket).status.casefold()
        passed = next((n for n, way in enumerate(ways, 1) if way.status.casefold() == standing), 0)
        for way in ways[passed:]:
            self.jira.move(entry.ticket, way.status, way.resolution)

    def _create(self, entry: Entry, pull: PullRequest, policies: Policies) -> str:
        flow = policies.flows[entry.flow]
        approved = [f"approved-by:{approval.by}" for approval in entry.approvals]
        return self.jira.create_issue(
            self.project,
            flow.ticket.type,
            _summary(entry, policies),
            "\n".join(_description(entry, pull, policies)),
            [LABEL, label_of(entry.id), *flow.ticket.labels, *approved],
            {PROPERTY: {"id": entry.id, "flow": entry.flow, "requester": entry.requested_by}},
        )


def label_of(request_id: str) -> str:
    """Return the label by which a request's ticket is found."""
    return f"sallyport-{request_id}"


def _summary(entry: Entry, policies: Policies) -> str:
    first = entry.changes[0].title(policies.catalogue)
    more = f" and {len(entry.changes) - 1} more" if len(entry.changes) > 1 else ""
    words = f"{policies.flows[entry.flow].title}: {first}{more} ({entry.id})"
    return " ".join(words.split())[:SUMMARY_LONGEST]


def _description(entry: Entry, pull: PullRequest, policies: Policies) -> Iterator[str]:
    yield f"*Requested by:* {plain(entry.requested_by)}"
    for approval in entry.approvals:
        yield f"*Approved by:* {plain(approval.by)}, in the pull request merged at {format_moment(approval.at)}"
    yield f"*Pull request:* {pull.url}"
    yield f"*Environment:* {plain(policies.catalogue.environments[entry.environment].title)}"
    yield f"*Until:* {format_moment(entry.expires_at) if entry.expires_at else 'without a deadline'}"
    yield f"*Request:* {entry.id}"
    yield f"*Reason:*\n{plain(entry.reason)}"
    yield from _table(entry, policies)


def _table(entry: Entry, policies: Policies) -> Iterator[str]:
    """Yield the changes as a table, one row each."""
    rows = [dict(change.details(policies.catalogue)) for change in entry.changes[:ROWS]]
    labels = list(dict.fromkeys(label for row in rows for label in row))
    yield "||" + "||".join(map(plain, labels)) + "||"
    for row in rows:
        yield "|" + "|".join(plain(row.get(label, "")) or " " for label in labels) + "|"
