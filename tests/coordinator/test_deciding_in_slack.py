"""Deciding in Slack: by those whom policy lets, once, for what the card shows, and with the truth to the rest."""

from __future__ import annotations

import pytest

from coordinator.requests import State
from sallyport.attestations import refusal
from sallyport.audit import Deed
from sallyport.entries import changes_digest, parse_entry, path_of
from sallyport.outcomes import Outcome, Result
from sallyport.times import utc_now
from tests.coordinator.conftest import Installed, over_http
from tests.coordinator.office import CHANNEL, Office

APPROVE = "Approve production access"


class TestApproving:
    def test_one_press_approves_and_everybody_sees_it(self, office: Office) -> None:
        request = office.asks()
        lee = office.slack.person("lee")
        answer = lee.sees("asks you to approve").press(APPROVE)
        assert answer.ok
        assert "becomes live within a minute, for 4 hours." in answer.dialog
        approved = office.request
        assert approved.state in {State.APPROVED, State.APPLYING}
        assert [decision.by for decision in approved.approvals] == ["lee@example.com"]
        for person, where in (("lee", "dm"), ("sam", "dm"), ("ana", CHANNEL)):
            office.slack.person(person).sees("being applied now", where=where)
        assert office.slack.person("sam").sees("being applied now").buttons == []
        run = office.github.runs[0]
        office.github.report(run.state.id, Outcome(request.id, Result.APPLIED, "It is live.", utc_now()))
        office.github.complete(run.state.id)
        office.slack.person("ana").sees("Live until")

    def test_the_digest_on_the_card_is_that_of_the_press_the_fact_and_the_signed_entry(
        self, office: Office, installed: Installed
    ) -> None:
        request = office.asks()
        card = office.slack.person("lee").sees("asks you to approve")
        shown = card.visible_text.partition("Digest ")[2].partition(".")[0]
        card.press(APPROVE)
        pressed = office._last("block_actions")["actions"][0]["value"]
        (approved,) = [f for f, _ in office.journal.facts(request.id) if f.deed is Deed.APPROVED]
        office.github.waits_for_runs(1)
        path = path_of(request.flow, request.id)
        entry = parse_entry(office.github.files[path], path, installed.policies.schemas)
        assert len(shown) >= 12
        assert pressed == f"{request.id}:{shown}"
        assert approved.details["digest"] == shown
        assert changes_digest(entry.flow, entry.environment, entry.changes) == shown
        assert refusal(entry, installed.policies.keys) is None

    def test_nothing_is_decided_by_a_press_that_is_not_confirmed(self, office: Office) -> None:
        office.asks()
        office.slack.person("lee").sees("asks you to approve").press(APPROVE, confirm=False)
        assert office.request.state is State.PENDING

    def test_a_second_press_is_told_the_truth_and_changes_nothing(self, office: Office) -> None:
        office.asks()
        lee = office.slack.person("lee")
        lee.sees("asks you to approve").press(APPROVE)
        revision = office.request.decisions
        assert office.presses_forged().ok
        lee.sees("was approved by Lee Wong already")
        assert office.request.decisions == revision
        assert [f.deed for f, _ in office.journal.facts(office.request.id)].count(Deed.APPROVED) == 1

    def test_a_press_delivered_twice_counts_once(self, office: Office) -> None:
        office.asks()
        office.slack.person("lee").sees("asks you to approve").press(APPROVE)
        assert office.slack.replay().ok
        assert len(office.request.decisions) == 1

    def test_who_is_late_is_told_who_was_faster(self, office: Office) -> None:
        office.asks()
        office.slack.person("sam").sees("asks you to approve")
        office.slack.person("lee").sees("asks you to approve").press(APPROVE)
        office.presses_forged("U0SAM")
        office.slack.person("lee").sees(
            "was approved by Lee Wong already. It stands at:"
        )  # the forged press's place
        assert [decision.by for decision in office.request.decisions] == ["lee@example.com"]

    @over_http
    def test_a_press_after_the_time_is_over_decides_nothing(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = office.asks()
        card = office.slack.person("lee").sees("asks you to approve")
        deciding = office.service.listeners.buttons.deciding
        monkeypatch.setattr(type(deciding), "now", lambda _: request.decide_by, raising=False)
        card.press(APPROVE)
        office.slack.person("lee").sees("is over")
        assert office.request.decisions == ()


@over_http
class TestWhoMayNot:
    @pytest.mark.parametrize(
        ("user", "words"),
        [
            ("U0KIM", "Only Lee Wong or Sam Okafor can decide"),  # a bystander
            ("U0ANA", "Nobody decides their own request"),
            ("U0DEE", "Policies do not know you here"),  # has left
            ("U0ROB", "Policies do not know you here"),  # a bot
            ("U0NOBODY", "Policies do not know you here"),
        ],
    )
    @pytest.mark.parametrize("action", ["approve", "deny"])
    def test_a_press_of_theirs_decides_nothing_and_is_answered(
        self, office: Office, user: str, words: str, action: str
    ) -> None:
        office.asks()
        card = office.slack.person("lee").sees("asks you to approve")
        card.press("Deny")  # nothing is decided by that yet
        assert office.presses_forged(user, action=action).ok
        office.slack.person("lee").sees(words)
        assert (office.request.state, office.request.decisions) == (State.PENDING, ())

    @pytest.mark.parametrize("user", ["U0KIM", "U0ANA", "U0DEE", "U0NOBODY"])
    def test_their_reason_for_a_denial_is_refused_in_the_form(self, office: Office, user: str) -> None:
        office.asks()
        lee = office.slack.person("lee")
        lee.sees("asks you to approve").press("Deny")
        form = lee.waits_for_form("Deny")
        form.fill("Reason", "No")
        form.submit()
        other = office.asks("another one")
        payload = office.forged({})
        payload["user"]["id"] = user
        payload["view"]["private_metadata"] = f'{{"request": "{other.id}", "digest": "{other.digest}"}}'
        ack = office.slack.press_raw(payload)
        assert ack.body["response_action"] == "errors"
        assert office.journal.request(other.id).state is State.PENDING

    def test_an_approver_who_left_after_the_card_came_decides_nothing(self, office: Office) -> None:
        office.asks()
        card = office.slack.person("lee").sees("asks you to approve")
        office.slack.deactivate("lee")
        office.service.directory.refresh()
        card.press(APPROVE)
        assert office.request.decisions == ()

    def test_only_the_manager_whom_the_requester_chose_decides(self, office: Office) -> None:
        assert office.fills_form().submit() == {}
        lee = office.slack.person("lee")
        card = lee.sees("asks you to approve")
        card.press("Deny")
        office.presses_forged("U0SAM", action="approve")
        lee.sees("Only Lee Wong can decide")
        assert office.request.state is State.PENDING

    def test_a_card_that_shows_something_else_approves_nothing(self, office: Office) -> None:
        request = office.asks()
        lee = office.slack.person("lee")
        lee.sees("asks you to approve").press("Deny")
        office.presses_forged(action="approve", value=f"{request.id}:000000000000")
        lee.sees("is not what this card shows")
        assert office.request.state is State.PENDING

    @pytest.mark.parametrize("value", ["pa-222222:0", "nonsense", ":", "'; DROP TABLE requests; --:x"])
    def test_a_request_that_there_is_not_is_said_not_to_be(self, office: Office, value: str) -> None:
        office.asks()
        lee = office.slack.person("lee")
        lee.sees("asks you to approve").press("Deny")
        assert office.presses_forged(action="approve", value=value).ok
        lee.sees("There is no request")
        assert office.request.state is State.PENDING


class TestDenying:
    def test_the_reason_is_asked_for_and_reaches_the_requester(self, office: Office) -> None:
        office.asks()
        sam = office.slack.person("sam")
        sam.sees("asks you to approve").press("Deny")
        form = sam.waits_for_form("Deny")
        assert office.request.state is State.PENDING
        form.fill("Reason", "Which <!channel> incident is it for?")
        assert form.submit() == {}
        assert office.request.state is State.DENIED
        assert office.request.denial is not None
        assert office.request.denial.reason == "Which <!channel> incident is it for?"
        told = office.slack.person("ana").sees("Denied by Sam Okafor")
        assert "Which <!channel> incident" in told.visible_text
        assert "channel" not in told.mentions
        office.slack.person("lee").sees("Denied by Sam Okafor")

    def test_a_denial_of_what_was_approved_meanwhile_is_told_so_in_the_form(self, office: Office) -> None:
        office.asks()
        sam = office.slack.person("sam")
        sam.sees("asks you to approve").press("Deny")
        form = sam.waits_for_form("Deny")
        office.slack.person("lee").sees("asks you to approve").press(APPROVE)
        form.fill("Reason", "No")
        errors = form.submit()
        assert "was approved by Lee Wong already" in errors["Reason"]
        assert form.is_open
        assert [decision.by for decision in office.request.decisions] == ["lee@example.com"]

    def test_a_denial_delivered_twice_counts_once(self, office: Office) -> None:
        office.asks()
        sam = office.slack.person("sam")
        sam.sees("asks you to approve").press("Deny")
        form = sam.waits_for_form("Deny")
        form.fill("Reason", "No")
        form.submit()
        assert office.slack.replay().ok
        assert len(office.request.decisions) == 1

    @over_http
    def test_a_denial_needs_a_reason(self, office: Office) -> None:
        office.asks()
        sam = office.slack.person("sam")
        sam.sees("asks you to approve").press("Deny")
        form = sam.waits_for_form("Deny")
        form.fill("Reason", "   ")
        assert "Reason" in form.submit()
        assert office.request.state is State.PENDING
