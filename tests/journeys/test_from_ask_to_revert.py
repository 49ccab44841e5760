"""Both flows on the way from the slash command to the revert, in the sandbox, and what may go wrong on it."""

from __future__ import annotations

from sandbox.company import Company
from tests.journeys.scenes import (
    approve,
    ask_access,
    ask_whitelisting,
    entry_files,
    git,
    has_access,
    lets_in,
    ticket,
    until,
)


def test_an_access_lives_until_its_deadline_and_everybody_is_told(hasty_company: Company) -> None:
    company = hasty_company
    ana = company.slack.person("ana")
    request = ask_access(company, "looking at a stuck payout")
    assert not has_access(company)
    approve(company, "looking at a stuck payout")
    until(lambda: has_access(company), "Ana has access")
    live = ana.sees("Live until")
    assert request in live.visible_text
    assert ticket(company, request).status in {"In Progress", "Done"}
    until(lambda: not has_access(company), "the access is gone")
    ana.sees(f"{request}: Ended")
    done = ticket(company, request)
    assert done.status == "Done"
    assert "approved-by:lee@example.com" in done.labels
    words = [comment.body.splitlines()[0] for comment in done.comments]
    order = [
        next(n for n, w in enumerate(words) if w.startswith(start)) for start in ("Approved by Lee", "The entry")
    ]
    assert order == sorted(order)
    assert entry_files(company) == []


def test_the_sweep_takes_back_what_expires_while_the_coordinator_is_away(hasty_company: Company) -> None:
    company = hasty_company
    ask_whitelisting(company, reason="the coordinator will be away")
    approve(company, "the coordinator will be away")
    until(lambda: lets_in(company), "the caller is let in")
    company.coordinator.kill()
    until(lambda: not lets_in(company), "AWS has stopped letting the caller in by itself")
    company.github.tick_schedule("expire.yml")
    company.github.wait_idle()
    assert entry_files(company) == []
    policy = company.aws.apigateway.policy("a1payments")
    assert policy is not None
    assert [statement["Sid"] for statement in policy["Statement"]] == ["office"]
    company.coordinator.start()
    root = company.slack.person("ana").sees("asks for POST /v1/charges", where="infra-requests")
    until(lambda: root.shows("Ended"), "the thread says that it has ended")


def test_a_killed_coordinator_loses_nothing_and_does_nothing_twice(hasty_company: Company) -> None:
    company = hasty_company
    request = ask_access(company, "kill it right after the answer")
    company.coordinator.kill()
    company.coordinator.start()
    approve(company, "kill it right after the answer")
    company.coordinator.kill()
    company.coordinator.start()
    until(lambda: has_access(company), "Ana has access")
    until(lambda: not has_access(company), "the access is gone")
    company.slack.person("ana").sees(f"{request}: Ended")
    until(lambda: ticket(company, request).status == "Done", "the ticket is done")
    commits = git(company, "log", "--format=%s", "main", "--", f"requests/prod-access/{request}.yaml").splitlines()
    assert commits.count(f"Apply {request}") == 1
    assert len([m for m in company.slack.person("lee").messages() if request in m.visible_text]) == 1
    applies = [run for run in company.github.runs if run.name == f"apply {request}"]
    assert len(applies) == 1


def test_a_denial_reaches_the_requester_and_the_ticket_with_its_reason(company: Company) -> None:
    request = ask_access(company, "to have a look around")
    card = company.slack.person("sam").sees("to have a look around")
    card.press("Deny")
    form = company.slack.person("sam").waits_for_form("Deny")
    form.fill("Reason", "Which incident is it for?")
    assert form.submit() == {}
    told = company.slack.person("ana").sees(f"{request}: Denied by Sam Okafor")
    assert "Which incident is it for?" in told.visible_text
    until(lambda: ticket(company, request).status == "Declined", "the ticket is closed")
    assert any("Which incident is it for?" in comment.body for comment in ticket(company, request).comments)
    other = company.slack.person("lee").sees("to have a look around")
    until(lambda: other.buttons == [], "the other approver's buttons are gone")
    assert not has_access(company)
