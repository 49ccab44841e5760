"""JIRA: one ticket for each request, a comment for each fact in order, and the status that fits its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from coordinator import wording
from coordinator.journal import Done, Journal, Work
from coordinator.lifecycle import TOLD_BY_JOBS, on_ticket
from coordinator.requests import Request, State
from sallyport.audit import Deed, Fact
from sallyport.flows import ENVIRONMENT, Flow, TicketStatus
from sallyport.outcomes import Result, report_marker, state_of
from sallyport.platforms.errors import NotYet, a_look
from sallyport.platforms.jira import Jira, next_look
from sallyport.platforms.jira_text import plain
from sallyport.policies import Policies
from sallyport.times import format_moment

LABEL = "sallyport"
PROPERTY = "sallyport.request"
SUMMARY_LONGEST = 240


@dataclass(frozen=True, slots=True)
class Tickets:
    """The effects `ticket`, `comment` and `move`."""

    jira: Jira
    project: str
    journal: Journal
    policies: Callable[[], Policies]
    now: Callable[[], datetime]

    def open(self, work: Work, request: Request) -> Done:
        """Open the ticket, or adopt the one that an earlier attempt may have opened."""
        key = find_again(self.jira, self.project, label_of(request.id), work, self.now())
        if key is None:
            flow = self.policies().flows[request.flow]
            key = self.jira.create_issue(
                self.project,
                flow.ticket.type,
                self._summary(request),
                self._description(request),
                [LABEL, label_of(request.id), *flow.ticket.labels, *asked_labels(request, flow)],
                {PROPERTY: {"id": request.id, "flow": request.flow, "requester": request.requester}},
            )
        return Done({"key": key, "url": self.jira.url_of(key)}, arm=tuple(on_ticket(request, self.now())))

    def comment(self, work: Work, request: Request) -> Done:
        """Write one fact into the ticket, unless an earlier attempt or the job itself has."""
        fact = next(f for f, _ in self.journal.facts(request.id) if f.number == work.payload["fact"])
        key, marker = str(request.ticket), marker_of(fact)
        if work.uncertain or fact.deed in TOLD_BY_JOBS:
            said = next((c for c in self.jira.comments(key) if marker in c.body), None)
            if said is not None:
                return Done({"comment": said.id})
        typed = (plain(str(fact.details.get(name, ""))) for name in ("detail", "reason", "incident"))
        body = wording.comment(fact, self.policies().people, *typed)
        return Done({"comment": self.jira.add_comment(key, f"{body}\n\n{marker}")})

    def move(self, work: Work, request: Request) -> Done:
        """Bring the ticket, status by status, to where the request stands."""
        key = str(request.ticket)
        labels = reached_labels(request)
        if missing := [label for label in labels if label not in work.result.get("labels", ())]:
            self.jira.add_labels(key, missing)
        for way in self._ways(request.state, self.jira.issue(key).status):
            self.jira.move(key, way.status, way.resolution)
        return Done({"state": request.state.value, "labels": labels})

    def _ways(self, state: State, standing: str) -> list[TicketStatus]:
        """Return the statuses that lead from where a ticket is *standing* to that of *state*."""
        statuses, folded = self.policies().ticket_statuses, standing.casefold()
        ways = [statuses[one.value] for one in path_to(state)]
        passed = [way.status.casefold() for way in ways]
        if folded in passed:
            return ways[passed.index(folded) + 1 :]
        kept_from_beginning = folded == statuses[State.APPROVED.value].status.casefold()
        return ways[1:] if kept_from_beginning else ways

    def _summary(self, request: Request) -> str:
        what = wording.subject(request, self.policies().catalogue)
        return " ".join(f"{self.policies().flows[request.flow].title}: {what} ({request.id})".split())[
            :SUMMARY_LONGEST
        ]

    def _description(self, request: Request) -> str:
        policies = self.policies()
        lines = [
            f"*{label}:* {plain(value)}"
            for change in request.changes
            for label, value in change.details(policies.catalogue)
        ]
        environment = policies.catalogue.environments[request.environment]
        asked = (
            f"*Approver asked:* {plain(wording.name_of(policies.people, request.asked))}" if request.asked else ""
        )
        return "\n".join(
            line
            for line in (
                self._extends(request),
                f"*Requested by:* {plain(wording.name_of(policies.people, request.requester))}",
                f"*At:* {format_moment(request.submitted_at)}",
                f"*Environment:* {plain(environment.title)}",
                *lines,
                f"*Duration:* {wording.lasts(request)} from the approval",
                asked,
                f"*To be decided by:* {format_moment(request.decide_by)}",
                f"*Request:* {request.id}, digest {request.digest}",
                "*Reason:*",
                plain(request.reason),
            )
            if line
        )

    def _extends(self, request: Request) -> str:
        """Link the ticket of the request that this one extends."""
        if not request.extends:
            return ""
        key = self.journal.result(request.extends, "ticket").get("key")
        return f"*Extends:* {request.extends}{f', {key}' if key else ''}"


def find_again(jira: Jira, project: str, label: str, work: Work, now: datetime) -> str | None:
    """Return the key of the issue with *label* that an earlier attempt may have opened; None if none has.

    NotYet while JIRA's search may still lag behind that attempt. A search that fails has opened nothing.
    """
    if work.perhaps_done_at is None:
        return None
    with a_look():
        found = jira.find_by_label(project, label)
    if found:
        return found[0]
    if wait := next_look(now - work.perhaps_done_at):
        what = f"find the {work.name} of {work.request_id}"
        raise NotYet("JIRA", what, "its search may lag behind its tickets", after=wait.total_seconds())
    return None


def label_of(request_id: str) -> str:
    """Return the label by which a request's ticket is found."""
    return f"sallyport-{request_id}"


