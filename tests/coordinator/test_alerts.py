"""Alerts: once until it changes, also across a restart and at two replicas; with what to do; never lost."""

from __future__ import annotations

import collections
import re
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from prometheus_client import generate_latest

from coordinator.alerts import RUNBOOK, TO_DO, Alerts, Kind, words
from coordinator.journal import Unheard
from coordinator.lifecycle import Lane
from coordinator.lookout import AWAY_AFTER, GRACE, SWEEP_WITHIN
from coordinator.metrics import observe_journal
from coordinator.outside.commits import entry_of
from coordinator.reconciler import ALERT_AFTER
from coordinator.requests import Request, Route, State
from coordinator.standing import Board, Standing
from sallyport.audit import Deed
from sallyport.drift_labels import DRIFT, DRIFT_OVER
from sallyport.entries import BREAK_GLASS, Grant
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import PlatformError, Refused, TryLater
from sallyport.platforms.slack_text import date
from sallyport.times import utc_now
from sandbox.faults import Fault, Moment
from sandbox.faults import Kind as Spoils
from tests.coordinator.asks import HOUR, NOW, ROOT, SECOND, claim, happened
from tests.coordinator.conftest import Store
from tests.coordinator.desk import MINUTE, Desk
from tests.coordinator.fakes import FakeGitHub
from tests.coordinator.tower import URL, Tower


