"""The JIRA stand-in: one ASGI app with REST, pages and switchable faults, and a view for tests.

Tests look through `issue` and `issues`; they change things only as the product does, over HTTP.
"""

from __future__ import annotations

from starlette.applications import Starlette

from sandbox.faults import Faults, FaultyApp
from sandbox.jira.issues import Issue
from sandbox.jira.pages import Pages
from sandbox.jira.project import Clock, Project, Switches, utc_now
from sandbox.jira.rest import Rest
from sandbox.jira.search import Search
from sandbox.jira.site import JiraSite


class JiraStandIn:
    """A JIRA with one project, in memory."""

    def __init__(self, site: JiraSite, *, clock: Clock = utc_now) -> None:
        self.site = site
        self.faults = Faults()
        self.switches = Switches()
        self._project = Project(site, clock, self.switches)
        self._search = Search(self._project)
        routes = [*Rest(self._project, self._search).routes(), *Pages(self._project, self._search).routes()]
        self.app = FaultyApp(Starlette(routes=routes), self.faults)

    @property
    def issues(self) -> tuple[Issue, ...]:
        """All issues, oldest first."""
        return tuple(self._project.issues.values())

    def issue(self, key: str) -> Issue:
        """One issue as it is now; raises KeyError if there is none."""
        return self._project.issues[key]

    def reindex(self) -> None:
        """Let a lagging search find every issue there is now."""
        self._search.reindex()
