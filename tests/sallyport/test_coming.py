"""What comes for an environment, on its way from the coordinator to the job that shows it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.coming import Coming, read_coming
from tests.sallyport.examples import emails, moments

NIGHT, MORNING = datetime(2026, 11, 25, 19, tzinfo=UTC), datetime(2026, 11, 26, 6, tzinfo=UTC)
askers = st.one_of(emails, st.just("schedule:nights"))
stops = st.builds(Coming, moments, st.none() | moments, askers)
keeps = st.builds(Coming, st.none(), st.none(), st.just(""), moments, emails)
both = st.builds(Coming, moments, moments, askers, moments, emails)


@given(st.one_of(st.just(Coming()), stops, keeps, both))
def test_it_is_read_as_it_was_written(coming: Coming) -> None:
    assert read_coming(coming.to_text()) == coming


@pytest.mark.parametrize(
    "text", ["stop", "kept/soon/kim@example.com", "stop/2026-11-25T19:00:00Z/later/x", "a/b/c"]
)
def test_what_nobody_wrote_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="“"):
        read_coming(text)


def test_it_says_who_asks_and_who_keeps_it_up() -> None:
    told = list(Coming(NIGHT, MORNING, "schedule:nights", NIGHT, "k<i>m@example.com").lines())
    assert told[0].startswith("Kept up until <!date^")
    assert told[0].endswith("by k&lt;i&gt;m@example.com.")
    assert told[1].endswith("asked by the schedule nights.")
    assert list(Coming().lines()) == []
