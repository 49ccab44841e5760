"""The matrix is worth what it catches: builds that are broken on purpose, each found out by one of its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from slack_sdk.http_retry import default_retry_handlers

from coordinator.audit.exporting import Exporting
from coordinator.audit.records import anchor_record
from coordinator.audit.s3_sink import S3Sink
from coordinator.audit.trail import Trail
from coordinator.outside.messages import Messages
from coordinator.slack.filling import Filling
from sallyport.platforms.errors import Refused
from sallyport.platforms.slack import Slack
from tests.faults.matrix import cell_named, check, run
from tests.faults.premises import Premises
from tests.faults.world import Differs


@contextmanager
def a_client_that_sends_writes_again() -> Iterator[None]:
    connect = Slack.connect

    def connected(*arguments: Any, **options: Any) -> Slack:
        slack = connect(*arguments, **options)
        slack._web.retry_handlers = default_retry_handlers()
        return slack

    with patch.object(Slack, "connect", connected):
        yield


def a_lease_shorter_than_a_call() -> AbstractContextManager[object]:
    return patch("coordinator.journal.effects.LEASE", timedelta(seconds=5))


def no_look_before_a_second_post() -> AbstractContextManager[object]:
    return patch.object(Messages, "_find", lambda *_: {})


@contextmanager
def words_before_the_commit() -> Iterator[None]:
    submitted = Filling.submitted

    def hasty(filling: Filling, ack: Any, body: Any) -> None:
        filling.answering.slack.post("C0INFRA", "A request is on its way.", marker="hasty")
        submitted(filling, ack, body)

    with patch.object(Filling, "submitted", hasty):
        yield


def no_look_at_a_key_that_is_taken() -> AbstractContextManager[object]:
    taken = Refused("S3", "take a record", "another record stands there")
    return patch.object(S3Sink, "_insist_on_same", side_effect=taken)


def an_anchor_that_counts_as_kept_before_the_sink_has_it() -> AbstractContextManager[object]:
    def hasty(exporting: Exporting) -> None:
        trail = Trail(exporting.journal)
        trail.anchor(exporting.now())
        for kept in trail.anchors():
            if not kept.exported:
                trail.mark_exported(kept.anchor)
                exporting.sink.put([anchor_record(kept.anchor, kept.digest)])

    return patch.object(Exporting, "anchor", hasty)


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        (a_client_that_sends_writes_again, "whitelisting.thread.slack.chat.postMessage.reset-after"),
        (a_lease_shorter_than_a_call, "whitelisting.thread.slack.chat.postMessage.slow"),
        (no_look_before_a_second_post, "whitelisting.thread.slack.chat.postMessage.crash-after"),
        (words_before_the_commit, "whitelisting.person.journal.submit.reset-before"),
        (
            no_look_at_a_key_that_is_taken,
            "anchored-in-bucket.audit.aws.PUT.acme-audit.trail.ID.FACT.json.reset-after",
        ),
        (
            an_anchor_that_counts_as_kept_before_the_sink_has_it,
            "anchored-in-bucket.anchor.aws.PUT.acme-audit.trail.anchors.DAY.json.reset-before",
        ),
    ],
)
def test_a_broken_build_turns_the_matrix_red(
    premises: Premises, broken: Callable[[], AbstractContextManager[object]], name: str
) -> None:
    cell = cell_named(name)
    check(premises, cell, run(premises, cell.journey))
    with broken():
        undisturbed = run(premises, cell.journey)
        with pytest.raises(Differs):
            check(premises, cell, undisturbed)
