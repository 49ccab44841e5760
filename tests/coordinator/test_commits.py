"""Commits at a GitHub over a real repository: the approved entry, once, many in one commit, on any head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from github import Auth, Github

from coordinator.lifecycle import Lane
from coordinator.outside.commits import entry_of
from coordinator.requests import Request, State
from sallyport.attestations import refusal
from sallyport.decisions import entry_refusals
from sallyport.entries import Entry, parse_entry
from sallyport.outcomes import Result
from sallyport.platforms.github import GitHub
from sandbox.faults import Fault, Kind, Moment
from tests.coordinator.asks import LEE
from tests.coordinator.conftest import Installed, Places, Store
from tests.coordinator.desk import MINUTE, Desk, open_desk
from tests.coordinator.fakes import FakeGitHub, lost
from tests.sandbox.github_world import World, github_world

LOST = [
    Fault(Kind.DROP, Moment.BEFORE),
    Fault(Kind.DROP, Moment.AFTER),
    Fault(Kind.STATUS, Moment.AFTER, status=502),
    Fault(Kind.STATUS, Moment.BEFORE, status=429),
    Fault(Kind.MALFORMED, Moment.AFTER),
]


@dataclass
class Commits:
    """A desk whose GitHub is the stand-in over a real bare repository."""

    desk: Desk
    world: World

    def approved(self, key: str = "view:V1") -> Request:
        return self.desk.approve(self.desk.submit(key))

    def work(self) -> None:
        """Do only what has to do with commits, however often it takes."""
        for _ in range(6):
            self.desk.work(Lane.COMMIT)
            self.desk.now += timedelta(minutes=2)

    @property
    def made(self) -> list[str]:
        """The headlines of the commits since the first, oldest first."""
        return [commit.headline for commit in self.world.repository.log(self.world.head)][-2::-1]

    def entry(self, request: Request) -> Entry:
        path = entry_of(request).path
        content = self.world.repository.file(self.world.head, path)
        assert content is not None
        return parse_entry(content, path, self.desk.installed.policies.schemas)


@pytest.fixture
def commits(sqlite: Store, installed: Installed, places: Places, tmp_path: Path) -> Iterator[Commits]:
    with github_world(tmp_path, {}) as world:
        github = GitHub.connect("acme/infra", "main", token="ghp_bot", api_url=world.github.url)
        with open_desk(sqlite.journal(), installed, places, github) as desk:
            yield Commits(desk, world)
        github.close()


class TestTheEntry:
    def test_it_says_what_was_approved_and_proves_it(self, commits: Commits) -> None:
        request = commits.approved()
        commits.desk.work(Lane.SLACK, Lane.JIRA)
        commits.work()
        entry, policies = commits.entry(request), commits.desk.installed.policies
        assert entry_refusals(entry, policies) == ()
        assert refusal(entry, policies.keys) is None
        assert (entry.requested_by, entry.reason) == (request.requester, request.reason)
        assert (entry.changes, entry.expires_at) == (request.changes, request.expires_at)
        assert [approval.by for approval in entry.approvals] == [LEE]
        assert entry.ticket == "OPS-1"
        assert entry.thread is not None
        assert entry.thread.channel == "C0INFRA"

    def test_what_was_typed_stays_data_in_the_file(self, commits: Commits) -> None:
        reason = "x: [y]\n---\napprovals: []\n# ${{ github.token }} `rm -rf` é"
        request = commits.desk.approve(commits.desk.submit(reason=reason))
        commits.work()
        assert commits.entry(request).reason == reason

    def test_the_commit_says_what_for_whom_by_whom_and_under_which_ticket(self, commits: Commits) -> None:
        request = commits.approved()
        commits.desk.work(Lane.JIRA)
        commits.work()
        commit = commits.world.repository.commit(commits.world.head)
        assert commit.headline == f"Apply {request.id}"
        assert "POST /v1/charges on Payments API in prod for ana@example.com" in commit.message
        assert commit.message.endswith(
            f"Request-Id: {request.id}\nRequested-by: ana@example.com\nApproved-by: lee@example.com\nTicket: OPS-1"
        )

    def test_the_journal_knows_the_commit_and_the_trail_names_it(self, commits: Commits) -> None:
        request = commits.approved()
        commits.work()
        assert commits.desk.request(request).result("commit") == {"commit": commits.world.head}
        fact, _ = commits.desk.journal.facts(request.id)[-1]
        assert (fact.deed, fact.details["commit"]) == ("committed", commits.world.head)


class TestOnce:
    @pytest.mark.parametrize("fault", LOST, ids=lambda f: f"{f.kind}-{f.moment}-{f.status}")
    def test_a_lost_answer_makes_one_commit(self, commits: Commits, fault: Fault) -> None:
        commits.world.github.faults.add(Fault(fault.kind, fault.moment, "POST", "/graphql", fault.status))
        request = commits.approved()
        commits.work()
        assert commits.made == [f"Apply {request.id}"]
        assert commits.desk.request(request).result("commit") == {"commit": commits.world.head}

    def test_a_ticket_and_a_thread_that_come_after_a_lost_answer_make_no_second_commit(
        self, commits: Commits
    ) -> None:
        commits.world.github.faults.add(Fault(Kind.DROP, Moment.AFTER, "POST", "/graphql"))
        request = commits.approved()
        commits.desk.work(Lane.COMMIT)
        commits.desk.work(Lane.JIRA, Lane.SLACK)
        commits.work()
        assert commits.made == [f"Apply {request.id}"]

    def test_a_replica_that_died_after_the_commit_makes_no_second_one(self, commits: Commits) -> None:
        request = commits.approved()
        (work,) = commits.desk.journal.claim(Lane.COMMIT, commits.desk.now, 1)
        commits.desk.commits.commit([(work, request)])
        commits.desk.build()
        commits.work()
        assert commits.made == [f"Apply {request.id}"]

    def test_twenty_approved_at_once_are_one_commit(self, commits: Commits) -> None:
        requests = [commits.approved(f"view:{n}") for n in range(20)]
        commits.work()
        (headline,) = commits.made
        assert headline.endswith("and 19 more")
        assert {commits.entry(request).id for request in requests} == {request.id for request in requests}
        message = commits.world.repository.commit(commits.world.head).message
        assert all(f"Request-Id: {request.id}" in message for request in requests)
        assert {commits.desk.request(r).result("commit")["commit"] for r in requests} == {commits.world.head}

    def test_of_a_batch_whose_answer_was_lost_only_what_is_missing_is_committed(self, commits: Commits) -> None:
        commits.world.github.faults.add(Fault(Kind.DROP, Moment.AFTER, "POST", "/graphql"))
        first = commits.approved("view:1")
        commits.desk.work(Lane.COMMIT)
        commits.desk.now += MINUTE
        second = commits.approved("view:2")
        commits.work()
        assert commits.made == [f"Apply {first.id}", f"Apply {second.id}"]

    def test_one_that_arrives_only_after_the_look_for_it_stays_the_only_one(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        github, under_way = desk.github, list[dict[str, bytes]]()
        request = desk.approve(desk.submit())

        def lose(_headline: str, _body: str, additions: dict[str, bytes], *_: object) -> str:
            under_way.append(additions)
            raise lost("commit")

        def look(path: str, ref: str | None = None) -> bytes | None:
            found: bytes | None = FakeGitHub.file(github, path, ref)
            github.commits += [("Apply", "", additions) for additions in under_way]
            github.files |= {path: content for additions in under_way for path, content in additions.items()}
            under_way.clear()
            return found

        with monkeypatch.context() as patched:
            patched.setattr(github, "commit", lose)
            desk.work(Lane.COMMIT)
        monkeypatch.setattr(github, "file", look)
        desk.settle(MINUTE)
        assert len(github.commits) == 1
        assert desk.request(request).is_committed


class TestTheHead:
    def test_a_branch_that_moved_meanwhile_loses_nothing(self, commits: Commits) -> None:
        first = commits.approved("view:1")
        commits.work()
        commits.world.write({"README.md": "Somebody else's change"}, "Explain")
        second = commits.approved("view:2")
        commits.work()
        assert commits.made == [f"Apply {first.id}", "Explain", f"Apply {second.id}"]
        assert commits.entry(first).id == first.id

    def test_the_commit_on_record_is_ours_even_if_others_learn_of_another_head_just_then(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = desk.approve(desk.submit())
        before, moved_to = desk.github.head(), desk.head.moved_to

        def moved_and_read_too_early(commit: str) -> None:
            moved_to(commit)
            moved_to(before)  # as a worker does that had asked before our commit and is answered after it

        monkeypatch.setattr(desk.head, "moved_to", moved_and_read_too_early)
        desk.work(Lane.COMMIT)
        assert desk.request(request).result("commit") == {"commit": desk.github.head()}


class TestWithdrawing:
    def failed(self, desk: Desk) -> Request:
        request = desk.approve(desk.submit())
        desk.work()
        desk.job_ends(request, Result.FAILED, "AWS said no.")
        desk.now += timedelta(seconds=30)
        desk.work(Lane.RUNS)
        assert desk.request(request).state is State.FAILED
        return desk.request(request)

    def entry(self, desk: Desk, request: Request) -> Entry:
        path = entry_of(request).path
        return parse_entry(desk.github.files[path], path, desk.installed.policies.schemas)

    def test_what_failed_gets_the_present_as_its_deadline_and_a_valid_attestation(self, desk: Desk) -> None:
        request = self.failed(desk)
        desk.work(Lane.COMMIT)
        entry = self.entry(desk, request)
        assert not entry.is_live(desk.now)
        assert refusal(entry, desk.installed.policies.keys) is None
        assert [headline.split()[0] for headline, _, _ in desk.github.commits] == ["Apply", "End"]

    def test_what_is_gone_already_is_not_committed_again(self, desk: Desk) -> None:
        request = self.failed(desk)
        desk.github.delete(entry_of(request).path)
        desk.work(Lane.COMMIT)
        assert len(desk.github.commits) == 1
        assert "withdraw" not in desk.waiting()

    def test_a_lost_answer_makes_one_commit(self, desk: Desk) -> None:
        request = self.failed(desk)
        desk.github.fail("commit", lost("commit"), after=True)
        desk.work(Lane.COMMIT)
        desk.now += MINUTE
        desk.work(Lane.COMMIT)
        assert len(desk.github.commits) == 2
        assert not self.entry(desk, request).is_live(desk.now)

    def test_what_is_taken_back_just_after_the_look_for_it_does_not_come_back(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An id that came back after its end would pass for a forgery."""
        request, github = self.failed(desk), desk.github
        path = entry_of(request).path

        def look(asked: str, ref: str | None = None) -> bytes | None:
            found: bytes | None = FakeGitHub.file(github, asked, ref)
            github.delete(path)  # by a job that is at it
            return found

        with monkeypatch.context() as patched:
            patched.setattr(github, "file", look)
            desk.work(Lane.COMMIT)
        assert (len(github.commits), path in github.files) == (1, False)
        assert "withdraw" not in desk.waiting()

    def test_a_file_that_makes_no_sense_is_replaced(self, desk: Desk) -> None:
        request = self.failed(desk)
        desk.github.push({entry_of(request).path: b"what: is this"})
        desk.work(Lane.COMMIT)
        assert not self.entry(desk, request).is_live(desk.now)


def test_the_fake_refuses_a_stale_head_as_the_real_one_does(desk: Desk) -> None:
    assert isinstance(desk.github, FakeGitHub)
    desk.head.latest()
    desk.github.push({"README.md": b"new"})
    request = desk.approve(desk.submit())
    desk.work(Lane.COMMIT)
    assert desk.github.calls.count("commit") == 2
    assert entry_of(request).path in desk.github.files


def test_the_stand_in_says_that_the_commits_are_verified(commits: Commits) -> None:
    commits.approved()
    commits.work()
    api = Github(auth=Auth.Token("ghp_bot"), base_url=commits.world.github.url, retry=None)
    assert commits.world.repository.is_signed(commits.world.head)
    api.close()
