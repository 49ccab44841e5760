"""The bare git repository under the stand-in, driven by plain git commands.

Every commit goes through a private index and a compare-and-swap of the branch, so that any number of
threads may commit at once; the environment of the host never reaches git.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
_CLEAN = {
    "PATH": SEARCH_PATH,
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
}
_UNIT = "\x1f"
_SHOW = _UNIT.join(["%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B"])


class GitError(Exception):
    """git said no; the message is what it printed."""


class StaleHead(Exception):
    """The branch no longer points to what the caller expected."""


class MissingPath(Exception):
    """A deletion names a file that the branch does not have."""


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    at: str  # ISO 8601 with offset


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str

    @property
    def headline(self) -> str:
        return self.message.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class TreeEntry:
    mode: str
    type: str
    sha: str
    size: int | None
    path: str


def git(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> bytes:
    """Run git with an environment made from nothing; raises GitError with its words."""
    command = ["git", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, env=_CLEAN | environment, check=False)
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip() or f"git failed: {arguments}")
    return done.stdout


class Repository:
    """Reads and writes of one bare repository."""

    def __init__(self, bare: Path) -> None:
        self.bare = bare.resolve()
        self._signed = self.bare / "signed-by-github"

    def _git(self, *arguments: str, stdin: bytes = b"", **environment: str) -> bytes:
        return git("--git-dir", self.bare, *arguments, stdin=stdin, **environment)

    def _line(self, *arguments: str, stdin: bytes = b"", **environment: str) -> str:
        return self._git(*arguments, stdin=stdin, **environment).decode().strip()

    # -- names -------------------------------------------------------------------------------------------

    @property
    def default_branch(self) -> str:
        return self._line("symbolic-ref", "--short", "HEAD")

    def branches(self) -> list[str]:
        return self._line("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split("\n")

    def ref(self, full: str) -> str | None:
        """The object that a full ref name (`refs/heads/main`) points to."""
        found = self._line("for-each-ref", "--format=%(refname) %(objectname)", full)
        wanted = [line.split(" ")[1] for line in found.splitlines() if line.split(" ")[0] == full]
        return wanted[0] if wanted else None

    def head(self, branch: str) -> str | None:
        return self.ref(f"refs/heads/{branch}")

    def full_ref(self, name: str) -> str | None:
        """`main`, a tag or a full name as a full ref name; branches win, as on GitHub."""
        for full in (name, f"refs/heads/{name}", f"refs/tags/{name}"):
            if full.startswith("refs/") and self.ref(full):
                return full
        return None

    def resolve(self, name: str) -> str | None:
        """The commit that a branch, tag, full ref or (shortened) sha names."""
        if name == "HEAD":
            name = self.default_branch
        full = self.full_ref(name) or (name if _looks_like_sha(name) else None)
        return self._object(f"{full}^{{commit}}") if full else None

    def _object(self, expression: str) -> str | None:
        try:
            return self._line("rev-parse", "--verify", "--quiet", "--end-of-options", expression)
        except GitError:
            return None

    # -- reads -------------------------------------------------------------------------------------------

    def commit(self, sha: str) -> Commit:
        return self.log(sha, limit=1)[0]

    def log(self, sha: str, *, path: str = "", limit: int = 1000) -> list[Commit]:
        arguments = ["log", "-z", f"--max-count={limit}", f"--format={_SHOW}", sha, "--"]
        raw = self._git(*arguments, *([path] if path else []))
        return [_commit(record) for record in raw.decode(errors="replace").split("\0") if record]

    def tree(self, treeish: str, *, recursive: bool = False) -> list[TreeEntry]:
        flags = ["-r", "-t"] if recursive else []
        raw = self._git("ls-tree", "-z", "-l", *flags, treeish)
        return [_entry(record) for record in raw.decode().split("\0") if record]

    def tree_sha(self, name: str) -> str | None:
        """The tree that a tree sha, a commit or a ref names."""
        commit = self.resolve(name)
        return self._object(f"{commit or name}^{{tree}}") if commit or _looks_like_sha(name) else None

    def entry(self, sha: str, path: str) -> TreeEntry | None:
        """The file or folder at `path` in commit `sha`; None for a path that leaves the tree too."""
        try:
            raw = self._git("ls-tree", "-z", "-l", sha, "--", path.rstrip("/")).decode()
        except GitError:
            return None
        return _entry(raw.rstrip("\0")) if raw else None

    def blob(self, sha: str) -> bytes | None:
        if not _looks_like_sha(sha) or self._object(f"{sha}^{{blob}}") is None:
            return None
        return self._git("cat-file", "blob", sha)

    def file(self, sha: str, path: str) -> bytes | None:
        """The content of a file in commit `sha`; None when there is no such file."""
        found = self.entry(sha, path)
        return self.blob(found.sha) if found and found.type == "blob" else None

    def changed(self, before: str, after: str) -> list[str]:
        raw = self._git("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after)
        return [path for path in raw.decode().split("\0") if path]

    def ahead_behind(self, base: str, head: str) -> tuple[int, int]:
        behind, ahead = self._line("rev-list", "--left-right", "--count", f"{base}...{head}").split()
        return int(ahead), int(behind)

    def patch(self, sha: str) -> str:
        return self._git("show", "--stat", "--patch", "--format=fuller", sha).decode(errors="replace")

    def between(self, base: str, head: str) -> list[str]:
        """The commits of `head` that `base` does not have, oldest first."""
        return self._line("rev-list", "--reverse", "--topo-order", head, f"^{base}").split()

    def merge_base(self, one: str, other: str) -> str | None:
        """Their best common ancestor; None for unrelated histories."""
        try:
            return self._line("merge-base", one, other)
        except GitError:
            return None

    def merge_trees(self, one: str, other: str) -> str | None:
        """The tree in which two commits meet; None where they conflict or have no history in common."""
        try:
            return self._line("merge-tree", "--write-tree", one, other).partition("\n")[0]
        except GitError:
            return None

    def line_counts(self, base: str, head: str) -> dict[str, tuple[int, int]]:
        """Lines added and deleted, by path; a binary file has none."""
        raw = self._git("diff-tree", "-r", "-z", "--numstat", "--no-renames", base, head).decode()
        rows = [record.split("\t") for record in raw.split("\0") if record]
        return {path: (int(plus), int(less)) if plus != "-" else (0, 0) for plus, less, path in rows}

    def difference(self, base: str, head: str) -> str:
        return self._git("diff", "--stat", "--patch", base, head).decode(errors="replace")

    def is_signed(self, sha: str) -> bool:
        """Whether GitHub itself made the commit, which is what its green `Verified` says."""
        return self._signed.exists() and sha in self._signed.read_text().split()

    # -- writes ------------------------------------------------------------------------------------------

    def commit_on_branch(
        self,
        branch: str,
        *,
        expected: str,
        additions: Mapping[str, bytes],
        deletions: Iterable[str],
        message: str,
        login: str,
    ) -> str:
        """One atomic commit on top of `expected`; raises StaleHead or MissingPath and then changes nothing."""
        if self.head(branch) != expected:
            raise StaleHead(branch)
        modes = {entry.path: entry.mode for entry in self.tree(expected, recursive=True) if entry.type == "blob"}
        lines = [f"0 {'0' * 40}\t{path}" for path in deletions if _known(path, modes)]
        for path, content in additions.items():
            blob = self._line("hash-object", "-w", "--stdin", stdin=content)
            lines.append(f"{modes.get(path, '100644')} {blob}\t{path}")
        sha = self._write_commit(expected, "\0".join([*lines, ""]), message, login)
        self.advance(branch, sha, expected)
        self.sign(sha)
        return sha

    def _write_commit(self, parent: str, index_info: str, message: str, login: str) -> str:
        with tempfile.TemporaryDirectory(prefix="index-") as folder:
            index = str(Path(folder) / "index")
            self._git("read-tree", parent, GIT_INDEX_FILE=index)
            self._git("update-index", "-z", "--index-info", stdin=index_info.encode(), GIT_INDEX_FILE=index)
            tree = self._line("write-tree", GIT_INDEX_FILE=index)
        return self.commit_tree(tree, (parent,), message, login)

    def commit_tree(
        self, tree: str, parents: Iterable[str], message: str, login: str, author: Person | None = None
    ) -> str:
        """A commit object that GitHub makes for `login`, or for an `author` who keeps name and time."""
        made = {
            "GIT_AUTHOR_NAME": author.name if author else login,
            "GIT_AUTHOR_EMAIL": author.email if author else f"{login}@users.noreply.github.com",
            **({"GIT_AUTHOR_DATE": author.at} if author else {}),
            "GIT_COMMITTER_NAME": "GitHub",
            "GIT_COMMITTER_EMAIL": "noreply@github.com",
        }
        words = [word for parent in parents for word in ("-p", parent)]
        return self._line("commit-tree", tree, *words, "-F", "-", stdin=message.encode(), **made)

    def advance(self, branch: str, sha: str, expected: str) -> None:
        """Move a branch by compare-and-swap; raises StaleHead."""
        try:
            self._git("update-ref", f"refs/heads/{branch}", sha, expected)
        except GitError as error:
            raise StaleHead(branch) from error

    def point(self, ref: str, sha: str) -> None:
        """Make a ref, such as GitHub's own `refs/pull/7/merge`, name a commit."""
        self._git("update-ref", ref, sha)

    def drop(self, ref: str) -> None:
        """Forget a ref; its commits stay."""
        self._git("update-ref", "-d", ref)

    def sign(self, sha: str) -> None:
        """Remember that GitHub itself made the commit."""
        with self._signed.open("a") as signed:
            signed.write(f"{sha}\n")


def _known(path: str, modes: Mapping[str, str]) -> bool:
    if path not in modes:
        raise MissingPath(path)
    return True


def _looks_like_sha(name: str) -> bool:
    return 7 <= len(name) <= 40 and all(character in "0123456789abcdef" for character in name)


def _commit(record: str) -> Commit:
    sha, tree, parents, *people, message = record.split(_UNIT, 9)
    author, committer = Person(*people[:3]), Person(*people[3:])
    return Commit(sha, tree, tuple(parents.split()), author, committer, message.strip("\n"))


def _entry(record: str) -> TreeEntry:
    facts, _, path = record.partition("\t")
    mode, kind, sha, size = facts.split()
    return TreeEntry(mode, kind, sha, None if size == "-" else int(size), path)
