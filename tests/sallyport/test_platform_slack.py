"""What the Slack client promises: one request for one call, and a failure named for what may be done next."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.platforms.errors import PlatformError, Refused, TryLater, Unknown
from sallyport.platforms.slack import TIMEOUT, Posted, Slack, SlackUser
from sallyport.platforms.slack_answers import Home
from sallyport.platforms.slack_text import date, escape, in_zone, plain
from tests.loopback import Answer, Drop, Loopback, Raw, Received, Reply, Script, Stall, refused_url

WRITES: dict[str, Callable[[Slack], object]] = {
    "chat.postMessage": lambda slack: slack.post("C0INFRA", "hello", marker="aw-1:card"),
    "chat.update": lambda slack: slack.update("C0INFRA", "1.2", "hello"),
    "chat.postEphemeral": lambda slack: slack.whisper("C0INFRA", "U0ANA", "hello"),
    "conversations.open": lambda slack: slack.open_dm("U0ANA"),
    "views.open": lambda slack: slack.open_view("T.1", {"type": "modal"}),
    "views.update": lambda slack: slack.update_view("V1", {"type": "modal"}),
}
SENT = {"ok": True, "channel": "C0INFRA", "ts": "1.2"}
BOT = {"ok": True, "team_id": "T0ACME", "user_id": "U0BOT"}


def on(server: Loopback, timeout: int = TIMEOUT) -> Slack:
    return Slack.connect("xoxb-1", server.url + "/api", timeout=timeout)


def failure(call: Callable[[Slack], object], *replies: Script) -> tuple[PlatformError, int]:
    """How *call* fails, and how many requests reached the server."""
    with Loopback(*replies) as server:
        with pytest.raises(PlatformError) as raised:
            call(on(server, timeout=1))
        return raised.value, server.count


write = pytest.mark.parametrize("call", WRITES.values(), ids=WRITES.keys())


class TestAWriteIsSentOnce:
    @write
    @pytest.mark.parametrize(
        "reply",
        [
            Answer(b"bad gateway", 502),
            Answer({"ok": False, "error": "internal_error"}),
            Drop(),
            Drop(reset=True),
            Stall(),
            Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"),
            Raw(b"garbage\r\n\r\n"),
            Answer(b"<html>"),
            Answer(b"[1]"),
            Answer(b"\xff"),
        ],
        ids=["502", "internal", "drop", "reset", "stall", "cut", "garbage", "html", "list", "bytes"],
    )
    def test_and_its_outcome_is_unknown_after(self, call: Callable[[Slack], object], reply: Reply) -> None:
        error, count = failure(call, reply)
        assert (type(error), count) == (Unknown, 1)

    @write
    def test_and_it_was_surely_not_done_after_a_429(self, call: Callable[[Slack], object]) -> None:
        error, count = failure(call, Answer({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "7"}))
        assert isinstance(error, TryLater)
        assert (error.after, count) == (7.0, 1)

    @write
    def test_and_it_was_surely_not_done_where_nobody_listens(self, call: Callable[[Slack], object]) -> None:
        with pytest.raises(TryLater, match="no connection"):
            call(Slack.connect("xoxb-1", refused_url()))

    @write
    def test_and_a_no_is_a_refusal_with_slacks_reasons(self, call: Callable[[Slack], object]) -> None:
        no = {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": ["[ERROR] too long"]}}
        error, count = failure(call, Answer(no))
        assert isinstance(error, Refused)
        assert (error.reasons, error.status, count) == (("invalid_blocks", "[ERROR] too long"), 200, 1)

    @pytest.mark.parametrize(
        "call", [pytest.param(call, id=name) for name, call in WRITES.items() if name != "chat.postEphemeral"]
    )
    def test_and_an_answer_without_what_it_must_say_is_unknown(self, call: Callable[[Slack], object]) -> None:
        error, _ = failure(call, Answer({"ok": True}))
        assert isinstance(error, Unknown)
        assert "makes no sense" in str(error)


class TestFailures:
    @pytest.mark.parametrize("code", ["fatal_error", "service_unavailable", "request_timeout"])
    def test_slacks_own_faults_leave_the_outcome_unknown(self, code: str) -> None:
        error, _ = failure(Slack.home, Answer({"ok": False, "error": code}))
        assert isinstance(error, Unknown)

    @pytest.mark.parametrize("after", [{}, {"Retry-After": "soon"}])
    def test_a_rate_limit_without_a_number_names_no_number(self, after: dict[str, str]) -> None:
        error, _ = failure(Slack.home, Answer({"ok": False, "error": "ratelimited"}, 200, after))
        assert isinstance(error, TryLater)
        assert error.after is None

    def test_a_4xx_that_is_not_from_slack_is_still_a_refusal(self) -> None:
        error, _ = failure(Slack.home, Answer(b"<html>no</html>", 403))
        assert isinstance(error, Refused)
        assert (error.status, error.reasons) == (403, ())

    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), TryLater),
            (ssl.SSLCertVerificationError("certificate has expired"), TryLater),
            (TimeoutError("timed out"), Unknown),
            (BrokenPipeError("broken pipe"), Unknown),
        ],
        ids=["no such name", "not Slack", "timeout", "cut while sending"],
    )
    def test_only_a_connection_that_never_was_is_surely_nothing_done(
        self, monkeypatch: pytest.MonkeyPatch, error: OSError, outcome: type[PlatformError]
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        with pytest.raises(outcome):
            Slack.connect("xoxb-1", "http://slack.example/api").home()

    def test_messages_name_the_platform_the_deed_and_the_cause(self) -> None:
        error, _ = failure(WRITES["chat.postMessage"], Answer({"ok": False, "error": "not_in_channel"}))
        assert str(error) == "Slack refused to post a message: not_in_channel (HTTP 200)"

    def test_the_token_is_in_no_message(self) -> None:
        error, _ = failure(WRITES["chat.postMessage"], Drop())
        assert "xoxb" not in repr(error) + str(error)

    def test_every_wait_is_bounded_to_ten_seconds_unless_told_otherwise(self) -> None:
        with Loopback(Answer(BOT)) as server:
            assert on(server)._web.timeout == TIMEOUT == 10

    def test_a_proxy_for_the_outside_is_not_asked_for_a_host_that_needs_none(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, refused_url())
        monkeypatch.setenv("NO_PROXY", "localhost")
        monkeypatch.setenv("no_proxy", "localhost")
        with Loopback(Answer(BOT)) as server:
            assert on(server).home() == Home("T0ACME", "", "U0BOT")
            on(server).respond(server.url, "hello")


class TestMessages:
    def test_a_post_carries_its_marker_its_blocks_and_its_thread(self) -> None:
        with Loopback(Answer(SENT)) as server:
            block = {"type": "divider"}
            posted = on(server).post("C0INFRA", "hello", marker="aw-1:card", blocks=[block], thread_ts="1.0")
            sent = server.requests[0]
        assert posted == Posted("C0INFRA", "1.2")
        assert (sent.path, sent.headers["authorization"]) == ("/api/chat.postMessage", "Bearer xoxb-1")
        assert sent.json == {
            "channel": "C0INFRA",
            "text": "hello",
            "blocks": [block],
            "thread_ts": "1.0",
            "metadata": {"event_type": "sallyport", "event_payload": {"effect": "aw-1:card"}},
        }

    def test_an_update_replaces_the_blocks_too_and_leaves_the_marker(self) -> None:
        with Loopback(Answer(SENT)) as server:
            assert on(server).update("C0INFRA", "1.2", "done") == Posted("C0INFRA", "1.2")
            assert server.requests[0].json == {"channel": "C0INFRA", "ts": "1.2", "text": "done", "blocks": []}

    def test_an_update_can_bring_a_marker(self) -> None:
        with Loopback(Answer(SENT)) as server:
            on(server).update("C0INFRA", "1.2", "done", marker="aw-1:end")
            assert server.requests[0].json["metadata"]["event_payload"] == {"effect": "aw-1:end"}

    def test_a_whisper_reaches_one_person(self) -> None:
        with Loopback(Answer({"ok": True, "message_ts": "1.2"})) as server:
            on(server).whisper("C0INFRA", "U0ANA", "not you")
            assert server.requests[0].json == {"channel": "C0INFRA", "user": "U0ANA", "text": "not you"}

    def test_a_whisper_stands_in_its_thread(self) -> None:
        with Loopback(Answer({"ok": True, "message_ts": "1.2"})) as server:
            on(server).whisper("C0INFRA", "U0ANA", "not you", [{"type": "divider"}], thread_ts="1.0")
            sent = server.requests[0].json
        assert (sent["thread_ts"], sent["blocks"]) == ("1.0", [{"type": "divider"}])

    def test_a_direct_message_and_a_permalink_are_plain_answers(self) -> None:
        with Loopback(
            Answer({"ok": True, "channel": {"id": "D1"}}), Answer({"ok": True, "permalink": "https://x/p"})
        ) as server:
            slack = on(server)
            assert slack.open_dm("U0ANA") == "D1"
            assert slack.permalink("C0INFRA", "1.2") == "https://x/p"
            assert server.requests[0].form == {"users": "U0ANA"}
            assert server.requests[1].form == {"channel": "C0INFRA", "message_ts": "1.2"}

    def test_views_are_opened_once_and_updated_only_if_nothing_moved(self) -> None:
        with Loopback(Answer({"ok": True, "view": {"id": "V1"}})) as server:
            slack = on(server)
            assert slack.open_view("T.1", {"type": "modal"}) == "V1"
            assert slack.update_view("V1", {"type": "modal"}, hash="h1") == "V1"
            assert server.requests[0].json == {"trigger_id": "T.1", "view": {"type": "modal"}}
            assert server.requests[1].json == {"view_id": "V1", "hash": "h1", "view": {"type": "modal"}}


class TestResponseUrl:
    def respond(self, reply: Reply) -> Received:
        with Loopback(reply) as server:
            slack = on(server, timeout=1)
            try:
                slack.respond(server.url + "/actions/1", "noted")
            finally:
                assert server.count == 1
            return server.requests[0]

    def test_the_answer_is_for_that_person_and_replaces_nothing(self) -> None:
        assert self.respond(Answer(b"ok")).json == {
            "text": "noted",
            "response_type": "ephemeral",
            "replace_original": False,
        }

    def test_it_may_have_blocks(self) -> None:
        with Loopback(Answer(b"ok")) as server:
            on(server).respond(server.url + "/actions/1", "noted", [{"type": "divider"}])
            assert server.requests[0].json["blocks"] == [{"type": "divider"}]

    @pytest.mark.parametrize(
        ("reply", "outcome"),
        [
            (Answer(b"used_url", 404), Refused),
            (Answer(b"", 404), Refused),
            (Answer(b"slow down", 429, {"Retry-After": "3"}), TryLater),
            (Answer(b"oops", 502), Unknown),
            (Drop(), Unknown),
            (Stall(), Unknown),
        ],
    )
    def test_it_is_sent_once_and_its_failures_are_told_apart(
        self, reply: Reply, outcome: type[PlatformError]
    ) -> None:
        with pytest.raises(outcome):
            self.respond(reply)


def message(ts: str, marker: str, user: str = "U0BOT", event_type: str = "sallyport") -> dict[str, Any]:
    metadata = {"event_type": event_type, "event_payload": {"effect": marker}}
    return {"type": "message", "ts": ts, "user": user, "metadata": metadata}


class Channel:
    """A conversation of several pages, newest first, that answers history, replies and auth.test."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = pages

    def __call__(self, request: Received) -> Reply:
        if request.path.endswith("auth.test"):
            return Answer(BOT)
        number = int(request.form.get("cursor", "0"))
        following = str(number + 1) if number + 1 < len(self.pages) else ""
        return Answer(
            {
                "ok": True,
                "messages": self.pages[number],
                "response_metadata": {"next_cursor": following},
            }
        )


