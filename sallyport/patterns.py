"""Regular expressions as JSON Schema means them, for Python."""

from __future__ import annotations

import re
from functools import lru_cache

_DOLLAR = re.compile(r"(\\.|\[(?:\\.|[^\]])*\])|\$")  # or what is not one: an escape, a set of characters


@lru_cache
def as_python(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of ECMA 262, whose `$` is the end: Python's lets a line break pass before it."""
    return re.compile(_DOLLAR.sub(lambda match: match[1] or r"\Z", pattern))
