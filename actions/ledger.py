"""The findings about every entry of one commit of main, and the claims they make on a target.

An entry that is not wanted counts as ended, and its last version that was ever proven says what to take back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from actions.befores import SUFFIX as BEFORE
from actions.befores import before_path, read_before
from actions.executors.protocol import Before, Claims, TargetFault
from actions.memory import Memory, Past
from actions.proving import UNKNOWN, Proof, as_merged, is_relative, prove
from actions.snapshot import Snapshot, policies_at
from actions.verification import Finding, Site, parts_of, place_refusal, proof_refusal, sites_of
from actions.workspace import Version, Workspace
from sallyport import attestations
from sallyport.attestations import PublicKeys, read_public_key
from sallyport.decisions import entry_refusals
from sallyport.entries import FOLDER, Entry, parse_entry, path_of
from sallyport.ids import is_id
from sallyport.platforms.errors import PlatformError
from sallyport.policies import FOLDER as POLICIES
from sallyport.policies import Policies
from sallyport.problems import Problems
from sallyport.reviews import hopeless

KEYS = f"{POLICIES}/keys/"


@dataclass(frozen=True, slots=True)
class Assumption:
    """That the files at *paths* are merged at *now* (UTC), reviewed by all who may: for showing plans only."""

    paths: frozenset[str]
    now: datetime


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Which ids of a flow may be where: those of which their file says so for sure, and all others."""

    sure: Mapping[Site, Sequence[str]]
    others: Sequence[str]


