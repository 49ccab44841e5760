"""Anchors that the sink does not take: operators hear of it, and a short absence is no news."""

from __future__ import annotations

from datetime import timedelta

import pytest

from coordinator.anchoring import PATIENCE
from sallyport.platforms.errors import PlatformError, Refused, TryLater, Unknown
from tests.coordinator.tower import Tower

MOMENT = timedelta(seconds=1)
AWAY = [TryLater("S3", "keep the anchor", "no connection"), Unknown("S3", "keep the anchor", "timed out")]


@pytest.mark.parametrize("away", AWAY, ids=lambda fault: type(fault).__name__)
def test_a_sink_that_is_away_is_told_after_an_hour_and_once(tower: Tower, away: PlatformError) -> None:
    tower.desk.submit()
    tower.desk.sink.fault = away
    for later in (timedelta(), PATIENCE - MOMENT):
        tower.desk.now += later
        tower.anchoring.look()
    assert tower.said == []
    tower.desk.now += MOMENT
    tower.anchoring.look()
    tower.anchoring.look()
    [told] = tower.said
    assert "does not have the anchor of 2026-" in told
    tower.desk.sink.fault = None
    tower.anchoring.look()
    assert tower.said[1].startswith(":white_check_mark: Over:")
    assert any(key.startswith("anchors/") for key in tower.desk.sink.records)


def test_a_sink_that_refuses_is_told_at_once(tower: Tower) -> None:
    tower.desk.submit()
    tower.desk.sink.fault = Refused("The audit sink", "keep the anchor", "another record stands there")
    tower.anchoring.look()
    [told] = tower.said
    assert "another record stands there" in told


def test_a_sink_that_takes_all_is_no_news(tower: Tower) -> None:
    tower.desk.submit()
    tower.anchoring.look()
    assert tower.said == []
