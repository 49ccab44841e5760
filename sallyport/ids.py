"""Request ids: short, ours, and hard to misread. A JIRA key is never one, since JIRA may be down."""

from __future__ import annotations

import re
import secrets

ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"  # no 0/o, 1/i/l, u
LENGTH = 6
PATTERN = rf"[a-z]{{2}}-[{ALPHABET}]{{{LENGTH}}}"


def new_id(prefix: str) -> str:
    """Return a fresh id such as `aw-7k3m9q`; *prefix* is the flow's two letters."""
    return prefix + "-" + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def is_id(text: str) -> bool:
    """Tell whether *text* has the form of a request id."""
    return re.fullmatch(PATTERN, text) is not None
