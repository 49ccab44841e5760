"""Reviews of a pull request as approvals of the entries it brings: values, and pure decisions over them.

All logins are as GitHub gives them; a person is whoever `policies/people.yaml` binds a login to, and nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sallyport.approval import panels
from sallyport.decisions import answers_of, entry_refusals
from sallyport.entries import Approval, Entry
from sallyport.people import People, Person
from sallyport.policies import Policies

APPROVED = "APPROVED"  # GitHub's own words for the state of a review
CHANGES_REQUESTED = "CHANGES_REQUESTED"
DISMISSED = "DISMISSED"
_DECISIVE = {APPROVED, CHANGES_REQUESTED, DISMISSED}  # a later comment takes none of them back
DOOR = "pull-request"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as GitHub shows it; `author` is the login of the account that opened it.

    `head` is the newest commit of its branch, the one that was merged; `base` names the branch it goes to.
    `merged_at` (UTC) and `merge_commit` are None until it is merged; after a rebase, `merge_commit` is the last of
    the commits that it brought. What is merged is closed too.
    """

    number: int
    url: str
    title: str
    author: str
    head: str
    base: str
    merged_at: datetime | None = None
    merge_commit: str | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """One submitted review: by which login, its state in GitHub's words, of which commit, and when (UTC)."""

    by: str
    state: str
    commit: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the reviews make of an entry: with its approvals, and why it does not count (empty if it does)."""

    entry: Entry
    refusals: tuple[str, ...]


def judge(
    entry: Entry, pull: PullRequest, reviews: Iterable[Review], policies: Policies, now: datetime
) -> Verdict:
    """Decide whether *reviews* approve *entry* as the head of *pull* has it; the file's own approvals never count.

    An approval takes effect at the merge, so that is its moment; before it, *now* (UTC) stands for it.
    """
    author = policies.people.by_github(pull.author)
    if refusal := _author_refusal(entry, pull, author, policies.people):
        return Verdict(replace(entry, approvals=(), grant=None), (refusal,))
    last = last_words(review for review in reviews if not pull.merged_at or review.at <= pull.merged_at)
    accepted = may_review(entry, policies)
    people = {login: policies.people.by_github(login) for login in last}
    approvals = tuple(
        Approval(person.email, pull.merged_at or now, DOOR)
        for login, person in people.items()
        if person and _approves(last[login], pull) and policies.people.canonical(person.email) in accepted
    )
    objections = tuple(
        f"{person.email} asks for changes"
        for login, person in people.items()
        if person
        and last[login].state == CHANGES_REQUESTED
        and policies.people.canonical(person.email) in accepted
    )
    approved, refusals = _with_approvals(entry, approvals, policies)
    return Verdict(approved, (*objections, *refusals))


def may_review(entry: Entry, policies: Policies) -> frozenset[str]:
    """Return who may approve every change of *entry*, as folded e-mail addresses; its requester never.

    Where a rule approves by itself, that is whoever may ask for the same: a merge shows no more than that somebody
    could write to the branch, and not that its requester meant what is in it.
    """
    accepted: frozenset[str] | None = None
    for eligible in _eligible(entry, policies):
        accepted = eligible if accepted is None else accepted & eligible
    return (accepted or frozenset()) - {policies.people.canonical(entry.requested_by)}


def hopeless(entry: Entry, policies: Policies, now: datetime) -> tuple[str, ...]:
    """Say why *entry* would be refused at *now* (UTC) even if everybody who may review it had approved it."""
    everybody = tuple(Approval(email, now, DOOR) for email in sorted(may_review(entry, policies)))
    return _with_approvals(entry, everybody, policies)[1]


def _eligible(entry: Entry, policies: Policies) -> Iterator[frozenset[str]]:
    flow = policies.flows.get(entry.flow)
    for one in entry.alone():
        rule = policies.rule_for(flow, answers_of(one)) if flow else None
        if rule and rule.approves_by_itself:
            yield policies.people.members(rule.may_request)
            continue
        [change] = one.changes
        owners = change.owners(policies.catalogue)
        found = panels(policies.people, rule, owners, entry.requested_by) if rule else ()
        yield frozenset().union(*(panel.emails for panel in found))


def _author_refusal(entry: Entry, pull: PullRequest, author: Person | None, people: People) -> str:
    if author is None:
        return f"policies/people.yaml binds the GitHub login “{pull.author}”, who opened {pull.url}, to nobody"
    if not people.is_same(author.email, entry.requested_by):
        return f"it says that {entry.requested_by} asks for it, and {author.email} opened {pull.url}"
    return ""


def last_words(reviews: Iterable[Review]) -> dict[str, Review]:
    """Return the last decisive review of each login, by its folded name."""
    decisive = (review for review in reviews if review.state in _DECISIVE)
    return {review.by.casefold(): review for review in sorted(decisive, key=lambda review: review.at)}


def _approves(review: Review, pull: PullRequest) -> bool:
    return review.state == APPROVED and review.commit == pull.head


def _with_approvals(
    entry: Entry, approvals: tuple[Approval, ...], policies: Policies
) -> tuple[Entry, tuple[str, ...]]:
    """Return the entry with *approvals*, and what policy has against it.

    Where a rule has the requester choose an approver, he chooses by asking for a review: any that counts will do,
    unless the file names one.
    """
    approved = replace(entry, approvals=approvals, grant=None, confirmation=None)  # no file gives itself either
    if not (refusals := entry_refusals(approved, policies)) or entry.asked:
        return approved, refusals
    attempts = [entry_refusals(replace(approved, asked=approval.by), policies) for approval in approvals]
    return approved, min([*attempts, refusals], key=len)
