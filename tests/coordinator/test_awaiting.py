"""Requests for which AWS gave no answer: they wait visibly, are tried again in order, and have an end."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.deciding import NotYours
from coordinator.journal.silences import ITS_OWN, LOOKING
from coordinator.lifecycle import Lane
from coordinator.outside.awaiting import LONGEST_PAUSE, LONGEST_WAIT
from coordinator.queueing import Queue
from coordinator.requests import Request, State
from coordinator.slack.health import WELL, health
from coordinator.withdrawing import Withdrawing
from coordinator.wording import state_words
from sallyport.audit import Deed, breaks
from sallyport.entries import parse_entry
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.slack_text import date
from sallyport.times import format_moment
from tests.coordinator.asks import CHANGE, HOUR, NOW, SECOND
from tests.coordinator.desk import MINUTE, Desk

FAULT = "It could not be applied: AWS did not answer GetRestApi. Nothing was changed."
LOOK = LOOKING["AWS"]


def applying(desk: Desk, key: str = "view:V1", **different: object) -> Request:
    """A request whose job has been started, asked after those that there are."""
    desk.now += SECOND if desk.journal.ids() else timedelta()
    request = desk.approve(desk.submit(key, **different))
    desk.work()
    return desk.request(request)


def tell(desk: Desk, request: Request, result: Result, *, unanswered: bool = False, detail: str = "So.") -> None:
    """The newest job of a request reports and ends, and that is heard."""
    number = desk.request(request).result("dispatch")["run"]
    desk.github.report(number, Outcome(request.id, result, detail, desk.now, unanswered=unanswered))
    desk.github.complete(number, "success" if result.good else "failure")
    desk.now += 20 * SECOND
    desk.work()


def in_vain(desk: Desk, request: Request) -> Request:
    """AWS gives the job of *request* no answer."""
    tell(desk, request, Result.FAILED, unanswered=True, detail=FAULT)
    return desk.request(request)


def passes(desk: Desk, time: timedelta) -> None:
    end = desk.now + time
    desk.settle(time)
    desk.now = end
    desk.work()


def is_over(desk: Desk, time: timedelta) -> None:
    """Time is over at once: what would have been looked at all the while is looked at in the end."""
    desk.now += time
    desk.work()


def runs(desk: Desk) -> list[str]:
    """For whom each job was started that applies something, in order."""
    return [run.inputs["request_id"] for run in desk.github.runs if run.workflow == "apply.yml"]


def raw(desk: Desk) -> str:
    """All that stands in Slack, as Slack has it: moments are not yet in anybody's zone."""
    found = [(message.now.text, *message.now.blocks) for message in desk.slack.world.state.messages]
    return json.dumps(found, ensure_ascii=False)


def cancel(desk: Desk, request: Request) -> None:
    """Cancel it, as its requester."""
    Withdrawing(desk.journal, lambda: desk.installed.policies, lambda: desk.now).cancel(request.id, "U0ANA")


def tried_again(desk: Desk) -> str:
    """For whom the next job is started, as soon as it is."""
    count, began = len(runs(desk)), desk.now
    while len(runs(desk)) == count:
        passes(desk, 5 * SECOND)
        assert desk.now - began < 2 * LOOK.longest, "nothing is tried again"
    return runs(desk)[-1]


