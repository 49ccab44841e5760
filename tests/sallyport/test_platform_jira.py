"""What the JIRA client promises: one request a write, failures named for what may be done next, inert text."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
import urllib3
from hypothesis import example, given
from hypothesis import strategies as st
from jira.exceptions import JIRAError

from sallyport.platforms import jira as client
from sallyport.platforms.errors import PlatformError, Refused, TryLater, Unknown
from sallyport.platforms.jira import Account, Comment, Issue, Jira, plain, quote
from sallyport.platforms.jira_failures import translated
from sandbox.faults import Fault, Kind, Moment
from sandbox.jira import JiraStandIn, sample_site
from sandbox.jira.jql_parser import Clause, Literal, parse
from sandbox.jira.wiki import as_html
from sandbox.serving import Server
from tests.loopback import Answer, Drop, Loopback, Raw, Received, Reply, Script, Stall, refused_url

# --- against the stand-in: behaviour ---


@dataclass
class World:
    stand_in: JiraStandIn
    jira: Jira
    url: str

    def create(self, *labels: str, **extra_fields: Any) -> str:
        properties = {"sallyport.request": {"id": "aw-1"}}
        return self.jira.create_issue("OPS", "Task", "Open the gate", "Why", labels, properties, extra_fields)


@pytest.fixture(scope="module", params=["Server", "Cloud"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The same product code with Data Center and with Cloud."""
    stand_in = JiraStandIn(sample_site(request.param))
    user = "rob@example.com" if request.param == "Cloud" else None
    with Server(stand_in.app) as server:
        jira = Jira.connect(server.url, "jira-token", user=user, project="OPS")
        yield World(stand_in, jira, server.url)
        jira.close()


_opened: list[Jira] = []


def connect(url: str, token: str = "secret-token", user: str | None = None) -> Jira:
    """A client that is closed when the test is over."""
    _opened.append(Jira.connect(url, token, user=user))
    return _opened[-1]


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()
    if "world" in request.fixturenames:
        stand_in: JiraStandIn = request.getfixturevalue("world").stand_in
        stand_in.faults.clear()
        stand_in.switches.search_lag = 0
        stand_in.switches.seconds_between_writes = 0


class TestTickets:
    def test_a_ticket_is_opened_with_labels_properties_and_the_site_s_own_fields(self, world: World) -> None:
        key = world.create("sallyport", "aw-1", customfield_10011="aw-1")
        issue = world.stand_in.issue(key)
        assert (issue.summary, issue.description, issue.type) == ("Open the gate", "Why", "Task")
        assert (issue.labels, issue.reporter) == (("sallyport", "aw-1"), "rob")
        assert issue.properties == {"sallyport.request": {"id": "aw-1"}}
        assert issue.fields == {"Request id": "aw-1"}

    def test_extra_fields_never_replace_the_named_ones(self, world: World) -> None:
        assert world.stand_in.issue(world.create(summary="Other")).summary == "Open the gate"

    def test_a_refusal_names_each_field_and_its_reason(self, world: World) -> None:
        with pytest.raises(Refused) as refused:
            world.jira.create_issue("OPS", "Bug", "two\nlines", "Why", ["two words"], {})
        assert refused.value.status == 400
        assert {reason.partition(":")[0] for reason in refused.value.reasons} == {"issuetype", "summary", "labels"}
        assert "JIRA refused to open a ticket in OPS" in str(refused.value)
        assert "newline characters" in str(refused.value)

    def test_a_ticket_is_read(self, world: World) -> None:
        key = world.create("a", "b")
        assert world.jira.issue(key) == Issue(key, "To Do", "new", None, ("a", "b"))
        world.jira.move(key, "Cancelled", "Cancelled")
        assert world.jira.issue(key) == Issue(key, "Cancelled", "done", "Cancelled", ("a", "b"))

    def test_it_tells_who_closed_it_last_and_nothing_while_it_is_open(self, world: World) -> None:
        key = world.create()
        assert world.jira.closing(key) is None
        world.jira.move(key, "Cancelled", "Cancelled")
        first = world.jira.closing(key)
        assert first is not None
        assert first.by == "rob"
        world.jira.move(key, "To Do")
        assert world.jira.closing(key) is None
        world.jira.move(key, "Cancelled", "Cancelled")
        world.jira.add_labels(key, ["later"])
        last = world.jira.closing(key)
        assert last is not None
        assert last.id != first.id
        assert last.at >= first.at

    def test_an_unknown_ticket_is_refused(self, world: World) -> None:
        with pytest.raises(Refused, match=r"read OPS-999: (?i:issue does not exist)") as refused:
            world.jira.issue("OPS-999")
        assert refused.value.status == 404

    def test_its_address_is_the_page_a_person_reads(self, world: World) -> None:
        key = world.create()
        assert world.jira.url_of(key) == f"{world.url}/browse/{key}"
        assert requests.get(world.jira.url_of(key), timeout=5).status_code == 200

    def test_labels_are_added_to_those_it_has(self, world: World) -> None:
        key = world.create("a", "b")
        world.jira.add_labels(key, ["b", "c"])
        assert world.stand_in.issue(key).labels == ("a", "b", "c")
        with pytest.raises(Refused, match="contains spaces"):
            world.jira.add_labels(key, ["two words"])

    def test_a_property_can_be_set_and_replaced(self, world: World) -> None:
        key = world.create()
        world.jira.set_property(key, "sallyport.outcome", {"live": True})
        world.jira.set_property(key, "sallyport.outcome", {"live": False})
        assert world.stand_in.issue(key).properties["sallyport.outcome"] == {"live": False}

    def test_the_same_link_twice_is_one_link(self, world: World) -> None:
        key = world.create()
        world.jira.link(key, "https://example.com/1", "Run 1", "run")
        world.jira.link(key, "https://example.com/2", "Run 2", "run")
        assert [(each.url, each.title) for each in world.stand_in.issue(key).links] == [
            ("https://example.com/2", "Run 2")
        ]

    def test_who_we_are(self, world: World) -> None:
        assert world.jira.whoami() == Account("rob", "Robot")
        assert world.jira.project == "OPS"


