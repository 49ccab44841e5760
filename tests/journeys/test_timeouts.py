"""Nobody decides in time: everything says so, and asking again takes two presses.

What is approved here waits for GitHub, so that no job runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.company import Company, open_company
from tests.coordinator.asks import ROOT
from tests.journeys.scenes import approve, ask_access, ticket, until

FLOW = "flows/prod-access.yaml"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Everything running, where a decision on production access is waited for no longer than ten seconds."""
    policy = (ROOT / "policies" / FLOW).read_text()
    policy = policy.replace("    timeout: 4h\n", "    timeout: 10s\n    step_up: github\n", 1)
    with open_company(tmp_path_factory.mktemp("timeouts"), policies={FLOW: policy}) as running:
        yield running


def test_what_nobody_decides_is_closed_told_and_asked_again_in_two_presses(company: Company) -> None:
    ana, lee = company.slack.person("ana"), company.slack.person("lee")
    first = ask_access(company, "nobody looks at this")
    card = lee.sees("nobody looks at this")
    until(lambda: "Nobody decided" in card.visible_text, "the card says that nobody decided")
    assert card.buttons == []
    until(lambda: ticket(company, first).status == "Declined", "the ticket is closed")
    told = ana.sees(f"{first}: Nobody decided")
    assert told.buttons == ["Ask again"]
    told.press("Ask again")
    form = ana.waits_for_form("Production access")
    assert form.value("Reason") == "nobody looks at this"
    assert form.submit() == {}
    until(lambda: lee.sees("nobody looks at this").buttons, "the approver is asked anew")
    approve(company, "nobody looks at this")
    again = ana.sees("Approved by Lee Wong in Slack", where="infra-requests")
    assert "nobody looks at this" in again.visible_text
    assert first not in again.visible_text, "it is a request of its own"
