"""When something breaks under a person's hands: they are told, nothing is lost, and nothing happens twice."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from coordinator.requests import State
from coordinator.slack import replies
from coordinator.slack.answering import Answering
from sandbox.slack.interactions import TROUBLE, WHOLE_FORM
from tests.coordinator.conftest import over_http
from tests.coordinator.office import CHANNEL, Office

APPROVE = "Approve production access"


@contextmanager
def no_database(office: Office) -> Iterator[None]:
    """Every transaction fails, as when the database's host is away."""

    def fail(_connection: object) -> None:
        raise sa.exc.OperationalError("BEGIN", {}, OSError("no route to host"))

    sa.event.listen(office.journal._engine, "begin", fail)
    try:
        yield
    finally:
        sa.event.remove(office.journal._engine, "begin", fail)


@contextmanager
def no_answer_to_commit(office: Office, afterwards: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The next request is committed, and the connection lost before anybody hears of it."""
    engine = office.journal._engine
    commit, asks = engine.dialect.do_commit, threading.local()

    def note(_connection: sa.Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        asks.yes = statement.startswith("INSERT INTO requests") or getattr(asks, "yes", False)

    def lose(connection: Any) -> None:
        commit(connection)
        if getattr(asks, "yes", False):
            engine.dialect.do_commit = commit
            afterwards()
            raise sqlite3.OperationalError("the connection was lost")

    sa.event.listen(engine, "after_cursor_execute", note)
    engine.dialect.do_commit = lose
    try:
        yield
    finally:
        engine.dialect.do_commit = commit
        sa.event.remove(engine, "after_cursor_execute", note)


@contextmanager
def locked_database(office: Office) -> Iterator[None]:
    """Somebody else writes to the SQLite file and does not come to an end."""
    other = sqlite3.connect(str(office.journal._engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@over_http
class TestForgeries:
    def test_a_wrong_signature_a_stale_one_and_none_let_nobody_in(self, office: Office) -> None:
        office.asks()
        assert office.slack.forge(secret="guessed") == 401
        assert office.slack.forge(age=301) == 401
        assert office.slack.forge(headers={"X-Slack-Signature": "v0=00"}) == 401
        assert office.slack.forge(headers={"X-Slack-Signature": ""}) == 401
        for nonsense in ("soon", "", "-1", "1e9", "9" * 5000, "٣"):
            assert (
                office.slack.forge(headers={"X-Slack-Request-Timestamp": nonsense.encode().decode("latin-1")})
                == 401
            )
        assert len(office.requests) == 1

    def test_a_forged_approval_is_no_approval(self, office: Office) -> None:
        office.asks()
        office.slack.person("lee").sees("asks you to approve").press("Deny")
        payload = dict(office.slack.deliveries[-1].payload)
        payload["actions"] = [{**payload["actions"][0], "action_id": f"approve:{office.request.id}"}]
        assert office.slack.forge(payload, secret="guessed") == 401
        assert office.request.state is State.PENDING


class TestFaultsOfOurs:
    def test_the_form_stays_open_and_says_so(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        form = office.fills_form()
        with monkeypatch.context() as broken:
            broken.setattr(office.journal, "submit", lambda _: 1 / 0)
            errors = form.submit()
        assert "That did not work, and nothing was recorded." in next(iter(errors.values()))
        assert form.is_open
        assert form.value("Reason") == "Partner go-live"
        assert form.submit() == {}
        assert len(office.requests) == 1

    def test_a_command_is_answered_with_the_truth(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(office.journal, "submit", lambda _: 1 / 0)
        answer = office.slack.person("ana").types("/prod-access let me in", channel=CHANNEL)
        assert "That did not work, and nothing was recorded." in answer.text
        assert office.requests == []

    def test_who_pressed_a_button_is_told_and_may_press_again(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.asks()
        lee = office.slack.person("lee")
        card = lee.sees("asks you to approve")
        with monkeypatch.context() as broken:
            broken.setattr(office.journal, "decide", lambda *_: 1 / 0)
            assert card.press(APPROVE).ok
            lee.sees("That did not work, and nothing was recorded.")
        assert office.request.state is State.PENDING
        card.press(APPROVE)
        assert [decision.by for decision in office.request.decisions] == ["lee@example.com"]

    def test_who_pressed_on_the_home_tab_is_told_by_a_message(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.asks()
        ana = office.slack.person("ana")
        home = ana.opens_home()
        monkeypatch.setattr(office.journal, "move", lambda *_: 1 / 0)
        home.press("Cancel request")
        ana.sees("That did not work, and nothing was recorded.")

    def test_what_was_recorded_is_never_told_to_be_lost(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(office.journal, "on_work", _broken)
        monkeypatch.setattr(replies, "asked", _broken)
        answer = office.slack.person("ana").types("/prod-access let me in", channel=CHANNEL)
        assert answer.text == f"Asked: {office.request.id}. The app's home tab shows how it stands."

    def test_a_fault_after_a_press_was_recorded_says_nothing_untrue(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.asks()
        lee = office.slack.person("lee")
        card = lee.sees("asks you to approve")
        monkeypatch.setattr(type(office.service.listeners.doors), "refresh_home", _broken)
        assert card.press(APPROVE).ok
        assert office.request.approvals
        lee.sees("Approved by Lee Wong")
        assert not any("nothing was recorded" in message.visible_text for message in lee.messages())

    def test_a_fault_right_after_the_acknowledgement_does_not_take_it_back(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.asks()
        office.slack.person("lee").sees("asks you to approve").press(APPROVE)
        monkeypatch.setattr(Answering, "later", _broken)
        assert office.presses_forged("U0KIM").ok
        answer = office.slack.person("ana").types("/apiwhitelisting", channel=CHANNEL)
        assert answer.ok
        assert office.slack.timeouts == []

    def test_what_follows_an_acknowledgement_may_fail_without_anybody_waiting(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(type(office.service.listeners.answering.slack), "open_view", _broken)
        assert office.slack.person("ana").types("/apiwhitelisting", channel=CHANNEL).ok
        monkeypatch.undo()
        assert office.opens_form().title == "API whitelisting"


def _broken(*_: Any, **__: Any) -> None:
    raise RuntimeError("cannot schedule new futures after shutdown")


class TestTheDatabase:
    def test_when_it_is_away_the_form_stays_open_and_says_so(self, office: Office) -> None:
        form = office.fills_form()
        with no_database(office):
            errors = form.submit()
        assert "That did not work, and nothing was recorded." in next(iter(errors.values()))
        assert form.is_open
        assert form.submit() == {}
        assert len(office.requests) == 1

    def test_when_it_is_away_a_press_is_answered_and_decides_nothing(self, office: Office) -> None:
        office.asks()
        lee = office.slack.person("lee")
        card = lee.sees("asks you to approve")
        with no_database(office):
            card.press(APPROVE)
            lee.sees("That did not work")
        assert office.request.state is State.PENDING

    @over_http
    def test_when_it_is_locked_for_too_long_the_form_stays_open_and_sent_again_makes_one_request(
        self, office: Office
    ) -> None:
        form = office.fills_form()
        office.slack.ack_seconds = 0.2
        with locked_database(office):
            assert form.submit() == {WHOLE_FORM: TROUBLE}
            assert form.is_open
        office.slack.ack_seconds = 3
        assert form.submit() == {}
        assert len(office.requests) == 1

    def test_when_it_is_lost_while_it_commits_and_back_at_once_the_submission_counts(self, office: Office) -> None:
        form = office.fills_form()
        with no_answer_to_commit(office):
            assert form.submit() == {}
        assert len(office.requests) == 1

    def test_when_it_is_lost_while_it_commits_nobody_claims_to_know(self, office: Office) -> None:
        form = office.fills_form()
        with ExitStack() as stack:
            stack.enter_context(no_answer_to_commit(office, lambda: stack.enter_context(no_database(office))))
            errors = form.submit()
        assert "so it may be recorded or not" in next(iter(errors.values()))
        assert len(office.requests) == 1
        assert form.submit() == {}, "the same form is recorded once"
        assert len(office.requests) == 1

    def test_work_that_could_not_be_recorded_is_not_lost(self, office: Office) -> None:
        with no_database(office):
            answer = office.slack.person("ana").types("/prod-access now", channel=CHANNEL)
            assert "nothing was recorded" in answer.text
        office.asks("now")
        office.slack.person("lee").sees("asks you to approve")


@over_http
class TestHealth:
    def test_it_is_alive_and_ready_and_counts_what_waits(
        self, office: Office, get: Callable[[str], tuple[int, str]]
    ) -> None:
        assert get("/livez") == (200, "alive")
        assert get("/readyz") == (200, '{"ready":true}')
        status, text = get("/metrics")
        assert status == 200
        assert "sallyport_slack_ack_seconds_count" in text

    def test_without_policies_it_is_not_ready(
        self, office: Office, get: Callable[[str], tuple[int, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(office.service.policies, "_current", None)
        assert get("/readyz") == (503, '{"ready":false}')


def test_in_socket_mode_nothing_is_taken_over_http(
    socket_office: Office, get: Callable[[str], tuple[int, str]]
) -> None:
    assert get("/slack/events")[0] == 404
    assert get("/readyz")[0] == 200
    socket_office.slack.sockets.refresh()
    socket_office.slack.waits_for_app()
    assert socket_office.asks().state is State.PENDING


@pytest.fixture
def socket_office(office: Office) -> Office:
    return office


test_in_socket_mode_nothing_is_taken_over_http = pytest.mark.parametrize("office", ["socket"], indirect=True)(
    test_in_socket_mode_nothing_is_taken_over_http
)


@pytest.fixture
def get(places: Any) -> Callable[[str], tuple[int, str]]:
    import urllib.error
    import urllib.request

    def get(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(places.coordinator.url + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return get