class TestFindingByLabel:
    def test_keys_come_oldest_first_however_many(self, world: World) -> None:
        fields = {"project": {"key": "OPS"}, "issuetype": {"name": "Task"}, "summary": "Gate", "labels": ["many"]}
        project = world.stand_in._project
        keys = tuple(project.create(project.site.users[0], {"fields": fields}).key for _ in range(101))
        assert world.jira.find_by_label("OPS", "many") == keys
        assert world.jira.find_by_label("OPS", "none-at-all") == ()

    def test_tickets_are_found_by_a_label_with_their_state(self, world: World) -> None:
        key = world.create("stateful", "other")
        world.jira.move(key, "Cancelled", "Cancelled")
        assert world.jira.issues_by_label("OPS", "stateful") == (
            Issue(key, "Cancelled", "done", "Cancelled", ("stateful", "other")),
        )

    def test_a_label_is_a_value_and_never_a_query(self, world: World) -> None:
        key = world.create('x"OR"project"is"not"EMPTY')
        world.create("other")
        assert world.jira.find_by_label("OPS", 'x"OR"project"is"not"EMPTY') == (key,)
        assert world.jira.find_by_label("OPS", 'y" OR project = "OPS') == ()

    def test_a_search_may_lag_behind(self, world: World) -> None:
        world.stand_in.switches.search_lag = "until reconciled"
        key = world.create("lagging")
        assert world.jira.find_by_label("OPS", "lagging") == ()
        world.stand_in.reindex()
        assert world.jira.find_by_label("OPS", "lagging") == (key,)

    def test_an_unknown_project_is_refused_not_empty(self, world: World) -> None:
        with pytest.raises(Refused, match="does not exist for the field 'project'"):
            world.jira.find_by_label("NOPE", "a")


