"""JIRA: the review that follows an emergency, a ticket of its own that somebody else must close.

It is looked at until somebody whom policies know by their JIRA account, and who is not the requester, has closed
it. Whoever else closes it finds it open again. An e-mail address proves nothing here: people can change theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator import wording
from coordinator.alerts import Kind
from coordinator.journal import Again, Done, Work
from coordinator.lifecycle import Armed, Happening, Lane, Move, on_ticket
from coordinator.outside.tickets import LABEL, PROPERTY, SUMMARY_LONGEST, find_again
from coordinator.requests import Request
from sallyport.audit import Deed
from sallyport.people import Person
from sallyport.platforms.jira import Closing, Jira
from sallyport.platforms.jira_text import plain
from sallyport.policies import Policies
from sallyport.times import format_moment

SOON, DAILY = timedelta(hours=1), timedelta(days=1)  # between two looks, on the first day and after it


@dataclass(frozen=True, slots=True)
class Reviews:
    """The effects `review`, `review-link`, `watch-review`, `review-comment` and `review-reopen`."""

    jira: Jira
    project: str
    policies: Callable[[], Policies]
    now: Callable[[], datetime]
    alert: Callable[[str, str], None]
    over: Callable[[str], None]

    def open(self, work: Work, request: Request) -> Done:
        """Open the review, or adopt the one that an earlier attempt may have opened."""
        key = find_again(self.jira, self.project, label_of(request.id), work, self.now())
        if key is None:
            style = self.policies().review
            key = self.jira.create_issue(
                self.project,
                style.type,
                self._summary(request),
                self._description(request),
                [LABEL, label_of(request.id), *style.labels],
                {PROPERTY: {"id": request.id, "flow": request.flow, "review": True}},
            )
        now = self.now()
        links = (("ticket", "review"), ("review", "ticket"))
        then = (
            *(
                Armed(f"review-link:{at}", "review-link", Lane.JIRA, now, "review", {"from": at, "to": to})
                for at, to in links
            ),
            Armed("watch-review", "watch-review", Lane.JIRA, now + SOON, "review"),
        )
        return Done({"key": key, "url": self.jira.url_of(key)}, arm=(*then, *on_ticket(request, now)))

    def link(self, work: Work, request: Request) -> Done:
        """Link the ticket and its review, each to the other; the same link again changes nothing."""
        at, other = (request.result(work.payload[end]) for end in ("from", "to"))
        title = f"{work.payload['to'].capitalize()} of {request.id}: {other['key']}"
        self.jira.link(at["key"], other["url"], title, f"sallyport-{request.id}-{work.payload['to']}")
        return Done()

    def watch(self, _work: Work, request: Request) -> Done | Again:
        """See whether the review is closed, and by whom: hourly on the first day, and daily after it."""
        key = str(request.result("review")["key"])
        closing = self.jira.closing(key)
        if closing is None:
            return Again(self.now() + self._patience(request))
        person = self.policies().people.by_jira(closing.by)
        refusal = self._refusal(request, person)
        if person is None or refusal:
            return self._refused(request, key, closing, refusal)
        details = {"review": key, "url": self.jira.url_of(key)}
        self.over(Kind.REVIEW.about(request.id))
        reviewed = Happening(Deed.REVIEWED, closing.at, person.email, details)
        return Done({"by": person.email}, then=Move(reviewed), arm=tuple(on_ticket(request, self.now())))

    def comment(self, work: Work, request: Request) -> Done:
        """Say in the review why it is open again."""
        key, marker = str(request.result("review")["key"]), f"{request.id}:closing:{work.payload['closing']}"
        if work.uncertain and any(marker in comment.body for comment in self.jira.comments(key)):
            return Done()
        self.jira.add_comment(key, f"{plain(work.payload['why'])}\n\n{marker}")
        return Done()

    def reopen(self, _work: Work, request: Request) -> Done:
        """Open the review again; one that somebody has opened meanwhile stays where it is."""
        key = str(request.result("review")["key"])
        if self.jira.closing(key) is not None:
            self.jira.move(key, self.policies().review.status)
        return Done()

    def _refused(self, request: Request, key: str, closing: Closing, why: str) -> Done:
        """Open it again with the reason, tell the operators, and go on looking."""
        now = self.now()
        self.alert(Kind.REVIEW.about(request.id), f"The review {key} of {request.id} is open again: {why}")
        payload = {"closing": closing.id, "why": why}
        comment, reopen = f"review-comment:{closing.id}", f"review-reopen:{closing.id}"
        again = Happening(Deed.REVIEW_REOPENED, now, "coordinator", {"review": key, "detail": why})
        return Done(
            then=Move(again),
            arm=(
                Armed(comment, "review-comment", Lane.JIRA, now, "review", payload),
                Armed(reopen, "review-reopen", Lane.JIRA, now, comment),
                Armed("watch-review", "watch-review", Lane.JIRA, now + self._patience(request), reopen),
            ),
        )

    def _refusal(self, request: Request, person: Person | None) -> str:
        """Say why this person's closing does not count; empty if it does."""
        if person is None:
            return (
                "It was closed by a JIRA account that policies bind to nobody. Somebody else than the requester "
                "must close it, under an account that policies/people.yaml names."
            )
        if self.policies().people.is_same(person.email, request.requester):
            return f"It was closed by {person.label}, whom it is about. Somebody else must review it and close it."
        return ""

    def _patience(self, request: Request) -> timedelta:
        return SOON if self.now() - request.submitted_at < DAILY else DAILY

    def _summary(self, request: Request) -> str:
        what = "; ".join(change.title(self.policies().catalogue) for change in request.changes)
        return " ".join(f"Review of break-glass: {what} ({request.id})".split())[:SUMMARY_LONGEST]

    def _description(self, request: Request) -> str:
        people = self.policies().people
        until = format_moment(request.expires_at) if request.expires_at else "for ever"
        incident = request.grant.incident if request.grant else ""
        return "\n".join(
            (
                f"*Who:* {plain(wording.name_of(people, request.requester))}, without anybody's approval",
                f"*Ticket:* {request.ticket}",
                f"*Incident:* {plain(incident)}",
                f"*From:* {format_moment(request.submitted_at)}",
                f"*Until:* {until}",
                "*Reason:*",
                plain(request.reason),
                "",
                "Look at what was done and whether the incident called for it, write it here, and close this. "
                "Somebody else than the requester must do so; otherwise it is opened again.",
            )
        )


def label_of(request_id: str) -> str:
    """Return the label by which a request's review is found."""
    return f"sallyport-review-{request_id}"
