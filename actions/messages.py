"""The words that people read about outcomes, each in one place. They take values and never decide anything.

Every sentence is plain text: whoever shows one makes it inert for where it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sallyport.catalogue import Catalogue
from sallyport.entries import BREAK_GLASS, Entry, is_scheduled
from sallyport.outcomes import Outcome, Result

HEADLINES = {
    Result.APPLIED: "Applied",
    Result.ALREADY: "In force already",
    Result.REVERTED: "Taken back",
    Result.REFUSED: "Refused",
    Result.FAILED: "Failed",
}
RERUN = "When AWS answers again, re-run the job's failed jobs in GitHub: it is applied then."
TITLES = 3  # that many changes of an entry are named in a sentence
ENDED = 20  # that many entries which an override let end are named
CONTINUED = "Goes on"  # in place of “Taken back”, where another entry asks for the same
SIGNS = {
    Result.APPLIED: "✅",
    Result.ALREADY: "✅",
    Result.REVERTED: "↩️",
    Result.REFUSED: "⛔",
    Result.FAILED: "🔴",
}


def headline(outcome: Outcome) -> str:
    """Return the word for how it came out."""
    return CONTINUED if outcome.continued_by else HEADLINES[outcome.result]


def what_of(entry: Entry, catalogue: Catalogue) -> str:
    """Name what an entry asks for."""
    titles = "; ".join(change.title(catalogue) for change in entry.changes[:TITLES])
    more = f" and {len(entry.changes) - TITLES} more" if len(entry.changes) > TITLES else ""
    return f"{titles}{more} in {entry.environment}"


def until(deadline: datetime | None) -> str:
    return f"until {deadline:%Y-%m-%d %H:%M} UTC" if deadline else "without a deadline"


def applied(what: str, deadline: datetime | None) -> str:
    return f"{what} is in force {until(deadline)}, as read back from AWS."


def already(what: str, deadline: datetime | None) -> str:
    return f"{what} was in force already, {until(deadline)}; AWS was read back and nothing was changed."


def reverted(what: str, deadline: datetime | None, now: datetime, *, beside_others: bool) -> str:
    """Say that an entry has ended; *beside_others* there may be what they ask for too, and that stays."""
    stays = " but what others still ask for there" if beside_others else ""
    late = f", {lateness(now - deadline)} after its time was over" if deadline and now >= deadline else ""
    return f"{what} has ended{late}; AWS was read back, and nothing of it is in force{stays}."


def continued(what: str, request_id: str, other: Entry) -> str:
    return (
        f"The time of {request_id} is over; {what} goes on as {other.id} {until(other.expires_at)}, "
        "as read back from AWS."
    )


def ended_one(what: str, who: str, request_id: str) -> str:
    return f"{what}, asked for by {who} ({request_id})"


def ended_in_channel(title: str, lines: Sequence[str], count: int) -> str:
    """Say to a flow's channel what has ended; *lines* name *count* requests, or the first of them."""
    if count == 1:
        return f"{title} has ended: {lines[0]}."
    named = [f"• {line}" for line in lines]
    more = [f"and {count - len(lines)} more"] if count > len(lines) else []
    return "\n".join([f"{title} has ended for {count} requests:", *named, *more])


def refreshed(
    where: str, mended: Sequence[str], refused: Mapping[str, str], facts: Sequence[str], fault: str
) -> str:
    """Say what a comparison of an allow list with its live requests has found, and what became of it."""
    if fault:
        head = f"The allow list of {where} could not be brought to what live requests ask for: {full_stop(fault)}"
        lines = ["This was begun:", *mended] if mended else []
    elif mended:
        head, lines = (
            f"The allow list of {where} was not as live requests ask for, and has been mended:",
            [*mended],
        )
    elif refused:
        head, lines = f"Nothing could be mended at the allow list of {where}.", []
    else:
        head, lines = f"The allow list of {where} is as live requests ask for; nothing was changed.", []
    lines += [f"{request_id} is not let in: {full_stop(why)}" for request_id, why in refused.items()]
    return "\n".join([head, *(f"• {line}" for line in lines), *facts])


def reverted_in_doubt(what: str, request_id: str, doubt: str) -> str:
    return f"{what} was taken back, because {request_id} {full_stop(doubt)}"


def refused(what: str, reason: str) -> str:
    return f"{what} was not applied: {full_stop(reason)} Nothing was changed for it."


def refused_unproven(request_id: str, doubt: str) -> str:
    return f"{request_id} {full_stop(doubt)} Nothing was changed."


def expired_before(what: str, deadline: datetime) -> str:
    return f"{what} was not applied: its time was over at {deadline:%Y-%m-%d %H:%M:%S} UTC. Nothing was changed."


def not_before(what: str, begins: datetime) -> str:
    return f"{what} was not applied: its time begins at {begins:%Y-%m-%d %H:%M:%S} UTC. Nothing was changed."


def not_there(request_id: str) -> str:
    return f"{request_id} is not on the main branch. Nothing was changed."


def not_found_after(what: str) -> str:
    return f"{what} was written, but AWS does not show it. Nothing is claimed to be in force."


def unfinished(what: str, reason: str) -> str:
    return f"{what} has begun, but it is not complete: {full_stop(reason)} The next sweep goes on with it."


def apply_failed(what: str, fault: str, aftermath: str) -> str:
    return f"{what} could not be applied: {full_stop(fault)} {aftermath}"


def never_begun(what: str) -> str:
    return (
        f"{what} has ended before it began: the main branch has no record of what was there before, without which "
        "nothing is ever made. So there is nothing to take back, although AWS gives no answer now."
    )


