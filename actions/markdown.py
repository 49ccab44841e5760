"""Text as Markdown that shows just that text: for job summaries and check runs, which anybody may fill with words.

Numeric entities are never Markdown's structure (CommonMark 6.2); a word joiner keeps GitHub's own filters,
which look for `@name` and `:word:` in the finished page, from finding one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

JOINER = "\u2060"  # no width and no break
_SIGNS = re.compile(r"""[\\`*_\[\]{}<>&|~#!$^@:"']""")
_MENTION = re.compile(r"(?<![\w.+-])@(?=\w)")
_SHORTCODE = re.compile(r":(?=[\w+-]+:)")
_ADDRESS = re.compile(r"(?i)\bwww(?=\.)")
_OF_ADDRESSES = "/:?&=%#+,;@"
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def inert(text: str) -> str:
    """Return *text* on one line, with nothing in it that Markdown, HTML or GitHub could act on."""
    line = _CONTROL.sub(" ", text).strip()
    for pattern in (_MENTION, _SHORTCODE, _ADDRESS):
        line = pattern.sub(lambda found: found[0] + JOINER, line)
    return _SIGNS.sub(lambda found: f"&#{ord(found[0])};", line)


def link(words: str, address: str) -> str:
    """Return *words* as a link; nothing in the address can end it early."""
    return f"[{inert(words)}]({quote(address, safe=_OF_ADDRESSES)})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def bounded(text: str, most: int) -> str:
    """Return *text* cut at a line's end so that it has at most *most* bytes, saying that it was cut."""
    data = text.encode()
    if len(data) <= most:
        return text
    note = "\n\n*The rest is in the job's log.*\n"
    kept = data[: most - len(note.encode())].decode(errors="ignore")
    return kept.rpartition("\n")[0] + note
