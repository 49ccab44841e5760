"""What operators must know, with what to do: said once in the alert channel until it changes, and in the log.

What was said is in the journal, so that neither a restart nor another replica says it again, and an alert that
Slack did not take is not lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from coordinator.hearing import is_answer, unheard
from coordinator.journal.effects import CALL
from coordinator.lifecycle import PLATFORMS, Lane
from coordinator.standing import Board, Standing
from sallyport.platforms.errors import PlatformError
from sallyport.platforms.slack import Slack
from sallyport.platforms.slack_text import escape, in_zone

log = structlog.get_logger()

RUNBOOK = "docs/how-to/operate.md"  # it has a section for each kind, named as the kind is
SHOWN = 2000  # characters of a sentence that Slack shows at most


class Kind(StrEnum):
    """What an alert is about; also the name of its section in the runbook, and the metric's label."""

    OVERDUE = "overdue-revert"
    NOT_REVERTED = "failed-revert"
    STUCK = "stuck-effect"
    AWAY = "platform-away"
    SWEEP = "missed-sweep"
    CREDENTIALS = "credentials-refused"
    DRIFT = "drift"
    UNPROVEN = "unverifiable-entry"
    POLICIES = "broken-policies"
    WORKER = "worker-down"
    REVIEW = "review-not-accepted"
    ANCHOR = "anchor-not-kept"

    def about(self, what: str) -> str:
        """Return the subject of an alert of this kind: what it is about, such as a request's id."""
        return f"{self}:{what}"


TO_DO = {
    Kind.OVERDUE: "See whether expire.yml runs; start it by hand if it does not.",
    Kind.NOT_REVERTED: "Read the run's log; take it back by hand if AWS will not let the job.",
    Kind.STUCK: "Mend what it says, then “coordinator queue retry”.",
    Kind.AWAY: "See whether it is down for everybody, or only for us; “coordinator queue” shows what waits.",
    Kind.SWEEP: "See whether GitHub has disabled the schedule of expire.yml.",
    Kind.CREDENTIALS: "Give the coordinator valid credentials, and start it again.",
    Kind.DRIFT: "See the tickets; mend it, or close a ticket to accept what it tells.",
    Kind.UNPROVEN: "Find out who changed the entry; nothing of it is in force.",
    Kind.WORKER: "Read the log of “coordinator serve”; it is started again and again.",
    Kind.REVIEW: "Have somebody else than the requester review it and close it.",
    Kind.ANCHOR: "See whether the sink can be written, and run “coordinator audit verify”.",
    Kind.POLICIES: "Mend policies/ on main, or revert the commit that broke them.",
}


@dataclass(frozen=True, slots=True)
class Alerts:
    """Sends alerts to one Slack channel; without one they are in the log, the metrics and the journal alone."""

    board: Board
    slack: Slack
    channel: str
    runbook: str  # its address
    now: Callable[[], datetime]

    def __call__(self, subject: str, sentence: str) -> None:
        """Tell the operators *sentence* about *subject*, unless that is what they were told last."""
        alert = self.board.raised(subject, sentence[:SHOWN], self.now())
        if alert is not None:
            log.error("alert", subject=subject, sentence=sentence)
            self._tell(alert)

    def note(self, subject: str, sentence: str) -> None:
        """Keep in mind what the job that found it tells the operators by itself; its end is told from here."""
        alert = self.board.raised(subject, sentence[:SHOWN], self.now())
        if alert is not None:
            log.error("alert", subject=subject, sentence=sentence)
            self.board.told(alert)

    def over(self, subject: str, since: datetime | None = None) -> None:
        """Tell the operators that the cause of an alert is gone, if one stands, and stands *since* then."""
        alert = self.board.ended(subject, self.now(), since)
        if alert is not None:
            log.info("alert.over", subject=subject)
            self._tell(alert)

    def retell(self) -> None:
        """Tell what Slack did not take before; what it took without saying so is found.

        What is as young as a call may take is left to whoever raised it, and may be telling it just now.
        """
        now = self.now()
        for alert in self.board.all():
            if not alert.told and now - alert.since >= CALL:
                self._tell(alert, look=True)

    def _tell(self, alert: Standing, *, look: bool = False) -> None:
        if self.channel and self._nobody_listens():
            return
        try:
            if self.channel and not (look and self._is_there(alert)):
                self.slack.post(self.channel, words(alert, self.runbook), marker=_marker(alert))
        except PlatformError as error:
            log.warning("alert.unsent", subject=alert.subject, error=str(error))
            if not is_answer(error):
                self.board.journal.unheard(Lane.SLACK, unheard(error, self.now()))
        else:
            self.board.told(alert)
            self.board.journal.answered(Lane.SLACK, self.now())

    def _nobody_listens(self) -> bool:
        """Tell whether Slack is left in peace just now: an alert that cannot be sent is told later."""
        silences = self.board.journal.silences()
        return any(one.platform == PLATFORMS[Lane.SLACK] and one.until > self.now() for one in silences)

    def _is_there(self, alert: Standing) -> bool:
        oldest = f"{alert.since.timestamp() - 60:.6f}"
        return self.slack.find(self.channel, _marker(alert), oldest=oldest) is not None


def words(alert: Standing, runbook: str) -> str:
    """Say an alert as mrkdwn: what is wrong, what to do, and where that is described.

    One of a kind that only another version knows stands in the journal too, after an upgrade or beside an older
    replica: it is told without a word on what to do.
    """
    if alert.over:
        return f":white_check_mark: Over: {in_zone(escape(alert.sentence))}"
    wrong = f":rotating_light: {in_zone(escape(alert.sentence))}"
    kind = next((kind for kind in Kind if alert.subject.startswith(kind.about(""))), None)
    if kind is None:
        return f"{wrong}\n<{runbook}|Runbook>"
    return f"{wrong}\n{escape(TO_DO[kind])} <{runbook}#{kind}|Runbook>"


def _marker(alert: Standing) -> str:
    content = f"{alert.subject}\n{alert.sentence}\n{alert.over}\n{alert.since.timestamp()}"
    return f"alert:{hashlib.sha256(content.encode()).hexdigest()[:16]}"
