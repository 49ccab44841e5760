"""The trail in the journal, in the sink, and between the two: whatever is done to either is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from coordinator.audit.anchors import anchored, next_anchor
from coordinator.audit.context import context_of
from coordinator.audit.exporting import Exporting
from coordinator.audit.records import Record, records_of
from coordinator.audit.telling import report
from coordinator.audit.trail import Trail
from coordinator.audit.verifying import Report, verify
from coordinator.journal import Journal
from coordinator.journal.tables import anchors, effects, facts
from coordinator.lifecycle import Lane
from coordinator.requests import Request
from sallyport.audit import FIRST, Deed, digest_of
from sallyport.platforms.errors import Refused, TryLater
from tests.coordinator.asks import LEE, NOW, approve, ask, claim, deny, happened
from tests.coordinator.conftest import Store
from tests.coordinator.fakes import KeptSink
from tests.coordinator.test_newer_in_the_journal import paused

DAY = timedelta(days=1)
Tamper = Callable[["Archive"], None]


@dataclass
class Archive:
    """A journal with three requests, its sink, and somebody who can write to both."""

    journal: Journal
    sink: KeptSink
    now: datetime = NOW

    @property
    def exporting(self) -> Exporting:
        return Exporting(self.journal, self.sink, lambda: self.now)

    def export(self) -> None:
        """Let the sink have all that waits for it."""
        while works := self.journal.claim(Lane.AUDIT, self.now, 9):
            for work in works:
                self.journal.finish(work, self.exporting.export(work, self.journal.request(work.request_id)))

    def verify(self) -> Report:
        return verify(Trail(self.journal), self.sink)

    def sql(self, statement: sa.Executable) -> None:
        with self.journal._engine.begin() as connection:
            connection.execute(statement)

    def edit(self, key: str, **different: Any) -> None:
        """Change a record in the sink."""
        name = self.key(key)
        self.sink.records[name] = Record(name, {**self.sink.records[name].body, **different})

    def key(self, part: str) -> str:
        (found,) = [key for key in self.sink.records if key.startswith(part)]
        return found

    def drop(self, part: str) -> None:
        for key in [key for key in self.sink.records if key.startswith(part)]:
            del self.sink.records[key]


@pytest.fixture
def requests(journal: Journal) -> list[Request]:
    made = [journal.submit(ask(key, reason="Zoë’s <!channel> \u2028 🚀")) for key in "abc"]
    approve(journal, made[0].id)
    journal.move(made[0].id, happened(Deed.COMMITTED))
    deny(journal, made[1].id)
    return made


@pytest.fixture
def archive(journal: Journal, requests: list[Request]) -> Archive:
    archive = Archive(journal, KeptSink())
    archive.export()
    archive.exporting.anchor()
    return archive


class TestAnUntouchedTrail:
    def test_it_is_proved(self, archive: Archive) -> None:
        assert archive.verify() == Report(requests=3, facts=6, anchors=1, pending=0, findings=())

    def test_an_empty_one_is_proved(self, journal: Journal) -> None:
        archive = Archive(journal, KeptSink())
        archive.exporting.anchor()
        assert archive.verify() == Report(0, 0, 0, 0, ())

    def test_what_waits_for_the_sink_is_no_loss(self, archive: Archive, requests: list[Request]) -> None:
        approve(archive.journal, requests[2].id)
        assert archive.verify() == Report(3, 7, 1, 1, ())

    def test_it_stays_proved_over_days_in_which_it_grows(self, archive: Archive, requests: list[Request]) -> None:
        for day in range(1, 4):
            archive.now = NOW + day * DAY
            archive.journal.move(requests[0].id, happened(Deed.RETURNED, at=archive.now))
            archive.exporting.anchor()
            archive.export()
        assert archive.verify() == Report(3, 9, 4, 0, ())

    def test_records_that_were_written_twice_are_no_harm(self, archive: Archive, requests: list[Request]) -> None:
        twice = {f"{key}-again": record for key, record in archive.sink.records.items()}
        archive.sink.records |= {key: Record(key, record.body) for key, record in twice.items()}
        assert archive.verify().findings == ()


class TestFactsThatOnlyANewerVersionKnows:
    """They are proved like every other one; what they mean, and what follows of it, is left to that version."""

    @pytest.fixture
    def newer(self, archive: Archive, requests: list[Request]) -> Archive:
        archive.journal.move(requests[2].id, paused())
        approve(archive.journal, requests[2].id)
        return archive

    def put_by_the_newer_version(self, archive: Archive, request: Request) -> None:
        """Let the sink have them as that version writes them, which gathers something else from them."""
        for record in records_of(archive.journal.facts(request.id))[1:]:
            its: Any = record.body["request"]
            archive.sink.put([Record(record.key, {**record.body, "request": {**its, "outcome": "paused"}})])
        archive.sql(sa.update(effects).values(done=effects.c.wanted))

    def test_are_counted_and_wait_for_that_version_to_write_them(self, newer: Archive) -> None:
        newer.export()
        assert newer.verify() == Report(3, 8, 1, 2, (), newer=1)
        told = report(newer.verify())
        assert "2 facts wait for the sink." in told
        assert "1 facts are such as only a newer version of Sallyport knows" in told

    def test_are_no_finding_once_it_has(self, newer: Archive, requests: list[Request]) -> None:
        self.put_by_the_newer_version(newer, requests[2])
        assert newer.verify() == Report(3, 8, 1, 0, (), newer=1)

    @pytest.mark.parametrize("number", [2, 3])
    def test_are_found_edited_like_every_other_one(
        self, newer: Archive, requests: list[Request], number: int
    ) -> None:
        self.put_by_the_newer_version(newer, requests[2])
        newer.edit(f"{requests[2].id}/{number:05d}", by="eve@example.com")
        assert any("is not what was recorded" in finding for finding in newer.verify().findings)
        newer.sql(sa.update(facts).where(facts.c.number == number).values(by="mallory@example.com"))
        assert any(finding.startswith(requests[2].id) for finding in newer.verify().findings)

    def test_add_nothing_to_what_is_told_of_their_request(self, newer: Archive, requests: list[Request]) -> None:
        known = [fact for fact, _ in newer.journal.facts(requests[2].id)]
        assert context_of(known[:2]) == context_of(known[:1])


class TestExporting:
    def test_each_request_s_facts_arrive_in_order_and_once(
        self, archive: Archive, requests: list[Request]
    ) -> None:
        keys = [key for key in archive.sink.records if key.startswith(requests[0].id)]
        assert [key.partition("/")[2] for key in keys] == ["00001-asked", "00002-approved", "00003-committed"]

    def test_a_sink_that_is_away_keeps_nothing_else_from_being_done(
        self, archive: Archive, requests: list[Request]
    ) -> None:
        archive.sink.fault = TryLater("S3", "take a record", "no connection")
        approve(archive.journal, requests[2].id)
        work = claim(archive.journal, Lane.AUDIT, "audit")
        with pytest.raises(TryLater):
            archive.exporting.export(work, archive.journal.request(work.request_id))
        waiting = {row.after for row in archive.journal.waiting()}
        assert "audit" not in waiting
        assert archive.journal.claim(Lane.COMMIT, NOW, 9)

    def test_a_sink_that_took_a_part_gets_the_rest_at_the_next_attempt(
        self, archive: Archive, requests: list[Request]
    ) -> None:
        approve(archive.journal, requests[2].id)
        work = claim(archive.journal, Lane.AUDIT, "audit")
        archive.exporting.export(work, archive.journal.request(work.request_id))  # and dies before it says so
        archive.journal.retry(work, NOW, "lost", uncertain=True)
        archive.export()
        assert archive.verify() == Report(3, 7, 1, 0, ())

    def test_a_tampered_chain_is_not_confirmed(self, archive: Archive, requests: list[Request]) -> None:
        archive.sql(sa.update(facts).where(facts.c.deed == "asked").values(by=LEE))
        approve(archive.journal, requests[2].id)
        work = claim(archive.journal, Lane.AUDIT, "audit")
        with pytest.raises(Refused, match="fact 1 \\(asked\\) is not what was recorded"):
            archive.exporting.export(work, archive.journal.request(work.request_id))

    def test_what_was_recorded_before_there_was_a_sink_is_exported_too(self, store: Store) -> None:
        from alembic import command
        from alembic.config import Config

        from coordinator.journal.store import MIGRATIONS

        journal = store.journal()
        made = journal.submit(ask())
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with store.engines[0].begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "0003")
        journal = store.journal()
        archive = Archive(journal, KeptSink())
        archive.export()
        assert list(archive.sink.records) == [f"{made.id}/00001-asked"]


class TestAnchors:
    def test_there_is_one_a_day_and_it_lists_what_grew(self, archive: Archive, requests: list[Request]) -> None:
        archive.exporting.anchor()
        archive.now = NOW + DAY
        approve(archive.journal, requests[2].id)
        archive.exporting.anchor()
        first, second = Trail(archive.journal).anchors()
        assert (first.anchor.day, second.anchor.day) == ("2026-11-21", "2026-11-22")
        assert set(first.anchor.heads) == {request.id for request in requests}
        assert set(second.anchor.heads) == {requests[2].id}
        assert (second.anchor.requests, second.anchor.facts) == (3, 7)
        assert (first.anchor.previous, second.anchor.previous) == (FIRST, first.digest)
        assert anchored([first.anchor, second.anchor]) == Trail(archive.journal).heads()

    def test_one_that_the_sink_did_not_take_goes_there_later(self, archive: Archive) -> None:
        archive.now, archive.sink.fault = NOW + DAY, TryLater("S3", "take a record", "no connection")
        with pytest.raises(TryLater):
            archive.exporting.anchor()
        assert [kept.exported for kept in Trail(archive.journal).anchors()] == [True, False]
        assert archive.verify().findings == ()
        archive.sink.fault = None
        archive.exporting.anchor()
        assert "anchors/2026-11-22" in archive.sink.records

    def test_two_replicas_make_one(self, store: Store) -> None:
        from tests.coordinator.test_journal import at_once

        journals = [store.journal(), store.journal()]
        journals[0].submit(ask())
        made = at_once(*[lambda j=j: Trail(j).anchor(NOW) for j in journals])
        assert not [one for one in made if isinstance(one, Exception)]
        assert len(Trail(journals[0]).anchors()) == 1

    def test_there_is_none_over_nothing(self) -> None:
        assert next_anchor([], {}, NOW) is None


def forged(archive: Archive, request: Request, number: int, **different: Any) -> None:
    """Rewrite a fact in the journal with a digest to match, as somebody who knows how does."""
    fact, _ = archive.journal.facts(request.id)[number - 1]
    content = {**fact.to_mapping(), **different}
    mine = sa.and_(facts.c.request_id == request.id, facts.c.number == number)
    archive.sql(sa.update(facts).where(mine).values(**different, digest=digest_of(content)))


class TestWhatIsFoundInTheJournal:
    def test_an_edit(self, archive: Archive, requests: list[Request]) -> None:
        archive.sql(sa.update(facts).where(facts.c.deed == "approved").values(by="eve@example.com"))
        assert f"{requests[0].id}: fact 2 (approved) is not what was recorded" in archive.verify().findings

    def test_an_edit_of_the_last_fact_with_a_digest_to_match(
        self, archive: Archive, requests: list[Request]
    ) -> None:
        forged(archive, requests[0], 3, by="eve@example.com")
        assert archive.verify().findings == (
            f"journal: {requests[0].id}: fact 3 is not the one that the anchor of 2026-11-21 saw",
            f"{requests[0].id}: fact 3 is another one in the sink than in the journal",
        )

    def test_facts_dropped_from_the_end(self, archive: Archive, requests: list[Request]) -> None:
        archive.sql(sa.delete(facts).where(facts.c.deed == "committed"))
        assert archive.verify().findings == (
            f"journal: {requests[0].id}: it ends with fact 2, but the anchor of 2026-11-21 saw 3 facts of it",
            f"{requests[0].id}: fact 3 is in the sink only",
        )

    def test_a_request_dropped_whole(self, archive: Archive, requests: list[Request]) -> None:
        archive.sql(sa.delete(facts).where(facts.c.request_id == requests[1].id))
        assert f"journal: {requests[1].id}: it is gone; the anchor of 2026-11-21 saw 2 facts of it" in (
            archive.verify().findings
        )

    def test_facts_dropped_together_with_their_anchors_and_effects(
        self, archive: Archive, requests: list[Request]
    ) -> None:
        for table in (facts, effects):
            archive.sql(sa.delete(table).where(table.c.request_id == requests[1].id))
        archive.sql(sa.delete(anchors))
        findings = archive.verify().findings
        assert "the anchor of 2026-11-21 is in the sink only" in findings
        assert f"{requests[1].id}: fact 1 is in the sink only" in findings

    def test_another_database_in_its_place(self, archive: Archive, sqlite: Store) -> None:
        other = Archive(sqlite.journal(), archive.sink)
        if other.journal.ids():  # the same one, where the archive is on SQLite
            other.sql(sa.delete(facts))
            other.sql(sa.delete(anchors))
        other.journal.submit(ask("other"))
        assert any("in the sink only" in finding for finding in other.verify().findings)

    def test_an_edited_anchor(self, archive: Archive) -> None:
        archive.sql(sa.update(anchors).values(facts=99))
        assert "journal: the anchor of 2026-11-21 is not what was recorded" in archive.verify().findings

    def test_an_anchor_dropped_from_between(self, archive: Archive, requests: list[Request]) -> None:
        for day in (1, 2):
            archive.now = NOW + day * DAY
            archive.exporting.anchor()
        archive.sql(sa.delete(anchors).where(anchors.c.day == "2026-11-22"))
        assert archive.verify().findings == (
            "journal: before the anchor of 2026-11-23 an anchor is missing",
            "the anchor of 2026-11-22 is in the sink only",
        )


class TestWhatIsFoundInTheSink:
    @pytest.mark.parametrize(
        "different",
        [
            {"by": "eve@example.com"},
            {"deed": "denied"},
            {"at": "2026-11-21T10:00:00Z"},
            {"details": {}},
            {"previous": FIRST},
            {"number": 7},
            {"digest": "0" * 64},
        ],
        ids=lambda different: next(iter(different)),
    )
    def test_an_edit_of_a_fact(self, archive: Archive, requests: list[Request], different: dict[str, Any]) -> None:
        archive.edit(f"{requests[0].id}/00002", **different)
        assert any(requests[0].id in finding for finding in archive.verify().findings)

    @pytest.mark.parametrize("different", [{"request": {}}, {"note": "added"}, {"kind": "other"}])
    def test_an_edit_of_what_stands_beside_a_fact(
        self, archive: Archive, requests: list[Request], different: dict[str, Any]
    ) -> None:
        archive.edit(f"{requests[0].id}/00002", **different)
        assert archive.verify().findings

    def test_a_context_that_names_somebody_else(self, archive: Archive, requests: list[Request]) -> None:
        key = archive.key(f"{requests[0].id}/00002")
        context: Any = archive.sink.records[key].body["request"]
        archive.edit(key, request={**context, "requester": "eve@example.com"})
        (finding,) = archive.verify().findings
        assert "fact 2 (approved) tells something else of its request" in finding

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_a_dropped_record_wherever_it_was(
        self, archive: Archive, requests: list[Request], number: int
    ) -> None:
        archive.drop(f"{requests[0].id}/0000{number}")
        assert f"{requests[0].id}: fact {number} is gone from the sink" in archive.verify().findings

    def test_a_request_dropped_whole(self, archive: Archive, requests: list[Request]) -> None:
        archive.drop(requests[1].id)
        assert [f for f in archive.verify().findings if "gone from the sink" in f] == [
            f"{requests[1].id}: fact {number} is gone from the sink" for number in (1, 2)
        ]

    def test_an_order_that_is_not_that_of_the_facts(self, archive: Archive, requests: list[Request]) -> None:
        archive.sink.records = dict(reversed(archive.sink.records.items()))
        assert any("stands after fact" in finding for finding in archive.verify().findings)

    def test_a_record_of_a_request_that_never_was(self, archive: Archive, requests: list[Request]) -> None:
        body: dict[str, Any] = dict(archive.sink.records[f"{requests[2].id}/00001-asked"].body)
        content = {**body, "request_id": "aw-999999"}
        for name in ("kind", "digest", "request"):
            del content[name]
        body |= content | {"digest": digest_of(content)}
        archive.sink.records["aw-999999/00001-asked"] = Record("aw-999999/00001-asked", body)
        assert archive.verify().findings == ("aw-999999: fact 1 is in the sink only",)

    def test_a_dropped_and_an_edited_anchor(self, archive: Archive) -> None:
        archive.edit("anchors/2026-11-21", facts=99)
        assert any("anchor of 2026-11-21 is not what was recorded" in f for f in archive.verify().findings)
        archive.drop("anchors/")
        assert archive.verify().findings == ("the anchor of 2026-11-21 is gone from the sink",)

    def test_what_is_no_record(self, archive: Archive) -> None:
        class Garbage(Record):
            @property
            def line(self) -> str:
                return "[" * 100_000

        archive.sink.records["x"] = Garbage("x", {})
        (finding,) = archive.verify().findings
        assert finding.startswith("sink: x: it is no record")


class TestWhatIsFoundOnlyByBoth:
    def test_the_same_end_dropped_from_both_is_shown_by_the_anchor(
        self, archive: Archive, requests: list[Request]
    ) -> None:
        archive.sql(sa.delete(facts).where(facts.c.deed == "committed"))
        archive.drop(f"{requests[0].id}/00003")
        sentence = f"{requests[0].id}: it ends with fact 2, but the anchor of 2026-11-21 saw 3 facts of it"
        assert archive.verify().findings == (f"journal: {sentence}", f"sink: {sentence}")


def test_a_record_s_line_is_json_that_says_what_the_record_says(archive: Archive) -> None:
    for record in archive.sink.records.values():
        assert json.loads(record.line) == record.body
        assert record.line.isascii()
        assert "\n" not in record.line
