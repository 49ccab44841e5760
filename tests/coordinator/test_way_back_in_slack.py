"""The requester's way back, and the home tab: cancelling, giving back, and seeing what concerns one."""

from __future__ import annotations

from coordinator.outside.commits import entry_of
from coordinator.requests import State
from sallyport.audit import Deed
from sallyport.outcomes import Outcome, Result
from sallyport.times import utc_now
from tests.coordinator.conftest import over_http
from tests.coordinator.office import CHANNEL, Office

APPROVE = "Approve production access"

pytestmark = over_http


def live(office: Office) -> None:
    """One request of Ana's, approved and applied."""
    request = office.asks()
    office.slack.person("lee").sees("asks you to approve").press(APPROVE)
    office.slack.person("ana").sees("being applied now", where=CHANNEL)
    run = office.github.runs[-1].state.id
    office.github.report(run, Outcome(request.id, Result.APPLIED, "It is live.", utc_now()))
    office.github.complete(run)
    office.slack.person("ana").sees("Live until")


class TestCancelling:
    def test_the_requester_takes_back_what_nobody_has_decided(self, office: Office) -> None:
        office.asks()
        ana = office.slack.person("ana")
        assert ana.sees("asks for Production read-only", where=CHANNEL).press("Cancel request").ok
        assert office.request.state is State.CANCELLED
        ana.sees("Cancelled", where=CHANNEL)
        card = office.slack.person("lee").sees("Cancelled")
        assert card.buttons == []
        assert office.journal.facts(office.request.id)[-1][0].by == "ana@example.com"

    def test_twice_is_once(self, office: Office) -> None:
        office.asks()
        office.slack.person("ana").sees("asks for Production read-only", where=CHANNEL).press("Cancel request")
        assert office.slack.replay().ok
        deeds = [fact.deed for fact, _ in office.journal.facts(office.request.id)]
        assert deeds == [Deed.ASKED, Deed.CANCELLED]

    def test_nobody_else_can(self, office: Office) -> None:
        office.asks()
        kim = office.slack.person("kim")
        kim.sees("asks for Production read-only", where=CHANNEL).press("Cancel request")
        kim.sees("Only @Ana Ruiz can do this", where=CHANNEL)
        assert office.request.state is State.PENDING

    def test_what_was_approved_meanwhile_is_told_so(self, office: Office) -> None:
        office.asks()
        ana = office.slack.person("ana")
        ana.sees("asks for Production read-only", where=CHANNEL)
        office.slack.person("lee").sees("asks you to approve").press(APPROVE)
        office.presses_forged("U0ANA", action="cancel")
        office.slack.person("lee").sees("was approved by Lee Wong already")  # the forged press's place
        assert office.request.state is not State.CANCELLED


class TestGivingBack:
    def test_what_is_live_ends_before_its_time(self, office: Office) -> None:
        live(office)
        ana = office.slack.person("ana")
        assert ana.sees("Live until", where=CHANNEL).press("Give back now").ok
        assert office.request.state is State.ENDING
        ana.sees("Being given back before its time.", where=CHANNEL)
        expire = office.github.waits_for_runs(2)
        assert expire.workflow == "expire.yml"
        office.github.delete(entry_of(office.request).path)
        ended = Outcome(office.request.id, Result.REVERTED, "It was taken back.", utc_now())
        office.github.report(expire.state.id, ended)
        office.github.complete(expire.state.id)
        ana.sees("Ended: it was taken back", where=CHANNEL)
        assert office.request.state is State.ENDED

    def test_what_is_not_live_is_not_given_back(self, office: Office) -> None:
        office.asks()
        ana = office.slack.person("ana")
        ana.sees("asks for Production read-only", where=CHANNEL).press("Cancel request")
        office.presses_forged(action="give-back")
        ana.sees("is not live", where=CHANNEL)
        assert office.request.state is State.CANCELLED


class TestTheHomeTab:
    def test_it_shows_what_one_may_start_decide_and_has_asked_for(self, office: Office) -> None:
        office.asks("first")
        ana, lee = office.slack.person("ana").opens_home(), office.slack.person("lee").opens_home()
        assert {"API whitelisting", "Production access", "Cancel request"} <= set(ana.buttons)
        assert APPROVE not in ana.buttons
        assert {APPROVE, "Deny"} <= set(lee.buttons)
        assert "first" in lee.text

    def test_it_has_room_for_several_requests_to_decide_and_of_one_s_own(self, office: Office) -> None:
        for reason in ("first", "second", "third"):
            office.asks(reason)
        lee, ana = office.slack.person("lee").opens_home(), office.slack.person("ana").opens_home()
        assert lee.buttons.count(APPROVE) == 3
        assert ana.buttons.count("Cancel request") == 3

    def test_a_start_button_opens_the_flow_s_form(self, office: Office) -> None:
        ana = office.slack.person("ana")
        ana.opens_home().press("Production access")
        assert ana.waits_for_form().title == "Production access"

    def test_deciding_there_is_deciding(self, office: Office) -> None:
        office.asks()
        lee = office.slack.person("lee")
        home = lee.opens_home()
        home.press(APPROVE)
        assert [decision.by for decision in office.request.approvals] == ["lee@example.com"]
        home.waits_for(lambda tab: APPROVE not in tab.buttons)

    def test_whom_policies_do_not_know_is_told_what_to_do(self, office: Office) -> None:
        assert "Policies let you ask for nothing here" in office.stranger().opens_home().text
