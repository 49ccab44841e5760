"""Whether an entry, if it were on main, would be applied: what is wrong with it, and which reviews it still needs.

The answer is for its author; what counts in a job is decided by `actions.ledger`, from the same functions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from actions.verification import parts_of
from sallyport import attestations, confirming
from sallyport.decisions import approval_refusals
from sallyport.documents import Document
from sallyport.entries import Entry
from sallyport.policies import Policies
from sallyport.problems import Problem, nearest, quoted
from sallyport.reviews import PullRequest, Review, hopeless, judge, may_review


@dataclass(frozen=True, slots=True)
class Seen:
    """A pull request as it is reviewed by now."""

    pull: PullRequest
    reviews: tuple[Review, ...]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is wrong with a file, and what its reviewers have still to say."""

    problems: tuple[Problem, ...] = ()
    missing: tuple[Problem, ...] = ()


def opinion(entry: Entry, document: Document, policies: Policies, now: datetime, seen: Seen | None) -> Opinion:
    """Judge an entry that is well-formed."""
    try:
        problems = tuple(_problems(entry, document, policies, now))
    except (LookupError, ValueError) as error:
        return Opinion((Problem(str(error), "", document.place(("changes",))),))
    if (
        not problems
        and entry.attestation
        and entry.confirmation is None
        and confirming.is_asked_for(entry, policies)
    ):
        return Opinion((), (_unconfirmed(entry, document, policies),))
    if problems or entry.attestation or seen is None:
        return Opinion(problems)
    verdict = judge(entry, seen.pull, seen.reviews, policies, now)
    reviewers = who_may_review(entry, policies)
    missing = (Problem(text, f"{reviewers} may review it", document.place()) for text in verdict.refusals)
    return Opinion((), tuple(missing))


def _unconfirmed(entry: Entry, document: Document, policies: Policies) -> Problem:
    """Say that jobs would refuse a signed entry which nobody has confirmed in GitHub.

    It is no problem of the file: a rule that asks for it only since then ends nothing that is live.
    """
    reviewers = _named(confirming.may_confirm(entry, policies), policies)
    return Problem(confirming.UNCONFIRMED, f"{reviewers} may confirm it", document.place(("attestation",)))


def who_may_review(entry: Entry, policies: Policies) -> str:
    """Name those who may approve every change of *entry*, with their logins."""
    return _named(may_review(entry, policies), policies)


def _named(emails: Collection[str], policies: Policies) -> str:
    persons = filter(None, map(policies.people.by_email, sorted(emails)))
    names = [f"{person.label} ({person.github})" for person in persons if person.github]
    return ", ".join(names) if names else "nobody with a GitHub login in policies/people.yaml"


def _problems(entry: Entry, document: Document, policies: Policies, now: datetime) -> Iterator[Problem]:
    if entry.environment not in policies.catalogue.environments:
        what = f"there is no environment {quoted(entry.environment)}"
        yield Problem(
            what, nearest(entry.environment, policies.catalogue.environments), document.place(("environment",))
        )
        return
    flow = policies.flows.get(entry.flow)
    if flow and not entry.id.startswith(f"{flow.prefix}-"):
        yield Problem(
            f"{entry.id} is no id of {flow.id}", f"begin it with {flow.prefix}-", document.place(("id",))
        )
    of_changes = [
        (problem, document.place(("changes", number, *([problem.field] if problem.field else []))))
        for number, change in enumerate(entry.changes)
        for problem in change.problems(entry.environment, policies.catalogue)
    ]
    refusals = approval_refusals(entry, policies) if entry.attestation else hopeless(entry, policies, now)
    parts_of(entry, policies.catalogue)
    yield from (Problem(problem.what, problem.mend, place) for problem, place in of_changes)
    said = {problem.sentence for problem, _ in of_changes}
    yield from (Problem(text, "", document.place()) for text in refusals if text not in said)
    reason = attestations.refusal(entry, policies.keys) if entry.attestation else None
    if reason:
        place = document.place(("attestation",))
        yield Problem(
            f"{reason}, so it would be refused", "take the attestation out, so that reviews count", place
        )
    if not entry.is_live(now):
        yield Problem("its deadline has passed", "ask again", document.place(("expires_at",)))
