"""Extending what is live: a request of its own, which policy decides, and whose first is told as what it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from coordinator.deciding import NotYours
from coordinator.extending import Extending
from coordinator.lifecycle import Happening, Move
from coordinator.requests import Extension, Request, State
from coordinator.withdrawing import Withdrawing
from sallyport.audit import Deed
from sallyport.problems import Problems
from tests.coordinator.asks import HOUR
from tests.coordinator.conftest import Installed, Store
from tests.coordinator.test_directory import user
from tests.coordinator.test_routing import PEOPLE, Firm, Members

LATER = timedelta(hours=3)


@pytest.fixture
def firm(sqlite: Store, installed: Installed) -> Firm:
    members = {f"U0{name.upper()}": user(f"U0{name.upper()}", f"{name}@example.com") for name in PEOPLE}
    return Firm(sqlite.journal(), installed.files, Members(members, groups={"S0ONCALL": ()}))


def reach(firm: Firm, request: Request, *states: State) -> Request:
    for state in states:
        firm.journal.move(request.id, Move(Happening(Deed.APPLIED, firm.now, "github-actions"), state))
    return firm.request(request)


def live(firm: Firm) -> Request:
    request = firm.asks()
    firm.approves("U0LEE", request)
    return reach(firm, request, State.ACTIVE)


def extending(firm: Firm) -> Extending:
    return Extending(firm.journal, firm.asking, lambda: firm.now)


def extend(firm: Firm, first: Request, duration: str = "4h", who: str = "U0ANA", key: str = "view:E") -> Request:
    return extending(firm).ask(first.id, who, duration, "It takes longer", key)


def test_an_extension_asks_for_the_same_with_another_duration_and_reason(firm: Firm) -> None:
    first = live(firm)
    firm.now += LATER
    made = extend(firm, first, "8h")
    assert (made.extends, made.changes, made.environment) == (first.id, first.changes, first.environment)
    assert (made.reason, made.lifetime, made.state) == ("It takes longer", 8 * HOUR, State.PENDING)
    assert set(made.deciders) == {"U0LEE", "U0SAM"}


def test_the_first_knows_how_its_extension_stands(firm: Firm) -> None:
    first = live(firm)
    firm.now += LATER
    made = extend(firm, first)
    assert firm.request(first).extension == Extension(made.id, State.PENDING, None)
    firm.approves("U0SAM", made)
    made = reach(firm, made, State.ACTIVE)
    assert firm.request(first).extension == Extension(made.id, State.ACTIVE, firm.now + 4 * HOUR)
    assert firm.request(first).is_extended
    assert firm.request(first).state is State.ACTIVE


def test_policy_decides_it_as_it_decides_everything(firm: Firm) -> None:
    first = live(firm)
    firm.now += LATER
    made = extend(firm, first)
    with pytest.raises(NotYours, match="Nobody decides their own request"):
        firm.approves("U0ANA", made)
    with pytest.raises(Problems, match="outside what policy allows"):
        extend(firm, live(firm), "9h", key="view:F")


def test_only_durations_that_put_the_end_off_are_offered(firm: Firm) -> None:
    first = live(firm)
    firm.now += LATER
    assert [value for value, _ in extending(firm).offer(first.id, "U0ANA")[1]] == ["4h", "2h", "8h"]
    with pytest.raises(Problems, match=f"that would end before {first.id} does anyway; choose a longer duration"):
        extend(firm, first, "1h")


def test_what_cannot_be_put_off_yet_says_so(firm: Firm) -> None:
    first = firm.asks("8h")
    firm.approves("U0LEE", first)
    reach(firm, first, State.ACTIVE)
    with pytest.raises(NotYours, match="8 hours at most from an approval, which would end earlier"):
        extending(firm).offer(first.id, "U0ANA")


def test_somebody_else_cannot_extend_it(firm: Firm) -> None:
    first = live(firm)
    for press in (extending(firm).offer, lambda *who: extend(firm, first, who=who[1])):
        with pytest.raises(NotYours, match="Only <@U0ANA> can do this"):
            press(first.id, "U0KIM")


@pytest.mark.parametrize("states", [(), (State.ACTIVE, State.ENDING), (State.ACTIVE, State.ENDED)])
def test_what_is_not_live_is_not_extended(firm: Firm, states: tuple[State, ...]) -> None:
    first = firm.asks()
    firm.approves("U0LEE", first)
    reach(firm, first, *states)
    with pytest.raises(NotYours, match="is not live"):
        extend(firm, first)


def test_one_extension_at_a_time(firm: Firm) -> None:
    first = live(firm)
    firm.now += LATER
    made = extend(firm, first)
    with pytest.raises(NotYours, match=f"has an extension already: {made.id}"):
        extend(firm, first, key="view:again")
    firm.deciding.deny(made.id, made.digest, "U0LEE", "no")
    assert extend(firm, first, key="view:again").extends == first.id


def test_policy_may_forbid_extending_and_giving_back(firm: Firm) -> None:
    first = live(firm)
    firm.rules(extension=False, early_return=False)
    with pytest.raises(NotYours, match="Policy does not let"):
        extend(firm, first)
    withdrawing = Withdrawing(firm.journal, firm.directory.policies, lambda: firm.now)
    with pytest.raises(NotYours, match="cannot be given back before"):
        withdrawing.give_back(first.id, "U0ANA")
    assert firm.request(first).state is State.ACTIVE


def test_a_form_that_is_delivered_twice_is_one_extension_and_told_the_same(firm: Firm) -> None:
    first = live(firm)
    firm.now += LATER
    made = extend(firm, first)
    assert extend(firm, first) == made
    with pytest.raises(NotYours, match="has an extension already"):
        extend(firm, first, key="view:F")


def test_what_ends_at_the_same_full_hour_puts_nothing_off(firm: Firm) -> None:
    firm.rules(duration={"default": "4h", "min": "1h", "max": "4h", "round_up_to": "1h"})
    firm.now += timedelta(minutes=12)
    first = live(firm)
    firm.now += timedelta(minutes=30)
    with pytest.raises(NotYours, match="which would end earlier"):
        extending(firm).offer(first.id, "U0ANA")
    firm.now += timedelta(minutes=30)
    assert [value for value, _ in extending(firm).offer(first.id, "U0ANA")[1]] == ["4h"]
