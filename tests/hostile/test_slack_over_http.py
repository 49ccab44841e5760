"""Whatever is sent to /slack/events is answered, and shows nobody the inside of a fault."""

from __future__ import annotations

import copy
import http.client
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.slack.delivery import signature
from tests.coordinator.conftest import Installed, Places, in_memory
from tests.coordinator.office import CHANNEL, Office, open_office
from tests.hostile.worst import mutations, texts, values, whole_texts

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of whole payloads

FORM = "application/x-www-form-urlencoded"
fuzzed = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
INSIDES = ("Traceback", 'File "', "Error(", "sqlalchemy", "KeyError", "TypeError", "/coordinator/", "xoxb-")
FIXED = ("<!channel>", "<!here", "<@U0LEE>", "<https://evil")


@dataclass(frozen=True)
class Answer:
    status: int
    text: str


class Wire:
    """The running service, as anybody on the network reaches it; `kinds` is a good payload of each kind."""

    def __init__(self, office: Office, kinds: Mapping[str, Any]) -> None:
        self.office = office
        self.kinds = kinds

    def send(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(str(self.office.slack.request_url))
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            connection.request("POST", parts.path, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        finally:
            connection.close()

    def signed(self, body: bytes, content_type: str = FORM, *, at: float | None = None) -> Answer:
        moment = str(int(time.time() if at is None else at))
        return self.send(
            body,
            {
                "Content-Type": content_type,
                "X-Slack-Request-Timestamp": moment,
                "X-Slack-Signature": signature(self.office.slack.workspace.signing_secret, moment, body),
            },
        )

    def payload(self, payload: Any) -> Answer:
        return self.signed(urlencode({"payload": json.dumps(payload)}).encode())

    @contextmanager
    def records_nothing(self) -> Iterator[None]:
        before = self.recorded()
        yield
        assert self.recorded() == before

    def recorded(self) -> list[tuple[str, int, str]]:
        requests = self.office.requests
        return [(one.id, len(one.approvals), one.state) for one in requests]


def is_answered(answer: Answer) -> None:
    """It is an answer, and it says nothing that only a log should; Bolt has none for what Slack never sends."""
    assert answer.status in {200, 400, 401, 404, 413} or answer == Answer(500, ""), answer
    assert not [word for word in INSIDES if word in answer.text], answer


@pytest.fixture(scope="module")
def wire(installed: Installed, places: Places) -> Iterator[Wire]:
    with (
        tempfile.TemporaryDirectory(prefix="sqlite-", dir=in_memory()) as folder,
        open_office(f"sqlite:///{folder}/journal.db", installed, places, http=True) as office,
    ):
        yield Wire(office, good_payloads(office))


def good_payloads(office: Office) -> dict[str, Any]:
    """One payload of each kind, as Slack has sent it while people asked, filled a form in, and pressed."""
    ana, lee = office.slack.person("ana"), office.slack.person("lee")
    office.asks()
    form = office.fills_form()
    assert not form.submit()
    lee.sees("asks you to approve").press("Deny")
    ana.opens_home()
    found: dict[str, Any] = {}
    for delivery in office.slack.deliveries:
        kind = str(delivery.payload.get("type") or "command")
        found[kind] = delivery.payload
    return found


class TestUnsigned:
    @fuzzed
    @given(
        body=st.binary(max_size=200),
        headers=st.fixed_dictionaries(
            {},
            optional={
                "Content-Type": st.sampled_from(
                    [FORM, "application/json", "text/plain", "", "multipart/form-data"]
                ),
                "X-Slack-Request-Timestamp": st.sampled_from(
                    ["", "0", "-1", "9" * 12, "9" * 400, "1e9", "nan", "inf", " 1", "١٢٣", "0x10", "1_000"]
                ),
                "X-Slack-Signature": st.sampled_from(
                    ["", "v0=", "v0=" + "0" * 64, "v1=x", "é", "v0=" + "f" * 9_999]
                ),
            },
        ),
    )
    def test_nobody_gets_in(self, wire: Wire, body: bytes, headers: dict[str, str]) -> None:
        encoded = {name: quote(value, safe=" =_+-./") for name, value in headers.items()}
        with wire.records_nothing():
            answer = wire.send(body, encoded)
        assert answer.status in {400, 401}
        is_answered(answer)

    @pytest.mark.parametrize("age", [301, -301, 86_400, -86_400 * 365 * 50, 10**9])
    def test_a_good_signature_of_another_time_lets_nobody_in(self, wire: Wire, age: float) -> None:
        with wire.records_nothing():
            answer = wire.signed(urlencode(wire.kinds["command"]).encode(), at=max(0.0, time.time() - age))
        assert answer.status == 401

    def test_a_body_without_end_is_cut_off_before_anybody_signs_for_it(self, wire: Wire) -> None:
        answer = wire.send(b"x" * (3 << 20), {"X-Slack-Request-Timestamp": str(int(time.time()))})
        assert answer.status == 413


class TestSigned:
    """Slack's own secret: by mistake of Slack's, or in the hands of somebody who has it."""

    @fuzzed
    @given(body=st.binary(max_size=100) | values.map(lambda value: json.dumps(value).encode()))
    @pytest.mark.parametrize("content_type", [FORM, "application/json", "text/plain", "multipart/form-data"])
    def test_a_body_that_is_no_payload(self, wire: Wire, content_type: str, body: bytes) -> None:
        with wire.records_nothing():
            is_answered(wire.signed(body, content_type))

    @fuzzed
    @given(payload=values)
    def test_a_payload_that_is_anything(self, wire: Wire, payload: Any) -> None:
        with wire.records_nothing():
            is_answered(wire.payload(payload))

    @pytest.mark.parametrize("kind", ["view_submission", "block_actions"])
    @fuzzed
    @given(data=st.data())
    def test_a_payload_of_which_parts_are_missing_or_of_another_type(
        self, wire: Wire, kind: str, data: st.DataObject
    ) -> None:
        payload = data.draw(mutations(wire.kinds[kind]))
        before = len(wire.office.requests)
        is_answered(wire.payload(payload))
        assert len(wire.office.requests) <= before + 1

    @pytest.mark.parametrize("urls", [{"1": "x"}, {"0": {}}, [[]], ["x"], "x", 7, [None]])
    def test_a_form_whose_list_of_places_to_answer_is_of_another_shape(self, wire: Wire, urls: Any) -> None:
        with wire.records_nothing():
            answer = wire.payload({**wire.kinds["view_submission"], "response_urls": urls})
        assert answer.status == 400

    @fuzzed
    @given(data=st.data())
    def test_an_event_of_which_parts_are_missing_or_of_another_type(self, wire: Wire, data: st.DataObject) -> None:
        payload = data.draw(mutations(wire.kinds["event_callback"]))
        with wire.records_nothing():
            is_answered(wire.signed(json.dumps(payload).encode(), "application/json"))

    @fuzzed
    @given(data=st.data())
    def test_a_command_of_which_parts_are_missing_or_strange(self, wire: Wire, data: st.DataObject) -> None:
        fields = dict(wire.kinds["command"])
        for name in data.draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=3)):
            fields[name] = data.draw(whole_texts)
        fields.pop(data.draw(st.sampled_from([*fields, "nothing"])), None)
        is_answered(wire.signed(urlencode(fields).encode()))

    def test_the_same_thing_delivered_again_is_the_same_request(self, wire: Wire) -> None:
        for kind in ("command", "view_submission"):
            payload = wire.kinds[kind]
            again = urlencode(payload if kind == "command" else {"payload": json.dumps(payload)}).encode()
            with wire.records_nothing():
                for _ in range(3):
                    is_answered(wire.signed(again))


