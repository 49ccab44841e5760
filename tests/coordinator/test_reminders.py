"""The reminder of a near end: when it comes, what it offers, and that it is never sent of what is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.lifecycle import Armed, Happening, Lane, Move
from coordinator.requests import Request, State
from sallyport.audit import Deed
from sallyport.outcomes import Result
from sandbox.slack import Message
from tests.coordinator.asks import HOUR, claim
from tests.coordinator.desk import MINUTE, Desk


@pytest.fixture
def live(desk: Desk) -> Request:
    """Live for four hours."""
    request = desk.approve(desk.submit())
    desk.settle(MINUTE)
    desk.job_ends(request, Result.APPLIED, "It is live.")
    desk.settle(MINUTE)
    return desk.request(request)


def at(desk: Desk, request: Request, before: timedelta) -> None:
    """Work at so long before its end."""
    assert request.expires_at is not None
    desk.now = request.expires_at - before
    desk.work()


def reminders(desk: Desk) -> list[Message]:
    return [message for message in desk.messages("ana") if ":hourglass: *" in message.history[0].text]


def allow(desk: Desk, **different: bool) -> None:
    policies = desk.installed.policies
    flow = policies.flows["api-whitelisting"]
    changed = replace(flow, rules=tuple(replace(rule, **different) for rule in flow.rules))
    desk.installed = replace(
        desk.installed, policies=replace(policies, flows={**policies.flows, flow.id: changed})
    )


def extend(desk: Desk, first: Request, *states: State) -> Request:
    made = desk.submit("view:E", extends=first.id)
    desk.approve(made)
    for state in states:
        desk.journal.move(made.id, Move(Happening(Deed.APPLIED, desk.now, "github-actions"), state))
    return desk.request(made)


def test_it_comes_an_hour_before_the_end_and_offers_what_policy_allows(desk: Desk, live: Request) -> None:
    at(desk, live, HOUR + MINUTE)
    assert reminders(desk) == []
    at(desk, live, HOUR)
    (reminder,) = reminders(desk)
    assert reminder.buttons == ["Extend", "Give back now"]
    assert live.id in reminder.visible_text


@pytest.mark.parametrize(
    ("allowed", "buttons"), [("extension", ["Extend"]), ("early_return", ["Give back now"]), ("confirm", None)]
)
def test_where_nothing_can_be_done_there_is_none(
    desk: Desk, live: Request, allowed: str, buttons: list[str] | None
) -> None:
    allow(desk, **{"extension": False, "early_return": False, allowed: True})
    at(desk, live, HOUR)
    assert [reminder.buttons for reminder in reminders(desk)] == ([buttons] if buttons else [])


def test_what_was_given_back_is_not_reminded_of(desk: Desk, live: Request) -> None:
    desk.journal.move(live.id, Move(Happening(Deed.RETURNED, desk.now, live.requester), State.ENDING))
    at(desk, live, HOUR)
    assert reminders(desk) == []


def test_one_that_was_held_up_until_the_end_is_not_sent(desk: Desk, live: Request) -> None:
    at(desk, live, timedelta(0))
    assert reminders(desk) == []


def test_what_goes_on_already_is_not_reminded_of(desk: Desk, live: Request) -> None:
    extend(desk, live, State.ACTIVE)
    at(desk, live, HOUR)
    assert [r for r in reminders(desk) if live.id in r.visible_text] == []


def test_one_that_was_sent_says_how_the_extension_stands_and_then_how_it_ended(desk: Desk, live: Request) -> None:
    at(desk, live, HOUR)
    made = extend(desk, live)
    desk.work()
    (reminder,) = reminders(desk)
    assert f"{made.id} is to extend it." in reminder.visible_text
    assert reminder.buttons == ["Give back now"]
    desk.journal.move(live.id, Move(Happening(Deed.REVERTED, desk.now, "github-actions"), State.ENDED))
    desk.work()
    assert "Ended: it was taken back" in reminder.visible_text
    assert reminder.buttons == ["Ask again"]


def told(desk: Desk, words: str) -> Message:
    """What Ana was told directly with *words*, as it stands now."""
    (message,) = [m for m in desk.messages("ana") if words in m.history[0].text]
    return message


def test_what_said_that_it_is_live_follows_its_extension_and_its_end(desk: Desk, live: Request) -> None:
    message = told(desk, "Live until")
    assert message.buttons == ["Extend", "Give back now"]
    made = extend(desk, live)
    desk.work()
    assert f"{made.id} is to extend it." in message.visible_text
    assert message.buttons == ["Give back now"]
    desk.journal.move(live.id, Move(Happening(Deed.RETURNED, desk.now, live.requester), State.ENDING))
    desk.work()
    assert message.buttons == []
    desk.journal.move(live.id, Move(Happening(Deed.REVERTED, desk.now, "github-actions"), State.ENDED))
    desk.work()
    assert "Ended: it was taken back" in message.visible_text
    assert message.buttons == ["Ask again"]


@pytest.mark.parametrize("name", ["remind", "tell:stranded"])
def test_what_changes_while_it_is_being_said_is_said_anew(desk: Desk, live: Request, name: str) -> None:
    desk.journal.arm(live.id, Armed(name, name.partition(":")[0], Lane.SLACK, desk.now))
    work = claim(desk.journal, Lane.SLACK, name, desk.now)
    done = desk.reconciler._hands.single[work.kind](work, desk.request(live))
    desk.journal.move(live.id, Move(Happening(Deed.REVERTED, desk.now, "github-actions"), State.ENDED))
    desk.journal.finish(work, done)
    desk.work()
    (message,) = [m for m in desk.messages("ana") if m.ts == done.result["ts"]]
    assert "Ended: it was taken back" in message.visible_text
