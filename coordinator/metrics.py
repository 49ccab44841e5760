"""What operators watch; names follow Prometheus' conventions, and no label names a person."""

from __future__ import annotations

import collections

from prometheus_client import Counter, Gauge, Histogram

from coordinator.alerts import Kind
from coordinator.journal import Journal
from coordinator.lifecycle import PLATFORMS
from coordinator.standing import Board
from sallyport.times import utc_now

ACK_SECONDS = Histogram(
    "sallyport_slack_ack_seconds",
    "From a Slack request's arrival to its acknowledgement",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3),
)
WORKER_STARTS = Counter("sallyport_worker_starts", "How often the worker's process was started; one is usual")
EFFECTS_PENDING = Gauge("sallyport_effects_pending", "Effects that are due and not done", ["lane"])
EFFECTS_OLDEST = Gauge("sallyport_effects_oldest_seconds", "How long the longest has been due", ["lane"])
SILENT = Gauge("sallyport_platform_silent_seconds", "How long a platform has not answered", ["platform"])
ALERTS = Gauge("sallyport_alerts", "Alerts that stand, by what they are about", ["kind"])
BREAK_GLASS = Gauge(  # counted in the journal, so that neither a restart nor another replica counts anew
    "sallyport_break_glass_total", "How often somebody went ahead in an emergency", ["flow", "environment"]
)


def observe_journal(journal: Journal) -> None:
    """Measure what is due and not done, who does not answer, which alerts stand, and how many emergencies."""
    for where, count in journal.emergencies().items():
        BREAK_GLASS.labels(*where).set(count)
    now = utc_now()
    standing = collections.Counter(
        alert.subject.partition(":")[0] for alert in Board(journal).all() if not alert.over
    )
    for kind in Kind:
        ALERTS.labels(kind.value).set(standing[kind.value])
    since = {silence.platform: silence.since for silence in journal.silences()}
    for platform in PLATFORMS.values():
        SILENT.labels(platform).set((now - (since.get(platform) or now)).total_seconds())
    EFFECTS_PENDING.clear()
    EFFECTS_OLDEST.clear()
    for lane, (count, oldest) in journal.backlog(now).items():
        EFFECTS_PENDING.labels(lane).set(count)
        EFFECTS_OLDEST.labels(lane).set((now - oldest).total_seconds())
