"""The words people read about a request, in Slack and in JIRA: whole sentences, one place.

Everything a person typed is passed in already made inert for the surface it goes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from coordinator.requests import Request, State
from sallyport.audit import Deed, Fact
from sallyport.catalogue import Catalogue
from sallyport.changes.protocol import Placed
from sallyport.decisions import is_emergency
from sallyport.outcomes import Untold
from sallyport.people import People
from sallyport.platforms.slack_text import escape
from sallyport.schedules import said_of
from sallyport.times import format_moment, say_duration

STATE_WORDS = {
    State.PENDING: "Waiting for a decision",
    State.CONFIRMING: "Approved in Slack, waiting for GitHub",
    State.ANNOUNCED: "Approved, and announced before it begins",
    State.APPROVED: "Approved, about to be applied",
    State.APPLYING: "Approved, being applied",
    State.ACTIVE: "Live",
    State.ENDING: "Being given back",
    State.ENDED: "Ended",
    State.DENIED: "Denied",
    State.TIMED_OUT: "Nobody decided in time",
    State.CANCELLED: "Cancelled",
    State.FAILED: "Failed",
}

UNCONFIRMED = "Approved in Slack, never confirmed in GitHub"  # in time

_WAITS = "waiting for AWS"  # which gave its job no answer

_EMERGENCY_WORDS = {  # nobody has approved it
    State.APPROVED: "Break-glass, about to be applied",
    State.APPLYING: "Break-glass, being applied",
    State.ACTIVE: "Break-glass, live",
}

COMMENTS = {
    Deed.APPROVED: "Approved by {by} through {through} at {at}.",
    Deed.CONFIRMED: "Confirmed by {by} through {through} at {at}: {url}",
    Deed.DENIED: "Denied by {by} through {through} at {at}. Reason: {reason}",
    Deed.TIMED_OUT: "Nobody decided until {at}; the request is closed.",
    Deed.COMMITTED: "The entry was committed at {at}: {url}",
    Deed.DISPATCHED: "The job that applies it was started at {at}: {url}",
    Deed.UNANSWERED: "At {at} it could not be applied yet. {detail} {url}",
    Deed.APPLIED: "Applied and read back at {at}. {detail} {url}",
    Deed.REFUSED: "The job refused to apply it at {at}. {detail} {url}",
    Deed.FAILED: "It could not be applied at {at}. {detail} {url}",
    Deed.CANCELLED: "Cancelled by {by} at {at}. {kept}",
    Deed.BEGUN: "The notice before it was over at {at}; it begins.",
    Deed.ROUTED: "Asked anew at {at}: {detail}",
    Deed.KEPT_UP: "Put off by {by} at {at}. {kept}",
    Deed.RETURNED: "Given back by {by} at {at}, before its time. {kept}",
    Deed.NUDGED: "Those who are waited for were reminded at {at} by {by}.",
    Deed.BREAK_GLASS: "Break-glass by {by} at {at}, and nobody was asked. Incident: {incident}",
    Deed.REVIEWED: "The break-glass was reviewed: {by} closed {review} at {at}.",
    Deed.REVIEW_REOPENED: "The review was closed and is open again at {at}: {detail}",
    Deed.REVERTED: "Taken back and verified at {at}. {detail} {url}",
    Deed.NOT_REVERTED: "Its time is over and it was not taken back at {at}; it is tried again. {detail} {url}",
    Deed.RETRIED: "{by} had “{effect}” tried again at {at}. Reason: {reason}",
    Deed.PARKED: "{by} had “{effect}” left alone at {at}. Reason: {reason}",
}

UNCONFIRMED_COMMENT = (
    "It was approved in Slack, and nobody confirmed it in GitHub until {at}; the request is closed."
)
TOO_LATE = "Its time ran out before it could be given. Nothing was changed; ask again if it is still needed."
UNANSWERED = (
    "AWS does not answer, or is too busy, so it waits; nothing was changed. It is tried again until {until}, and "
    "it is said here when it is applied."
)
GAVE_UP = (
    "AWS gave no answer from {since} until {until}, and then its time was over. Nothing was changed for it; ask "
    "again when it is needed."
)
GAVE_UP_EARLY = (
    "AWS gave no answer from {since} until {until}, which is as long as an approval waits. Nothing was changed "
    "for it; ask again when it is needed."
)
EARLY_END = "It ended before its time."
UNREPORTED_END = "Its entry is gone from the repository, but no job has said that it took it back."
UNREPORTED = {
    Deed.FAILED: "It is not known what became of it at {at}. {detail} {url}",
    Deed.REVERTED: "At {at} nothing asked for it any more. {detail} {url}",
}

RESTARTED = {
    "watch": "The <{url}|job> that applies it ended before it was done, and has been started again. "
    "It finds done what is done; there is nothing to do for you.",
    "watch-expiry": "The <{url}|job> that takes it back ended before it was done, and has been started again. "
    "It is tried until it is taken back; there is nothing to do for you.",
}

CONTINUED = "Its own time ended at {at}. {detail} {url}"


def state_words(request: Request) -> str:
    """Say in a few words where the request stands."""
    if request.state is State.TIMED_OUT and request.was_half_approved:
        return UNCONFIRMED
    if request.unanswered:
        return f"Break-glass, {_WAITS}" if is_emergency(request.grant) else f"Approved, {_WAITS}"
    words = _EMERGENCY_WORDS if is_emergency(request.grant) else {}
    return words.get(request.state, STATE_WORDS[request.state])


def subject(request: Request, catalogue: Catalogue) -> str:
    """Say what is asked for, and where, as plain text."""
    what = "; ".join(change.title(catalogue) for change in request.changes)
    if all(isinstance(change, Placed) for change in request.changes):
        return what
    place = catalogue.environments.get(request.environment)
    return f"{what} in {place.title if place else request.environment}"


def together(names: Sequence[str]) -> str:
    """Join names as one says them."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def name_of(people: People, email: str) -> str:
    """Return how a person is called, with the address that identifies them; a schedule by its name."""
    person = people.by_email(email)
    return f"{person.name} ({person.email})" if person and person.name else said_of(email)


