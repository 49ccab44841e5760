"""The way to AWS: refusals become sentences, throttled calls are waited out, and nothing is loaded too early."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from actions.executors import EXECUTORS, executor_for
from actions.executors.aws import AwsFault, Clients, ask, insist
from actions.executors.protocol import TargetFault
from actions.pacing import Backoff, Pacer
from sallyport.changes import KINDS
from sallyport.changes.protocol import Access
from sandbox.aws import AwsStandIn
from sandbox.faults import Fault, Kind, Moment
from tests.actions.executors.support import Clock, Job, policies, whitelisting


def refusing(code: str, times: int = 99, headers: dict[str, str] | None = None) -> Callable[[], str]:
    """A call that is refused so often before it answers."""
    left = [times]

    def call() -> str:
        if left[0] == 0:
            return "answer"
        left[0] -= 1
        response = {"Error": {"Code": code, "Message": "No."}, "ResponseMetadata": {"HTTPHeaders": headers or {}}}
        raise ClientError(response, "Operation")  # type: ignore[arg-type]  # only what is read of it

    return call


def test_a_refusal_names_the_operation_the_code_and_what_aws_said() -> None:
    with pytest.raises(AwsFault, match=r"AWS refused GetStage \(AccessDenied: No\)\.") as caught:
        ask("GetStage", refusing("AccessDenied"))
    assert caught.value.code == "AccessDenied"


def test_silence_names_the_operation() -> None:
    def call() -> None:
        raise ReadTimeoutError(endpoint_url="http://localhost")

    with pytest.raises(AwsFault, match="AWS did not answer GetStage"):
        ask("GetStage", call)


def test_an_answer_that_is_not_what_was_promised_is_a_fault(aws: AwsStandIn, clock: Clock) -> None:
    aws.faults.add(Fault(Kind.MALFORMED, method="GET", times=9))
    with pytest.raises(TargetFault, match="GetRestApi"):
        Job(aws, clock, policies(), [whitelisting("aw-222222")]).plan()


def test_a_throttled_call_is_repeated_after_the_time_that_aws_names_or_ours(clock: Clock) -> None:
    call = refusing("Slow", times=2, headers={"retry-after": "7"})
    assert insist("X", call, {"Slow"}, Backoff(4, first=1.0), clock.wait) == "answer"
    assert insist("X", refusing("Slow", times=2), {"Slow"}, Backoff(4, first=1.0), clock.wait) == "answer"
    assert clock.waits == [7.0, 7.0, 1.0, 2.0]


def test_patience_has_a_bound_and_is_only_for_the_codes_named(clock: Clock) -> None:
    with pytest.raises(AwsFault, match="Slow"):
        insist("X", refusing("Slow"), {"Slow"}, Backoff(3, first=1.0), clock.wait)
    with pytest.raises(AwsFault, match="Other"):
        insist("X", refusing("Other"), {"Slow"}, Backoff(3, first=1.0), clock.wait)
    assert clock.waits == [1.0, 2.0]


def test_a_pacer_makes_each_key_wait_for_its_own_turn(clock: Clock) -> None:
    pacer = Pacer(timedelta(seconds=5), clock, clock.wait)
    for key in ("one", "other", "one"):
        pacer.turn(key)
    assert clock.waits == [5.0]


def test_every_flow_has_an_executor() -> None:
    assert set(EXECUTORS) == set(KINDS)
    with pytest.raises(LookupError, match="did you mean “prod-access”"):
        executor_for("prod-acess", policies(), Clients(), now=Clock(), wait=print)


def test_naming_the_executors_loads_no_aws_library() -> None:
    program = "import sys, actions.executors; sys.exit('botocore' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0


class TestAJobWithoutARole:
    ACCESS = Access("222222222222", "eu-west-1", "arn:aws:iam::222222222222:role/x")

    def fault(self) -> AwsFault:
        with pytest.raises(AwsFault) as caught:
            Clients(has_role=False).reader("apigateway", self.ACCESS)
        return caught.value

    def test_waits_for_aws_where_that_gives_no_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
            fault = self.fault()
        assert fault.passing
        assert fault.beyond, "it never gets one, however long it waits"
        assert "got no role, since AWS gives no answer" in str(fault)

    def test_waits_for_aws_where_that_is_broken(self, aws: AwsStandIn) -> None:
        aws.faults.add(Fault(Kind.STATUS, Moment.BEFORE, status=503, times=9))
        assert self.fault().passing

    @pytest.mark.usefixtures("aws")
    def test_is_set_up_wrongly_where_aws_answers(self) -> None:
        fault = self.fault()
        assert not fault.passing
        assert "although AWS answers" in str(fault)
