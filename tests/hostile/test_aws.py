"""Whatever AWS answers, through botocore: a call gives an answer or an AwsFault with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.executors.aws import LONGEST_WAIT, AwsFault, ask
from tests.hostile.worst import texts, values
from tests.loopback import Answer, Loopback, Raw, Received, Reply

CALLS: Mapping[str, Callable[[Any], object]] = {
    "apigateway": lambda client: client.get_rest_api(restApiId="a"),  # REST and JSON
    "sso-admin": lambda client: client.list_instances(),  # JSON 1.1
    "ec2": lambda client: client.describe_security_groups(),  # XML
    "sts": lambda client: client.get_caller_identity(),  # query and XML
}
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=2, read_timeout=2)

codes = st.sampled_from(["AccessDenied", "ThrottlingException", "", "x" * 500]) | texts
errors = st.one_of(
    st.fixed_dictionaries({"__type": codes | values, "message": texts | values}),
    st.fixed_dictionaries({"Error": values, "retryAfterSeconds": values}),
    st.builds(
        "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>".format, codes, texts
    ).map(lambda text: text.encode(errors="replace")),
    values,
    st.binary(max_size=60),
)
headers = st.dictionaries(
    st.sampled_from(["x-amzn-ErrorType", "Retry-After", "x-amzn-RequestId", "Content-Type"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20) | st.just("9" * 400),
    max_size=3,
)
statuses = st.sampled_from([200, 200, 204, 400, 403, 404, 409, 429, 500, 503])


@pytest.fixture(scope="module")
def next_reply() -> list[Reply]:
    return [Answer()]


@pytest.fixture(scope="module")
def clients(next_reply: list[Reply]) -> Iterator[dict[str, Any]]:
    def reply(_: Received) -> Reply:
        return next_reply[0]

    with Loopback(reply) as server:
        session = boto3.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
        yield {name: session.client(name, endpoint_url=server.url, config=ONCE) for name in CALLS}


@pytest.mark.parametrize("service", CALLS)
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(reply=st.builds(Answer, errors, statuses, headers) | st.builds(Raw, st.binary(max_size=40)))
def test_a_call_gives_an_answer_or_a_fault(
    service: str, clients: dict[str, Any], next_reply: list[Reply], reply: Reply
) -> None:
    next_reply[0] = reply
    call = CALLS[service]
    try:
        ask("Operation", lambda: call(clients[service]))
    except AwsFault as fault:
        said = fault
    else:
        return
    assert "Operation" in str(said)
    assert said.retry_after is None or 0 <= said.retry_after <= LONGEST_WAIT


def test_a_wait_beyond_all_sense_is_bounded(clients: dict[str, Any], next_reply: list[Reply]) -> None:
    next_reply[0] = Answer({}, 429, {"Retry-After": "9" * 400})
    with pytest.raises(AwsFault) as raised:
        ask("Operation", lambda: CALLS["apigateway"](clients["apigateway"]))
    assert raised.value.retry_after == LONGEST_WAIT
