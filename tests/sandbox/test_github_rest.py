"""The REST answers, as the real PyGithub and the product's own client read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import github as pygithub
import pytest
import requests

from sallyport.platforms.github import GitHub
from sandbox.faults import Fault, Kind, Moment
from tests.sandbox.github_world import World, encoded, github_world

FILES = {
    "x.yml": "name: X\non: workflow_dispatch\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo hi}]}}\n",
    "requests/api/aw-1.yaml": "id: aw-1\n",
    "requests/api/aw-2.yaml": "id: aw-2\n",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with github_world(tmp_path_factory.mktemp("rest"), FILES) as made:
        yield made


def get(world: World, path: str, **headers: str) -> requests.Response:
    given = {"Authorization": "Bearer ghp_bot", **headers}
    return requests.get(f"{world.github.url}{path}", headers=given, timeout=10)


def test_the_repository_its_branch_and_its_ref_tell_the_same_head(world: World) -> None:
    repository = world.api()
    assert repository.default_branch == "main"
    assert repository.get_branch("main").commit.sha == world.head
    assert repository.get_git_ref("heads/main").object.sha == world.head


def test_files_are_read_by_tree_blob_and_contents(world: World) -> None:
    repository = world.api()
    blobs = {
        one.path: one.sha for one in repository.get_git_tree(world.head, recursive=True).tree if one.type == "blob"
    }
    assert set(blobs) == {".github/workflows/x.yml", "requests/api/aw-1.yaml", "requests/api/aw-2.yaml"}
    assert encoded("id: aw-1\n") == repository.get_git_blob(blobs["requests/api/aw-1.yaml"]).content.strip()
    file = repository.get_contents("requests/api/aw-1.yaml", ref=world.head)
    assert not isinstance(file, list)
    assert file.decoded_content == b"id: aw-1\n"
    folder = repository.get_contents("requests/api")
    assert isinstance(folder, list)
    assert [(one.type, one.path) for one in folder] == [
        ("file", "requests/api/aw-1.yaml"),
        ("file", "requests/api/aw-2.yaml"),
    ]


def test_a_file_above_a_megabyte_comes_without_its_content(world: World) -> None:
    world.write({"big.txt": "x" * 1_000_001})
    file = world.api().get_contents("big.txt")
    assert not isinstance(file, list)
    assert (file.encoding, file.size) == ("none", 1_000_001)


def test_commits_are_listed_by_path_page_by_page_and_compared(world: World) -> None:
    first = world.head
    for number in range(3):
        world.write({"counted.txt": str(number)}, f"Count {number}")
    repository = world.api()
    listed = list(repository.get_commits(path="counted.txt"))
    assert [one.commit.message for one in listed] == ["Count 2", "Count 1", "Count 0"]
    pages = get(world, "/repos/acme/infra/commits?path=counted.txt&per_page=2")
    assert len(pages.json()) == 2
    assert (
        len(
            requests.get(pages.links["next"]["url"], headers={"Authorization": "token ghp_bot"}, timeout=10).json()
        )
        == 1
    )
    shown = repository.get_commit(world.head)
    assert (shown.author.login, shown.commit.verification.verified) == ("ana", True)
    relations = [repository.compare(first, world.head), repository.compare(world.head, first)]
    assert [one.status for one in (*relations, repository.compare(first, first))] == [
        "ahead",
        "behind",
        "identical",
    ]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/branches/nope", 404, "Branch not found"),
        ("/git/ref/heads/nope", 404, "Not Found"),
        ("/git/trees/0000000000000000000000000000000000000000", 404, "Not Found"),
        ("/git/blobs/0000000000000000000000000000000000000000", 404, "Not Found"),
        ("/contents/nope.yaml", 404, "Not Found"),
        ("/contents/../../etc/passwd", 404, "Not Found"),
        ("/contents/x?ref=nope", 404, "No commit found for the ref nope"),
        ("/commits/nope", 422, "No commit found for SHA: nope"),
        ("/actions/workflows/nope.yml", 404, "Not Found"),
        ("/actions/runs/1", 404, "Not Found"),
        ("/actions/runs?created=soon", 422, "created"),
        ("/actions/runs?colour=red", 400, "does not support the parameter colour"),
        ("/issues", 400, "does not support GET /repos/acme/infra/issues"),
    ],
)
def test_what_is_missing_or_not_supported_is_said(world: World, path: str, status: int, message: str) -> None:
    session = requests.Session()
    request = requests.Request("GET", "http://x", headers={"Authorization": "token ghp_bot"}).prepare()
    request.url = f"{world.github.url}/repos/acme/infra{path}"  # unnormalised: dots stay
    answer = session.send(request, timeout=10)
    assert (answer.status_code, message in answer.json()["message"]) == (status, True)


def test_another_repository_does_not_exist_and_other_calls_are_not_supported(world: World) -> None:
    assert get(world, "/repos/acme/other").status_code == 404
    assert get(world, "/user").status_code == 400
    assert get(world, "/rate_limit").json()["rate"]["limit"] == 5000


def test_tokens_are_checked_and_permissions_too(world: World) -> None:
    with pytest.raises(pygithub.BadCredentialsException):
        world.api("ghp_wrong")
    assert requests.get(f"{world.github.url}/repos/acme/infra", timeout=10).status_code == 401
    for call in (
        lambda: world.api("ghp_nothing").get_branch("main"),
        lambda: world.api("ghp_reader").get_workflow("x.yml").create_dispatch("main", throw=True),
        lambda: world.api("ghp_reader").create_check_run("policy", world.head),
    ):
        with pytest.raises(pygithub.GithubException) as refused:
            call()
        assert (refused.value.status, refused.value.message) == (403, "Resource not accessible by integration")


def test_an_answer_that_the_client_has_already_is_304(world: World) -> None:
    path = "/repos/acme/infra/git/ref/heads/main"
    tag = get(world, path).headers["ETag"]
    assert get(world, path, **{"If-None-Match": tag}).status_code == 304


def test_check_runs_are_created_changed_and_found_by_name_the_latest_first(world: World) -> None:
    repository, sha = world.api(), world.head
    first = repository.create_check_run("policy", sha, status="in_progress")
    first.edit(conclusion="failure", output={"title": "Refused", "summary": "No quorum"})
    repository.create_check_run("policy", sha, conclusion="success", external_id="aw-1")
    repository.create_check_run("plan", sha)
    commit = repository.get_commit(sha)
    assert [run.conclusion for run in commit.get_check_runs(check_name="policy")] == ["success"]
    every = list(commit.get_check_runs(check_name="policy", filter="all"))
    assert [(run.conclusion, run.status, run.output.title) for run in every] == [
        ("success", "completed", None),
        ("failure", "completed", "Refused"),
    ]
    for wrong in ({"status": "completed"}, {"conclusion": "fine"}, {"actions": []}):
        with pytest.raises(pygithub.GithubException) as refused:
            repository.create_check_run("policy", sha, **wrong)
        assert refused.value.status == 422
    with pytest.raises(pygithub.GithubException, match="No commit found for SHA"):
        repository.create_check_run("policy", "0" * 40)


def test_the_products_own_client_reads_writes_dispatches_and_looks(world: World) -> None:
    client = GitHub.connect("acme/infra", "main", token="ghp_bot", api_url=world.github.url)
    head = client.head()
    assert set(client.tree(head, "requests")) == {"requests/api/aw-1.yaml", "requests/api/aw-2.yaml"}
    assert client.file("requests/api/aw-1.yaml") == b"id: aw-1\n"
    assert client.file("requests/api/aw-9.yaml") is None
    sha = client.commit("Add aw-3", "", {"other/aw-3.yaml": b"id: aw-3\n"}, [], head)
    assert client.compare(head, sha) == "ahead"
    assert client.check_run("plan", sha, "aw-3", "success", "Planned", "One change", "") > 0
    assert [one.external_id for one in client.check_runs(sha, "plan")] == ["aw-3"]
    began = datetime.now(UTC) - timedelta(seconds=2)
    run = client.dispatch("x.yml", {})
    assert client.find_run("x.yml", "X", began) == run
    assert client.find_run("x.yml", "X", began + timedelta(hours=1)) is None
    world.github.wait_idle(30)
    state = client.run(run.id)
    assert (state.status, state.conclusion, state.head_sha) == ("completed", "success", sha)
    for page in (run.html_url, client.html_url_of_commit(sha), client.html_url_of_file("other/aw-3.yaml", "main")):
        answer = requests.get(page, timeout=10)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    client.close()


def test_pages_show_what_people_wrote_as_text_only(world: World, tmp_path: Path) -> None:
    world.write({"evil.html": "<script>alert(1)</script>"}, "<b>bold</b>")
    for path in ("blob/main/evil.html", f"commit/{world.head}"):
        page = requests.get(f"{world.github.url}/acme/infra/{path}", timeout=10).text
        assert "<script>" not in page
        assert "<b>" not in page
    assert requests.get(f"{world.github.url}/acme/infra/blob/main/nope", timeout=10).status_code == 404


def test_a_fault_after_the_work_loses_the_answer_but_not_the_run(world: World) -> None:
    world.github.faults.add(Fault(Kind.STATUS, Moment.AFTER, "POST", "/dispatches$", status=502))
    before = len(world.github.runs)
    with pytest.raises(pygithub.GithubException) as lost:
        world.dispatch("x.yml")
    assert lost.value.status == 502
    assert len(world.github.runs) == before + 1