class TestSaying:
    def test_it_is_said_once_until_it_changes(self, tower: Tower) -> None:
        for sentence in ("A is away.", "A is away.", "A and B are away.", "A is away."):
            tower.alerts(Kind.STUCK.about("x"), sentence)
        firsts = [text.partition("\n")[0] for text in tower.said]
        assert firsts == [f":rotating_light: {one}" for one in ("A is away.", "A and B are away.", "A is away.")]

    def test_a_restart_does_not_say_it_again(self, tower: Tower) -> None:
        tower.alerts(Kind.STUCK.about("x"), "A is away.")
        tower.restart()
        tower.alerts(Kind.STUCK.about("x"), "A is away.")
        tower.alerts.retell()
        assert len(tower.said) == 1

    def test_a_look_at_the_moment_in_which_it_is_said_does_not_say_it_too(
        self, tower: Tower, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slack = tower.alerts.slack

        def post(*given: Any, **named: Any) -> Any:
            monkeypatch.undo()
            tower.alerts.retell()  # by another thread, or another replica
            return slack.post(*given, **named)

        monkeypatch.setattr(slack, "post", post)
        tower.alerts(Kind.STUCK.about("x"), "A is away.")
        assert len(tower.said) == 1

    def test_two_replicas_say_it_once(self, store: Store) -> None:
        from tests.coordinator.test_journal import at_once

        boards = [Board(store.journal()), Board(store.journal())]
        raised = at_once(*[lambda b=b: b.raised("stuck-effect:x", "A is away.", NOW) for b in boards])
        assert sorted(one is None for one in raised) == [False, True]
        ended = at_once(*[lambda b=b: b.ended("stuck-effect:x", NOW) for b in boards])
        assert sorted(one is None for one in ended) == [False, True]

    def test_its_end_is_said_and_it_can_come_again(self, tower: Tower) -> None:
        subject = Kind.STUCK.about("x")
        tower.alerts(subject, "A is away.")
        tower.alerts.over(subject)
        tower.alerts.over(subject)
        assert tower.said[1:] == [":white_check_mark: Over: A is away."]
        assert tower.alerts.board.all() == []
        tower.alerts(subject, "A is away.")
        assert len(tower.said) == 3

    def test_what_slack_did_not_take_is_said_when_it_is_back(self, tower: Tower) -> None:
        tower.desk.slack.faults.add(Fault(Spoils.STATUS, Moment.BEFORE, "POST", "chat.postMessage", 503))
        tower.alerts(Kind.STUCK.about("x"), "A is away.")
        assert tower.said == []
        tower.restart()
        tower.desk.now += MINUTE
        tower.alerts.retell()
        tower.alerts.retell()
        assert len(tower.said) == 1

    def test_what_slack_took_without_saying_so_is_not_said_again(self, tower: Tower) -> None:
        tower.desk.slack.faults.add(Fault(Spoils.DROP, Moment.AFTER, "POST", "chat.postMessage"))
        tower.alerts(Kind.STUCK.about("x"), "A is away.")
        tower.desk.now += MINUTE
        tower.alerts.retell()
        assert len(tower.said) == 1
        assert [alert.told for alert in tower.alerts.board.all()] == [True]

    def test_without_a_channel_it_stands_all_the_same(self, tower: Tower) -> None:
        quiet = Alerts(tower.alerts.board, tower.desk.slack_client, "", URL, lambda: NOW)
        quiet(Kind.STUCK.about("x"), "A is away.")
        assert [alert.told for alert in quiet.board.all()] == [True]

    @pytest.mark.parametrize("kind", list(Kind))
    def test_it_says_what_to_do_and_links_its_section_of_the_runbook(self, kind: Kind) -> None:
        text = words(Standing(kind.about("x"), "<!channel> *A* is away.", NOW, over=False, told=False), URL)
        assert text.startswith(":rotating_light: &lt;!channel&gt; *A* is away.\n")
        assert TO_DO[kind] in text
        assert f"<{URL}#{kind}|Runbook>" in text
        headings = re.findall(r"(?m)^#+ (.+)$", (ROOT / RUNBOOK).read_text())
        assert kind.value in {heading.lower().replace(" ", "-") for heading in headings}


class TestOverdueReverts:
    def test_it_is_told_after_a_time_of_grace_and_over_when_it_is_seen_gone(
        self, tower: Tower, active: Request
    ) -> None:
        desk = tower.desk
        desk.now = active.expires_at or desk.now
        desk.work()
        tower.sweeps()
        assert tower.look(GRACE - MINUTE) == []
        end = date(NOW + 4 * HOUR)
        sentence = f"{active.id} was to end {end}, and nobody has seen it taken back."
        assert tower.look() == [f":rotating_light: {sentence}"]
        assert tower.look() == []
        desk.github.delete(entry_of(active).path)
        desk.job_ends(active, Result.REVERTED, run="expire")
        desk.work()
        assert tower.look() == [f":white_check_mark: Over: {sentence}"]

    def test_a_failed_revert_is_told_at_once_and_once_for_each_reason(self, tower: Tower, active: Request) -> None:
        desk = tower.desk
        desk.now = active.expires_at or desk.now
        desk.work()
        for why in ("AWS said no.", "AWS said no.", "AWS is away."):
            desk.job_ends(active, Result.FAILED, why, run="expire")
            desk.now += MINUTE
            desk.work()
            tower.look()
        failed = [text for text in tower.said if "not taken back" in text]
        assert [text.partition("tried again: ")[2].partition("\n")[0] for text in failed] == [
            "AWS said no.",
            "AWS is away.",
        ]

    @pytest.mark.parametrize(
        "error",
        [Refused("GitHub", "start expire.yml", "Actions is disabled"), TryLater("GitHub", "start", "away")],
    )
    def test_it_is_told_too_when_no_job_can_be_started(
        self, tower: Tower, active: Request, error: PlatformError
    ) -> None:
        desk = tower.desk
        end = active.expires_at or desk.now
        desk.now = end
        desk.github.fail("dispatch", error, times=1000)
        desk.settle(GRACE)
        desk.now = end + GRACE
        assert not [run for run in desk.github.runs if run.workflow == "expire.yml"]
        told = [text for text in tower.look(timedelta()) if f"{active.id} was to end" in text]
        assert len(told) == 1
        assert not any("was to end" in text for text in tower.look())

    def test_what_begins_while_the_lookout_looks_is_not_said_to_be_over(
        self, tower: Tower, active: Request, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = tower.desk
        desk.now = active.expires_at or desk.now
        desk.work()
        desk.job_ends(active, Result.FAILED, "AWS said no.", run="expire")
        tower.sweeps()

        def runs_of(*given: Any, **named: Any) -> Any:
            desk.work(Lane.RUNS)  # the watch hears of it just now
            return FakeGitHub.runs_of(desk.github, *given, **named)

        monkeypatch.setattr(desk.github, "runs_of", runs_of)
        (said,) = tower.look()
        assert "is not taken back yet" in said
        assert tower.look() == []

    def test_what_ends_in_time_is_no_alert(self, tower: Tower, active: Request) -> None:
        assert tower.look(30 * MINUTE) == []


class TestStuckEffects:
    def test_what_is_tried_in_vain_is_told_and_over_when_it_is_done(self, tower: Tower) -> None:
        desk = tower.desk
        request = desk.submit()
        for _ in range(ALERT_AFTER):
            desk.journal.retry(claim(desk.journal, Lane.JIRA, "ticket", desk.now), desk.now, "no", uncertain=False)
        sentence = f"“ticket” of {request.id} does not get done: no"
        assert tower.look() == [f":rotating_light: {sentence}"]
        assert tower.look() == []
        desk.work()
        assert tower.look() == [f":white_check_mark: Over: {sentence}"]


class TestCredentials:
    @pytest.mark.parametrize("error", ["invalid_auth", "token_revoked"])
    def test_a_revoked_token_is_told_once_for_its_platform_until_it_is_taken_again(
        self, tower: Tower, error: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = tower.desk
        refused = Refused("JIRA", "open a ticket", error, status=200, reasons=(error,))
        create = desk.jira_client.create_issue
        monkeypatch.setattr(desk.jira_client, "create_issue", mock.Mock(side_effect=refused))
        for number in range(8):
            desk.submit(f"view:{number}")
        desk.settle(40 * MINUTE)
        tower.sweeps()
        sentence = "JIRA refuses the coordinator's credentials, whatever it asks. What needs it waits."
        assert tower.look() == [f":rotating_light: {sentence}"]
        assert (tower.look(), desk.alerts) == ([], [])
        monkeypatch.setattr(desk.jira_client, "create_issue", create)
        desk.settle(6 * MINUTE)
        assert tower.look() == [f":white_check_mark: Over: {sentence}"]

    @pytest.mark.parametrize(
        ("refused", "of_credentials"),
        [
            (Refused("GitHub", "commit", "Bad credentials", status=401), True),
            (Refused("Slack", "post", "account_inactive", status=200, reasons=("account_inactive",)), True),
            (Refused("GitHub", "commit", "Resource not accessible by integration", status=403), False),
            (Refused("Slack", "post", "not_in_channel", status=200, reasons=("not_in_channel",)), False),
        ],
    )
    def test_only_who_is_known_to_nobody_has_none(self, refused: Refused, of_credentials: bool) -> None:
        assert refused.is_of_credentials is of_credentials


class TestDrift:
    def test_it_stands_while_a_ticket_tells_it_and_its_end_is_told(self, tower: Tower) -> None:
        """The job that found it has told the channel."""
        jira = tower.desk.jira_client
        tower.lookout.look_for_drift()
        first, second = (jira.create_issue("OPS", "Task", "Drift", "It differs.", [DRIFT], {}) for _ in range(2))
        tower.lookout.look_for_drift()
        (alert,) = tower.alerts.board.all()
        sentence = f"AWS differs from what the live entries ask for: {first}, {second}."
        assert (alert.subject, alert.sentence) == (Kind.DRIFT.about("aws"), sentence)
        assert tower.look() == []
        jira.add_labels(first, [DRIFT_OVER])
        tower.lookout.look_for_drift()
        (alert,) = tower.alerts.board.all()
        assert alert.sentence.endswith(f": {second}.")
        tower.desk.jira.faults.add(Fault(Spoils.STATUS, Moment.BEFORE, status=503))
        with pytest.raises(PlatformError):
            tower.lookout.look_for_drift()
        assert len(tower.alerts.board.all()) == 1
        jira.add_labels(second, [DRIFT_OVER])
        tower.lookout.look_for_drift()
        assert tower.said == [f":white_check_mark: Over: {alert.sentence}"]


class TestPlatformsThatAreAway:
    def waits_for_jira(self, desk: Desk, requests: int) -> None:
        desk.jira.faults.add(Fault(Spoils.STATUS, Moment.BEFORE, status=503, times=10_000))
        for number in range(requests):
            desk.submit(f"view:{number}")
        desk.settle(AWAY_AFTER - MINUTE)

    def test_one_alert_tells_of_all_that_waits_and_one_that_it_is_over(self, tower: Tower) -> None:
        desk = tower.desk
        since = date(desk.now)
        self.waits_for_jira(desk, 30)
        tower.sweeps()
        assert tower.look() == []
        said = tower.look()
        assert [text.partition(". ")[0] for text in said] == [
            f":rotating_light: JIRA has not answered since {since}"
        ]
        for _ in range(20):
            desk.settle(MINUTE)
            assert tower.look() == []
        assert desk.alerts == []
        desk.jira.faults.clear()
        desk.settle(5 * MINUTE)
        (over,) = tower.look()
        assert over.startswith(":white_check_mark: Over: JIRA has not answered since")

    def test_aws_is_one_too_which_jobs_ask(self, tower: Tower) -> None:
        desk, many = tower.desk, []
        for number in range(5):
            many.append(desk.approve(desk.submit(f"view:{number}")))
            desk.work()
            fault = Outcome(many[-1].id, Result.FAILED, "AWS did not answer.", desk.now, unanswered=True)
            run = desk.request(many[-1]).result("dispatch")["run"]
            desk.github.report(run, fault)
            desk.github.complete(run, "failure")
            desk.settle(20 * SECOND)
        tower.sweeps()
        assert tower.look() == []
        desk.now += AWAY_AFTER
        (said,) = tower.look()
        assert said.startswith(":rotating_light: AWS has not answered since")
        assert tower.look() == []
        assert desk.alerts == []
        desk.journal.answered(Lane.AWS, desk.now)
        (over,) = tower.look()
        assert over.startswith(":white_check_mark: Over: AWS has not answered since")

    def test_one_that_fails_while_others_are_answered_is_stuck_and_its_platform_is_not_away(
        self, tower: Tower
    ) -> None:
        desk = tower.desk
        desk.jira.faults.add(Fault(Spoils.STATUS, Moment.BEFORE, "POST", "/comment", status=500, times=10_000))
        request = desk.approve(desk.submit())
        for number in range(20):
            desk.submit(f"view:{number}")
            desk.settle(MINUTE)
            tower.look(timedelta())
        assert not any("has not answered" in text for text in tower.said)
        assert f"“comment:2” of {request.id} does not get done" in "\n".join([*desk.alerts, *tower.said])

    def test_how_long_it_is_silent_is_a_metric(self, tower: Tower) -> None:
        tower.desk.journal.unheard(Lane.JIRA, Unheard(utc_now() - timedelta(hours=1), 1.0))
        observe_journal(tower.desk.journal)
        found = dict(
            re.findall(r'sallyport_platform_silent_seconds{platform="(.+)"} (\S+)', generate_latest().decode())
        )
        assert 3600 <= float(found.pop("JIRA")) < 3700
        assert set(found.values()) == {"0.0"}

    def test_while_slack_is_silent_alerts_wait_and_keep_nobody_waiting(self, tower: Tower) -> None:
        slack = tower.desk.slack
        slack.faults.add(Fault(Spoils.DROP, Moment.BEFORE, "POST", times=10_000))
        for number in range(50):
            tower.alerts(Kind.OVERDUE.about(f"aw-{number}"), f"aw-{number} was to end.")
        assert len(slack.faults.calls) == 1
        slack.faults.clear()
        tower.desk.now += MINUTE
        tower.alerts.retell()
        assert len(tower.said) == 50


class TestTheSweep:
    def test_its_absence_is_told_once_it_was_waited_for(self, tower: Tower) -> None:
        assert tower.look(SWEEP_WITHIN - MINUTE) == []
        (said,) = tower.look()
        assert "No scheduled sweep (expire.yml) has come to its end within 45 minutes" in said
        tower.sweeps()
        (over,) = tower.look()
        assert over.startswith(":white_check_mark:")

    def test_a_dispatched_run_is_no_sweep(self, tower: Tower) -> None:
        tower.desk.github.dispatch("expire.yml", {"request_id": "aw-222222"})
        tower.desk.github.complete(1)
        tower.look(SWEEP_WITHIN - MINUTE)
        assert len(tower.look()) == 1

    @pytest.mark.parametrize("conclusion", ["cancelled", "skipped", "startup_failure"])
    def test_a_run_that_did_not_get_to_its_end_is_none(self, tower: Tower, conclusion: str) -> None:
        tower.look(SWEEP_WITHIN - MINUTE)
        tower.desk.github.complete(tower.desk.github.sweeps(), conclusion)
        assert len(tower.look()) == 1

    def test_while_github_is_away_nothing_is_known_of_it(self, tower: Tower) -> None:
        tower.look(SWEEP_WITHIN - MINUTE)
        tower.desk.github.fail("runs_of", TryLater("GitHub", "list runs", "away"))
        assert tower.look() == []
        assert len(tower.look()) == 1

    def test_that_github_does_not_show_it_to_us_is_told_until_it_does(self, tower: Tower) -> None:
        """As where its file is gone or has another name: an absence of which nobody would hear otherwise."""
        gone = Refused("GitHub", "list the runs of expire.yml", "Not Found", status=404)
        tower.desk.github.fail("runs_of", gone, times=2)
        (said,) = tower.look()
        assert "Nobody can tell whether the scheduled sweep (expire.yml) runs" in said
        assert tower.look() == []
        tower.sweeps()
        (over,) = tower.look()
        assert over.startswith(":white_check_mark:")

    def test_what_it_could_not_prove_or_take_back_is_told_until_it_can(
        self, tower: Tower, active: Request
    ) -> None:
        now = tower.desk.now
        tower.sweeps(
            Outcome("aw-999999", Result.REFUSED, "Nobody approved it.", now),
            Outcome("aw-888888", Result.FAILED, "AWS said no.", now),
            Outcome(active.id, Result.FAILED, "Its own watch tells.", now),
            Outcome("aw-777777", Result.REVERTED, "It was taken back.", now),
            Outcome("aw-666666", Result.FAILED, "Its job has told of it, and of many more.", now, held=True),
        )
        assert sorted(tower.look()) == [
            ":rotating_light: Nobody approved it.",
            ":rotating_light: aw-888888 has ended, is not taken back yet, and is tried again: AWS said no.",
        ]
        tower.sweeps()
        assert len(tower.look()) == 2
        assert all(text.startswith(":white_check_mark:") for text in tower.said[-2:])

    def test_what_the_last_one_told_stands_while_no_other_comes_to_its_end(self, tower: Tower) -> None:
        now = tower.desk.now
        tower.sweeps(
            Outcome("aw-999999", Result.REFUSED, "Nobody approved it.", now),
            Outcome("aw-888888", Result.FAILED, "AWS said no.", now),
        )
        assert len(tower.look()) == 2
        (missed,) = tower.look(SWEEP_WITHIN + MINUTE)
        assert "No scheduled sweep" in missed
        assert tower.look() == []

    def test_an_end_of_ours_is_told_though_no_sweep_comes_to_its_end(self, tower: Tower, active: Request) -> None:
        desk = tower.desk
        desk.now = active.expires_at or desk.now
        desk.work()
        desk.job_ends(active, Result.FAILED, "AWS said no.", run="expire")
        desk.now += MINUTE
        desk.work()
        tower.look()
        desk.github.delete(entry_of(active).path)
        desk.settle(2 * MINUTE)
        desk.job_ends(active, Result.REVERTED, run="expire")
        desk.settle(MINUTE)
        assert [text for text in tower.look() if ":white_check_mark:" in text and active.id in text]


class TestBreakingTheGlass:
    def test_it_is_told_once_in_one_message_that_shows_what_becomes_of_it(self, tower: Tower) -> None:
        grant = Grant(BREAK_GLASS, NOW, "INC-7")
        request = tower.desk.submit(grant=grant, route=Route())
        tower.desk.settle(MINUTE)
        tower.look()
        (alarm,) = tower.desk.messages("sam", "alerts")
        assert "Nobody was asked. Incident: INC-7." in alarm.visible_text
        assert "somebody else than @Ana Ruiz must close" in alarm.visible_text
        tower.desk.journal.move(request.id, happened(Deed.APPLIED, State.ACTIVE))
        tower.desk.settle(MINUTE)
        (alarm,) = tower.desk.messages("sam", "alerts")
        assert "Live until" in alarm.visible_text


class TestPolicies:
    def test_broken_ones_are_told_and_over_once_they_are_mended(self, tower: Tower) -> None:
        github = tower.desk.github
        tower.policies.refresh()
        good = github.files["policies/people.yaml"]
        github.push({"policies/people.yaml": b"people: ["})
        tower.policies.keep_fresh()
        assert "The policies on main are broken" in tower.said[0]
        assert tower.look() == []
        github.push({"policies/people.yaml": good})
        tower.policies.keep_fresh()
        (over,) = tower.look()
        assert over.startswith(":white_check_mark: Over: The policies on main are broken")


def test_what_stands_is_a_metric_for_each_kind(tower: Tower) -> None:
    def metric(kind: Kind) -> str:
        observe_journal(tower.desk.journal)
        found = re.search(rf'sallyport_alerts{{kind="{kind}"}} (\S+)', generate_latest().decode())
        assert found, kind
        return found[1]

    assert {metric(kind) for kind in Kind} == {"0.0"}
    tower.alerts(Kind.SWEEP.about("expire.yml"), "It is gone.")
    assert (metric(Kind.SWEEP), metric(Kind.STUCK)) == ("1.0", "0.0")
    tower.alerts.over(Kind.SWEEP.about("expire.yml"))
    assert metric(Kind.SWEEP) == "0.0"


def test_what_waits_is_a_metric_for_each_lane(tower: Tower) -> None:
    tower.desk.submit()
    observe_journal(tower.desk.journal)
    exposed = generate_latest().decode()
    pending = dict(re.findall(r'sallyport_effects_pending{lane="(.+)"} (\S+)', exposed))
    oldest = dict(re.findall(r'sallyport_effects_oldest_seconds{lane="(.+)"} (\S+)', exposed))
    waiting = [row for row in tower.desk.journal.waiting() if row.due <= utc_now()]
    assert {lane: float(count) for lane, count in pending.items()} == collections.Counter(r.lane for r in waiting)
    assert float(oldest[Lane.JIRA]) == pytest.approx(
        (utc_now() - min(r.due for r in waiting)).total_seconds(), abs=60
    )


def test_one_of_a_kind_that_only_another_version_knows_is_told_all_the_same(tower: Tower) -> None:
    tower.alerts.board.raised("break-glass:pa-7k3m9q", "Sam took it.", tower.desk.now)
    assert tower.look() == [":rotating_light: Sam took it."]
    assert tower.look() == []
