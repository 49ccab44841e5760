"""The line on the home tab that says whether everything gets through, and what waits where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from coordinator.lifecycle import Lane
from sallyport.platforms.slack_text import date

WELL = ":white_check_mark: All is well: nothing waits for JIRA, GitHub, Slack or AWS."
PATIENCE = timedelta(minutes=1)  # what gets through at the next attempt is no news
_GITHUB = (
    "GitHub has not answered since {since}; what is approved or over waits there, and is done when it is back."
)
_SENTENCES = {
    Lane.JIRA: "JIRA has not answered since {since}; tickets follow when it is back.",
    Lane.SLACK: "Some messages have not got through to Slack since {since}; they follow.",
    Lane.COMMIT: _GITHUB,
    Lane.DISPATCH: _GITHUB,
    Lane.RUNS: _GITHUB,
    Lane.EXPIRY: _GITHUB,
    Lane.AWS: "AWS has not answered since {since}; what is approved waits, and is applied when it is back.",
}


def health(away_since: Mapping[Lane, datetime], now: datetime) -> str:
    """Return a sentence, as mrkdwn, for each platform that has given no answer for a while."""
    earliest: dict[str, datetime] = {}
    for lane, since in away_since.items():
        sentence = _SENTENCES.get(lane)
        if sentence is not None and now - since >= PATIENCE:
            earliest[sentence] = min(since, earliest.get(sentence, since))
    told = [f":warning: {sentence.format(since=date(since))}" for sentence, since in sorted(earliest.items())]
    return "\n".join(told) or WELL