class TestComments:
    def test_a_comment_is_written_and_read(self, world: World) -> None:
        key = world.create()
        number = world.jira.add_comment(key, "*Approved*")
        (stored,) = world.stand_in.issue(key).comments
        (comment,) = world.jira.comments(key)
        assert (comment.id, comment.body) == (number, "*Approved*")
        assert comment.created == stored.created.replace(microsecond=stored.created.microsecond // 1000 * 1000)

    def test_all_comments_are_read_oldest_first(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "_PAGE", 2)
        key = world.create()
        for n in range(5):
            world.jira.add_comment(key, str(n))
        assert [comment.body for comment in world.jira.comments(key)] == list("01234")

    def test_a_data_center_without_pages_is_read_once_and_not_for_ever(self) -> None:
        comment = {"id": "1", "body": "Hi", "created": "2026-11-21T10:12:44.000+0100"}
        with Loopback(Answer({"comments": [comment]})) as server:
            found = connect(server.url).comments("OPS-1")
        assert found == (Comment("1", "Hi", datetime(2026, 11, 21, 9, 12, 44, tzinfo=UTC)),)
        assert server.count == 2


class TestMoving:
    def test_a_ticket_is_moved_by_target_status_whatever_the_transition_is_called(self, world: World) -> None:
        key = world.create()
        world.jira.move(key, "waiting for approval")
        world.jira.move(key, "In Progress", fields={"customfield_10012": "2026-12-21T00:00:00.000+0000"})
        world.jira.move(key, "Done", "Done")
        issue = world.stand_in.issue(key)
        assert (issue.status, issue.resolution) == ("Done", "Done")
        assert issue.fields["Expires at"] == datetime(2026, 12, 21, tzinfo=UTC)

    def test_a_ticket_that_is_there_already_is_left_alone(self, world: World) -> None:
        key = world.create()
        world.jira.move(key, "TO DO")
        assert world.stand_in.issue(key).changelog == ()

    def test_a_status_out_of_reach_is_refused_with_those_in_reach(self, world: World) -> None:
        key = world.create()
        with pytest.raises(Refused, match="from To Do its workflow leads to: Cancelled, Waiting for approval"):
            world.jira.move(key, "Done", "Done")

    def test_a_missing_or_unknown_resolution_is_refused(self, world: World) -> None:
        key = world.create()
        world.jira.move(key, "Waiting for approval")
        for resolution in (None, "Splendid"):
            with pytest.raises(Refused) as refused:
                world.jira.move(key, "Declined", resolution)
            assert refused.value.reasons[0].startswith("resolution: Resolution")

    def test_of_two_ways_the_one_whose_screen_takes_our_fields_is_taken(self) -> None:
        ways = {"transitions": [way("1", "Done"), way("2", "Done", "resolution"), way("3", "Open")]}
        with Loopback(Answer(ISSUE), Answer(ways), Answer(b"", 204)) as server:
            connect(server.url).move("OPS-1", "Done", "Fixed")
        assert server.requests[-1].json == {"transition": {"id": 2}, "fields": {"resolution": {"name": "Fixed"}}}

    def test_a_workflow_without_a_way_out_says_so(self) -> None:
        with (
            Loopback(Answer(ISSUE), Answer({"transitions": []})) as server,
            pytest.raises(Refused, match="leads to: no other status"),
        ):
            connect(server.url).move("OPS-1", "Done")


class TestFaultsOfTheStandIn:
    def test_a_lost_answer_is_unknown_and_the_ticket_is_found_by_its_label(self, world: World) -> None:
        for kind in (Kind.STATUS, Kind.DROP, Kind.MALFORMED):
            world.stand_in.faults.add(Fault(kind, Moment.AFTER, method="POST", path="/issue$"))
            with pytest.raises(Unknown):
                world.create(f"lost-{kind}")
            assert len(world.jira.find_by_label("OPS", f"lost-{kind}")) == 1

    def test_a_pace_limit_says_when_to_come_back(self, world: World) -> None:
        key = world.create()
        world.jira.add_comment(key, "one")
        world.stand_in.switches.seconds_between_writes = 60
        with pytest.raises(TryLater, match=r"again in \d+ s") as later:
            world.jira.add_comment(key, "two")
        assert later.value.after is not None
        assert 0 < later.value.after <= 60


# --- against a raw server: how often we ask, and what failures are called ---

ISSUE = {
    "key": "OPS-1",
    "fields": {
        "status": {"name": "To Do", "statusCategory": {"key": "new"}},
        "resolution": None,
        "labels": [],
    },
}


def way(number: str, status: str, *fields: str) -> dict[str, Any]:
    return {"id": number, "name": "Go", "to": {"name": status}, "fields": {name: {} for name in fields}}


# The reads that come before a write, and the write.
WRITES: dict[str, tuple[tuple[Answer, ...], Callable[[Jira], object]]] = {
    "create": ((), lambda jira: jira.create_issue("OPS", "Task", "Gate", "Why", ["a"], {"b": 1})),
    "comment": ((), lambda jira: jira.add_comment("OPS-1", "Hi")),
    "move": (
        (Answer(ISSUE), Answer({"transitions": [way("1", "Done")]})),
        lambda jira: jira.move("OPS-1", "Done"),
    ),
    "link": ((), lambda jira: jira.link("OPS-1", "https://example.com", "Run", "run")),
    "labels": ((), lambda jira: jira.add_labels("OPS-1", ["a"])),
    "property": ((), lambda jira: jira.set_property("OPS-1", "a", 1)),
}
writes = pytest.mark.parametrize(("before", "call"), WRITES.values(), ids=WRITES.keys())
CREATE = WRITES["create"][1]


def failure(call: Callable[[Jira], object], *replies: Script) -> tuple[PlatformError, int]:
    """How *call* fails, and how many requests that write something reached the server."""
    with Loopback(*replies) as server:
        jira = connect(server.url)
        with pytest.raises(PlatformError) as raised:
            call(jira)
        return raised.value, sum(request.method != "GET" for request in server.requests)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT", (1, 0.2))


class TestAWriteIsSentOnce:
    @writes
    @pytest.mark.parametrize(
        "reply",
        [
            Answer(b"bad gateway", 502),
            Answer({"errorMessages": ["busy"]}, 500),
            Answer(b"", 503),
            Answer(b"", 504),
            Answer(b"", 408),
            Drop(),
            Drop(reset=True),
            Stall(),
            Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"),
            Raw(b"garbage\r\n\r\n"),
            Answer(b"<html>Log in</html>", headers={"Content-Type": "text/html; charset=utf-8"}),
        ],
        ids=["502", "500", "503", "504", "408", "drop", "reset", "stall", "cut", "garbage", "login-page"],
    )
    @pytest.mark.usefixtures("impatient")
    def test_and_its_outcome_is_unknown_after(
        self, before: tuple[Answer, ...], call: Callable[[Jira], object], reply: Reply
    ) -> None:
        error, count = failure(call, *before, reply)
        assert (type(error), count) == (Unknown, 1)

    @pytest.mark.parametrize("body", [b"", b"<html>", [], "text", {}, 7, {"id": "1"}])
    def test_and_a_creation_without_a_key_is_unknown(self, body: Any) -> None:
        error, count = failure(CREATE, Answer(body, 201))
        assert (type(error), count) == (Unknown, 1)

    @pytest.mark.parametrize("name", ["comment", "move", "link"])
    def test_and_an_answer_of_another_shape_is_unknown(self, name: str) -> None:
        before, call = WRITES[name]
        error, count = failure(call, *before, Answer("not what was promised"))
        assert (type(error), count) == (Unknown, 1)
        assert "not what its API promises" in str(error)

    @writes
    @pytest.mark.parametrize("status", [429, 503])
    def test_and_it_was_surely_not_done_after_a_limit(
        self, before: tuple[Answer, ...], call: Callable[[Jira], object], status: int
    ) -> None:
        error, count = failure(call, *before, Answer({}, status, {"Retry-After": "7"}))
        assert isinstance(error, TryLater)
        assert (error.after, count) == (7.0, 1)

    @writes
    def test_and_a_redirect_is_refused_instead_of_followed(
        self, before: tuple[Answer, ...], call: Callable[[Jira], object]
    ) -> None:
        for status in (302, 307):
            error, count = failure(call, *before, Answer(b"", status, {"Location": "/elsewhere"}), Answer({}))
            assert isinstance(error, Refused)
            assert count == 1
            assert "JIRA_URL" in str(error)

    @writes
    def test_and_a_no_is_a_refusal_with_jiras_words(
        self, before: tuple[Answer, ...], call: Callable[[Jira], object]
    ) -> None:
        body = {"errorMessages": ["No."], "errors": {"summary": "Too long."}}
        error, count = failure(call, *before, Answer(body, 400))
        assert isinstance(error, Refused)
        assert (error.status, error.reasons, count) == (400, ("summary: Too long.",), 1)
        assert "No.; summary: Too long." in str(error)

    def test_and_is_surely_not_done_where_nobody_listens(self) -> None:
        with pytest.raises(TryLater, match="no connection"):
            CREATE(connect(refused_url()))

    def test_and_is_one_request_when_all_is_well(self) -> None:
        with Loopback(Answer({"id": "1", "key": "OPS-1"}, 201)) as server:
            jira = connect(server.url + "/jira/")
            assert CREATE(jira) == "OPS-1"
            jira.link("OPS-1", "https://example.com", "Run", "run")
            jira.add_comment("OPS-1", "Hi")
            jira.set_property("OPS-1", "a/b", 1)
        assert server.asked == [
            "POST /jira/rest/api/2/issue",
            "POST /jira/rest/api/2/issue/OPS-1/remotelink",
            "POST /jira/rest/api/2/issue/OPS-1/comment",
            "PUT /jira/rest/api/2/issue/OPS-1/properties/a%2Fb",
        ]


class TestConnecting:
    def test_asks_nothing(self) -> None:
        with Loopback() as server:
            connect(server.url)
            connect(server.url, user="rob@example.com")
        assert server.count == 0

    def test_sends_a_bearer_token_or_mail_address_and_token(self) -> None:
        with Loopback(Answer({"name": "rob", "displayName": "Robot"})) as server:
            connect(server.url).whoami()
            connect(server.url, user="rob@example.com").whoami()
        basic = base64.b64encode(b"rob@example.com:secret-token").decode()
        assert [each.headers["authorization"] for each in server.requests] == [
            "Bearer secret-token",
            f"Basic {basic}",
        ]

    def test_every_wait_is_bounded(self, world: World) -> None:
        assert client.TIMEOUT == (3.05, 10)
        assert world.jira._session.timeout == client.TIMEOUT
        assert world.jira._session.max_retries == 0

    @pytest.mark.usefixtures("impatient")
    def test_a_silent_server_is_left_in_time(self) -> None:
        error, _ = failure(lambda jira: jira.issue("OPS-1"), Stall())
        assert "may or may not have managed to read OPS-1: it did not answer in time" in str(error)

    def test_an_unusable_address_is_refused(self) -> None:
        for address in ("ftp://example.com", "jira.example.com"):
            with pytest.raises(Refused, match="address cannot be used"):
                connect(address).whoami()

    def test_a_wrong_token_is_refused_with_advice_and_appears_nowhere(self, world: World) -> None:
        jira = connect(world.url, user="rob@example.com")
        with pytest.raises(Refused, match="check JIRA_TOKEN") as refused:
            jira.whoami()
        assert "secret-token" not in f"{refused.value!r} {refused.value} {refused.value.__cause__}"

    def test_cloud_taken_for_data_center_is_refused_with_advice(self) -> None:
        def reply(received: Received) -> Answer:
            return Answer({"errorMessages": ["Removed."]}, 410) if "search" in received.path else Answer([])

        error, _ = failure(lambda jira: jira.find_by_label("OPS", "a"), reply)
        assert isinstance(error, Refused)
        assert "needs JIRA_USER" in str(error)

    def test_a_captcha_is_named(self) -> None:
        headers = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"}
        error, _ = failure(lambda jira: jira.whoami(), Answer(b"", 403, headers))
        assert "CAPTCHA_CHALLENGE" in str(error)

    def test_a_refusal_without_words_still_says_something(self) -> None:
        bodies: list[Any] = [b"<html>", [], {"errorMessages": [], "errors": {}}]
        for body in bodies:
            error, _ = failure(lambda jira: jira.whoami(), Answer(body, 403))
            assert str(error) == "JIRA refused to say who we are: Said (HTTP 403)"


class TestWhenToComeBack:
    @pytest.mark.parametrize(
        ("header", "seconds"), [("0", 0.0), ("1.5", 1.5), ("-3", 0.0), ("soon", None), ("", None)]
    )
    def test_a_number_of_seconds(self, header: str, seconds: float | None) -> None:
        error, _ = failure(CREATE, Answer({}, 429, {"Retry-After": header}))
        assert isinstance(error, TryLater)
        assert error.after == seconds

    def test_a_limit_without_a_time(self) -> None:
        error, _ = failure(CREATE, Answer({"message": "slow down"}, 429))
        assert isinstance(error, TryLater)
        assert (error.after, error.detail) == (None, "slow down")

    def test_a_date(self) -> None:
        later = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
        error, _ = failure(CREATE, Answer({}, 429, {"Retry-After": later}))
        assert isinstance(error, TryLater)
        assert error.after is not None
        assert 200 < error.after <= 300


class TestFailuresBelow:
    def test_nothing_is_sent_past_an_untrusted_certificate(self) -> None:
        cause = ssl.SSLCertVerificationError("self-signed certificate")
        reason = urllib3.exceptions.SSLError(cause)
        pool = urllib3.HTTPSConnectionPool("localhost")
        error = requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(pool, "/", reason))
        with pytest.raises(TryLater, match=r"certificate is not trusted: .*self-signed"), translated("look"):
            raise error

    def test_a_connection_that_takes_too_long_was_surely_not_made(self) -> None:
        with pytest.raises(TryLater, match="no connection"), translated("look"):
            raise requests.ConnectTimeout

    def test_no_answer_at_all_is_unknown(self) -> None:
        with pytest.raises(Unknown, match="gave no answer"), translated("look"):
            raise JIRAError("Empty Response!")

    def test_a_mistake_of_ours_is_not_dressed_up(self) -> None:
        with pytest.raises(ZeroDivisionError), translated("look"):
            raise ZeroDivisionError

    def test_a_property_that_is_no_json_is_our_mistake_and_is_never_sent(self) -> None:
        with Loopback() as server, pytest.raises(TypeError):
            connect(server.url).create_issue("OPS", "Task", "Gate", "Why", [], {"a": object()})
        assert server.count == 0


