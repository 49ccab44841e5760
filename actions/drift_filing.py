"""Brings the tickets in line with what a survey found; what cannot be said now is said at the next look.

One ticket that cannot be written keeps no other from being written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from actions.drift import Drift
from actions.drift_looking import Survey
from actions.drift_tickets import DriftTickets, Known, gone
from sallyport.platforms.errors import PlatformError


@dataclass(frozen=True, slots=True)
class Filed:
    """What a filing made of a survey. `keys` are the tickets by digest, `fresh` what nobody was told before."""

    keys: Mapping[str, str]
    fresh: tuple[Drift, ...]
    faults: tuple[str, ...] = ()


def file(tickets: DriftTickets | None, survey: Survey) -> Filed:
    """Open the tickets of new findings and close those of findings that are gone.

    Without JIRA, or while it cannot be read, everything counts as new: told twice is better than never.
    """
    if tickets is None:
        return Filed({}, survey.drifts)
    try:
        known = tickets.known()
    except PlatformError as error:
        return Filed({}, survey.drifts, (str(error),))
    keys = {ticket.digest: ticket.key for ticket in reversed(known)}  # the oldest of two
    fresh = tuple(drift for drift in survey.drifts if drift.digest not in keys)
    faults: list[str] = []
    for drift in fresh:
        try:
            keys[drift.digest] = tickets.open(drift)
        except PlatformError as error:
            faults.append(str(error))
    for ticket in gone(known, survey):
        try:
            tickets.close(ticket)
        except PlatformError as error:
            faults.append(str(error))
    return Filed(keys, fresh, tuple(faults))


def may_mend(drifts: Iterable[Drift], known: Collection[Known]) -> bool:
    """Tell whether all that would be mended at a target was told by an earlier look, and nobody accepted it."""
    told = {ticket.digest for ticket in known}
    accepted = {ticket.digest for ticket in known if ticket.accepted}
    return {drift.digest for drift in drifts} <= told - accepted
