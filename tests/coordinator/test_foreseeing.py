"""What the journal counts of what is approved, when somebody asks for more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from coordinator.foreseeing import held, no_room
from coordinator.journal import Journal
from coordinator.requests import State
from sallyport.audit import Deed
from sallyport.changes.protocol import Held
from tests.coordinator.asks import CHANGE, HOUR, NOW, SECOND, approve, ask, deny, happened
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


def test_a_flow_that_cannot_foresee_its_room_has_some(journal: Journal) -> None:
    flow = policies().flows["prod-access"]
    assert no_room(journal, policies(), flow, "prod", Held(CHANGE, NOW), NOW) is None
