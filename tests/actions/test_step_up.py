"""Where policy wants an approval in GitHub: a job believes no signature, but what GitHub itself has kept."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from actions.commands import validate
from sallyport.confirming import path_of, proposal
from sallyport.entries import Confirmation, Entry, Grant
from sallyport.outcomes import Result
from sallyport.platforms.errors import TryLater
from sallyport.reviews import APPROVED, CHANGES_REQUESTED, DISMISSED, PullRequest
from tests.actions.world import World, prod_access

FLOW = "policies/flows/prod-access.yaml"
COORDINATOR = "sallyport[bot]"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass
class Firm(World):
    """A world whose production access must be confirmed in GitHub."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rule("quorum: 1\n", "quorum: 1\n    step_up: github\n")

    def rule(self, old: str, new: str) -> None:
        """Merge a change of the flow's policy."""
        before = self.read(FLOW)
        assert old in before
        self.commit("Change policies", {FLOW: before.replace(old, new, 1).encode()})

    def approved(self, **facts: object) -> Entry:
        """An entry as it was approved in Slack, an hour from its confirmation long."""
        return self.entry("pa-7k3m9q", **facts)

    def proposed(self, entry: Entry) -> PullRequest:
        """Show it in a pull request, as the coordinator does."""
        shown = proposal(entry, HOUR).encode()
        return self.pulls.open({path_of(entry.id): shown}, author=COORDINATOR)

    def confirmed(self, by: str = "lee@example.com", login: str = "leewong", **facts: object) -> Entry:
        """An entry whose confirmation by *login* the coordinator has signed as one by *by*."""
        entry = self.approved()
        pull = self.proposed(entry)
        self.pulls.review(pull, login)
        return self.signed(entry, pull, by, **facts)

    def signed(self, entry: Entry, pull: PullRequest, by: str = "lee@example.com", **facts: object) -> Entry:
        at = self.now - MINUTE
        word = Confirmation(by, at, pull.number, pull.head, HOUR)
        usual = {"confirmation": word, "expires_at": at + HOUR}
        return self.signer.sign(replace(entry, **(usual | facts)))

    def sweep(self, *ids: str) -> int:
        """Do what the sweep's workflow does."""
        accesses = json.loads(self.due(*ids)["accesses"])
        assert accesses
        return max(self.expire(one["role"], one["environment"], *ids) for one in accesses)

    def given(self) -> bool:
        """Whether anything was ever written in AWS."""
        return bool(self.aws.writes)


@pytest.fixture
def firm(tmp_path: Path) -> Firm:
    return Firm(tmp_path)


def detail(firm: Firm, entry: Entry) -> str:
    outcome = firm.github.outcomes[entry.id]
    assert outcome.result is Result.REFUSED
    return outcome.detail


@pytest.mark.parametrize(("by", "login"), [("lee@example.com", "leewong"), ("sam@example.com", "Sam-Okafor")])
def test_what_was_confirmed_in_github_by_the_same_or_another_approver_is_applied(
    firm: Firm, by: str, login: str
) -> None:
    entry = firm.confirmed(by, login)
    assert firm.apply(entry, firm.add(entry)) == 0
    assert firm.github.outcomes[entry.id].result is Result.APPLIED


def test_a_signed_entry_without_the_approval_in_github_is_refused(firm: Firm) -> None:
    entry = firm.approved()
    assert firm.apply(entry, firm.add(entry)) == 1
    assert "policy wants it confirmed in GitHub too, and it is not" in detail(firm, entry)
    assert not firm.given()


@pytest.mark.parametrize(
    ("by", "login", "words"),
    [
        ("ana@example.com", "ana-ruiz", "does not accept its confirmation in GitHub by ana@example.com"),
        ("lee@example.com", "ana-ruiz", "has no approval by lee@example.com"),
        ("lee@example.com", "ana-second", "has no approval by lee@example.com"),
        ("ana@example.com", "ana-second", "does not accept its confirmation in GitHub by ana@example.com"),
        ("lee@example.com", "stranger", "has no approval by lee@example.com"),
        ("kim@example.com", "kimberg", "does not accept its confirmation in GitHub by kim@example.com"),
        ("lee@example.com", COORDINATOR, "has no approval by lee@example.com"),
    ],
    ids=[
        "the requester",
        "the requester as somebody else",
        "the requester's other login as somebody else",
        "the requester's other login",
        "a login that is bound to nobody",
        "somebody whom policy does not accept",
        "the coordinator itself",
    ],
)
def test_an_approval_in_github_by_who_may_not_give_it_is_refused(
    firm: Firm, by: str, login: str, words: str
) -> None:
    entry = firm.confirmed(by, login)
    assert firm.apply(entry, firm.add(entry)) == 1
    assert words in detail(firm, entry)
    assert not firm.given()


