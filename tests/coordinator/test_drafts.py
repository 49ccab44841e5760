"""Drafts in the journal: the newest answers of each form, for a day, until the form is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.journal import Draft, Drafts, Journal
from coordinator.journal.drafts import KEPT_FOR
from coordinator.slack.drafting import Drafting
from tests.coordinator.asks import NOW, SECOND, ask
from tests.coordinator.conftest import Store

DRAFT = Draft("view:V1", "U0ANA", "prod-access", {"reason": "half a sen", "environment": "prod"}, NOW)


class TestDrafts:
    def test_what_is_typed_later_takes_the_place_of_what_was_typed_before(self, journal: Journal) -> None:
        later = replace(DRAFT, answers={"reason": "half a sentence"}, kept_at=NOW + SECOND)
        journal.drafts.keep(DRAFT)
        assert journal.drafts.of_form("view:V1", NOW) == DRAFT
        journal.drafts.keep(later)
        assert journal.drafts.of_form("view:V1", NOW) == later
        assert journal.drafts.of_person("U0ANA", NOW) == [later]

    def test_what_arrives_late_does_not(self, journal: Journal) -> None:
        journal.drafts.keep(DRAFT)
        journal.drafts.keep(replace(DRAFT, answers={"reason": "ha"}, kept_at=NOW - SECOND))
        assert journal.drafts.of_form("view:V1", NOW) == DRAFT

    def test_each_form_has_its_own_and_the_newest_comes_first(self, journal: Journal) -> None:
        other = replace(DRAFT, form="view:V2", flow="api-whitelisting", kept_at=NOW + SECOND)
        somebody_s = replace(DRAFT, form="view:V3", slack_id="U0KIM")
        for draft in (DRAFT, other, somebody_s):
            journal.drafts.keep(draft)
        assert journal.drafts.of_person("U0ANA", NOW) == [other, DRAFT]
        assert journal.drafts.of_person("U0LEE", NOW) == []

    def test_one_whose_form_was_sent_is_none_even_if_it_is_kept_afterwards(self, journal: Journal) -> None:
        journal.drafts.keep(DRAFT)
        journal.submit(ask("view:V1"))
        journal.drafts.keep(replace(DRAFT, kept_at=NOW + SECOND))
        assert journal.drafts.of_form("view:V1", NOW) is None
        assert journal.drafts.of_person("U0ANA", NOW) == []

    def test_it_is_forgotten_after_a_day(self, journal: Journal, store: Store) -> None:
        journal.drafts.keep(DRAFT)
        assert journal.drafts.of_form("view:V1", NOW + KEPT_FOR) == DRAFT
        assert journal.drafts.of_form("view:V1", NOW + KEPT_FOR + SECOND) is None
        tomorrow = NOW + KEPT_FOR + timedelta(hours=1)
        journal.drafts.keep(replace(DRAFT, form="view:V2", kept_at=tomorrow))
        assert journal.drafts.of_form("view:V1", NOW) is None, "it is not even stored"


class TestDrafting:
    @pytest.fixture
    def waiting(self) -> list[Callable[[], None]]:
        return []

    def test_writes_only_the_newest_of_what_waits(self, sqlite: Store, waiting: list[Callable[[], None]]) -> None:
        drafts = sqlite.journal().drafts
        drafting = Drafting(drafts, lambda do, *arguments: waiting.append(lambda: do(*arguments)))
        typed = [replace(DRAFT, answers={"reason": "x" * n}, kept_at=NOW + n * SECOND) for n in range(1, 6)]
        for draft in typed:
            drafting.keep(draft)
        drafting.keep(replace(DRAFT, form="view:V2"))
        assert len(waiting) == 2
        assert drafts.of_form("view:V1", NOW) is None
        for write in waiting:
            write()
        assert drafts.of_form("view:V1", NOW) == typed[-1]
        assert drafts.of_form("view:V2", NOW) is not None

    def test_settles_at_once_where_somebody_asks_for_it(
        self, sqlite: Store, waiting: list[Callable[[], None]]
    ) -> None:
        drafts = sqlite.journal().drafts
        drafting = Drafting(drafts, lambda do, *arguments: waiting.append(lambda: do(*arguments)))
        drafting.keep(DRAFT)
        drafting.settle("view:V1")
        assert drafts.of_form("view:V1", NOW) == DRAFT
        waiting[0]()
        assert drafts.of_form("view:V1", NOW) == DRAFT

    def test_settling_waits_for_a_write_that_is_under_way(self, sqlite: Store) -> None:
        drafts = sqlite.journal().drafts
        started, go_on = threading.Event(), threading.Event()

        class Slow(Drafts):
            def __init__(self) -> None:
                """It writes to the same journal."""

            def keep(self, draft: Draft) -> None:
                started.set()
                assert go_on.wait(10)
                drafts.keep(draft)

        drafting = Drafting(Slow(), lambda *_: None)
        drafting.keep(DRAFT)
        with ThreadPoolExecutor(2) as pool:
            writing = pool.submit(drafting.settle, "view:V1")
            assert started.wait(10)
            waiting = pool.submit(drafting.settle, "view:V1")
            assert not waiting.done()
            go_on.set()
            waiting.result(10)
            assert drafts.of_form("view:V1", NOW) == DRAFT
            writing.result(10)
