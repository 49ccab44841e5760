"""What a person typed after a command, as they meant it: Slack and phones change quotes, dashes and spaces."""

from __future__ import annotations

import re

_QUOTES = {"“": "”", '"': '"', "‘": "’", "'": "'", "«": "»", "„": "“"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def tidy(text: str) -> str:
    """Return *text* without invisible characters, outer spaces, and quotes around the whole."""
    text = _CONTROL.sub("", text.replace("\u00a0", " ")).strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
        text = text[1:-1].strip()
    return text