def revert_failed(what: str, fault: str, deadline: datetime | None, now: datetime) -> str:
    """Say so in the same words at each try: it is told once until it changes."""
    over = f"Its time was over at {deadline:%Y-%m-%d %H:%M:%S} UTC. " if deadline and now >= deadline else ""
    return f"{what} could not be taken back: {full_stop(fault)} {over}The next sweep tries again."


def revert_waits(what: str, reason: str) -> str:
    return f"{what} has ended, but it is not out of force yet: {full_stop(reason)} The next sweep tries again."


def never_proven(request_id: str, doubt: str) -> str:
    return f"{request_id} {full_stop(doubt)} No version of it ever was, so nothing was made for it; its file goes."


def no_ticket(request_id: str, why: str) -> str:
    return f"No ticket could be opened for {request_id}: {full_stop(why)} Re-run the job to try again."


def not_recorded(ids: str, why: str) -> str:
    return f"The approval of {ids} could not be recorded on main: {full_stop(why)} It holds all the same."


def deleted_unasked(request_id: str) -> str:
    return (
        f"{request_id} was deleted by a push to main without a pull request. What it gave is taken back, since "
        "ending is the safe direction; find out who did it and why."
    )


def not_settled(request_id: str, lock: str, why: str) -> str:
    reason = full_stop(why) if why else "AWS does not show it."
    return f"{request_id} could not be settled at {lock}: {reason} Nothing is claimed to be in force."


def escalated(request_id: str, late: timedelta, sweeps: int, ticket: str | None) -> str:
    """Say that people must take it back; *late* is not positive where it was to end before its time."""
    ended = f"ended {lateness(late)} ago" if late > timedelta() else "was to end before its time"
    why = f"{sweeps} sweeps have failed" if sweeps > 1 else "sweeps fail or do not run"
    where = f" Its ticket is {ticket}." if ticket else ""
    return (
        f"ESCALATION: {request_id} {ended} and is still not taken back; {why}. "
        f"Take it back by hand now, and find out why.{where}"
    )


def held(what: str, why: str) -> str:
    return f"{what} was left in force: {why}"


def let_through(override: Entry) -> str:
    """Say by whose word more entries ended at once than policy lets end by itself."""
    return (
        f"More ended together than policy lets end by itself; {override.id} let them, asked for by "
        f"{override.requested_by} and {approved_by(override)}."
    )


def approved_by(entry: Entry) -> str:
    """Say who or what approved an entry, for the middle of a sentence."""
    if entry.grant and entry.grant.through == BREAK_GLASS:
        return f"taken in an emergency without approval ({entry.grant.incident})"
    names = " and ".join(approval.by for approval in entry.approvals)
    return f"approved by {names}" if names else "approved by policy itself"


def override_used(override_id: str, ids: Sequence[str], lock: str) -> str:
    shown = ", ".join(ids[:ENDED]) + (", …" if len(ids) > ENDED else "")
    return f"{override_id} is used up: it let {len(ids)} entries end at {lock} ({shown})."


def unattributable(request_id: str, reason: str) -> str:
    return (
        f"{request_id} has ended, but nobody can tell what it changed: {full_stop(reason)} "
        "Somebody must look at its file and at AWS."
    )


def aftermath(*, restored: bool | None, begun: bool, shown: bool | None, lock: str) -> str:
    """Say how a fault left AWS; *shown* is whether the last look shows the change, None if there was none."""
    if not begun:
        return "Nothing was changed."
    if restored is False:
        return f"AWS could NOT be put back: somebody must look at {lock} now."
    if shown is None:
        return f"AWS could not be read again: somebody must look at {lock} now."
    if shown:
        return f"AWS still shows it: somebody must look at {lock} now."
    return "What was there before has been put back, as read back from AWS."


def undo_hint(entry: Entry) -> str:
    """Say how a change ends, by itself or earlier."""
    undos = " ".join(dict.fromkeys(change.undo() for change in entry.changes))
    ends = f"It ends {until(entry.expires_at).removeprefix('until ')}." if entry.expires_at else ""
    who = "somebody presses “Keep it up” in Slack"
    if not is_scheduled(entry.grant):
        who = "its requester presses “Give back now” in Slack"
    earlier = (
        f"To end it sooner, {who}; "
        f"an operator deletes {entry.path} on main and runs the workflow “expire” with its id."
    )
    return " ".join(part for part in (undos, ends, earlier) if part)


def lateness(late: timedelta) -> str:
    """Say a span of time: to the second below two hours, since that is what lateness is judged by."""
    seconds = max(0, int(late.total_seconds()))
    if seconds < 120:
        return _count(seconds, "second")
    if seconds < 7200:
        return " ".join(
            [_count(seconds // 60, "minute"), *([_count(seconds % 60, "second")] if seconds % 60 else [])]
        )
    return f"{_count(seconds // 3600, 'hour')} {_count(seconds % 3600 // 60, 'minute')}"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def alert(outcome: Outcome) -> str:
    return f"{headline(outcome)}: {outcome.request_id}. {outcome.detail}"


def not_told(where: str, what: str, why: str) -> str:
    return f"The outcome of {what} could not be told in {where}: {full_stop(why)} What is said of AWS still holds."


def not_removed(ids: str, why: str) -> str:
    return (
        f"{ids} was taken back, but its files could not be removed from main: {full_stop(why)} "
        "The next sweep tries again."
    )


def check_title(outcomes: tuple[Outcome, ...]) -> str:
    """Count the outcomes for a check's title, the bad ones first."""
    if not outcomes:
        return "Nothing to do"
    order = (Result.FAILED, Result.REFUSED, Result.APPLIED, Result.REVERTED, Result.ALREADY)
    counts = {result: sum(outcome.result is result for outcome in outcomes) for result in order}
    return ", ".join(f"{count} {result.value}" for result, count in counts.items() if count)


def full_stop(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
