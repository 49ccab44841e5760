"""The newest commit of the branch that the coordinator has seen, so that a commit need not ask for it first."""

from __future__ import annotations

from sallyport.platforms.github import GitHub


class Head:
    """A hint: the branch may have moved since, and then GitHub refuses the commit and nothing is lost."""

    def __init__(self, github: GitHub) -> None:
        self._github = github
        self._seen = ""

    def latest(self) -> str:
        """Ask GitHub."""
        self._seen = self._github.head()
        return self._seen

    def known(self) -> str:
        """Return what was seen last, and ask GitHub only if nothing was."""
        return self._seen or self.latest()

    def moved_to(self, commit: str) -> None:
        """Note a commit of ours; empty if what is there is not known."""
        self._seen = commit
