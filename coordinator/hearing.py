"""What a failed call says of the platform: that it is there, or that it gives no answer."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from coordinator.journal import Unheard
from sallyport.platforms.errors import NotYet, PlatformError, Refused, TryLater


def is_answer(error: PlatformError) -> bool:
    """Tell whether the platform is there, whatever it said."""
    return isinstance(error, Refused | NotYet)


def unheard(error: PlatformError, now: datetime) -> Unheard:
    """Return what is to be noted of a call without an answer, or with the answer to come later."""
    after = error.after if isinstance(error, TryLater) else None
    return Unheard(now, jitter(), timedelta(seconds=after) if after is not None else None)


def jitter() -> float:
    """Return the part of a pause that is waited, so that no two wait equally long."""
    return random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
