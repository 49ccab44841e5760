"""The life of a request by example: which state follows which, and what each arms to be done outside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from coordinator.lifecycle import (
    Armed,
    Lane,
    on_fact,
    on_state,
    on_submit,
    on_ticket,
    on_withdrawal,
)
from coordinator.requests import Answer, Decision, Request, Route, State
from coordinator.states import FOLLOWS
from sallyport.audit import Deed
from sallyport.entries import changes_digest
from tests.coordinator.asks import CHANGE, HOUR, LEE, NOW, SAM, ask

ENDS = {State.ENDED, State.DENIED, State.TIMED_OUT, State.CANCELLED, State.FAILED}


def request(state: State = State.PENDING, **different: object) -> Request:
    asked = ask()
    usual = Request(
        id="aw-7k3m9q",
        flow=asked.flow,
        environment=asked.environment,
        state=state,
        revision=1,
        requester=asked.requester,
        requester_slack=asked.requester_slack,
        reason=asked.reason,
        changes=asked.changes,
        asked=asked.asked,
        notify=("U0LEE", "U0SAM"),
        deciders=("U0LEE", "U0SAM"),
        lifetime=asked.lifetime,
        channel=asked.channel,
        submitted_at=asked.submitted_at,
        decide_by=asked.decide_by,
        expires_at=NOW + 4 * HOUR,
        closing="",
    )
    return replace(usual, **different)


def by_name(armed: Iterable[Armed]) -> dict[str, Armed]:
    listed = list(armed)
    named = {one.name: one for one in listed}
    assert len(named) == len(listed), "an effect is armed once by one transition"
    return named


class TestStates:
    @pytest.mark.parametrize("end", sorted(ENDS))
    def test_nothing_follows_an_end(self, end: State) -> None:
        assert not FOLLOWS.get(end)

    def test_whatever_is_not_an_end_leads_to_one(self) -> None:
        def reachable(state: State) -> set[State]:
            return {state}.union(*(reachable(after) for after in FOLLOWS.get(state, ())))

        assert all(reachable(state) & ENDS for state in State)
        assert reachable(State.PENDING) == set(State)

    def test_nothing_is_applied_without_an_approval(self) -> None:
        before = {state for state, after in FOLLOWS.items() if after & {State.APPLYING, State.ACTIVE}}
        assert before == {State.APPROVED, State.APPLYING}
        assert {state for state, after in FOLLOWS.items() if State.APPROVED in after} == {
            State.PENDING,
            State.CONFIRMING,
            State.ANNOUNCED,
        }
        announced = {state for state, after in FOLLOWS.items() if State.ANNOUNCED in after}
        assert announced == {State.PENDING, State.CONFIRMING}

    def test_nothing_is_confirmed_that_was_not_approved_before(self) -> None:
        assert {state for state, after in FOLLOWS.items() if State.CONFIRMING in after} == {State.PENDING}


class TestWhatIsArmed:
    def test_asking_opens_ticket_thread_and_one_card_for_each_approver_and_starts_the_clock(self) -> None:
        asked = ask(route=Route(("U0LEE", "U0SAM"), ("U0LEE", "U0SAM")))
        armed = by_name(on_submit(asked))
        assert set(armed) == {"ticket", "move", "thread", "card:U0LEE", "card:U0SAM", "timeout", "audit"}
        assert armed["move"].after == "ticket"
        assert armed["card:U0SAM"].payload == {"user": "U0SAM"}
        assert {name: one.due for name, one in armed.items() if one.due != NOW} == {"timeout": asked.decide_by}

    def test_the_first_fact_is_the_ticket_itself_and_the_others_follow_one_by_one(self) -> None:
        assert on_fact(1, Deed.ASKED, NOW) == []
        armed = [one for n in (2, 3, 4) for one in on_fact(n, Deed.APPROVED, NOW) if one.kind == "comment"]
        assert [(one.name, one.after) for one in armed] == [
            ("comment:2", "ticket"),
            ("comment:3", "comment:2"),
            ("comment:4", "comment:3"),
        ]

    def test_every_fact_but_the_first_which_is_armed_with_the_request_is_exported_after_nothing_else(self) -> None:
        for armed in (on_submit(ask()), on_fact(2, Deed.APPROVED, NOW), on_fact(9, Deed.REVERTED, NOW)):
            export = by_name(armed)["audit"]
            assert (export.lane, export.after, export.due) == (Lane.AUDIT, None, NOW)

    def test_approval_arms_the_expiry_together_with_what_it_ends(self) -> None:
        armed = by_name(on_state(request(State.APPROVED), NOW))
        assert {"commit", "dispatch", "watch", "expire", "watch-expiry"} <= set(armed)
        assert [armed[name].after for name in ("dispatch", "watch")] == ["commit", "dispatch"]
        assert armed["expire"].due == armed["watch-expiry"].due == NOW + 4 * HOUR
        assert (armed["expire"].after, armed["watch-expiry"].after) == ("commit", "expire")

    @pytest.mark.parametrize(
        ("life", "lead"), [(8 * HOUR, HOUR), (HOUR, HOUR / 4), (timedelta(minutes=6), timedelta(seconds=90))]
    )
    def test_the_requester_is_reminded_a_quarter_of_the_life_before_its_end_an_hour_at_most(
        self, life: timedelta, lead: timedelta
    ) -> None:
        armed = by_name(on_state(request(State.APPROVED, expires_at=NOW + life), NOW))
        assert armed["reminder"].due == NOW + life - lead

    @pytest.mark.parametrize("expires_at", [None, NOW + timedelta(minutes=5)])
    def test_what_has_no_end_or_ends_at_once_needs_no_reminder(self, expires_at: datetime | None) -> None:
        assert "reminder" not in by_name(on_state(request(State.APPROVED, expires_at=expires_at), NOW))

    @pytest.mark.parametrize("state", sorted(set(State) - {State.PENDING}))
    def test_a_reminder_that_was_sent_follows_the_request(self, state: State) -> None:
        assert "remind" not in by_name(on_state(request(state), NOW))
        sent = request(state, armed=frozenset({"remind"}))
        assert "remind" in by_name(on_state(sent, NOW))

    def test_nudges_wait_for_their_time(self) -> None:
        armed = by_name(on_submit(ask(nudges=(NOW + HOUR, NOW + 2 * HOUR))))
        assert [(armed[f"nudge:{n}"].due, armed[f"nudge:{n}"].kind) for n in (1, 2)] == [
            (NOW + HOUR, "nudge"),
            (NOW + 2 * HOUR, "nudge"),
        ]

    def test_what_is_permanent_has_no_expiry(self) -> None:
        armed = by_name(on_state(request(State.APPROVED, expires_at=None), NOW))
        assert not {"expire", "watch-expiry"} & set(armed)

    @pytest.mark.parametrize("state", sorted(set(State) - {State.PENDING}))
    def test_every_state_brings_every_surface_up_to_date(self, state: State) -> None:
        armed = by_name(on_state(request(state), NOW))
        assert {"thread", "card:U0LEE", "card:U0SAM", "move"} <= set(armed)
        assert armed["move"].after == "ticket"

    @pytest.mark.parametrize("state", [State.ACTIVE, *sorted(ENDS - {State.CANCELLED})])
    def test_the_requester_is_told_directly_how_it_came_out(self, state: State) -> None:
        armed = by_name(on_state(request(state), NOW))
        assert armed[f"tell:{state}"].payload == {"event": state.value}

    @pytest.mark.parametrize("state", [State.DENIED, State.TIMED_OUT, State.CANCELLED, State.ACTIVE, State.ENDED])
    def test_what_is_not_approved_or_done_already_touches_no_repository(self, state: State) -> None:
        lanes = {one.lane for one in on_state(request(state), NOW)}
        assert lanes <= {Lane.SLACK, Lane.JIRA}

    def test_a_failure_takes_back_at_once_whatever_is_there(self) -> None:
        armed = by_name(on_state(request(State.FAILED), NOW))
        assert armed["withdraw"].after == "commit"
        assert (armed["expire"].due, armed["expire"].after) == (NOW, "withdraw")
        assert (armed["watch-expiry"].due, armed["watch-expiry"].after) == (NOW, "expire")

    def test_what_is_given_back_is_taken_back_at_once(self) -> None:
        armed = by_name(on_state(request(State.ENDING), NOW))
        assert (armed["withdraw"].due, armed["expire"].due, armed["expire"].after) == (NOW, NOW, "withdraw")

    def test_a_ticket_that_opens_late_is_shown_in_slack_and_nowhere_else(self) -> None:
        armed = by_name(on_ticket(request(), NOW))
        assert set(armed) == {"thread", "card:U0LEE", "card:U0SAM"}

    def test_withdrawing_waits_for_the_commit_it_takes_back(self) -> None:
        assert [one.after for one in on_withdrawal(NOW)] == ["commit", "withdraw", "expire"]


class TestARequest:
    def test_it_tells_approvals_from_the_denial(self) -> None:
        decisions = (Decision(LEE, Answer.APPROVE, NOW), Decision(SAM, Answer.DENY, NOW, reason="why?"))
        decided = request(decisions=decisions)
        assert ([d.by for d in decided.approvals], decided.denial) == ([LEE], decisions[1])

    def test_its_digest_names_exactly_the_flow_the_environment_and_the_changes(self) -> None:
        digest = request().digest
        assert digest == changes_digest("api-whitelisting", "prod", (CHANGE,))
        other = replace(CHANGE, path="/v1/refunds")
        assert request(changes=(other,)).digest != digest
        assert request(environment="non-prod").digest != digest
        assert request(reason="another reason", state=State.ACTIVE).digest == digest

    def test_what_rules_are_chosen_by_holds_the_environment_and_the_change(self) -> None:
        answers = request().answers
        assert (answers["environment"], answers["api"], answers["method"]) == ("prod", "payments", "POST")

    def test_what_was_not_done_yet_has_no_result(self) -> None:
        assert (request().ticket, request().run_url, request().result("commit")) == (None, None, {})
