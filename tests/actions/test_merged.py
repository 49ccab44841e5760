"""What happens to entries that reach main: by a reviewed pull request, or past one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from sallyport.changes.infra_stop import InfraStop
from sallyport.entries import Approval, parse_entry
from sallyport.ids import ALPHABET
from sallyport.outcomes import Result
from sallyport.platforms.errors import Refused, Unknown
from sallyport.platforms.jira import LOOKS
from tests.actions.pulls import MERGE, REBASE, SQUASH
from tests.actions.repository import git
from tests.actions.world import ALERTS, NOW, ORDERS, PAYMENTS, World, whitelisting


def result(world: World, entry_id: str = "aw-7k3m9q") -> Result:
    return world.github.outcomes[entry_id].result


def detail(world: World, entry_id: str = "aw-7k3m9q") -> str:
    return world.github.outcomes[entry_id].detail


def by(email: str, world: World) -> Approval:
    return Approval(email, world.now, "slack")


def content(world: World, path: str) -> str:
    return git(world.bare, "show", f"main:{path}")


class TestAReviewedPullRequest:
    @pytest.mark.parametrize("how", [MERGE, SQUASH, REBASE])
    def test_is_applied_recorded_and_has_a_ticket(self, world: World, how: str) -> None:
        before, after = world.head, world.land(world.written(expires_in="30d"), how=how)
        assert world.push(before, after) == 0
        assert world.live() == {"aw-7k3m9q"}
        assert result(world) is Result.APPLIED
        [(key, ticket)] = world.jira.tickets.items()
        assert world.jira.links == {key: "https://github.example/acme/infra/pull/1"}
        assert "sallyport-aw-7k3m9q" in ticket["labels"]
        assert "approved-by:lee@example.com" in ticket["labels"]
        text = content(world, "requests/api-whitelisting/aw-7k3m9q.yaml")
        assert f"ticket: {key}" in text
        assert "expires_at: '2026-12-21T10:00:00Z'" in text
        assert "expires_in" not in text
        assert "by: lee@example.com" in text
        assert "in force until 2026-12-21 10:00 UTC" in world.jira.by_ticket[key][0]

    def test_has_the_deadline_that_counts_from_its_merge_rounded_up_as_policy_says(self, world: World) -> None:
        world.now += timedelta(minutes=12, seconds=44)
        assert world.push(world.head, world.land(world.written(expires_in="90d"))) == 0
        assert result(world) is Result.APPLIED
        assert "expires_at: '2027-02-19T11:00:00Z'" in content(world, "requests/api-whitelisting/aw-7k3m9q.yaml")
        assert "until 2027-02-19 11:00 UTC" in world.jira.by_ticket["OPS-901"][0]

    def test_keeps_its_rounded_deadline_though_policy_rounds_otherwise_since(self, world: World) -> None:
        world.now += timedelta(minutes=12, seconds=44)
        world.push(world.head, world.land(world.written(expires_in="30d")))
        path = "policies/flows/api-whitelisting.yaml"
        world.commit("Round no more", {path: content(world, path).replace(", round_up_to: 1h", "").encode()})
        finding = world.job().books().ledger.finding("api-whitelisting", "aw-7k3m9q")
        assert finding.doubt == ""
        assert finding.deadline == NOW.replace(month=12, day=21, hour=11)

    def test_has_the_deadline_that_somebody_wrote_to_the_second(self, world: World) -> None:
        ends = world.now + timedelta(days=3, seconds=11)
        world.push(world.head, world.land(world.written(expires_at=ends)))
        assert world.job().books().ledger.finding("api-whitelisting", "aw-7k3m9q").deadline == ends

    @pytest.mark.parametrize("how", [MERGE, SQUASH, REBASE])
    def test_of_several_commits_counts_at_its_head(self, world: World, how: str) -> None:
        first, second = world.written("aw-222222"), world.written("aw-333333")
        before, after = world.head, world.land(first, second, how=how)
        assert world.push(before, after) == 0
        assert world.live() == {"aw-222222", "aw-333333"}

    def test_stays_proven_for_every_later_job(self, world: World) -> None:
        before = world.head
        world.push(before, world.land(world.written(expires_in="30d")))
        writes = len(world.aws.writes)
        other = world.entry("aw-222222")
        world.apply(other, world.add(other))
        assert world.live() == {"aw-7k3m9q", "aw-222222"}
        assert len(world.aws.writes) == writes + 1

    def test_ends_at_its_deadline_like_any_other(self, world: World) -> None:
        world.push(world.head, world.land(world.written()))
        world.now += timedelta(hours=1, seconds=1)
        assert world.expire() == 0
        assert world.live() == frozenset()
        assert world.files == set()
        assert world.jira.tickets["OPS-901"]["status"] == "Done"

    def test_a_second_run_of_the_same_push_changes_and_opens_nothing(self, world: World) -> None:
        before, after = world.head, world.land(world.written())
        world.push(before, after)
        head, writes = world.head, len(world.aws.writes)
        assert world.push(before, after) == 0
        assert (world.head, len(world.aws.writes), len(world.jira.tickets)) == (head, writes, 1)

    def test_asks_github_once_a_merge_however_many_files_it_brings(self, world: World) -> None:
        files = {}
        for number in range(20):
            files |= world.written(f"aw-2222{ALPHABET[number]}2")
        before, after = world.head, world.land(files)
        world.pulls.asked.clear()
        world.job().books().ledger.findings("api-whitelisting")
        assert len(world.pulls.asked) == 3
        assert world.push(before, after) == 0
        assert len(world.live()) == 20
        assert len(world.aws.writes) == 1

    def test_with_targets_behind_one_role_writes_each_once(self, world: World) -> None:
        changes = tuple(whitelisting(api, f"/v1/{n}") for api in ("payments", "orders") for n in range(10))
        before, after = world.head, world.land(world.written(changes=changes))
        assert world.push(before, after) == 0
        assert sorted(world.aws.writes) == [ORDERS, PAYMENTS]
        assert world.live(ORDERS) == world.live(PAYMENTS) == {"aw-7k3m9q"}
        assert result(world) is Result.APPLIED
        assert "and 17 more" not in detail(world)
        assert world.jira.tickets["OPS-901"]["description"].count("\n|") == 20 + 1

    def test_one_target_that_fails_keeps_no_other_from_being_applied(self, world: World) -> None:
        changes = (whitelisting("payments"), whitelisting("orders"))
        before, after = world.head, world.land(world.written(changes=changes))
        world.aws.observe_faults[ORDERS] = "GetRestApi: AccessDenied"
        assert world.push(before, after) == 1
        assert world.live(PAYMENTS) == {"aw-7k3m9q"}
        assert result(world) is Result.FAILED
        assert "AccessDenied" in detail(world)


class TestARuleThatApprovesByItself:
    def stop(self, world: World) -> dict[str, bytes]:
        change, lifetime = InfraStop("dev"), timedelta(hours=12)
        facts = {"flow": "infra-stop", "environment": "dev", "changes": (change,)}
        return world.written("is-222222", expires_at=world.now + lifetime, **facts)

    def test_is_applied_with_the_review_of_somebody_else_who_may_ask(self, world: World) -> None:
        before, after = world.head, world.land(self.stop(world), by="kimberg")
        assert world.push(before, after) == 0
        assert result(world, "is-222222") is Result.APPLIED
        assert "by: kim@example.com" in content(world, "requests/infra-stop/is-222222.yaml")
        assert "approved-by:kim@example.com" in world.jira.tickets["OPS-901"]["labels"]

    def test_is_refused_without_one_and_says_what_to_do(self, world: World) -> None:
        before = world.head
        world.pulls.merge(world.pulls.open(self.stop(world)))
        assert world.push(before, world.head) == 1
        assert result(world, "is-222222") is Result.REFUSED
        assert "somebody else who may ask for it must approve it" in detail(world, "is-222222")


class TestPoliciesThatChangeAfterTheMerge:
    def test_end_nothing_that_was_approved_under_those_of_then(self, world: World) -> None:
        world.push(world.head, world.land(world.written()))
        people = world.read("policies/people.yaml")
        without = people.replace("managers: [lee@example.com, sam@", "managers: [sam@")
        assert without != people
        world.commit("Lee leaves the managers", {"policies/people.yaml": without.encode()})
        other = world.entry("aw-222222", asked="sam@example.com", approvals=(by("sam@example.com", world),))
        assert world.apply(other, world.add(other)) == 0
        assert world.live() == {"aw-7k3m9q", "aw-222222"}

    def test_hold_for_what_is_merged_from_then_on(self, world: World) -> None:
        people = world.read("policies/people.yaml")
        without = people.replace("managers: [lee@example.com, sam@", "managers: [sam@")
        world.commit("Lee leaves the managers", {"policies/people.yaml": without.encode()})
        assert world.push(world.head, world.land(world.written())) == 1
        assert world.live() == frozenset()


class TestAnEntryAtTwoTargets:
    changes = (whitelisting("payments"), whitelisting("orders"))

    def test_ends_at_both_before_its_file_goes(self, world: World) -> None:
        world.push(world.head, world.land(world.written(changes=self.changes)))
        world.now += timedelta(hours=2)
        world.aws.observe_faults[ORDERS] = "GetRestApi: Throttled"
        assert world.expire() == 1
        assert world.live(PAYMENTS) == frozenset()
        assert world.files == {"requests/api-whitelisting/aw-7k3m9q.yaml"}
        world.aws.observe_faults.clear()
        assert world.expire() == 0
        assert world.live(ORDERS) == frozenset()
        assert world.files == set()

    def test_keeps_its_file_when_another_job_ends_it_at_one_of_them(self, world: World) -> None:
        world.push(world.head, world.land(world.written(changes=self.changes)))
        world.now += timedelta(hours=2)
        other = world.entry("aw-222222")
        assert world.apply(other, world.add(other)) == 0
        assert world.live(PAYMENTS) == {"aw-222222"}
        assert "requests/api-whitelisting/aw-7k3m9q.yaml" in world.files


class TestWhatIsRefusedAndReportedLoudly:
    def refused(self, world: World, before: str, words: str) -> None:
        assert world.push(before, world.head) == 1
        assert world.live() == frozenset()
        assert result(world) is Result.REFUSED
        assert words in detail(world)
        assert "aw-7k3m9q" in world.slack.said(ALERTS)

    def test_a_push_straight_to_main(self, world: World) -> None:
        before = world.head
        world.commit("Sneak", world.written())
        self.refused(world, before, "it was pushed to main without a pull request")

    def test_a_merge_without_a_review(self, world: World) -> None:
        before = world.head
        world.pulls.merge(world.pulls.open(world.written()))
        self.refused(world, before, "it has 0 of 1 approvals")

    def test_a_review_by_one_whom_policy_does_not_accept(self, world: World) -> None:
        before = world.head
        world.land(world.written(), by="kimberg")
        self.refused(world, before, "it has 0 of 1 approvals")

    def test_a_commit_pushed_after_the_review(self, world: World) -> None:
        before, pull = world.head, world.pulls.open(world.written(), world.written("aw-222222"))
        world.pulls.review(pull, commit=git(world.bare, "rev-parse", f"{pull.head}^"))
        world.pulls.merge(pull)
        self.refused(world, before, "it has 0 of 1 approvals")

    def test_a_merge_by_hand_with_more_in_it_than_the_reviewers_saw(self, world: World) -> None:
        before, pull = world.head, world.pulls.open(world.written("aw-222222"))
        world.pulls.review(pull)
        evil = world.pulls.merge(pull)
        git(world.bare, "update-ref", "refs/heads/main", before)
        tree_of = world.commit("x", {**world.written("aw-222222"), **world.written()})
        merge = git(world.bare, "commit-tree", f"{tree_of}^{{tree}}", "-p", before, "-p", pull.head, "-m", "Merge")
        git(world.bare, "update-ref", "refs/heads/main", merge)
        world.pulls.brought[merge] = world.pulls.brought.pop(evil)
        assert world.push(before, merge) == 1
        assert world.live() == {"aw-222222"}
        assert "it is not what was reviewed" in detail(world)

    def test_an_edit_pushed_over_what_was_reviewed(self, world: World) -> None:
        world.push(world.head, world.land(world.written()))
        before = world.head
        [path] = world.files
        longer = content(world, path).replace("2026-11-21T11", "2026-12-21T11")
        world.commit("Longer", {path: longer.encode()})
        assert world.push(before, world.head) == 1
        assert world.live() == frozenset()
        assert "it was changed by a push to main" in world.summary

    def test_approvals_that_a_push_claims(self, world: World) -> None:
        before = world.head
        claims = replace(world.entry(), attestation=None)
        world.commit("Claim", {claims.path: claims.to_yaml().encode()})
        self.refused(world, before, "it was pushed to main without a pull request")


class TestEditing:
    def test_a_deadline_is_an_extension_and_needs_a_review_of_its_own(self, world: World) -> None:
        world.push(world.head, world.land(world.written()))
        [path] = world.files
        longer = {path: content(world, path).replace("2026-11-21T11", "2026-12-01T11").encode()}
        before = world.head
        world.pulls.merge(world.pulls.open(longer))
        assert world.push(before, world.head) == 1
        assert world.live() == frozenset()

    def test_a_deadline_with_a_review_lives_on(self, world: World) -> None:
        world.push(world.head, world.land(world.written()))
        [path] = world.files
        longer = {path: content(world, path).replace("2026-11-21T11", "2026-12-01T11").encode()}
        before, writes = world.head, len(world.aws.writes)
        assert world.push(before, world.land(longer, by="sam-okafor")) == 0
        assert (world.live(), len(world.aws.writes)) == ({"aw-7k3m9q"}, writes)
        assert result(world) is Result.ALREADY
        assert "by: sam@example.com" in content(world, path)
        assert len(world.jira.tickets) == 1


class TestDeleting:
    def test_by_a_pull_request_is_an_early_return(self, world: World) -> None:
        world.push(world.head, world.land(world.written()))
        [path] = world.files
        before = world.head
        after = world.pulls.merge(world.pulls.open({"README.md": b"x"}, deletions=[path]))
        assert world.push(before, after) == 0
        assert world.live() == frozenset()
        assert result(world) is Result.REVERTED
        assert world.slack.said(ALERTS) == ""

    def test_by_a_push_ends_it_too_and_is_told_loudly(self, world: World) -> None:
        entry = world.entry()
        world.apply(entry, world.add(entry))
        before = world.head
        world.commit("Delete", {}, [entry.path])
        assert world.push(before, world.head) == 1
        assert world.live() == frozenset()
        assert "was deleted by a push to main without a pull request" in world.slack.said(ALERTS)


class TestTheCoordinatorsOwnCommits:
    def test_start_no_job(self, world: World) -> None:
        before, entry = world.head, world.entry()
        assert world.push(before, world.add(entry)) == 0
        assert world.outputs["any"] == "false"
        assert (world.aws.writes, world.pulls.asked) == ([], [])


class TestWhenSomethingElseFails:
    def test_no_answer_of_github_neither_begins_nor_ends_anything(self, world: World) -> None:
        world.push(world.head, world.land(world.written()))
        other = world.entry("aw-222222")
        commit = world.add(other)
        world.pulls.faults = [Unknown("GitHub", "read", "timed out") for _ in range(50)]
        assert world.apply(other, commit) == 1
        assert world.live() == {"aw-7k3m9q"}
        assert world.due()["any"] == "false"
        assert world.files >= {"requests/api-whitelisting/aw-7k3m9q.yaml"}

    def test_a_ticket_that_cannot_be_opened_does_not_stop_the_work_but_the_job_says_so(self, world: World) -> None:
        world.jira.create_faults = [Refused("JIRA", "open a ticket", "no such type")]
        before, after = world.head, world.land(world.written())
        assert world.push(before, after) == 1
        assert world.live() == {"aw-7k3m9q"}
        assert "No ticket could be opened for aw-7k3m9q" in world.summary

        assert world.push(before, after) == 0, "the same job again opens it, as the message says"
        finding = world.job().books().ledger.find("aw-7k3m9q")
        assert finding
        assert finding.entry
        assert [finding.entry.ticket] == list(world.jira.tickets)

    @pytest.mark.parametrize("lag", [0, 100, 179])
    def test_what_may_have_been_opened_is_waited_for_and_not_opened_again(self, world: World, lag: float) -> None:
        world.jira.lost_answers, world.jira.search_lag = 1, lag
        assert world.push(world.head, world.land(world.written())) == 0
        assert len(world.jira.tickets) == 1

    def test_what_was_not_opened_is_opened_once_the_search_must_have_shown_it(self, world: World) -> None:
        world.jira.create_faults = [Unknown("JIRA", "open a ticket", "timed out")]
        assert world.push(world.head, world.land(world.written())) == 0
        assert len(world.jira.tickets) == 1
        assert sum(world.pauses) >= LOOKS[-1].total_seconds()


def test_the_recorded_file_reads_back_as_what_is_in_force(world: World) -> None:
    world.push(world.head, world.land(world.written(expires_in="30d")))
    [path] = world.files
    ledger = world.job().books().ledger
    finding = ledger.find("aw-7k3m9q")
    assert finding
    assert finding.recorded
    assert parse_entry(content(world, path).encode(), path, ledger.policies.schemas) == finding.entry
    assert finding.deadline == NOW + timedelta(days=30)


def test_the_log_tells_how_far_a_push_has_come(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    before = world.head
    after = world.land(world.written(changes=(whitelisting("payments"), whitelisting("orders"))))
    capsys.readouterr()
    assert world.push(before, after) == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    told = [(line["event"], line["progress"]) for line in lines if line["event"].startswith("settl")]
    assert told == [("settling", "1 of 2"), ("settled", "1 of 2"), ("settling", "2 of 2"), ("settled", "2 of 2")]
