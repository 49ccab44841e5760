"""What the people of the journeys do and see, by visible words only."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.company import Company
from sandbox.jira import Issue
from sandbox.serving import PATIENCE
from sandbox.slack import Message

PROD = "222222222222"
CALLER = "198.51.100.10"


def until(holds: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
    """Wait until *holds* gives something true, and return it."""
    deadline = time.monotonic() + timeout
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout:.0f} s it is not so that {what}")
        time.sleep(0.05)


def ask_access(company: Company, reason: str, who: str = "ana") -> str:
    """Ask by the quick path; return the request's id."""
    answer = company.slack.person(who).types(f"/prod-access {reason}", channel="infra-requests")
    assert answer.ok, answer
    return request_id(answer.text)


def ask_whitelisting(company: Company, source: str = CALLER, **changed: str) -> None:
    """Fill in the form as Ana, for Lee to decide."""
    ana = company.slack.person("ana")
    ana.types("/apiwhitelisting", channel="infra-requests")
    form = ana.waits_for_form("API whitelisting")
    form.choose("HTTP method", changed.get("method", "POST"))
    form.choose("API Gateway", changed.get("api", "Payments API"))
    form.fill("Path", changed.get("path", "/v1/charges"))
    form.fill("Source", source)
    form.choose("Manager", "Lee Wong")
    form.fill("Reason", changed.get("reason", "Partner go-live"))
    assert form.submit() == {}


def approve(company: Company, text: str, who: str = "lee") -> Message:
    """Press Approve on the card that shows *text*."""
    card = company.slack.person(who).sees(text)
    button = next(label for label in card.buttons if label.startswith("Approve"))
    assert card.press(button).ok
    return card


def request_id(text: str) -> str:
    """Return the id that an answer names in brackets."""
    return text.split("(")[-1].split(")")[0] if "(pa-" not in text else "pa-" + text.split("(pa-")[1][:6]


def ticket(company: Company, request: str) -> Issue:
    """Return the ticket of a request once there is one."""
    label = f"sallyport-{request}"
    found = until(lambda: [i for i in company.jira.issues if label in i.labels], f"{request} has a ticket")
    assert len(found) == 1, "one request has one ticket"
    issue: Issue = found[0]
    return issue


def lets_in(company: Company, source: str = CALLER, path: str = "/v1/charges") -> bool:
    """Ask the judge of AWS's rules whether a call gets through what is deployed."""
    now = datetime.now(UTC)
    return company.aws.apigateway.allows("a1payments", "live", "POST", path, source_ip=source, at=now)


def has_access(company: Company, who: str = "ana") -> bool:
    """Tell whether Identity Center holds the assignment."""
    return (PROD, "ProdReadOnly", f"{who}@example.com") in company.aws.identity_center.assignments()


def turn_at_once(company: Company) -> None:
    """Let tasks and databases stop and start in no time: that a job waits for them, a teardown shows."""
    company.aws.ecs.turn_time = company.aws.rds.turn_time = timedelta()


def git(company: Company, *words: str) -> str:
    """Run git on the bare repository."""
    return subprocess.run(["git", "-C", company.bare, *words], capture_output=True, text=True, check=True).stdout


def entry_files(company: Company) -> list[str]:
    """Return the entries in force on main."""
    names = git(company, "ls-tree", "-r", "--name-only", "main", "requests/").split()
    return [n for n in names if n.endswith(".yaml") and not n.endswith(".before.yaml")]
