"""Runs of GitHub Actions: started once, watched to their end, believed only where they report for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from coordinator.journal import Done
from coordinator.lifecycle import Lane
from coordinator.outside.commits import entry_of
from coordinator.outside.runs import LISTED
from coordinator.requests import Request, State
from sallyport.audit import Deed, breaks
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import TryLater
from sandbox.faults import Fault, Kind, Moment
from tests.coordinator.asks import CHANGE, HOUR, SECOND
from tests.coordinator.desk import MINUTE, Desk
from tests.coordinator.fakes import lost

SECONDS_20 = timedelta(seconds=20)


@pytest.fixture
def applying(desk: Desk) -> Request:
    """A request whose job has been started."""
    request = desk.approve(desk.submit())
    desk.work()
    return desk.request(request)


@pytest.fixture
def active(desk: Desk, applying: Request) -> Request:
    """A request that is live."""
    desk.job_ends(applying, Result.APPLIED, "It is live.")
    later(desk)
    return desk.request(applying)


def later(desk: Desk, by: timedelta = SECONDS_20) -> None:
    desk.now += by
    desk.work()


def committed(desk: Desk, key: str, **different: Any) -> Request:
    """A request whose entry is on main and whose job waits to be started."""
    request = desk.approve(desk.submit(key, **different))
    desk.work(Lane.COMMIT)
    desk.now += timedelta(seconds=1)
    return desk.request(request)


def deeds(desk: Desk, request: Request) -> list[Deed]:
    return [fact.deed for fact, _ in desk.journal.facts(request.id)]


def last_details(desk: Desk, request: Request) -> Mapping[str, Any]:
    return desk.journal.facts(request.id)[-1][0].details


class TestDispatching:
    def test_the_job_is_told_the_request_and_the_commit_and_where_it_must_queue(
        self, desk: Desk, applying: Request
    ) -> None:
        (run,) = desk.github.runs
        assert run.workflow == "apply.yml"
        assert run.inputs == {
            "request_id": applying.id,
            "commit": applying.result("commit")["commit"],
            "environment": "prod",
            "lock": "apigateway/222222222222/eu-west-1/a1payments",
        }
        assert (applying.state, applying.run_url) == (State.APPLYING, run.state.html_url)

    def test_nothing_is_started_before_the_entry_is_committed(self, desk: Desk) -> None:
        desk.github.fail("commit", TryLater("GitHub", "commit", "away"), times=9)
        desk.approve(desk.submit())
        later(desk)
        assert desk.github.runs == []

    @pytest.mark.parametrize("after", [False, True])
    def test_a_lost_answer_starts_one_job(self, desk: Desk, after: bool) -> None:
        desk.github.lists_after = LISTED
        desk.github.fail("dispatch", lost("start apply.yml"), after=after)
        request = desk.approve(desk.submit())
        desk.settle(MINUTE)
        (run,) = desk.github.runs
        assert desk.request(request).result("dispatch")["run"] == run.state.id

    def test_a_replica_that_died_after_starting_it_starts_one_job(self, desk: Desk) -> None:
        request = desk.approve(desk.submit())
        desk.work(Lane.COMMIT)
        (work,) = desk.journal.claim(Lane.DISPATCH, desk.now, 1)
        desk.runs.dispatch([(work, desk.request(request))])
        desk.settle(2 * MINUTE)
        assert len(desk.github.runs) == 1

    def test_another_request_s_job_is_not_taken_for_ours(self, desk: Desk) -> None:
        desk.approve(desk.submit("view:1"))
        desk.work()
        desk.github.fail("dispatch", lost("start apply.yml"))
        desk.approve(desk.submit("view:2"))
        desk.settle(MINUTE)
        assert len({run.inputs["request_id"] for run in desk.github.runs}) == 2


class TestManyAtOnce:
    @pytest.fixture
    def three(self, desk: Desk) -> list[Request]:
        """Requests for one target whose entries are committed, oldest first."""
        return [committed(desk, f"view:{n}") for n in range(3)]

    def test_those_who_wait_for_one_target_share_a_job(self, desk: Desk, three: list[Request]) -> None:
        desk.work(Lane.DISPATCH)
        (run,) = desk.github.runs
        assert run.inputs["request_id"] == three[0].id
        assert run.inputs["also"] == f"{three[1].id} {three[2].id}"
        assert run.inputs["commit"] == three[2].result("commit")["commit"]
        for request in three:
            assert desk.request(request).state is State.APPLYING
            assert last_details(desk, request)["run"] == str(run.state.id)

    def test_they_read_it_once_at_each_look_and_once_when_it_is_over(
        self, desk: Desk, three: list[Request]
    ) -> None:
        desk.work(Lane.DISPATCH)
        desk.now += MINUTE
        for _ in range(2):
            desk.github.calls.clear()
            later(desk)
            assert [call for call in desk.github.calls if call != "head"] == ["run"]
        run = desk.request(three[0]).result("dispatch")["run"]
        desk.github.report(run, *(Outcome(one.id, Result.APPLIED, "Live.", desk.now) for one in three))
        desk.github.complete(run)
        desk.github.calls.clear()
        later(desk)
        assert {desk.request(one).state for one in three} == {State.ACTIVE}
        assert sorted(desk.github.calls) == ["check_runs", "head", "run"]

    def test_another_target_has_a_job_of_its_own_after_those_who_came_first(self, desk: Desk) -> None:
        first = committed(desk, "view:1")
        other = committed(desk, "view:2", changes=(replace(CHANGE, api="orders"),))
        third = committed(desk, "view:3")
        desk.work(Lane.DISPATCH)
        assert [run.inputs["request_id"] for run in desk.github.runs] == [first.id, other.id]
        assert desk.github.runs[0].inputs["also"] == third.id

    def test_each_hears_its_own_outcome(self, desk: Desk, three: list[Request]) -> None:
        desk.work(Lane.DISPATCH)
        results = (Result.APPLIED, Result.REFUSED, Result.ALREADY)
        told = [Outcome(one.id, result, "So.", desk.now) for one, result in zip(three, results, strict=True)]
        desk.github.report(1, *told)
        desk.github.complete(1, "failure")
        later(desk)
        assert [desk.request(one).state for one in three] == [State.ACTIVE, State.FAILED, State.ACTIVE]
        assert [run.workflow for run in desk.github.runs].count("apply.yml") == 1

    def test_of_whom_the_job_said_nothing_another_one_is_started(self, desk: Desk, three: list[Request]) -> None:
        desk.work(Lane.DISPATCH)
        desk.job_ends(three[0], Result.APPLIED)
        later(desk)
        later(desk)
        again = desk.github.runs[-1]
        assert (again.inputs["request_id"], again.inputs["also"]) == (three[1].id, three[2].id)
        assert desk.request(three[1]).state is State.APPLYING
        desk.job_ends(three[1], Result.ALREADY)
        later(desk)
        later(desk)
        assert desk.github.runs[-1].inputs["request_id"] == three[2].id
        desk.job_ends(three[2], Result.ALREADY)
        later(desk)
        assert [desk.request(one).state for one in three] == [State.ACTIVE] * 3
        assert breaks(desk.journal.facts(three[2].id)) == []

    def test_a_job_that_died_is_started_again_once_for_all_of_them(self, desk: Desk, three: list[Request]) -> None:
        desk.work(Lane.DISPATCH)
        desk.github.complete(1, "failure")
        desk.work(Lane.RUNS)
        assert [run.state.attempt for run in desk.github.runs] == [2]
        desk.github.report(1, *(Outcome(one.id, Result.APPLIED, "So.", desk.now) for one in three))
        desk.github.complete(1)
        later(desk)
        assert [desk.request(one).state for one in three] == [State.ACTIVE] * 3

    @pytest.mark.parametrize("after", [False, True])
    def test_a_lost_answer_starts_one_job_for_them_and_loses_nobody(
        self, desk: Desk, three: list[Request], after: bool
    ) -> None:
        desk.github.fail("dispatch", lost("start apply.yml"), after=after)
        desk.work(Lane.DISPATCH)
        late = desk.approve(desk.submit("view:late"))
        desk.settle(SECONDS_20)
        everybody = [*three, late]
        assert {desk.request(one).result("dispatch")["run"] for one in everybody} == {1}
        named = desk.github.runs[0].inputs["request_id"]
        assert {desk.request(one).result("dispatch")["for"] for one in everybody} == {named}
        desk.github.report(1, *(Outcome(one.id, Result.APPLIED, "So.", desk.now) for one in three))
        desk.github.complete(1)
        later(desk)
        later(desk)
        assert [desk.request(one).state for one in three] == [State.ACTIVE] * 3
        assert desk.request(late).state is State.APPLYING

    def test_one_whose_target_is_no_more_holds_up_nobody(
        self, desk: Desk, three: list[Request], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = desk.runs.place

        def lost_one(_runs: object, request: Request) -> tuple[str, str, str]:
            if request.id == three[0].id:
                raise LookupError("there is no such API any more")
            return place(request)

        monkeypatch.setattr(type(desk.runs), "place", lost_one)
        desk.build()
        desk.work(Lane.DISPATCH)
        assert [desk.request(one).state for one in three] == [State.APPROVED, State.APPLYING, State.APPLYING]
        assert "no such API" in next(row.error for row in desk.journal.waiting() if row.name == "dispatch")


class TestWatching:
    def test_nothing_is_told_while_the_job_runs(self, desk: Desk, applying: Request) -> None:
        desk.github.report(1, Outcome(applying.id, Result.APPLIED, "It is live.", desk.now))
        later(desk)
        assert desk.request(applying).state is State.APPLYING
        assert not any("Live" in message.visible_text for message in desk.messages("ana"))

    @pytest.mark.parametrize("result", [Result.APPLIED, Result.ALREADY])
    def test_what_was_read_back_is_live(self, desk: Desk, applying: Request, result: Result) -> None:
        desk.job_ends(applying, result, "It was read back.")
        later(desk)
        request = desk.request(applying)
        assert (request.state, request.closing) == (State.ACTIVE, "It was read back.")
        assert deeds(desk, request)[-1] is Deed.APPLIED

    @pytest.mark.parametrize(("result", "deed"), [(Result.REFUSED, Deed.REFUSED), (Result.FAILED, Deed.FAILED)])
    def test_what_was_refused_or_failed_says_why_and_is_withdrawn(
        self, desk: Desk, applying: Request, result: Result, deed: Deed
    ) -> None:
        desk.job_ends(applying, result, "The API has undeployed changes.")
        later(desk)
        request = desk.request(applying)
        assert (request.state, request.closing) == (State.FAILED, "The API has undeployed changes.")
        assert deeds(desk, request)[-1] is deed
        assert [run.workflow for run in desk.github.runs] == ["apply.yml", "expire.yml"]

    def test_a_job_that_ends_without_a_report_has_failed(self, desk: Desk, applying: Request) -> None:
        desk.github.complete(1, "cancelled")
        later(desk)
        request = desk.request(applying)
        assert request.state is State.FAILED
        assert request.closing.startswith("The job ended (cancelled) without saying what it did: it may have been")

    def test_a_job_that_did_not_report_is_told_as_one_and_what_it_may_have_made_is_taken_back(
        self, desk: Desk, applying: Request
    ) -> None:
        desk.github.complete(1, "cancelled")
        later(desk)
        assert last_details(desk, applying)["result"] == "unknown"
        assert desk.github.runs[-1].workflow == "expire.yml"
        assert any("It is not known what became of it" in comment.body for comment in desk.issue.comments)
        assert not any("could not be applied" in comment.body for comment in desk.issue.comments)

    def test_a_report_that_comes_after_the_end_is_a_fact_and_what_it_made_is_looked_for_again(
        self, desk: Desk, applying: Request
    ) -> None:
        later(desk, 4 * HOUR)
        desk.github.delete(entry_of(applying).path)
        desk.github.complete(2)
        later(desk)
        desk.job_ends(applying, Result.APPLIED, "It is live.")
        later(desk)
        assert desk.request(applying).state is State.FAILED
        assert deeds(desk, applying)[-2:] == [Deed.FAILED, Deed.APPLIED]
        desk.job_ends(applying, Result.REVERTED, "It was taken back.", run="expire")
        later(desk)
        assert deeds(desk, applying)[-3:] == [Deed.FAILED, Deed.APPLIED, Deed.REVERTED]
        assert desk.waiting() == {"timeout"}

    def test_a_failure_that_is_told_after_the_end_is_a_fact_too(self, desk: Desk, applying: Request) -> None:
        later(desk, 4 * HOUR)
        desk.github.delete(entry_of(applying).path)
        desk.github.complete(2)
        later(desk)
        runs = len(desk.github.runs)
        desk.job_ends(applying, Result.REFUSED, "The API has undeployed changes.")
        later(desk)
        assert deeds(desk, applying)[-2:] == [Deed.FAILED, Deed.REFUSED]
        assert len(desk.github.runs) == runs

    def test_a_job_that_died_without_a_report_is_started_again_under_its_own_run(
        self, desk: Desk, applying: Request
    ) -> None:
        desk.github.complete(1, "failure")
        later(desk)
        (run,) = desk.github.runs
        assert (run.state.status, run.state.attempt) == ("in_progress", 2)
        assert desk.request(applying).state is State.APPLYING
        desk.job_ends(applying, Result.APPLIED)
        later(desk)
        assert desk.request(applying).state is State.ACTIVE

    def test_the_thread_tells_once_that_a_job_was_started_again(self, desk: Desk, applying: Request) -> None:
        for _ in range(3):
            desk.github.complete(1, "failure")
            later(desk)
        told = [m for m in desk.messages("ana", "infra-requests") if m.shows("has been started again")]
        assert [message.thread_ts for message in told] == [desk.request(applying).result("thread")["ts"]]
        assert "that applies it ended before it was done" in told[0].visible_text
        assert desk.request(applying).run_url in [link for pair in told[0].links for link in pair]

    def test_a_lost_answer_tells_it_once_too(self, desk: Desk, applying: Request) -> None:
        desk.slack.faults.add(Fault(Kind.DROP, Moment.AFTER, "POST", "/chat.postMessage$"))
        desk.github.complete(1, "failure")
        desk.settle(2 * MINUTE)
        told = [m for m in desk.messages("ana", "infra-requests") if m.shows("has been started again")]
        assert len(told) == 1

    def test_a_lost_answer_starts_it_again_once(self, desk: Desk, applying: Request) -> None:
        desk.github.complete(1, "failure")
        desk.github.fail("rerun", lost("start a run again"), after=True)
        desk.settle(2 * MINUTE)
        assert desk.github.runs[0].state.attempt == 2

    def test_a_job_that_dies_every_time_has_failed(self, desk: Desk, applying: Request) -> None:
        for _ in range(3):
            desk.github.complete(1, "failure")
            later(desk)
        request = desk.request(applying)
        assert (request.state, desk.github.runs[0].state.attempt) == (State.FAILED, 3)
        assert request.closing.startswith("The job ended (failure) without saying what it did")

    def test_the_report_of_another_run_is_not_believed(self, desk: Desk, applying: Request) -> None:
        outcome = Outcome(applying.id, Result.APPLIED, "It is live.", desk.now)
        desk.github.report(1, outcome, external_id="999")
        desk.github.complete(1)
        later(desk)
        assert desk.request(applying).state is State.FAILED

    def test_the_report_of_another_app_is_not_believed(self, desk: Desk, applying: Request) -> None:
        desk.github.report(1, Outcome(applying.id, Result.APPLIED, "It is live.", desk.now), app="evil")
        desk.github.complete(1)
        later(desk)
        assert desk.request(applying).state is State.FAILED

    def test_what_a_report_says_of_another_request_is_not_believed(self, desk: Desk, applying: Request) -> None:
        desk.github.report(1, Outcome("aw-222222", Result.APPLIED, "It is live.", desk.now))
        desk.github.complete(1)
        later(desk)
        assert desk.request(applying).state is State.FAILED

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "not JSON",
            "[]",
            "{}",
            "null",
            '[{"request_id": 1}]',
            '[{"request_id": "ID", "result": "splendid"}]',
        ],
    )
    def test_a_report_that_makes_no_sense_is_no_report(self, desk: Desk, applying: Request, text: str) -> None:
        desk.github.report(1, text=text.replace("ID", applying.id))
        desk.github.complete(1)
        later(desk)
        assert desk.request(applying).state is State.FAILED

    def test_a_report_that_makes_no_sense_hides_no_good_one(self, desk: Desk, applying: Request) -> None:
        desk.github.report(1, text="not JSON")
        desk.job_ends(applying, Result.APPLIED)
        later(desk)
        assert desk.request(applying).state is State.ACTIVE

    def test_a_github_that_is_away_delays_the_news_and_loses_none(self, desk: Desk, applying: Request) -> None:
        desk.job_ends(applying, Result.APPLIED)
        desk.github.fail("run", TryLater("GitHub", "read a run", "away"), times=3)
        desk.settle(2 * MINUTE)
        assert desk.request(applying).state is State.ACTIVE


class TestTheEnd:
    def test_the_expiry_is_started_at_the_second_and_not_before(self, desk: Desk, active: Request) -> None:
        assert active.expires_at is not None
        desk.now = active.expires_at - timedelta(seconds=1)
        desk.work()
        assert len(desk.github.runs) == 1
        later(desk, timedelta(seconds=1))
        assert desk.github.runs[-1].workflow == "expire.yml"
        assert desk.github.runs[-1].inputs == {"request_id": active.id}

    def end(self, desk: Desk, request: Request, *, report: bool = True, gone: bool = True) -> Request:
        later(desk, 4 * HOUR)
        if gone:
            desk.github.delete(entry_of(request).path)
        if report:
            desk.job_ends(request, Result.REVERTED, "It was taken back.", run="expire")
        else:
            desk.github.complete(desk.request(request).result("expire")["run"])
        later(desk)
        return desk.request(request)

    def test_an_entry_that_is_gone_has_ended_as_the_job_says(self, desk: Desk, active: Request) -> None:
        request = self.end(desk, active)
        assert (request.state, request.closing) == (State.ENDED, "It was taken back.")
        assert deeds(desk, request)[-1] is Deed.REVERTED
        assert desk.waiting() == {"timeout"}

    def test_an_entry_that_a_sweep_took_back_has_ended_as_the_sweep_says(
        self, desk: Desk, active: Request
    ) -> None:
        desk.now += 4 * HOUR
        sweep = desk.github.sweeps()
        desk.github.report(sweep, Outcome(active.id, Result.REVERTED, "The sweep took it back.", desk.now))
        desk.github.complete(sweep)
        desk.work()
        desk.github.delete(entry_of(active).path)
        desk.github.complete(desk.request(active).result("expire")["run"])
        later(desk)
        request = desk.request(active)
        assert (request.state, request.closing) == (State.ENDED, "The sweep took it back.")
        assert last_details(desk, active)["run"] == str(sweep)

    def test_a_job_that_says_it_could_not_is_believed_without_a_look_at_the_file(
        self, desk: Desk, active: Request, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later(desk, 4 * HOUR)
        desk.job_ends(active, Result.FAILED, "AWS did not answer.", run="expire")
        looked: list[str] = []
        monkeypatch.setattr(desk.github, "file", lambda path, *_: looked.append(path))
        desk.now += SECOND
        desk.work()
        assert deeds(desk, active)[-1] is Deed.NOT_REVERTED
        assert looked == [], "a thousand that fail each minute would pass GitHub's limit"

    def test_an_entry_that_is_gone_without_a_word_is_told_as_that(self, desk: Desk, active: Request) -> None:
        request = self.end(desk, active, report=False)
        sentence = "Its entry is gone from the repository, but no job has said that it took it back."
        assert (request.state, request.closing) == (State.ENDED, sentence)
        assert last_details(desk, active)["result"] == "unreported"
        assert not any("Taken back and verified" in comment.body for comment in desk.issue.comments)
        assert "verified" not in desk.messages("ana")[-1].visible_text

    def test_a_failure_to_take_it_back_is_a_fact_once_however_often_it_is_tried(
        self, desk: Desk, active: Request
    ) -> None:
        later(desk, 4 * HOUR)
        for why in ("AWS said no.", "AWS said no.", "AWS said no again."):
            desk.job_ends(active, Result.FAILED, why, run="expire")
            later(desk)
            later(desk, MINUTE)
        assert [f.details["detail"] for f, _ in desk.journal.facts(active.id) if f.deed is Deed.NOT_REVERTED] == [
            "AWS said no.",
            "AWS said no again.",
        ]
        assert any("was not taken back" in comment.body for comment in desk.issue.comments)

    def test_an_entry_that_is_still_there_is_an_alert_and_another_attempt(
        self, desk: Desk, active: Request
    ) -> None:
        request = self.end(desk, active, report=False, gone=False)
        assert request.state is State.ACTIVE
        (alert,) = desk.alerts
        assert "has ended, is not taken back yet, and is tried again" in alert
        assert {"expire", "watch-expiry"} <= desk.waiting()
        later(desk, MINUTE)
        assert [run.workflow for run in desk.github.runs] == ["apply.yml", "expire.yml", "expire.yml"]
        desk.github.delete(entry_of(request).path)
        desk.github.complete(3)
        later(desk)
        assert desk.request(active).state is State.ENDED

    def test_a_revert_whose_job_died_is_started_again_and_alerted(self, desk: Desk, active: Request) -> None:
        later(desk, 4 * HOUR)
        desk.github.complete(2, "failure")
        later(desk)
        assert "has ended, is not taken back yet, and is tried again" in desk.alerts[0]
        assert [run.state.attempt for run in desk.github.runs] == [1, 2]
        told = [m for m in desk.messages("ana", "infra-requests") if m.shows("has been started again")]
        assert ["that takes it back ended before it was done" in m.visible_text for m in told] == [True]
        desk.github.delete(entry_of(active).path)
        desk.job_ends(active, Result.REVERTED, "It was taken back.", run="expire")
        later(desk)
        assert desk.request(active).state is State.ENDED

    def test_a_revert_that_failed_is_left_to_another_run(self, desk: Desk, active: Request) -> None:
        later(desk, 4 * HOUR)
        desk.job_ends(active, Result.FAILED, "AWS said no.", run="expire")
        later(desk)
        later(desk, MINUTE)
        assert [run.workflow for run in desk.github.runs] == ["apply.yml", "expire.yml", "expire.yml"]

    @pytest.mark.parametrize("after", [False, True])
    def test_a_lost_answer_starts_one_expiry(self, desk: Desk, active: Request, after: bool) -> None:
        desk.github.lists_after = LISTED
        desk.github.fail("dispatch", lost("start expire.yml"), after=after)
        later(desk, 4 * HOUR)
        desk.settle(MINUTE)
        assert [run.workflow for run in desk.github.runs] == ["apply.yml", "expire.yml"]

    def test_everything_that_ends_at_the_same_moment_is_ended_by_one_job(self, desk: Desk) -> None:
        requests = [desk.approve(desk.submit(f"view:{n}")) for n in range(20)]
        desk.work(Lane.COMMIT)
        desk.now += 4 * HOUR
        desk.work(Lane.EXPIRY)
        (run,) = desk.github.runs
        assert {desk.request(request).result("expire")["run"] for request in requests} == {run.state.id}

    def test_what_became_live_while_its_end_was_being_looked_at_has_ended(
        self, desk: Desk, applying: Request
    ) -> None:
        desk.now += 4 * HOUR
        desk.job_ends(applying, Result.APPLIED, "It is live.")
        (watch,) = desk.journal.claim(Lane.RUNS, desk.now, 9)
        desk.work(Lane.EXPIRY)
        desk.github.delete(entry_of(applying).path)
        desk.github.complete(2)
        (look,) = desk.journal.claim(Lane.RUNS, desk.now, 9)
        over = desk.runs.watch_expiry(look, desk.request(applying))
        assert isinstance(over, Done)
        live = desk.runs.watch(watch, applying)
        assert isinstance(live, Done)
        desk.journal.finish(watch, live)
        desk.journal.finish(look, over)
        assert desk.request(applying).state is State.ENDED
        assert deeds(desk, applying)[-2:] == [Deed.APPLIED, Deed.REVERTED]

    def test_what_was_never_applied_in_time_has_failed_and_says_so(self, desk: Desk, applying: Request) -> None:
        later(desk, 4 * HOUR)
        desk.github.delete(entry_of(applying).path)
        desk.github.complete(2)
        later(desk)
        request = desk.request(applying)
        assert (request.state, request.closing) == (
            State.FAILED,
            "Its time was over before its job had said that it was applied.",
        )

    def test_what_was_withdrawn_is_seen_gone_and_stays_failed(self, desk: Desk, applying: Request) -> None:
        desk.job_ends(applying, Result.FAILED, "AWS said no.")
        later(desk)
        desk.github.delete(entry_of(applying).path)
        desk.job_ends(applying, Result.REVERTED, "Nothing was left.", run="expire")
        later(desk)
        request = desk.request(applying)
        assert (request.state, request.closing) == (State.FAILED, "AWS said no.")
        assert deeds(desk, request)[-2:] == [Deed.FAILED, Deed.REVERTED]
        assert desk.waiting() == {"timeout", "reminder"}
