"""An address on its way into an environment's security groups and out again, through the whole product."""

from __future__ import annotations

from sandbox.company import Company
from tests.journeys.scenes import entry_files, ticket, until

WEB = "sg-0de0a11000000a001"
HOME = "198.51.100.10/32"


def let_in(company: Company) -> set[tuple[str, int]]:
    """What our rules let in at the group that serves the web."""
    return {(rule.source, rule.from_port) for rule in company.aws.ec2.groups.rules(WEB) if rule.tags}


def test_an_address_is_let_in_until_its_deadline_and_what_was_made_by_hand_stays(hasty_company: Company) -> None:
    company = hasty_company
    ana = company.slack.person("ana")
    ana.types("/infra whitelist", channel="infra-requests")
    form = ana.waits_for_form("Address whitelisting")
    form.choose("Environment", "Development")
    form.fill("Address", "198.51.100.10/24")
    form.fill("Description", "Home <office>")
    form.fill("Reason", "working from home")
    assert "did you mean 198.51.100.10/32 (one address)" in form.submit()["Address"]
    form.fill("Address", "198.51.100.10")
    assert form.submit() == {}
    thread = ana.sees("working from home", where="infra-requests")
    assert thread.shows(f"asks for {HOME} (Home <office>)")
    until(lambda: let_in(company) == {(HOME, 80), (HOME, 443)}, "the address is let in")
    live = ana.sees("Live until")
    request = "iw-" + live.visible_text.split("iw-")[1][:6]
    until(lambda: not let_in(company), "the address is no longer let in")
    ana.sees(f"{request}: Ended")
    ana.sees(f"Address whitelisting has ended: {HOME} (Home <office>) in dev, asked for by", "infra-requests")
    until(lambda: ticket(company, request).status == "Done", "the ticket is done")
    assert entry_files(company) == []
    assert [rule.description for rule in company.aws.ec2.groups.rules(WEB)] == ["office"]


def test_a_refresh_tells_who_asked_what_differed_though_no_address_is_live(hasty_company: Company) -> None:
    company = hasty_company
    left_over = {"sallyport": "allow-list/111111111111/eu-west-1/dev"}
    company.aws.ec2.groups.add(WEB, "203.0.113.7/32", 443, **left_over)
    ana = company.slack.person("ana")
    ana.types("/infra whitelist refresh dev", channel="infra-requests")
    told = ana.sees("has been mended", where="infra-requests")
    assert told.shows("The allow list of Development (dev) was not as live requests ask for")
    assert told.shows(f"No longer let 203.0.113.7/32 in at {WEB} (port 443).")
    assert ("203.0.113.7/32", 443) not in let_in(company)
