"""Hours without JIRA, Slack, GitHub, AWS or us while dozens of requests go on: what waits, and how it ends.

Time is simulated, and every call to a platform is counted in the second in which it was made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from coordinator.journal.silences import LONGEST_PAUSE, LOOKING, SPACING
from coordinator.journal.tables import effects, requests, silences
from coordinator.outside.tickets import label_of
from coordinator.queueing import Queue
from coordinator.requests import Request, State
from coordinator.slack.health import WELL, health
from coordinator.wording import TOO_LATE
from sallyport.audit import Deed, breaks
from sallyport.entries import parse_entry
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import PlatformError, TryLater, Unknown
from sallyport.platforms.slack_answers import EVENT_TYPE
from sandbox.faults import Fault, Kind, Moment
from tests.coordinator.asks import CHANGE, HOUR, SECOND
from tests.coordinator.desk import MINUTE, Desk

REQUESTS = 24
CALLS_OF_AN_EFFECT = 4  # of JIRA and Slack at most: a move reads twice and writes twice


def jira_hangs_up(desk: Desk) -> None:
    desk.jira.faults.add(Fault(Kind.DROP, Moment.BEFORE, times=10_000))


def slack_fails(desk: Desk) -> None:
    desk.slack.faults.add(Fault(Kind.STATUS, Moment.BEFORE, status=503, times=10_000))


def github_is_away(desk: Desk) -> None:
    desk.github.away = Unknown("GitHub", "answer", "no answer")


def everybody_is_back(desk: Desk) -> None:
    desk.jira.faults.clear()
    desk.slack.faults.clear()
    desk.github.away = None


@dataclass
class Day:
    """A desk on a day with an outage, and how many calls were made in which second."""

    desk: Desk
    requests: list[Request] = field(default_factory=list)
    calls: dict[str, Counter[datetime]] = field(default_factory=dict)
    jobs: Callable[[], None] = lambda: None  # what jobs do that have been started by then

    def passes(self, within: timedelta) -> None:
        """Let time pass, from one thing that is due to the next."""
        end = self.desk.now + within
        self.works()
        while (moment := self._next()) and moment <= end:
            self.desk.now = moment
            self.works()
        self.desk.now = end

    def _next(self) -> datetime | None:
        """When something may be done next; the journal's own listing would take most of the tests' time."""
        later = sa.case((effects.c.due > effects.c.leased_until, effects.c.due), else_=effects.c.leased_until)
        undone = sa.and_(effects.c.done < effects.c.wanted, later > self.desk.now)
        asked = sa.select(sa.func.min(silences.c.until)).where(silences.c.until > self.desk.now)
        with self.desk.journal.reading() as connection:
            found = connection.scalar(sa.select(sa.func.min(later)).where(undone)), connection.scalar(asked)
        return min((moment for moment in found if moment), default=None)

    def works(self) -> None:
        before = dict(self._made())
        self.desk.work()
        self.jobs()
        for platform, count in self._made():
            made = self.calls.setdefault(platform, Counter())
            made[self.desk.now.replace(microsecond=0)] += count - before[platform]

    def _made(self) -> Iterable[tuple[str, int]]:
        yield "JIRA", len(self.desk.jira.faults.calls)
        yield "Slack", len(self.desk.slack.faults.calls)
        yield "GitHub", len(self.desk.github.calls)

    def made(self, platform: str, since: datetime, until: datetime) -> int:
        """How many calls were made to it in that time."""
        return sum(count for at, count in self.calls[platform].items() if since <= at < until)

    def most_in_a_second(self, platform: str, since: datetime) -> int:
        return max(count for at, count in self.calls[platform].items() if at >= since)

    def untried(self, kind: str) -> set[str]:
        """Whose effect of this kind nobody has attempted: what may have been done is looked for first."""
        rows = self.desk.journal.waiting()
        return {row.request_id for row in rows if row.kind == kind and not row.attempts and not row.uncertain}

    def asks_and_approves(self, every: timedelta, count: int = REQUESTS) -> None:
        """Requests come in, each is approved a moment later, and jobs apply what was dispatched."""
        for number in range(len(self.requests), len(self.requests) + count):
            self.requests.append(self.desk.submit(f"view:{number}", lifetime=24 * HOUR))
            self.passes(SECOND)
            self.desk.approve(self.requests[-1])
            self.passes(SECOND)
            self.jobs_apply()
            self.passes(every - 2 * SECOND)

    def jobs_apply(self) -> None:
        if self.desk.github.away:
            return
        for request in map(self.desk.request, self.requests):
            if request.state is State.APPLYING and not request.result("watch"):
                number = request.result("dispatch")["run"]
                if self.desk.github._run(number).state.status != "completed":
                    self.desk.job_ends(request, Result.APPLIED, "It is in force.")

    def jobs_end(self, result: Result, detail: str) -> None:
        """Every job that was started for ends reports the same of all of them."""
        github = self.desk.github
        for run in github.runs:
            if run.workflow == "expire.yml" and run.state.status != "completed":
                outcomes = [Outcome(request.id, result, detail, self.desk.now) for request in self.requests]
                github.report(run.state.id, *outcomes)
                github.complete(run.state.id)
        if result is Result.REVERTED:
            for request in self.requests:
                github.delete(f"requests/api-whitelisting/{request.id}.yaml")

    def deeds(self) -> list[Deed]:
        return [fact.deed for request in self.requests for fact, _ in self.desk.journal.facts(request.id)]

    def states(self) -> set[State]:
        with self.desk.journal.reading() as connection:
            return {State(one) for one in connection.scalars(sa.select(requests.c.state).distinct())}

    def catches_up(self) -> datetime:
        """Everybody is back; wait until nothing waits that is due, and return when that was."""
        everybody_is_back(self.desk)
        for _ in range(240):
            self.passes(10 * SECOND)
            self.jobs_apply()
            if self.states() == {State.ACTIVE} and not self._waits():
                return self.desk.now
        raise AssertionError("it never catches up")

    def _waits(self) -> bool:
        return any(row.due <= self.desk.now for row in self.desk.journal.waiting())

    def ends_well(self) -> None:
        """Each request has one ticket with every fact in order and at its time, one thread and one card."""
        for request in map(self.desk.request, self.requests):
            assert request.state is State.ACTIVE
            facts = self.desk.journal.facts(request.id)
            assert breaks(facts) == []
            (issue,) = [one for one in self.desk.jira.issues if label_of(request.id) in one.labels]
            told = [moment for comment in issue.comments for moment in _MOMENT.findall(comment.body)[:1]]
            assert told == [f"{fact.at:%Y-%m-%dT%H:%M:%S}Z" for fact, _ in facts[1:]]
        markers = Counter(_markers(self.desk))
        assert set(markers.values()) == {1}
        for request in self.requests:
            assert {f"{request.id}:thread", f"{request.id}:card:U0LEE"} <= markers.keys()
        assert Counter(
            run.inputs["request_id"] for run in self.desk.github.runs if run.workflow == "apply.yml"
        ) == (Counter({request.id: 1 for request in self.requests}))
        committed = [path for _, _, files in self.desk.github.commits for path in files]
        assert Counter(committed) == Counter({f"requests/api-whitelisting/{r.id}.yaml": 1 for r in self.requests})


@dataclass
class Aws:
    """AWS as the jobs of a day find it: what each makes of its target, or that there is no answer."""

    day: Day
    away: bool = False
    made: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.day.jobs = self.works

    def works(self) -> None:
        """Every job that was started comes to its end."""
        github = self.day.desk.github
        for run in github.runs:
            if run.workflow == "apply.yml" and run.state.status != "completed":
                outcomes = list(self._outcomes(run.inputs))
                github.report(run.state.id, *outcomes)
                github.complete(run.state.id, "failure" if self.away else "success")

    def _outcomes(self, inputs: Mapping[str, str]) -> Iterator[Outcome]:
        """A job for a target makes all that is missing there, and tells of that and of those it was asked for."""
        asked, now = {inputs["request_id"], *inputs.get("also", "").split()}, self.day.desk.now
        for request in map(self.day.desk.request, self.day.requests):
            there = self.day.desk.runs.place(request)[2] == inputs["lock"] and self._is_live(request)
            if self.away and request.id in asked:
                fault = "AWS did not answer GetRestApi. Nothing was changed."
                yield Outcome(request.id, Result.FAILED, fault, now, unanswered=True)
            elif there and not self.away and request.id not in self.made:
                self.made.add(request.id)
                yield Outcome(request.id, Result.APPLIED, "It is in force.", now)
            elif there and not self.away and request.id in asked:
                yield Outcome(request.id, Result.ALREADY, "It is in force already.", now)

    def _is_live(self, request: Request) -> bool:
        path = f"requests/api-whitelisting/{request.id}.yaml"
        content = self.day.desk.github.files.get(path)
        schemas = self.day.desk.installed.policies.schemas
        return content is not None and parse_entry(content, path, schemas).is_live(self.day.desk.now)


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def _markers(desk: Desk) -> Iterator[str]:
    for message in desk.slack.world.state.messages:
        metadata = message.now.metadata
        if not message.deleted and metadata and metadata["event_type"] == EVENT_TYPE:
            yield str(metadata["event_payload"]["effect"])


@pytest.fixture
def day(desk: Desk) -> Day:
    return Day(desk)


class TestJira:
    def test_requests_go_on_for_hours_and_their_tickets_follow_with_the_true_times(self, day: Day) -> None:
        jira_hangs_up(day.desk)
        began = day.desk.now
        day.asks_and_approves(every=6 * MINUTE)
        assert day.states() == {State.ACTIVE}
        assert not day.desk.jira.issues
        assert day.made("JIRA", began, day.desk.now) < 2.2 * ((day.desk.now - began) / LONGEST_PAUSE)
        assert "JIRA has not answered" in health(day.desk.journal.away_since(), day.desk.now)
        waits = [
            one.why for one in Queue(day.desk.journal, lambda: day.desk.now).waiting() if one.kind == "ticket"
        ]
        assert len(waits) == REQUESTS
        assert all(
            why.startswith("waits for JIRA, which has not answered since 2026-11-21T09:00:00Z") for why in waits
        )
        back, untried = day.desk.now, day.untried("ticket")
        day.catches_up()
        day.ends_well()
        assert day.most_in_a_second("JIRA", back) <= (SECOND / SPACING["JIRA"] + 1) * CALLS_OF_AN_EFFECT
        opened = [
            int(day.desk.request(one).ticket.rpartition("-")[2]) for one in day.requests if one.id in untried
        ]
        assert len(opened) > REQUESTS / 2
        assert opened == sorted(opened)
        assert health(day.desk.journal.away_since(), day.desk.now) == WELL

    def test_a_pause_that_it_asks_for_is_kept_by_everything_that_waits_for_it(self, day: Day) -> None:
        limit = Fault(Kind.STATUS, Moment.BEFORE, status=429, retry_after=600)
        day.desk.jira.faults.add(limit)
        began = day.desk.now
        day.asks_and_approves(every=10 * SECOND, count=20)
        assert day.made("JIRA", began, began + 600 * SECOND) == 1
        day.catches_up()
        day.ends_well()


class TestSlack:
    def test_what_is_decided_goes_on_and_everybody_is_told_once_afterwards(self, day: Day) -> None:
        slack_fails(day.desk)
        began = day.desk.now
        day.asks_and_approves(every=6 * MINUTE)
        assert day.states() == {State.ACTIVE}
        assert list(_markers(day.desk)) == []
        assert {one.status for one in day.desk.jira.issues} == {"Done"}
        assert day.made("Slack", began, day.desk.now) < 2.2 * ((day.desk.now - began) / LONGEST_PAUSE)
        back = day.desk.now
        day.catches_up()
        day.ends_well()
        assert day.most_in_a_second("Slack", back) <= (SECOND / SPACING["Slack"] + 1) * CALLS_OF_AN_EFFECT


class TestGitHub:
    def test_what_is_approved_waits_and_is_committed_in_the_order_of_approval(
        self, day: Day, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("coordinator.reconciler.BATCH", 10)
        github_is_away(day.desk)
        began = day.desk.now
        day.asks_and_approves(every=6 * MINUTE, count=26)
        assert day.states() == {State.APPROVED}
        assert day.made("GitHub", began, day.desk.now) < 2.2 * ((day.desk.now - began) / LONGEST_PAUSE)
        assert len(day.desk.jira.issues) == 26
        back = day.desk.now
        day.catches_up()
        day.ends_well()
        github, order = day.desk.github, [request.id for request in day.requests]
        entries = [
            parse_entry(content, path, day.desk.installed.policies.schemas)
            for _, _, files in github.commits
            for path, content in files.items()
        ]
        assert [entry.id for entry in entries] == order
        assert len(github.commits) == 3, "those that waited make as few commits as can be"
        moments = [entry.approvals[0].at for entry in entries]
        assert moments == sorted(moments)
        assert moments[-1] < back, "the moment of the approval, and not of the commit"
        looks = 10  # whether an entry is there already, for each one of a commit
        assert day.most_in_a_second("GitHub", back) <= SECOND / SPACING["GitHub"] + looks + 3

    @pytest.mark.parametrize(
        "error", [TryLater("GitHub", "answer", "no connection"), Unknown("GitHub", "answer", "no answer")]
    )
    def test_what_runs_out_of_time_meanwhile_ends_with_the_truth_and_is_never_committed(
        self, desk: Desk, error: PlatformError
    ) -> None:
        desk.github.away = error
        missed = [desk.approve(desk.submit(f"view:{number}", lifetime=HOUR)) for number in range(3)]
        desk.settle(HOUR)
        given = desk.approve(desk.submit("view:given", lifetime=HOUR))
        everybody_is_back(desk)
        desk.settle(HOUR / 2)
        for request in map(desk.request, missed):
            assert (request.state, request.closing) == (State.FAILED, TOO_LATE)
            facts = [fact.deed for fact, _ in desk.journal.facts(request.id)]
            assert facts[-1] is Deed.FAILED
            assert not {Deed.COMMITTED, Deed.DISPATCHED, Deed.REVERTED} & set(facts)
            ticket = desk.jira.issue(str(request.ticket))
            assert sum(TOO_LATE in comment.body for comment in ticket.comments) == 1
            told = [message for message in desk.messages("ana") if request.id in message.visible_text]
            assert [TOO_LATE in message.visible_text for message in told] == [True]
        assert [name for _, _, files in desk.github.commits for name in files] == [
            f"requests/api-whitelisting/{given.id}.yaml"
        ]
        assert [run.inputs["request_id"] for run in desk.github.runs] == [given.id]

    def test_what_is_over_without_asking_it_is_no_answer_of_it(self, desk: Desk, active: Request) -> None:
        """Its silence has begun when it has, although what runs out of time meanwhile ends by itself."""
        desk.github.away = TryLater("GitHub", "answer", "no connection")
        desk.now = began = active.expires_at or desk.now
        desk.settle(MINUTE)
        desk.approve(desk.submit("view:missed", lifetime=HOUR))
        desk.settle(2 * HOUR)
        assert [silence.since for silence in desk.journal.silences()] == [began]

    def test_that_it_is_back_is_seen_however_much_is_over_without_asking_it(
        self, desk: Desk, active: Request
    ) -> None:
        desk.github.away = TryLater("GitHub", "answer", "no connection")
        desk.now = active.expires_at or desk.now
        desk.settle(MINUTE)
        for number in range(6):
            desk.approve(desk.submit(f"view:{number}", lifetime=HOUR / 4))
        desk.settle(HOUR / 4 - SECOND)
        everybody_is_back(desk)
        desk.settle(LONGEST_PAUSE)
        assert not any(silence.since for silence in desk.journal.silences())

    def test_a_limit_is_kept_by_commits_runs_and_ends_alike(self, day: Day) -> None:
        day.asks_and_approves(every=MINUTE, count=4)
        day.desk.github.away = TryLater("GitHub", "answer", "secondary rate limit", after=600.0)
        began = day.desk.now
        day.asks_and_approves(every=20 * SECOND, count=12)
        assert day.made("GitHub", began, began + 600 * SECOND) == 1
        day.catches_up()
        day.ends_well()


class TestAws:
    """Jobs run and report all along: what they cannot do at AWS they say, and it is tried again."""

    def test_ends_that_fail_again_and_again_are_one_alert_and_come_with_their_true_time(self, day: Day) -> None:
        desk = day.desk
        day.asks_and_approves(every=MINUTE, count=3)
        end = max(request.expires_at for request in map(desk.request, day.requests) if request.expires_at)
        day.passes(end + MINUTE - desk.now)
        began = desk.now
        for _ in range(20):
            day.jobs_end(Result.FAILED, "AWS did not answer.")
            day.passes(MINUTE)
        ends = [run for run in desk.github.runs if run.workflow == "expire.yml" and run.state.created_at >= began]
        assert len(ends) <= 20 + len(day.requests) + 1, "one run a minute, once each has had its own"
        assert {alert.rpartition(": ")[2] for alert in desk.alerts} == {"AWS did not answer."}
        assert day.deeds().count(Deed.NOT_REVERTED) == len(day.requests), "a fact once, however often it is tried"
        back = desk.now
        day.jobs_end(Result.REVERTED, "It was taken back.")
        day.passes(2 * MINUTE)
        for request in map(desk.request, day.requests):
            assert request.state is State.ENDED
            last = desk.journal.facts(request.id)[-1][0]
            assert (last.deed, last.at) == (Deed.REVERTED, back)
        assert day.deeds().count(Deed.REVERTED) == len(day.requests)

    def test_what_is_approved_waits_for_hours_and_is_applied_once_in_order(self, day: Day) -> None:
        desk, aws = day.desk, Aws(day, away=True)
        targets = [replace(CHANGE, api=api) for api in ("payments", "orders")]

        began = desk.now
        for number in range(REQUESTS):
            lifetime = HOUR if number % 8 == 5 else 24 * HOUR
            change = targets[number % len(targets)]
            day.requests.append(desk.submit(f"view:{number}", lifetime=lifetime, changes=(change,)))
            day.passes(SECOND)
            desk.approve(day.requests[-1])
            day.passes(8 * MINUTE)
        short = [request for request in map(desk.request, day.requests) if request.lifetime == HOUR]
        lasting = [request for request in map(desk.request, day.requests) if request.lifetime != HOUR]
        assert all(request.unanswered for request in lasting)
        assert {request.unanswered.since for request in lasting if request.unanswered} == {
            fact.at for one in lasting for fact, _ in desk.journal.facts(one.id) if fact.deed is Deed.UNANSWERED
        }
        tried = [run for run in desk.github.runs if run.workflow == "apply.yml"]
        assert len(tried) < REQUESTS + 2.2 * ((desk.now - began) / LOOKING["AWS"].longest)
        assert [silence.platform for silence in desk.journal.silences()] == ["AWS"]

        day.passes(HOUR)
        for request in map(desk.request, short):
            assert request.state is State.FAILED
            assert re.fullmatch(
                "AWS gave no answer from .* until .*, and then its time was over.*", request.closing
            )
        aws.away, back = False, desk.now
        while not all(desk.request(request).state is State.ACTIVE for request in lasting):
            assert desk.now - back < 15 * MINUTE, "it never catches up"
            day.passes(MINUTE)
        day.passes(5 * MINUTE)
        assert aws.made == {request.id for request in lasting}
        after = [run.inputs for run in desk.github.runs if run.workflow == "apply.yml"][len(tried) :]
        last = [run for run in after if "also" in run]
        assert len(last) == 1, "one job has seen whether it is back, and one has done all at the other target"
        named = [last[0]["request_id"], *last[0]["also"].split()]
        assert named == [one.id for one in lasting if one.id in named], "in the order of approval"
        for request in lasting:
            facts = desk.journal.facts(request.id)
            told = [fact.deed for fact, _ in facts]
            assert told[-3:] == [Deed.DISPATCHED, Deed.UNANSWERED, Deed.APPLIED]
            assert facts[-1][0].at >= back
            assert breaks(facts) == []
            (issue,) = [one for one in desk.jira.issues if label_of(request.id) in one.labels]
            moments = [moment for comment in issue.comments for moment in _MOMENT.findall(comment.body)[:1]]
            assert moments == [f"{fact.at:%Y-%m-%dT%H:%M:%S}Z" for fact, _ in facts[1:]]
        assert set(Counter(_markers(desk)).values()) == {1}
        assert desk.journal.silences() == []


class TestTheCoordinator:
    def test_what_ended_without_it_is_told_with_its_true_time_and_asked_of_nobody_again(self, day: Day) -> None:
        desk = day.desk
        day.asks_and_approves(every=MINUTE, count=5)
        day.passes(MINUTE)
        shown, ends = Counter(_markers(desk)), {}
        for request in map(desk.request, day.requests):
            assert request.expires_at
            desk.now = ends[request.id] = request.expires_at + 7 * SECOND  # the sweep is not late
            run = desk.github.sweeps()
            desk.github.delete(f"requests/api-whitelisting/{request.id}.yaml")
            desk.github.report(run, Outcome(request.id, Result.REVERTED, "It was taken back.", desk.now))
            desk.github.complete(run)
        day.passes(timedelta())  # nothing of it is known yet: the first look comes when it is back
        desk.now += 3 * HOUR
        desk.build()
        desk.settle(MINUTE)
        started = [run for run in desk.github.runs if run.workflow == "expire.yml" and run.event != "schedule"]
        assert len(started) == 1, "one look for all of them"
        desk.github.complete(started[0].state.id)
        desk.settle(MINUTE)
        for request in map(desk.request, day.requests):
            assert request.state is State.ENDED
            (reverted,) = [f for f, _ in desk.journal.facts(request.id) if f.deed is Deed.REVERTED]
            assert reverted.at == ends[request.id]
            (issue,) = [one for one in desk.jira.issues if label_of(request.id) in one.labels]
            assert any(f"{reverted.at:%Y-%m-%dT%H:%M:%S}Z" in comment.body for comment in issue.comments)
        after = Counter(_markers(desk))
        assert set(after.values()) == {1}, "nobody is told anything twice"
        assert {marker for marker in after if ":card:" in marker} == {one for one in shown if ":card:" in one}
