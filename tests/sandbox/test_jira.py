"""The JIRA stand-in does what JIRA does, and refuses what JIRA refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import FrozenInstanceError, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jira as package
import pytest
import requests
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import Fault, Kind, Moment
from sandbox.jira import ChangeItem, JiraStandIn, sample_site
from sandbox.serving import Server

TASK = {"project": {"key": "OPS"}, "issuetype": {"name": "Task"}, "summary": "Open the gate"}


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 21, 9, 12, 44, 5000, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class World:
    """A stand-in being served, and one person's plain HTTP session with it."""

    jira: JiraStandIn
    clock: Clock
    url: str
    session: requests.Session

    def ask(self, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
        data = {} if body is None else {"json": body}
        return self.session.request(method, f"{self.url}/rest/api/2/{path}", params=params, timeout=5, **data)

    def create(self, **fields: Any) -> str:
        answer = self.ask("POST", "issue", {"fields": TASK | fields})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    def move(self, key: str, *transitions: str) -> None:
        for number in transitions:
            done = {"resolution": {"name": "Done"}} if number in ("31", "41") else {}
            body = {"transition": {"id": number}, "fields": done}
            assert self.ask("POST", f"issue/{key}/transitions", body).status_code == 204

    def find(self, jql: str) -> list[str]:
        return [each["key"] for each in self.ask("GET", "search", jql=jql).json()["issues"]]


class Stage:
    """One served address on which each test puts its own stand-in: starting servers is what takes time."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def data_center_stage() -> Iterator[tuple[Stage, str]]:
    with Server(stage := Stage()) as server:
        yield stage, server.url


@pytest.fixture(scope="module")
def cloud_stage() -> Iterator[tuple[Stage, str]]:
    with Server(stage := Stage()) as server:
        yield stage, server.url


@pytest.fixture
def world(data_center_stage: tuple[Stage, str]) -> Iterator[World]:
    clock = Clock()
    stage, url = data_center_stage
    stage.app = (jira := JiraStandIn(sample_site(), clock=clock)).app
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer ana-token"
        yield World(jira, clock, url, session)


@pytest.fixture
def cloud(cloud_stage: tuple[Stage, str]) -> Iterator[World]:
    clock = Clock()
    stage, url = cloud_stage
    stage.app = (jira := JiraStandIn(sample_site("Cloud"), clock=clock)).app
    with requests.Session() as session:
        session.auth = ("ana@example.com", "ana-token")
        yield World(jira, clock, url, session)


def errors(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 400, answer.text
    return dict(answer.json()["errors"])


class TestWhoAsks:
    def test_data_center_takes_a_bearer_token_and_writes_in_its_owner_s_name(self, world: World) -> None:
        assert world.ask("GET", "myself").json()["name"] == "ana"
        assert world.jira.issue(world.create()).reporter == "ana"

    def test_cloud_takes_mail_address_and_token(self, cloud: World) -> None:
        assert cloud.ask("GET", "myself").json()["accountId"] == "ana"

    @pytest.mark.parametrize("header", ["", "Bearer wrong", "Bearer dee-token", "Basic YW5hOmFuYS10b2tlbg=="])
    def test_anything_else_is_401_on_data_center(self, world: World, header: str) -> None:
        world.session.headers["Authorization"] = header
        assert world.ask("GET", "myself").status_code == 401

    @pytest.mark.parametrize("header", ["Bearer ana-token", "Basic %", "Basic OmFuYS10b2tlbg=="])
    def test_anything_else_is_401_on_cloud(self, cloud: World, header: str) -> None:
        cloud.session.auth = None
        cloud.session.headers["Authorization"] = header
        assert cloud.ask("GET", "myself").status_code == 401

    def test_server_info_is_open_and_names_the_deployment(self, world: World, cloud: World) -> None:
        for each, name in ((world, "Server"), (cloud, "Cloud")):
            info = requests.get(f"{each.url}/rest/api/2/serverInfo", timeout=5).json()
            assert (info["deploymentType"], info["baseUrl"]) == (name, each.url)

    def test_users_are_found_by_username_on_data_center_and_by_query_on_cloud(
        self, world: World, cloud: World
    ) -> None:
        assert [u["name"] for u in world.ask("GET", "user/search", username="lee@example.com").json()] == ["lee"]
        assert [u["accountId"] for u in cloud.ask("GET", "user/search", query="wong").json()] == ["lee"]
        assert world.ask("GET", "user/search", username="dee").json() == []
        assert world.ask("GET", "user/search", username="dee", includeInactive=True).json()[0]["active"] is False
        assert world.ask("GET", "user/search", query="lee").status_code == 400
        assert world.ask("GET", "user/search").status_code == 400

    def test_the_project_and_its_types_can_be_read(self, world: World) -> None:
        types = world.ask("GET", "project/OPS").json()["issueTypes"]
        assert [each["name"] for each in types] == ["Service Request", "Access Request", "Task"]
        assert world.ask("GET", "project/NOPE").status_code == 404

    def test_cloud_s_old_search_is_gone(self, cloud: World) -> None:
        assert cloud.ask("GET", "search", jql="project = OPS").status_code == 410

    def test_what_the_product_does_not_need_is_missing(self, world: World) -> None:
        key = world.create()
        assert world.ask("DELETE", f"issue/{key}").status_code == 405
        assert world.ask("GET", "priority").status_code == 404
        assert world.ask("GET", "search/jql", jql="project = OPS").status_code == 404
        assert requests.get(f"{world.url}/rest/api/3/myself", timeout=5).status_code == 404

    def test_unknown_parameters_and_members_are_refused_by_name(self, world: World) -> None:
        assert "'overrideScreen'" in world.ask("GET", "myself", overrideScreen="yes").text
        assert "'update'" in world.ask("POST", "issue", {"fields": TASK, "update": {}}).text
        assert "'visibility'" in world.ask("POST", f"issue/{world.create()}/comment", {"visibility": {}}).text

    def test_a_body_that_is_not_json_is_refused(self, world: World) -> None:
        address = f"{world.url}/rest/api/2/issue"
        assert world.session.post(address, data="fields=1", timeout=5).status_code == 415
        kind = {"Content-Type": "application/json"}
        assert world.session.post(address, data="{", headers=kind, timeout=5).status_code == 400
        assert world.session.post(address, data="[]", headers=kind, timeout=5).status_code == 400


class TestCreation:
    def test_fields_labels_and_properties_are_kept_with_the_time_of_creation(self, world: World) -> None:
        fields = TASK | {
            "description": "Why: *partner*",
            "labels": ["sallyport", "flow-prod-access"],
            "customfield_10010": {"name": "lee"},
            "customfield_10012": "2026-12-21T01:00:00.000+0100",
            "customfield_10013": {"value": "prod"},
        }
        body = {"fields": fields, "properties": [{"key": "sallyport.request", "value": {"id": "aw-1"}}]}
        answer = world.ask("POST", "issue", body).json()

        issue = world.jira.issue(answer["key"])
        assert (issue.key, issue.type, issue.status) == ("OPS-1", "Task", "To Do")
        assert issue.labels == ("sallyport", "flow-prod-access")
        assert issue.properties == {"sallyport.request": {"id": "aw-1"}}
        assert issue.fields["Approver"] == "lee"
        assert issue.fields["Expires at"] == datetime(2026, 12, 21, tzinfo=UTC)
        assert issue.created == world.clock.now

        raw = world.ask("GET", "issue/OPS-1", properties="*all").json()
        assert raw["fields"]["created"] == "2026-11-21T09:12:44.005+0000"
        assert raw["fields"]["customfield_10010"]["emailAddress"] == "lee@example.com"
        assert raw["fields"]["customfield_10013"]["value"] == "prod"
        assert raw["properties"] == {"sallyport.request": {"id": "aw-1"}}

    def test_every_missing_required_field_is_named(self, world: World) -> None:
        assert set(errors(world.ask("POST", "issue", {"fields": {}}))) == {"project", "issuetype", "summary"}

    @pytest.mark.parametrize(
        ("name", "value", "complaint"),
        [
            ("summary", "two\nlines", "newline"),
            ("summary", "x" * 256, "less than 255"),
            ("summary", "  ", "specify a summary"),
            ("summary", None, "string"),
            ("labels", ["two words"], "contains spaces"),
            ("labels", "one", "array"),
            ("labels", [""], "non-empty"),
            ("labels", ["x" * 256], "255"),
            ("description", {"type": "doc"}, "string"),
            ("description", "x" * 32_768, "too long"),
            ("project", {"key": "NOPE"}, "project"),
            ("issuetype", {"name": "Bug"}, "invalid"),
            ("issuetype", "Task", "invalid"),
            ("reporter", {"name": "nobody"}, "does not exist"),
            ("assignee", {"name": "dee"}, "does not exist"),
            ("assignee", {"accountId": "ana"}, "'name'"),
            ("priority", {"name": "High"}, "cannot be set"),
            ("Approver", {"name": "lee"}, "cannot be set"),
            ("customfield_10099", "x", "cannot be set"),
            ("customfield_10014", "x", "cannot be set"),
            ("resolution", {"name": "Done"}, "cannot be set"),
            ("customfield_10011", "x" * 256, "too long"),
            ("customfield_10011", 7, "string"),
            ("customfield_10012", "2026-12-21", "date"),
            ("customfield_10012", "2026-12-21T00:00:00Z", "date"),
            ("customfield_10012", "2026-13-21T00:00:00.000+0000", "date"),
            ("customfield_10013", {"value": "moon"}, "not valid"),
        ],
    )
    def test_a_value_jira_would_refuse_is_refused_under_its_field(
        self, world: World, name: str, value: Any, complaint: str
    ) -> None:
        answer = errors(world.ask("POST", "issue", {"fields": TASK | {name: value}}))
        assert complaint in answer[name]
        assert world.jira.issues == ()

    @pytest.mark.parametrize(
        "properties",
        [{}, [{"key": "a"}], [{"key": "", "value": 1}], [{"key": "a", "value": "x" * 32_768}]],
    )
    def test_malformed_properties_are_refused(self, world: World, properties: Any) -> None:
        answer = world.ask("POST", "issue", {"fields": TASK, "properties": properties})
        assert answer.status_code == 400
        assert world.jira.issues == ()

    def test_an_unknown_issue_is_404(self, world: World, cloud: World) -> None:
        assert world.ask("GET", "issue/OPS-9").json()["errorMessages"] == ["Issue Does Not Exist"]
        assert "permission" in cloud.ask("GET", "issue/OPS-9").json()["errorMessages"][0]

    def test_an_issue_shows_only_the_fields_asked_for(self, world: World) -> None:
        world.create(labels=["a"])
        assert world.ask("GET", "issue/OPS-1", fields="labels,status").json()["fields"].keys() == {
            "labels",
            "status",
        }
        assert "comment" not in world.ask("GET", "issue/OPS-1", fields="*all,-comment").json()["fields"]
        assert world.ask("GET", "issue/OPS-1", fields="labels,bogus").status_code == 400
        assert world.ask("GET", "issue/OPS-1", expand="renderedFields").status_code == 400

    def test_the_view_is_frozen(self, world: World) -> None:
        issue = world.jira.issue(world.create())
        with pytest.raises(FrozenInstanceError):
            issue.status = "Done"  # type: ignore[misc]  # that is the point
        with pytest.raises(TypeError):
            issue.fields["Approver"] = "lee"  # type: ignore[index]  # that is the point


class TestEditing:
    def test_fields_and_label_operations_change_the_issue_and_its_history(self, world: World) -> None:
        key = world.create(labels=["a", "b"])
        world.clock.tick(60)
        body = {
            "fields": {"customfield_10010": {"name": "lee"}},
            "update": {"labels": [{"add": "c"}, {"remove": "a"}]},
        }
        assert world.ask("PUT", f"issue/{key}", body).status_code == 204

        issue = world.jira.issue(key)
        assert issue.labels == ("b", "c")
        (change,) = issue.changelog
        assert (change.author, change.created) == ("ana", world.clock.now)
        assert change.items == (ChangeItem("labels", "a b", "b c"), ChangeItem("Approver", "", "lee"))
        histories = world.ask("GET", f"issue/{key}", expand="changelog").json()["changelog"]["histories"]
        assert histories[0]["items"][0] == {"field": "labels", "fromString": "a b", "toString": "b c"}

    def test_labels_can_be_set_and_a_field_emptied(self, world: World) -> None:
        key = world.create(labels=["a"], customfield_10011="aw-1")
        nothing = dict.fromkeys(("customfield_10011", "customfield_10012", "customfield_10013", "description"))
        body = {"fields": nothing, "update": {"labels": [{"set": ["z"]}]}}
        assert world.ask("PUT", f"issue/{key}", body).status_code == 204
        assert world.jira.issue(key).labels == ("z",)
        assert "Request id" not in world.jira.issue(key).fields

    @pytest.mark.parametrize(
        "body",
        [
            {"fields": {"status": {"name": "Done"}}},
            {"fields": {"project": {"key": "OPS"}}},
            {"fields": {"reporter": None}},
            {"update": {"summary": [{"set": "x"}]}},
            {"update": {"labels": {"add": "x"}}},
            {"update": {"labels": [{"add": "two words"}]}},
            {"update": {"labels": [{"copy": "x"}]}},
            {"update": {"labels": [{"set": "x"}]}},
            {"update": {"labels": [{"add": "x", "remove": "y"}]}},
            {"update": []},
            {"fields": []},
            {"fields": {"labels": ["a"]}, "update": {"labels": [{"add": "b"}]}},
        ],
    )
    def test_an_edit_jira_would_refuse_changes_nothing(self, world: World, body: dict[str, Any]) -> None:
        key = world.create(labels=["a"])
        before = world.jira.issue(key)
        assert world.ask("PUT", f"issue/{key}", body).status_code == 400
        assert world.jira.issue(key) == before

    def test_an_edit_that_changes_nothing_leaves_no_history(self, world: World) -> None:
        key = world.create(labels=["a"])
        assert world.ask("PUT", f"issue/{key}", {"fields": {"labels": ["a"]}}).status_code == 204
        assert world.jira.issue(key).changelog == ()


class TestComments:
    def test_a_comment_has_an_author_a_time_and_properties(self, world: World) -> None:
        key = world.create()
        world.clock.tick(5)
        world.session.headers["Authorization"] = "Bearer lee-token"
        body = {"body": "Approved", "properties": [{"key": "effect", "value": "aw-1:approved"}]}
        answer = world.ask("POST", f"issue/{key}/comment", body)
        assert (answer.status_code, answer.json()["author"]["displayName"]) == (201, "Lee Wong")

        (comment,) = world.jira.issue(key).comments
        assert (comment.author, comment.body, comment.created) == ("lee", "Approved", world.clock.now)
        assert comment.properties == {"effect": "aw-1:approved"}
        shown = world.ask("GET", f"issue/{key}/comment", expand="properties").json()["comments"][0]
        assert shown["properties"] == [{"key": "effect", "value": "aw-1:approved"}]

    def test_comments_come_in_pages_oldest_or_newest_first(self, world: World) -> None:
        key = world.create()
        for n in range(3):
            world.ask("POST", f"issue/{key}/comment", {"body": str(n)})
        page = world.ask("GET", f"issue/{key}/comment", startAt=1, maxResults=1).json()
        assert ([each["body"] for each in page["comments"]], page["total"]) == (["1"], 3)
        page = world.ask("GET", f"issue/{key}/comment", orderBy="-created").json()
        assert [each["body"] for each in page["comments"]] == ["2", "1", "0"]
        assert world.ask("GET", f"issue/{key}/comment", orderBy="author").status_code == 400
        assert world.ask("GET", f"issue/{key}/comment", startAt="x").status_code == 400

    @pytest.mark.parametrize("body", ["", " ", None, "x" * 32_768, {"type": "doc"}])
    def test_an_empty_long_or_rich_comment_is_refused(self, world: World, body: Any) -> None:
        assert "comment" in errors(world.ask("POST", f"issue/{world.create()}/comment", {"body": body}))


class TestWorkflow:
    def test_transitions_are_those_that_leave_the_status_and_bear_their_own_names(self, world: World) -> None:
        world.create()
        shown = world.ask("GET", "issue/OPS-1/transitions").json()["transitions"]
        assert [(each["name"], each["to"]["name"]) for each in shown] == [
            ("Ask for approval", "Waiting for approval"),
            ("Withdraw", "Cancelled"),
        ]
        assert "fields" not in shown[0]

    def test_the_fields_of_a_transition_say_what_is_required_and_allowed(self, world: World) -> None:
        world.move(world.create(), "11", "21")
        shown = world.ask("GET", "issue/OPS-1/transitions", expand="transitions.fields", transitionId="31").json()
        (finish,) = shown["transitions"]
        assert finish["fields"]["resolution"]["required"] is True
        assert {"id": "1", "name": "Done"} in finish["fields"]["resolution"]["allowedValues"]
        assert finish["to"]["statusCategory"] == {"id": 3, "key": "done", "name": "Done"}

    def test_the_whole_way_is_recorded_with_resolution_and_comment(self, world: World) -> None:
        key = world.create()
        world.move(key, "11", "21")
        body = {
            "transition": {"id": 31},
            "fields": {"resolution": {"name": "Done"}},
            "update": {"comment": [{"add": {"body": "Live"}}]},
        }
        assert world.ask("POST", f"issue/{key}/transitions", body).status_code == 204

        issue = world.jira.issue(key)
        assert (issue.status, issue.resolution, issue.resolved) == ("Done", "Done", world.clock.now)
        assert [item.after for change in issue.changelog for item in change.items if item.field == "status"] == [
            "Waiting for approval",
            "In Progress",
            "Done",
        ]
        assert issue.comments[0].body == "Live"

    def test_a_transition_may_set_the_fields_of_its_screen(self, world: World) -> None:
        world.move(world.create(), "11")
        body = {"transition": {"id": "21"}, "fields": {"customfield_10010": {"name": "lee"}}}
        assert world.ask("POST", "issue/OPS-1/transitions", body).status_code == 204
        assert world.jira.issue("OPS-1").fields["Approver"] == "lee"

    def test_reopening_empties_the_resolution(self, world: World) -> None:
        world.move(world.create(), "11", "41", "61")
        issue = world.jira.issue("OPS-1")
        assert (issue.status, issue.resolution, issue.resolved) == ("To Do", None, None)

    @pytest.mark.parametrize(
        "body",
        [
            {"transition": {"id": "11"}},
            {"transition": {"id": "99"}},
            {"transition": {"name": "Finish"}},
            {"transition": "31"},
            {},
            {"transition": {"id": "31"}},
            {"transition": {"id": "31"}, "fields": {"resolution": {"name": "Splendid"}}},
            {"transition": {"id": "31"}, "fields": {"resolution": None}},
            {"transition": {"id": "31"}, "fields": {"resolution": {"name": "Done"}, "summary": "x"}},
            {"transition": {"id": "51"}, "update": {"labels": [{"add": "x"}]}},
            {"transition": {"id": "51"}, "update": []},
            {"transition": {"id": "51"}, "update": {"comment": [{"add": {"body": ""}}]}},
            {"transition": {"id": "51"}, "update": {"comment": [{"edit": {"body": "x"}}]}},
            {"transition": {"id": "51"}, "update": {"comment": ["x"]}},
            {"transition": {"id": "51"}, "update": {"comment": "x"}},
        ],
    )
    def test_an_illegal_transition_changes_nothing(self, world: World, body: dict[str, Any]) -> None:
        world.move(world.create(), "11", "21")
        before = world.jira.issue("OPS-1")
        assert world.ask("POST", "issue/OPS-1/transitions", body).status_code == 400
        assert world.jira.issue("OPS-1") == before


class TestPropertiesAndLinks:
    def test_a_property_is_put_replaced_and_read(self, world: World) -> None:
        path = f"issue/{world.create()}/properties"
        assert world.ask("PUT", f"{path}/sallyport.request", {"id": 1}).status_code == 201
        assert world.ask("PUT", f"{path}/sallyport.request", {"id": 2}).status_code == 200
        assert world.ask("GET", f"{path}/sallyport.request").json() == {
            "key": "sallyport.request",
            "value": {"id": 2},
        }
        assert [each["key"] for each in world.ask("GET", path).json()["keys"]] == ["sallyport.request"]
        assert world.ask("GET", f"{path}/other").status_code == 404
        assert world.ask("PUT", f"{path}/big", "x" * 32_768).status_code == 400

    def test_the_same_global_id_replaces_a_link_and_another_adds_one(self, world: World) -> None:
        path = f"issue/{world.create()}/remotelink"

        def link(title: str, global_id: str | None) -> int:
            target = {"url": "https://example.com/run", "title": title}
            body = {"object": target} | ({"globalId": global_id} if global_id else {})
            return world.ask("POST", path, body).status_code

        assert [link("Run 1", "run"), link("Run 2", "run"), link("Thread", "thread"), link("Loose", None)] == [
            201,
            200,
            201,
            201,
        ]
        assert [each.title for each in world.jira.issue("OPS-1").links] == ["Run 2", "Thread", "Loose"]
        assert [each["object"]["title"] for each in world.ask("GET", path, globalId="run").json()] == ["Run 2"]
        assert set(errors(world.ask("POST", path, {"object": {}}))) == {"url", "title"}


class TestPace:
    def test_writes_to_one_issue_can_be_too_fast(self, world: World) -> None:
        key = world.create()
        world.jira.switches.seconds_between_writes = 2
        path = f"issue/{key}/comment"
        assert world.ask("POST", path, {"body": "one"}).status_code == 201
        world.clock.tick(0.5)
        slow = world.ask("POST", path, {"body": "two"})
        assert (slow.status_code, slow.headers["Retry-After"]) == (429, "2")
        assert slow.headers["RateLimit-Reason"] == "jira-per-issue-on-write"
        assert world.ask("GET", path).status_code == 200
        world.clock.tick(1.5)
        assert world.ask("POST", path, {"body": "two"}).status_code == 201

    def test_a_fault_after_the_work_loses_the_answer_only(self, world: World) -> None:
        fault = Fault(Kind.STATUS, Moment.AFTER, method="POST", path="/issue$")
        world.jira.faults.add(fault)
        assert world.ask("POST", "issue", {"fields": TASK}).status_code == 502
        assert len(world.jira.issues) == 1


class TestPages:
    def test_a_ticket_page_tells_the_story_and_escapes_it(self, world: World) -> None:
        key = world.create(
            summary="<script>alert(1)</script>",
            description="h3. Why\n* *Partner* {{go}}\n\\*not bold\\* [run|https://example.com/?a=1&b=2]",
            labels=['"><img>'],
            customfield_10010={"name": "lee"},
        )
        world.move(key, "11")
        world.ask("POST", f"issue/{key}/comment", {"body": "<b>hi</b> [x|javascript:alert(1)]"})
        for url in ("javascript:alert(2)", "https://example.com/run"):
            world.ask("POST", f"issue/{key}/remotelink", {"object": {"url": url, "title": "Run"}})

        page = requests.get(f"{world.url}/browse/{key}", timeout=5)
        assert page.headers["Content-Type"].startswith("text/html")
        for forbidden in ("<script", "<img", "<b>hi", 'href="javascript'):
            assert forbidden not in page.text
        for shown in (
            "&lt;script&gt;",
            "<h3>Why</h3>",
            "<b>Partner</b> <code>go</code>",
            "&#42;not bold&#42;",
            'href="https://example.com/?a=1&amp;b=2"',
            'href="https://example.com/run"',
            "Waiting for approval",
            "status: To Do → Waiting for approval",
            "Ana Ruiz",
            "2026-11-21 09:12:44 UTC",
        ):
            assert shown in page.text

    def test_the_list_takes_jql_and_shows_what_is_wrong_with_it(self, world: World) -> None:
        world.create(labels=["a"])
        assert "OPS-1" in requests.get(world.url, timeout=5).text
        assert "OPS-1" not in requests.get(world.url, params={"jql": "labels = b"}, timeout=5).text
        wrong = requests.get(world.url, params={"jql": "bogus = <b>"}, timeout=5)
        assert (wrong.status_code, "<b>" in wrong.text) == (400, False)
        assert requests.get(f"{world.url}/browse/OPS-9", timeout=5).status_code == 404


class TestWithTheJiraPackage:
    """The calls our client library makes are served as it makes them."""

    @pytest.fixture
    def client(self, world: World) -> Iterator[package.JIRA]:
        client = package.JIRA(world.url, token_auth="ana-token", max_retries=0, timeout=5)
        yield client
        client.close()  # type: ignore[no-untyped-call]  # the package leaves it untyped

    def test_create_edit_move_and_search(self, client: package.JIRA) -> None:
        issue = client.create_issue(fields=TASK | {"labels": ["a"]})
        issue.update(update={"labels": [{"add": "b"}]})
        issue.update(fields={"customfield_10011": "aw-1"})
        client.transition_issue(issue, "withdraw", resolution={"name": "Cancelled"}, comment="Not needed")
        client.add_comment(issue, "Bye")
        client.add_issue_property(issue.key, "a", {"b": 1})
        (found,) = client.search_issues('"Request id" ~ "aw-1" AND labels = b', fields="Request id,status")
        assert (found.key, found.fields.status.name) == ("OPS-1", "Cancelled")
        assert [each.body for each in client.comments("OPS-1")] == ["Not needed", "Bye"]
        assert client.issue_property("OPS-1", "a").value.b == 1

    def test_all_pages_of_a_search_are_fetched(self, client: package.JIRA) -> None:
        for _ in range(3):
            client.create_issue(fields=TASK, prefetch=False)
        assert len(client.search_issues("project = OPS", maxResults=2)) == 2
        client._options["default_batch_size"] = {package.resources.Resource: 2}
        assert len(client.search_issues("project = OPS", maxResults=0)) == 3
        assert len(client.search_issues("project = OPS", use_post=True)) == 3

    def test_cloud_searches_by_token(self, cloud: World) -> None:
        for _ in range(3):
            cloud.create()
        client = package.JIRA(cloud.url, basic_auth=("ana@example.com", "ana-token"), max_retries=0, timeout=5)
        assert [issue.key for issue in client.search_issues("project = OPS ORDER BY key", maxResults=0)] == [
            "OPS-1",
            "OPS-2",
            "OPS-3",
        ]
        client.close()  # type: ignore[no-untyped-call]  # the package leaves it untyped
