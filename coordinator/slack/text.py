"""What a person typed after a command, as they meant it, and how much of an answer one message takes.

Slack and phones change quotes, dashes and spaces.
"""

from __future__ import annotations

import re
from itertools import accumulate

LONGEST = 2800  # characters of one answer: it stands in one block of at most 3000
_QUOTES = {"“": "”", '"': '"', "‘": "’", "'": "'", "«": "»", "„": "“"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def tidy(text: str) -> str:
    """Return *text* without invisible characters, outer spaces, and quotes around the whole."""
    text = _CONTROL.sub("", text.replace("\u00a0", " ")).strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
        text = text[1:-1].strip()
    return text


def cut(text: str, longest: int) -> str:
    """Return *text*, which may have that many characters, and shows where it had more."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def bounded(text: str) -> str:
    """Return as many lines of *text* as one block takes, and say how many there are more."""
    lines = text.split("\n")
    ends = accumulate(len(line) + 1 for line in lines)
    shown = sum(end <= LONGEST for end in ends)
    return text if shown == len(lines) else "\n".join([*lines[:shown], f"and {len(lines) - shown} more"])
