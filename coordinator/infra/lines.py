"""What a line after `/infra` means, where it is not one of a flow's own. Pure: every line has a meaning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sallyport.changes.infra_words import ADDRESS, ENV, FOR, UNTIL, time_of_day
from sallyport.commands import HELP
from sallyport.flows import ENVIRONMENT
from sallyport.problems import Problem, Problems, nearest, quoted
from sallyport.times import next_time, parse_duration
from sallyport.words import Line, read_words, unlinked

STOP, TEARDOWN, WHITELIST = "infra-stop", "infra-teardown", "infra-whitelist"  # the flows it knows of
LEVEL, SERVICES, FULL = "level", "services", "full"


class Kind(StrEnum):
    """What somebody wants that no form asks for."""

    HELP = "help"
    STATUS = "status"
    START = "start"
    KEEP = "keep"
    SPINUP = "spinup"
    TEARDOWN = "teardown"
    REMOVE = "whitelist remove"
    LIST = "whitelist list"
    REFRESH = "whitelist refresh"


@dataclass(frozen=True, slots=True)
class Errand:
    """One line: what to do, where (empty means the usual environment), and with what."""

    kind: Kind
    environment: str = ""
    address: str = ""
    level: str = SERVICES
    lasts: str = ""  # how long, or until which time of day, as typed
    until: str = ""

    def end(self, typed_at: datetime) -> datetime | None:
        """Return the moment until which it is to last; None if the line does not say. Problems if it is none.

        *typed_at* is in the time zone of who typed, whose time of day is meant.
        """
        try:
            if self.until:
                return next_time(typed_at, time_of_day(self.until))
            return typed_at.astimezone(UTC) + parse_duration(self.lasts) if self.lasts else None
        except ValueError as error:
            raise Problems([Problem(str(error))]) from error


_ALONE = {
    "status": Kind.STATUS,
    "start": Kind.START,
    "keep": Kind.KEEP,
    "spinup": Kind.SPINUP,
    "spin-up": Kind.SPINUP,
    "teardown": Kind.TEARDOWN,
    "tear-down": Kind.TEARDOWN,
}
_OF_WHITELIST = {
    "remove": Kind.REMOVE,
    "rm": Kind.REMOVE,
    "delete": Kind.REMOVE,
    "list": Kind.LIST,
    "ls": Kind.LIST,
    "refresh": Kind.REFRESH,
}
_OPTIONS = {
    Kind.TEARDOWN: {LEVEL: f"{SERVICES} or --{LEVEL} {FULL}"},
    Kind.KEEP: {FOR: "3h", UNTIL: "22:00"},
}
_ASKED_BY_FLOWS = ("stop", "whitelist")


def read_errand(text: str) -> Errand | None:
    """Return what *text* wants; None where it asks for a flow. Problems names the nearest word that is known."""
    first, *rest = text.split(maxsplit=1) or ["help"]
    word, after = first.casefold(), "".join(rest)
    if word in HELP:
        return Errand(Kind.HELP)
    if word == "whitelist":
        second, *others = after.split(maxsplit=1) or [""]
        kind = _OF_WHITELIST.get(second.casefold())
        return _errand(kind, "".join(others)) if kind else None
    if word in _ASKED_BY_FLOWS:
        return None
    if word in _ALONE:
        return _errand(_ALONE[word], after)
    known = (*_ASKED_BY_FLOWS, *(kind.value for kind in Kind))
    raise Problems([Problem(f"{quoted(f'/infra {first}')} is no command", nearest(word, known))])


def _errand(kind: Kind, text: str) -> Errand:
    if text.strip().casefold() in HELP:
        return Errand(Kind.HELP)
    line = read_words(text, bare=(FOR, UNTIL) if kind is Kind.KEEP else ())
    options = {ENV: "dev", **_OPTIONS.get(kind, {})}
    wanted = [ADDRESS, ENVIRONMENT] if kind is Kind.REMOVE else [ENVIRONMENT]
    if ENV in line.options:
        wanted.remove(ENVIRONMENT)
    found = [*line.problems(options), *line.too_many(len(wanted)), *_level_problems(line), *_end_problems(line)]
    given = dict(zip(wanted, line.words, strict=False))
    if kind is Kind.REMOVE and ADDRESS not in given:
        found.append(Problem("no address is named", "write one, such as /infra whitelist remove 198.51.100.10"))
    if found:
        raise Problems(found)
    environment = line.options.get(ENV) or given.get(ENVIRONMENT, "")
    level = line.options.get(LEVEL, SERVICES).casefold()
    lasts, until = line.options.get(FOR, "").casefold(), line.options.get(UNTIL, "")
    return Errand(kind, environment.casefold(), unlinked(given.get(ADDRESS, "")), level, lasts, until)


def _end_problems(line: Line) -> list[Problem]:
    if not (line.options.get(FOR) and line.options.get(UNTIL)):
        return []
    return [Problem(f"--{FOR} and --{UNTIL} say it twice", "write one of them")]


def _level_problems(line: Line) -> list[Problem]:
    level = line.options.get(LEVEL, "")
    if not level or level.casefold() in {SERVICES, FULL}:
        return []
    return [Problem(f"{quoted(level)} is no level", nearest(level, (SERVICES, FULL)))]
