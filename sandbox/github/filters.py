"""GitHub's branch and path filters of `on: push`, which act ignores: patterns with `*`, `**`, `?`, `+`, `[]`, `!`.

Source: docs.github.com, "Workflow syntax", filter pattern cheat sheet. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def matches(patterns: Sequence[str], name: str) -> bool:
    """Whether the last pattern that speaks about `name` lets it in; a `!` pattern takes it out again."""
    inside = False
    for pattern in patterns:
        if _regex(pattern.removeprefix("!")).fullmatch(name):
            inside = not pattern.startswith("!")
    return inside


def any_path_matches(patterns: Sequence[str], paths: Iterable[str]) -> bool:
    return any(matches(patterns, path) for path in paths)


def all_paths_match(patterns: Sequence[str], paths: Iterable[str]) -> bool:
    return all(matches(patterns, path) for path in paths)


def _regex(pattern: str) -> re.Pattern[str]:
    out, rest = "", pattern
    while rest:
        piece, translated = _next(rest)
        out += translated
        rest = rest[len(piece) :]
    return re.compile(out)


def _next(rest: str) -> tuple[str, str]:
    if rest.startswith("**/"):
        return "**/", "(?:.*/)?"
    if rest.startswith("**"):
        return "**", ".*"
    if rest[0] == "*":
        return "*", "[^/]*"
    if rest[0] in "?+":
        return rest[0], rest[0]
    if rest[0] == "[" and (found := re.match(r"\[[^\]]+\]", rest)):
        return found.group(), found.group()
    if rest[0] == "\\" and len(rest) > 1:
        return rest[:2], re.escape(rest[1])
    return rest[0], re.escape(rest[0])
