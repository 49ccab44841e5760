"""The commits a job makes through the GitHub API: what must be known to undo, and the files of what has ended.

Each is a compare-and-swap on the head of main, so that nothing is ever written over what somebody else did.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from actions.befores import before_path, write_before
from actions.executors.protocol import Before, Claims, Executor, Plan
from actions.guards import Ruling, excess_of, ruling
from actions.ledger import Books, Ledger
from actions.overrides import live_overrides
from actions.reconcile import MakeExecutor, Pause
from actions.verification import Site
from sallyport.entries import path_of
from sallyport.platforms.errors import PlatformError, TryLater, Unknown
from sallyport.platforms.github import StaleHead

ATTEMPTS = 8  # at removing files while others commit to main as well
LONGEST_PAUSE = 20.0


class Committer(Protocol):
    """What a job needs of the GitHub client to commit."""

    def commit(
        self,
        message_headline: str,
        message_body: str,
        additions: dict[str, bytes],
        deletions: Sequence[str],
        expected_head: str,
    ) -> str: ...


class BookRecord:
    """The repository's side of a target for `actions.reconcile`, in the books of one job."""

    def __init__(
        self,
        books: Books,
        github: Committer,
        make_executor: MakeExecutor,
        pause: Pause,
        also: Collection[str] = (),
    ) -> None:
        self._books = books
        self._github = github
        self._make = make_executor
        self._pause = pause
        self._also = also
        self._kept: dict[str, Before] = {}

    def claims(self, site: Site, now: datetime) -> Claims:
        """Return the claims of the newest ledger; a record just committed counts even before git shows it."""
        claims = self._books.ledger.claims(site, now, self._also)
        known = {entry.id for entry in (*claims.live, *claims.ended)}
        kept = {entry_id: before for entry_id, before in self._kept.items() if entry_id in known}
        return replace(claims, before={**claims.before, **kept})

    def ruling(self, flow: str, plan: Plan[Any], claims: Claims) -> Ruling:
        """Hold the plan against the flow's threshold; overrides are looked for only where it is passed."""
        ledger = self._books.ledger
        excess = excess_of(flow, plan, claims, ledger.policies.flows[flow].removals)
        return ruling(excess, live_overrides(ledger, claims.now)) if excess else Ruling()

    def refresh(self) -> None:
        self._books.refresh()

    def executor(self, flow: str) -> Executor[Any]:
        """Return the flow's executor under the policies of the newest ledger."""
        return self._make(flow, self._books.ledger.policies)

    def keep(self, flow: str, befores: Sequence[Before]) -> bool:
        ledger = self._books.ledger
        files = {before_path(flow, before.entry_id): write_before(before) for before in befores}
        additions = {path: data for path, data in files.items() if ledger.content(path) != data}
        if not additions:
            return True
        ids = [before.entry_id for before in befores]
        headline = f"Record what was there before {_and_more(ids)}"
        try:
            self._github.commit(headline, _trailers(ids), additions, (), ledger.snapshot.commit)
        except (StaleHead, Unknown):  # unknown: the next look at main tells
            return False
        except TryLater as error:
            self._pause(min(error.after or 1.0, LONGEST_PAUSE))
            return False
        self._kept |= {before.entry_id: before for before in befores}
        return True


def close(books: Books, github: Committer, ended: Collection[tuple[str, str]], pause: Pause) -> str:
    """Remove the files of entries that were taken back, given as (flow, id), in one commit.

    Return why that could not be done; empty if the files are gone.
    """
    fault = ""
    for attempt in range(ATTEMPTS):
        ledger = books.refresh()
        paths = files_of(ledger, ended)
        if not paths:
            return ""
        ids = sorted({path.rpartition("/")[2].partition(".")[0] for path in paths})
        try:
            github.commit(f"End {_and_more(ids)}", _trailers(ids), {}, paths, ledger.snapshot.commit)
        except StaleHead as error:
            fault = str(error)
        except (TryLater, Unknown) as error:
            fault = str(error)
            pause(min(getattr(error, "after", None) or float(attempt + 1), LONGEST_PAUSE))
        except PlatformError as error:
            return str(error)
        else:
            return ""
    return fault


def files_of(ledger: Ledger, ended: Collection[tuple[str, str]]) -> list[str]:
    """Return the files on main of ended entries and their records."""
    candidates = [path for flow, one in sorted(ended) for path in (path_of(flow, one), before_path(flow, one))]
    return [path for path in candidates if path in ledger.snapshot.files]


def _and_more(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} more"


def _trailers(ids: Sequence[str]) -> str:
    return "\n".join(f"Request-Id: {entry_id}" for entry_id in ids)
