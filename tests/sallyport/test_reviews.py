"""Which reviews of a pull request approve the entries it brings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sallyport.changes import Change
from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.infra_stop import InfraStop
from sallyport.changes.prod_access import ProdAccess
from sallyport.changes.sources import Source, SourceKind
from sallyport.entries import POLICY, Approval, Confirmation, Entry, Grant
from sallyport.policies import Policies, load_policies, read_folder
from sallyport.reviews import (
    APPROVED,
    CHANGES_REQUESTED,
    DISMISSED,
    PullRequest,
    Review,
    hopeless,
    judge,
    may_review,
)

NOW = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
HEAD, OLDER = "a" * 40, "b" * 40
FILES = read_folder(Path(__file__).parents[2] / "policies")


def policies(old: str = "", new: str = "", file: str = "flows/prod-access.yaml") -> Policies:
    files = {path: content for path, content in FILES.items() if not path.endswith(".gitkeep")}
    assert old in files[file].decode()
    return load_policies(files | {file: files[file].decode().replace(old, new).encode()})


def entry(**facts: Any) -> Entry:
    """An entry of ana's as she wrote it into a pull request."""
    made = Entry(
        id="pa-7k3m9q",
        flow="prod-access",
        environment="prod",
        requested_by="ana@example.com",
        reason="Debugging the checkout 500s",
        expires_at=NOW + timedelta(hours=4),
        changes=(ProdAccess("prod-main", "ProdReadOnly"),),
        approvals=(),
    )
    return replace(made, **facts)


def pull(**facts: Any) -> PullRequest:
    made = PullRequest(
        7, "https://github.example/acme/infra/pull/7", "Bulk", "ana-ruiz", HEAD, "main", NOW, "c" * 40
    )
    return replace(made, **facts)


def review(by: str = "leewong", state: str = APPROVED, commit: str = HEAD, minutes: int = -10) -> Review:
    return Review(by, state, commit, NOW + timedelta(minutes=minutes))


def refusals(*reviews: Review, of: Entry | None = None, at: PullRequest | None = None) -> str:
    return "; ".join(judge(of or entry(), at or pull(), reviews, POLICIES, NOW).refusals)


POLICIES = policies()


def test_an_approving_review_of_the_head_by_one_whom_policy_accepts_counts_from_the_merge() -> None:
    verdict = judge(entry(), pull(), [review()], POLICIES, NOW)
    assert verdict.refusals == ()
    assert verdict.entry.approvals == (Approval("lee@example.com", NOW, "pull-request"),)


def test_logins_are_compared_without_case() -> None:
    assert refusals(review(by="LeeWong"), at=pull(author="Ana-Ruiz")) == ""


@pytest.mark.parametrize(
    "given",
    [
        [],
        [review(commit=OLDER)],
        [review(state="COMMENTED")],
        [review(by="kimberg")],
        [review(by="stranger")],
        [review(minutes=1)],
        [review(), review(state=DISMISSED, minutes=-5)],
        [review(minutes=-5, state=DISMISSED), review()],
        [review(by="ana-ruiz")],
    ],
    ids=[
        "no review",
        "a review of an older commit",
        "a comment",
        "one whom policy does not accept",
        "a login that nobody is bound to",
        "a review after the merge",
        "dismissed",
        "dismissed, given out of order",
        "the author",
    ],
)
def test_what_does_not_count(given: list[Review]) -> None:
    assert "0 of 1 approvals" in refusals(*given)


def test_a_comment_after_the_approval_takes_nothing_back() -> None:
    assert refusals(review(), review(state="COMMENTED", minutes=-5)) == ""


def test_one_who_may_approve_and_asks_for_changes_stops_it_whoever_else_approves() -> None:
    given = [review(), review(by="sam-okafor", state=CHANGES_REQUESTED, commit=OLDER, minutes=-20)]
    assert refusals(*given) == "sam@example.com asks for changes"
    assert refusals(*given, review(by="sam-okafor", minutes=-1)) == ""


def test_one_who_may_not_approve_cannot_stop_it_either() -> None:
    assert refusals(review(), review(by="kimberg", state=CHANGES_REQUESTED)) == ""


def test_an_author_whom_nobody_is_bound_to_is_refused() -> None:
    assert "“stranger”, who opened https://github.example/acme/infra/pull/7, to nobody" in refusals(
        review(), at=pull(author="stranger")
    )


def test_nobody_asks_in_the_name_of_another_and_approves_it_himself() -> None:
    said = refusals(review(), at=pull(author="leewong"))
    assert "it says that ana@example.com asks for it, and lee@example.com opened" in said


def test_the_requester_never_counts_even_where_policy_accepts_him() -> None:
    mine = entry(requested_by="lee@example.com")
    assert "0 of 1" in refusals(review(), of=mine, at=pull(author="leewong"))
    assert refusals(review(by="sam-okafor"), of=mine, at=pull(author="leewong")) == ""


def test_approvals_that_the_file_claims_count_for_nothing() -> None:
    claims = entry(approvals=(Approval("lee@example.com", NOW, "slack"),))
    assert "0 of 1 approvals" in refusals(of=claims)


def test_a_quorum_counts_distinct_people() -> None:
    two = policies("quorum: 1", "quorum: 2")
    assert judge(entry(), pull(), [review(), review(minutes=-1)], two, NOW).refusals != ()
    assert judge(entry(), pull(), [review(), review(by="sam-okafor")], two, NOW).refusals == ()


