"""The approval in GitHub: who may give it, what of the reviews counts, and what proves it later."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given

from sallyport import confirming
from sallyport.confirming import Evidence, Word, may_confirm, proposal, refusal, word
from sallyport.decisions import entry_refusals
from sallyport.documents import load
from sallyport.entries import Confirmation, Entry, Grant, parse_entry
from sallyport.policies import Policies, load_policies
from sallyport.reviews import APPROVED, CHANGES_REQUESTED, DISMISSED, Review, may_review
from sallyport.times import round_up
from tests.sallyport import examples
from tests.sallyport.examples import NOW, access_entry, policy_files

FLOW = "flows/prod-access.yaml"
COMMIT, OTHER = "c" * 40, "d" * 40
HOUR = timedelta(hours=1)
LEE = "lee@example.com"


def policies(old: str = "", new: str = "", file: str = FLOW) -> Policies:
    """Policies whose production access must be confirmed in GitHub."""
    files = dict(policy_files())
    files[FLOW] = files[FLOW].replace(b"    quorum: 1\n", b"    quorum: 1\n    step_up: github\n", 1)
    text = files[file].decode()
    assert old in text
    return load_policies(files | {file: text.replace(old, new, 1).encode()})


POLICIES = policies()


def review(by: str = "leewong", state: str = APPROVED, commit: str = COMMIT, at: datetime = NOW + HOUR) -> Review:
    return Review(by, state, commit, at)


def confirmed(**changed: object) -> Entry:
    """Ana's production access, approved in Slack at NOW and confirmed an hour later for four hours."""
    word = Confirmation(LEE, NOW + HOUR, 12, COMMIT, 4 * HOUR)
    return access_entry(**({"confirmation": word, "expires_at": NOW + 5 * HOUR} | changed))


def evidence(entry: Entry, *reviews: Review, lasting: timedelta | None = 4 * HOUR) -> Evidence:
    return Evidence(reviews or (review(),), proposal(entry, lasting).encode())


def judged(entry: Entry, seen: Evidence, under: Policies = POLICIES) -> str:
    assert entry.confirmation
    return refusal(entry, entry.confirmation, seen, under)


class TestWhoIsAsked:
    def test_an_entry_under_a_rule_that_says_so_must_be_confirmed(self) -> None:
        assert confirming.is_asked_for(access_entry(), POLICIES)
        assert not confirming.is_asked_for(access_entry(environment="non-prod"), POLICIES)
        assert not confirming.is_asked_for(access_entry(), examples.policies())

    def test_an_emergency_waits_for_nobody(self) -> None:
        emergency = access_entry(approvals=(), grant=Grant("break-glass", NOW, "INC-1"))
        assert not confirming.is_asked_for(emergency, POLICIES)

    def test_whom_policy_has_approve_it_may_and_the_requester_never(self) -> None:
        assert may_confirm(access_entry(), POLICIES) == {LEE, "sam@example.com"}
        assert may_confirm(access_entry(requested_by=LEE), POLICIES) == {"sam@example.com"}

    def test_nobody_may_without_a_login(self) -> None:
        unbound = policies(", github: sam-okafor", "", "people.yaml")
        assert may_confirm(access_entry(), unbound) == {LEE}

    def test_a_group_that_slack_keeps_makes_nobody_somebody_who_may(self) -> None:
        named = "approvers: {people: [sam@example.com], groups: [prod-approvers]}"
        under = policies("approvers: {groups: [prod-approvers]}", named)
        people = replace(under.people, groups={}, external={"prod-approvers": "S0614TZR7"})
        filled = people.with_members({"prod-approvers": [LEE]})
        assert LEE in may_review(access_entry(), replace(under, people=filled))
        assert may_confirm(access_entry(), replace(under, people=filled)) == {"sam@example.com"}


class TestWhatCounts:
    @pytest.mark.parametrize(
        "given",
        [
            [],
            [review(commit=OTHER)],
            [review(state="COMMENTED")],
            [review(), review(state=DISMISSED, at=NOW + 2 * HOUR)],
            [review(by="kimberg")],
            [review(by="ana-ruiz")],
            [review(by="stranger")],
            [review(by="ana-second")],
        ],
        ids=[
            "no review",
            "of another commit",
            "a comment",
            "dismissed",
            "one whom policy does not accept",
            "the requester",
            "a login that nobody is bound to",
            "the requester under another login",
        ],
    )
    def test_what_does_not(self, given: list[Review]) -> None:
        assert word(access_entry(), COMMIT, given, POLICIES) is None

    def test_the_first_yes_does_whether_or_not_its_person_has_approved_in_slack(self) -> None:
        both = [review(by="sam-okafor", at=NOW + 2 * HOUR), review(by="LeeWong")]
        assert word(access_entry(), COMMIT, both, POLICIES) == Word(LEE, NOW + HOUR, yes=True)

    def test_a_no_of_anybody_who_may_confirm_it_wins_and_only_theirs(self) -> None:
        no = review(by="sam-okafor", state=CHANGES_REQUESTED, commit=OTHER, at=NOW + 2 * HOUR)
        assert word(access_entry(), COMMIT, [review(), no], POLICIES) == Word("sam@example.com", no.at, yes=False)
        others = review(by="kimberg", state=CHANGES_REQUESTED)
        assert word(access_entry(), COMMIT, [review(), others], POLICIES) == Word(LEE, NOW + HOUR, yes=True)

    def test_who_thinks_better_of_a_no_says_yes(self) -> None:
        given = [review(state=CHANGES_REQUESTED), review(at=NOW + 2 * HOUR)]
        assert word(access_entry(), COMMIT, given, POLICIES) == Word(LEE, NOW + 2 * HOUR, yes=True)


