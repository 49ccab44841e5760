"""The way to AWS: refusals become sentences, throttled calls are waited out, and nothing is loaded too early."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import botocore.session
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


def refusing(
    code: str, times: int = 99, headers: dict[str, str] | None = None, status: int = 400
) -> Callable[[], str]:
    """A call that is refused so often before it answers."""
    left = [times]

    def call() -> str:
        if left[0] == 0:
            return "answer"
        left[0] -= 1
        about = {"HTTPStatusCode": status, "HTTPHeaders": headers or {}}
        response = {"Error": {"Code": code, "Message": "No."}, "ResponseMetadata": about}
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
    call = refusing("Throttling", times=2, headers={"retry-after": "7"})
    assert insist("X", call, Backoff(4, first=1.0), clock.wait) == "answer"
    assert insist("X", refusing("Throttling", times=2), Backoff(4, first=1.0), clock.wait) == "answer"
    assert clock.waits == [7.0, 7.0, 1.0, 2.0]


def test_patience_has_a_bound_and_is_only_for_what_is_throttled_and_the_codes_named(clock: Clock) -> None:
    with pytest.raises(AwsFault, match="Busy"):
        insist("X", refusing("Busy"), Backoff(3, first=1.0), clock.wait, {"Busy"})
    assert clock.waits == [1.0, 2.0]
    with pytest.raises(AwsFault, match="Other"):
        insist("X", refusing("Other"), Backoff(3, first=1.0), clock.wait, {"Busy"})
    with pytest.raises(AwsFault, match="Throttling"):
        insist("X", refusing("Throttling"), Backoff(2, first=1.0), clock.wait, {"Busy"})
    assert clock.waits == [1.0, 2.0, 1.0]


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


SERVICES = (
    *("apigateway", "wafv2", "ec2", "sso-admin", "identitystore", "ecs", "application-autoscaling", "rds"),
    *("elbv2", "sts"),
)
OF_API_GATEWAY = "LimitExceededException"  # of a rate and of a quota alike
AFTER = {"retry-after": "3"}


def fault_of(code: str, status: int, headers: dict[str, str] | None = None) -> AwsFault:
    """What a refusal of AWS is to a job."""
    with pytest.raises(AwsFault) as caught:
        ask("Operation", refusing(code, status=status, headers=headers))
    return caught.value


def modelled() -> list[tuple[str, str, int]]:
    """Every error that the services we use are documented to answer with: service, code, status."""
    session = botocore.session.get_session()
    return [
        (service, shape.error_code, shape.metadata.get("error", {}).get("httpStatusCode", 400))
        for service in SERVICES
        for shape in session.get_service_model(service).error_shapes
    ]


class TestTooMuchOfSomething:
    """AWS gives no answer to too many calls, which passes; of too many things it refuses one more."""

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("TooManyRequestsException", 429),  # API Gateway
            ("ThrottlingException", 400),  # WAF, IAM Identity Center, ECS, Application Auto Scaling
            ("ThrottlingException", 429),
            ("Throttling", 400),  # RDS, load balancers, STS
            ("RequestLimitExceeded", 503),  # EC2
            ("RequestLimitExceeded", 400),
            ("EC2ThrottledException", 503),
            ("429", 429),  # a gateway on the way, which names no code
            ("TooMuch", 429),
        ],
    )
    def test_a_call_too_many_is_one_without_an_answer(self, code: str, status: int) -> None:
        fault = fault_of(code, status)
        assert fault.throttled
        assert fault.passing

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("RulesPerSecurityGroupLimitExceeded", 400),  # EC2
            ("PrefixListMaxEntriesExceeded", 400),
            ("WAFLimitsExceededException", 400),
            ("ServiceQuotaExceededException", 402),  # IAM Identity Center
            ("LimitExceededException", 400),  # ECS, Application Auto Scaling
            ("InstanceQuotaExceeded", 400),  # RDS
            ("TooManyTargets", 400),  # load balancers
            ("LimitExceededException", 429),  # API Gateway: “Maximum number of Resources for API with id …”
            ("ServiceQuotaExceededException", 429),
            ("AccessDeniedException", 403),
        ],
    )
    def test_a_thing_too_many_is_a_refusal(self, code: str, status: int) -> None:
        fault = fault_of(code, status)
        assert not fault.throttled
        assert not fault.passing

    def test_of_api_gateway_s_one_code_for_both_it_is_a_call_where_it_says_when_to_come_again(self) -> None:
        assert fault_of(OF_API_GATEWAY, 429, AFTER).passing
        assert not fault_of(OF_API_GATEWAY, 400, AFTER).passing

    def test_no_error_that_a_service_documents_is_taken_for_the_other(self) -> None:
        found = {(service, code) for service, code, status in modelled() if fault_of(code, status).throttled}
        assert found == {
            ("apigateway", "TooManyRequestsException"),
            ("elbv2", "PriorRequestNotComplete"),  # 429: the one before has to end first
            ("identitystore", "ThrottlingException"),
            ("sso-admin", "ThrottlingException"),
        }


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
