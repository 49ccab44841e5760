"""Break-glass and approving by form in Slack: doors nobody takes by accident, and true words in every case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml

from coordinator.requests import State
from sallyport.policies import load_policies
from sandbox.slack import Form
from tests.coordinator.conftest import Installed, Places
from tests.coordinator.office import CHANNEL, Office, open_office

APPROVE = "Approve production access"
HINT = "policies give you no break-glass here"


def edited(installed: Installed, **rule: Any) -> Installed:
    """The policies with this in production's rule of /prod-access."""
    document = yaml.safe_load(installed.files["flows/prod-access.yaml"])
    document["rules"][0] |= rule
    files = installed.files | {"flows/prod-access.yaml": yaml.safe_dump(document).encode()}
    return replace(installed, files=files, policies=load_policies(files, "edited"))


@pytest.fixture
def office(sqlite_url: str, installed: Installed, places: Places) -> Iterator[Office]:
    """An office in which an approver of production may go ahead in an emergency, or give less time."""
    life = {"default": "4h", "min": "15m", "max": "8h", "approver_may_shorten": True}
    with open_office(sqlite_url, edited(installed, duration=life), places, http=True) as office:
        yield office


def opens(office: Office, who: str, line: str = "/prod-access break-glass") -> Form:
    person = office.slack.person(who)
    assert person.types(line, channel=CHANNEL).ok
    return person.waits_for_form("Break-glass")


class TestBreakingTheGlass:
    def test_a_form_of_its_own_says_what_happens_and_then_it_happens_at_once(self, office: Office) -> None:
        form = opens(office, "sam")
        assert "Nobody is asked" in form.text
        assert "@Lee" in form.text
        assert form.labels[0] == "Incident reference"
        assert form.options("Duration") == ["1 hour", "15 minutes", "30 minutes"]
        form.fill("Incident reference", "  INC-4711 ")
        form.fill("Reason", "The checkout is down")
        assert form.submit() == {}
        request = office.request
        assert request.grant is not None
        assert (request.grant.incident, request.lifetime) == ("INC-4711", timedelta(hours=1))
        assert request.state in {State.APPROVED, State.APPLYING}
        office.slack.person("lee").sees("You are told because you could have decided it")
        office.slack.person("lee").sees("Break-glass: @Sam Okafor took", where="alerts")
        office.slack.person("kim").sees("Break-glass: @Sam Okafor took", where=CHANNEL)

    def test_nothing_happens_without_an_incident_and_all_problems_are_told_at_once(self, office: Office) -> None:
        form = opens(office, "sam")
        form.fill("Incident reference", "\u00a0")
        form.fill("Reason", "\u00a0")
        errors = form.submit()
        assert "an incident is needed" in errors["Incident reference"]
        assert "a reason is needed" in errors["Reason"]
        assert office.requests == []

    def test_a_form_closed_or_followed_to_another_environment_keeps_its_kind(self, office: Office) -> None:
        form = opens(office, "sam")
        form.fill("Reason", "The checkout is down")
        form.choose("Environment", "Non-production")
        form.waits_for("policy gives you no break-glass here")
        assert form.title == "Break-glass"
        form.close()
        assert office.requests == []
        assert (
            office.service.journal.drafts.of_person("U0SAM", office.service.listeners.filling.asking.now()) == []
        )

    @pytest.mark.parametrize("words", ["break-glass", "BREAK–GLASS", "break-glass INC-7"])
    def test_who_has_none_is_told_so_and_nothing_is_asked(self, office: Office, words: str) -> None:
        answer = office.slack.person("ana").types(f"/prod-access {words}", channel=CHANNEL)
        assert HINT in answer.text
        assert office.requests == []

    def test_a_submission_by_somebody_else_is_refused_as_policy_says(self, office: Office) -> None:
        form = opens(office, "sam", "/prod-access break-glass INC-7")
        assert form.value("Incident reference") == "INC-7"
        form.fill("Reason", "The checkout is down")
        form.choose("Duration", "30 minutes")
        assert form.submit() == {}
        payload = office.forged({})
        payload["user"]["id"], payload["view"]["id"] = "U0ANA", "V0ANOTHER"
        ack = office.slack.press_raw(payload)
        assert "no break-glass here" in str(ack.body)
        assert office.request.requester == "sam@example.com"

    def test_only_whom_policy_lets_see_a_button_for_it(self, office: Office) -> None:
        button = "Break-glass: Production access"
        assert button not in office.slack.person("ana").opens_home().buttons
        sam = office.slack.person("sam")
        assert button in sam.opens_home().buttons
        assert sam.uses_shortcut("Ask for infrastructure").ok
        sam.waits_for_form("What do you need?").press(button)
        assert sam.waits_for_form("Break-glass").labels[0] == "Incident reference"

    def test_help_says_how_to_whom_policy_lets(self, office: Office) -> None:
        said = {
            who: office.slack.person(who).types("/prod-access help", channel=CHANNEL).text
            for who in ("ana", "lee")
        }
        assert "/prod-access break-glass" in said["lee"]
        assert "break-glass" not in said["ana"]