def asked_labels(request: Request, flow: Flow) -> list[str]:
    """Return the labels by which auditors find what was asked for: by whom, where, and for which things."""
    listed = {field.name for field in flow.fields if field.source and field.name != ENVIRONMENT}
    things = {value for change in request.changes for name, value in change.to_mapping().items() if name in listed}
    labels = [f"requested-by:{request.requester}", f"environment:{request.environment}"]
    return labels + [f"resource:{'-'.join(str(thing).split())}" for thing in sorted(map(str, things))]


def reached_labels(request: Request) -> list[str]:
    """Return the labels by which auditors find how it came out: who approved it, and that it has ended."""
    approved = [f"approved-by:{decision.by}" for decision in request.approvals]
    approved += [f"confirmed-by:{request.result('confirm')['by']}"] if request.result("confirm") else []
    return [*approved, "ended"] if request.state is State.ENDED else approved


def path_to(state: State) -> tuple[State, ...]:
    """Return the states whose statuses lead a new ticket to *state*'s."""
    match state:
        case State.PENDING | State.CONFIRMING:
            return (State.PENDING,)
        case State.ANNOUNCED | State.APPROVED | State.APPLYING:
            return (State.PENDING, State.APPROVED)
        case State.ACTIVE | State.ENDING | State.ENDED:
            return (State.PENDING, State.APPROVED, State.ACTIVE)
        case State.FAILED:
            return (State.PENDING, State.APPROVED, State.FAILED)
        case _:
            return (State.PENDING, state)


def marker_of(fact: Fact) -> str:
    """Return by what a fact's comment or reply is known; the job gives an outcome it reports the same one."""
    if fact.deed is Deed.NOT_REVERTED and fact.details.get("result") == Result.FAILED:
        return report_marker(fact.request_id, Result.FAILED, state_of(str(fact.details["detail"])))
    if fact.deed in TOLD_BY_JOBS and fact.details.get("run"):
        return report_marker(fact.request_id, str(fact.details["result"]), str(fact.details["run"]))
    return f"{fact.request_id}:fact:{fact.number}"
