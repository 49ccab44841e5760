"""Each kind of alert in the situation that it is for: raised, with what to do, once, counted, and over."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from prometheus_client import generate_latest

from coordinator import supervisor
from coordinator.alerts import TO_DO, Kind
from coordinator.lookout import AWAY_AFTER, GRACE, SWEEP_WITHIN
from coordinator.metrics import observe_journal
from coordinator.outside.commits import entry_of
from coordinator.outside.reviews import SOON
from coordinator.reconciler import ALERT_AFTER
from coordinator.requests import Request
from coordinator.supervisor import Supervisor
from sallyport.drift_labels import DRIFT, DRIFT_OVER
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import LETS_NOBODY_IN, Refused
from sandbox.faults import Fault, Moment
from sandbox.faults import Kind as Spoils
from tests.coordinator.desk import MINUTE, Desk
from tests.coordinator.test_reviews import broken, closes
from tests.coordinator.test_supervisor import until
from tests.coordinator.tower import URL, Tower


@dataclass(frozen=True)
class Situation:
    """How a kind of alert comes about, and how its cause goes away; *about* is what its sentence names."""

    arises: Callable[[Tower, Request], None]
    goes: Callable[[Tower, Request], None]
    about: str
    told_by_a_job: bool = False  # then only its end is told from here


def outlives_its_end(tower: Tower, active: Request) -> None:
    tower.desk.now = active.expires_at or tower.desk.now
    tower.desk.work()
    tower.desk.now += GRACE


def is_not_taken_back(tower: Tower, active: Request) -> None:
    tower.desk.now = active.expires_at or tower.desk.now
    tower.desk.work()
    tower.desk.job_ends(active, Result.FAILED, "AWS said no.", run="expire")
    tower.desk.now += MINUTE
    tower.desk.work()


def is_taken_back(tower: Tower, active: Request) -> None:
    tower.desk.github.delete(entry_of(active).path)
    tower.desk.settle(2 * MINUTE)
    tower.desk.job_ends(active, Result.REVERTED, run="expire")
    tower.desk.settle(MINUTE)


def is_refused(tower: Tower, _active: Request) -> None:
    tower.desk.jira.faults.add(Fault(Spoils.STATUS, Moment.BEFORE, "POST", "/issue$", 400, times=10_000))
    tower.desk.submit("view:refused")
    tower.desk.settle(ALERT_AFTER * MINUTE)


def jira_is_away(tower: Tower, _active: Request) -> None:
    tower.desk.jira.faults.add(Fault(Spoils.STATUS, Moment.BEFORE, status=503, times=10_000))
    tower.desk.submit("view:away")
    tower.desk.settle(AWAY_AFTER)


def jira_is_well(tower: Tower, _active: Request) -> None:
    tower.desk.jira.faults.clear()
    tower.desk.settle()


def no_sweep_comes(tower: Tower, _active: Request) -> None:
    tower.desk.now += SWEEP_WITHIN


def the_bucket_lets_nobody_in(tower: Tower, _active: Request) -> None:
    tower.desk.sink.fault = Refused("S3", "take it", "AccessDenied", status=403, reasons=(LETS_NOBODY_IN,))
    for number in range(3):
        tower.desk.submit(f"view:{number}")
    tower.desk.settle()


def the_bucket_takes_all(tower: Tower, _active: Request) -> None:
    tower.desk.sink.fault = None
    tower.desk.settle()


def aws_differs(tower: Tower, _active: Request) -> None:
    tower.desk.jira_client.create_issue("OPS", "Task", "Drift", "It differs.", [DRIFT], {})
    tower.lookout.look_for_drift()


def aws_differs_no_more(tower: Tower, _active: Request) -> None:
    (found,) = [issue for issue in tower.desk.jira.issues if DRIFT in issue.labels]
    tower.desk.jira_client.add_labels(found.key, [DRIFT_OVER])
    tower.lookout.look_for_drift()


def a_sweep_finds_what_nobody_approved(tower: Tower, _active: Request) -> None:
    tower.sweeps(Outcome("aw-999999", Result.REFUSED, "aw-999999 was never approved.", tower.desk.now))


def a_sweep_finds_nothing(tower: Tower, _active: Request) -> None:
    tower.sweeps()


def policies_break(tower: Tower, _active: Request) -> None:
    tower.policies.refresh()
    tower.desk.github.push({"policies/people.yaml": b"people: ["})
    tower.policies.keep_fresh()


def policies_are_mended(tower: Tower, _active: Request) -> None:
    tower.desk.github.push({"policies/people.yaml": tower.installed.files["people.yaml"]})
    tower.policies.keep_fresh()


def the_worker_dies(tower: Tower, _active: Request) -> None:
    keeper = Supervisor({}, tower.alerts, (sys.executable, "-S", "-c", ""))
    keeper.start()
    until(tower.alerts.board.all)
    keeper.stop()


def it_looks_around(_tower: Tower, _active: Request) -> None:
    """A worker that looks is there."""


def its_requester_closes_the_review(tower: Tower, _active: Request) -> None:
    request = broken(tower.desk, "view:emergency")
    tower.desk.settle()
    closes(tower.desk, request, "ana")
    tower.desk.settle(SOON)


def somebody_else_closes_the_review(tower: Tower, _active: Request) -> None:
    (request,) = [one for one in map(tower.desk.journal.request, tower.desk.journal.ids()) if one.grant]
    closes(tower.desk, request, "lee")
    tower.desk.settle(SOON)


def the_sink_has_another_anchor(tower: Tower, _active: Request) -> None:
    tower.desk.sink.fault = Refused("The audit sink", "keep the anchor", "another record stands there")
    tower.anchoring.look()


def the_sink_takes_it(tower: Tower, _active: Request) -> None:
    tower.desk.sink.fault = None
    tower.anchoring.look()


SITUATIONS = {
    Kind.OVERDUE: Situation(outlives_its_end, is_taken_back, "nobody has seen it taken back"),
    Kind.NOT_REVERTED: Situation(is_not_taken_back, is_taken_back, "is tried again: AWS said no."),
    Kind.STUCK: Situation(is_refused, jira_is_well, "“ticket” of"),
    Kind.AWAY: Situation(jira_is_away, jira_is_well, "JIRA has not answered since"),
    Kind.SWEEP: Situation(no_sweep_comes, a_sweep_finds_nothing, "the safety net is gone"),
    Kind.CREDENTIALS: Situation(
        the_bucket_lets_nobody_in, the_bucket_takes_all, "The audit sink refuses the coordinator's credentials"
    ),
    Kind.DRIFT: Situation(aws_differs, aws_differs_no_more, "AWS differs from", told_by_a_job=True),
    Kind.UNPROVEN: Situation(
        a_sweep_finds_what_nobody_approved, a_sweep_finds_nothing, "aw-999999 was never approved"
    ),
    Kind.POLICIES: Situation(policies_break, policies_are_mended, "The policies on main are broken"),
    Kind.WORKER: Situation(the_worker_dies, it_looks_around, "It is started again"),
    Kind.REVIEW: Situation(
        its_requester_closes_the_review,
        somebody_else_closes_the_review,
        "is open again",
    ),
    Kind.ANCHOR: Situation(the_sink_has_another_anchor, the_sink_takes_it, "does not have the anchor of"),
}


def test_there_is_a_situation_for_each_kind() -> None:
    assert set(SITUATIONS) == set(Kind)


def counted(desk: Desk, kind: Kind) -> float:
    observe_journal(desk.journal)
    found = re.search(rf'sallyport_alerts{{kind="{kind}"}} (\S+)', generate_latest().decode())
    assert found, kind
    return float(found[1])


@pytest.mark.parametrize("kind", list(Kind))
def test_it_is_told_with_what_to_do_once_until_it_is_over_and_counted(
    tower: Tower, active: Request, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.01)
    situation = SITUATIONS[kind]

    def told() -> list[str]:
        return [text for text in tower.said if situation.about in text]

    situation.arises(tower, active)
    if kind is not Kind.WORKER:  # which ends with a look
        tower.look()
        tower.look()
    seen = told()
    assert len(seen) == (0 if situation.told_by_a_job else 1)
    for text in seen:
        assert text.startswith(":rotating_light:")
        assert TO_DO[kind] in text
        assert f"<{URL}#{kind}|Runbook>" in text
    assert counted(tower.desk, kind) == 1

    situation.goes(tower, active)
    tower.look()
    tower.look()
    (over,) = told()[len(seen) :]
    assert over.startswith(":white_check_mark: Over:")
    assert counted(tower.desk, kind) == 0
