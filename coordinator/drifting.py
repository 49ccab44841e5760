"""Which findings of drift stand: the job that finds them writes tickets, and nothing of the coordinator's."""

from __future__ import annotations

from sallyport.drift_labels import DRIFT, DRIFT_OVER
from sallyport.platforms.jira import Jira


def open_findings(jira: Jira, project: str) -> list[str]:
    """Return the tickets of findings that are neither gone nor accepted; raises PlatformErrors."""
    tickets = jira.issues_by_label(project, DRIFT)
    return [one.key for one in tickets if DRIFT_OVER not in one.labels and one.status_category != "done"]
