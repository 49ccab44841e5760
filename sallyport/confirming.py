"""The approval in GitHub of what was approved in Slack: what is shown, whose word counts, what proves it.

Pure. Whoever has Slack, or the coordinator, does not have it: a review is GitHub's own record, of one commit,
under a login that `policies/people.yaml` binds. The pull request is only the question and is never merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sallyport.changes import Change
from sallyport.decisions import answers_of, grain_of, is_emergency
from sallyport.documents import JSON, dump, load
from sallyport.entries import Confirmation, Entry, format_lasting
from sallyport.flows import ENVIRONMENT, Flow, StepUp
from sallyport.policies import Policies
from sallyport.problems import Problem, Problems
from sallyport.reviews import APPROVED, CHANGES_REQUESTED, Review, last_words, may_review
from sallyport.times import round_up

FOLDER = "proposals"  # not that of entries: what is merged from there by mistake asks for nothing
_NOTE = "# To be confirmed by a review of this pull request, which is never merged."
UNCONFIRMED = "policy wants it confirmed in GitHub too, and it is not"


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody who may confirm an entry has said of it: who (an e-mail address), when (UTC), and what."""

    by: str
    at: datetime
    yes: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What GitHub keeps of a confirmation: the reviews of its pull request, and what the commit shows."""

    reviews: tuple[Review, ...]
    proposal: bytes | None


def is_asked_for(entry: Entry, policies: Policies) -> bool:
    """Tell whether policy wants *entry* confirmed in GitHub; an emergency waits for nobody."""
    flow = policies.flows.get(entry.flow)
    if flow is None or is_emergency(entry.grant) or not any(rule.step_up for rule in flow.rules):
        return False
    rules = (policies.rule_for(flow, answers_of(one)) for one in entry.alone())
    return any(rule is not None and rule.step_up is StepUp.GITHUB for rule in rules)


def may_confirm(entry: Entry, policies: Policies) -> frozenset[str]:
    """Return who may confirm *entry*, as folded e-mail addresses: whom policy has approve it, with a GitHub login.

    The requester never; nor who is an approver only through a group kept in Slack, which Slack could change.
    """
    listed = replace(policies, people=policies.people.with_members({}))
    persons = map(policies.people.by_email, may_review(entry, listed))
    return frozenset(person.email.casefold() for person in persons if person and person.github)


def who_may_confirm(
    flow: str, environment: str, requester: str, changes: tuple[Change, ...], policies: Policies
) -> frozenset[str]:
    """Return who may confirm what asks for no more than that, as folded e-mail addresses."""
    return may_confirm(_asking(flow, environment, requester, changes), policies)


def confirmer_problem(
    flow: Flow, environment: str, requester: str, changes: tuple[Change, ...], policies: Policies
) -> Problem | None:
    """Say that nobody could confirm what is asked for, where policy wants that; None if somebody could."""
    entry = _asking(flow.id, environment, requester, changes)
    if not is_asked_for(entry, policies) or may_confirm(entry, policies):
        return None
    what = "policy wants this confirmed in GitHub, and none of its approvers has a login there"
    return Problem(what, "ask the operators to add logins to policies/people.yaml", field=ENVIRONMENT)


def _asking(flow: str, environment: str, requester: str, changes: tuple[Change, ...]) -> Entry:
    """Return an entry of which no more is known than what is asked for, and by whom."""
    return Entry("", flow, environment, requester, "", None, changes, ())


def path_of(entry_id: str) -> str:
    """Return where the pull request shows the entry."""
    return f"{FOLDER}/{entry_id}.yaml"


def proposal(entry: Entry, lasting: timedelta | None) -> str:
    """Write what is to be confirmed: all that an entry asks for, and for how long from the confirmation on."""
    return f"{_NOTE}\n{dump(_facts(entry, lasting))}"


def word(entry: Entry, commit: str, reviews: Iterable[Review], policies: Policies) -> Word | None:
    """Return what counts of *reviews*: a no of anybody who may confirm it, or else the first yes to *commit*."""
    accepted = may_confirm(entry, policies)
    words = []
    for login, review in last_words(reviews).items():
        person = policies.people.by_github(login)
        if person and person.email.casefold() in accepted:
            no, yes = review.state == CHANGES_REQUESTED, review.state == APPROVED and review.commit == commit
            words += [Word(person.email.casefold(), review.at.replace(microsecond=0), yes)] if no or yes else []
    return min(words, key=lambda one: (one.yes, one.at), default=None)


def refusal(entry: Entry, confirmation: Confirmation, evidence: Evidence, policies: Policies) -> str:
    """Say why GitHub does not bear out the *confirmation* that *entry* claims; empty if it does."""
    where, people = f"the pull request #{confirmation.pull}", policies.people
    if not _shows(evidence.proposal, entry, confirmation.lasting):
        return f"what {where} shows at the commit {confirmation.commit[:12]} is not this entry"
    if people.canonical(confirmation.by) not in may_confirm(entry, policies):
        return f"policy does not accept its confirmation in GitHub by {confirmation.by}"
    if not any(_is_of(review, confirmation, policies) for review in evidence.reviews):
        return (
            f"{where} has no approval by {confirmation.by} of the commit {confirmation.commit[:12]} at that moment"
        )
    if confirmation.lasting is not None:
        latest = round_up(confirmation.at + confirmation.lasting, grain_of(entry, policies))
        if entry.expires_at is None or entry.expires_at > latest:
            return "it would live longer than was confirmed in GitHub"
    return ""


def _is_of(review: Review, confirmation: Confirmation, policies: Policies) -> bool:
    person = policies.people.by_github(review.by)
    said = review.state == APPROVED and review.commit == confirmation.commit
    by = person is not None and policies.people.is_same(person.email, confirmation.by)
    return said and by and review.at.replace(microsecond=0) == confirmation.at


def _shows(content: bytes | None, entry: Entry, lasting: timedelta | None) -> bool:
    """Tell whether a file asks for exactly the same, however it is written."""
    try:
        return content is not None and load(content, path_of(entry.id)).data == _facts(entry, lasting)
    except Problems:
        return False


def _facts(entry: Entry, lasting: timedelta | None) -> Mapping[str, JSON]:
    """Return what must not change between the confirmation and the entry, in the order a reader wants."""
    asked: dict[str, JSON] = {"asked": entry.asked} if entry.asked else {}
    return {
        "id": entry.id,
        "flow": entry.flow,
        "environment": entry.environment,
        "requested_by": entry.requested_by,
        "reason": entry.reason,
        "lasting": format_lasting(lasting),
        "changes": [change.to_mapping() for change in entry.changes],
        "approvals": [approval.to_mapping() for approval in entry.approvals],
        **asked,
    }