class TestApprovingForLess:
    def opens(self, office: Office, who: str = "lee") -> Form:
        person = office.slack.person(who)
        answer = person.sees("asks you to approve").press(APPROVE)
        assert (answer.ok, answer.dialog) == (True, "")
        return person.waits_for_form("Approve")

    def test_a_form_begins_as_asked_and_the_decision_says_what_was_given(self, office: Office) -> None:
        office.asks()
        form = self.opens(office)
        assert form.value("Duration") == "As asked: 4 hours"
        assert "8 hours" not in form.options("Duration")
        form.choose("Duration", "30 minutes")
        assert form.submit() == {}
        request = office.request
        assert (request.granted, request.lifetime) == (timedelta(minutes=30), timedelta(hours=4))
        office.slack.person("ana").sees("Approved by Lee Wong for 30 minutes", where=CHANNEL)

    def test_as_asked_shortens_nothing(self, office: Office) -> None:
        office.asks()
        assert self.opens(office).submit() == {}
        (decision,) = office.request.approvals
        assert decision.shortened_to is None

    def test_opening_the_form_decides_nothing(self, office: Office) -> None:
        office.asks()
        self.opens(office).close()
        assert office.request.state is State.PENDING

    def test_who_was_slower_is_told_in_the_form_who_decided(self, office: Office) -> None:
        office.asks()
        slow = self.opens(office, "sam")
        assert self.opens(office, "lee").submit() == {}
        assert "was approved by Lee Wong already" in slow.submit()["Duration"]

    def test_a_form_for_something_else_than_is_asked_is_refused(self, office: Office) -> None:
        office.asks()
        self.opens(office).submit()
        payload = office.forged({"duration": "8h"})
        assert "was approved" in str(office.slack.press_raw(payload).body)
        again = office.asks("again")
        payload["view"]["private_metadata"] = f'{{"request": "{again.id}", "digest": "000000000000"}}'
        assert "is not what this card shows" in str(office.slack.press_raw(payload).body)
        payload["view"]["private_metadata"] = f'{{"request": "{again.id}", "digest": "{again.digest}"}}'
        assert "Policy does not let you give" in str(office.slack.press_raw(payload).body)
        assert office.journal.request(again.id).state is State.PENDING


def test_approve_without_a_dialog_where_the_rule_says_so(
    sqlite_url: str, installed: Installed, places: Places
) -> None:
    with open_office(sqlite_url, edited(installed, confirm=False), places, http=True) as office:
        office.asks()
        answer = office.slack.person("lee").sees("asks you to approve").press(APPROVE)
        assert (answer.ok, answer.dialog) == (True, "")
        assert office.request.state is not State.PENDING


def test_a_card_in_a_channel_is_pressed_by_anybody_and_counts_for_those_who_are_asked(
    sqlite_url: str, installed: Installed, places: Places
) -> None:
    cards = {"direct": True, "channel": "C0INFRA"}
    with open_office(sqlite_url, edited(installed, cards=cards), places, http=True) as office:
        office.asks()
        kim, sam = office.slack.person("kim"), office.slack.person("sam")
        kim.sees("Anybody here may press", where=CHANNEL).press(APPROVE)
        kim.sees("Only Lee Wong or Sam Okafor can decide", where=CHANNEL)
        assert office.request.state is State.PENDING
        sam.sees("Anybody here may press", where=CHANNEL).press(APPROVE)
        for person, where in (("kim", CHANNEL), ("lee", "dm"), ("sam", "dm")):
            card = office.slack.person(person).sees("Approved by Sam Okafor", where=where)
            assert APPROVE not in card.buttons
