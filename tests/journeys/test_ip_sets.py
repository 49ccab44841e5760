"""A stage that IP sets keep, from the form to the end, which nothing but a job brings."""

from __future__ import annotations

from pathlib import Path

from sandbox.company import Company, open_company
from tests.journeys.scenes import CALLER, approve, ask_whitelisting, entry_files, until

SET = "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/partners-ipv4/0a1b2c3d-0000-4000-8000-000000000004"
OFFICE = "192.0.2.0/24"


def inside(company: Company) -> set[str]:
    return company.aws.waf.addresses(SET)


def test_an_address_is_let_in_to_all_of_the_stage_and_taken_out_at_the_deadline(tmp_path: Path) -> None:
    with open_company(tmp_path, lifetime="25s") as company:
        reason = "five hundred branches call"
        ask_whitelisting(company, api="Partners API", method="ANY", path="/*", reason=reason)
        card = company.slack.person("lee").sees(reason)
        assert "That is everything on the stage: a WAF IP set keeps it" in card.visible_text
        policy = company.aws.apigateway.policy("a1partners")
        approve(company, reason)
        until(lambda: inside(company) == {OFFICE, f"{CALLER}/32"}, "the caller is in the set")
        company.slack.person("ana").sees("Live until")
        until(lambda: inside(company) == {OFFICE}, "a job has taken the caller out")
        company.slack.person("ana").sees("Ended: it was taken back, and that was verified")
        assert entry_files(company) == []
        assert company.aws.apigateway.policy("a1partners") == policy
