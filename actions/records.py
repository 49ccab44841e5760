"""The commits a job makes through the GitHub API: what must be known to undo, and the files of what has ended.

Each is a compare-and-swap on the head of main, so that nothing is ever written over what somebody else did.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from actions.befores import before_path
from actions.books import Books
from actions.executors.protocol import Before, Claims, Executor, Plan
from actions.guards import Ruling, excess_of, ruling
from actions.ledger import Ledger
from actions.overrides import live_overrides
from actions.reconcile import MakeExecutor, Pause
from actions.registrar import Committer, Registrar, Wish, and_more, trailers
from actions.verification import Site
from sallyport.entries import path_of
from sallyport.platforms.errors import PlatformError, TryLater, Unknown
from sallyport.platforms.github import StaleHead

ATTEMPTS = 8  # at removing files while others commit to main as well
LONGEST_PAUSE = 20.0


class BookRecord:
    """The repository's side of one target for `actions.reconcile`, in the books of the job.

    It stays at the ledger that it has read, whatever other targets of the job have fetched since.
    """

    def __init__(
        self,
        books: Books,
        registrar: Registrar,
        make_executor: MakeExecutor,
        pause: Pause,
        also: Collection[str] = (),
    ) -> None:
        self._books = books
        self._registrar = registrar
        self._make = make_executor
        self._pause = pause
        self._also = also
        self._ledger = books.ledger
        self._before: Mapping[str, Before] = {}  # as the last claims said

    def claims(self, site: Site, now: datetime) -> Claims:
        """Return the claims of the ledger; a record just committed counts even before git shows it."""
        with self._books.lock:
            claims = self._ledger.claims(site, now, self._also)
            kept = self._registrar.kept(entry.id for entry in (*claims.live, *claims.ended))
        self._before = {**claims.before, **kept}
        return replace(claims, before=self._before)

    def ruling(self, flow: str, plan: Plan[Any], claims: Claims) -> Ruling:
        """Hold the plan against the flow's threshold; overrides are looked for only where it is passed."""
        ledger = self._ledger
        excess = excess_of(flow, plan, claims, ledger.policies.flows[flow].removals)
        if excess is None:
            return Ruling()
        with self._books.lock:
            return ruling(excess, live_overrides(ledger, claims.now))

    def refresh(self) -> None:
        self._ledger = self._books.refresh()

    def executor(self, flow: str) -> Executor[Any]:
        """Return the flow's executor under the policies of the ledger."""
        return self._make(flow, self._ledger.policies)

    def keep(self, flow: str, befores: Sequence[Before]) -> bool:
        if not befores:
            return True
        try:
            return self._registrar.keep(Wish(flow, befores, self._before, self._ledger))
        except (StaleHead, Unknown):  # unknown: the next look at main tells
            return False
        except TryLater as error:
            self._pause(min(error.after or 1.0, LONGEST_PAUSE))
            return False


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
            github.commit(f"End {and_more(ids)}", trailers(ids), {}, paths, ledger.snapshot.commit)
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
