"""A few faults of the matrix under the real workflow files: what spoils a call of a job changes no end."""

from __future__ import annotations

from sandbox.company import Company
from sandbox.faults import Fault, Kind, Moment
from tests.journeys.scenes import approve, ask_access, ask_whitelisting, has_access, lets_in, ticket, until


def test_a_lost_answer_of_aws_is_one_change_all_the_same(company: Company) -> None:
    company.aws.reset_calls()
    company.aws.faults.add(Fault(Kind.DROP, Moment.AFTER, "PATCH", "/restapis/"))
    ask_whitelisting(company, "198.51.100.21", reason="the answer will be lost")
    approve(company, "the answer will be lost")
    company.slack.person("ana").sees("Live until")
    assert lets_in(company, "198.51.100.21")
    assert [call.operation for call in company.aws.calls].count("UpdateRestApi") == 1
    assert [run.attempt for run in company.github.runs if run.workflow == "apply.yml"] == [1]


def test_a_job_that_cannot_report_is_started_again_and_gives_access_once(company: Company) -> None:
    company.github.faults.add(Fault(Kind.STATUS, Moment.BEFORE, "POST", "/check-runs", status=500, times=3))
    request = ask_access(company, "the report will not arrive")
    approve(company, "the report will not arrive")
    company.slack.person("ana").sees(f"{request}: Live until")
    assert has_access(company)
    (run,) = [run for run in company.github.runs if run.name == f"apply {request}"]
    assert (run.attempt, run.conclusion) == (2, "success")
    grants = [call for call in company.aws.calls if call.operation == "CreateAccountAssignment"]
    assert len(grants) == 1


def test_what_slack_and_jira_lose_of_a_job_is_told_once(company: Company) -> None:
    request = ask_access(company, "the thread will be slow", who="kim")
    until(lambda: ticket(company, request), "there is a ticket")
    company.slack.faults.add(Fault(Kind.DROP, Moment.AFTER, path="/conversations.replies"))
    company.jira.faults.add(Fault(Kind.STATUS, Moment.AFTER, "POST", "/comment", status=502))
    approve(company, "the thread will be slow")
    company.slack.person("kim").sees(f"{request}: Live until")

    def reports() -> list[str]:
        return [c.body for c in ticket(company, request).comments if c.body.rsplit("\n", 1)[-1].startswith(told)]

    told = (f"{request}:applied:", f"{request}:already:")
    until(reports, "the ticket has the report of the job")
    assert len(reports()) == 1


def test_an_aws_that_is_away_and_gives_not_even_a_role_is_waited_for(company: Company) -> None:
    company.aws.faults.add(Fault(Kind.STATUS, Moment.BEFORE, status=503, times=10_000))
    before = {run.id for run in company.github.runs}
    ask_whitelisting(company, "198.51.100.23", reason="nobody answers at AWS")
    approve(company, "nobody answers at AWS")
    company.slack.person("ana").sees("waits for AWS")
    company.aws.faults.clear()
    until(lambda: lets_in(company, "198.51.100.23"), "it is applied by another job", timeout=150)
    until(
        lambda: [run for run in company.github.runs if run.conclusion == "success" and run.id not in before],
        "it ends",
    )
    mine = [run for run in company.github.runs if run.workflow == "apply.yml" and run.id not in before]
    assert [(run.attempt, run.conclusion) for run in mine] == [(1, "failure"), (1, "success")]
    company.slack.person("ana").sees("Live until")