# --- text ---


class TestQuote:
    @given(st.text())
    @example('"')
    @example('\\" OR project = "x')
    @example("\x00\x7f\u0085\ufdd0\uffff\n\t")
    def test_a_quoted_value_is_that_value_and_nothing_else(self, text: str) -> None:
        where = parse(f"labels = {quote(text)}").where
        assert isinstance(where, Clause)
        assert where.operands == (Literal(text),)

    def test_ordinary_text_stays_readable(self) -> None:
        assert quote("flow-prod-access") == '"flow-prod-access"'


_MARKED_UP = r"""
[~ana] [x|https://e.com] [^a.txt] [#top] https://e.com http://x ftp:// //e.com mailto:a@b.c www.e.com file:///etc
javascript:x {code} {color:red} {{m}} {quote} {noformat} !x.png! h1. h6. bq. * ** # - -- --- ---- | || |a|b|
*b* _i_ -d- +u+ ^s^ ~s~ ??c?? \ \\ \[ \{ (x) (!) :) &lt; &#91; a_b a-b é-x-é 2026-12-21 : / w . h 1 go-live, 4711?
"""
_PIECES = [*_MARKED_UP.split(), *" \t\n\r\x00\x0b\x85\u2028\u202e\u2060"]
texts = st.one_of(st.text(), st.lists(st.sampled_from(_PIECES)).map("".join))

