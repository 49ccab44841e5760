"""`actions refresh`: holds an allow list against all live requests, mends it, and says what differed.

It is the same operation as every job at that target, whether anything is live there or not: it makes nothing that
no live request asks for. What it settles besides, such as what is due, is reported as any job would.
"""

from __future__ import annotations

from dataclasses import dataclass

import click

from actions import messages
from actions.books import Books
from actions.drift_looking import managed_sites
from actions.finish import finish
from actions.job import Job
from actions.reconcile import Settlement, settle
from actions.records import BookRecord
from actions.registrar import Registrar
from actions.results import Teller, gathered
from actions.runner import one_line
from actions.telling import slack_refreshed
from actions.verification import Site
from sallyport.catalogue import Environment
from sallyport.platforms.errors import PlatformError
from sallyport.problems import Problem, Problems, nearest

FLOW = "infra-whitelist"


@dataclass(frozen=True, slots=True)
class Answer:
    """The message in Slack that what was found takes the place of."""

    channel: str
    message: str


def run(job: Job, environment: str, lock: str, answer: Answer | None = None) -> int:
    """Settle the environment's allow list and tell what differed; 1 if it is not settled or not told."""
    books = job.books()
    site = _site(job, books, environment)
    if site.target.lock != lock:
        raise Problems([Problem(f"the job holds the lock “{lock}”, and its target is {site.target.lock}")])
    record = BookRecord(books, Registrar(books, job.writer), job.make_executor, job.pause)
    settlement = settle(site, record, job.clock, f"run {job.run.id}", job.pause)
    text = _sentence(settlement, books.ledger.policies.catalogue.environments[environment])
    click.echo(one_line(text))
    unheard = _show(job, answer, text) if answer else ""
    news = gathered(Teller.of(settlement, books.ledger, (), job.clock()).news(), books.ledger)
    code = finish(job, books, news, f"Refresh {environment}", faults=[unheard] if unheard else [])
    return 1 if settlement.fault or settlement.held else code


def place(job: Job, environment: str) -> int:
    """Print and output the role that writes the allow list of an environment, and its region."""
    access = _site(job, job.books(), environment).target.access
    click.echo(one_line(f"{environment}: {access.role} in {access.region}"))
    job.runner.put({"role": access.role, "region": access.region})
    return 0


def _site(job: Job, books: Books, environment: str) -> Site:
    sites = {site.target.environment: site for site in managed_sites(job, books, [FLOW])}
    if environment not in sites:
        raise Problems([Problem(f"{environment} has no allow list", nearest(environment, sites))])
    return sites[environment]


def _sentence(settlement: Settlement, where: Environment) -> str:
    place, last = f"{where.title} ({where.id})", settlement.last
    mended = [step.sentence for plan in settlement.plans for step in plan.steps]
    refused = last.refusals if last else {}
    why = settlement.fault or settlement.held
    return messages.refreshed(place, mended, refused, last.facts if last else (), why)


def _show(job: Job, answer: Answer, text: str) -> str:
    """Put the text in the message's place; return why that could not be done."""
    if job.channels.slack is None:
        return messages.not_told("Slack", "the refresh", "SLACK_BOT_TOKEN is not set")
    try:
        job.channels.slack.update(answer.channel, answer.message, *slack_refreshed(text, job.run.url))
    except PlatformError as error:
        return messages.not_told("Slack", "the refresh", str(error))
    return ""
