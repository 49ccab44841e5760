"""The findings about every entry of one commit of main, and the claims they make on a target.

An entry that is not wanted counts as ended, and its last version that was ever signed says what to take back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from actions.befores import SUFFIX as BEFORE
from actions.befores import before_path, read_before
from actions.executors.protocol import Before, Claims
from actions.snapshot import Snapshot, take
from actions.verification import Finding, Site, proof_refusal, site_of
from actions.workspace import Version, Workspace
from sallyport import attestations
from sallyport.attestations import PublicKeys, read_public_key
from sallyport.entries import FOLDER, Entry, parse_entry, path_of
from sallyport.ids import is_id
from sallyport.policies import FOLDER as POLICIES
from sallyport.policies import Policies
from sallyport.problems import Problems

KEYS = f"{POLICIES}/keys/"
History = Mapping[str, frozenset[str]]


@dataclass(slots=True)
class Memory:
    """What stays true from one commit of main to the next, so that a second look costs only what is new."""

    contents: dict[str, bytes] = field(default_factory=dict)  # by blob sha
    findings: dict[tuple[object, ...], Finding] = field(default_factory=dict)
    history: tuple[str, History] | None = None  # as of a commit


class Ledger:
    """The findings of one snapshot, each made when it is first asked for."""

    def __init__(self, workspace: Workspace, snapshot: Snapshot, memory: Memory) -> None:
        self.snapshot = snapshot
        self._workspace = workspace
        self._memory = memory

    @property
    def policies(self) -> Policies:
        return self.snapshot.policies

    def find(self, entry_id: str) -> Finding | None:
        """Return what is known of an id, on main or in history; None if it never was in the repository."""
        for flow in self.policies.flows:
            if path_of(flow, entry_id) in self.snapshot.files:
                return self.finding(flow, entry_id)
        for flow in self.policies.flows:
            if self._versions(path_of(flow, entry_id)):
                return self.finding(flow, entry_id)
        return None

    def findings(self, flow: str) -> tuple[Finding, ...]:
        """Return the findings of every id that has a file, an entry's or a record's, in the flow's folder."""
        prefix = f"{FOLDER}/{flow}/"
        files = {path: blob for path, blob in self.snapshot.files.items() if path.startswith(prefix)}
        self._memory.contents |= self._workspace.read(set(files.values()) - self._memory.contents.keys())
        names = (path.removeprefix(prefix) for path in files if path.endswith(".yaml"))
        ids = {name.removesuffix(BEFORE).removesuffix(".yaml") for name in names}
        return tuple(self.finding(flow, entry_id) for entry_id in sorted(filter(is_id, ids)))

    def finding(self, flow: str, entry_id: str) -> Finding:
        """Return what is known of one id of one flow."""
        path = path_of(flow, entry_id)
        blob = self.snapshot.files.get(path)
        key = (path, blob, self.policies.version, self._history.get(path))
        known = self._memory.findings.get(key)
        if known is None:
            known = self._memory.findings[key] = self._judge(flow, entry_id, blob)
        return known

    def claims(self, site: Site, now: datetime, also: Iterable[str] = ()) -> Claims:
        """Return who asks for what at *site*; *also* names ids to end there although their files are gone."""
        found = {finding.id: finding for finding in self.findings(site.flow)}
        found |= {one: self.finding(site.flow, one) for one in also if one not in found}
        here = [finding for finding in found.values() if finding.entry and self._is_at(finding, site)]
        live = tuple(f.entry for f in here if f.entry and f.is_wanted(now))
        ended = tuple(f.entry for f in here if f.entry and not f.is_wanted(now))
        records = (self._before(site.flow, f.id) for f in here)
        return Claims(live, ended, {record.entry_id: record for record in records if record}, now)

    def content(self, path: str) -> bytes | None:
        """Return a file of `requests/`, or None if it is not there."""
        blob = self.snapshot.files.get(path)
        return self._content(blob) if blob else None

    def _is_at(self, finding: Finding, site: Site) -> bool:
        try:
            return site_of(finding, self.policies) == site
        except LookupError:
            return False

    def _before(self, flow: str, entry_id: str) -> Before | None:
        """Return the record of what was there before an entry, from history where main has none that reads."""
        path = before_path(flow, entry_id)
        for content in self._records(path):
            try:
                return read_before(content, path)
            except Problems:
                continue
        return None

    def _records(self, path: str) -> Iterator[bytes]:
        newest = self.content(path)
        if newest is not None:
            yield newest
        if path in self._history:
            yield from (version.content for version in self._versions(path))

    def _judge(self, flow: str, entry_id: str, blob: str | None) -> Finding:
        path = path_of(flow, entry_id)
        if blob is None:
            return Finding(
                entry_id, flow, self._last_proven(path), None, "is no longer on the main branch", present=False
            )
        content = self._content(blob)
        try:
            claimed = parse_entry(content, path, self.policies.schemas)
        except Problems as problems:
            doubt = f"cannot be read: {problems.problems[0]}"
            return Finding(entry_id, flow, self._last_proven(path), None, doubt, present=True)
        doubt = self._doubt(claimed, content)
        signed = not doubt or attestations.refusal(claimed, self.policies.keys) is None
        return Finding(
            entry_id, flow, claimed if signed else self._last_proven(path), claimed, doubt, present=True
        )

    def _doubt(self, entry: Entry, content: bytes) -> str:
        if reason := proof_refusal(entry, self.policies):
            return f"is not proven to be approved: {reason}"
        history = self._history.get(entry.path)
        if history and "D" in history:
            return "has ended before, and an id cannot come back"
        if history and content in [version.content for version in self._versions(entry.path)[1:]]:
            return "was put back to an older version of itself"
        return ""

    def _last_proven(self, path: str) -> Entry | None:
        """Return the newest version that was signed, by a key of main or of the version's own time."""
        for version in self._versions(path):
            try:
                entry = parse_entry(version.content, path, self.policies.schemas)
            except Problems:
                continue
            if attestations.refusal(entry, {**self._keys_at(version.commit), **self.policies.keys}) is None:
                return entry
        return None

    def _keys_at(self, commit: str) -> PublicKeys:
        tree = self._workspace.tree(commit, KEYS)
        contents = self._workspace.read(tree.values())
        keys = {}
        for path, blob in tree.items():
            try:
                keys[path.removeprefix(KEYS).removesuffix(".pem")] = read_public_key(contents[blob])
            except ValueError:
                continue
        return keys

    def _versions(self, path: str) -> tuple[Version, ...]:
        return self._workspace.versions(path, self.snapshot.commit)

    @cached_property
    def _history(self) -> History:
        """What history did to entries after it had added them; only the commits since the last look are read."""
        at, folder = self.snapshot.commit, f"{FOLDER}/"
        if self._memory.history is None:
            history = self._workspace.disturbed(at, folder)
        else:
            start, known = self._memory.history
            new = self._workspace.disturbed(f"{start}..{at}", folder) if start != at else {}
            history = {path: known.get(path, frozenset()) | new.get(path, frozenset()) for path in {*known, *new}}
        self._memory.history = (at, history)
        return history

    def _content(self, blob: str) -> bytes:
        if blob not in self._memory.contents:
            self._memory.contents |= self._workspace.read([blob])
        return self._memory.contents[blob]


class Books:
    """The newest ledger that the job has seen, and the way to a newer one."""

    def __init__(self, workspace: Workspace) -> None:
        workspace.insist_on_history()
        self._workspace = workspace
        self._memory = Memory()
        self.ledger = Ledger(workspace, take(workspace, workspace.head()), self._memory)

    def refresh(self) -> Ledger:
        """Fetch main and open its ledger. WorkspaceFault or Problems if that cannot be."""
        snapshot = take(self._workspace, self._workspace.refresh(), self.ledger.snapshot)
        self.ledger = Ledger(self._workspace, snapshot, self._memory)
        return self.ledger