_ESCAPED = re.compile(r"(?<!\\)\\([-#*_+?^~|%{}\[\]()!@])")  # the renderer's own pattern
_MARKUP = {
    "a sign that is always markup": r"[#*+^~|{}\[\]()!]",
    "a stroke at the edge of a word": r"(?<![0-9A-Za-z])[-_]|[-_](?![0-9A-Za-z])",
    "a heading": r"(?im)^\s*h[1-6]\.",
    "a quotation": r"(?im)^\s*bq\.",
    "a citation": r"\?\?",
    "a forced line break": r"\\\\",
    "an address": r"(?i)\w:/|mailto:[^\s\u2060]|file:[^\s\u2060]|www\.",
    "an entity": r"&#?\w+;",
    "a control": r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]",
}


class TestPlain:
    @given(texts)
    @example("\\\\[~ana]")
    @example("a\u2028h1. Title")
    @example("\u202egnp.x")
    def test_nothing_in_it_is_markup(self, text: str) -> None:
        left = _ESCAPED.sub("\ue000", plain(text))
        for name, pattern in _MARKUP.items():
            assert not re.search(pattern, left), name

    @given(texts)
    def test_what_is_shown_is_what_was_typed(self, text: str) -> None:
        typed = re.sub("\r\n|[\r\x0b\x0c\x85\u2028\u2029]", "\n", text)
        typed = re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2060]", "", typed)
        assert _ESCAPED.sub(r"\1", plain(text)).replace("\u2060", "") == typed

    @given(texts)
    def test_the_ticket_page_makes_no_element_of_it(self, text: str) -> None:
        assert set(re.findall(r"<[^>]*>", as_html(plain(text)))) <= {"<p>", "</p>", "<br>"}

    def test_ordinary_sentences_stay_as_they_are(self) -> None:
        for text in ("Partner go-live, contract 4711.", "why? see run_id a-b on 2026-12-21 at 10:30", ""):
            assert plain(text) == text

    def test_halves_of_characters_are_dropped(self) -> None:
        assert plain("a\ud800b") == "ab"
