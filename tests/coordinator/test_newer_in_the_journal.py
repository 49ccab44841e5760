"""What only a newer version knows in the journal, on both databases: it is left alone, and all beside it is not.

Half of it is an upgrade under way, and half one that was taken back: then nobody else is there to do anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import pytest
import sqlalchemy as sa

from coordinator.deciding import NotYours
from coordinator.journal import Done, Journal, NewerRequest, Unheard, UnknownRequest, Work
from coordinator.journal.effects import is_due
from coordinator.journal.tables import decisions, effects, requests
from coordinator.lifecycle import Armed, Happening, Lane, Move
from coordinator.ownership import own
from coordinator.requests import Kept, Request, State
from sallyport.audit import Deed
from tests.coordinator.asks import HOUR, LEE, NOW, approve, ask, claim, happened
from tests.coordinator.conftest import Store

NEWER = "carrier-pigeon"  # a lane, a kind of effect, a state, a flow and an answer that nobody here knows


class Newer(StrEnum):
    """What a newer version has people do besides."""

    PAUSED = "paused"


def paused(at: datetime = NOW) -> Move:
    return Move(Happening(cast("Deed", Newer.PAUSED), at, "kim@example.com"))


def arm(journal: Journal, request: Request, **different: Any) -> None:
    """Arm an effect as only a newer version does: one of its kinds, in a lane that is here too."""
    row = {"request_id": request.id, "name": NEWER, "kind": NEWER, "lane": "commit", "due": NOW, "wanted": 1}
    row |= {"payload": {}, "done": 0, "leased_until": NOW, "lease": "", "uncertain": False, "attempts": 0}
    row |= {"error": "", "result": {}, "parked": False, **different}
    with journal.writing() as connection:
        connection.execute(sa.insert(effects).values(**row))


def alter(journal: Journal, request: Request, **values: Any) -> None:
    """Let the request stand as a newer version has it."""
    with journal.writing() as connection:
        connection.execute(sa.update(requests).where(requests.c.id == request.id).values(**values))


def approved(journal: Journal, *keys: str) -> list[Request]:
    return [approve(journal, journal.submit(ask(key)).id) for key in keys]


def whose(works: Sequence[Work]) -> set[str]:
    return {work.request_id for work in works}


class TestAClaim:
    """It leaves out what cannot be done or read, and gets everything beside it."""

    def test_leaves_an_effect_of_a_kind_that_only_a_newer_version_knows(self, journal: Journal) -> None:
        ours, theirs = approved(journal, "a", "b")
        arm(journal, theirs)
        works = journal.claim(Lane.COMMIT, NOW, 50)
        assert [work.kind for work in works] == ["commit", "commit"]
        assert whose(works) == {ours.id, theirs.id}
        assert journal.unknown() == {f"effect {NEWER}": 1}
        with journal.reading() as connection:
            assert not is_due(connection, Lane.COMMIT, NOW), "or each look would open a transaction in vain"

    @pytest.mark.parametrize("column", ["state", "flow"])
    def test_leaves_every_effect_of_a_request_that_only_a_newer_version_can_read(
        self, journal: Journal, column: str
    ) -> None:
        ours, theirs = approved(journal, "a", "b")
        before = str(getattr(theirs, column))
        alter(journal, theirs, **{column: NEWER})
        for lane in (Lane.COMMIT, Lane.SLACK, Lane.JIRA, Lane.AUDIT):
            assert whose(journal.claim(lane, NOW, 50)) == {ours.id}, lane
        assert set(journal.unknown()) == {f"{column} {NEWER}"}
        alter(journal, theirs, **{column: before})
        assert whose(journal.claim(Lane.COMMIT, NOW, 50)) == {theirs.id}, "it stayed for the version that can"
        assert journal.unknown() == {}

    def test_leaves_what_tells_a_fact_that_only_a_newer_version_knows(self, journal: Journal) -> None:
        [request] = approved(journal, "a")
        journal.finish(claim(journal, Lane.JIRA, "ticket"), Done({"key": "OPS-1"}))
        journal.move(request.id, paused())
        journal.move(request.id, happened(Deed.COMMITTED))
        works = journal.claim(Lane.JIRA, NOW, 50)
        assert sorted(work.name for work in works) == ["comment:2", "move"]
        for work in works:
            journal.finish(work, Done())
        assert journal.claim(Lane.JIRA, NOW, 50) == [], "the comment on what came after it waits for its own"
        assert journal.claim(Lane.AUDIT, NOW, 50) == []
        assert [work.kind for work in journal.claim(Lane.COMMIT, NOW, 50)] == ["commit"]
        assert journal.unknown() == {"deed paused": 2}

    def test_leaves_what_waits_for_any_of_it(self, journal: Journal) -> None:
        [request] = approved(journal, "a")
        arm(journal, request)
        journal.arm(request.id, Armed("withdraw", "withdraw", Lane.COMMIT, NOW, after=NEWER))
        assert [work.name for work in journal.claim(Lane.COMMIT, NOW, 50)] == ["commit"]

    def test_keeps_no_platform_catching_up_for_it(self, journal: Journal) -> None:
        [request] = approved(journal, "a")
        arm(journal, request)
        work = claim(journal, Lane.COMMIT, "commit")
        journal.unheard(Lane.COMMIT, Unheard(NOW, 1.0))
        journal.retry(work, NOW + 2 * HOUR, "no answer", uncertain=False)
        journal.answered(Lane.COMMIT, NOW + HOUR)
        assert journal.silences() == []

    def test_gives_it_no_turn_to_see_whether_a_platform_is_back(self, journal: Journal) -> None:
        [request] = approved(journal, "a")
        arm(journal, request, lane="aws")
        journal.unheard(Lane.AWS, Unheard(NOW, 1.0))
        journal.pass_on(Lane.AWS, "", NOW)
        assert journal.silences() == []

    def test_searches_by_indexes_alone(self, sqlite: Store) -> None:
        journal, said = sqlite.journal(), []
        approved(journal, "a")

        @sa.event.listens_for(journal._engine, "before_cursor_execute")
        def hears(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            said.append((statement, parameters))

        journal.claim(Lane.COMMIT, NOW, 50)
        [(query, values)] = [each for each in said if "FROM effects" in each[0] and "effects.payload" in each[0]]
        with journal.reading() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)]
        assert "SEARCH effects USING INDEX effects_open (lane=? AND due<?)" in plan
        assert [step for step in plan if step.startswith("SCAN")] == []


class TestARequestThatOnlyANewerVersionCanRead:
    @pytest.fixture
    def theirs(self, journal: Journal) -> Request:
        """One of Ana's two requests."""
        theirs = journal.submit(ask("theirs"))
        journal.submit(ask("ours"))
        alter(journal, theirs, state=NEWER)
        return theirs

    def test_is_said_to_be_one(self, journal: Journal, theirs: Request) -> None:
        with pytest.raises(NewerRequest, match=theirs.id):
            journal.request(theirs.id)
        assert journal.has(theirs.id)
        assert journal.was_submitted("theirs")
        assert (journal.has("aw-222222"), journal.was_submitted("nobody’s")) == (False, False)
        with pytest.raises(UnknownRequest, match=r"There is no request aw-222222\."):
            journal.request("aw-222222")

    def test_is_told_to_whoever_presses_its_buttons(self, journal: Journal, theirs: Request) -> None:
        with pytest.raises(NotYours, match=f"A newer version of Sallyport.* is at work on {theirs.id}"):
            own(journal, theirs.id, "U0ANA")

    def test_is_left_out_of_every_list(self, journal: Journal, theirs: Request) -> None:
        [ours] = [one for one in journal.ids() if one != theirs.id]
        assert [request.id for request in journal.requests(journal.ids())] == [ours]
        assert [request.id for request in journal.to_decide("U0LEE", 10)] == [ours]
        assert [request.id for request in journal.asked_by("U0ANA", 10)] == [ours]

    def test_still_keeps_up_what_somebody_keeps_up(self, journal: Journal, theirs: Request) -> None:
        alter(journal, theirs, kept_until=NOW + HOUR, kept_by="kim@example.com")
        assert journal.kept(theirs.flow, theirs.environment, NOW) == Kept(NOW + HOUR, "kim@example.com")

    def test_is_not_read_wrongly_where_somebody_gave_an_answer_of_which_nothing_is_known(
        self, journal: Journal
    ) -> None:
        [request] = approved(journal, "a")
        with journal.writing() as connection:
            connection.execute(sa.update(decisions).values(answer=NEWER))
        with pytest.raises(NewerRequest):
            journal.request(request.id)

    def test_keeps_its_extension_from_nothing(self, journal: Journal, theirs: Request) -> None:
        extension = journal.submit(ask("extension", extends=theirs.id))
        assert approve(journal, extension.id).state is State.APPROVED

    def test_does_not_keep_what_it_extends_from_being_read(self, journal: Journal) -> None:
        [first] = approved(journal, "a")
        second = journal.submit(ask("b", extends=first.id))
        alter(journal, second, state=NEWER)
        extension = journal.request(first.id).extension
        assert extension is not None
        assert (extension.id, extension.state, extension.is_open) == (second.id, None, False)
        assert not journal.request(first.id).is_extended
        assert whose(journal.claim(Lane.COMMIT, NOW, 50)) == {first.id}

    def test_takes_no_decision_of_this_version(self, journal: Journal, theirs: Request) -> None:
        with pytest.raises(NewerRequest):
            approve(journal, theirs.id, LEE)
        assert len(journal.facts(theirs.id)) == 1


def test_a_fact_is_kept_as_it_was_recorded_by_a_version_that_knows_more(journal: Journal) -> None:
    request = journal.submit(ask())
    journal.move(request.id, paused(NOW + timedelta(minutes=1)))
    [(first, _), (fact, digest)] = journal.facts(request.id)
    assert (first.is_known, fact.is_known, fact.deed) == (True, False, "paused")
    assert fact.digest == digest
