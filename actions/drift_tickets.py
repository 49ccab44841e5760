"""One ticket for each finding, found again by a label with the finding's digest, and closed when it is gone.

A person who closes the ticket of a finding that is still there has accepted it: it is never told again or mended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actions import drift_words
from actions.drift import Drift
from actions.drift_looking import Survey
from actions.verification import Site
from sallyport.drift_labels import DRIFT, DRIFT_OVER
from sallyport.platforms.errors import Refused
from sallyport.policies import Policies

if TYPE_CHECKING:
    from sallyport.platforms.jira import Issue, Jira

_DIGEST, _PLACE = "drift-", "drift-at-"  # each with a digest
_WAYS_TO_THE_END = (("active",), ("pending", "approved", "active"))  # states of a request, for their statuses


@dataclass(frozen=True, slots=True)
class Known:
    """A ticket of a finding that was not gone at the last look; `place` names its target."""

    key: str
    digest: str
    place: str
    accepted: bool  # a person has closed it


class DriftTickets:
    """The tickets of one JIRA project. Methods raise the client's PlatformErrors."""

    def __init__(self, jira: Jira, project: str, policies: Policies, run_url: str) -> None:
        self._jira = jira
        self._project = project
        self._policies = policies
        self._run_url = run_url

    def known(self) -> tuple[Known, ...]:
        """Return the tickets of findings that are not over, oldest first.

        A finding may have two where JIRA's search did not show the first one in time.
        """
        issues = self._jira.issues_by_label(self._project, DRIFT)
        return tuple(one for one in map(_known, issues) if one)

    def open(self, drift: Drift) -> str:
        """Open the ticket of a new finding and return its key."""
        return self._jira.create_issue(
            self._project,
            self._policies.flows[drift.site.flow].ticket.type,
            drift_words.ticket_summary(drift),
            drift_words.ticket_description(drift, self._run_url),
            [DRIFT, f"{_DIGEST}{drift.digest}", f"{_PLACE}{place_of(drift.site)}"],
            {"sallyport.drift": {"digest": drift.digest, "target": drift.site.target.lock}},
        )

    def close(self, ticket: Known) -> None:
        """Say that a finding is gone, and move its ticket to the end as far as its workflow leads there."""
        marker = drift_words.gone_marker(ticket.digest)
        if not any(one.body.rstrip().endswith(marker) for one in self._jira.comments(ticket.key)):
            self._jira.add_comment(ticket.key, drift_words.gone(ticket.digest, self._run_url))
        if not ticket.accepted:
            self._move_to_the_end(ticket.key)
        self._jira.add_labels(ticket.key, [DRIFT_OVER])

    def _move_to_the_end(self, key: str) -> None:
        """Take the way that requests take; where the workflow has another one, the comment has said it."""
        for way in _WAYS_TO_THE_END:
            try:
                for status in (self._policies.ticket_statuses[state] for state in way):
                    self._jira.move(key, status.status, status.resolution)
            except Refused:
                continue
            return


def place_of(site: Site) -> str:
    """Name a target in a label."""
    content = f"{site.flow} {site.target.environment} {site.target.lock}"
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def gone(known: Iterable[Known], survey: Survey) -> list[Known]:
    """Return the tickets whose finding is gone from a target that was looked at."""
    seen = {place_of(site) for site in survey.looked_at if site not in survey.faults}
    there = {drift.digest for drift in survey.drifts}
    return [one for one in known if one.place in seen and one.digest not in there]


def _known(issue: Issue) -> Known | None:
    places = [label for label in issue.labels if label.startswith(_PLACE)]
    digests = [label for label in issue.labels if label.startswith(_DIGEST) and label not in places]
    if DRIFT_OVER in issue.labels or len(digests) != 1 or len(places) != 1:
        return None
    digest, place = digests[0].removeprefix(_DIGEST), places[0].removeprefix(_PLACE)
    return Known(issue.key, digest, place, accepted=issue.status_category == "done")
