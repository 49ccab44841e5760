"""Policies as main has them: a merged change is in force at the next look, a broken one never."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from coordinator.head import Head
from coordinator.policy_source import PolicySource
from sallyport.attestations import new_key_pair
from sallyport.platforms.errors import TryLater
from sallyport.policies import FOLDER
from sallyport.problems import Problems
from tests.coordinator.asks import NOW
from tests.coordinator.conftest import Installed
from tests.coordinator.fakes import FakeGitHub


@dataclass
class Watched:
    source: PolicySource
    github: FakeGitHub
    alerts: list[str] = field(default_factory=list)

    def merge(self, path: str, content: bytes) -> None:
        self.github.push({f"{FOLDER}/{path}": content})


@pytest.fixture
def watched(installed: Installed) -> Watched:
    github = FakeGitHub(lambda: NOW, {f"{FOLDER}/{path}": text for path, text in installed.files.items()})
    alerts: list[str] = []
    source = PolicySource(github, Head(github), installed.private_key, lambda _, sentence: alerts.append(sentence))  # type: ignore[arg-type]
    return Watched(source, github, alerts)


def test_nothing_is_decided_before_policies_were_read(watched: Watched) -> None:
    assert not watched.source.is_ready
    with pytest.raises(RuntimeError, match="no policies have been read"):
        watched.source.current()


def test_the_first_look_reads_them_with_the_key_that_they_publish(watched: Watched) -> None:
    watched.source.refresh()
    assert watched.source.is_ready
    assert {"api-whitelisting", "prod-access"} <= set(watched.source.current().flows)
    assert watched.source.current().version == watched.github.head()
    assert watched.source.signer().key_id == "test"


def test_a_merged_change_is_in_force_at_the_next_look_and_only_it_is_read(watched: Watched) -> None:
    watched.source.refresh()
    read = watched.github.calls.count("blob")
    people = watched.github.files[f"{FOLDER}/people.yaml"]
    watched.merge("people.yaml", people.replace(b"Lee Wong", b"Lee Wong-Li"))
    watched.source.keep_fresh()
    lee = watched.source.current().people.by_email("lee@example.com")
    assert lee is not None
    assert lee.name == "Lee Wong-Li"
    assert watched.github.calls.count("blob") == read + 1


def test_a_commit_that_leaves_them_alone_changes_nothing(watched: Watched) -> None:
    watched.source.refresh()
    before = watched.source.current()
    watched.github.push({"requests/prod-access/pa-7k3m9q.yaml": b"id: pa-7k3m9q"})
    watched.source.refresh()
    assert watched.source.current() is before


def test_an_unchanged_branch_is_not_read_again(watched: Watched) -> None:
    watched.source.refresh()
    calls = len(watched.github.calls)
    watched.source.keep_fresh()
    assert watched.github.calls[calls:] == ["head"]


def test_a_broken_version_never_replaces_a_good_one_and_is_told_once(watched: Watched) -> None:
    watched.source.refresh()
    good = watched.source.current()
    watched.merge("people.yaml", b"people: [{email: nonsense}]\n")
    for _ in range(3):
        watched.source.keep_fresh()
    assert watched.source.current() is good
    (alert,) = watched.alerts
    assert "the last good version stays in force" in alert
    assert "policies/people.yaml" in alert
    watched.merge("people.yaml", b"people: []\ngroups: {}\n")
    watched.source.keep_fresh()
    assert len(watched.alerts) == 2, "another broken version is another alert"


def test_a_version_that_publishes_our_key_no_more_is_not_taken(watched: Watched, installed: Installed) -> None:
    watched.source.refresh()
    good = watched.source.current()
    watched.merge("keys/test.pem", new_key_pair()[1].encode())
    watched.source.keep_fresh()
    assert watched.source.current() is good
    assert "public half is not in policies/keys/" in watched.alerts[0]


def test_a_github_that_is_away_changes_nothing_and_is_asked_again(watched: Watched) -> None:
    watched.source.refresh()
    good = watched.source.current()
    people = watched.github.files[f"{FOLDER}/people.yaml"]
    watched.merge("people.yaml", people.replace(b"Lee Wong", b"Lee"))
    for method in ("head", "tree", "blob"):
        watched.github.fail(method, TryLater("GitHub", method, "away"))
        watched.source.keep_fresh()
        assert watched.source.current() is good
    assert watched.alerts == []
    watched.source.keep_fresh()
    assert watched.source.current() is not good


def test_a_start_on_broken_policies_says_what_is_wrong(watched: Watched) -> None:
    watched.merge("jira.yaml", b"- nothing\n")
    with pytest.raises(Problems, match=r"policies/jira\.yaml"):
        watched.source.refresh()
    assert not watched.source.is_ready
