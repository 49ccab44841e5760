"""AWS is away, or has too many calls, for longer than a job has patience: what is approved waits.

It ends as if nothing had happened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest.mock import patch

import pytest

from actions.results import Teller
from tests.faults.journeys import JOURNEYS
from tests.faults.matrix import is_write, run
from tests.faults.premises import Premises
from tests.faults.story import must_be_same
from tests.faults.wire import Call, Mishap
from tests.faults.world import Differs

OF_ONE_JOB = 20  # calls that a job makes in vain at most: looks, each sent again by the client
OF_ONE_JOB_S_WRITE = 24  # and a change, six times in a row after each of four looks


@dataclass
class Away:
    """AWS hangs up on the first calls of the jobs that apply; more than one of them can be refused with that."""

    mishap: Mishap = Mishap.RESET_BEFORE
    left: int = 2 * OF_ONE_JOB + 5
    at: Callable[[Call], bool] = lambda _: True  # those of the calls

    def __call__(self, call: Call) -> Mishap | None:
        if call.doing != "apply-job" or call.platform != "aws" or not self.left or not self.at(call):
            return None
        self.left -= 1
        return self.mishap


def but_for_the_wait(story: list[str]) -> Iterator[str]:
    """Leave out that it waited, which is a fact with its comment, its reply, and what the requester was told."""
    [waited] = [int(found[1]) for line in story if (found := re.match(r"  fact (\d+): unanswered", line))]

    def as_before(found: re.Match[str]) -> str:
        number = int(found[2])
        return f"{found[1]}{number - 1 if number > waited else number}"

    told = (":tell:unanswered", f":fact:{waited}", f"fact {waited}: ", f":reply:{waited}")
    runs = set()
    for line in story:
        is_again = line.startswith("run ") and line in runs
        runs.add(line)
        if not is_again and not any(words in line.partition(" in ")[0] for words in told):
            yield re.sub(r"(fact[ :])(\d+)", as_before, re.sub(r"\d+ facts", "the facts", line))


@pytest.mark.parametrize("mishap", [Mishap.RESET_BEFORE, Mishap.LIMITED_BEFORE])
@pytest.mark.parametrize("name", ["whitelisting-jobs", "access-jobs"])
def test_it_ends_as_if_aws_had_been_there(premises: Premises, name: str, mishap: Mishap) -> None:
    journey, away = JOURNEYS[name], Away(mishap)
    undisturbed = [re.sub(r"\d+ facts", "the facts", line) for line in run(premises, journey).story]
    ended = run(premises, journey, away)
    assert (away.left, ended.deaths) == (0, [])
    must_be_same(undisturbed, list(but_for_the_wait(ended.story)), name)


@pytest.mark.parametrize("name", ["whitelisting-jobs", "access-jobs"])
def test_it_ends_as_if_aws_had_taken_every_change_at_once(premises: Premises, name: str) -> None:
    throttled = Away(Mishap.LIMITED_BEFORE, OF_ONE_JOB_S_WRITE + 3, is_write)
    journey = JOURNEYS[name]
    undisturbed = [re.sub(r"\d+ facts", "the facts", line) for line in run(premises, journey).story]
    ended = run(premises, journey, throttled)
    assert (throttled.left, ended.deaths) == (0, [])
    must_be_same(undisturbed, list(but_for_the_wait(ended.story)), name)


def test_a_build_in_which_jobs_take_silence_for_a_failure_is_noticed(premises: Premises) -> None:
    journey = JOURNEYS["whitelisting-jobs"]
    undisturbed = run(premises, journey).story
    with patch.object(Teller, "_is_unanswered", lambda *_, **__: False):
        ended = run(premises, journey, Away())
    with pytest.raises(Differs, match="request aw-222222 failed"):
        must_be_same(undisturbed, ended.story, "deaf")