class TestTheLookBeforeASecondPost:
    def test_finds_our_message_by_its_marker_on_any_page(self) -> None:
        channel = Channel([{"ts": "9.0", "user": "U0ANA"}, message("8.0", "other")], [message("7.0", "mine")])
        with Loopback(channel) as server:
            assert on(server).find("C0INFRA", "mine", oldest="5.0") == Posted("C0INFRA", "7.0")
            first = server.requests[0]
            assert first.path == "/api/conversations.history"
            assert first.form == {
                "channel": "C0INFRA",
                "oldest": "5.0",
                "limit": "200",
                "include_all_metadata": "1",
            }

    def test_says_none_when_all_was_read(self) -> None:
        with Loopback(Channel([message("8.0", "other")], [])) as server:
            assert on(server).find("C0INFRA", "mine") is None
            assert server.count == 2

    def test_looks_in_the_thread_when_told_so(self) -> None:
        with Loopback(Channel([message("8.0", "mine")])) as server:
            assert on(server).find("C0INFRA", "mine", thread_ts="1.0") == Posted("C0INFRA", "8.0")
            assert server.requests[0].path == "/api/conversations.replies"
            assert server.requests[0].form["ts"] == "1.0"

    @pytest.mark.parametrize(
        "forged", [message("8.0", "mine", user="U0KIM"), message("8.0", "mine", event_type="theirs")]
    )
    def test_takes_no_other_apps_word_for_it(self, forged: dict[str, Any]) -> None:
        with Loopback(Channel([forged])) as server:
            assert on(server).find("C0INFRA", "mine") is None

    def test_does_not_know_when_there_is_more_than_it_reads(self) -> None:
        with Loopback(Channel(*[[message("8.0", "other")]] * 11)) as server:
            with pytest.raises(Unknown, match="over 2000"):
                on(server).find("C0INFRA", "mine")
            assert server.count == 10

    def test_does_not_know_when_the_look_itself_fails(self) -> None:
        error, count = failure(lambda slack: slack.find("C0INFRA", "mine"), Drop())
        assert (type(error), count) == (Unknown, 1)


