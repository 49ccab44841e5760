"""Which entries of a checkout are due, from a glance at each file: a sweep that finds nothing must cost nothing.

Due is what has reached its deadline, and what was signed with a key that is not published any more, or that may be
another one under the same name.

A glance may only err in one direction: what it cannot read for certain is due, and is then looked at properly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from actions.befores import SUFFIX as BEFORE
from sallyport.entries import FOLDER
from sallyport.policies import FOLDER as POLICIES
from sallyport.times import format_moment, parse_moment

KEYS = f"{POLICIES}/keys"
_DEADLINE = re.compile(rb"^expires_at:.*$", re.MULTILINE)
_MOMENT = re.compile(rb"""expires_at: *(['"]?)(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\1[ \r]*""")
_SIGNED = re.compile(rb"^attestation:", re.MULTILINE)
_KEY = re.compile(rb"""^attestation: *\r?\n +key: *(['"]?)([\w.-]+)\1[ \r]*$""", re.MULTILINE)
_NONE = re.compile(rb"expires_at: *(?:null|~)?[ \r]*")


@dataclass(frozen=True, slots=True)
class Due:
    """A file that something must be done about; `why` is for the log."""

    flow: str
    id: str
    why: str


def scan(
    root: Path, now: datetime, may_be_permanent: Callable[[str, bytes], bool], replaced: Collection[str] = ()
) -> Iterator[Due]:
    """Yield what is due in the checkout at *root*.

    *may_be_permanent* tells of a flow and a file's content whether policy may let it live without a deadline;
    *replaced* are the files of keys that have ever had another content.
    """
    limit, keys = format_moment(now).encode(), _published(root, replaced)
    folders = sorted(folder for folder in (root / FOLDER).iterdir() if folder.is_dir())
    for folder in folders:
        names = {path.name for path in folder.iterdir()}
        for name in sorted(names):
            if name.endswith(BEFORE):
                entry_id = name.removesuffix(BEFORE)
                if f"{entry_id}.yaml" not in names:
                    yield Due(folder.name, entry_id, "its record is there, but its entry is gone")
            elif name.endswith(".yaml"):
                content = (folder / name).read_bytes()
                why = _glance(content, limit, folder.name, may_be_permanent) or _glance_at_key(content, keys)
                if why:
                    yield Due(folder.name, name.removesuffix(".yaml"), why)


def _glance(content: bytes, limit: bytes, flow: str, may_be_permanent: Callable[[str, bytes], bool]) -> str:
    lines = _DEADLINE.findall(content)
    if len(lines) != 1:
        return "its deadline cannot be found"
    moment = _MOMENT.fullmatch(lines[0])
    if moment and _exists(moment[2]):
        return "its deadline has passed" if moment[2] <= limit else ""
    if _NONE.fullmatch(lines[0]):
        return "" if may_be_permanent(flow, content) else "it has no deadline, and policy wants one"
    return "its deadline cannot be read"


def _published(root: Path, replaced: Collection[str]) -> frozenset[bytes]:
    """Return the names of the keys that are certainly those with which their entries were signed."""
    published = (path for path in (root / KEYS).glob("*.pem") if f"{KEYS}/{path.name}" not in replaced)
    return frozenset(path.stem.encode() for path in published)


def _glance_at_key(content: bytes, keys: Collection[bytes]) -> str:
    if not _SIGNED.search(content):
        return ""
    named = _KEY.search(content)
    return "" if named and named[2] in keys else "the key that signed it is not published, or was replaced"


def _exists(moment: bytes) -> bool:
    try:
        parse_moment(moment.decode())
    except ValueError:
        return False
    return True
