"""A full teardown and its end through the whole product, with the job of each killed in the middle of its work."""

from __future__ import annotations

import os
import signal
from typing import Any

from sandbox.company import Company
from sandbox.github.processes import running
from sandbox.slack import Form
from tests.actions.estate import look
from tests.journeys.scenes import approve, entry_files, git, ticket, until
from tests.journeys.test_infra import CHANNEL, says

REASON = "Nobody needs it before the release"
READS = ("Describe", "List", "Get", "AssumeRole")


def kill_at(company: Company, operation: str, command: str) -> None:
    """Kill the job that runs *command* once AWS has done *operation* for it, as if its runner were lost."""

    def killed() -> bool:
        if not any(call.operation == operation for call in company.aws.calls):
            return False
        pids = running(os.getpid(), f"-m actions {command}")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return bool(pids)

    until(killed, f"{operation} was done by a job that could be killed", 180)


def attempts(company: Company, name: str) -> list[tuple[int, str | None]]:
    """The last attempt of each run of that name, and how it ended."""
    return [(run.attempt, run.conclusion) for run in company.github.runs if run.name == name]


def first_write(company: Company) -> Any:
    return next(call for call in company.aws.calls if not call.operation.startswith(READS))


def asks(company: Company) -> Form:
    """Ana types the command; the form that says what dies and what stays."""
    says(company, "/infra teardown dev —level=full")
    form = company.slack.person("ana").waits_for_form("Tear down an environment")
    for line in ("• ECS services: all of acme-dev", "• RDS instances: acme-dev-db", "• NAT gateways: acme-dev-a"):
        assert line in form.text
    assert "It keeps: VPC and subnets" in form.text
    return form


def test_a_teardown_and_a_spinup_that_are_interrupted_come_to_their_ends(company: Company) -> None:
    ana, lee = company.slack.person("ana"), company.slack.person("lee")
    before = look(company.aws)
    form = asks(company)
    form.fill("Reason", REASON)
    form.fill("Type the name of the environment to confirm", "staging")
    (error,) = form.submit().values()
    assert "type dev, or cancel" in error
    form.fill("Type the name of the environment to confirm", "dev")
    assert form.submit() == {}
    thread = ana.sees(REASON, CHANNEL)
    until(lambda: company.jira.issues, "there is a ticket")

    company.aws.reset_calls()
    approve(company, REASON)
    kill_at(company, "DeleteService", "apply")
    assert thread.shows("being applied now"), "nothing is said before it is true"
    request = thread.visible_text.split("Request ")[1][:9]
    recorded = git(company, "log", "--reverse", "--format=%ct", f"--grep=before {request}", "main").split()
    assert int(recorded[0]) <= first_write(company).at.timestamp(), (
        "what was there is on main before it is changed"
    )
    ana.sees(f"{request}: Live until", timeout=240)
    assert attempts(company, f"apply {request}") == [(2, "success")]
    gone = look(company.aws)
    assert (gone["services"], gone["databases"], gone["balancers"], gone["gateways"]) == ({}, {}, [], [])
    told = ana.sees(
        "RDS instance acme-dev-db is deleted; its data is in the snapshot", CHANNEL, thread, timeout=30
    )
    assert told.shows("Kept: VPC and subnets")

    says(company, "/infra status dev")
    picture = lee.sees("As read from AWS", CHANNEL)
    assert picture.shows("Torn down for Ana Ruiz until")
    assert picture.shows("RDS instance acme-dev-db is deleted, and comes back when the teardown ends")
    assert picture.fallback == "Development (dev) is torn down."
    assert picture.buttons == ["Restore", "Let an address in…", "Look again"]
    assert "it is torn down. /infra spinup dev restores it" in says(company, "/infra start dev")

    company.aws.reset_calls()
    assert "Policy does not let you end" in says(company, "/infra spinup dev", who="kim")
    assert f"Development (dev) is being restored: {request} ends now." in says(company, "/infra spinup dev")
    kill_at(company, "CreateLoadBalancer", "expire")
    ana.sees(f"{request}: Ended", timeout=240)
    assert (2, "success") in attempts(company, f"expire {request}")
    assert look(company.aws) == before
    assert entry_files(company) == []
    assert not [name for name in git(company, "ls-tree", "-r", "--name-only", "main").split() if request in name]
    ana.sees(
        "Load balancer acme-dev is active, as its record says; its DNS name is now", CHANNEL, thread, timeout=30
    )
    assert lee.sees(f"{request} has ended, is not taken back yet, and is tried again", "alerts")
    until(lambda: ticket(company, request).status == "Done", "the ticket is done")
    comments = [comment.body for comment in ticket(company, request).comments]
    for said in ("Approved by Lee Wong", "in force until", "Given back by Ana Ruiz", "Restored: 4 ECS services"):
        assert sum(said in comment for comment in comments) == 1, said