class Ledger:
    """The findings of one snapshot, each made when it is first asked for."""

    def __init__(
        self, workspace: Workspace, snapshot: Snapshot, memory: Memory, assumed: Assumption | None = None
    ) -> None:
        self.snapshot = snapshot
        self._assumed = assumed
        self._workspace = workspace
        self._memory = memory
        self._whereabouts: dict[str, Whereabouts] = {}  # by flow

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
        return tuple(self.finding(flow, one) for one in self._ids(flow))

    def finding(self, flow: str, entry_id: str) -> Finding:
        """Return what is known of one id of one flow."""
        key = self._key(flow, entry_id)
        known = self._memory.findings.get(key)
        if known is not None:
            return known
        try:
            known = self._memory.findings[key] = self._judge(flow, entry_id, self.snapshot.files.get(key[0]))
        except PlatformError as error:
            return self._unknown(flow, entry_id, str(error))
        return known

    def sites(self, finding: Finding) -> Mapping[Site, Entry]:
        """Return where *finding* is or was in force, and what of it; LookupError says why nobody can know."""
        if finding.fault:
            return sites_of(finding, self.policies)
        key = self._key(finding.flow, finding.id)
        if key not in self._memory.sites:
            self._memory.sites[key] = sites_of(finding, self.policies)
        return self._memory.sites[key]

    def sites_of_flow(self, flow: str) -> frozenset[Site]:
        """Return the targets at which any entry of *flow* is, or was before it ended."""
        known = self._whereabouts_of(flow)
        others = (site for one in known.others for site in self._parts(self.finding(flow, one)))
        return frozenset((*known.sure, *others))

    def claims(self, site: Site, now: datetime, also: Iterable[str] = ()) -> Claims:
        """Return who asks for what at *site*; *also* names ids to end there although their files are gone.

        TargetFault if nobody can tell now whether somebody there still may: then nothing begins and nothing ends.
        """
        known, here = self._whereabouts_of(site.flow), dict[str, tuple[Finding, Entry]]()
        for one in dict.fromkeys((*known.sure.get(site, ()), *known.others, *also)):
            finding = self.finding(site.flow, one)
            if part := self._parts(finding).get(site):
                here[finding.id] = finding, part
        for finding, _ in here.values():
            if finding.fault:
                raise TargetFault(f"{finding.id} {finding.doubt}")
        live = tuple(part for finding, part in here.values() if finding.is_wanted(now))
        ended = tuple(part for finding, part in here.values() if finding.entry and not finding.is_wanted(now))
        records = (self._before(site.flow, finding.id) for finding, _ in here.values())
        doubted = frozenset(finding.id for finding, _ in here.values() if finding.present and finding.doubt)
        return Claims(live, ended, {record.entry_id: record for record in records if record}, now, doubted)

    def content(self, path: str) -> bytes | None:
        """Return a file of `requests/`, or None if it is not there."""
        blob = self.snapshot.files.get(path)
        return self._content(blob) if blob else None

    def _key(self, flow: str, entry_id: str) -> tuple[str, str | None, str, object]:
        path = path_of(flow, entry_id)
        return path, self.snapshot.files.get(path), self.policies.version, self._history.get(path)

    def _ids(self, flow: str) -> Sequence[str]:
        """Return every id that has a file in the flow's folder, with all that judging them takes at hand."""
        prefix = f"{FOLDER}/{flow}/"
        files = {path: blob for path, blob in self.snapshot.files.items() if path.startswith(prefix)}
        self._fetch(files.values())
        self._fetch(
            name for path, blob in files.items() if self._needs_reviews(blob) for name in self._names(path)
        )
        names = (path.removeprefix(prefix) for path in files if path.endswith(".yaml"))
        ids = {name.removesuffix(BEFORE).removesuffix(".yaml") for name in names}
        return sorted(filter(is_id, ids))

    def _whereabouts_of(self, flow: str) -> Whereabouts:
        """Tell ids apart by where they may be, so that a job proves only the entries at its own target."""
        if flow not in self._whereabouts:
            sure, others = dict[Site, list[str]](), list[str]()
            for one in self._ids(flow):
                sites = self._named(flow, one)
                others += [] if sites else [one]
                for site in sites:
                    sure.setdefault(site, []).append(one)
            self._whereabouts[flow] = Whereabouts(sure, others)
        return self._whereabouts[flow]

    def _named(self, flow: str, entry_id: str) -> tuple[Site, ...]:
        """Return where an entry says that it is; empty where only a judgement tells.

        An entry without attestation is what its reviews say, and one that ever had another content, on any side
        of a merge, may be in force as it was then.
        """
        path = path_of(flow, entry_id)
        blob = self.snapshot.files.get(path)
        if blob is None or self._ever.get(path) != frozenset({blob}) or self._needs_reviews(blob):
            return ()
        judged = self._memory.findings.get(self._key(flow, entry_id))
        if judged and judged.entry and not judged.fault:
            return tuple(self._parts(judged))
        key = path, blob, self.policies.version
        if key not in self._memory.named:
            try:
                parts = parts_of(self._read(self._content(blob), path), self.policies.catalogue)
            except (Problems, LookupError):
                parts = {}
            self._memory.named[key] = tuple(Site(flow, target) for target in parts)
        return self._memory.named[key]

    def _parts(self, finding: Finding) -> Mapping[Site, Entry]:
        """Return what of a finding is where; what was never proven is nowhere."""
        if not finding.entry and not finding.fault:
            return {}
        try:
            return self.sites(finding)
        except LookupError:
            return {}

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
            doubt = "is no longer on the main branch"
            return Finding(entry_id, flow, self._last_proven(path), None, doubt, present=False)
        content = self._content(blob)
        try:
            claimed = self._read(content, path)
        except Problems as problems:
            doubt = f"cannot be read: {problems.problems[0]}"
            return Finding(entry_id, flow, self._last_proven(path), None, doubt, present=True)
        if claimed.attestation is None:
            supposed = self._assumed and path in self._assumed.paths
            return self._suppose(content, path) if supposed else self._judge_reviewed(claimed, content)
        doubt = self._doubt(claimed, content, self._refusal(claimed))
        signed = not doubt or attestations.refusal(claimed, self.policies.keys) is None
        entry = claimed if signed else self._last_proven(path)
        return Finding(entry_id, flow, entry, claimed, doubt, present=True)

    def _refusal(self, entry: Entry) -> str:
        """Say why a signed entry is not proven, under the policies of today or those under which it came to main.

        A policy holds for what is asked from then on. That an approver has left since takes nothing away.
        """
        unconfirmed = self._memory.landings.unconfirmed
        reason = proof_refusal(entry, self.policies) or unconfirmed(entry, self.policies)
        if not reason or attestations.refusal(entry, self.policies.keys):
            return reason
        landed = self._landed.get(entry.path)
        then = self._policies_at(landed[0]) if landed else None
        if then is None or entry_refusals(entry, then) or unconfirmed(entry, then):
            return reason
        return place_refusal(entry, self.policies)

    def _judge_reviewed(self, claimed: Entry, content: bytes) -> Finding:
        proof = self._review(claimed.path, self._landed_versions(claimed.path))
        doubt = self._doubt(claimed, content, proof.refusal)
        entry = proof.entry or self._last_proven(claimed.path)
        pull = proof.landing.pull if proof.landing else None
        claimed = proof.entry or claimed
        return Finding(
            claimed.id, claimed.flow, entry, claimed, doubt, present=True, pull=pull, recorded=proof.recorded
        )

    def _review(self, path: str, versions: tuple[Version, ...]) -> Proof:
        """Return what reviews prove under the policies of today, or else under those of the merge."""
        proof = self._proof(path, versions, self.policies)
        then = self._policies_at(versions[0].commit) if proof.refusal and versions else None
        earlier = self._proof(path, versions, then) if then else proof
        if earlier.entry is None:
            return proof
        lost = place_refusal(earlier.entry, self.policies)
        return replace(proof, refusal=lost) if lost else earlier

    def _suppose(self, content: bytes, path: str) -> Finding:
        """Judge a file as if it were merged and reviewed by all who may."""
        now = self._assumed.now if self._assumed else UNKNOWN
        entry = parse_entry(content, path, self.policies.schemas, now)
        doubt = self._doubt(entry, content, "; ".join(hopeless(entry, self.policies, now)))
        proven = None if doubt else as_merged(entry, content, self.policies)
        return Finding(entry.id, entry.flow, proven, proven or entry, doubt, present=True)

    def _unknown(self, flow: str, entry_id: str, why: str) -> Finding:
        """Return a finding of which nobody can tell now whether it is proven."""
        path = path_of(flow, entry_id)
        try:
            claimed = self._read(self.content(path) or b"", path)
        except Problems:
            claimed = None
        doubt = f"cannot be verified now: {why}"
        return Finding(entry_id, flow, None, claimed, doubt, present=path in self.snapshot.files, fault=why)

    def _read(self, content: bytes, path: str) -> Entry:
        """Read an entry; a deadline that only its merge can tell is far ahead."""
        since = UNKNOWN if is_relative(content) else None
        return parse_entry(content, path, self.policies.schemas, since)

    def _doubt(self, entry: Entry, content: bytes, refusal: str) -> str:
        if refusal:
            return f"is not proven to be approved: {refusal}"
        history = self._history.get(entry.path)
        if history and "D" in history:
            return "has ended before, and an id cannot come back"
        if history and content in [version.content for version in self._versions(entry.path)[1:]]:
            return "was put back to an older version of itself"
        return ""

    def _last_proven(self, path: str) -> Entry | None:
        """Return the newest version that was signed or reviewed, by the keys and policies of then or of now."""
        versions = self._versions(path)
        for number, version in enumerate(versions):
            try:
                entry = self._read(version.content, path)
            except Problems:
                continue
            if entry.attestation is None:
                proven = self._proven_then(path, versions[number:])
            else:
                keyrings = (self._keys_at(version.commit), self.policies.keys)  # a name may be another key's now
                proven = entry if any(attestations.refusal(entry, keys) is None for keys in keyrings) else None
            if proven:
                return proven
        return None

    def _proven_then(self, path: str, versions: tuple[Version, ...]) -> Entry | None:
        entry = self._proof(path, versions, self.policies).entry
        then = None if entry else self._policies_at(versions[0].commit)
        return self._proof(path, versions, then).entry if then else entry

    def _proof(self, path: str, versions: tuple[Version, ...], policies: Policies) -> Proof:
        proof = prove(path, versions, self._memory.landings, policies)
        if proof.entry is None:
            return proof
        try:
            sites_of(Finding(proof.entry.id, proof.entry.flow, proof.entry, None, "", present=True), policies)
        except LookupError as error:
            return replace(proof, entry=None, refusal=str(error))
        return proof

    def _policies_at(self, commit: str) -> Policies | None:
        if commit not in self._memory.policies:
            try:
                self._memory.policies[commit] = policies_at(self._workspace, commit)
            except Problems:
                self._memory.policies[commit] = None
        return self._memory.policies[commit]

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

    def _landed_versions(self, path: str) -> tuple[Version, ...]:
        names = self._names(path)
        self._fetch(names)
        return tuple(Version(name.partition(":")[0], self._memory.contents[name]) for name in names)

    def _names(self, path: str) -> list[str]:
        return [f"{commit}:{path}" for commit in self._landed.get(path, ())]

    def _needs_reviews(self, blob: str) -> bool:
        return b"\nattestation:" not in self._memory.contents[blob]

    def _fetch(self, names: Iterable[str]) -> None:
        """Read many objects by one call of git."""
        contents = self._memory.contents
        contents |= self._workspace.read(name for name in names if name not in contents)

    @cached_property
    def _landed(self) -> Mapping[str, tuple[str, ...]]:
        """The commits of main that brought each file, newest first; read only where reviews are to prove one."""
        return self._workspace.landings(self.snapshot.commit, f"{FOLDER}/")

    @cached_property
    def _history(self) -> Past:
        """What history did to entries after it had added them."""
        self._memory.history = self._grown(self._memory.history, self._workspace.disturbed)
        return self._memory.history[1]

    @cached_property
    def _ever(self) -> Past:
        """Every content that each file ever had."""
        self._memory.ever = self._grown(self._memory.ever, self._workspace.blobs)
        return self._memory.ever[1]

    def _grown(self, seen: tuple[str, Past] | None, read: Callable[[str, str], Past]) -> tuple[str, Past]:
        """Return what *read* tells of the history of this commit; only commits since the last look are read."""
        at, folder = self.snapshot.commit, f"{FOLDER}/"
        if seen is None:
            return at, read(at, folder)
        start, known = seen
        new = read(f"{start}..{at}", folder) if start != at else {}
        return at, {**known, **{path: known.get(path, frozenset()) | found for path, found in new.items()}}

    def _content(self, blob: str) -> bytes:
        self._fetch([blob])
        return self._memory.contents[blob]