def mention(request: Request) -> str:
    """Mention the requester in Slack, or name the schedule."""
    return f"<@{request.requester_slack}>" if request.requester_slack else escape(said_of(request.requester))


def comment(fact: Fact, people: People, detail: str, reason: str, incident: str) -> str:
    """Say a fact in the ticket; *detail*, *reason* and *incident* are inert already."""
    return (
        _words(fact)
        .format(
            by=name_of(people, fact.by),
            at=format_moment(fact.at),
            through=_through(str(fact.details.get("through", "slack"))),
            url=fact.details.get("url", ""),
            effect=fact.details.get("effect", ""),
            review=fact.details.get("review", ""),
            kept=_kept(fact),
            detail=detail,
            reason=reason,
            incident=incident,
        )
        .strip()
    )


def _kept(fact: Fact) -> str:
    until = fact.details.get("kept_until")
    return f"Until {until} it is kept up." if until else ""


def _through(door: str) -> str:
    return {"github": "GitHub"}.get(door, door.capitalize())


def _words(fact: Fact) -> str:
    if fact.details.get("continued_by"):
        return CONTINUED
    if fact.is_unconfirmed:
        return UNCONFIRMED_COMMENT
    untold = fact.details.get("result") in {Untold.UNKNOWN, Untold.UNREPORTED}
    deed = Deed(fact.deed)  # who tells a fact of another one is a newer version
    return UNREPORTED[deed] if untold else COMMENTS[deed]


def lasts(request: Request) -> str:
    """Say how long the request's entry shall live once approved."""
    return _for(request.lifetime)


def granted(request: Request) -> str:
    """Say how long it does live, which an approver may have shortened."""
    return _for(request.granted)


def how_long(request: Request) -> str:
    """Say the same without “for”, and besides what was asked for, where that was more."""
    asked, given = (said(request).removeprefix("for ") for said in (lasts, granted))
    return given if given == asked else f"{given}; asked for: {asked}"


def _for(length: timedelta | None) -> str:
    return "permanently" if length is None else f"for {say_duration(length)}"
