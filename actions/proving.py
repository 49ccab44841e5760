"""What GitHub proves of an entry: the reviews of the merged pull request that brought it, or of its confirmation.

GitHub is asked once for each commit that brought something. What was reviewed is compared with what is on main, so
that neither a push past the pull request nor a merge made by hand slips anything in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from actions.workspace import Version, blob_sha
from sallyport import confirming
from sallyport.confirming import Evidence
from sallyport.decisions import grain_of
from sallyport.entries import Confirmation, Entry, parse_entry
from sallyport.platforms.errors import Refused
from sallyport.policies import Policies
from sallyport.problems import Problems
from sallyport.reviews import PullRequest, Review, judge
from sallyport.times import round_up

NOT_FOUND = 404
RECORDS = 5  # versions that jobs may have committed on top of the reviewed one: its ticket, its deadline
UNKNOWN = datetime(9000, 1, 1, tzinfo=UTC)  # where a relative deadline counts from until the merge is known


class Hub(Protocol):
    """What proving needs of the GitHub client."""

    def pull_of_commit(self, sha: str) -> PullRequest | None: ...

    def reviews(self, number: int) -> tuple[Review, ...]: ...

    def tree(self, sha: str, path: str) -> dict[str, str]: ...

    def file(self, path: str, ref: str) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Landing:
    """How a commit came to main: by a merged pull request, with its reviews."""

    pull: PullRequest
    reviews: tuple[Review, ...]
    merged_at: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """What the history of a file proves: an entry as it was reviewed, or why there is none.

    `recorded` tells that the file on main says already what the reviews made of it.
    """

    entry: Entry | None
    refusal: str = ""
    landing: Landing | None = None
    recorded: bool = False


@dataclass(slots=True)
class Landings:
    """The pull requests behind commits and confirmations, each asked for once.

    PlatformError where GitHub does not answer.
    """

    hub: Hub | None
    _known: dict[str, Landing | None] = field(default_factory=dict)
    _trees: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    _confirmed: dict[tuple[int, str, str], Evidence] = field(default_factory=dict)

    def of(self, commit: str) -> Landing | None:
        """Return how *commit* came to main; None if it was pushed without a pull request."""
        if commit not in self._known:
            hub = self._hub()
            pull = hub.pull_of_commit(commit)
            merged_at = pull.merged_at if pull else None
            self._known[commit] = (
                Landing(pull, hub.reviews(pull.number), merged_at) if pull and merged_at else None
            )
        return self._known[commit]

    def reviewed_blob(self, landing: Landing, path: str) -> str | None:
        """Return the blob that stood at *path* where the reviewers looked."""
        key = (landing.pull.head, path.rpartition("/")[0])
        if key not in self._trees:
            self._trees[key] = self._hub().tree(*key)
        return self._trees[key].get(path)

    def unconfirmed(self, entry: Entry, policies: Policies) -> str:
        """Say what lacks of the confirmation that *policies* want of a signed entry; empty if nothing does."""
        if not confirming.is_asked_for(entry, policies):
            return ""
        if entry.confirmation is None:
            return confirming.UNCONFIRMED
        evidence = self._evidence(entry.confirmation, confirming.path_of(entry.id))
        return confirming.refusal(entry, entry.confirmation, evidence, policies)

    def _evidence(self, of: Confirmation, path: str) -> Evidence:
        key = (of.pull, of.commit, path)
        if key not in self._confirmed:
            try:
                hub = self._hub()
                self._confirmed[key] = Evidence(hub.reviews(of.pull), hub.file(path, of.commit))
            except Refused as refused:
                if refused.status != NOT_FOUND:
                    raise
                self._confirmed[key] = Evidence((), None)  # there is no such pull request, or no such commit
        return self._confirmed[key]

    def _hub(self) -> Hub:
        if self.hub is None:
            raise Refused("GitHub", "read reviews", "this job has no GITHUB_TOKEN with pull-requests: read")
        return self.hub


def prove(path: str, versions: Sequence[Version], landings: Landings, policies: Policies) -> Proof:
    """Judge the newest of the *versions* of the file at *path* (newest first) by the reviews that it had.

    A version that was pushed proves nothing by itself, unless it only records what an earlier one was granted.
    """
    for older, version in enumerate(versions[: RECORDS + 1]):
        landing = landings.of(version.commit)
        if landing is None:
            continue
        proof = _by_reviews(path, version, landing, landings, policies)
        return proof if not older or proof.entry is None else _recorded(path, versions[0], proof, policies)
    return Proof(None, "it was pushed to main without a pull request")


def _by_reviews(path: str, version: Version, landing: Landing, landings: Landings, policies: Policies) -> Proof:
    if landings.reviewed_blob(landing, path) != blob_sha(version.content):
        return Proof(None, f"it is not what was reviewed in {landing.pull.url}", landing)
    try:
        claimed = parse_entry(version.content, path, policies.schemas, landing.merged_at)
    except Problems as problems:
        return Proof(None, f"it cannot be read: {problems.problems[0]}", landing)
    verdict = judge(claimed, landing.pull, landing.reviews, policies, landing.merged_at)
    if verdict.refusals:
        return Proof(None, f"{'; '.join(verdict.refusals)} ({landing.pull.url})", landing)
    return Proof(as_merged(verdict.entry, version.content, policies), "", landing)


def _recorded(path: str, newest: Version, proof: Proof, policies: Policies) -> Proof:
    """Accept *newest* if it says no more than what was reviewed, the ticket apart."""
    reviewed = proof.entry
    try:
        says = parse_entry(newest.content, path, policies.schemas)
    except Problems:
        says = None
    if reviewed and says:
        known = replace(reviewed, ticket=reviewed.ticket or says.ticket)
        if replace(says, approvals=known.approvals) == known:
            return Proof(known, "", proof.landing, recorded=True)
    return Proof(None, "it was changed by a push to main, without a pull request", proof.landing)


def as_merged(entry: Entry, content: bytes, policies: Policies) -> Entry:
    """Return *entry* with the deadline that its merge gives it: only one that counts from there is rounded."""
    if entry.expires_at is None or not is_relative(content):
        return entry
    return replace(entry, expires_at=round_up(entry.expires_at, grain_of(entry, policies)))


def is_relative(content: bytes) -> bool:
    """Tell whether an entry's file may have a deadline that only its merge makes a moment."""
    return b"\nexpires_in:" in content
