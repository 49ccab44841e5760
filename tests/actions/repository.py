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
QUICKLY = ("-c", "core.fsync=none", "-c", "fastimport.unpackLimit=1")  # no test pulls the plug; one file a commit


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
    """Commit on a branch of a bare repository; a deletion of a missing path aborts, as GitHub does.

    However many files it has, it is one process of git that writes them: tests make thousands of commits.
    """
    reference = f"refs/heads/{branch}"
    born = git(bare, "for-each-ref", "--format=%(objectname)", reference)
    there = set(git(bare, "ls-tree", "-r", "-z", "--name-only", born).split("\0")) if deletions else set()
    for path in deletions:
        if path not in there:
            raise Refused("GitHub", "commit", f"A path was requested for deletion which does not exist: {path}")
    who_and_when = git(bare, "var", "GIT_COMMITTER_IDENT")  # a test may have set the time
    begin = f"commit {reference}\nmark :1\ncommitter {who_and_when}\n"
    stream = [begin.encode(), _data(f"{message}\n".encode())]
    stream += [f"from {born}\n".encode()] if born else []
    stream += [f"D {_quoted(path)}\n".encode() for path in deletions]
    stream += [f"M 100644 inline {_quoted(path)}\n".encode() + _data(data) for path, data in additions.items()]
    commands = b"".join([*stream, b"get-mark :1\n"])
    return git(bare, *QUICKLY, "fast-import", "--quiet", stdin=commands)


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'
