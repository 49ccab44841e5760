"""Stands for actions/checkout: fetches a commit of the bare repository into the job's workspace.

It can read and push only as far as the job's permissions for `contents` go.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

UPLOAD_PACK = "git -c uploadpack.allowAnySHA1InWant=true upload-pack"  # GitHub serves any commit by its sha


def main() -> None:
    facts = json.loads(Path(os.environ["STUB_FACTS"]).read_text())
    granted = facts["jobs"][os.environ["GITHUB_JOB"]]["contents"]
    if granted == "none":
        sys.exit(f"::error::fatal: repository '{facts['repository']}' not found (the job has no contents: read)")
    folder = Path(os.environ["GITHUB_WORKSPACE"], os.environ["INPUT_PATH"])
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    git("init", "--quiet")
    git("remote", "add", "origin", facts["bare"])
    if granted != "write" or os.environ["INPUT_PERSIST_CREDENTIALS"] != "true":
        git("remote", "set-url", "--push", "origin", "/denied: the job's token may not push")
    start, branch = wanted(os.environ["INPUT_REF"], facts)
    fetch(facts["bare"], start)
    git("checkout", "--quiet", *(["-B", branch] if branch else ["--detach"]), "FETCH_HEAD")
    print(git("log", "-1", "--format=HEAD is now at %H %s"), end="")


def wanted(ref: str, facts: dict[str, str]) -> tuple[str, str]:
    """What to fetch, and the local branch to make of it (none for a tag or a sha)."""
    if not ref:
        return facts["sha"], branch_of(facts["ref"])
    if re.fullmatch("[0-9a-f]{40}", ref):
        return ref, ""
    return ref, branch_of(ref if ref.startswith("refs/") else f"refs/heads/{ref}")


def branch_of(full: str) -> str:
    return full.removeprefix("refs/heads/") if full.startswith("refs/heads/") else ""


def fetch(bare: str, start: str) -> None:
    """Through file://, since git ignores --depth for plain paths."""
    common = ("fetch", "--quiet", f"--upload-pack={UPLOAD_PACK}")
    match os.environ["INPUT_FETCH_DEPTH"]:
        case "1":
            git(*common, "--depth=1", "--no-tags", f"file://{bare}", start)
        case "0":
            git(*common, f"file://{bare}", "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
            git(*common, f"file://{bare}", start)
        case depth:
            sys.exit(f"::error::the stand-in for actions/checkout takes fetch-depth 0 or 1, not {depth}")


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"::error::{done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    main()
