"""What an operator does once, done by the sandbox: the repository, its policies, and the signing key.

The repository is a copy of this one's product folders, without the checks of this project's own code. Policies
change only in what a demo needs: the key that attests entries, and durations of seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sallyport.attestations import new_key_pair
from sallyport.policies import Policies, load_policies, read_folder

PRODUCT = Path(__file__).parents[1]
FOLDERS = (".github", "actions", "coordinator", "policies", "requests", "sallyport")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "ci.yml")
KEY_ID = "sandbox"
AUTHOR = {
    "GIT_AUTHOR_NAME": "Acme Operators",
    "GIT_AUTHOR_EMAIL": "operators@example.com",
    "GIT_COMMITTER_NAME": "Acme Operators",
    "GIT_COMMITTER_EMAIL": "operators@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


@dataclass(frozen=True, slots=True)
class Installation:
    """A bare repository as GitHub would hold it, its policies, and the private key the coordinator signs with."""

    bare: Path
    signing_key: str
    policies: Policies


def install(workdir: Path, lifetime: str = "", policies: Mapping[str, str] | None = None) -> Installation:
    """Make the repository under *workdir*.

    *lifetime* (`20s`) replaces every rule's default duration; *policies* are files to put there, by path.
    """
    private, public = new_key_pair()
    tree = workdir / "repository"
    for folder in FOLDERS:
        shutil.copytree(PRODUCT / folder, tree / folder, ignore=LEFT_OUT)
    keys = tree / "policies" / "keys"
    keys.mkdir(exist_ok=True)
    (keys / f"{KEY_ID}.pem").write_text(public)
    for path, content in (policies or {}).items():
        (tree / "policies" / path).write_text(content)
    if lifetime:
        _shorten(tree / "policies" / "flows", lifetime)
    bare = workdir / "acme-infra.git"
    _git(tree, "init", "--quiet", "--initial-branch=main")
    _git(tree, "add", "--all")
    _git(tree, "commit", "--quiet", "--message=Install Sallyport")
    _git(workdir, "clone", "--quiet", "--bare", str(tree), str(bare))
    return Installation(bare, private, load_policies(read_folder(tree / "policies")))


def _shorten(flows: Path, lifetime: str) -> None:
    for path in flows.glob("*.yaml"):
        flow: dict[str, Any] = yaml.safe_load(path.read_text())
        if "notice" in flow:
            flow["notice"] = "1s"
        for rule in flow["rules"]:
            rule["duration"] |= {"default": lifetime, "min": lifetime}
            rule["duration"].pop("round_up_to", None)  # a demo does not wait for the next full hour
        path.write_text(yaml.safe_dump(flow, sort_keys=False, allow_unicode=True, width=110))


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, env={**os.environ, **AUTHOR}, check=True)
