"""Real git on a bare repository, as a server sees it: commits without a working tree."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from sallyport.platforms.errors import Refused

IDENTITY = {
    "GIT_AUTHOR_NAME": "Sallyport",
    "GIT_AUTHOR_EMAIL": "sallyport@example.com",
    "GIT_COMMITTER_NAME": "Sallyport",
    "GIT_COMMITTER_EMAIL": "sallyport@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(folder: Path, *arguments: str, stdin: bytes = b"", **variables: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, **IDENTITY, **variables},
        check=False,
    )
    assert done.returncode == 0, f"git {arguments}: {done.stderr.decode()}"
    return done.stdout.decode().strip()


def commit_on(
    bare: Path, message: str, additions: Mapping[str, bytes], deletions: Sequence[str] = (), branch: str = "main"
) -> str:
    """Commit on a branch of a bare repository; a deletion of a missing path aborts, as GitHub does."""
    index = str(bare / "fake-index")
    born = subprocess.run(
        ["git", "-C", str(bare), "rev-parse", "--verify", "-q", branch],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    Path(index).unlink(missing_ok=True)
    if born:
        git(bare, "read-tree", born, GIT_INDEX_FILE=index)
    there = set(git(bare, "ls-files", GIT_INDEX_FILE=index).split("\n"))
    for path in deletions:
        if path not in there:
            raise Refused("GitHub", "commit", f"A path was requested for deletion which does not exist: {path}")
        gone = f"0 {'0' * 40}\t{path}\n".encode()
        git(bare, "update-index", "--index-info", stdin=gone, GIT_INDEX_FILE=index)
    for path, data in additions.items():
        blob = git(bare, "hash-object", "-w", "--stdin", stdin=data)
        git(bare, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", GIT_INDEX_FILE=index)
    tree = git(bare, "write-tree", GIT_INDEX_FILE=index)
    sha = git(bare, "commit-tree", tree, *(["-p", born] if born else []), "-m", message)
    git(bare, "update-ref", f"refs/heads/{branch}", sha)
    return sha