class TestWhatPeopleType:
    @pytest.mark.parametrize("command", ["/prod-access", "/apiwhitelisting", "/nothing-of-ours"])
    @pytest.mark.parametrize("user", ["U0ANA", "U0LEE", "U0KIM", "U0DEE", "U0ROB", "U0NOBODY", "", "<!channel>"])
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(text=whole_texts)
    def test_after_a_command_is_never_markup_in_the_answer(
        self, wire: Wire, command: str, user: str, text: str
    ) -> None:
        fields = {**wire.kinds["command"], "command": command, "user_id": user, "text": text, "trigger_id": text}
        answer = wire.signed(urlencode(fields).encode())
        is_answered(answer)
        shown = answer.text.replace("<@U0LEE> can decide", "").replace("<@U0LEE>, <@U0SAM>", "")
        assert not [token for token in FIXED if token in shown], answer

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_into_a_form_is_taken_as_it_is_or_refused_at_its_field(self, wire: Wire, data: st.DataObject) -> None:
        payload = copy.deepcopy(wire.kinds["view_submission"])
        payload["view"]["id"] = f"V{data.draw(st.integers(0, 10**9))}"
        answers = payload["view"]["state"]["values"]
        for block in data.draw(st.lists(st.sampled_from(sorted(answers)), min_size=1, max_size=2)):
            (element,) = answers[block].values()
            chosen = element.get("selected_option")
            (chosen if chosen else element)["value"] = data.draw(texts)
        answer = wire.payload(payload)
        is_answered(answer)
        errors = json.loads(answer.text)["errors"] if answer.text else {}
        assert set(errors) <= set(answers)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(carried=texts | values.map(json.dumps))
    def test_what_a_form_carries_with_it_is_not_trusted(self, wire: Wire, carried: str) -> None:
        payload = copy.deepcopy(wire.kinds["view_submission"])
        payload["view"]["private_metadata"] = carried
        payload["view"]["id"] = "VTAMPERED"
        with wire.records_nothing():
            is_answered(wire.payload(payload))

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        prefix=st.sampled_from(["approve:", "deny:", "cancel:", "give-back:", "start:", "continue:", "answer:"]),
        value=texts,
        user=st.sampled_from(["U0KIM", "U0DEE", "U0ROB", "U0NOBODY", ""]),
    )
    def test_a_button_with_another_value_decides_nothing(
        self, wire: Wire, prefix: str, value: str, user: str
    ) -> None:
        payload = copy.deepcopy(wire.kinds["block_actions"])
        payload["user"]["id"] = user
        payload["actions"][0] |= {"action_id": f"{prefix}x", "value": value}
        with wire.records_nothing():
            is_answered(wire.payload(payload))


def test_the_service_is_as_well_afterwards_as_before(wire: Wire) -> None:
    answer = wire.office.slack.person("ana").types("/prod-access help", channel=CHANNEL)
    assert answer.ok
    assert "/prod-access" in answer.text
