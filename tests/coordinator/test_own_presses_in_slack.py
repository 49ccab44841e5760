"""The requester's buttons in Slack: Extend, Nudge and Ask again, and what a bystander's press is answered."""

from __future__ import annotations

import pytest

from coordinator.outside.commits import entry_of
from coordinator.requests import Request, State
from sallyport.outcomes import Outcome, Result
from sallyport.times import utc_now
from tests.coordinator.conftest import over_http
from tests.coordinator.office import CHANNEL, Office

APPROVE = "Approve production access"

pytestmark = over_http


def goes_live(office: Office, request: Request) -> Request:
    """Lee approves it, and the job has applied it."""
    started = len(office.github.runs)
    office.slack.person("lee").sees("asks you to approve").press(APPROVE)
    run = office.github.waits_for_runs(started + 1).state.id
    office.github.report(run, Outcome(request.id, Result.APPLIED, "It is live.", utc_now()))
    office.github.complete(run)
    office.slack.person("ana").sees(f"{request.id}: Live until")
    return office.journal.request(request.id)


class TestExtending:
    def extend(self, office: Office, first: Request, duration: str = "8 hours") -> Request:
        ana = office.slack.person("ana")
        assert ana.sees(f"{first.id}: Live until").press("Extend").ok
        form = ana.waits_for_form("Extend")
        assert form.value("Reason") == first.reason
        form.choose("Duration", duration)
        form.fill("Reason", "it takes longer")
        assert form.submit() == {}
        (made,) = [request for request in office.requests if request.extends == first.id]
        return made

    def test_it_is_asked_for_decided_and_told_at_the_first(self, office: Office) -> None:
        first = goes_live(office, office.asks())
        made = self.extend(office, first)
        ana, lee = office.slack.person("ana"), office.slack.person("lee")
        ana.sees(f"{made.id} is to extend it", where=CHANNEL)
        assert f"Request {made.id}, extends {first.id}" in lee.sees("it takes longer").visible_text
        goes_live(office, made)
        thread = ana.sees(f"It goes on as {made.id}, until", where=CHANNEL)
        assert thread.buttons == ["Give back now"]

    def test_the_end_of_the_first_is_told_as_going_on(self, office: Office) -> None:
        first = goes_live(office, office.asks())
        made = goes_live(office, self.extend(office, first))
        ana = office.slack.person("ana")
        dialog = ana.sees(f"It goes on as {made.id}, until", where=CHANNEL).press("Give back now").dialog
        assert f"{made.id} goes on until you give it back too" in dialog
        run = office.github.waits_for_runs(3).state.id
        office.github.delete(entry_of(first).path)
        goes_on = Outcome(first.id, Result.REVERTED, f"It goes on as {made.id}.", utc_now(), continued_by=made.id)
        office.github.report(run, goes_on)
        office.github.complete(run)
        told = ana.sees(f"{first.id}: Ended; it goes on as {made.id}, until")
        assert "taken back" not in told.visible_text
        assert office.journal.request(first.id).state is State.ENDED
        assert office.journal.request(made.id).state is State.ACTIVE

    def test_the_ticket_of_the_extension_names_the_first_and_its_ticket(self, office: Office) -> None:
        first = goes_live(office, office.asks())
        office.slack.person("ana").sees("OPS-1", where=CHANNEL)
        made = self.extend(office, first)
        office.slack.person("lee").sees("OPS-2")
        (issue,) = [issue for issue in office.jira.issues if f"sallyport-{made.id}" in issue.labels]
        assert f"*Extends:* {first.id}, OPS-1" in issue.description

    def test_what_is_wrong_with_it_stands_in_the_form(self, office: Office) -> None:
        first = goes_live(office, office.asks())
        ana = office.slack.person("ana")
        ana.sees(f"{first.id}: Live until").press("Extend")
        form = ana.waits_for_form("Extend")
        assert "1 hour" not in form.options("Duration")
        form.fill("Reason", "   ")
        assert form.submit() == {
            "Reason": "a reason is needed; say what it is for; approvers and auditors read it"
        }
        assert [request.id for request in office.requests] == [first.id]

    def test_a_second_one_is_told_of_the_first(self, office: Office) -> None:
        first = goes_live(office, office.asks())
        made = self.extend(office, first)
        presses = (d.payload for d in office.slack.deliveries if d.payload.get("type") == "block_actions")
        press = next(one for one in presses if one["actions"][0]["action_id"] == f"extend:{first.id}")
        office.slack.press_raw(press)  # of a message that shows the button still
        office.slack.person("ana").sees(f"has an extension already: {made.id}")


