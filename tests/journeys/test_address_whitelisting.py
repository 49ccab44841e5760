"""An address on its way into an environment's security groups and out again, through the whole product."""

from __future__ import annotations

from sandbox.company import Company
from tests.journeys.scenes import approve, entry_files, ticket, until

WEB = "sg-0de0a11000000a001"
HOME = "198.51.100.10/32"


def let_in(company: Company) -> set[tuple[str, int]]:
    """What our rules let in at the group that serves the web."""
    return {(rule.source, rule.from_port) for rule in company.aws.ec2.groups.rules(WEB) if rule.tags}


def test_an_address_is_let_in_until_its_deadline_and_what_was_made_by_hand_stays(hasty_company: Company) -> None:
    company = hasty_company
    ana = company.slack.person("ana")
    ana.types("/infra", channel="infra-requests")
    form = ana.waits_for_form("Address whitelisting")
    form.choose("Environment", "Development")
    form.fill("Address", "198.51.100.10/24")
    form.fill("Description", "Home <office>")
    form.fill("Reason", "working from home")
    assert "did you mean 198.51.100.10/32 (one address)" in form.submit()["Address"]
    form.fill("Address", "198.51.100.10")
    assert form.submit() == {}
    card = approve(company, "working from home")
    assert card.shows(f"asks for {HOME} (Home <office>)")
    assert card.shows(f"Calls from {HOME} (one address) reach Development on ports 80, 443, 7233.")
    until(lambda: let_in(company) == {(HOME, 80), (HOME, 443)}, "the address is let in")
    live = ana.sees("Live until", timeout=40)
    request = "iw-" + live.visible_text.split("iw-")[1][:6]
    until(lambda: not let_in(company), "the address is no longer let in", 60)
    ana.sees(f"{request}: Ended", timeout=60)
    assert ticket(company, request).status == "Done"
    assert entry_files(company) == []
    assert [rule.description for rule in company.aws.ec2.groups.rules(WEB)] == ["office"]
