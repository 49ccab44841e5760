"""What the ledgers of one job remember of what they have read and judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from actions.proving import Landings
from actions.verification import Finding, Site
from sallyport.entries import Entry
from sallyport.policies import Policies

Past = Mapping[str, frozenset[str]]  # by path: what history did to it, or which blobs it had


@dataclass(slots=True)
class Memory:
    """What stays true from one commit of main to the next, so that a second look costs only what is new."""

    contents: dict[str, bytes] = field(default_factory=dict)  # by blob sha
    findings: dict[tuple[object, ...], Finding] = field(default_factory=dict)
    sites: dict[tuple[object, ...], Mapping[Site, Entry]] = field(default_factory=dict)
    named: dict[tuple[str, str, str], tuple[Site, ...]] = field(default_factory=dict)  # as files say
    policies: dict[str, Policies | None] = field(default_factory=dict)  # by commit; None if they do not read
    history: tuple[str, Past] | None = None  # as of a commit
    ever: tuple[str, Past] | None = None  # likewise
    landings: Landings = field(default_factory=lambda: Landings(None))
