"""Reading what the record beside an entry says: anybody who can write to the repository may have written it.

What makes no sense is never guessed at: the target is left as it is, and the operators hear why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from actions.executors.protocol import Before, TargetFault


@contextmanager
def remembering(before: Before) -> Iterator[None]:
    """Turn whatever goes wrong in reading *before* into a TargetFault that says how to mend it."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        name = f"{before.entry_id}.before.yaml"
        raise TargetFault(f"The record {name} cannot be read ({error!r}); restore it from history.") from error
