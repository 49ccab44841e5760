"""Time as an effect: what becomes due by itself, decided when it comes and never from a timer in memory."""

from __future__ import annotations

from datetime import datetime

from coordinator.journal import Done, Work
from coordinator.lifecycle import Happening, Move, announced_anew
from coordinator.requests import WAITED_FOR, Request, State
from sallyport.audit import Deed
from sallyport.documents import JSON
from sallyport.times import parse_moment

_NOT_DONE = "It was not done; ask again whenever it is needed."


def time_out(_work: Work, request: Request) -> Done:
    """Deny by itself what nobody decided, or confirmed, in time; what was decided meanwhile stays as it is."""
    if request.state not in WAITED_FOR:
        return Done()
    details: dict[str, JSON] = {"through": "github"} if request.state is State.CONFIRMING else {}
    timed_out = Happening(Deed.TIMED_OUT, request.decide_by, "coordinator", details)
    move = Move(timed_out, State.TIMED_OUT, _NOT_DONE)

    def unless_decided(standing: Request) -> Move | None:
        return move if standing.revision == request.revision else None

    return Done(then=unless_decided)


def begin(work: Work, _request: Request) -> Done:
    """Let begin what was announced, unless somebody has kept it from that, or put it off."""
    begins = parse_moment(work.payload["begins"])
    return Done(then=lambda standing: _begun(standing, begins))


def _begun(standing: Request, begins: datetime) -> Move | None:
    if standing.state is not State.ANNOUNCED or (standing.begins_at and begins < standing.begins_at):
        return None
    begun = Happening(Deed.BEGUN, begins, "coordinator")
    return Move(begun, State.APPROVED, arm=(announced_anew(begins),))
