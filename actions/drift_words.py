"""The words about drift: the table a person prints, the job's summary, the ticket, the alert. Decides nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from actions.drift import Drift, Kind
from actions.drift_looking import Survey
from actions.markdown import inert, table
from actions.messages import full_stop, until, what_of
from actions.runner import one_line
from sallyport.catalogue import Catalogue
from sallyport.entries import Entry
from sallyport.platforms.jira_text import plain

KINDS = {
    Kind.EXTRA: "There without an entry",
    Kind.MISSING: "Missing despite an entry",
    Kind.CHANGED: "Ours, and changed by somebody",
    Kind.STRANGE: "Not ours, where only entries should bring it",
}
NO_TICKETS: Mapping[str, str] = MappingProxyType({})
_SUMMARY = 200  # characters of a ticket's head
_LISTED = 10  # that many are named in an alert
TO_DO = "Find out who changed it; mend it, or close a ticket to accept what it tells."
_HEAD = ("Target", "Environment", "Finding", "What", "Entries", "Ticket")


def summary_line(survey: Survey) -> str:
    """Count what was found."""
    if not survey.looked_at:
        return "No target was looked at, so nothing is known: none is where the environment and the role lead."
    targets = f"{len(survey.looked_at)} target{'' if len(survey.looked_at) == 1 else 's'}"
    if not survey.drifts:
        found = "AWS is as the entries say"
    else:
        found = f"{_differences(len(survey.drifts))} from the entries"
    missed = f"; {len(survey.faults)} could not be looked at" if survey.faults else ""
    return f"{targets}: {found}{missed}."


def text(survey: Survey, tickets: Mapping[str, str] = NO_TICKETS) -> str:
    """Return a table for a terminal, a line for each finding; *tickets* is by digest."""
    rows = [tuple(map(one_line, _row(drift, tickets))) for drift in survey.drifts]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (_HEAD, *rows)
    ]
    shown = [line.rstrip() for line in lines] if rows else []
    shown += [one_line(f"{site.target.lock} could not be looked at: {why}") for site, why in survey.faults.items()]
    return "\n".join([*shown, summary_line(survey)])


def machine_readable(survey: Survey) -> str:
    """Return the same as JSON, for programs."""
    findings = [
        {
            "digest": drift.digest,
            "kind": drift.kind.value,
            "flow": drift.site.flow,
            "target": drift.site.target.lock,
            "environment": drift.site.target.environment,
            "what": drift.sentence,
            "entries": list(drift.entries),
            "mendable": drift.mendable,
        }
        for drift in survey.drifts
    ]
    faults = [{"target": site.target.lock, "why": why} for site, why in survey.faults.items()]
    return json.dumps({"targets": len(survey.looked_at), "findings": findings, "faults": faults}, indent=2)


def markdown(
    title: str, survey: Survey, tickets: Mapping[str, str] = NO_TICKETS, notes: Sequence[str] = ()
) -> str:
    """Return the same for a job's summary."""
    parts = [f"### {inert(title)}", summary_line(survey), *(f"> {inert(note)}" for note in notes)]
    if survey.drifts:
        parts.append(table(_HEAD, [tuple(map(inert, _row(drift, tickets))) for drift in survey.drifts]))
    parts += [f"- 🔴 {inert(site.target.lock)}: {inert(why)}" for site, why in survey.faults.items()]
    return "\n\n".join(parts) + "\n"


def ticket_summary(drift: Drift) -> str:
    head = f"Drift at {drift.site.target.lock}: {KINDS[drift.kind].lower()}"
    return head if len(head) <= _SUMMARY else f"{head[: _SUMMARY - 1]}…"


def ticket_description(drift: Drift, run_url: str) -> str:
    """Return the ticket's text as wiki text."""
    target = drift.site.target
    lines = [
        f"*{KINDS[drift.kind]}*, at {plain(target.lock)}",
        f"Environment {plain(target.environment)}, flow {plain(drift.site.flow)}.",
        f"{_LEADS[drift.mendable]} {plain(full_stop(drift.sentence))}",
    ]
    if drift.entries:
        lines.append(f"Entries: {plain(', '.join(drift.entries))}")
    lines.append(
        "This ticket is closed when a later look no longer finds it. Close it yourself to accept the difference: "
        "then it is neither told again nor mended."
    )
    return "\n\n".join([*lines, *([run_url] if run_url else [])])


_LEADS = {True: "What would mend it:", False: "What was found:"}


def gone(drift_digest: str, run_url: str) -> str:
    """Return the comment on a ticket whose finding is gone; its last line is what it is recognised by."""
    return "\n".join(["A later look no longer found this difference.", run_url, "", gone_marker(drift_digest)])


def gone_marker(drift_digest: str) -> str:
    return f"drift-gone:{drift_digest}"


def alert(fresh: Sequence[Drift], tickets: Mapping[str, str]) -> str:
    """Tell the operators of new findings, and what to do about them."""
    lines = [
        f"{KINDS[drift.kind]} at {drift.site.target.lock} ({tickets.get(drift.digest, 'no ticket')}): "
        f"{full_stop(drift.sentence)}"
        for drift in fresh[:_LISTED]
    ]
    more = [f"And {len(fresh) - _LISTED} more."] if len(fresh) > _LISTED else []
    count = "A new difference" if len(fresh) == 1 else f"{len(fresh)} new differences"
    return "\n".join([f"{count} between AWS and the entries.", *lines, *more, TO_DO])


def mended(lock: str, count: int, fault: str) -> str:
    """Say how a target was mended, or why it was not."""
    if fault:
        return f"The differences at {lock} could not be mended: {full_stop(fault)} Somebody must look."
    return f"{_differences(count)} at {lock} {'is' if count == 1 else 'are'} mended, as read back from AWS."


def mended_alert(targets: Sequence[tuple[str, bool]]) -> str:
    """Tell the operators what became of each target, given with whether it is mended: those that are not first."""
    lines = [words for words, _ in sorted(targets, key=lambda target: target[1])]
    more = [f"And {len(lines) - _LISTED} more targets: the job's summary names them all."]
    return "\n".join([*lines[:_LISTED], *(more if len(lines) > _LISTED else [])])


def put_back(entry: Entry, catalogue: Catalogue) -> str:
    """Tell the people of a live entry that what they have was changed past them, and is theirs again."""
    what = what_of(entry, catalogue)
    return f"Somebody had changed {what} in AWS. It is put back {until(entry.expires_at)}, as read back from AWS."


def left_to_the_sweep(lock: str) -> str:
    return f"{lock} is left to the next sweep: an override lets many entries end there, and each of them is told."


def _differences(count: int) -> str:
    return f"{count} difference{'' if count == 1 else 's'}"


def no_reader(environment: str, flow: str) -> str:
    return (
        f"{flow} in {environment} is not looked at: no read-only role is known there. "
        "Name one as reader in policies/environments.yaml or policies/catalogue/."
    )


def _row(drift: Drift, tickets: Mapping[str, str]) -> tuple[str, ...]:
    target = drift.site.target
    return (
        target.lock,
        target.environment,
        KINDS[drift.kind],
        drift.sentence,
        ", ".join(drift.entries) or "none",
        tickets.get(drift.digest, ""),
    )
