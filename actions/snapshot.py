"""One commit of main as a value: its policies and the files of `requests/`.

A version of the policies with a problem never replaces a good one: the newest version that reads is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actions.workspace import Workspace
from sallyport.entries import FOLDER as REQUESTS
from sallyport.policies import FOLDER as POLICIES
from sallyport.policies import Policies, load_policies
from sallyport.problems import Place, Problem, Problems

OLDEST_POLICIES = 20  # how many versions to try before giving up


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the repository says at one commit. `warning` tells that its own policies could not be used."""

    commit: str
    policies: Policies
    files: Mapping[str, str]  # path below requests/ to blob sha
    warning: str = ""


def take(workspace: Workspace, commit: str, earlier: Snapshot | None = None) -> Snapshot:
    """Read the snapshot at *commit*; Problems if no recent version of the policies can be read.

    The policies of an *earlier* snapshot are kept where they have not changed since.
    """
    files = workspace.tree(commit, f"{REQUESTS}/")
    if earlier and _policies_tree(workspace, commit) == _policies_tree(workspace, earlier.commit):
        return Snapshot(commit, earlier.policies, files, earlier.warning)
    try:
        return Snapshot(commit, policies_at(workspace, commit), files)
    except Problems as problems:
        policies = _newest_good(workspace, commit)
        if policies is None:
            raise
        first = problems.problems[0]
        warning = f"policies/ is broken at {commit[:12]} ({first}); those of {policies.version[:12]} are used"
        return Snapshot(commit, policies, files, warning)


def policies_at(workspace: Workspace, commit: str) -> Policies:
    """Read the policies as of *commit*; Problems tells what is wrong with them."""
    tree = _policies_tree(workspace, commit)
    contents = workspace.read(tree.values())
    files = {path.removeprefix(f"{POLICIES}/"): contents[blob] for path, blob in tree.items()}
    try:
        return load_policies(files, commit)
    except Problems:
        raise
    except Exception as error:  # a schema can be broken in ways that only using it shows
        what = f"the policies cannot be read: {type(error).__name__}: {error}"
        raise Problems([Problem(what, "", Place(POLICIES))]) from error


def _policies_tree(workspace: Workspace, commit: str) -> dict[str, str]:
    return workspace.tree(commit, f"{POLICIES}/")


def _newest_good(workspace: Workspace, commit: str) -> Policies | None:
    for older in workspace.commits_touching(f"{POLICIES}/", commit, OLDEST_POLICIES)[1:]:
        try:
            return policies_at(workspace, older)
        except Problems:
            continue
    return None
