"""What the journal counts of what is approved, when somebody asks for more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from coordinator.foreseeing import held, no_room
from coordinator.journal import Journal
from coordinator.requests import State
from sallyport.audit import Deed
from sallyport.changes.protocol import Held
from sallyport.problems import Problems
from sallyport.resource_policies.statements import Door, merge, sources_of
from tests.coordinator.asks import CHANGE, HOUR, NOW, SECOND, approve, ask, deny, happened
from tests.coordinator.conftest import Installed, Store
from tests.coordinator.installing import changed
from tests.coordinator.test_directory import user
from tests.coordinator.test_newer_in_the_journal import alter
from tests.coordinator.test_routing import PEOPLE, Firm, Members
from tests.sallyport.examples import policies

FLOW = "api-whitelisting"


def test_what_is_approved_counts_until_its_end(journal: Journal) -> None:
    request = journal.submit(ask())
    assert held(journal, FLOW, "prod", NOW) == []
    approve(journal, request.id)
    assert held(journal, FLOW, "prod", NOW) == [Held(CHANGE, NOW + 4 * HOUR)]
    assert held(journal, FLOW, "non-prod", NOW) == []
    assert held(journal, "prod-access", "prod", NOW) == []
    assert held(journal, FLOW, "prod", NOW + 4 * HOUR - SECOND)
    assert held(journal, FLOW, "prod", NOW + 4 * HOUR) == []


def test_what_has_no_end_counts_for_ever(journal: Journal) -> None:
    approve(journal, journal.submit(ask(lifetime=None)).id)
    assert held(journal, FLOW, "prod", NOW + timedelta(days=9999)) == [Held(CHANGE, None)]


@pytest.mark.parametrize(
    "fate", [[(Deed.FAILED, State.FAILED)], [(Deed.APPLIED, State.ACTIVE), (Deed.REVERTED, State.ENDED)]]
)
def test_what_is_over_or_was_denied_counts_no_more(journal: Journal, fate: list[tuple[Deed, State]]) -> None:
    deny(journal, journal.submit(ask("view:V0")).id)
    request = approve(journal, journal.submit(ask()).id)
    for deed, state in fate:
        assert held(journal, FLOW, "prod", NOW)
        journal.move(request.id, happened(deed, state))
    assert held(journal, FLOW, "prod", NOW) == []


def test_what_only_a_newer_version_can_read_is_left_out(journal: Journal) -> None:
    theirs, _ours = (approve(journal, journal.submit(ask(key)).id) for key in ("view:V0", "view:V1"))
    alter(journal, theirs, changes=[{"of": "another shape"}])
    assert held(journal, FLOW, "prod", NOW) == [Held(CHANGE, NOW + 4 * HOUR)]


def test_a_flow_that_cannot_foresee_its_room_has_some(journal: Journal) -> None:
    flow = policies().flows["prod-access"]
    assert no_room(journal, policies(), flow, "prod", Held(CHANGE, NOW), NOW) is None


def firm(store: Store, installed: Installed, **duration: str) -> Firm:
    """People who ask for whitelistings, and the *duration* that policy allows them."""

    def change(flow: Any) -> None:
        for rule in flow["rules"]:
            rule["duration"] = {"default": "30d", "max": "90d", **duration}

    members = {f"U0{name.upper()}": user(f"U0{name.upper()}", f"{name}@example.com") for name in PEOPLE}
    files = changed(installed, flows__api_whitelisting=change).files
    return Firm(store.journal(), files, Members(members, groups={"S0ONCALL": ()}))


class TestWhatIsAskedAtDifferentSeconds:
    """Fifty partners at two paths of one API, seven seconds apart."""

    def asks(self, firm: Firm, number: int) -> None:
        firm.now += 7 * SECOND
        flow = firm.policies.flows[FLOW]
        where = {"environment": "prod", "api": "payments", "method": "POST", "path": f"/v1/{number % 2}"}
        answers = where | {"source": f"81.2.3.{number}/32", "approver": "U0LEE", "reason": "Go-live"}
        request = firm.asking.ask(flow, "U0ANA", answers, f"view:{number}")
        firm.approves("U0LEE", request)

    def test_shares_statements_where_deadlines_are_rounded_and_all_of_it_fits(
        self, sqlite: Store, installed: Installed
    ) -> None:
        rounding = firm(sqlite, installed, min="1h", round_up_to="1h")
        for number in range(50):
            self.asks(rounding, number)
        there = held(rounding.journal, FLOW, "prod", rounding.now)
        assert len(there) == 50
        doors = merge((Door.of(one.change, one.until), sources_of(one.change, "aws")) for one in there)  # type: ignore[arg-type]
        assert len(doors) == 2

    def test_has_no_room_where_they_are_exact_to_the_second(self, sqlite: Store, installed: Installed) -> None:
        exact = firm(sqlite, installed)
        for number in range(27):
            self.asks(exact, number)
        with pytest.raises(Problems, match="has no room for it"):
            self.asks(exact, 27)
