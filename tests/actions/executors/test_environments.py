"""The stop of an environment against strict ECS and RDS: true counts, order, refusals, other hands, patience."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from actions.executors.aws import AwsFault
from actions.executors.environments.calls import ServiceCalls
from actions.executors.environments.state import Service
from actions.executors.protocol import Before, Plan, TargetFault
from sandbox.aws import NONPROD, PROD, AwsStandIn, EcsService, RdsDatabase
from sandbox.aws.ecs import Limits
from sandbox.faults import Fault, Kind
from tests.actions.executors.support import START, Clock, Job, aws_on_loopback, entry, policies, with_facts, world

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST, SECOND = "is-222222", "is-333333"
LOCK = "infra/111111111111/eu-west-1/dev"


def stop(entry_id: str = FIRST, environment: str = "dev", **facts: Any) -> Any:
    """An approved stop until twelve hours after the start."""
    change = {"environment": environment}
    facts = {"environment": environment, "expires_at": START + 12 * HOUR, **facts}
    return entry(entry_id, "infra-stop", change, **facts)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[AwsStandIn]:
    with aws_on_loopback(monkeypatch, clock) as stand_in:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASANDBOXTESTAPPLY")
        stand_in.ecs.turn_time, stand_in.rds.turn_time = timedelta(seconds=15), timedelta(minutes=1)
        yield stand_in


@pytest.fixture
def job(aws: AwsStandIn, clock: Clock) -> Job:
    return Job(aws, clock, policies(), [stop()])


def counts(aws: AwsStandIn, cluster: str = "acme-dev") -> dict[str, tuple[int, int]]:
    """Running and desired tasks by service."""
    here = [found for found in aws.ecs.services() if found.spec.cluster == cluster]
    return {found.spec.name: (found.running, found.desired) for found in here}


def limits(aws: AwsStandIn, name: str = "api") -> tuple[int, int, bool, bool, bool]:
    found = aws.ecs.find(NONPROD, "acme-dev", name).limits
    assert found
    suspended = (found.scale_in_suspended, found.scale_out_suspended, found.scheduled_suspended)
    return (found.minimum, found.maximum, *suspended)


def status(aws: AwsStandIn, name: str = "acme-dev-db") -> str:
    return aws.rds.find(NONPROD, name).status


def scale(aws: AwsStandIn, name: str, count: int, clock: Clock) -> None:
    """Do what somebody in the console does, and let it come about."""
    aws.ecs.scale(NONPROD, "acme-dev", name, count)
    clock.now += aws.ecs.turn_time


def sentences(plan: Plan[Any]) -> list[str]:
    return [f"{step.verb} {step.sentence}" for step in plan.steps]


BEFORE = {"agent": (3, 3), "api": (2, 2), "nightly": (0, 0), "worker": (1, 1)}
DURING = {"agent": (3, 3), "api": (0, 0), "nightly": (0, 0), "worker": (0, 0)}


def test_a_stop_takes_down_services_and_databases_and_its_end_brings_back_what_was_there(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    first, *_, last = job.settle()
    assert sentences(first) == [
        "create Stop the ECS service acme-dev/api, which has 2 tasks.",
        "create Stop the ECS service acme-dev/worker, which has 1 task.",
        "create Stop the RDS instance acme-dev-db, which is available.",
        "create Stop the Aurora cluster acme-dev-orders, which is available.",
    ]
    assert last.unchanged == {FIRST}
    assert counts(aws) == DURING
    assert (status(aws), status(aws, "acme-dev-orders")) == ("stopped", "stopped")
    clock.now += 12 * HOUR
    job.settle()
    assert counts(aws) == BEFORE
    assert limits(aws) == (2, 6, False, False, False)
    assert (status(aws), status(aws, "acme-dev-orders")) == ("available", "available")


def test_services_go_down_before_databases_and_come_up_after_them(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    def writes() -> list[tuple[str, Any, Any]]:
        found = [c for c in aws.calls if not c.operation.startswith(("List", "Describe"))]
        aws.reset_calls()
        return [(c.operation, *(v for k, v in c.parameters.items() if k in {"desiredCount"})) for c in found]

    job.settle()
    assert writes() == [
        ("RegisterScalableTarget",),
        ("UpdateService", 0),
        ("UpdateService", 0),
        ("StopDBInstance",),
        ("StopDBCluster",),
    ]
    clock.now += 12 * HOUR
    job.settle()
    assert writes() == [
        ("StartDBInstance",),
        ("StartDBCluster",),
        ("UpdateService", 2),
        ("RegisterScalableTarget",),
        ("UpdateService", 1),
    ]


def test_automatic_scaling_cannot_raise_what_is_stopped(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    job.settle()
    assert limits(aws) == (0, 6, True, True, True)
    clock.now += HOUR
    assert counts(aws) == DURING


def test_true_counts_are_recorded_before_anything_is_changed(job: Job, aws: AwsStandIn) -> None:
    plan = job.plan()
    assert not [call for call in aws.calls if not call.operation.startswith(("List", "Describe"))]
    record = plan.before[0].facts[LOCK]
    assert isinstance(record, dict)
    assert record["ecs/acme-dev/api"] == {
        "phase": "planned",
        "at": "2026-11-21T09:00:00Z",
        "desired": 2,
        "scaling": {
            "minimum": 2,
            "maximum": 6,
            "scale_in_suspended": False,
            "scale_out_suspended": False,
            "scheduled_suspended": False,
        },
    }
    assert "ecs/acme-dev/agent" not in record


def test_a_second_stop_writes_nothing_and_remembers_the_true_counts(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    job.live.append(stop(SECOND, expires_at=START + DAY))
    job.operations()
    *_, last = job.settle()
    assert last.unchanged == {FIRST, SECOND}
    assert {o for o in job.operations() if not o.startswith(("List", "Describe"))} == set()
    assert job.before[SECOND].facts == job.before[FIRST].facts
    clock.now += 12 * HOUR
    job.settle()
    job.forget(FIRST)
    assert counts(aws) == DURING
    clock.now += 12 * HOUR
    job.settle()
    assert counts(aws) == BEFORE
    assert limits(aws) == (2, 6, False, False, False)


def test_an_entry_that_ends_while_another_holds_says_so(job: Job, clock: Clock) -> None:
    job.settle()
    job.live.append(stop(SECOND, expires_at=START + DAY))
    job.settle()
    clock.now += 12 * HOUR
    (only,) = job.settle()
    assert "ECS service acme-dev/api stays stopped for another request." in only.notes[FIRST]
    assert not only.refusals


@pytest.mark.parametrize("waits", [1, 3, 5, 8])
def test_a_job_that_dies_at_any_time_is_completed_by_the_next(
    job: Job, aws: AwsStandIn, clock: Clock, waits: int
) -> None:
    class DiedError(Exception):
        pass

    executor, plan = job.executor(), job.plan()
    job.record(plan)

    def died(seconds: float) -> None:
        clock.wait(seconds)
        if len(clock.waits) == waits:
            raise DiedError

    executor._wait = died
    with pytest.raises(DiedError):
        executor.apply(plan, FIRST)
    job.settle()
    assert counts(aws) == DURING
    assert status(aws) == "stopped"
    clock.now += 12 * HOUR
    job.settle()
    assert counts(aws) == BEFORE
    assert limits(aws) == (2, 6, False, False, False)


def test_a_start_that_was_interrupted_is_completed_by_the_next_job(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    clock.now += 12 * HOUR
    plan, executor = job.plan(), job.executor()

    def died(_seconds: float) -> None:
        raise InterruptedError

    executor._wait = died
    with pytest.raises(InterruptedError):
        executor.apply(plan, FIRST)
    assert status(aws) == "starting"
    job.settle()
    assert counts(aws) == BEFORE


class TestOtherHands:
    def test_a_service_that_somebody_started_is_left_to_them_and_told(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        job.settle()
        scale(aws, "api", 3, clock)
        *_, last = job.settle()
        assert not last.steps
        assert counts(aws)["api"] == (3, 3)
        told = "ECS service acme-dev/api has 3 tasks, since somebody started it meanwhile; it is left to them."
        assert told in last.notes[FIRST]
        clock.now += 12 * HOUR
        job.settle()
        assert counts(aws)["api"] == (3, 3)
        assert limits(aws) == (2, 6, False, False, False)

    def test_a_service_that_somebody_started_to_its_own_count_is_left_to_them_too(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        job.settle()
        scale(aws, "worker", 1, clock)
        assert not job.settle()[-1].steps
        assert counts(aws)["worker"] == (1, 1)

    def test_a_new_request_stops_what_somebody_started_and_remembers_their_count(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        job.settle()
        scale(aws, "api", 3, clock)
        job.settle()
        job.live.append(stop(SECOND, expires_at=START + DAY))
        job.settle()
        assert counts(aws)["api"] == (0, 0)
        clock.now += DAY
        job.settle()
        assert counts(aws)["api"] == (3, 3)
        assert limits(aws) == (2, 6, False, False, False)

    def test_a_database_that_somebody_started_is_left_to_them(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        job.settle()
        aws.rds.turn(NONPROD, "acme-dev-db", "starting")
        clock.now += HOUR
        *_, last = job.settle()
        assert status(aws) == "available"
        assert "RDS instance acme-dev-db is available: it was started by somebody since." in last.notes[FIRST]

    def test_a_database_that_was_stopped_before_stays_so_afterwards(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        aws.rds.turn(NONPROD, "acme-dev-db", "stopping")
        clock.now += HOUR
        job.settle()
        clock.now += 12 * HOUR
        job.settle()
        assert status(aws) == "stopped"
        assert status(aws, "acme-dev-orders") == "available"

    def test_a_service_that_had_no_task_gets_none(self, job: Job, aws: AwsStandIn, clock: Clock) -> None:
        job.settle()
        clock.now += 12 * HOUR
        job.settle()
        assert counts(aws)["nightly"] == (0, 0)

    def test_a_daemon_is_left_alone_and_told(self, job: Job) -> None:
        note = job.settle()[-1].notes[FIRST]
        assert (
            "ECS service acme-dev/agent keeps its 3 tasks: ECS alone decides how many a DAEMON service has."
            in note
        )

    def test_a_database_that_somebody_deleted_keeps_nothing_else_from_starting(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        job.settle()
        aws.rds.delete(NONPROD, "acme-dev-db")
        clock.now += 12 * HOUR
        *_, last = job.settle()
        assert counts(aws) == BEFORE
        assert "RDS instance acme-dev-db is gone: somebody deleted it meanwhile." in last.notes[FIRST]


def test_what_aws_starts_by_itself_after_a_week_is_stopped_again_and_remembered_for_the_next_week(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.live = [stop(expires_at=START + 30 * DAY)]
    job.settle()
    for _ in range(2):
        clock.now = aws.rds.find(NONPROD, "acme-dev-db").restarts_at or START
        assert status(aws) == "starting"
        *_, waits = job.settle()
        assert "only a database that is available can be stopped" in waits.notes[FIRST]
        clock.now += HOUR
        assert status(aws) == "available"
        assert "create Stop the RDS instance acme-dev-db, which is available." in sentences(job.settle()[0])
        assert status(aws) == "stopped"
    clock.now = START + 30 * DAY
    job.settle()
    assert status(aws) == "available"


def test_what_is_created_meanwhile_is_left_alone(job: Job, aws: AwsStandIn) -> None:
    job.settle()
    record: Any = job.before[FIRST].facts[LOCK]
    facts = {key: memory for key, memory in record.items() if key != "ecs/acme-dev/worker"}
    job.before[FIRST] = Before(FIRST, {LOCK: facts})
    aws.ecs.scale(NONPROD, "acme-dev", "worker", 4)
    *_, last = job.settle()
    assert not last.steps
    assert "ECS service acme-dev/worker is running 0 of 4 tasks: it came after the stop" in last.notes[FIRST]


class TestRefusals:
    def test_production_is_refused_whatever_policy_says(self, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASANDBOXPRODAPPLY")
        job.live = [stop(environment="prod")]
        (plan,) = job.settle()
        assert plan.refusals == {FIRST: "it is production, which is never stopped, whatever policy says"}
        assert counts(job.aws, "acme-prod") == {"api": (4, 4)}
        assert job.aws.rds.find(PROD, "acme-prod-db").status == "available"

    def test_what_cannot_be_stopped_is_told_and_keeps_nothing_else_from_it(
        self, job: Job, aws: AwsStandIn
    ) -> None:
        job.live = [stop(environment="staging")]
        *_, last = job.settle()
        assert last.unchanged == {FIRST}
        assert counts(aws, "acme-staging") == {"api": (0, 0), "worker": (0, 0)}
        assert last.notes[FIRST].split("\n") == [
            "Stopped: 2 ECS services.",
            "ECS service acme-staging/api is stopped, and comes back with 2 tasks.",
            "ECS service acme-staging/worker is stopped, and comes back with 2 tasks.",
            "RDS instance acme-staging-db is available: it has read replicas (acme-staging-reports).",
            "RDS instance acme-staging-reports is available: it is a read replica.",
        ]

    def test_an_entry_of_which_nothing_can_be_stopped_is_refused(self, job: Job, aws: AwsStandIn) -> None:
        job.policies = with_facts(
            "infrastructure", "main", ecs_clusters=[], rds_instances=["acme-staging-reports"]
        )
        job.policies = replace_clusters(job)
        (plan,) = job.settle()
        assert plan.refusals == {
            FIRST: "nothing of it can be stopped. RDS instance acme-staging-reports: it is a read replica."
        }
        assert not plan.before

    def test_an_entry_whose_every_resource_somebody_took_over_is_not_refused_afterwards(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        job.live = [stop(environment="staging")]
        job.settle()
        for name in ("api", "worker"):
            aws.ecs.scale(NONPROD, "acme-staging", name, 1)
        clock.now += HOUR
        *_, last = job.settle()
        assert (last.unchanged, last.refusals) == ({FIRST}, {})

    def test_a_busy_database_is_stopped_by_a_later_sweep(self, job: Job, aws: AwsStandIn) -> None:
        aws.rds.turn(NONPROD, "acme-dev-db", "backing-up")
        *_, last = job.settle()
        assert "RDS instance acme-dev-db is backing-up: only a database that is available" in last.notes[FIRST]
        assert status(aws, "acme-dev-orders") == "stopped"
        aws.rds.turn(NONPROD, "acme-dev-db", "available")
        job.settle()
        assert status(aws) == "stopped"

    def test_what_the_catalogue_names_and_aws_does_not_have_is_told(self, job: Job) -> None:
        job.policies = with_facts("infrastructure", "main", ecs_clusters=["acme-dev", "acme-dve"])
        *_, last = job.settle()
        assert "ECS cluster acme-dve is in the catalogue, but not in AWS." in last.notes[FIRST]

    def test_a_record_that_cannot_be_read_starts_nothing_with_a_guess(self, job: Job, clock: Clock) -> None:
        job.settle()
        job.before[FIRST] = Before(FIRST, {LOCK: {"ecs/acme-dev/api": {"phase": "stopped", "desired": "many"}}})
        with pytest.raises(
            TargetFault, match=r"is-222222\.before\.yaml cannot be read .* restore it from history"
        ):
            job.plan()


def replace_clusters(job: Job) -> Any:
    found = job.policies.catalogue.lists["infrastructure"]["main"]
    places = {place: {**facts, "aurora_clusters": []} for place, facts in found.places.items()}
    lists = {**job.policies.catalogue.lists, "infrastructure": {"main": replace(found, places=places)}}
    return replace(job.policies, catalogue=replace(job.policies.catalogue, lists=lists))


def settle_while(job: Job, clock: Clock, happens: Callable[[], None]) -> list[Plan[Any]]:
    """Settle, and let something happen when the job waits for the first time."""
    executor, plan = job.executor(), job.plan()
    job.record(plan)

    def wait(seconds: float) -> None:
        if not clock.waits:
            happens()
        clock.wait(seconds)

    executor._wait = wait
    executor.apply(plan, FIRST)
    return [plan, job.plan(executor)]


class TestPatience:
    def test_a_database_that_takes_too_long_is_told_and_nothing_is_turned_back(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        aws.rds.turn_time = HOUR
        *_, last = job.settle()
        assert last.unchanged == {FIRST}
        assert "RDS instance acme-dev-db is stopping: it is still stopping after the time" in last.notes[FIRST]
        clock.now += HOUR
        *_, last = job.settle()
        assert "RDS instance acme-dev-db is stopped; AWS starts it at" in last.notes[FIRST]

    def test_databases_keep_running_while_tasks_that_use_them_do(self, job: Job, aws: AwsStandIn) -> None:
        aws.ecs.turn_time = HOUR
        *_, last = job.settle()
        assert status(aws) == "available"
        waits = "it has to wait for ECS service acme-dev/api, ECS service acme-dev/worker"
        assert f"RDS instance acme-dev-db is available: {waits}." in last.notes[FIRST]

    def test_an_end_that_takes_too_long_is_no_end_yet_and_the_next_job_completes_it(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        job.settle()
        clock.now += 12 * HOUR
        aws.rds.turn_time = HOUR
        *_, last = job.settle()
        assert counts(aws) == DURING
        assert last.refusals[FIRST].startswith("not everything runs again. RDS instance acme-dev-db: it is still")
        assert "ECS service acme-dev/api: it has to wait for RDS instance acme-dev-db" in last.refusals[FIRST]
        clock.now += HOUR
        *_, last = job.settle()
        assert not last.refusals
        assert counts(aws) == BEFORE

    def test_an_end_waits_for_a_database_that_is_still_stopping(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        aws.rds.turn_time = timedelta(minutes=20)
        job.settle()
        aws.rds.turn_time = timedelta(minutes=1)
        job.end(FIRST)
        job.settle()
        assert counts(aws) == BEFORE
        assert status(aws) == "available"


class TestFaults:
    def test_a_service_that_aws_refuses_keeps_no_other_from_being_stopped(
        self, job: Job, aws: AwsStandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job.policies = with_facts("infrastructure", "main", rds_instances=[])
        real = ServiceCalls.set_count

        def refused(calls: ServiceCalls, service: Service, count: int) -> str:
            if service.name == "api":
                raise AwsFault("AWS refused UpdateService (ServerException).", "ServerException")
            return real(calls, service, count)

        monkeypatch.setattr(ServiceCalls, "set_count", refused)
        *_, last = job.settle()
        assert counts(aws)["worker"] == (0, 0)
        assert "ECS service acme-dev/api is running 2 of 2 tasks: AWS refused UpdateService" in last.notes[FIRST]

    def test_a_database_that_became_busy_meanwhile_is_told_with_what_aws_said(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        *_, last = settle_while(job, clock, lambda: aws.rds.turn(NONPROD, "acme-dev-db", "upgrading"))
        told = "RDS instance acme-dev-db is upgrading: AWS refused StopDBInstance (InvalidDBInstanceState: "
        assert told in last.notes[FIRST]
        assert status(aws, "acme-dev-orders") == "stopped"

    def test_a_database_that_another_job_stopped_meanwhile_is_no_refusal(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        *_, last = settle_while(job, clock, lambda: aws.rds.turn(NONPROD, "acme-dev-db", "stopping"))
        assert "RDS instance acme-dev-db is stopped; AWS starts it at" in last.notes[FIRST]

    def test_aws_that_cannot_be_read_any_more_is_a_fault_of_the_whole_job(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        with pytest.raises(TargetFault, match="DescribeServices"):
            settle_while(job, clock, lambda: aws.faults.add(Fault(Kind.STATUS, status=503, times=4)))

    def test_putting_back_tries_again_what_was_given_up(self, job: Job, aws: AwsStandIn, clock: Clock) -> None:
        executor, plan = job.executor(), job.plan()
        aws.ecs.turn_time = HOUR
        executor.apply(plan, FIRST)
        aws.ecs.turn_time = timedelta(seconds=15)
        executor.restore(plan, FIRST)
        assert counts(aws) == BEFORE

    def test_what_cannot_be_put_back_is_named(self, job: Job, aws: AwsStandIn) -> None:
        executor, plan = job.executor(), job.plan()
        executor.apply(plan, FIRST)
        aws.rds.turn_time = HOUR
        with pytest.raises(TargetFault, match="RDS instance acme-dev-db: it is still starting"):
            executor.restore(plan, FIRST)

    def test_a_service_at_zero_is_kept_there_with_its_scaling_held_and_given_back(
        self, job: Job, aws: AwsStandIn, clock: Clock
    ) -> None:
        found = aws.ecs.find(NONPROD, "acme-dev", "nightly")
        found.limits = Limits(0, 3)
        assert "create Keep the ECS service acme-dev/nightly at 0 tasks." in sentences(job.settle()[0])
        assert limits(aws, "nightly") == (0, 3, True, True, True)
        clock.now += 12 * HOUR
        job.settle()
        assert limits(aws, "nightly") == (0, 3, False, False, False)
        assert counts(aws) == BEFORE

    def test_putting_back_brings_up_what_the_plan_took_down(self, job: Job, aws: AwsStandIn) -> None:
        executor, plan = job.executor(), job.plan()
        executor.apply(plan, FIRST)
        executor.restore(plan, FIRST)
        assert counts(aws) == BEFORE
        assert limits(aws) == (2, 6, False, False, False)
        assert status(aws) == "available"


def test_thirty_services_are_read_in_pages_and_parts(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    services = tuple(EcsService(NONPROD, "acme-dev", f"s{n:03}", 1, limits=(1, 2)) for n in range(120))
    found = replace(world(), services=services, databases=(RdsDatabase(NONPROD, "acme-dev-db"),))
    with aws_on_loopback(monkeypatch, clock, found) as aws:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASANDBOXTESTAPPLY")
        job = Job(aws, clock, policies(), [stop()])
        assert len(job.plan().steps) == 121
        assert job.operations() == [
            *["ListServices"] * 2,
            *["DescribeServices"] * 12,
            *["DescribeScalableTargets"] * 3,
            "DescribeDBInstances",
            "DescribeDBClusters",
        ]
