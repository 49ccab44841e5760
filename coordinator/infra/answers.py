"""What people read after `/infra …`, as mrkdwn: whole sentences in one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from coordinator.infra.lines import STOP, TEARDOWN, WHITELIST
from coordinator.requests import Request, State
from coordinator.wording import state_words
from sallyport.catalogue import Environment
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.coming import Coming
from sallyport.people import People
from sallyport.platforms.slack_text import date, escape
from sallyport.problems import Problems
from sallyport.schedules import said_of

HELP = """*Environments: how they stand, stop and start, and who may reach them*
• `/infra status [env]` shows what is stopped, who asked for it, and how AWS has it now.
• `/infra stop [env] [--for 12h | --until 08:00] [--reason '…']` stops services and databases; they \
start again by themselves. `/infra stop` alone opens a form.
• `/infra start [env]` starts them before that time.
• `/infra keep [env] [--until 22:00 | --for 3h]` keeps it up for a while, before a stop and while it is stopped; \
`/infra keep` alone opens a form.
• `/infra teardown [env] --level=services` is the same as a stop; `--level=full` opens the form of a teardown.
• `/infra spinup [env]` restores before its time what was torn down.
• `/infra whitelist add 198.51.100.10 [--ttl=7d] [--description='home office'] [--env=staging]` lets an address \
in, for `1m` to `1440m` or `1d` to `365d`. `/infra whitelist` alone opens a form.
• `/infra whitelist remove 198.51.100.10` ends what you asked for; `/infra whitelist list [env]` shows all, and \
`/infra whitelist refresh [env]` compares AWS with it."""
_LOOKS = {
    STOP: "Stopped for",
    TEARDOWN: "Torn down for",
    WHITELIST: "Let in for",
}
_ON_THE_WAY = {State.ANNOUNCED, State.APPROVED, State.APPLYING, State.ENDING}


def help_text(environments: Sequence[Environment], usual: str) -> str:
    """Say what can be typed, and where."""
    named = ", ".join(f"`{place.id}`" for place in environments)
    return f"{HELP}\nEnvironments: {named}. Without one, `{usual}` is meant."


def not_understood(error: Problems) -> str:
    """Say what was not understood, with the nearest right form."""
    faults = "\n".join(f"• {escape(problem.sentence)}" for problem in error.problems)
    return f"Nothing was done:\n{faults}\n`/infra help` shows all that can be typed."


def not_for_you() -> str:
    return "Policies do not let you use `/infra`. Ask the operators to add you to policies/people.yaml."


def head(place: Environment) -> str:
    """Name an environment, as plain text."""
    return f"{place.title} ({place.id})"


def _at(place: Environment) -> str:
    """Name it, as mrkdwn."""
    return escape(head(place))


def on_record(stops: Sequence[Request], teardowns: Sequence[Request], people: People) -> str:
    """Say what keeps an environment down, as far as Sallyport knows; what is announced does not yet."""
    begun = [stop for stop in stops if stop.state is not State.ANNOUNCED]
    if not (begun or teardowns):
        return "Nothing that Sallyport knows of keeps it stopped."
    return "\n".join(_holding(request, people) for request in (*teardowns, *begun))


def coming(environment: Coming, people: People) -> str:
    """Say which stop comes next, and who keeps the environment up until when."""
    return "\n".join(f"• {line}" for line in coming_lines(environment, people))


def coming_lines(environment: Coming, people: People) -> Iterable[str]:
    """Return the same, a sentence for each, with the names of people, as mrkdwn."""
    return environment.lines(lambda email: _name_of(email, people))


def kept(concerned: Sequence[Request], others: Sequence[str], place: Environment, until: datetime) -> str:
    """Confirm that an environment is kept up, as far as it is."""
    lines = [f"{_at(place)} is kept up until {date(until)}."] if concerned else []
    if concerned and others:
        lines = [f"You keep {_at(place)} up until {date(until)}, but it stays down, because others want it so."]
    ends = [request.expires_at for request in concerned if request.is_scheduled and request.expires_at]
    if ends and max(ends) > until:
        lines.append(f"After that it sleeps until {date(max(ends))}, as its schedule says.")
    return "\n".join([*lines, *others])


def addresses(found: Sequence[Request], place: Environment, people: People) -> str:
    """List the addresses that are let in, as on record."""
    if not found:
        return f"No address is let into {_at(place)} by Sallyport."
    return "\n".join([f"*Addresses let into {_at(place)}*", *(_address(request, people) for request in found)])


def looking() -> str:
    return "AWS is being looked at now. What it says takes the place of this message within a minute or two."


def not_looked(why: str) -> str:
    """Say that the live picture does not come."""
    return f"AWS could not be looked at: {escape(why)} What is on record stands above."


def ended(requests: Sequence[Request], refused: Sequence[str], place: Environment, verb: str) -> str:
    """Say what is being ended, and what this person may not end; *verb* is what becomes of the place."""
    ids = ", ".join(request.id for request in requests)
    kept = [request.kept.until for request in requests if request.kept]
    until = f" It stays up until {date(max(kept))}." if kept else ""
    lines = [f"{_at(place)} {verb}: {ids} ends now.{until}"] if requests else []
    if requests and refused:
        lines = [f"{ids} ends now, but {_at(place)} stays down, because others want it so."]
    return "\n".join([*lines, *refused])


def nothing_to_start(place: Environment, *, torn_down: bool) -> str:
    if torn_down:
        return f"{_at(place)} is not stopped, it is torn down. `/infra spinup {place.id}` restores it."
    return f"Nothing keeps {_at(place)} stopped. `/infra status {place.id}` shows how it is."


def nothing_to_restore(place: Environment, *, stopped: bool) -> str:
    if stopped:
        return f"{_at(place)} is not torn down, it is stopped. `/infra start {place.id}` starts it."
    return f"{_at(place)} is not torn down. `/infra status {place.id}` shows how it is."


def removed(own: Sequence[Request], others: Sequence[Request], address: str, place: Environment) -> str:
    """Say what became of an address that somebody gave back."""
    holders = ", ".join(f"<@{request.requester_slack}>{_until(request)}" for request in others)
    if own and others:
        return f"You no longer ask for {address}. It stays let into {_at(place)} for {holders}."
    if own:
        return f"{address} is being taken out of {_at(place)}."
    if others:
        return f"You hold no lease of {address} in {_at(place)}. It is let in for {holders}, who can end it."
    return (
        f"{address} is not let into {_at(place)} by Sallyport. `/infra whitelist list {place.id}` shows what is."
    )


def comparing(place: Environment) -> str:
    return (
        f"The allow list of {_at(place)} is being compared with all live requests, and what differs is mended. "
        "What is found takes the place of this message within a minute or two."
    )


def not_compared(place: Environment, why: str) -> str:
    return f"The allow list of {_at(place)} was not compared with anything: {escape(why)}"


def nothing_to_refresh(place: Environment) -> str:
    return f"{_at(place)} has no allow list, so there is nothing to compare."


def _holding(request: Request, people: People) -> str:
    return f"• {_LOOKS[request.flow]} {_called(request, people)}{_until(request)} ({request.id}).{_state(request)}"


def _address(request: Request, people: People) -> str:
    named = [change for change in request.changes if isinstance(change, InfraWhitelist)]
    address = ", ".join(f"`{change.address}`" for change in named)
    described = "; ".join(escape(change.description) for change in named if change.description)
    what = f"{address} {described}".strip()
    return f"• {what}: for {_called(request, people)}{_until(request)} ({request.id}).{_state(request)}"


def _state(request: Request) -> str:
    return f" {state_words(request)}." if request.state in _ON_THE_WAY else ""


def _called(request: Request, people: People) -> str:
    return escape(_name_of(request.requester, people))


def _name_of(email: str, people: People) -> str:
    person = people.by_email(email)
    return person.label if person else said_of(email)


def _until(request: Request) -> str:
    return f" until {date(request.expires_at)}" if request.expires_at else ""


def joined(parts: Iterable[str]) -> str:
    """Join what there is, line by line."""
    return "\n".join(part for part in parts if part)