def deeds(desk: Desk, request: Request) -> list[Deed]:
    return [fact.deed for fact, _ in desk.journal.facts(request.id)]


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first pause that is cut short may be over before a test has all of those wait of which it tells."""
    monkeypatch.setattr("coordinator.outside.awaiting.jitter", lambda: 1.0)


@pytest.fixture
def waiting(desk: Desk) -> Request:
    """A request that waits for AWS."""
    return in_vain(desk, applying(desk))


class TestItWaitsVisibly:
    def test_the_thread_the_requester_and_the_approver_see_that_it_waits_for_aws(
        self, desk: Desk, waiting: Request
    ) -> None:
        assert waiting.state is State.APPLYING
        assert state_words(waiting) == "Approved, waiting for AWS"
        words = "waits for AWS, which has not answered since"
        [root, *replies] = desk.messages("ana", "C0INFRA")
        assert words in root.visible_text
        assert "Cancel request" in root.buttons
        assert any("It is tried again until" in reply.visible_text for reply in replies)
        assert f"It is tried again until {date(NOW + 4 * HOUR)}, and it is said here" in raw(desk)
        assert any(words in told.visible_text for told in desk.messages("ana"))
        assert any("waiting for AWS" in card.visible_text for card in desk.messages("lee"))

    def test_the_ticket_tells_it_with_the_moment_and_stays_where_it_was(
        self, desk: Desk, waiting: Request
    ) -> None:
        assert desk.statuses()[-1] == "In Progress"
        comments = [one.body for one in desk.issue.comments if "could not be applied yet" in one.body]
        assert len(comments) == 1
        assert (
            "At 2026-11-21T09:00:00Z it could not be applied yet. AWS does not answer, or is too busy, so it waits"
            in comments[0]
        )

    def test_the_queue_and_the_home_tab_name_aws(self, desk: Desk, waiting: Request) -> None:
        [why] = [one.why for one in Queue(desk.journal, lambda: desk.now).waiting() if one.kind == "aws"]
        assert why.startswith("waits for AWS, which has not answered since 2026-11-21T09:00:20Z")
        desk.now += 2 * MINUTE
        assert "AWS has not answered since" in health(desk.journal.away_since(), desk.now)

    def test_no_attempt_after_the_first_is_told_again(self, desk: Desk, waiting: Request) -> None:
        said = len(desk.messages("ana", "C0INFRA")), len(desk.issue.comments), deeds(desk, waiting)
        for _ in range(3):
            tried_again(desk)
            in_vain(desk, waiting)
        assert (len(desk.messages("ana", "C0INFRA")), len(desk.issue.comments), deeds(desk, waiting)) == said
        assert len(runs(desk)) == 4

    def test_it_is_live_when_aws_answers_with_one_fact_of_each_and_nothing_left_of_the_wait(
        self, desk: Desk, waiting: Request
    ) -> None:
        tried_again(desk)
        tell(desk, waiting, Result.APPLIED, detail="It is in force.")
        request = desk.request(waiting)
        assert (request.state, request.unanswered) == (State.ACTIVE, None)
        assert [
            deed for deed in deeds(desk, waiting) if deed in {Deed.DISPATCHED, Deed.UNANSWERED, Deed.APPLIED}
        ] == [
            Deed.DISPATCHED,
            Deed.UNANSWERED,
            Deed.APPLIED,
        ]
        assert breaks(desk.journal.facts(request.id)) == []
        assert desk.journal.silences() == []
        assert health(desk.journal.away_since(), desk.now) == WELL
        assert not any("waits for AWS" in told.visible_text for told in desk.messages("ana"))

    def test_one_that_is_refused_when_it_is_tried_again_has_failed(self, desk: Desk, waiting: Request) -> None:
        tried_again(desk)
        tell(desk, waiting, Result.REFUSED, detail="Policy has changed.")
        assert desk.request(waiting).state is State.FAILED
        assert desk.journal.silences() == [], "nobody asks about AWS any more"


class TestTurns:
    def test_one_job_sees_whether_aws_is_back_at_growing_pauses(self, desk: Desk) -> None:
        first, second = applying(desk), applying(desk, "view:V2", changes=(replace(CHANGE, api="orders"),))
        in_vain(desk, first)
        in_vain(desk, second)
        pauses = []
        for _ in range(ITS_OWN - 1):
            began = desk.now
            assert tried_again(desk) == first.id
            pauses.append(desk.now - began)
            in_vain(desk, first)
        assert pauses == sorted(pauses)
        assert all(pause < LOOK.longest + MINUTE for pause in pauses)
        assert not any(one == second.id for one in runs(desk)[2:])

    def test_one_that_is_refused_has_seen_nothing_and_the_next_one_looks_at_once(self, desk: Desk) -> None:
        first, second = applying(desk), applying(desk, "view:V2", changes=(replace(CHANGE, api="orders"),))
        in_vain(desk, first)
        in_vain(desk, second)
        assert tried_again(desk) == first.id
        tell(desk, first, Result.REFUSED)
        assert runs(desk)[-1] == second.id
        assert [silence.since is None for silence in desk.journal.silences()] == [False]

    def test_one_that_never_has_luck_lets_another_see(self, desk: Desk) -> None:
        first, second = applying(desk), applying(desk, "view:V2", changes=(replace(CHANGE, api="orders"),))
        in_vain(desk, first)
        in_vain(desk, second)
        seen = set()
        for _ in range(ITS_OWN + 3):
            seen.add(tried_again(desk))
            in_vain(desk, desk.journal.request(runs(desk)[-1]))
        assert seen == {first.id, second.id}

    def test_when_aws_is_back_all_follow_in_order_with_one_job_for_each_target(self, desk: Desk) -> None:
        other = replace(CHANGE, api="orders")
        changes = [CHANGE, other, CHANGE, other]
        four = []
        for number, change in enumerate(changes):
            four.append(applying(desk, f"view:{number}", changes=(change,)))
            in_vain(desk, four[-1])
        assert tried_again(desk) == four[0].id
        number = desk.request(four[0]).result("dispatch")["run"]
        now = desk.now
        desk.github.report(number, *(Outcome(four[n].id, Result.APPLIED, "Live.", now) for n in (0, 2)))
        desk.github.complete(number)
        passes(desk, MINUTE)
        last = desk.github.runs[-1]
        assert (last.inputs["request_id"], last.inputs["also"]) == (four[1].id, four[3].id)
        assert len(runs(desk)) == 6, "the job of the first has told of the third"
        assert [desk.request(one).state for one in four] == [
            State.ACTIVE,
            State.APPLYING,
            State.ACTIVE,
            State.APPLYING,
        ]
        assert desk.journal.facts(four[2].id)[-1][0].details["run"] == str(number)

    def test_those_of_one_job_keep_the_order_of_their_approvals(self, desk: Desk) -> None:
        four = []
        for number in range(4):
            four.append(desk.approve(desk.submit(f"view:{number}")))
            desk.work(Lane.COMMIT)
            desk.now += SECOND / 1000
        desk.work()
        number = desk.request(four[0]).result("dispatch")["run"]
        fault = (Outcome(one.id, Result.FAILED, FAULT, desk.now, unanswered=True) for one in four)
        desk.github.report(number, *fault)
        desk.github.complete(number, "failure")
        desk.now += 20 * SECOND
        desk.work()
        lucky = applying(desk, "view:V2", changes=(replace(CHANGE, api="orders"),))
        tell(desk, lucky, Result.APPLIED)
        passes(desk, 20 * SECOND)
        last = desk.github.runs[-1].inputs
        assert [last["request_id"], *last["also"].split()] == [one.id for one in four]

    def test_a_lost_answer_to_a_further_start_is_not_taken_for_the_job_before(
        self, desk: Desk, waiting: Request
    ) -> None:
        from tests.coordinator.fakes import lost

        desk.github.fail("dispatch", lost("start apply.yml"))
        tried_again(desk)
        passes(desk, MINUTE)
        assert len(runs(desk)) == 2
        assert desk.request(waiting).result("dispatch")["run"] == desk.github.runs[-1].state.id

    def test_others_are_applied_meanwhile_and_that_one_of_them_is_ends_the_silence(
        self, desk: Desk, waiting: Request
    ) -> None:
        lucky = applying(desk, "view:V2", changes=(replace(CHANGE, api="orders"),))
        tell(desk, lucky, Result.APPLIED)
        assert desk.request(lucky).state is State.ACTIVE
        passes(desk, 20 * SECOND)
        assert runs(desk)[-1] == waiting.id

    def test_one_whose_corner_of_aws_is_away_alone_has_pauses_of_its_own(
        self, desk: Desk, waiting: Request
    ) -> None:
        for _ in range(ITS_OWN):
            tried_again(desk)
            in_vain(desk, waiting)
        lucky = applying(desk, "view:V2", changes=(replace(CHANGE, api="orders"),))
        tell(desk, lucky, Result.APPLIED)
        passes(desk, 20 * SECOND)
        in_vain(desk, waiting)
        assert desk.journal.silences() == [], "AWS answers others"
        count = len(runs(desk))
        passes(desk, LONGEST_PAUSE / 2 - MINUTE)
        assert len(runs(desk)) == count
        passes(desk, LONGEST_PAUSE / 2 + 2 * MINUTE)
        assert len(runs(desk)) == count + 1


class TestItsEnd:
    def test_at_its_deadline_it_fails_with_the_reason_and_its_entry_is_ended(
        self, desk: Desk, waiting: Request
    ) -> None:
        is_over(desk, 4 * HOUR - MINUTE)
        assert desk.request(waiting).state is State.APPLYING
        passes(desk, 2 * MINUTE)
        request = desk.request(waiting)
        assert request.state is State.FAILED
        assert "AWS gave no answer from 2026-11-21T09:00:00Z until 2026-11-21T13:00:00Z" in request.closing
        assert deeds(desk, request).count(Deed.FAILED) == 1
        assert any(run.workflow == "expire.yml" for run in desk.github.runs)
        assert any("its time was over" in told.visible_text for told in desk.messages("ana"))

    @pytest.mark.parametrize("lifetime", [4 * HOUR, None])
    def test_slack_shows_when_in_each_reader_s_zone_and_the_ticket_in_utc(
        self, desk: Desk, lifetime: timedelta | None
    ) -> None:
        in_vain(desk, applying(desk, lifetime=lifetime))
        passes(desk, (lifetime or LONGEST_WAIT) + MINUTE)
        until = NOW + (lifetime or LONGEST_WAIT)
        assert f"AWS gave no answer from {date(NOW)} until {date(until)}" in raw(desk)
        assert re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", raw(desk)) == []
        said = f"AWS gave no answer from {format_moment(NOW)} until {format_moment(until)}"
        assert any(said in comment.body for comment in desk.issue.comments)

    def test_without_a_deadline_it_waits_a_day(self, desk: Desk) -> None:
        request = in_vain(desk, applying(desk, lifetime=None))
        is_over(desk, LONGEST_WAIT - 2 * MINUTE)
        assert desk.request(request).state is State.APPLYING
        is_over(desk, 4 * MINUTE)
        assert "as long as an approval waits" in desk.request(request).closing

    def test_what_has_been_applied_is_given_up_by_nobody(self, desk: Desk) -> None:
        request = in_vain(desk, applying(desk, lifetime=None))
        tried_again(desk)
        tell(desk, request, Result.APPLIED)
        queued = {one.kind for one in Queue(desk.journal, lambda: desk.now).waiting()}
        assert not {"aws", "give-up"} & queued
        is_over(desk, LONGEST_WAIT + HOUR)
        assert desk.request(request).state is State.ACTIVE

    def test_its_requester_can_cancel_it_and_its_entry_is_ended(self, desk: Desk, waiting: Request) -> None:
        cancel(desk, waiting)
        passes(desk, MINUTE)
        assert desk.request(waiting).state is State.CANCELLED
        assert desk.statuses()[-1] == "Cancelled"
        path = f"requests/api-whitelisting/{waiting.id}.yaml"
        entry = parse_entry(desk.github.files[path], path, desk.installed.policies.schemas)
        assert not entry.is_live(desk.now)
        assert [run.workflow for run in desk.github.runs].count("expire.yml") == 1
        passes(desk, LOOK.longest + MINUTE)
        assert runs(desk) == [waiting.id], "nobody tries it again"
        assert desk.journal.silences() == [], "nobody asks about AWS any more"

    def test_a_job_that_was_under_way_when_it_was_cancelled_is_taken_back(
        self, desk: Desk, waiting: Request
    ) -> None:
        tried_again(desk)
        cancel(desk, waiting)
        desk.work()
        tell(desk, waiting, Result.APPLIED)
        assert desk.request(waiting).state is State.CANCELLED
        assert deeds(desk, waiting)[-2:] == [Deed.CANCELLED, Deed.APPLIED]
        passes(desk, MINUTE)
        desk.github.delete(f"requests/api-whitelisting/{waiting.id}.yaml")
        for run in desk.github.runs:
            if run.workflow == "expire.yml":
                desk.github.report(run.state.id, Outcome(waiting.id, Result.REVERTED, "Gone.", desk.now))
                desk.github.complete(run.state.id)
        passes(desk, MINUTE)
        assert deeds(desk, waiting)[-1] is Deed.REVERTED

    def test_one_that_is_started_just_then_is_no_fact(self, desk: Desk, waiting: Request) -> None:
        desk.now += LOOK.first
        desk.work(Lane.AWS)
        cancel(desk, waiting)
        desk.work()
        assert runs(desk) == [waiting.id, waiting.id]
        assert deeds(desk, waiting).count(Deed.DISPATCHED) == 1

    def test_a_job_in_vain_that_was_under_way_then_is_no_fact(self, desk: Desk, waiting: Request) -> None:
        tried_again(desk)
        cancel(desk, waiting)
        desk.work()
        in_vain(desk, waiting)
        assert deeds(desk, waiting)[-1] is Deed.CANCELLED
        assert desk.journal.silences() == []

    def test_a_job_that_refuses_it_then_has_made_nothing_and_nobody_asks_about_aws_any_more(
        self, desk: Desk, waiting: Request
    ) -> None:
        tried_again(desk)
        cancel(desk, waiting)
        desk.work()
        tell(desk, waiting, Result.REFUSED)
        assert desk.journal.silences() == []
        assert desk.request(waiting).was_never_made

    def test_what_is_being_applied_for_the_first_time_cannot_be_cancelled(self, desk: Desk) -> None:
        request = applying(desk)
        with pytest.raises(NotYours, match="being applied"):
            cancel(desk, request)
        assert desk.request(request).state is State.APPLYING

    def test_of_two_that_wait_the_turn_of_one_that_was_cancelled_is_the_other_s(self, desk: Desk) -> None:
        first, second = applying(desk), applying(desk, "view:V2", changes=(replace(CHANGE, api="orders"),))
        in_vain(desk, first)
        in_vain(desk, second)
        cancel(desk, first)
        assert tried_again(desk) == second.id
        assert len(runs(desk)) == 3
        assert desk.waiting() >= {"watch"}
        assert Lane.AWS not in desk.journal.backlog(desk.now)


class TestTheEndOfWhatWasNeverMade:
    """Only AWS can tell that nothing of it is there, and its silence is told once, and not for each end."""

    @pytest.fixture
    def over(self, desk: Desk, waiting: Request) -> Request:
        """A request that waited for AWS until its time was over, and a job that is to see it gone."""
        is_over(desk, 4 * HOUR)
        in_vain(desk, waiting)  # a last one was started in the meantime
        passes(desk, MINUTE)
        assert desk.request(waiting).state is State.FAILED
        return waiting

    def end(self, desk: Desk, request: Request, result: Result, *, unanswered: bool = False) -> None:
        """The newest job that was to take it back reports and ends, and that is heard."""
        number = desk.request(request).result("expire")["run"]
        told = Outcome(request.id, result, "So.", desk.now, unanswered=unanswered)
        desk.github.report(number, told)
        desk.github.complete(number, "success" if result.good else "failure")
        if result.good:
            desk.github.delete(f"requests/api-whitelisting/{request.id}.yaml")
        desk.now += 20 * SECOND
        desk.work()

    def in_vain(self, desk: Desk, request: Request) -> None:
        self.end(desk, request, Result.FAILED, unanswered=True)

    def ends(self, desk: Desk) -> int:
        """How many jobs were started that take back."""
        return [run.workflow for run in desk.github.runs].count("expire.yml")

    def tried_again(self, desk: Desk) -> timedelta:
        count, began = self.ends(desk), desk.now
        while self.ends(desk) == count:
            passes(desk, 5 * SECOND)
            assert desk.now - began < 2 * LOOK.longest, "nothing is tried again"
        return desk.now - began

    def test_waits_for_aws_without_a_word_and_visibly(self, desk: Desk, over: Request) -> None:
        told = len(desk.messages("ana"))
        for _ in range(3):
            self.in_vain(desk, over)
            queued = {one.name: one.why for one in Queue(desk.journal, lambda: desk.now).waiting()}
            assert "AWS, which has not answered since" in queued[f"{over.id}:aws-end"]
            self.tried_again(desk)
        assert desk.alerts == []
        assert Deed.NOT_REVERTED not in deeds(desk, over)
        assert len(desk.messages("ana")) == told
        assert [silence.platform for silence in desk.journal.silences() if silence.since] == ["AWS"]

    def test_is_tried_at_growing_pauses(self, desk: Desk, over: Request) -> None:
        pauses = []
        for _ in range(ITS_OWN):
            self.in_vain(desk, over)
            pauses.append(self.tried_again(desk))
        assert pauses == sorted(pauses)
        assert pauses[0] < pauses[-1]

    def test_comes_with_its_true_time_and_ends_the_silence(self, desk: Desk, over: Request) -> None:
        self.in_vain(desk, over)
        self.tried_again(desk)
        back = desk.now
        self.end(desk, over, Result.REVERTED)
        last = desk.journal.facts(over.id)[-1][0]
        assert (last.deed, last.at) == (Deed.REVERTED, back)
        assert desk.journal.silences() == []
        assert {one.kind for one in Queue(desk.journal, lambda: desk.now).waiting()} & {
            "aws-end",
            "expire",
        } == set()

    def test_lets_others_see_whether_aws_is_back_and_follows_them(self, desk: Desk, over: Request) -> None:
        self.in_vain(desk, over)
        count, lucky = self.ends(desk), applying(desk, "view:V2", changes=(replace(CHANGE, api="orders"),))
        tell(desk, lucky, Result.APPLIED)
        passes(desk, 20 * SECOND)
        assert self.ends(desk) == count + 1

    def test_is_told_where_aws_answers_others(self, desk: Desk, over: Request) -> None:
        for _ in range(ITS_OWN):
            self.in_vain(desk, over)
            self.tried_again(desk)
        lucky = applying(desk, "view:V2", changes=(replace(CHANGE, api="orders"),))
        tell(desk, lucky, Result.APPLIED)
        self.in_vain(desk, over)
        assert [alert for alert in desk.alerts if over.id in alert]
        assert deeds(desk, over)[-1] is Deed.NOT_REVERTED

    def test_is_told_when_a_job_says_anything_but_silence(self, desk: Desk, over: Request) -> None:
        self.in_vain(desk, over)
        self.tried_again(desk)
        self.end(desk, over, Result.FAILED)
        assert [alert for alert in desk.alerts if over.id in alert]
        assert deeds(desk, over)[-1] is Deed.NOT_REVERTED
        assert desk.journal.silences() == [], "nobody asks about AWS any more"

    def test_of_what_was_live_is_told_at_once(self, desk: Desk) -> None:
        request = applying(desk)
        tell(desk, request, Result.APPLIED)
        is_over(desk, 4 * HOUR)
        self.in_vain(desk, request)
        assert [alert for alert in desk.alerts if request.id in alert]
        assert deeds(desk, request)[-1] is Deed.NOT_REVERTED

    def test_of_what_may_have_been_made_is_told_at_once(self, desk: Desk) -> None:
        request = applying(desk)
        desk.github.complete(desk.request(request).result("dispatch")["run"], "success")
        desk.now += 20 * SECOND
        desk.work()
        assert desk.request(request).state is State.FAILED
        self.in_vain(desk, request)
        assert [alert for alert in desk.alerts if request.id in alert]
