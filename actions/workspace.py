"""The checkout a job stands in, read through git: commits, files at a commit, and what history did to a path.

It never changes the working tree, so that the code that runs stays the code the job started with, and it never
writes to the remote: commits are made through the GitHub API.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from urllib.parse import urlsplit

_EVERY_CHANGE = ("--full-history", "--topo-order", "--no-renames", "--diff-merges=first-parent")
_NONE: frozenset[str] = frozenset()
FETCHES = 3  # GitHub's git servers hiccup; a job that has just written must see main again


class WorkspaceFault(Exception):
    """git did not do what was asked; the sentence carries git's own words."""


@dataclass(frozen=True, slots=True)
class Version:
    """A file as one commit left it."""

    commit: str
    content: bytes


class Workspace:
    """A clone whose `origin` is the repository of the requests."""

    def __init__(
        self, root: Path, branch: str = "main", token: str = "", pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.root = root
        self.branch = branch
        self._token = token
        self._pause = pause

    def head(self) -> str:
        """Return the sha of the commit that is checked out."""
        return self._git("rev-parse", "--verify", "HEAD^{commit}").decode().strip()

    def refresh(self) -> str:
        """Fetch the branch from the remote and return the sha of its newest commit."""
        remote = f"refs/remotes/origin/{self.branch}"
        for attempt in range(1, FETCHES + 1):
            try:
                self._git("fetch", "--quiet", "--no-tags", "origin", f"+refs/heads/{self.branch}:{remote}")
                break
            except WorkspaceFault:
                if attempt == FETCHES:
                    raise
                self._pause(attempt)
        return self._git("rev-parse", "--verify", f"{remote}^{{commit}}").decode().strip()

    def insist_on_history(self) -> None:
        """WorkspaceFault in a shallow clone: what history does not show would count as never having been."""
        if self._git("rev-parse", "--is-shallow-repository").strip() != b"false":
            raise WorkspaceFault("the clone is shallow; check out with fetch-depth: 0")

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Tell whether *commit* exists and is *of* or one of its ancestors."""
        done = self._run(("merge-base", "--is-ancestor", commit, of))
        return done.returncode == 0

    def tree(self, commit: str, *folders: str) -> dict[str, str]:
        """Return the blob sha of every file below the *folders* at *commit*, by path."""
        listed = self._git("ls-tree", "-r", "-z", commit, "--", *folders).decode(errors="surrogateescape")
        rows = (row.partition("\t") for row in listed.split("\0") if row)
        return {path: facts.split()[2] for facts, _, path in rows}

    def changed(self, before: str, after: str, *folders: str) -> dict[str, str]:
        """Return what *after* did to files below the *folders* since it left *before*, by path.

        The letters are git's: A for an addition, M and T for a change, D for a deletion.
        """
        since = f"{before}...{after}"
        listed = self._git("diff", "--name-status", "--no-renames", "-z", since, "--", *folders)
        fields = listed.decode(errors="surrogateescape").split("\0")
        return dict(zip(fields[1::2], fields[::2], strict=False))  # a final NUL ends the last field

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the bytes of many objects, given by sha or as `<commit>:<path>`; absent ones are left out."""
        asked = list(dict.fromkeys(names))
        if not asked:
            return {}
        answer = self._git("cat-file", "--batch", stdin="\n".join(asked).encode() + b"\n")
        found, place = {}, 0
        for name in asked:
            end = answer.index(b"\n", place)
            head = answer[place:end].rsplit(b" ", 2)
            place = end + 1
            if head[-1] == b"missing":
                continue
            size = int(head[-1])
            found[name] = answer[place : place + size]
            place += size + 1
        return found

    def file(self, commit: str, path: str) -> bytes | None:
        """Return the bytes of *path* at *commit*, or None if it is not there."""
        blob = self.tree(commit, path).get(path)
        return self.read([blob])[blob] if blob else None

    def versions(self, path: str, at: str) -> tuple[Version, ...]:
        """Return the contents that *path* has had one after the other in the history of *at*, newest first."""
        commits = self._git("log", *_EVERY_CHANGE, "--diff-filter=AMT", "--format=%H", at, "--", path)
        names = {f"{commit}:{path}": commit for commit in commits.decode().split()}
        contents = self.read(names)
        found = [Version(names[name], contents[name]) for name in names if name in contents]
        older = [version.content for version in found[1:]]
        return tuple(v for v, before in zip_longest(found, older) if v.content != before)

    def disturbed(self, at: str, folder: str) -> Mapping[str, frozenset[str]]:
        """Return what the history of *at* did to paths below *folder* after it had added them.

        The letters are git's: M and T for a change, D for a deletion. All sides of merges count, so that
        nothing hides on a merged branch.
        """
        listed = self._git(
            "log", *_EVERY_CHANGE, "--diff-filter=MDT", "--format=", "--name-status", "-z", at, "--", folder
        )
        fields = listed.decode(errors="surrogateescape").split("\0")
        found: dict[str, set[str]] = {}
        for letter, path in zip(fields[::2], fields[1::2], strict=False):  # a final NUL ends the last field
            found.setdefault(path, set()).add(letter)
        return {path: frozenset(letters) for path, letters in found.items()}

    def blobs(self, at: str, folder: str) -> Mapping[str, frozenset[str]]:
        """Return the shas of the blobs that each path below *folder* had in the history of *at*.

        All sides of merges count, so that nothing hides on a merged branch.
        """
        listed = self._git(
            *("log", *_EVERY_CHANGE, "--diff-filter=AMT", "--format=", "--raw", "--no-abbrev", "-z", at),
            *("--", folder),
        )
        fields = listed.decode(errors="surrogateescape").split("\0")
        found: dict[str, frozenset[str]] = {}
        for facts, path in zip(fields[::2], fields[1::2], strict=False):  # a final NUL ends the last field
            blob = facts.split()[3]
            found[path] = found.get(path, _NONE) | {blob}
        return found

    def landings(self, at: str, folder: str, letters: str = "AMT") -> dict[str, tuple[str, ...]]:
        """Return the commits of the branch itself that did *letters* to each path below *folder*, newest first.

        The letters are git's. A merge counts as one commit: it brought what the branch did not have before.
        """
        listed = self._git(
            "log",
            "--first-parent",
            *_EVERY_CHANGE,
            f"--diff-filter={letters}",
            "--format=%x01%H",
            "--name-only",
            "-z",
            at,
            "--",
            folder,
        )
        found: dict[str, list[str]] = {}
        commit = ""
        for field in listed.decode(errors="surrogateescape").split("\0"):
            if field.startswith("\1"):
                commit = field[1:]
            elif path := field.lstrip("\n"):
                found.setdefault(path, []).append(commit)
        return {path: tuple(commits) for path, commits in found.items()}

    def commits_touching(self, folder: str, at: str, most: int) -> tuple[str, ...]:
        """Return the newest commits of the branch that changed anything below *folder*, newest first."""
        listed = self._git("log", "--first-parent", f"--max-count={most}", "--format=%H", at, "--", folder)
        return tuple(listed.decode().split())

    def last_change(self, path: str, at: str) -> datetime | None:
        """Return when the branch last added, changed or removed *path* (UTC); None if it never did."""
        moment = self._git("log", "--first-parent", "--max-count=1", "--format=%ct", at, "--", path).strip()
        return datetime.fromtimestamp(int(moment), UTC) if moment else None

    def _git(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        done = self._run(arguments, stdin)
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()
            raise WorkspaceFault(f"git {arguments[0]} failed: {words or f'exit code {done.returncode}'}")
        return done.stdout

    def _run(self, arguments: Sequence[str], stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", str(self.root), *arguments]
        given = stdin or b""
        variables = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        if arguments[0] == "fetch":
            variables |= self._credentials()
        return subprocess.run(command, input=given, capture_output=True, env=variables, check=False)  # noqa: S603

    def _credentials(self) -> Mapping[str, str]:
        """Return the token as a header for the remote's host alone, in variables: arguments show in `ps`."""
        url = urlsplit(self._git("remote", "get-url", "origin").decode().strip())
        if not self._token or url.scheme not in {"https", "http"}:
            return {}
        basic = base64.b64encode(f"x-access-token:{self._token}".encode()).decode()
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{url.scheme}://{url.netloc}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
        }


def blob_sha(content: bytes) -> str:
    """Return git's name for a file of that content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
