"""What people read of an approval: all of it is so, is said once, and makes sense when it is read out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from coordinator.requests import Answer, State
from coordinator.slack import approver_cards, cards, notices
from coordinator.slack.approval_form import approval_form
from coordinator.withdrawing import Withdrawing
from sallyport.changes.infra_teardown import InfraTeardown
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.changes.prod_access import ProdAccess
from sallyport.platforms.slack_text import date
from sallyport.policies import Policies
from tests.coordinator.asks import HOUR
from tests.coordinator.conftest import Installed
from tests.coordinator.desk import Desk
from tests.coordinator.test_lifecycle import request
from tests.coordinator.test_surfaces import (
    STAGES,
    WIDEST,
    card_of_lee,
    check,
    confirming,
    decided,
    in_state,
    under,
)


def said_in(content: tuple[str, Sequence[Any]]) -> str:
    text, blocks = check(content)
    return f"{text} {json.dumps(blocks, ensure_ascii=False)}"


def test_the_approval_in_github_has_no_number_whatever_the_quorum(policies: Policies) -> None:
    approved = tuple(decided(f"{who}@example.com", Answer.APPROVE) for who in ("lee", "sam", "kim"))
    request = confirming(decisions=approved)
    for surface in (cards.thread, notices.notice, card_of_lee):
        said = said_in(surface(request, policies))
        assert "Approved by Lee Wong, Sam Okafor and Kim Berg in Slack; waits for the approval in" in said
        assert "second" not in said
    assert "|the approval in GitHub> of" in notices.nudge(request, policies, ("U0LEE",))


def test_those_who_can_give_it_beyond_a_few_are_counted(policies: Policies) -> None:
    pull = {"number": 12, "url": "https://github.test/pull/12", "who": [f"P{n}" for n in range(7)]}
    status = cards.status(in_state(State.CONFIRMING, results={"pull": pull}), policies)
    assert "by P0 or P1 or P2 or P3 or P4 or 2 more, until" in status


def test_where_nobody_can_give_it_that_is_a_sentence_of_its_own(policies: Policies) -> None:
    pull = {"number": 12, "url": "https://github.test/pull/12", "who": []}
    status = cards.status(in_state(State.CONFIRMING, results={"pull": pull}), policies)
    assert "in Slack. Nobody can give the approval in <https://github.test/pull/12|GitHub> at the moment" in status
    assert status.endswith("its requester can cancel it and ask again.")


def test_a_time_that_an_approver_has_shortened_is_shown_as_it_is_with_what_was_asked(installed: Installed) -> None:
    policies = under(installed, stages=STAGES)
    first = replace(decided("lee@example.com", Answer.APPROVE), shortened_to=2 * HOUR)
    request = in_state(State.PENDING, decisions=(first,), deciders=("U0SAM",), asked="")
    said = said_in(approver_cards.card(request, policies, "U0SAM"))
    assert "*Duration*\\n2 hours; asked for: 4 hours" in said
    assert "becomes live once others have approved it too, for 2 hours." in said
    rule = under(installed, duration={"default": "4h", "max": "30d", "approver_may_shorten": True})
    form = approval_form(request, rule.flows["api-whitelisting"].rules[0], rule).to_dict()
    offered = [option["text"]["text"] for option in form["blocks"][-1]["element"]["options"]]
    assert offered[0] == "As approved so far: 2 hours"
    assert "4 hours" not in offered
    assert "for 2 hours" in json.dumps(cards.line(request, policies, decide=False)[0].to_dict())


def test_what_is_decided_on_the_home_tab_says_what_it_opens_and_how_it_is_undone(policies: Policies) -> None:
    said = json.dumps([block.to_dict() for block in cards.line(in_state(State.PENDING), policies, decide=True)])
    assert "Calls from 198.51.100.10/32 may use POST on /v1/charges of Payments API in Production." in said
    assert "When it ends, the statement leaves" in said


@pytest.mark.parametrize(
    ("extends", "card", "thread"),
    [
        ("", "asks you to approve POST /v1/charges", "asks for POST /v1/charges"),
        ("aw-222222", "asks you to approve an extension of POST /v1/charges", "asks to extend POST /v1/charges"),
    ],
)
def test_an_extension_is_called_one(policies: Policies, extends: str, card: str, thread: str) -> None:
    request = in_state(State.PENDING, extends=extends)
    assert card in card_of_lee(request, policies)[0]
    assert thread in cards.thread(request, policies)[0]


@pytest.mark.parametrize(
    ("different", "said"),
    [
        (
            {"changes": (InfraTeardown("dev", "dev"),), "environment": "dev"},
            "Full teardown in Development, for 4 hours.",
        ),
        (
            {"changes": (InfraWhitelist("198.51.100.7/32", "Production"),), "environment": "dev"},
            "in Development, for",
        ),
        ({"changes": (ProdAccess("prod-main", "ProdReadOnly"),)}, "read-only in Production (222222222222), for"),
    ],
)
def test_a_phone_gets_where_it_is_once(policies: Policies, different: dict[str, Any], said: str) -> None:
    text, _ = card_of_lee(in_state(State.PENDING, **different), policies)
    assert said in text


def test_a_phone_gets_for_how_long_and_until_when_one_can_decide(policies: Policies) -> None:
    text, _ = card_of_lee(in_state(State.PENDING), policies)
    assert text.endswith(f"for 4 hours. It is closed {date(request().decide_by)} if nobody decides.")


def test_nothing_is_said_twice_of_what_nobody_decided(desk: Desk) -> None:
    request = desk.submit()
    desk.work()
    desk.now = request.decide_by
    desk.work()
    said = desk.messages("ana", "infra-requests")[0].visible_text
    assert "Nobody decided in time. It was not done; ask again whenever it is needed." in said


def test_nothing_is_said_twice_of_what_its_requester_cancelled(desk: Desk) -> None:
    request = desk.submit()
    desk.work()
    Withdrawing(desk.journal, lambda: desk.installed.policies, lambda: desk.now).cancel(request.id, "U0ANA")
    desk.work()
    said = desk.messages("ana", "infra-requests")[0].visible_text
    assert "Cancelled. Its requester has withdrawn it." in said


def test_a_button_is_read_out_with_what_it_is_for(policies: Policies) -> None:
    for state, place in ((State.PENDING, card_of_lee), (State.ACTIVE, cards.thread), (State.ENDED, cards.thread)):
        _, blocks = check(place(in_state(state), policies))
        [*_, actions] = blocks
        for button in actions["elements"]:
            label = f"{button['text']['text']}: POST /v1/charges on Payments API in Production"
            assert button["accessibility_label"] == label


def test_what_is_too_long_for_a_dialog_or_a_screen_reader_is_visibly_cut(policies: Policies) -> None:
    _, blocks = check(card_of_lee(in_state(State.PENDING, changes=(WIDEST,)), policies))
    approve = blocks[-1]["elements"][0]
    assert approve["accessibility_label"].endswith("…")
    assert "… becomes live" in approve["confirm"]["text"]["text"]
