"""A platform that gives no answer: one call at a time looks whether it is back, and then nobody overruns it."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest

from coordinator.journal import Done, Journal, Silence, Unheard, Work
from coordinator.journal.silences import ITS_OWN, LONGEST_ASKED, LONGEST_PAUSE, LOOK, LOOKING, SPACING
from coordinator.lifecycle import Armed, Lane
from tests.coordinator.asks import HOUR, NOW, SECOND, approve, ask
from tests.coordinator.conftest import Store
from tests.coordinator.test_journal import at_once

MINUTE = timedelta(minutes=1)
WHOLE = 1.0  # jitter, where a test wants to know


def submits(journal: Journal, count: int) -> None:
    for number in range(count):
        journal.submit(ask(f"view:{number}", submitted_at=NOW + number * timedelta(milliseconds=1)))


def one(journal: Journal, lane: Lane, now: datetime) -> Work | None:
    """What a worker gets."""
    works = journal.claim(lane, now)
    return works[0] if works else None


def fails(journal: Journal, work: Work | None, now: datetime, after: timedelta | None = None) -> None:
    assert work is not None
    unheard = Unheard(now, WHOLE, after)
    journal.retry(work, now + SECOND, "no connection", uncertain=False, unheard=unheard)


def succeeds(journal: Journal, work: Work | None, now: datetime) -> None:
    assert work is not None
    journal.finish(work, Done({"key": "OPS-1", "channel": "C0INFRA", "ts": "1.1", "commit": "c1"}))
    journal.answered(work.lane, now)


class TestSilence:
    def test_one_call_without_an_answer_keeps_everything_from_the_platform_for_a_while(
        self, journal: Journal
    ) -> None:
        submits(journal, 3)
        fails(journal, one(journal, Lane.JIRA, NOW + SECOND), NOW + SECOND)
        assert one(journal, Lane.JIRA, NOW + SECOND) is None
        assert one(journal, Lane.SLACK, NOW + SECOND) is not None
        assert journal.silences() == [Silence("JIRA", NOW + SECOND, NOW + 2 * SECOND)]

    def test_then_one_call_sees_whether_it_is_back_and_no_other_does(self, store: Store) -> None:
        first, second = store.journal(), store.journal()
        submits(first, 3)
        fails(first, one(first, Lane.JIRA, NOW + SECOND), NOW + SECOND)
        later = NOW + 2 * SECOND
        looks = at_once(*[lambda j=j: one(j, Lane.JIRA, later) for j in (first, second, first, second)])
        assert sum(look is not None for look in looks) == 1
        assert one(second, Lane.JIRA, later + LOOK - SECOND) is None
        assert one(second, Lane.JIRA, later + LOOK) is not None  # the one that looked was never heard of again

    def test_all_lanes_of_one_platform_share_it(self, journal: Journal) -> None:
        for number in range(2):
            approve(journal, journal.submit(ask(f"view:{number}")).id)
        succeeds(journal, one(journal, Lane.COMMIT, NOW), NOW)
        fails(journal, one(journal, Lane.DISPATCH, NOW), NOW)
        assert one(journal, Lane.COMMIT, NOW) is None

    def test_the_pauses_grow_up_to_a_longest_and_its_beginning_stays(self, journal: Journal) -> None:
        submits(journal, 30)
        now, pauses = NOW + SECOND, []
        for _ in range(9):
            fails(journal, one(journal, Lane.JIRA, now), now)
            (silence,) = journal.silences()
            assert silence.since == NOW + SECOND
            pauses.append(silence.until - now)
            now = silence.until
        growing = [timedelta(seconds=2**number) for number in range(6)]
        assert pauses == [*growing, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]

    def test_calls_that_were_under_way_when_it_began_count_once(self, journal: Journal) -> None:
        submits(journal, 4)
        under_way = [one(journal, Lane.JIRA, NOW + SECOND) for _ in range(4)]
        for work in under_way:
            fails(journal, work, NOW + SECOND)
        assert journal.silences()[0].until == NOW + 2 * SECOND

    @pytest.mark.parametrize(
        ("asked", "kept"), [(timedelta(seconds=17), timedelta(seconds=17)), (9 * HOUR, LONGEST_ASKED)]
    )
    def test_a_pause_that_the_platform_names_holds_for_all_of_it(
        self, journal: Journal, asked: timedelta, kept: timedelta
    ) -> None:
        submits(journal, 3)
        fails(journal, one(journal, Lane.JIRA, NOW + SECOND), NOW + SECOND, after=asked)
        assert one(journal, Lane.JIRA, NOW + kept) is None
        assert one(journal, Lane.JIRA, NOW + SECOND + kept) is not None

    def test_the_longest_of_the_pauses_that_it_names_holds(self, journal: Journal) -> None:
        submits(journal, 2)
        works = [one(journal, Lane.JIRA, NOW + SECOND) for _ in range(2)]
        for work, seconds in zip(works, (60, 5), strict=True):
            fails(journal, work, NOW + SECOND, after=timedelta(seconds=seconds))
        assert journal.silences()[0].until == NOW + 61 * SECOND

    def test_two_replicas_that_find_it_silent_at_the_same_moment_make_one_silence(self, store: Store) -> None:
        replicas = [store.journal(), store.journal()]
        submits(replicas[0], 2)
        works = [one(journal, Lane.JIRA, NOW + SECOND) for journal in replicas]
        faults = at_once(
            *[lambda j=j, w=w: fails(j, w, NOW + SECOND) for j, w in zip(replicas, works, strict=True)]
        )
        assert faults == [None, None]
        assert len(replicas[0].silences()) == 1


class TestCatchingUp:
    def test_after_an_answer_calls_keep_a_distance_until_nothing_waits_any_more(self, journal: Journal) -> None:
        submits(journal, 40)
        now = NOW + SECOND
        fails(journal, one(journal, Lane.JIRA, now), now)
        now += SECOND
        succeeds(journal, one(journal, Lane.JIRA, now), now)
        taken: list[datetime] = []
        while journal.silences():
            now = journal.silences()[0].until
            works = [one(journal, Lane.JIRA, now), one(journal, Lane.JIRA, now)]
            assert works[1] is None, "two at the same moment"
            taken.append(now)
            succeeds(journal, works[0], now)
        assert len(taken) == 79  # each ticket, and the move that follows it
        distances = {later - earlier for earlier, later in itertools.pairwise(taken)}
        assert distances == {SPACING["JIRA"]}

    def test_the_oldest_goes_first(self, journal: Journal) -> None:
        submits(journal, 5)
        now = NOW + SECOND
        fails(journal, one(journal, Lane.JIRA, now), now)
        order = []
        for _ in range(5):
            now += LONGEST_PAUSE
            work = one(journal, Lane.JIRA, now)
            succeeds(journal, work, now)
            order.append(work.request_id if work else "")
        assert order[0] == journal.ids()[0]
        assert len(journal.ids()) == 5

    def test_where_nothing_else_waits_all_is_well_at_once(self, journal: Journal) -> None:
        approve(journal, journal.submit(ask()).id)
        work = one(journal, Lane.COMMIT, NOW)
        fails(journal, work, NOW)
        work = one(journal, Lane.COMMIT, NOW + SECOND)
        assert work is not None
        journal.finish(work, Done({"commit": "c1"}))
        dispatch = one(journal, Lane.DISPATCH, NOW + SECOND + LOOK)
        assert dispatch is not None
        journal.answered(Lane.DISPATCH, NOW + SECOND + LOOK)
        assert journal.silences() == []

    def test_a_silence_may_begin_again(self, journal: Journal) -> None:
        submits(journal, 4)
        now = NOW + SECOND
        fails(journal, one(journal, Lane.JIRA, now), now)
        succeeds(journal, one(journal, Lane.JIRA, now + SECOND), now + SECOND)
        now += 2 * SECOND
        fails(journal, one(journal, Lane.JIRA, now), now)
        assert journal.silences() == [Silence("JIRA", now, now + SECOND)]


class TestOneThatNeverWorks:
    """An effect may fail for ever at a platform that is there: it must not pass for the platform."""

    def test_it_keeps_nothing_else_waiting_once_it_is_known(self, journal: Journal) -> None:
        submits(journal, 1)
        for attempt in range(ITS_OWN + 2):
            now = NOW + (attempt + 1) * LONGEST_PAUSE
            fails(journal, one(journal, Lane.JIRA, now), now)
            assert any(silence.since for silence in journal.silences()) == (attempt < ITS_OWN)
            journal.answered(Lane.JIRA, now + SECOND)  # which others had

    def test_but_a_pause_that_the_platform_names_holds(self, journal: Journal) -> None:
        submits(journal, 1)
        for _ in range(ITS_OWN + 1):
            fails(journal, one(journal, Lane.JIRA, NOW + HOUR), NOW + HOUR - 2 * SECOND, after=SECOND)
        assert [silence.platform for silence in journal.silences()] == ["JIRA"]


def test_what_needs_no_platform_knows_no_silence(journal: Journal) -> None:
    made = journal.submit(ask())
    assert one(journal, Lane.CLOCK, made.decide_by) is not None
    journal.answered(Lane.CLOCK, NOW)
    assert journal.silences() == []


def test_a_call_for_no_effect_tells_of_a_silence_too(journal: Journal) -> None:
    journal.unheard(Lane.SLACK, Unheard(NOW, WHOLE))
    journal.unheard(Lane.SLACK, Unheard(NOW, WHOLE))
    assert journal.silences() == [Silence("Slack", NOW, NOW + SECOND)]
    journal.unheard(Lane.SLACK, Unheard(NOW + SECOND, WHOLE))
    assert journal.silences() == [Silence("Slack", NOW, NOW + 3 * SECOND)]
    journal.answered(Lane.SLACK, NOW + 2 * SECOND)
    assert journal.silences() == []


class TestAskedByJobs:
    """AWS, which only jobs ask: what waits for it is told so from outside, and a turn is for one of them alone."""

    @pytest.fixture
    def waiting(self, journal: Journal) -> Journal:
        """Three wait for AWS, and one of them not to be tried for an hour."""
        submits(journal, 3)
        for number, request_id in enumerate(journal.ids()):
            since = NOW + number * SECOND
            rest = NOW + HOUR if number == 2 else None
            journal.arm(request_id, Armed("aws", "aws", Lane.AWS, since, not_before=rest, away_since=since))
        return journal

    def silent(self, journal: Journal, now: datetime = NOW, lease: str = "", attempts: int = 0) -> bool:
        return journal.unheard(Lane.AWS, Unheard(now, WHOLE), lease, attempts)

    def test_one_has_the_turn_while_it_is_silent_and_all_that_may_when_it_is_back(self, waiting: Journal) -> None:
        first, second, third = waiting.ids()
        assert self.silent(waiting)
        now = NOW + LOOKING["AWS"].first
        [turn] = waiting.claim(Lane.AWS, now, 50)
        assert turn.request_id == first
        assert waiting.claim(Lane.AWS, now + LOOKING["AWS"].takes - SECOND, 50) == []
        waiting.finish(turn, Done(asked=False))
        waiting.answered(Lane.AWS, now + MINUTE)
        back = waiting.claim(Lane.AWS, now + MINUTE + SPACING["AWS"], 50)
        assert [work.request_id for work in back] == [second, third], "an answer ends every pause"

    def test_whoever_had_the_turn_makes_the_pause_longer_and_nobody_else(self, waiting: Journal) -> None:
        look, now = LOOKING["AWS"], NOW
        self.silent(waiting)
        for number in range(6):
            now += min(look.first * 2**number, look.longest)
            [turn] = waiting.claim(Lane.AWS, now, 50)
            self.silent(waiting, now)  # another's job
            assert waiting.silences()[0].until == now + look.takes
            self.silent(waiting, now, turn.lease)
            assert waiting.silences()[0].until == now + min(look.first * 2 ** (number + 1), look.longest)
            waiting.retry(turn, now, "", uncertain=False)

    def test_a_turn_that_nobody_needs_is_the_next_one_s(self, waiting: Journal) -> None:
        first, second, _ = waiting.ids()
        self.silent(waiting)
        now = NOW + LOOKING["AWS"].first
        [turn] = waiting.claim(Lane.AWS, now, 50)
        waiting.pass_on(Lane.AWS, turn.lease, now)
        waiting.finish(turn, Done(asked=False))
        [next_turn] = waiting.claim(Lane.AWS, now, 50)
        assert (turn.request_id, next_turn.request_id) == (first, second)

    def test_a_turn_of_somebody_else_is_not_passed_on(self, waiting: Journal) -> None:
        self.silent(waiting)
        now = NOW + LOOKING["AWS"].first
        waiting.claim(Lane.AWS, now, 50)
        waiting.pass_on(Lane.AWS, "another", now)
        assert waiting.claim(Lane.AWS, now, 50) == []

    def test_with_nothing_that_waits_nobody_needs_to_know(self, journal: Journal) -> None:
        self.silent(journal)
        journal.pass_on(Lane.AWS, "", NOW)
        assert journal.silences() == []

    def test_one_that_rests_is_not_tried_before_and_is_told_to_wait_since_it_began(self, waiting: Journal) -> None:
        works = waiting.claim(Lane.AWS, NOW + 5 * SECOND, 50)
        assert [work.request_id for work in works] == waiting.ids()[:2]
        [late] = waiting.claim(Lane.AWS, NOW + HOUR, 50)[-1:]
        assert late.request_id == waiting.ids()[2]
        assert waiting.away_since() == {Lane.AWS: NOW}

    def test_one_that_fails_again_and_again_while_others_have_luck_is_no_silence(self, waiting: Journal) -> None:
        assert not self.silent(waiting, attempts=ITS_OWN)
        assert waiting.silences() == []
