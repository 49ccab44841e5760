"""What a merged pull request made of its entries, written into their files: approvals, deadline, ticket.

The record proves nothing by itself: every job holds it against the reviews again. It is for readers, and for
sweeps, which look at deadlines only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from actions.books import Books
from actions.reconcile import Pause
from actions.records import LONGEST_PAUSE
from actions.registrar import Committer
from actions.verification import Finding
from sallyport.entries import Entry
from sallyport.platforms.errors import PlatformError, TryLater, Unknown
from sallyport.platforms.github import StaleHead

ATTEMPTS = 8


def record(
    books: Books, github: Committer, findings: Sequence[Finding], tickets: Mapping[str, str], pause: Pause
) -> str:
    """Commit the files of proven *findings* with their *tickets* (by id); return why it failed, or nothing."""
    fault = ""
    for attempt in range(1, ATTEMPTS + 1):
        ledger = books.refresh()
        known = [ledger.finding(finding.flow, finding.id) for finding in findings]
        proven = [one.entry for one in known if one.entry and one.present and not one.doubt]
        entries = [_with_ticket(entry, tickets) for entry in proven]
        files = {entry.path: entry.to_yaml().encode() for entry in entries}
        changed = {path: content for path, content in files.items() if ledger.content(path) != content}
        if not changed:
            return ""
        try:
            github.commit(_headline(entries), _trailers(entries), changed, (), ledger.snapshot.commit)
        except (StaleHead, Unknown) as error:
            fault = str(error)
        except TryLater as error:
            fault = str(error)
            pause(min(error.after or float(attempt), LONGEST_PAUSE))
        except PlatformError as error:
            return str(error)
        else:
            books.refresh()
            return ""
    return fault


def _with_ticket(entry: Entry, tickets: Mapping[str, str]) -> Entry:
    return replace(entry, ticket=entry.ticket or tickets.get(entry.id))


def _headline(entries: Sequence[Entry]) -> str:
    more = f" and {len(entries) - 1} more" if len(entries) > 1 else ""
    return f"Record the approval of {entries[0].id}{more}"


def _trailers(entries: Sequence[Entry]) -> str:
    lines = [f"Request-Id: {entry.id}" for entry in entries]
    lines += [f"Requested-by: {email}" for email in sorted({entry.requested_by for entry in entries})]
    lines += [f"Approved-by: {email}" for email in sorted({a.by for entry in entries for a in entry.approvals})]
    lines += [f"Ticket: {key}" for key in sorted({entry.ticket for entry in entries if entry.ticket})]
    return "\n".join(lines)