def test_a_review_of_another_commit_of_the_same_pull_request_is_refused(firm: Firm) -> None:
    entry = firm.approved()
    pull = firm.proposed(replace(entry, reason="Something harmless"))
    firm.pulls.review(pull)
    later = replace(pull, head=firm.pulls.push(pull, {path_of(entry.id): proposal(entry, HOUR).encode()}))
    for at in (pull, later):
        forged = firm.signed(entry, at)
        assert firm.apply(forged, firm.add(forged)) == 1
    assert "has no approval by lee@example.com of the commit" in detail(firm, entry)
    assert not firm.given()


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": "Something else"},
        {"requested_by": "kim@example.com"},
        {"changes": (replace(prod_access(), permission_set="ProdAdmin"),)},
    ],
    ids=["reason", "requester", "change"],
)
def test_an_entry_that_differs_from_what_was_confirmed_is_refused(firm: Firm, changed: dict[str, object]) -> None:
    entry = firm.confirmed(**changed)
    assert firm.apply(entry, firm.add(entry)) == 1
    assert "is not this entry" in detail(firm, entry)
    assert not firm.given()


def test_a_confirmation_is_for_one_request_and_no_other(firm: Firm) -> None:
    first = firm.confirmed()
    other = firm.signer.sign(replace(first, id="pa-222222"))
    assert firm.apply(other, firm.add(other)) == 1
    assert "is not this entry" in detail(firm, other)


def test_it_cannot_live_longer_than_was_confirmed(firm: Firm) -> None:
    entry = firm.confirmed(expires_at=firm.now + 2 * HOUR)
    assert firm.apply(entry, firm.add(entry)) == 1
    assert "live longer than was confirmed" in detail(firm, entry)
    assert not firm.given()


@pytest.mark.parametrize("state", ["COMMENTED", CHANGES_REQUESTED, DISMISSED])
def test_a_review_that_is_no_approval_confirms_nothing(firm: Firm, state: str) -> None:
    entry = firm.approved()
    pull = firm.proposed(entry)
    firm.pulls.review(pull, state=state)
    forged = firm.signed(entry, pull)
    assert firm.apply(forged, firm.add(forged)) == 1
    assert not firm.given()


@pytest.mark.parametrize("invented", [{"pull": 99}, {"commit": "f" * 40}], ids=["pull request", "commit"])
def test_what_github_does_not_have_proves_nothing_and_holds_up_nobody_else(
    firm: Firm, invented: dict[str, object]
) -> None:
    good = firm.confirmed()
    assert good.confirmation
    forged = firm.signer.sign(replace(good, id="pa-222222", confirmation=replace(good.confirmation, **invented)))
    commit = firm.add(good, forged)
    assert firm.apply(forged, commit) == 1
    assert "is not this entry" in detail(firm, forged)
    assert firm.apply(good, commit) == 0


def test_while_github_cannot_be_asked_nothing_begins_and_nothing_ends(firm: Firm) -> None:
    entry = firm.confirmed()
    commit = firm.add(entry)
    assert firm.apply(entry, commit) == 0
    firm.pulls.faults += [TryLater("GitHub", "read the reviews", "no answer")] * 9
    writes = len(firm.aws.writes)
    assert firm.apply(entry, commit) == 1
    assert len(firm.aws.writes) == writes


def test_it_is_looked_up_once_by_a_job_however_often_the_entry_is_judged(firm: Firm) -> None:
    entry = firm.confirmed()
    commit = firm.add(entry)
    firm.pulls.asked.clear()
    firm.apply(entry, commit)
    assert [question for question in firm.pulls.asked if question.startswith("reviews")] == ["reviews of 1"]


