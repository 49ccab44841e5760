"""Looks at every target that the catalogue names, many at a time, and a second time where something differs.

It reads only. A target that cannot be looked at, for whatever reason, keeps no other from being looked at, and is
told. How fast the reads of all of them follow each other is for the job's clients (`actions.executors.rates`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from actions.books import Books
from actions.drift import Drift, drifts_of, lasting
from actions.job import Job
from actions.reconcile import sentence_of
from actions.side_by_side import side_by_side
from actions.verification import Site
from sallyport.entries import path_of

AT_ONCE = 8  # looks, so that one slow answer holds up nobody; botocore keeps ten connections for each client
SETTLING = 60.0  # seconds between two looks, longer than a write and its deployment take


@dataclass(frozen=True, slots=True)
class Survey:
    """What differs, and which targets nobody could look at, each with the reason."""

    looked_at: tuple[Site, ...]
    drifts: tuple[Drift, ...] = ()
    faults: Mapping[Site, str] = field(default_factory=dict)


def managed_sites(job: Job, books: Books, flows: Iterable[str]) -> tuple[Site, ...]:
    """Return every target of the *flows* that the catalogue names, whether an entry is at it or not."""
    policies = books.ledger.policies
    return tuple(
        Site(flow, target) for flow in flows for target in job.make_executor(flow, policies).managed_targets()
    )


def survey(job: Job, books: Books, sites: Sequence[Site], again_after: float = SETTLING) -> Survey:
    """Look at the *sites* and, *again_after* seconds, again at those that differ; what lasts is drift."""
    first = _Look(job, books).over(sites)
    differing = tuple(dict.fromkeys(drift.site for drift in first.drifts))
    if not differing:
        return first
    job.pause(again_after)
    books.refresh()
    second = _Look(job, books).over(differing)
    return Survey(tuple(sites), lasting(first.drifts, second.drifts), {**first.faults, **second.faults})


@dataclass(frozen=True, slots=True)
class _Look:
    job: Job
    books: Books

    def over(self, sites: Sequence[Site]) -> Survey:
        drifts: list[Drift] = []
        faults: dict[Site, str] = {}
        looks = side_by_side(sites, AT_ONCE, lambda _: None, self.at)
        for site, seen in zip(sites, looks, strict=True):
            if isinstance(seen, str):
                faults[site] = seen
            else:
                drifts += seen
        return Survey(tuple(sites), tuple(drifts), faults)

    def at(self, site: Site) -> tuple[Drift, ...] | str:
        """Return what differs at *site*, or in a sentence why nobody can tell."""
        try:
            return self.differences(site)
        except Exception as fault:
            return sentence_of(fault)

    def differences(self, site: Site) -> tuple[Drift, ...]:
        ledger = self.books.ledger
        with self.books.lock:
            claims = ledger.claims(site, self.job.clock())
        executor = self.job.make_executor(site.flow, ledger.policies)
        state = executor.observe(site.target, claims)
        plan = executor.plan(site.target, state, claims)
        strangers = executor.strangers(site.target, claims)
        return drifts_of(site, plan, strangers, claims, lambda entry_id: self.moved(site.flow, entry_id))

    def moved(self, flow: str, entry_id: str) -> datetime | None:
        return self.job.workspace.last_change(path_of(flow, entry_id), self.books.ledger.snapshot.commit)
