"""`actions drift`: where AWS differs from what the live entries ask for.

It changes AWS only if told to, and only what policy lets it mend and what an earlier look has told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import click
from structlog.typing import FilteringBoundLogger

from actions import drift_words
from actions.books import Books
from actions.drift import Drift
from actions.drift_filing import file, may_mend
from actions.drift_looking import SETTLING, Survey, managed_sites, survey
from actions.drift_tickets import DriftTickets
from actions.job import Job
from actions.log import logger
from actions.overrides import live_overrides, sites_overridden
from actions.reconcile import Settlement, settle
from actions.records import BookRecord
from actions.reporting import Reporter
from actions.results import News, Teller
from actions.runner import one_line
from actions.side_by_side import over_targets
from actions.verification import Site
from sallyport.catalogue import Catalogue
from sallyport.flows import OnDrift
from sallyport.outcomes import Result
from sallyport.platforms.errors import PlatformError
from sallyport.policies import Policies
from sallyport.problems import Problem, Problems, nearest, quoted


@dataclass(frozen=True, slots=True)
class Scope:
    """Which targets: of one environment, and of those where one role works or looks; empty for all.

    Those that differ are looked at again *again_after* seconds later.
    """

    environment: str = ""
    role: str = ""
    again_after: float = SETTLING

    def holds(self, site: Site) -> bool:
        access = site.target.access
        return self.environment in {"", site.target.environment} and self.role in {"", access.role, access.reader}

    @property
    def name(self) -> str:
        return self.environment or "all environments"


def show(job: Job, scope: Scope, *, as_json: bool) -> int:
    """Print what differs; 1 if a target could not be looked at, or none was."""
    books = job.books()
    found = _survey(job, books, scope, books.ledger.policies.flows)
    click.echo(drift_words.machine_readable(found) if as_json else drift_words.text(found))
    job.runner.summarise(drift_words.markdown(f"Drift in {scope.name}", found))
    return 1 if found.faults or not found.looked_at else 0


def report(job: Job, scope: Scope) -> int:
    """Open a ticket for each new finding, close those of findings that are gone, and tell the operators."""
    books = job.books()
    policies = books.ledger.policies
    found = _survey(job, books, scope, policies.flows)
    filed = file(_tickets(job, policies), found)
    faults = list(filed.faults)
    if filed.fresh:
        words = drift_words.alert(filed.fresh, filed.keys)
        faults += _reporter(job).alert(f"drift:{scope.environment}:{scope.role}", words)
    click.echo(drift_words.text(found, filed.keys))
    _say(faults)
    job.runner.summarise(drift_words.markdown(f"Drift in {scope.name}", found, filed.keys, faults))
    return 1 if found.faults or faults or not found.looked_at else 0


def repair(job: Job, scope: Scope) -> int:
    """Mend the targets whose flow's policy says so, where all that would be mended was told by an earlier look.

    What a person accepted, by closing its ticket, keeps its whole target from being mended.
    """
    books = job.books()
    policies = books.ledger.policies
    flows = [flow.id for flow in policies.flows.values() if flow.drift is OnDrift.REPAIR]
    found = _survey(job, books, scope, flows)
    tickets = _tickets(job, policies)
    try:
        known = tickets.known() if tickets else ()
    except PlatformError as error:
        _say([f"Nothing is mended, since nobody can tell what was told before: {error}"])
        return 1
    notes: list[str] = []
    mended: list[tuple[str, bool]] = []  # what became of each target, and whether it is as it should be
    failed = bool(found.faults)
    swept, by_site = _overridden(job, books), _by_site(found.drifts)
    notes += [drift_words.left_to_the_sweep(site.target.lock) for site in by_site if site in swept]
    mendable = [site for site, drifts in by_site.items() if site not in swept and may_mend(drifts, known)]
    for site, _, settlement in _settled(job, books, mendable):
        fault, news = settlement.fault or settlement.held, _put_back(job, books, settlement)
        mended.append((drift_words.mended(site.target.lock, len(by_site[site]), fault), not fault))
        unheard = _reporter(job).tell(news)
        notes += [mended[-1][0], *unheard]
        failed = failed or bool(fault or unheard)
    if mended:
        key, words = f"drift-mended:{scope.environment}:{scope.role}", drift_words.mended_alert(mended)
        unheard = _reporter(job).alert(key, words)
        notes, failed = [*notes, *unheard], failed or bool(unheard)
    _say(notes or ["Nothing is mended: what differs was not told by an earlier look, or was accepted."])
    job.runner.summarise(drift_words.markdown(f"Mending in {scope.name}", found, notes=notes))
    return 1 if failed else 0


def _survey(job: Job, books: Books, scope: Scope, flows: Iterable[str]) -> Survey:
    environments = books.ledger.policies.catalogue.environments
    if scope.environment and scope.environment not in environments:
        what = f"there is no environment {quoted(scope.environment)}"
        raise Problems([Problem(what, nearest(scope.environment, environments))])
    sites = [site for site in managed_sites(job, books, flows) if scope.holds(site)]
    return survey(job, books, sites, scope.again_after)


def _tickets(job: Job, policies: Policies) -> DriftTickets | None:
    channels = job.channels
    if channels.jira is None or not channels.jira_project:
        return None
    return DriftTickets(channels.jira, channels.jira_project, policies, job.run.url)


def _reporter(job: Job) -> Reporter:
    return Reporter(job.channels, job.writer, job.run.id, job.run.url, job.sha, job.pause, job.clock)


def _by_site(drifts: Sequence[Drift]) -> Mapping[Site, tuple[Drift, ...]]:
    """Group what a plan would mend by target."""
    sites: dict[Site, tuple[Drift, ...]] = {}
    for drift in drifts:
        if drift.mendable:
            sites[drift.site] = (*sites.get(drift.site, ()), drift)
    return sites


def _overridden(job: Job, books: Books) -> frozenset[Site]:
    """Return the targets where an override lets many entries end: a sweep does that, and tells them all."""
    ledger = books.ledger
    live = live_overrides(ledger, job.clock())
    return frozenset(site for override in live for site in sites_overridden(override, ledger))


def _settled(job: Job, books: Books, sites: Sequence[Site]) -> Iterator[tuple[Site, str, Settlement]]:
    """Make the targets what all live entries ask for."""

    def log(site: Site, progress: str) -> FilteringBoundLogger:
        return logger(run=job.run.id, target=site.target.lock, progress=progress)

    def work(site: Site, record: BookRecord) -> Settlement:
        return settle(site, record, job.clock, f"run {job.run.id}", job.pause)

    return over_targets(job, books, dict.fromkeys(sites, ()), log, work)


def _put_back(job: Job, books: Books, settlement: Settlement) -> tuple[News, ...]:
    """Return what the people of live entries are to be told; the end of any other is the sweep's to tell."""
    live = {entry.id for entry in settlement.claims.live} if settlement.claims else set()
    with books.lock:
        told = Teller.of(settlement, books.ledger, (), job.clock()).news()
        catalogue = books.ledger.policies.catalogue
    return tuple(_reworded(item, catalogue) for item in told if item.outcome.request_id in live)


def _reworded(item: News, catalogue: Catalogue) -> News:
    """Word the outcome for people who know that it was in force already."""
    if item.entry is None or item.outcome.result is not Result.APPLIED:
        return item
    return replace(item, outcome=replace(item.outcome, detail=drift_words.put_back(item.entry, catalogue)))


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(one_line(line))
