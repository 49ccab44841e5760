"""The little of JIRA's wiki text that our tickets use, as HTML: paragraphs, headings, lists, bold, code, links.

All text is escaped before any markup is looked for, and backslash escapes are honoured, so what was
typed as data stays data.
"""

from __future__ import annotations

import re
from html import escape

_ESCAPED = re.compile(r"(?<!\\)\\([-#*_+?^~|%{}\[\]()!@])")
_HEADING = re.compile(r"h([1-6])\.\s+(.*)")
_BULLET = re.compile(r"[*-]\s+(.*)")
_INLINE = (
    (re.compile(r"\{\{(.+?)\}\}"), r"<code>\1</code>"),
    (re.compile(r"\[([^|\[\]]+)\|(https?://[^|\[\]\s]+)\]"), r'<a href="\2" rel=noreferrer>\1</a>'),
    (re.compile(r"(?<!\w)\*(\S(?:[^*\n]*\S)?)\*(?!\w)"), r"<b>\1</b>"),
)


def as_html(text: str) -> str:
    """One block of wiki text as safe HTML."""
    return "".join(_line(line) for line in text.splitlines())


def _line(line: str) -> str:
    if heading := _HEADING.fullmatch(line):
        return f"<h{heading[1]}>{_inline(heading[2])}</h{heading[1]}>"
    if bullet := _BULLET.fullmatch(line):
        return f"<p>• {_inline(bullet[1])}</p>"
    return f"<p>{_inline(line)}</p>" if line.strip() else "<br>"


def _inline(text: str) -> str:
    """Escaped signs become character references first, so that no markup is made of them."""
    marked = escape(_ESCAPED.sub(lambda found: f"\ue000{ord(found[1])}\ue001", text))
    for pattern, html in _INLINE:
        marked = pattern.sub(html, marked)
    return re.sub("\ue000(\\d+)\ue001", r"&#\1;", marked)
