"""IAM's `*` and `?` patterns: whether two of them can mean the same thing. `*` crosses slashes."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r"\{[^{}]*\}")


def overlap(one: str, other: str) -> bool:
    """Tell whether some text matches both patterns (both are read in step, keeping every pair of positions)."""
    pairs, seen = [(0, 0)], {(0, 0)}
    while pairs:
        i, j = pairs.pop()
        if i == len(one) and j == len(other):
            return True
        for pair in _steps(one, other, i, j):
            if pair not in seen:
                seen.add(pair)
                pairs.append(pair)
    return False


def _steps(one: str, other: str, i: int, j: int) -> list[tuple[int, int]]:
    left, right = one[i : i + 1], other[j : j + 1]
    found = []
    if left == "*":
        found.append((i + 1, j))  # it stands for nothing
        if right:
            found.append((i, j + 1))  # or swallows what stands on the other side
    if right == "*":
        found.append((i, j + 1))
        if left:
            found.append((i + 1, j))
    if left and right and "*" not in (left, right) and (left == right or "?" in (left, right)):
        found.append((i + 1, j + 1))
    return found


def as_pattern(path: str) -> str:
    """Return *path* with its path parameters (`{id}`, `{proxy+}`) as `*`: the policy sees their values."""
    return _PARAMETER.sub("*", path)


def covers(pattern: str, other: str) -> bool:
    """Tell whether *pattern* surely matches all that *other* does, whose `*` is a character like no other here."""
    parts = (".*" if character == "*" else re.escape(character) for character in pattern)
    return "?" not in pattern and re.fullmatch("".join(parts), other, re.DOTALL) is not None