class TestAskingAgain:
    def test_the_form_opens_with_the_answers_as_given(self, office: Office) -> None:
        first = office.asks("debugging the 500s")
        ana = office.slack.person("ana")
        ana.sees("asks for Production read-only", where=CHANNEL).press("Cancel request")
        ana.sees("Cancelled", where=CHANNEL).press("Ask again")
        form = ana.waits_for_form("Production access")
        assert form.value("Reason") == "debugging the 500s"
        assert form.submit() == {}
        (again,) = [request for request in office.requests if request.id != first.id]
        assert (again.changes, again.reason, again.extends) == (first.changes, first.reason, "")

    def test_the_notice_of_a_denial_offers_it(self, office: Office) -> None:
        office.asks()
        lee = office.slack.person("lee")
        lee.sees("asks you to approve").press("Deny")
        form = lee.waits_for_form("Deny")
        form.fill("Reason", "not on a Friday")
        assert form.submit() == {}
        ana = office.slack.person("ana")
        ana.sees("Denied by Lee Wong").press("Ask again")
        ana.waits_for_form("Production access")

    def test_from_the_home_tab_too(self, office: Office) -> None:
        office.asks("seen at home")
        ana = office.slack.person("ana")
        home = ana.opens_home()
        home.press("Cancel request")
        home.waits_for(lambda tab: "Ask again" in tab.buttons)
        home.press("Ask again")
        assert ana.waits_for_form("Production access").value("Reason") == "seen at home"


class TestNudging:
    def test_those_whose_turn_it_is_are_reminded_under_their_card(self, office: Office) -> None:
        request = office.asks()
        ana, lee = office.slack.person("ana"), office.slack.person("lee")
        card = lee.sees("asks you to approve")
        assert ana.sees("asks for Production read-only", where=CHANNEL).press("Nudge").ok
        ana.sees(f"A reminder of {request.id} is on its way to", where=CHANNEL)
        lee.sees("Ana Ruiz still waits for a decision", thread=card)

    def test_too_early_is_told_with_the_moment_from_which_it_helps(self, office: Office) -> None:
        office.asks()
        ana, lee = office.slack.person("ana"), office.slack.person("lee")
        card = lee.sees("asks you to approve")
        thread = ana.sees("asks for Production read-only", where=CHANNEL)
        thread.press("Nudge")
        lee.sees("still waits for a decision", thread=card)
        thread.press("Nudge")
        ana.sees("They were reminded a short while ago. Nudge them again from", where=CHANNEL)
        assert len(card.replies()) == 1

    def test_from_the_home_tab_too(self, office: Office) -> None:
        office.asks()
        ana = office.slack.person("ana")
        office.slack.person("lee").sees("asks you to approve")
        ana.opens_home().press("Nudge")
        ana.sees("A reminder of")


@pytest.mark.parametrize(
    ("button", "sight"),
    [
        ("Nudge", "asks for Production read-only"),
        ("Extend", "Live until"),
        ("Give back now", "Live until"),
        ("Ask again", "Cancelled"),
    ],
)
def test_a_bystander_s_press_is_answered_politely_and_changes_nothing(
    office: Office, button: str, sight: str
) -> None:
    request = office.asks()
    ana, kim = office.slack.person("ana"), office.slack.person("kim")
    if sight == "Live until":
        goes_live(office, request)
    elif sight == "Cancelled":
        ana.sees("asks for Production read-only", where=CHANNEL).press("Cancel request")
    before = office.journal.request(request.id)
    kim.sees(sight, where=CHANNEL).press(button)
    kim.sees("Only @Ana Ruiz can do this", where=CHANNEL)
    assert kim.form is None
    assert office.journal.request(request.id).state is before.state
    assert len(office.requests) == 1
