"""What operators must know, said once in the alert channel until it changes, and always in the log."""

from __future__ import annotations

import threading

import structlog

from sallyport.platforms.errors import PlatformError
from sallyport.platforms.slack import Slack
from sallyport.platforms.slack_text import escape

log = structlog.get_logger()


class Alerts:
    """Sends alerts to one Slack channel; without one they are in the log alone."""

    def __init__(self, slack: Slack, channel: str) -> None:
        self._slack = slack
        self._channel = channel
        self._said: dict[str, str] = {}
        self._lock = threading.Lock()

    def __call__(self, subject: str, sentence: str) -> None:
        """Tell the operators *sentence* about *subject*, unless that is what they were told last."""
        with self._lock:
            if self._said.get(subject) == sentence:
                return
            self._said[subject] = sentence
        log.error("alert", subject=subject, sentence=sentence)
        if not self._channel:
            return
        try:
            self._slack.post(self._channel, f":rotating_light: {escape(sentence)}", marker=f"alert:{subject}")
        except PlatformError as error:
            log.warning("alert.unsent", subject=subject, error=str(error))
            with self._lock:
                self._said.pop(subject, None)
