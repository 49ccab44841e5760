"""A minute full of approvals reaches GitHub in the order of time, in few calls, and within its limits."""

from __future__ import annotations

import pytest

from benchmarks.draining import HOUR, MINUTE, Course, drain
from coordinator.requests import State
from tests.coordinator.conftest import Installed, Store

REQUESTS = 120  # two a second; the benchmark has a thousand


@pytest.fixture
def course(sqlite: Store, installed: Installed) -> Course:
    journal = sqlite.journal()
    course = drain(journal, installed.policies, installed.signer, REQUESTS)
    assert {journal.request(one).state for one in course.asked} == {State.ACTIVE}
    return course


def test_it_drains_within_github_s_limits_and_without_losing_the_order_of_time(course: Course) -> None:
    assert course.most_in_any(MINUTE) <= 80
    assert course.most_in_any(HOUR) <= 500
    assert course.order_of("commit") == list(course.asked)
    assert sorted(course.order_of("dispatch")) == sorted(course.asked)
    for call in course.created:
        assert list(call.ids) == sorted(call.ids, key=course.asked.index)
    assert len(course.created) < REQUESTS  # of 2 calls for each
    assert course.took < 5 * MINUTE
