"""What people read in the pull request by which something is confirmed: Markdown, whole sentences, one place.

Nothing that a requester typed is in it: that stands in the file that is reviewed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coordinator.requests import Request, State
from coordinator.wording import granted, name_of, together
from sallyport.people import Person
from sallyport.policies import Policies
from sallyport.times import format_moment

CLOSED = "Its pull request was closed in GitHub before anybody had confirmed it."
CHANGED = (
    "Its pull request was changed in GitHub after it had been opened, so nobody can confirm it there. Ask again."
)
NOBODY = "Nobody is left who could confirm it in GitHub: those who could have left, or policy names others now."

_OUTCOMES = {
    State.DENIED: "It was not confirmed, and nothing was done.",
    State.TIMED_OUT: "Nobody confirmed it in time, and nothing was done.",
    State.CANCELLED: "It was cancelled, and nothing was done.",
}


def asked(request: Request, policies: Policies, confirmers: Iterable[Person]) -> tuple[str, str]:
    """Return the title and the text; whoever may confirm it is mentioned, and so told by GitHub."""
    names = ", ".join(f"{person.label} (@{person.github})" for person in confirmers)
    text = (
        f"{_head(request, policies)}\n\n"
        f"**To confirm it, read the file under “Files changed” and approve this pull request in a review**, until "
        f"{format_moment(request.decide_by)}. To refuse it, request changes. Do not merge it: it closes by itself."
        "\n\n"
        f"It counts from: {names or 'nobody at the moment, since none of the approvers has a login here'}. "
        f"It lives {granted(request)} from the review on."
    )
    flow = policies.flows[request.flow]
    return f"Confirm {request.id}: {flow.title} for {_label(policies, request.requester)}", text


def those_now(confirmers: Sequence[Person]) -> str:
    """Say that others can confirm it than before."""
    match len(confirmers):
        case 0:
            return NOBODY
        case 1:
            return "One person can confirm it in GitHub now."
        case count:
            return f"{count} people can confirm it in GitHub now."


def refused(policies: Policies, by: str) -> str:
    """Say that somebody who may confirm it said no."""
    return f"{_label(policies, by)} requested changes in GitHub instead of confirming it."


def closed(request: Request, policies: Policies) -> str:
    """Return the text once nobody is asked any more."""
    confirmed = request.result("confirm").get("by")
    outcome = f"It was confirmed by {_label(policies, confirmed)}." if confirmed else "It is closed."
    return f"{_head(request, policies)}\n\n**{_OUTCOMES.get(request.state, outcome)}**"


def _head(request: Request, policies: Policies) -> str:
    people = policies.people
    names = together([name_of(people, decision.by) for decision in request.approvals])
    ticket = f" Ticket: [{request.ticket}]({request.result('ticket')['url']})." if request.ticket else ""
    return (
        f"{name_of(people, request.requester)} asked for this in Slack, where it was approved by {names}. "
        f"Policy wants it confirmed here too, by somebody who may approve it and did not ask for it.{ticket}"
    )


def _label(policies: Policies, email: str) -> str:
    person = policies.people.by_email(email)
    return person.label if person else email
