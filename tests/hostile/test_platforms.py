"""Whatever Slack, JIRA or GitHub answer, their clients return a value or say Refused, TryLater or Unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sallyport.platforms.errors import LONGEST_WAIT, PlatformError, TryLater
from sallyport.platforms.github import GitHub
from sallyport.platforms.jira import Jira
from sallyport.platforms.slack import Slack
from tests.hostile.worst import mutations, texts, values
from tests.loopback import Answer, Loopback, Received, Reply

SHA = "a" * 40
DATE = "Sat, 21 Nov 2026 09:12:44 GMT"
MOMENT = "2026-11-21T09:12:44Z"
SINCE = datetime(2026, 11, 21, tzinfo=UTC)
RUN = {
    "id": 9,
    "url": "https://api.x/runs/9",
    "html_url": "https://x/runs/9",
    "display_title": "apply aw-7k3m9q",
    "status": "completed",
    "conclusion": "success",
    "head_sha": SHA,
    "head_branch": "main",
    "run_attempt": 1,
    "created_at": MOMENT,
}
CHECK = {
    "external_id": "9",
    "conclusion": "success",
    "output": {"title": "t", "summary": "s", "text": "[]"},
    "details_url": "https://x",
    "app": {"slug": "github-actions"},
}
PULL = {
    "number": 7,
    "html_url": "https://x/7",
    "title": "t",
    "user": {"login": "ana"},
    "head": {"sha": SHA},
    "base": {"ref": "main"},
    "merged_at": MOMENT,
    "merge_commit_sha": SHA,
}
REVIEW = {
    "user": {"login": "lee"},
    "state": "APPROVED",
    "commit_id": SHA,
    "submitted_at": MOMENT,
}
COMMENT = {"id": 1, "body": "<!-- m -->\nwords", "user": {"type": "Bot"}, "html_url": "https://x"}
TREE = {"truncated": False, "tree": [{"path": "requests", "type": "tree", "sha": SHA}]}
FILE = {"encoding": "base64", "content": "aQ==\n", "sha": SHA}
ISSUE = {
    "id": "1",
    "key": "OPS-1",
    "fields": {
        "status": {"name": "Open", "statusCategory": {"key": "new"}},
        "resolution": None,
        "labels": ["x"],
    },
}
FOUND = {"issues": [ISSUE], "total": 1, "startAt": 0, "maxResults": 50, "isLast": True}
NOTE = {"id": "1", "body": "x", "created": "2026-11-21T09:12:44.000+0000"}
NOTES = {"comments": [NOTE], "total": 1, "startAt": 0, "maxResults": 100}
WAYS = {"transitions": [{"id": "1", "to": {"name": "Done"}, "fields": {}}]}
MEMBER = {"id": "U0ANA", "name": "ana", "profile": {"email": "ana@example.com"}, "tz": "UTC"}
POST = {
    "ts": "1.2",
    "bot_id": "B1",
    "user": "U0BOT",
    "metadata": {"event_type": "sallyport", "event_payload": {"effect": "m"}},
}


@dataclass(frozen=True)
class Clients:
    github: GitHub
    jira: Jira
    slack: Slack


@dataclass(frozen=True)
class Call:
    """A call of a client, and what the platform would answer."""

    make: Callable[[Clients], object]
    good: Any


CALLS: Mapping[str, Call] = {
    "GitHub.head": Call(lambda c: c.github.head(), {"object": {"sha": SHA}}),
    "GitHub.tree": Call(lambda c: c.github.tree(SHA, "requests"), TREE),
    "GitHub.blob": Call(lambda c: c.github.blob(SHA), FILE),
    "GitHub.file": Call(lambda c: c.github.file("requests/x.yaml"), FILE),
    "GitHub.compare": Call(lambda c: c.github.compare("a", "b"), {"status": "ahead"}),
    "GitHub.commit": Call(
        lambda c: c.github.commit("h", "b", {"x": b"y"}, (), SHA),
        {"data": {"createCommitOnBranch": {"commit": {"oid": SHA, "url": "https://x"}}}},
    ),
    "GitHub.dispatch": Call(
        lambda c: c.github.dispatch("apply.yml", {}),
        {"workflow_run_id": 9, "run_url": "https://api.x/runs/9", "html_url": "https://x/runs/9"},
    ),
    "GitHub.check_run": Call(lambda c: c.github.check_run("n", SHA, "9", "success", "t", "s", "x"), {"id": 1}),
    "GitHub.find_run": Call(
        lambda c: c.github.find_run("apply.yml", "aw-7k3m9q", SINCE), {"workflow_runs": [RUN]}
    ),
    "GitHub.runs_of": Call(lambda c: c.github.runs_of("expire.yml", SINCE), {"workflow_runs": [RUN]}),
    "GitHub.run": Call(lambda c: c.github.run(9), RUN),
    "GitHub.check_runs": Call(lambda c: c.github.check_runs(SHA, "sallyport"), {"check_runs": [CHECK]}),
    "GitHub.pull_of_commit": Call(lambda c: c.github.pull_of_commit(SHA), [PULL]),
    "GitHub.reviews": Call(lambda c: c.github.reviews(7), [REVIEW]),
    "GitHub.put_comment": Call(lambda c: c.github.put_comment(7, "m", "words"), [COMMENT]),
    "JIRA.whoami": Call(lambda c: c.jira.whoami(), {"name": "bot", "displayName": "Bot"}),
    "JIRA.create_issue": Call(
        lambda c: c.jira.create_issue("OPS", "Task", "s", "d", ["l"], {}), {"id": "1", "key": "OPS-1"}
    ),
    "JIRA.find_by_label": Call(lambda c: c.jira.find_by_label("OPS", "l"), FOUND),
    "JIRA.issues_by_label": Call(lambda c: c.jira.issues_by_label("OPS", "l"), FOUND),
    "JIRA.issue": Call(lambda c: c.jira.issue("OPS-1"), ISSUE),
    "JIRA.comments": Call(lambda c: c.jira.comments("OPS-1"), NOTES),
    "JIRA.add_comment": Call(lambda c: c.jira.add_comment("OPS-1", "x"), NOTE),
    "JIRA.move": Call(lambda c: c.jira.move("OPS-1", "Open"), {**ISSUE, **WAYS}),
    "JIRA.add_labels": Call(lambda c: c.jira.add_labels("OPS-1", ["x"]), {}),
    "JIRA.link": Call(lambda c: c.jira.link("OPS-1", "https://x", "t", "g"), {"id": 1}),
    "JIRA.set_property": Call(lambda c: c.jira.set_property("OPS-1", "n", 1), {}),
    "Slack.post": Call(lambda c: c.slack.post("C1", "x", marker="m"), {"ok": True, "channel": "C1", "ts": "1.2"}),
    "Slack.update": Call(lambda c: c.slack.update("C1", "1.2", "x"), {"ok": True, "channel": "C1", "ts": "1.2"}),
    "Slack.find": Call(
        lambda c: c.slack.find("C1", "m"), {"ok": True, "team_id": "T1", "user_id": "U0BOT", "messages": [POST]}
    ),
    "Slack.open_dm": Call(lambda c: c.slack.open_dm("U0ANA"), {"ok": True, "channel": {"id": "D1"}}),
    "Slack.users": Call(lambda c: c.slack.users(), {"ok": True, "members": [MEMBER]}),
    "Slack.usergroup_members": Call(lambda c: c.slack.usergroup_members("S1"), {"ok": True, "users": ["U1"]}),
    "Slack.open_view": Call(
        lambda c: c.slack.open_view("t", {"type": "modal"}), {"ok": True, "view": {"id": "V1"}}
    ),
}

statuses = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
plain_words = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)
headers = st.dictionaries(
    st.sampled_from(["Retry-After", "x-ratelimit-remaining", "x-ratelimit-reset", "Date", "Content-Type"]),
    plain_words | st.sampled_from(["0", "-1", "9" * 400, "nan", "inf", "Wed, 21 Oct 9999 07:28:00 GMT"]),
    max_size=3,
)
mistakes = st.one_of(
    st.fixed_dictionaries({"message": values, "errors": values}),
    st.fixed_dictionaries({"errors": st.lists(st.fixed_dictionaries({"type": values, "message": values}))}),
    st.fixed_dictionaries({"errorMessages": values, "errors": values}),
    st.fixed_dictionaries({"ok": st.just(False), "error": texts, "response_metadata": values}),
)


@pytest.fixture(scope="module")
def next_reply() -> list[Reply]:
    return [Answer()]


@pytest.fixture(scope="module")
def clients(next_reply: list[Reply]) -> Iterator[Clients]:
    def reply(_: Received) -> Reply:
        return next_reply[0]

    with Loopback(reply) as server:
        found = Clients(
            GitHub.connect("acme/infra", "main", token="ghp_1", api_url=server.url, timeout=2),
            Jira.connect(server.url, "token"),
            Slack.connect("xoxb-1", f"{server.url}/"),
        )
        yield found
        found.github.close()
        found.jira.close()


@pytest.mark.parametrize("name", CALLS)
def test_the_answer_that_is_mutated_below_is_a_good_one(
    name: str, clients: Clients, next_reply: list[Reply]
) -> None:
    next_reply[0] = Answer(CALLS[name].good if name != "JIRA.add_labels" else b"")
    CALLS[name].make(clients)


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_client_lets_nothing_out_but_the_three_failures(
    name: str, clients: Clients, next_reply: list[Reply], data: st.DataObject
) -> None:
    call = CALLS[name]
    body = data.draw(
        st.one_of(
            mutations(call.good),
            mutations(call.good),
            values,
            mistakes,
            st.binary(max_size=40),
            st.just(b"[" * 50_000),
        )
    )
    next_reply[0] = Answer(body, data.draw(statuses), data.draw(headers))
    with suppress(PlatformError):
        call.make(clients)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("GitHub.head", Answer({}, 200, {"x-ratelimit-reset": "9" * 400})),
        (
            "GitHub.head",
            Answer({}, 429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 400, "Date": DATE}),
        ),
        ("GitHub.head", Answer({"errors": [{"type": [], "message": None}]}, 400)),
        ("JIRA.issue", Answer(b"")),
        ("JIRA.issue", Answer(b"[" * 50_000)),
        ("Slack.users", Answer(b"[" * 50_000)),
    ],
)
def test_what_client_libraries_fall_over_is_translated_too(
    name: str, answer: Answer, clients: Clients, next_reply: list[Reply]
) -> None:
    next_reply[0] = answer
    with pytest.raises(PlatformError):
        CALLS[name].make(clients)


@pytest.mark.parametrize("named", ["9" * 400, "inf", "99999999999"])
def test_a_wait_beyond_all_sense_is_bounded_to_a_day(
    named: str, clients: Clients, next_reply: list[Reply]
) -> None:
    next_reply[0] = Answer({}, 429, {"Retry-After": named})
    for name in ("GitHub.head", "JIRA.issue", "Slack.users"):
        with pytest.raises(TryLater) as raised:
            CALLS[name].make(clients)
        assert raised.value.after is None or raised.value.after <= LONGEST_WAIT
