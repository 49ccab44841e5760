"""Text for JIRA: values inside a JQL query, and people's words inside wiki text.

What a person typed must come out as the words they typed: never as a query, a link, a mention or a macro.
"""

from __future__ import annotations

import re
from typing import Final

JOINER: Final = (
    "\u2060"  # word joiner: no width, no break, no meaning; it parts signs that mean something together
)

# Quoted strings of JQL take no control characters and no Unicode non-characters as they are.
_JQL_UNSAFE = re.compile('[\\\\"\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]')

# Control characters, surrogates and the signs that turn reading direction around.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")

# Both renderers, Data Center's and Cloud's, take a backslash before these for "this sign as it is".
_ALWAYS_MARKUP = re.compile(r"[#*+^~|{}\[\]()!]")
_MARKUP_AT_A_WORD_EDGE = re.compile(r"(?<![0-9A-Za-z])[-_]|[-_](?![0-9A-Za-z])")
_CITATION = re.compile(r"\?(?=\?)|(?<=\?)\?")
_ESCAPABLE: Final = (_ALWAYS_MARKUP, _MARKUP_AT_A_WORD_EDGE, _CITATION)

# No backslash helps with these: a joiner goes where the match ends.
_BACKSLASH = re.compile(r"\\")
_HEADING_OR_QUOTE = re.compile(r"(?im)^[^\S\n]*(?:h[1-6]|bq)(?=\.)")
_ADDRESS = re.compile(r"(?i):(?=/)|(?:mailto|news|skype|callto|sip|tel|file|data|javascript):(?=\S)|www(?=\.)")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_BREAKABLE: Final = (_BACKSLASH, _HEADING_OR_QUOTE, _ADDRESS, _ENTITY)


def quote(value: str) -> str:
    """*value* as a quoted JQL string that means exactly *value*."""
    return f'"{_JQL_UNSAFE.sub(_jql_escape, value)}"'


def _jql_escape(found: re.Match[str]) -> str:
    sign = found[0]
    return f"\\{sign}" if sign in '\\"' else f"\\u{ord(sign):04x}"


def plain(text: str) -> str:
    """*text* as wiki text that shows just *text*: nothing in it is markup, a link, a mention or a macro.

    Line breaks stay; control characters and direction overrides go. The characters are the documented
    escapes of JIRA's wiki renderer; where it has none, an invisible word joiner keeps the signs apart.
    """
    shown = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    inserts = {found.end(): JOINER for pattern in _BREAKABLE for found in pattern.finditer(shown)}
    for pattern in _ESCAPABLE:
        for found in pattern.finditer(shown):
            inserts[found.start()] = inserts.get(found.start(), "") + "\\"
    return "".join(inserts.get(place, "") + shown[place : place + 1] for place in range(len(shown) + 1))
