"""More ends at once than the threshold lets: held, asked for, approved, used once, and told as used up."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox.company import Company
from tests.journeys.scenes import approve, ask_whitelisting, entry_files, git, lets_in, ticket, until
from tests.journeys.test_trust import push

TARGET = "apigateway/222222222222/eu-west-1/a1payments"
CALLERS = ("198.51.100.31", "198.51.100.32")


def are_let_in(company: Company) -> list[str]:
    return [caller for caller in CALLERS if lets_in(company, caller)]


def lose_their_proof(company: Company, folder: Path) -> None:
    """Somebody with write access rewords two entries on main, which nobody has approved."""
    company.github.wait_idle()  # a job that still looks would see the first of them alone
    for name in entry_files(company):
        push(company, folder, name, re.sub("reason: .*", "reason: Reworded", git(company, "show", f"main:{name}")))


def sweep(company: Company) -> None:
    company.github.wait_idle()
    company.github.tick_schedule("expire.yml")
    company.github.wait_idle()


def ask_override(company: Company) -> str:
    """Kim, who leads a team, fills in the form with what the alarm says; return the request's id."""
    kim = company.slack.person("kim")
    kim.types("/removal-override", channel="infra-requests")
    form = kim.waits_for_form("Removal override")
    form.choose("Whose entries are to end", "api-whitelisting")
    form.fill("Target", TARGET)
    form.fill("How many may end at most", "2")
    form.fill("Reason", "They were reworded on purpose")
    assert form.submit() == {}
    label = "removal-override"
    issue = until(lambda: [one for one in company.jira.issues if label in one.labels], "there is a ticket")[0]
    return next(one.removeprefix("sallyport-") for one in issue.labels if one.startswith("sallyport-ro-"))


def test_what_the_threshold_holds_ends_by_an_approved_override_which_is_used_up_by_that(
    company: Company, tmp_path: Path
) -> None:
    for number, caller in enumerate(CALLERS):
        ask_whitelisting(company, caller, reason=f"Partner number {number}")
        approve(company, f"Partner number {number}")
    until(lambda: len(are_let_in(company)) == len(CALLERS), "both callers are let in")
    lose_their_proof(company, tmp_path)
    sweep(company)
    assert are_let_in(company) == list(CALLERS), "the threshold holds both"
    lee, kim = company.slack.person("lee"), company.slack.person("kim")
    lee.sees("2 of 2 entries of api-whitelisting", where="alerts")

    override = ask_override(company)
    approve(company, "They were reworded on purpose")
    kim.sees(f"{override}: Live until")
    assert are_let_in(company) == list(CALLERS), "an override ends nothing by itself"

    sweep(company)
    until(lambda: not are_let_in(company), "both have ended")
    assert entry_files(company) == []
    used = f"{override} is used up: it let 2 entries end at {TARGET}"
    kim.sees(used, where="infra-requests")
    kim.sees(f"It ended before its time. {used}", where="infra-requests")
    until(lambda: ticket(company, override).status == "Done", "the ticket is closed")