def test_every_later_look_finds_it_confirmed_also_when_it_was_shortened(firm: Firm) -> None:
    entry = firm.confirmed()
    firm.apply(entry, firm.add(entry))
    firm.now += 10 * MINUTE
    withdrawn = firm.signer.sign(replace(entry, expires_at=firm.now))
    firm.add(withdrawn)
    assert firm.sweep() == 0
    outcome = firm.github.outcomes[entry.id]
    assert outcome.result is Result.REVERTED
    assert "proven" not in outcome.detail


def test_a_review_that_is_dismissed_afterwards_takes_it_back_at_the_next_job_there(firm: Firm) -> None:
    entry = firm.confirmed()
    commit = firm.add(entry)
    firm.apply(entry, commit)
    lock = entry.changes[0].lock("prod", firm.catalogue)
    assert firm.live(lock) == {entry.id}
    firm.pulls.given[1] = [replace(one, state=DISMISSED) for one in firm.pulls.given[1]]
    assert firm.sweep(entry.id) == 0
    assert firm.live(lock) == frozenset()


def test_a_rule_that_asks_for_it_only_since_ends_nothing_that_is_live(firm: Firm) -> None:
    firm.rule("    step_up: github\n", "")
    entry = firm.approved()
    commit = firm.add(entry)
    assert firm.apply(entry, commit) == 0
    firm.rule("quorum: 1\n", "quorum: 1\n    step_up: github\n")
    assert firm.apply(entry, commit) == 0
    assert firm.github.outcomes[entry.id].result is Result.ALREADY


def test_validation_says_what_lacks_its_approval_in_github_and_who_may_give_it(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = firm.approved()
    firm.add(entry)
    assert validate.run(firm.job(), (entry.path,)) == 0
    [line, _, verdict] = capsys.readouterr().out.strip().split("\n")
    assert "policy wants it confirmed in GitHub too, and it is not" in line
    assert line.endswith("Lee Wong (leewong), Sam Okafor (sam-okafor) may confirm it")
    assert verdict == "No problem in 1 entry. 1 still needs a review."


def test_validation_says_nothing_of_it_where_it_is_there_or_nobody_waits_for_it(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    grant = Grant("break-glass", firm.now - MINUTE, "INC-4711")
    emergency = firm.entry(
        "pa-222222",
        requested_by="lee@example.com",
        approvals=(),
        grant=grant,
        expires_at=firm.now + HOUR / 2,
    )
    firm.add(firm.confirmed(), emergency)
    assert validate.run(firm.job(), ("requests",)) == 0
    assert capsys.readouterr().out == "No problem in 2 entries.\n"


def test_who_confirmed_it_may_leave_without_ending_it(firm: Firm) -> None:
    entry = firm.confirmed("sam@example.com", "sam-okafor")
    commit = firm.add(entry)
    assert firm.apply(entry, commit) == 0
    people = firm.read("policies/people.yaml").replace(
        "prod-approvers: [lee@example.com, sam@example.com]", "prod-approvers: [lee@example.com]"
    )
    firm.commit("Sam leaves", {"policies/people.yaml": people.replace(", github: sam-okafor", "").encode()})
    assert firm.apply(entry, commit) == 0


def test_an_emergency_waits_for_no_approval_in_github(firm: Firm) -> None:
    grant = Grant("break-glass", firm.now - MINUTE, "INC-4711")
    entry = firm.approved(
        requested_by="lee@example.com", approvals=(), grant=grant, expires_at=firm.now + HOUR / 2
    )
    assert firm.apply(entry, firm.add(entry)) == 0


def test_what_comes_by_a_reviewed_pull_request_was_approved_in_github_already(firm: Firm) -> None:
    before = firm.head
    after = firm.land(firm.written("pa-7k3m9q", expires_in="1h"))
    assert firm.push(before, after) == 0
    assert firm.github.outcomes["pa-7k3m9q"].result is Result.APPLIED


def test_a_proposal_that_somebody_merges_asks_for_nothing(firm: Firm) -> None:
    entry = firm.approved()
    pull = firm.proposed(entry)
    firm.pulls.review(pull, state=APPROVED)
    before = firm.head
    assert firm.push(before, firm.pulls.merge(pull)) == 0
    assert not firm.given()
