"""The JQL that the documentation gives auditors, each asked of the JIRA stand-in about a day's tickets."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from coordinator.outside.commits import entry_of
from coordinator.requests import Request
from sallyport.changes.prod_access import ProdAccess
from sallyport.outcomes import Result
from tests.coordinator.asks import HOUR, ROOT, SAM
from tests.coordinator.conftest import Installed, Store, open_places
from tests.coordinator.desk import MINUTE, Desk, open_desk
from tests.coordinator.test_reviews import broken, closes, review

PAGE = (ROOT / "docs/reference/audit.md").read_text()
QUERIES = re.findall(r"\n\n((?:[^\n]+\n)+)\n```jql\n(.+?)\n```", PAGE)
ADMIN = ProdAccess("prod-main", "ProdAdmin")


def query(words: str) -> str:
    """The query under the paragraph that begins with *words*."""
    (found,) = [jql for paragraph, jql in QUERIES if paragraph.startswith(words)]
    return found


def asked_of(desk: Desk, jql: str) -> list[str]:
    return [str(issue.key) for issue in desk.jira_client._client.search_issues(jql, maxResults=0)]


def settled(desk: Desk, request: Request, result: Result | None, by: str = "lee@example.com") -> str:
    """Let it be approved and its job come to *result*; the ticket's key."""
    desk.settle(MINUTE)
    desk.approve(request, by)
    desk.settle(MINUTE)
    if result:
        desk.job_ends(request, result)
        desk.settle(MINUTE)
    return str(desk.request(request).ticket)


def access(desk: Desk, key: str, **different: object) -> Request:
    return desk.submit(key, flow="prod-access", prefix="pa", changes=(ADMIN,), asked="", **different)


@pytest.fixture(scope="module")
def day(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, installed: Installed
) -> Iterator[tuple[Desk, dict[str, str]]]:
    """A day that no query changes, and its tickets by what became of them."""
    store = Store(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path_factory.mktemp('day'))}")
    with open_places() as places, open_desk(store.journal(), installed, places) as desk:
        yield desk, tickets_of_a_day(desk)
    store.close()


def tickets_of_a_day(desk: Desk) -> dict[str, str]:
    found: dict[str, str] = {}
    ended = access(desk, "ended")  # live at nine, for four hours
    found["ended"] = settled(desk, ended, Result.APPLIED)
    desk.now += 4 * HOUR
    desk.settle(MINUTE)
    desk.github.delete(entry_of(desk.request(ended)).path)
    desk.job_ends(ended, Result.REVERTED, run="expire")
    desk.settle(MINUTE)
    found["other"] = settled(desk, desk.submit("other"), Result.APPLIED, SAM)  # payments, not ProdAdmin
    found["failed"] = settled(desk, access(desk, "failed"), Result.FAILED)
    denied = desk.submit("denied", requester="kim@example.com")
    desk.deny(denied)
    desk.settle(MINUTE)
    found["denied"] = str(desk.request(denied).ticket)
    desk.now += 2 * HOUR  # it is after three
    found["later"] = settled(desk, access(desk, "later"), Result.APPLIED)
    waiting = access(desk, "waiting", requester="kim@example.com")
    desk.settle(MINUTE)
    found["waiting"] = str(desk.request(waiting).ticket)
    desk.now += timedelta(minutes=5)
    return found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Everything one person asked for", ["ended", "other", "failed", "later"]),
        ("Everything one person approved", ["ended", "failed", "later"]),
        ("Who can have had a permission set", ["ended"]),
        ("What is live in production now", ["other", "later"]),
        ("What was denied", ["failed", "denied"]),
        ("What still waits", ["waiting"]),
    ],
)
def test_a_query_finds_its_tickets_and_no_other(
    day: tuple[Desk, dict[str, str]], words: str, expected: list[str]
) -> None:
    desk, keys = day
    assert sorted(asked_of(desk, query(words))) == sorted(keys[name] for name in expected)


def test_one_request_s_ticket_is_found_by_its_id(desk: Desk) -> None:
    request = access(desk, "one")
    desk.settle(MINUTE)
    jql = query("One request's ticket").replace("pa-7k3m9q", request.id)
    assert asked_of(desk, jql) == [desk.request(request).ticket]


def test_a_review_is_found_until_somebody_has_closed_it(desk: Desk) -> None:
    request = broken(desk)
    desk.settle(MINUTE)
    jql = query("Which emergencies wait for their review")
    assert asked_of(desk, jql) == [review(desk, request).key]
    closes(desk, request, "sam")
    assert asked_of(desk, jql) == []


def test_every_query_of_the_page_is_proved_here() -> None:
    assert len(QUERIES) == PAGE.count("```jql") == 8
