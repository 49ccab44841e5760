"""An environment as a message in Slack: a line for each service and database, and what keeps it down.

States are said in words beside every sign. What people typed is escaped, and cut before Slack would refuse it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from actions.executors.environments.state import KIND_NAMES, Database, Service
from actions.executors.environments.status import EnvironmentStatus, address_of, state_of
from sallyport.catalogue import Environment
from sallyport.coming import Coming
from sallyport.entries import Entry
from sallyport.offers import Offer, buttons
from sallyport.people import People
from sallyport.platforms.slack_text import date, escape
from sallyport.schedules import said_of

Post = tuple[str, list[dict[str, Any]]]  # the sentence for notifications and screen readers, and the blocks
SECTION = 2900  # characters; Slack takes 3000
_SIGNS = {
    "running": ":white_check_mark:",
    "available": ":white_check_mark:",
    "stopped": ":zzz:",
    "stopping": ":hourglass_flowing_sand:",
    "starting": ":hourglass_flowing_sand:",
    "changing": ":hourglass_flowing_sand:",
    "daemon": ":gear:",
}
_UNUSUAL = ":grey_question:"


def picture_of(status: EnvironmentStatus, offers: Iterable[Offer], coming: Coming | None = None) -> Post:
    """Return the message; the time that it shows is when AWS was read."""
    place, state = status.environment, status.state
    services = [_service(found) for found in state.services.values()]
    databases = [_database(found) for found in state.databases.values()]
    sign = ":zzz:" if status.teardowns else ":warning:"
    missing = [f"{sign} {escape(name)} {status.why_missing(name)}" for name in state.missing]
    blocks = [
        _header(place),
        *_section("", list(_held(status)) or ["Nothing that Sallyport knows of keeps it stopped."]),
        *_section("", [f":alarm_clock: {line}" for line in (coming.lines() if coming else ())]),
        *_section("ECS services", services),
        *_section("Databases", [*databases, *missing]),
        *_section("Addresses let in", [_address(entry, status.people) for entry in status.addresses]),
        _context(f"As read from AWS {date(status.at)}."),
        *buttons(offers, place.id),
    ]
    return _sentence(status), blocks


def not_read(environment: str, why: str, offers: Iterable[Offer]) -> Post:
    """Return the message where AWS or the catalogue could not tell."""
    text = f"{environment} could not be looked at: {escape(why[: SECTION // 2])}"
    return text, [*_section("", [text]), *buttons(offers, environment)]


def _sentence(status: EnvironmentStatus) -> str:
    if status.is_gone:
        return f"{_named(status.environment)} is torn down."
    running = sum(state_of(found) == "running" for found in status.state.services.values())
    serving = sum(found.is_serving for found in status.state.databases.values())
    return (
        f"{_named(status.environment)}: {running} of {len(status.state.services)} services run, "
        f"{serving} of {len(status.state.databases)} databases serve."
    )


def _held(status: EnvironmentStatus) -> Iterator[str]:
    for entry in status.teardowns:
        yield f":zzz: Torn down for {_who(entry, status.people)}{_until(entry)} ({entry.id})."
    for entry in status.stops:
        yield f":zzz: Stopped for {_who(entry, status.people)}{_until(entry)} ({entry.id})."


def _service(found: Service) -> str:
    state = state_of(found)
    counts = f"{found.running} of {found.desired} tasks"
    return f"{_SIGNS[state]} `{escape(found.name)}` {state}, {counts}"


def _database(found: Database) -> str:
    restart = f"; AWS starts it by itself {date(found.restarts_at)}" if found.restarts_at else ""
    sign = _SIGNS.get(found.status, _UNUSUAL)
    return f"{sign} `{escape(found.name)}` ({KIND_NAMES[found.kind]}) {escape(found.status)}{restart}"


def _address(entry: Entry, people: People) -> str:
    return f"• `{escape(address_of(entry))}` for {_who(entry, people)}{_until(entry)} ({entry.id})"


def _who(entry: Entry, people: People) -> str:
    person = people.by_email(entry.requested_by)
    return escape(person.label if person else said_of(entry.requested_by))


def _until(entry: Entry) -> str:
    return f" until {date(entry.expires_at)}" if entry.expires_at else ""


def _named(place: Environment) -> str:
    return f"{place.title} ({place.id})"


def _header(place: Environment) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": _named(place)[:150]}}


def _section(title: str, lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a section with as many lines as Slack takes; none where there is no line."""
    shown = [f"*{title}*"] if title else []
    for number, line in enumerate(lines):
        if len("\n".join([*shown, line])) > SECTION:
            shown.append(f"and {len(lines) - number} more")
            break
        shown.append(line)
    if lines:
        yield {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(shown)}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}