def whitelisting(api: str = "payments") -> Change:
    return ApiWhitelisting(api, "live", "POST", "/v1/charges", Source(SourceKind.CIDR, ("198.51.100.10/32",)))


def bulk(*changes: Change, **facts: Any) -> Entry:
    return entry(id="aw-7k3m9q", flow="api-whitelisting", changes=changes, **facts)


class TestWhereTheRequesterChoosesAnApprover:
    def test_any_review_that_policy_accepts_is_the_choice(self) -> None:
        assert judge(bulk(whitelisting()), pull(), [review()], POLICIES, NOW).refusals == ()
        assert judge(bulk(whitelisting()), pull(), [review(by="sam-okafor")], POLICIES, NOW).refusals == ()

    def test_one_who_is_named_in_the_file_is_the_only_one(self) -> None:
        named = bulk(whitelisting(), asked="sam@example.com")
        assert judge(named, pull(), [review()], POLICIES, NOW).refusals != ()
        assert judge(named, pull(), [review(by="sam-okafor")], POLICIES, NOW).refusals == ()


class TestSeveralChanges:
    owned = policies(
        "approvers: {groups: [managers], chosen: true}", "approvers: {owners: true}", "flows/api-whitelisting.yaml"
    )

    def test_each_needs_a_reviewer_whom_policy_accepts_for_it(self) -> None:
        both = bulk(whitelisting("payments"), whitelisting("orders"))
        assert judge(both, pull(), [review()], self.owned, NOW).refusals != ()
        assert judge(bulk(whitelisting("payments")), pull(), [review()], self.owned, NOW).refusals == ()

    def test_only_those_who_may_approve_all_of_them_are_named(self) -> None:
        assert may_review(bulk(whitelisting("payments")), self.owned) == {"lee@example.com"}
        assert may_review(bulk(whitelisting("payments"), whitelisting("orders")), self.owned) == frozenset()

    def test_who_may_approve_only_some_of_them_counts_for_none(self) -> None:
        both = bulk(whitelisting("payments"), whitelisting("orders"))
        verdict = judge(both, pull(), [review(), review(by="sam-okafor")], self.owned, NOW)
        assert any("0 of 1 approvals" in said for said in verdict.refusals)
        assert verdict.entry.approvals == ()

    def test_only_who_counts_is_recorded_as_an_approver(self) -> None:
        verdict = judge(entry(), pull(), [review(), review(by="kimberg")], POLICIES, NOW)
        assert [approval.by for approval in verdict.entry.approvals] == ["lee@example.com"]


class TestARuleThatApprovesByItself:
    """What a click in Slack is, a merge is not: GitHub does not tell who pushed what to whose pull request."""

    stop = entry(id="is-7k3m9q", flow="infra-stop", environment="dev", changes=(InfraStop("dev"),))

    def test_needs_somebody_else_in_a_pull_request_and_says_so(self) -> None:
        said = refusals(of=self.stop)
        assert "only the coordinator can say" in said
        assert "in a pull request somebody else who may ask for it must approve it" in said

    def test_takes_the_review_of_anybody_who_may_ask_for_it(self) -> None:
        verdict = judge(self.stop, pull(), [review(by="kimberg")], POLICIES, NOW)
        assert verdict.refusals == ()
        assert [approval.by for approval in verdict.entry.approvals] == ["kim@example.com"]
        assert may_review(self.stop, POLICIES) == {"kim@example.com", "lee@example.com"}

    def test_takes_none_of_who_may_not_ask_for_it(self) -> None:
        assert refusals(review(by="sam-okafor"), of=self.stop) != ""

    def test_takes_none_of_its_requester_nor_a_grant_that_the_file_claims(self) -> None:
        assert refusals(review(by="ana-ruiz"), of=self.stop) != ""
        assert refusals(of=replace(self.stop, grant=Grant(POLICY, NOW))) != ""

    def test_is_not_hopeless_before_anybody_has_reviewed_it(self) -> None:
        assert hopeless(self.stop, POLICIES, NOW) == ()

    def test_has_the_deadline_that_the_rule_allows_from_the_merge_on(self) -> None:
        long = replace(self.stop, expires_at=NOW + timedelta(days=31))
        assert "it would live longer than 30d" in refusals(review(by="kimberg"), of=long)


class TestWhatNoReviewCanMend:
    def test_is_told_before_any(self) -> None:
        assert hopeless(entry(), POLICIES, NOW) == ()
        [said] = hopeless(entry(expires_at=NOW + timedelta(days=30)), POLICIES, NOW)
        assert "it would live longer than 8h" in said
        [said] = hopeless(entry(expires_at=None), POLICIES, NOW)
        assert "policy allows no permanent entry" in said

    def test_nobody_being_able_to_approve_is_such_a_thing(self) -> None:
        both = bulk(whitelisting("payments"), whitelisting("orders"))
        assert any("0 of 1" in said for said in hopeless(both, TestSeveralChanges.owned, NOW))


def test_no_file_says_of_itself_that_it_was_confirmed() -> None:
    claimed = entry(confirmation=Confirmation("lee@example.com", NOW, 12, "c" * 40, None))
    assert judge(claimed, pull(), [review()], POLICIES, NOW).entry.confirmation is None
