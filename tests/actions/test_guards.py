"""How many entries may lose what they have at once: a number, a share, and never only one of the two. Pure."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actions.executors.protocol import Claims, Plan, Step, Target, Verb
from actions.guards import excess_of
from sallyport.changes.protocol import Access
from sallyport.flows import Removals
from tests.actions.executors.support import START, whitelisting

TARGET = Target(
    "apigateway/222222222222/eu-west-1/a1payments", "prod", Access("222222222222", "eu-west-1", "role")
)
MOST = Removals(number=10, percent=34)


def would_end(doubted: int, live: int, *, lost_by_deadline: int = 0) -> tuple[str, ...]:
    """The ids by which a plan passes the threshold that ends *doubted* entries early beside *live* ones."""
    entries = [whitelisting(f"aw-{number:06}") for number in range(doubted + live + lost_by_deadline)]
    early, over, left = (
        entries[:doubted],
        entries[doubted : doubted + lost_by_deadline],
        entries[-live:] * bool(live),
    )
    over = [whitelisting(entry.id, expires_at=START - timedelta(seconds=1)) for entry in over]
    ids = frozenset(entry.id for entry in (*early, *over))
    claims = Claims(tuple(left), (*early, *over), {}, START, ids)
    steps = (Step(Verb.REMOVE, "Close.", tuple(sorted(ids))),)
    found = excess_of("api-whitelisting", Plan(TARGET, None, None, steps), claims, MOST)
    return found.ids if found else ()


@pytest.mark.parametrize(
    ("doubted", "live", "held"),
    [
        (1, 0, False),  # one alone
        (2, 0, True),  # all of a small set
        (2, 3, True),  # 40 percent
        (2, 4, False),  # 33 percent
        (10, 990, False),
        (11, 989, True),  # one percent, and more than ten
    ],
)
def test_a_plan_is_held_above_the_number_or_above_the_share_however_small_the_set(
    doubted: int, live: int, *, held: bool
) -> None:
    assert len(would_end(doubted, live)) == (doubted if held else 0)


def test_what_is_past_its_deadline_counts_for_nothing() -> None:
    assert would_end(1, 0, lost_by_deadline=50) == ()
