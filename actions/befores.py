"""`requests/<flow>/<id>.before.yaml`: what AWS had before an entry was first applied, beside the entry.

It is written by jobs alone; a record that cannot be read counts as none, and an older one is looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from actions.executors.protocol import Before
from sallyport.documents import JSON, dump, load
from sallyport.entries import FOLDER
from sallyport.problems import Place, Problem, Problems

SUFFIX = ".before.yaml"


def before_path(flow: str, entry_id: str) -> str:
    """Return where the record of an entry stands in the repository."""
    return f"{FOLDER}/{flow}/{entry_id}{SUFFIX}"


def write_before(before: Before) -> bytes:
    """Write the record's file."""
    note = "# Written by Sallyport before it first changed AWS for this entry; needed to undo it. Do not edit.\n"
    return (note + dump({"id": before.entry_id, "facts": _sorted(dict(before.facts))})).encode()


def _sorted(data: JSON) -> JSON:
    """Order keys, so that the same facts are the same file."""
    return {key: _sorted(data[key]) for key in sorted(data)} if isinstance(data, dict) else data


def read_before(content: bytes, path: str) -> Before:
    """Read the record's file; Problems says why it is none."""
    data = load(content, path).data
    entry_id = path.rpartition("/")[2].removesuffix(SUFFIX)
    facts = data.get("facts") if isinstance(data, dict) else None
    if not isinstance(data, dict) or data.get("id") != entry_id or not isinstance(facts, dict):
        raise Problems([Problem(f"this is no record of {entry_id}", "restore it from history", Place(path, 1, 1))])
    return Before(entry_id, cast("Mapping[str, JSON]", facts))
