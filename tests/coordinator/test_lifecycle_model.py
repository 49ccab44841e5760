"""No sequence of events breaks the life of a request; and the model is worth what it catches: broken builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from coordinator import lifecycle
from coordinator.deciding import Deciding
from coordinator.ending import Ending
from coordinator.journal import Done, Journal, journal, transitions
from coordinator.lifecycle import ANNOUNCE, Armed, Lane
from coordinator.outside import clock, confirmations
from coordinator.outside.awaiting import Awaiting
from coordinator.outside.commits import Commits
from coordinator.outside.confirmations import Confirmations
from coordinator.requests import Decision, Request
from coordinator.routing import Rerouting, Routing
from sallyport import approval, confirming
from sallyport.people import People
from tests.coordinator.conftest import Installed
from tests.coordinator.model.company import ACCESS, BOUND, MONDAY, STOP, all_policies
from tests.coordinator.model.life import ELSEWHERE, YES
from tests.coordinator.model.lives import WAYS, Lives, lives_that_begin
from tests.coordinator.model.outside import Ends

ANA, LEE, SAM, KIM = "U0ANA", "U0LEE", "U0SAM", "U0KIM"
A_STOP, FOR_EVER = ("one of them", STOP), ("one of them", ACCESS, None)  # what is asked for first
PLAIN = settings(stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Script = Callable[[Lives], object]


@pytest.fixture(scope="module")
def lives(migrated_sqlite: Path, installed: Installed) -> type[Lives]:
    """The model, with a migrated database to copy: to migrate one for every life would take most of the time."""
    Lives.template, Lives.policies, Lives.installed = migrated_sqlite, all_policies(installed), installed
    return Lives


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("lives")
def test_no_sequence_of_events_breaks_a_promise(way: str) -> None:
    run_state_machine_as_test(
        lives_that_begin(WAYS[way]),
        settings=settings(PLAIN, max_examples=8),
    )


# Builds that are broken on purpose


def where_who_has_left_still_counts() -> AbstractContextManager[object]:
    return patch.object(Routing, "reachable", lambda _, __, found: tuple(found))


@contextmanager
def where_a_request_is_anybody_s_to_approve() -> Iterator[None]:
    def with_requester(people: People, rule: Any, owners: Any, _requester: str) -> Any:
        return approval.panels(people, rule, owners, "nobody@example.com")

    with (
        patch("coordinator.positions.panels", with_requester),
        patch.object(People, "is_same", lambda *_: False),
    ):
        yield


def where_one_person_sits_on_two_seats() -> AbstractContextManager[object]:
    def filled(found: Any, voters: frozenset[str]) -> bool:
        return all(len(panel.emails & voters) >= panel.stage.quorum for panel in found)

    return patch.object(approval, "_filled", filled)


def where_whoever_writes_last_wins() -> AbstractContextManager[object]:
    def decide(self: Journal, request_id: str, decision: Decision, settle: Callable[[Request], Any]) -> Request:
        with self._urgently() as connection:
            values = journal.decision_values(request_id, decision)
            connection.execute(journal._NEW_DECISION, values)
            request = journal.read_request(connection, request_id)
            transitions.apply(connection, request, settle(request))
            return journal.read_request(connection, request_id)

    return patch.object(Journal, "_decide", decide)


def where_any_card_will_do() -> AbstractContextManager[object]:
    allowed = Deciding._allowed

    def lax(self: Deciding, request_id: str, _digest: str, slack_id: str) -> Any:
        return allowed(self, request_id, self.journal.request(request_id).digest, slack_id)

    return patch.object(Deciding, "_allowed", lax)


def _without(*kinds: str) -> AbstractContextManager[object]:
    def on_state(request: Request, now: Any) -> list[Armed]:
        return [one for one in lifecycle.on_state(request, now) if one.kind not in kinds]

    return patch.object(transitions, "on_state", on_state)


def where_cards_stay_as_they_were_posted() -> AbstractContextManager[object]:
    return _without("card")


def where_nothing_takes_back_what_was_approved() -> AbstractContextManager[object]:
    return _without("watch-expiry")


def where_an_extension_ends_what_it_extends() -> AbstractContextManager[object]:
    return patch.object(transitions, "on_extension", lambda _, now: lifecycle.on_withdrawal(now))


def where_the_ticket_is_told_nothing() -> AbstractContextManager[object]:
    return patch.object(transitions, "on_fact", lambda *_: [])


def where_nobody_is_asked_anew() -> AbstractContextManager[object]:
    return patch.object(Rerouting, "look", lambda _: None)


def where_a_lease_is_shorter_than_the_work() -> AbstractContextManager[object]:
    return patch("coordinator.journal.effects.LEASE", timedelta(0))


def where_a_lost_commit_is_made_again() -> AbstractContextManager[object]:
    return patch.object(Commits, "_standing", lambda *_: None)


def where_slack_alone_is_enough() -> AbstractContextManager[object]:
    def half_approved(self: Deciding, after: Request, happening: Any, rule: Any) -> Any:
        return lifecycle.approval(happening, lifecycle.end_of_life(happening.at, after.granted), timedelta(0))

    return patch.object(Deciding, "_half_approved", half_approved)


def where_anybody_s_review_confirms() -> AbstractContextManager[object]:
    everybody = frozenset(f"{name}@example.com" for name in BOUND)
    return patch.object(confirming, "may_confirm", lambda *_: everybody)


def where_a_review_of_anything_confirms() -> AbstractContextManager[object]:
    word = confirming.word

    def lax(entry: Any, commit: str, reviews: Any, policies: Any) -> Any:
        return word(entry, commit, [replace(review, commit=commit) for review in reviews], policies)

    return patch.object(confirmations, "word", lax)


def where_it_is_never_too_late_to_confirm() -> AbstractContextManager[object]:
    watch = Confirmations.watch

    def patient(self: Confirmations, work: Any, request: Request) -> Any:
        return watch(self, work, replace(request, decide_by=request.decide_by + timedelta(days=1)))

    return patch.object(Confirmations, "watch", patient)


def where_confirming_takes_away_time() -> AbstractContextManager[object]:
    def too_early(at: datetime, *how_long: Any) -> datetime | None:
        return lifecycle.end_of_life(at - timedelta(minutes=1), *how_long)

    return patch.object(confirmations, "end_of_life", too_early)


def where_confirming_has_no_end() -> AbstractContextManager[object]:
    return _without("timeout")


def where_nobody_s_shorter_time_counts() -> AbstractContextManager[object]:
    return patch.object(Request, "granted", property(lambda request: request.lifetime))


def where_the_last_shorter_time_counts() -> AbstractContextManager[object]:
    def granted(request: Request) -> timedelta | None:
        return ([one.shortened_to for one in request.approvals if one.shortened_to] or [request.lifetime])[-1]

    return patch.object(Request, "granted", property(granted))


def where_nobody_is_warned() -> AbstractContextManager[object]:
    return patch("coordinator.deciding.notice_of", lambda *_: timedelta(0))


def where_a_warning_gives_no_time() -> AbstractContextManager[object]:
    beginning = lifecycle.beginning
    return patch.object(lifecycle, "beginning", lambda begins: replace(beginning(begins), due=MONDAY))


def where_what_is_put_off_begins_all_the_same() -> AbstractContextManager[object]:
    begun = clock._begun
    return patch.object(clock, "_begun", lambda standing, begins: begun(replace(standing, begins_at=None), begins))


def where_announcements_stay_as_they_were_posted() -> AbstractContextManager[object]:
    return _without(ANNOUNCE)


def where_anybody_keeps_it_from_beginning() -> AbstractContextManager[object]:
    return patch.object(Ending, "_who_may_ask", lambda *_: "sam@example.com")


def where_for_ever_is_never_shortened() -> AbstractContextManager[object]:
    given = Request.granted.fget
    return patch.object(Request, "granted", property(lambda one: given(one) if one.lifetime else None))


def where_nothing_ends_what_was_to_last() -> AbstractContextManager[object]:
    def on_state(request: Request, now: Any) -> list[Armed]:
        ends = request.expires_at is not None
        return [one for one in lifecycle.on_state(request, now) if ends or one.kind != "watch-expiry"]

    return patch.object(transitions, "on_state", on_state)


def where_what_waits_for_aws_is_forgotten() -> AbstractContextManager[object]:
    unanswered = Awaiting.unanswered
    return patch.object(Awaiting, "unanswered", lambda *heard: replace(unanswered(*heard), arm=()))


def where_what_waits_for_aws_waits_for_ever() -> AbstractContextManager[object]:
    return patch("coordinator.outside.awaiting.on_silence", lambda *_: [])


def where_an_end_that_waits_for_aws_is_forgotten() -> AbstractContextManager[object]:
    return patch.object(Awaiting, "ends", lambda _, jobs: [Done() for _ in jobs])


def yes(who: str, at: int = 0) -> Script:
    return lambda lives: lives.decides(at=at, number=0, who=who, says_yes=True, hours=None)


def yes_for(hours: int, who: str) -> Script:
    return lambda lives: lives.decides(at=0, number=0, who=who, says_yes=True, hours=hours)


def review(who: str, says: str = "yes") -> Script:
    return lambda lives: lives.reviews(number=0, who=who, says=says)


def at_once(fast_says: str) -> Script:
    return lambda lives: lives.decide_at_once(
        number=0, slow=LEE, fast=SAM, slow_says_yes=True, fast_says=fast_says
    )


def change(what: str, detail: Any, *seen_at: int) -> Script:
    return lambda lives: lives.circumstances_change(change=(what, detail), seen_at=set(seen_at))


def work(lane: Lane, at: int) -> Script:
    return lambda lives: lives.work(at=at, lane=lane, limit=5)


def wait(seconds: int) -> Script:
    return lambda lives: lives.wait(seconds=seconds)


def goes_live(lives: Lives) -> None:
    lives.goes_on(at=0, number=0, hours=None, who="sam", says=YES)


def presses(button: str) -> Script:
    return lambda lives: lives.presses_own_button(at=0, number=0, who=ANA, press=button)


def spares(who: str) -> Script:
    return lambda lives: lives.spares(at=0, number=0, who=who)


def is_put_off_while_it_begins(lives: Lives) -> None:
    [attempt] = lives._claim(0, Lane.CLOCK, 5)
    lives.keeps_up(at=1, who=LEE, hours=1)
    lives._record(attempt)


def extends(lives: Lives) -> None:
    lives.extends(at=1, number=0, who="", key=7, hours=8)


def lee_asks(lives: Lives) -> None:
    lives.asks(at=0, who=LEE, key=2, hours=1, flow_id=ACCESS)


def lee_approves_it(lives: Lives) -> None:
    lives.decides(at=1, number=1, who=LEE, says_yes=True, hours=None)


def reroutes(lives: Lives) -> None:
    lives.reroutes(at=1)


def is_shown(lives: Lives) -> None:
    lives.work_through(at=0, turns=3, ends=Ends.WELL)


def looks(lives: Lives) -> None:
    for attempt in lives._claim(0, Lane.RUNS, 5):
        lives._record(attempt)


def aws_is_away(lives: Lives) -> None:
    lives.work_through(at=0, turns=4, ends=Ends.IN_VAIN)


def works(lives: Lives) -> None:
    lives.work_through(at=0, turns=1, ends=Ends.WELL)


@pytest.mark.parametrize(
    ("broken", "begins", "script"),
    [
        (where_who_has_left_still_counts, "two of them", [yes(LEE), change("leaves", LEE, 0), yes(SAM)]),
        (where_a_request_is_anybody_s_to_approve, "one of them", [lee_asks, lee_approves_it]),
        (where_one_person_sits_on_two_seats, "staged", [yes(SAM), yes(KIM)]),
        (where_whoever_writes_last_wins, "one of them", [at_once("no")]),
        (where_whoever_writes_last_wins, "two of them", [at_once("cancel")]),
        (where_any_card_will_do, "one of them", [yes(LEE)]),
        (where_cards_stay_as_they_were_posted, "one of them", [yes(LEE)]),
        (where_nothing_takes_back_what_was_approved, "one of them", [yes(LEE)]),
        (where_an_extension_ends_what_it_extends, "one of them", [goes_live, wait(3600), extends, works, works]),
        (where_the_ticket_is_told_nothing, "two of them", [yes(LEE)]),
        (where_nobody_is_asked_anew, "on call", [change("on call", (SAM,), 0), reroutes]),
        (where_a_lease_is_shorter_than_the_work, "one of them", [work(Lane.SLACK, 0), work(Lane.SLACK, 1)]),
        (where_a_lost_commit_is_made_again, "one of them", [yes(LEE), work(Lane.COMMIT, 0), wait(91), works]),
        (where_slack_alone_is_enough, "confirmed", [yes(LEE)]),
        (where_anybody_s_review_confirms, "confirmed", [yes(LEE), is_shown, review("ana"), wait(91), works]),
        (where_a_review_of_anything_confirms, "confirmed", [yes(LEE), is_shown, review("sam", ELSEWHERE), works]),
        (
            where_it_is_never_too_late_to_confirm,
            "confirmed",
            [yes(LEE), is_shown, wait(9 * 3600), review("sam"), looks],
        ),
        (where_confirming_takes_away_time, "confirmed", [yes(LEE), is_shown, review("sam"), works]),
        (where_confirming_has_no_end, "confirmed", [yes(LEE)]),
        (where_nobody_s_shorter_time_counts, "one of them", [yes_for(1, LEE)]),
        (where_the_last_shorter_time_counts, "two of them", [yes_for(1, LEE), yes_for(4, SAM)]),
        (where_nobody_is_warned, A_STOP, [yes(LEE)]),
        (where_a_warning_gives_no_time, A_STOP, [yes(LEE), works]),
        (where_what_is_put_off_begins_all_the_same, A_STOP, [yes(LEE), wait(660), is_put_off_while_it_begins]),
        (where_announcements_stay_as_they_were_posted, A_STOP, [yes(LEE), presses("cancel")]),
        (where_anybody_keeps_it_from_beginning, A_STOP, [yes(LEE), spares(SAM)]),
        (where_for_ever_is_never_shortened, FOR_EVER, [yes_for(1, LEE)]),
        (where_nothing_ends_what_was_to_last, FOR_EVER, [goes_live, presses("give back")]),
        (where_what_waits_for_aws_is_forgotten, "one of them", [yes(LEE), aws_is_away]),
        (where_what_waits_for_aws_waits_for_ever, "one of them", [yes(LEE), aws_is_away]),
        (
            where_an_end_that_waits_for_aws_is_forgotten,
            "one of them",
            [yes(LEE), aws_is_away, presses("cancel"), aws_is_away, wait(600), aws_is_away, wait(600), works],
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_broken_build_turns_the_model_red(
    lives: type[Lives],
    broken: Callable[[], AbstractContextManager[object]],
    begins: str | tuple[Any, ...],
    script: list[Script],
) -> None:
    play(lives, begins, script)
    with broken(), pytest.raises(AssertionError):
        play(lives, begins, script)


def play(lives: type[Lives], begins: str | tuple[Any, ...], script: list[Script]) -> None:
    """Take the steps of one life, and look after each whether every promise holds."""
    machine = lives()
    try:
        for step in (lambda life: life.open(*((begins,) if isinstance(begins, str) else begins)), *script):
            step(machine)
            machine.every_promise_holds()
    finally:
        machine.teardown()


@pytest.mark.parametrize(
    ("broken", "way"),
    [
        (where_confirming_takes_away_time, "to be confirmed in GitHub"),
        (where_announcements_stay_as_they_were_posted, "to be announced"),
        (where_for_ever_is_never_shortened, "for ever"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@pytest.mark.usefixtures("lives")
def test_chance_finds_a_broken_build_too(broken: Callable[[], AbstractContextManager[object]], way: str) -> None:
    with broken(), pytest.raises(AssertionError):
        run_state_machine_as_test(
            lives_that_begin(WAYS[way]),
            settings=settings(PLAIN, max_examples=300, derandomize=True, database=None, phases=[Phase.generate]),
        )