ANA = {
    "id": "U0ANA",
    "team_id": "T0ACME",
    "name": "ana",
    "tz": "Europe/Madrid",
    "profile": {"real_name": "Ana Ruiz", "email": "ana@example.com"},
}


class TestPeople:
    @pytest.mark.parametrize("enterprise", ["E0ACME", None])
    def test_home_is_the_workspace_and_the_organisation_around_it(self, enterprise: str | None) -> None:
        answer = {"ok": True, "team_id": "T0ACME", "user_id": "U0BOT", "enterprise_id": enterprise}
        with Loopback(Answer(answer)) as server:
            assert on(server).home() == Home("T0ACME", enterprise or "", "U0BOT")

    def test_a_member_of_a_grid_says_of_which_workspaces(self) -> None:
        grid = {"id": "W0ANA", "enterprise_id": "E0ACME", "teams": ["T0ACME", "T0SECOND"]}
        with Loopback(Answer({"ok": True, "user": {**ANA, "id": "W0ANA", "enterprise_user": grid}})) as server:
            found = on(server).user("W0ANA")
        assert (found.id, found.enterprise_id, found.teams) == ("W0ANA", "E0ACME", ("T0ACME", "T0SECOND"))

    def test_a_member_is_read_with_everything_that_eligibility_asks(self) -> None:
        with Loopback(Answer({"ok": True, "user": ANA})) as server:
            assert on(server).user("U0ANA") == SlackUser(
                id="U0ANA",
                team_id="T0ACME",
                name="ana",
                real_name="Ana Ruiz",
                email="ana@example.com",
                is_bot=False,
                deleted=False,
                is_guest=False,
                is_stranger=False,
                tz="Europe/Madrid",
            )

    @pytest.mark.parametrize(
        ("flag", "shown"),
        [
            ("is_restricted", "is_guest"),
            ("is_ultra_restricted", "is_guest"),
            ("is_bot", "is_bot"),
            ("deleted", "deleted"),
            ("is_stranger", "is_stranger"),
        ],
    )
    def test_whoever_may_not_count_is_seen(self, flag: str, shown: str) -> None:
        with Loopback(Answer({"ok": True, "user": ANA | {flag: True}})) as server:
            assert getattr(on(server).user("U0ANA"), shown) is True

    def test_an_address_nobody_has_is_none_and_another_no_is_a_refusal(self) -> None:
        with Loopback(
            Answer({"ok": True, "user": ANA}),
            Answer({"ok": False, "error": "users_not_found"}),
            Answer({"ok": False, "error": "missing_scope"}),
        ) as server:
            slack = on(server)
            found = slack.user_by_email("ana@example.com")
            assert found is not None
            assert found.id == "U0ANA"
            assert slack.user_by_email("nobody@example.com") is None
            with pytest.raises(Refused, match="missing_scope"):
                slack.user_by_email("ana@example.com")

    def test_all_members_are_read_page_by_page(self) -> None:
        dee = {"id": "U0DEE", "deleted": True}
        with Loopback(
            Answer({"ok": True, "members": [ANA], "response_metadata": {"next_cursor": "c2"}}),
            Answer({"ok": True, "members": [dee]}),
        ) as server:
            assert [(one.id, one.deleted) for one in on(server).users()] == [("U0ANA", False), ("U0DEE", True)]
            assert [request.form for request in server.requests] == [
                {"limit": "200"},
                {"limit": "200", "cursor": "c2"},
            ]

    def test_a_list_of_members_without_end_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sallyport.platforms.slack._USER_PAGES", 2)
        error, count = failure(
            Slack.users, Answer({"ok": True, "members": [], "response_metadata": {"next_cursor": "again"}})
        )
        assert (type(error), count) == (Unknown, 2)

    def test_a_user_group_is_the_ids_of_its_members(self) -> None:
        with Loopback(Answer({"ok": True, "users": ["U0LEE", "U0SAM"]})) as server:
            assert on(server).usergroup_members("S1") == ("U0LEE", "U0SAM")

    def test_a_user_group_without_a_list_is_unknown_and_never_empty(self) -> None:
        error, _ = failure(lambda slack: slack.usergroup_members("S1"), Answer({"ok": True}))
        assert isinstance(error, Unknown)


