"""What every run of the matrix shares, because making it takes longer than a run: addresses, repository, schema.

Nothing that a run changes is kept here: stand-ins, branch and database are each run's own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from actions.executors.aws import Clients
from coordinator import policy_source
from coordinator.journal import open_store
from coordinator.slack.manifest import manifest_yaml
from sallyport.policies import FOLDER, Policies, load_policies
from sandbox.github import repository, triggers
from sandbox.installation import install
from sandbox.serving import Server
from sandbox.slack import App, read_manifest

T = TypeVar("T")
Files = tuple[tuple[str, str], ...]  # of policies, by path, with what is to stand there

PLATFORMS = ("slack", "jira", "github")
AWS_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "AKIASANDBOXPRODAPPLY",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_SHA = re.compile(r"[0-9a-f]{40}")
_READS = {"cat-file", "diff-tree", "log", "ls-tree", "rev-list", "rev-parse"}
_WRITES = {"commit-tree", "hash-object", "symbolic-ref"}  # the last is a read, of what never changes here
_DATE = "2026-11-21T09:00:00+00:00"
_BRANCH = "refs/heads/main"


@dataclass
class Place:
    """An address on loopback that serves whatever app it is told."""

    url: str = ""
    app: Any = None

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Premises:
    """`front` is where calls pass the wire, `back` where the jobs that are played reach the platforms."""

    front: dict[str, Place]
    back: dict[str, Place]
    coordinator: Place
    bare: Path
    base: str  # the commit that was installed
    signing_key: str
    journal: Path  # an empty one with its schema
    folder: Path
    app: App  # as its manifest registers it in Slack
    aws: Clients  # the jobs' way to `front["aws"]`, which takes a while to make
    clone: Path  # that jobs stand in
    blobs: dict[str, bytes] = field(default_factory=dict)  # the policies' files, once any run has read them
    _known: dict[object, Any] = field(default_factory=dict)

    def reset(self, policies: Files = ()) -> str:
        """Leave nothing but main where a run starts, with *policies* if it has its own, and return that commit."""
        shutil.rmtree(self.bare / "refs")
        (self.bare / _BRANCH).parent.mkdir(parents=True)
        (self.bare / _BRANCH).write_text(f"{self.base}\n")
        if not policies:
            return self.base
        if policies not in self._known:
            additions = {f"{FOLDER}/{path}": content.encode() for path, content in policies}
            self._known[policies] = repository.Repository(self.bare).commit_on_branch(
                "main",
                expected=self.base,
                additions=additions,
                deletions=(),
                message="Change policies",
                login="operators",
            )
        start: str = self._known[policies]
        (self.bare / _BRANCH).write_text(f"{start}\n")
        return start

    def checkout(self) -> Path:
        """Return a clone at the head of main, as a job begins with."""
        head = (self.bare / _BRANCH).read_text().strip()
        _git(self.clone, "reset", "--quiet", "--hard", head)
        return self.clone

    def read(self, words: tuple[str, ...], stdin: bytes | None, ask: Callable[[], T]) -> T:
        """Ask a clone's git, but only once for what cannot change."""
        given = f"{' '.join(words)} {stdin!r}"
        if "HEAD" in given or not _SHA.search(given):
            return ask()
        if (words, stdin) not in self._known:
            self._known[words, stdin] = ask()
        found: T = self._known[words, stdin]
        return found


@contextmanager
def open_premises(folder: Path) -> Iterator[Premises]:
    """Install the repository under *folder* and open every address, for as long as the block lasts."""
    installation = install(folder)
    base = _git(installation.bare, "rev-parse", "main")
    clone = folder / "checkout"
    _git(folder, "clone", "--quiet", "--shared", str(installation.bare), str(clone))
    journal = folder / "empty.db"
    open_store(f"sqlite:///{journal}").dispose()
    front = {name: Place() for name in (*PLATFORMS, "aws")}
    back = {name: Place() for name in PLATFORMS}
    coordinator = Place()
    with ExitStack() as stack:
        for place in (*front.values(), *back.values(), coordinator):
            place.url = stack.enter_context(Server(place)).url
        stack.enter_context(_doing_once())
        stack.enter_context(patch.dict(os.environ, AWS_ENDPOINT_URL=front["aws"].url, **AWS_VARIABLES))
        yield Premises(
            front,
            back,
            coordinator,
            installation.bare,
            base,
            installation.signing_key,
            journal,
            folder,
            read_manifest(manifest_yaml(installation.policies, "https://coordinator.test/slack/events")),
            Clients(),
            clone,
        )


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def _doing_once() -> Iterator[None]:
    """Ask git only once for what cannot change, and read workflows and policies only once.

    What a sha names is always the same, and so is the sha of what is written, since every commit bears one date.
    Refs are read from their files. What is left to git processes is little.
    """
    run = repository.git
    known: dict[object, bytes] = {}

    def git(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> bytes:
        words = tuple(map(str, arguments))
        if "for-each-ref" in words:
            ref = Path(words[1], words[-1])
            if not ref.is_dir():
                return f"{words[-1]} {ref.read_text()}".encode() if ref.is_file() else b""
        fixed = words[2] in _WRITES or (words[2] in _READS and any(map(_SHA.search, words)))
        if not fixed:
            return run(*arguments, stdin=stdin, **environment)
        key = (words, stdin, frozenset(environment.items()))
        if key not in known:
            known[key] = run(*arguments, stdin=stdin, **environment)
        return known[key]

    loaded: dict[str, Policies] = {}

    def load(files: Mapping[str, bytes], version: str) -> Policies:
        if version not in loaded:
            loaded[version] = load_policies(files, version)
        return loaded[version]

    with (
        patch.dict(repository._CLEAN, GIT_AUTHOR_DATE=_DATE, GIT_COMMITTER_DATE=_DATE),
        patch.object(repository, "git", git),
        patch.object(triggers, "parse", lru_cache(triggers.parse)),
        patch.object(policy_source, "load_policies", load),
    ):
        yield


def fresh_journal(premises: Premises) -> Path:
    """Return a new empty journal's file."""
    path = premises.folder / "journal.db"
    for old in premises.folder.glob("journal.db*"):
        old.unlink()
    shutil.copy(premises.journal, path)
    return path
