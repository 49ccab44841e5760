"""What a person typed, and moments in time, as Slack mrkdwn.

Nothing that a person typed may reach a mrkdwn field except through `escape`; where it can, put it in a
`plain_text` object instead, for `escape` leaves bold, italics and bare links as they are.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_MOMENT = re.compile(  # as entries and jobs write it; the form that Slack shows has an “at” of its own
    r"\b(?:at )?(?P<moment>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:Z| UTC)\b"
)
SHORT = "{date_short_pretty} at {time}"


def escape(text: str) -> str:
    """Return *text* with mrkdwn's control characters disarmed: no mention, channel, link or date survives.

    https://docs.slack.dev/messaging/formatting-message-text (escaping): `&`, `<` and `>`, and only those.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def date(moment: datetime, form: str = SHORT) -> str:
    """Return *moment* for the reader's own time zone, in UTC where Slack cannot show that.

    ValueError if *moment* has no time zone. *form* is ours, made of Slack's tokens such as `{date}`.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone, so it is no moment to show to people")
    fallback = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(moment.timestamp())}^{form}|{fallback}>"


def in_zone(sentence: str) -> str:
    """Return *sentence*, inert and of ours, with the moments it names in UTC for the reader's own time zone."""
    return _MOMENT.sub(_in_zone, sentence)


def _in_zone(found: re.Match[str]) -> str:
    try:
        return date(datetime.fromisoformat(found["moment"]).replace(tzinfo=UTC))
    except ValueError:
        return found[0]  # it looks like a moment and is none


def plain(sentence: str) -> str:
    """Return *sentence*, mrkdwn of ours, for a place that shows plain text, as errors in forms do.

    Moments are in UTC there, and say so, since only mrkdwn has them in the reader's zone.
    """
    text = _DATE.sub(r"\1", sentence)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