class TestText:
    @given(st.text())
    def test_no_typed_text_becomes_a_mention_a_channel_a_date_or_a_link(self, typed: str) -> None:
        shown = escape(typed)
        assert not any(token in shown for token in ("<!", "<@", "<#", "<http", "<", ">"))

    @given(st.text())
    def test_the_reader_sees_exactly_what_was_typed(self, typed: str) -> None:
        shown = escape(typed).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert shown == typed

    @given(st.text())
    def test_where_there_is_only_plain_text_it_stands_as_it_was_typed_and_moments_in_utc(self, typed: str) -> None:
        moment = datetime(2026, 12, 21, 1, 30, tzinfo=timezone(timedelta(hours=1)))
        sentence = f"{escape(typed)} keeps it up from {date(moment)} until {date(moment, '{ago}')}."
        until = "2026-12-21 00:30 UTC"
        assert plain(sentence) == f"{typed} keeps it up from {until} until {until}."

    @pytest.mark.parametrize(
        "written", ["2026-12-21T00:30:00Z", "2026-12-21 00:30:00 UTC", "2026-12-21 00:30 UTC"]
    )
    def test_a_moment_in_a_sentence_is_shown_in_the_readers_zone(self, written: str) -> None:
        moment = datetime(2026, 12, 21, 0, 30, tzinfo=UTC)
        assert in_zone(f"Its time was over at {written}. So.") == f"Its time was over {date(moment)}. So."
        assert in_zone(f"From {written} on.") == f"From {date(moment)} on."

    @pytest.mark.parametrize(
        "other", ["2026-13-21T00:30:00Z", "2026-12-21T00:30:00+01:00", "2026-12-21", "12026-12-21T00:30:00Z"]
    )
    def test_what_is_no_moment_in_utc_stays_as_it_is(self, other: str) -> None:
        assert in_zone(f"Until {other}.") == f"Until {other}."

    def test_a_moment_is_shown_in_the_readers_zone_and_falls_back_to_utc(self) -> None:
        moment = datetime(2026, 12, 21, 1, 30, tzinfo=timezone(timedelta(hours=1)))
        assert date(moment) == "<!date^1797813000^{date_short_pretty} at {time}|2026-12-21 00:30 UTC>"
        assert date(datetime(1970, 1, 1, tzinfo=UTC), "{date}") == "<!date^0^{date}|1970-01-01 00:00 UTC>"

    def test_a_moment_without_a_zone_is_no_moment(self) -> None:
        with pytest.raises(ValueError, match="no time zone"):
            date(datetime(2026, 12, 21))  # noqa: DTZ001 - that is the mistake
