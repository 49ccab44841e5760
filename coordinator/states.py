"""Which state of a request may follow which; what is not here is refused by the journal."""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.requests import State

FOLLOWS: Mapping[State, frozenset[State]] = {
    State.PENDING: frozenset(
        {
            State.CONFIRMING,
            State.ANNOUNCED,
            State.APPROVED,
            State.DENIED,
            State.TIMED_OUT,
            State.CANCELLED,
        }
    ),
    State.CONFIRMING: frozenset({State.ANNOUNCED, State.APPROVED, State.DENIED, State.TIMED_OUT, State.CANCELLED}),
    State.ANNOUNCED: frozenset({State.APPROVED, State.CANCELLED}),
    State.APPROVED: frozenset({State.APPLYING, State.ACTIVE, State.FAILED}),
    State.APPLYING: frozenset({State.ACTIVE, State.FAILED, State.CANCELLED}),
    State.ACTIVE: frozenset({State.ENDING, State.ENDED}),
    State.ENDING: frozenset({State.ENDED}),
}
