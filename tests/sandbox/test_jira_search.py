"""JQL in the stand-in: right queries find the right issues; a wrong one never looks like an empty answer."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.jira.jql import select
from sandbox.jira.jql_parser import parse
from sandbox.jira.project import Project
from sandbox.jira.refusals import JiraRefusal
from sandbox.jira.search import Search
from sandbox.jira.site import JiraSite, sample_site
from sandbox.jira.wire import Wire

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)  # a Saturday


class Desk:
    """A project filled by hand, with a clock that is set by hand."""

    def __init__(self, site: JiraSite | None = None) -> None:
        self.now = NOW
        self.project = Project(site or sample_site(), clock=lambda: self.now)
        self.search = Search(self.project)
        user = self.project.site.user("ana")
        assert user is not None
        self.user = user

    def create(self, at: str, *transitions: str, **fields: Any) -> str:
        self.now = datetime.fromisoformat(at).replace(tzinfo=UTC)
        required = {"project": {"key": "OPS"}, "issuetype": {"name": "Task"}, "summary": "Gate"}
        key = self.project.create(self.user, {"fields": required | fields}).key
        for number in transitions:
            done = {"resolution": {"name": "Done"}} if number == "31" else {}
            self.project.transition(self.user, key, {"transition": {"id": number}, "fields": done})
        self.now = NOW
        return key

    def find(self, jql: str) -> list[int]:
        return [issue.number for issue in self.search.find(jql)]


@pytest.fixture(scope="module")
def desk() -> Desk:
    desk = Desk()
    desk.create("2026-06-30T12:00", labels=["old", "sallyport"], summary="Open the payments gate")
    desk.create("2026-10-05T12:00", "11", "21", "31", labels=["sallyport", "Flow-A"], assignee={"name": "kim"})
    desk.create("2026-11-16T00:00", "11", customfield_10010={"name": "lee"}, customfield_10011="aw-7k3m9q")
    desk.create(
        "2026-11-21T09:00",
        labels=["fresh"],
        issuetype={"name": "Access Request"},
        description="Partner go-live",
        customfield_10012="2026-12-21T00:00:00.000+0000",
        customfield_10013={"value": "prod"},
    )
    return desk


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        ("", [4, 3, 2, 1]),
        ("project = OPS ORDER BY created ASC", [1, 2, 3, 4]),
        ("project = ops AND labels = sallyport", [2, 1]),
        ('labels = "flow-a"', [2]),
        ("labels != old", [4, 2]),
        ("NOT labels = old", [4, 2]),
        ("labels in (old, fresh) ORDER BY key", [1, 4]),
        ("labels not in (old, fresh)", [2]),
        ("labels is EMPTY", [3]),
        ("labels is not null ORDER BY key DESC", [4, 2, 1]),
        ("status = 'waiting FOR approval'", [3]),
        ("status in (Done, 'To Do')", [4, 2, 1]),
        ("statusCategory = Done", [2]),
        ('statusCategory != "To Do"', [3, 2]),
        ("statusCategory = indeterminate", [3]),
        ("resolution = Done", [2]),
        ("resolution = Unresolved", [4, 3, 1]),
        ("resolution is EMPTY", [4, 3, 1]),
        ("resolution != Declined", [2]),
        ("resolution is not EMPTY", [2]),
        ("resolved >= startOfYear()", [2]),
        ("resolved is EMPTY AND created > '2026-11-01'", [4, 3]),
        ("issuetype = 'access request'", [4]),
        ("key = OPS-2", [2]),
        ("key in (OPS-1, ops-3)", [3, 1]),
        ("key > OPS-2", [4, 3]),
        ("reporter = ana AND assignee = kim", [2]),
        ("reporter = 'ana@example.com' AND assignee is EMPTY ORDER BY updated DESC, key", [4, 3, 1]),
        ("Approver = lee", [3]),
        ('"Approver" != sam', [3]),
        ("cf[10010] = lee", [3]),
        ('"Target environment" = PROD', [4]),
        ('"Expires at" < "2027/01/01"', [4]),
        ("'Request id' ~ 'aw-7k3m9q'", [3]),
        ("'Request id' is EMPTY", [4, 2, 1]),
        ("summary ~ 'gate payments'", [1]),
        ("summary ~ '\"gate payments\"'", []),
        ("summary ~ '\"payments gate\"'", [1]),
        ("summary !~ payments", [4, 3, 2]),
        ("NOT summary ~ payments", [4, 3, 2]),
        ("text ~ partner", [4]),
        ("text ~ 7k3m9q", [3]),
        ("created >= -1d", [4]),
        ("created >= '-1w'", [4, 3]),
        ("created < '-4w 2d'", [2, 1]),
        ("created <= now()", [4, 3, 2, 1]),
        ("created >= startOfDay()", [4]),
        ("created >= startOfWeek()", [4, 3]),
        ("created >= startOfMonth(-1)", [4, 3, 2]),
        ("created >= startOfMonth('-4M') AND created < startOfMonth('+1d')", [2]),
        ("created >= startOfYear(1)", []),
        ("created >= startOfYear('5M') and created < startOfYear(6M)", [1]),
        ("created = '2026-11-16 00:00'", [3]),
        ("created in ('2026-11-16', '2026-11-17')", [3]),
        ("labels = old OR labels = fresh AND key = OPS-1", [1]),
        ("(labels = old OR labels = fresh) AND key = OPS-1", [1]),
        ("NOT (labels = sallyport AND key = OPS-1)", [4, 3, 2]),
        ("NOT (labels = sallyport OR key >= OPS-4)", []),
        ("not not key = OPS-1", [1]),
        ("ORDER BY resolved, key", [1, 3, 4, 2]),
    ],
)
def test_a_query_finds(desk: Desk, jql: str, found: list[int]) -> None:
    assert desk.find(jql) == found


@pytest.mark.parametrize(
    ("jql", "complaint"),
    [
        ("bogus = 1", "Field 'bogus' does not exist"),
        ("cf[10099] = 1", "Field 'cf[10099]' does not exist"),
        ("customfield_10010 = lee", "does not exist"),
        ("issue.property[sallyport.request].id = x", "not searchable"),
        ("garbage", "Expecting an operator"),
        ("labels", "Expecting an operator"),
        ("labels =", "Expecting a value"),
        ("labels = empty", "Expecting a value"),
        ("labels = a b", "Expecting either 'AND' or 'OR'"),
        ("labels = a AND", "Expecting a field name"),
        ("labels in a", "Expecting '('"),
        ("labels in ()", "Expecting a value"),
        ("labels in (a", "Expecting ')'"),
        ("(labels = a", "Expecting ')'"),
        ("labels is a", "Expecting 'EMPTY'"),
        ("labels not a", "Expecting an operator"),
        ("labels was a", "Expecting an operator"),
        ("labels > a", "The operator '>' is not supported"),
        ("labels ~ a", "The operator '~' is not supported"),
        ("summary = a", "The operator '=' is not supported"),
        ("text is EMPTY", "The operator 'is' is not supported"),
        ("status = Finished", "The value 'Finished' does not exist for the field 'status'"),
        ("statusCategory = Busy", "does not exist"),
        ("resolution = Fixed", "does not exist"),
        ("project = NOPE", "does not exist"),
        ("issuetype = Bug", "does not exist"),
        ("reporter = nobody", "does not exist"),
        ("reporter = currentUser()", "Unable to find JQL function 'currentUser'"),
        ("key = OPS-99", "An issue with key 'OPS-99' does not exist"),
        ("'Target environment' = moon", "does not exist"),
        ("created > yesterday", "is invalid. Valid formats include"),
        ("created > '2026-02-30'", "is invalid"),
        ("created > -7", "is invalid"),
        ("created > endOfDay()", "Unable to find JQL function 'endOfDay()'"),
        ("created > startOfDay(1, 2)", "Unable to find JQL function"),
        ("created > startOfDay(1x)", "should have the format"),
        ("created > startOfDay(1", "','"),
        ("created > now(1)", "Unable to find JQL function"),
        ("created > startOfQuarter(-1)", "Unable to find JQL function 'startOfQuarter(-1)'"),
        ("labels = a@b", "The character '@' is a reserved JQL character"),
        ("labels = a/b", "reserved JQL character"),
        ("labels = a && key = OPS-1", "reserved JQL character"),
        ("! labels = a", "reserved JQL character"),
        ("labels = order", "Expecting a value"),
        ("labels = public", "'public' is a reserved JQL word"),
        ("labels = 'a", "has not been completed"),
        ("labels = 'a\\q'", "illegal JQL escape"),
        ("labels = 'a\\u12'", "illegal JQL escape"),
        ("labels = 'a\x01'", "reserved JQL character"),
        ("labels = a\x7fb", "reserved JQL character"),
        ("summary ~ 'wild*'", "Unable to parse the text"),
        ("summary ~ ''", "Unable to parse the text"),
        ("labels = a ORDER created", "Expecting 'BY'"),
        ("labels = a ORDER BY labels", "Not able to sort using field 'labels'"),
        ("labels = a ORDER BY bogus", "does not exist"),
        ("ORDER BY " + ", ".join(["key"] * 8), "at most 7"),
    ],
)
def test_a_wrong_query_is_refused_with_the_reason_even_if_there_is_no_issue(jql: str, complaint: str) -> None:
    with pytest.raises(JiraRefusal) as refusal:
        Desk().find(jql)
    assert refusal.value.status == 400
    assert complaint in refusal.value.messages[0]


def test_a_quarter_starts_only_where_an_app_says_so(desk: Desk) -> None:
    site = sample_site()
    with_app = JiraSite(
        project="OPS", users=site.users, tokens=site.tokens, app_functions=frozenset({"startOfQuarter"})
    )
    pick = select(Project(with_app, clock=lambda: NOW), parse("created >= startOfQuarter()"))
    assert [issue.number for issue in pick(desk.project.issues.values())] == [4, 3, 2]
    pick = select(Project(with_app, clock=lambda: NOW), parse("created >= startOfQuarter(-2)"))
    assert [issue.number for issue in pick(desk.project.issues.values())] == [4, 3, 2, 1]


def test_the_end_of_a_month_stays_in_the_month() -> None:
    desk = Desk()
    desk.now = datetime(2026, 3, 31, 12, tzinfo=UTC)
    for jql in ("created >= startOfDay('-1M')", "created >= startOfDay('-1y')"):
        assert desk.find(jql) == []


def test_cloud_knows_people_by_account_only() -> None:
    with pytest.raises(JiraRefusal):
        Desk(sample_site("Cloud")).find("reporter = 'ana@example.com'")


@given(st.text())
def test_no_text_makes_the_parser_fail_in_any_other_way_than_a_refusal(text: str) -> None:
    with suppress(JiraRefusal):
        Desk().find(text)


class TestLag:
    def test_a_new_issue_is_not_found_for_some_seconds(self) -> None:
        desk = Desk()
        desk.project.switches.search_lag = 5
        desk.create("2026-11-21T09:29:57")
        assert desk.find("project = OPS") == []
        desk.now = datetime(2026, 11, 21, 9, 30, 2, tzinfo=UTC)
        assert desk.find("project = OPS") == [1]

    def test_or_until_it_is_reconciled(self) -> None:
        desk = Desk(sample_site("Cloud"))
        desk.project.switches.search_lag = "until reconciled"
        issue = desk.project.get(desk.create("2026-11-01T00:00"))
        desk.create("2026-11-01T00:00")
        wire = Wire(desk.project, "http://localhost")
        asked = {"jql": "project = OPS", "reconcileIssues": [issue.id]}
        assert desk.find("project = OPS") == []
        assert desk.search.enhanced(wire, asked)["issues"] == [{"id": str(issue.id)}]
        desk.search.reindex()
        assert desk.find("project = OPS") == [2, 1]


class TestPages:
    """Cloud's pages: ids only unless asked, tokens that belong to one query, no unbounded query."""

    @pytest.fixture
    def cloud(self) -> Desk:
        desk = Desk(sample_site("Cloud"))
        for _ in range(3):
            desk.create("2026-11-01T00:00")
        return desk

    def ask(self, desk: Desk, **asked: Any) -> dict[str, Any]:
        return desk.search.enhanced(Wire(desk.project, "http://localhost"), asked)

    def test_pages_follow_by_token_until_the_last(self, cloud: Desk) -> None:
        query = {"jql": "project = OPS ORDER BY key", "fields": "labels", "maxResults": "2"}
        first = self.ask(cloud, **query)
        assert [each["key"] for each in first["issues"]] == ["OPS-1", "OPS-2"]
        assert first["isLast"] is False
        last = self.ask(cloud, **query, nextPageToken=first["nextPageToken"])
        assert [each["key"] for each in last["issues"]] == ["OPS-3"]
        assert last == {"issues": last["issues"], "isLast": True}

    def test_only_ids_come_unless_fields_are_named(self, cloud: Desk) -> None:
        assert self.ask(cloud, jql="key = OPS-1") == {"issues": [{"id": "10001"}], "isLast": True}

    @pytest.mark.parametrize(
        "asked",
        [
            {"jql": ""},
            {"jql": "ORDER BY key"},
            {"jql": "key = OPS-1", "nextPageToken": "x"},
            {"jql": "key = OPS-1", "nextPageToken": "MTprZXkgPSBPUFMtMg=="},
            {"jql": "key = OPS-1", "reconcileIssues": list(range(51))},
            {"jql": "key = OPS-1", "fields": ["bogus"]},
        ],
    )
    def test_what_cloud_refuses_is_refused(self, cloud: Desk, asked: dict[str, Any]) -> None:
        with pytest.raises(JiraRefusal):
            self.ask(cloud, **asked)
