"""The three ways in which GitHub merges a pull request, as commits that are not on any branch yet."""

from __future__ import annotations

from sandbox.github.repository import Repository

METHODS = ("merge", "squash", "rebase")


class Conflict(Exception):
    """The two sides cannot be brought together without a person."""


def merge(repository: Repository, base: str, head: str, message: str, login: str) -> str:
    """A commit of two parents, by `login`."""
    return repository.commit_tree(_together(repository, base, head), (base, head), message, login)


def squash(repository: Repository, base: str, head: str, message: str, login: str) -> str:
    """One commit on `base` with all that `head` changes."""
    return repository.commit_tree(_together(repository, base, head), (base,), message, login)


def rebase(repository: Repository, base: str, head: str) -> str:
    """The commits of `head` again, one after the other on top of `base`, each by its own author.

    A commit is brought over as the merge with one that has its parent and the tree reached so far.
    """
    at = base
    for sha in repository.between(base, head):
        commit = repository.commit(sha)
        if len(commit.parents) != 1:
            raise Conflict(f"{sha} is a merge and cannot be rebased")
        reached = repository.commit_tree(f"{at}^{{tree}}", commit.parents, "reached", "GitHub")
        tree = _together(repository, reached, sha)
        at = repository.commit_tree(tree, (at,), commit.message, commit.author.name, commit.author)
    return at


def _together(repository: Repository, one: str, other: str) -> str:
    tree = repository.merge_trees(one, other)
    if tree is None:
        raise Conflict(f"{one} and {other} conflict")
    return tree