class TestProof:
    def test_a_review_of_exactly_this_by_who_may_proves_it_however_the_file_is_written(self) -> None:
        entry = confirmed()
        assert judged(entry, evidence(entry)) == ""
        written = proposal(entry, 4 * HOUR).encode().replace(b"\n", b" # as they like\n", 1)
        assert judged(entry, Evidence((review(),), written)) == ""
        assert entry_refusals(entry, POLICIES) == ()

    def test_what_ends_early_is_still_proven(self) -> None:
        entry = confirmed(expires_at=NOW + 2 * HOUR)
        assert judged(entry, evidence(entry)) == ""

    @pytest.mark.parametrize(
        "changed",
        [
            {"id": "pa-222222"},
            {"requested_by": "kim@example.com"},
            {"reason": "Something else"},
            {"changes": (replace(access_entry().changes[0], permission_set="ProdAdmin"),)},
            {"environment": "non-prod"},
            {"approvals": ()},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    def test_nothing_else_was_confirmed(self, changed: dict[str, object]) -> None:
        assert "is not this entry" in judged(confirmed(**changed), evidence(confirmed()))

    @pytest.mark.parametrize("proposed", [None, b"", b"- a\n- b", b"\tno: [yaml"])
    def test_where_the_commit_shows_nothing_nothing_was_confirmed(self, proposed: bytes | None) -> None:
        assert "is not this entry" in judged(confirmed(), Evidence((review(),), proposed))

    @pytest.mark.parametrize(
        "given",
        [
            review(commit=OTHER),
            review(state=CHANGES_REQUESTED),
            review(state=DISMISSED),
            review(by="sam-okafor"),
            review(by="stranger"),
            review(at=NOW + 2 * HOUR),
        ],
        ids=["another commit", "a no", "dismissed", "somebody else", "unbound", "another moment"],
    )
    def test_a_review_that_is_not_the_one_it_names_proves_nothing(self, given: Review) -> None:
        entry = confirmed()
        assert "has no approval by lee@example.com" in judged(entry, evidence(entry, given))

    @pytest.mark.parametrize(
        ("login", "by"), [("ana-ruiz", "ana@example.com"), ("kimberg", "kim@example.com"), ("x", "x@example.com")]
    )
    def test_a_word_of_somebody_who_may_not_proves_nothing(self, login: str, by: str) -> None:
        entry = confirmed(confirmation=Confirmation(by, NOW + HOUR, 12, COMMIT, 4 * HOUR))
        assert f"policy does not accept its confirmation in GitHub by {by}" in judged(
            entry, evidence(entry, review(by=login))
        )

    @pytest.mark.parametrize("expires_at", [NOW + 5 * HOUR + timedelta(seconds=1), None])
    def test_it_cannot_live_longer_than_was_confirmed(self, expires_at: datetime | None) -> None:
        entry = confirmed(expires_at=expires_at)
        assert judged(entry, evidence(entry)) == "it would live longer than was confirmed in GitHub"

    def test_where_deadlines_are_rounded_it_lives_no_longer_than_that_adds(self) -> None:
        rounding = policies("min: 15m, max: 8h", "min: 1h, max: 8h, round_up_to: 1h")
        rounded = round_up(NOW + 5 * HOUR, HOUR)
        entry = confirmed(expires_at=rounded)
        assert judged(entry, evidence(entry), rounding) == ""
        assert judged(entry, evidence(entry)) == "it would live longer than was confirmed in GitHub"
        late = confirmed(expires_at=rounded + timedelta(seconds=1))
        assert judged(late, evidence(late), rounding) == "it would live longer than was confirmed in GitHub"

    def test_its_longest_life_is_measured_from_the_confirmation(self) -> None:
        late = Confirmation(LEE, NOW + 3 * HOUR, 12, COMMIT, 8 * HOUR)
        entry = confirmed(confirmation=late, expires_at=NOW + 11 * HOUR)
        assert entry_refusals(entry, POLICIES) == ()
        assert "longer than 8h" in entry_refusals(entry, examples.policies())[0], "a claim alone lengthens nothing"
        assert "longer than 8h" in entry_refusals(replace(entry, expires_at=NOW + 12 * HOUR), POLICIES)[0]


class TestFiles:
    @given(examples.entries)
    def test_what_is_shown_reads_as_what_was_written(self, entry: Entry) -> None:
        for lasting in (None, 4 * HOUR):
            assert confirming._shows(proposal(entry, lasting).encode(), entry, lasting)

    @pytest.mark.parametrize("lasting", [None, 4 * HOUR])
    def test_an_entry_keeps_its_confirmation_and_its_signature_covers_it(self, lasting: timedelta | None) -> None:
        entry = confirmed(confirmation=Confirmation(LEE, NOW + HOUR, 12, COMMIT, lasting))
        read = parse_entry(entry.to_yaml().encode(), entry.path, POLICIES.schemas)
        assert read == entry
        assert replace(entry, confirmation=None).digest != entry.digest

    def test_a_proposal_is_no_entry(self) -> None:
        path = confirming.path_of("pa-7k3m9q")
        assert not path.startswith("requests/")
        assert "expires_at" not in str(load(proposal(access_entry(), HOUR).encode(), path).data)
