"""What only the requester may do with a request, looked up at every press: anybody can see the buttons."""

from __future__ import annotations

from coordinator.deciding import NotYours
from coordinator.journal import Journal, UnknownRequest
from coordinator.requests import Request
from coordinator.wording import mention


def own(journal: Journal, request_id: str, slack_id: str) -> Request:
    """Return the request if it is this person's; NotYours if it is somebody else's, or not known here."""
    try:
        request = journal.request(request_id)
    except UnknownRequest as error:
        raise NotYours(str(error)) from None
    if request.requester_slack != slack_id:
        raise NotYours(f"Only {mention(request)} can do this with {request_id}.")
    return request
