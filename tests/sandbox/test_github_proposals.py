"""What the coordinator asks of GitHub to have something confirmed, by the product's client at the stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from sallyport.platforms.errors import Refused, Unknown
from sallyport.platforms.github import GitHub
from sallyport.reviews import PullRequest
from sandbox.faults import Fault, Kind
from sandbox.github import GitHubStandIn, Runner, Token
from sandbox.serving import Server
from tests.sandbox.github_world import empty_bare

BRANCH, PATH = "sallyport/pa-7k3m9q", "proposals/pa-7k3m9q.yaml"
RIGHTS = {"contents": "write", "pull-requests": "write"}
TOKENS = {"ghp_bot": Token("sallyport[bot]", RIGHTS), "ghp_lee": Token("leewong", RIGHTS)}


@dataclass
class Place:
    github: GitHub
    stand_in: GitHubStandIn

    def proposes(self) -> tuple[str, PullRequest]:
        """The commit that shows something, and the pull request that asks for its confirmation."""
        head = self.github.head()
        self.github.start_branch(BRANCH, head)
        commit = self.github.commit("Show it", "", {PATH: b"id: pa-7k3m9q\n"}, (), head, BRANCH)
        return commit, self.github.open_pull(BRANCH, "Confirm it", "Please.")

    def presses(self, number: int, button: str) -> str:
        """What the page shows after Lee's press."""
        url = f"{self.stand_in.url}/acme/infra/pull/{number}/{button}"
        return requests.post(url, data={"as": "leewong"}, timeout=10).text


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    repository = empty_bare(tmp_path / "infra.git")
    stand_in = GitHubStandIn(
        bare=repository.bare,
        repository="acme/infra",
        tokens=TOKENS,
        runner=Runner(python=Path("python")),
        workdir=tmp_path / "work",
    )
    with Server(stand_in.app) as server:
        stand_in.serve_at(server.url)
        github = GitHub.connect("acme/infra", "main", token="ghp_bot", api_url=server.url)
        yield Place(github, stand_in)
        github.close()
        stand_in.close()


def test_a_branch_that_stands_is_left_as_it_is_and_one_that_is_gone_stays_so(place: Place) -> None:
    head = place.github.head()
    for _ in range(2):
        place.github.start_branch(BRANCH, head)
    commit = place.github.commit("Show it", "", {PATH: b"x"}, (), head, BRANCH)
    place.github.start_branch(BRANCH, head)
    assert (place.github.head(BRANCH), place.github.head()) == (commit, head)
    for _ in range(2):
        place.github.drop_branch(BRANCH)
    with pytest.raises(Refused):
        place.github.head(BRANCH)
    with pytest.raises(Refused, match="Object does not exist"):
        place.github.start_branch(BRANCH, "f" * 40)


def test_a_pull_request_is_found_again_by_its_branch_and_opened_once(place: Place) -> None:
    assert place.github.pull_of_branch(BRANCH) is None
    commit, pull = place.proposes()
    assert (pull.head, pull.author, pull.base, pull.closed) == (commit, "sallyport[bot]", "main", False)
    assert place.github.pull_of_branch(BRANCH) == pull == place.github.pull(pull.number)
    with pytest.raises(Refused) as refused:
        place.github.open_pull(BRANCH, "Confirm it", "Please.")
    assert any("already exists" in reason for reason in refused.value.reasons)


def test_reviews_and_what_was_reviewed_outlive_the_pull_request_and_its_branch(place: Place) -> None:
    commit, pull = place.proposes()
    place.presses(pull.number, "refuse")
    place.presses(pull.number, "approve")
    for _ in range(2):
        place.github.close_pull(pull.number, "It was confirmed.")
    place.github.drop_branch(BRANCH)
    assert place.github.pull(pull.number).closed
    found = [(review.by, review.state, review.commit) for review in place.github.reviews(pull.number)]
    assert found == [("leewong", "CHANGES_REQUESTED", commit), ("leewong", "APPROVED", commit)]
    assert place.github.file(PATH, commit) == b"id: pa-7k3m9q\n"
    assert place.github.file(PATH) is None
    again = place.github.pull_of_branch(BRANCH)
    assert again is not None
    assert again.closed


def test_its_text_is_edited_and_all_else_stays(place: Place) -> None:
    commit, pull = place.proposes()
    place.presses(pull.number, "approve")
    place.github.edit_pull(pull.number, "It counts from others now.")
    assert place.github.pull(pull.number) == pull
    assert [review.commit for review in place.github.reviews(pull.number)] == [commit]
    page = requests.get(f"{place.stand_in.url}/acme/infra/pull/{pull.number}", timeout=10).text
    assert "It counts from others now." in page


def test_what_is_answered_by_nonsense_was_perhaps_not_done(place: Place) -> None:
    """The answer to each of these is needed for nothing else."""
    head = place.github.head()
    _, pull = place.proposes()
    writes: dict[str, Callable[[], None]] = {
        "POST": lambda: place.github.start_branch("sallyport/pa-222222", head),
        "PATCH": lambda: place.github.close_pull(pull.number, "It was confirmed."),
        "DELETE": lambda: place.github.drop_branch(BRANCH),
    }
    for method, write in writes.items():
        place.stand_in.faults.add(Fault(Kind.MALFORMED, method=method))
        with pytest.raises(Unknown, match="the answer makes no sense"):
            write()
        write()


def test_somebody_may_close_it_and_then_it_cannot_be_merged(place: Place) -> None:
    _, pull = place.proposes()
    place.presses(pull.number, "close")
    assert (place.github.pull(pull.number).closed, place.github.pull(pull.number).merged_at) == (True, None)
    assert "Not done" in place.presses(pull.number, "merge")


def test_the_app_itself_is_offered_as_nobody_who_may_review(place: Place) -> None:
    _, pull = place.proposes()
    shown = requests.get(f"{place.stand_in.url}/acme/infra/pull/{pull.number}", timeout=10).text
    assert "<option>leewong</option>" in shown
    assert "<option>sallyport[bot]</option>" not in shown
