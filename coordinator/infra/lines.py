"""What a line after `/infra` means, where it is not one of a flow's own. Pure: every line has a meaning."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sallyport.changes.infra_words import ADDRESS, ENV
from sallyport.commands import HELP
from sallyport.flows import ENVIRONMENT
from sallyport.problems import Problem, Problems, nearest, quoted
from sallyport.words import Line, read_words, unlinked

STOP, TEARDOWN, WHITELIST = "infra-stop", "infra-teardown", "infra-whitelist"  # the flows it knows of
LEVEL, SERVICES, FULL = "level", "services", "full"


class Kind(StrEnum):
    """What somebody wants that no form asks for."""

    HELP = "help"
    STATUS = "status"
    START = "start"
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


_ALONE = {
    "status": Kind.STATUS,
    "start": Kind.START,
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
    line = read_words(text)
    options = {ENV: "dev", **({LEVEL: f"{SERVICES} or --{LEVEL} {FULL}"} if kind is Kind.TEARDOWN else {})}
    wanted = [ADDRESS, ENVIRONMENT] if kind is Kind.REMOVE else [ENVIRONMENT]
    if ENV in line.options:
        wanted.remove(ENVIRONMENT)
    found = [*line.problems(options), *line.too_many(len(wanted)), *_level_problems(line)]
    given = dict(zip(wanted, line.words, strict=False))
    if kind is Kind.REMOVE and ADDRESS not in given:
        found.append(Problem("no address is named", "write one, such as /infra whitelist remove 198.51.100.10"))
    if found:
        raise Problems(found)
    environment = line.options.get(ENV) or given.get(ENVIRONMENT, "")
    level = line.options.get(LEVEL, SERVICES).casefold()
    return Errand(kind, environment.casefold(), unlinked(given.get(ADDRESS, "")), level)


def _level_problems(line: Line) -> list[Problem]:
    level = line.options.get(LEVEL, "")
    if not level or level.casefold() in {SERVICES, FULL}:
        return []
    return [Problem(f"{quoted(level)} is no level", nearest(level, (SERVICES, FULL)))]
