"""An entry: an approved request as a file in `requests/<flow>/<id>.yaml`, the unit that is applied and expires.

An entry that cannot be read, or whose deadline cannot, asks for nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sallyport.changes import KINDS, Change
from sallyport.documents import JSON, Document, dump, load
from sallyport.flows import PERMANENT
from sallyport.problems import Problem, Problems, nearest
from sallyport.schemas import SUFFIX, Schemas
from sallyport.times import format_duration, format_moment, parse_duration, parse_moment

FOLDER = "requests"
POLICY, BREAK_GLASS, SCHEDULE = "policy", "break-glass", "schedule"  # how it may be granted without approvals
SLACK_AND_BACK = timedelta(minutes=10)  # how far a coordinator's clock may be ahead of a job's


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes: who, when (UTC), and through which door (`slack`, `pull-request`).

    `speaks_for` names the external groups that the person was in at that moment: no file of policies tells.
    """

    by: str
    at: datetime
    through: str
    speaks_for: tuple[str, ...] = ()

    def to_mapping(self) -> dict[str, JSON]:
        mapping: dict[str, JSON] = {"by": self.by, "at": format_moment(self.at), "through": self.through}
        return {**mapping, "speaks_for": list(self.speaks_for)} if self.speaks_for else mapping


@dataclass(frozen=True, slots=True)
class Grant:
    """What stands in for approvals: a rule that approves by itself, an emergency with its incident, a schedule.

    What a schedule grants begins at the moment `at`, and asks for nothing before.
    """

    through: str  # POLICY, BREAK_GLASS or SCHEDULE
    at: datetime
    incident: str = ""

    def to_mapping(self) -> dict[str, JSON]:
        mapping: dict[str, JSON] = {"through": self.through, "at": format_moment(self.at)}
        return {**mapping, "incident": self.incident} if self.incident else mapping


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The approval in GitHub: whose review it was, when (UTC), and of what.

    It was of `commit` in the pull request `pull` of this repository, which shows an entry that lives for `lasting`
    from the review (None: for ever).
    """

    by: str
    at: datetime
    pull: int
    commit: str
    lasting: timedelta | None

    def to_mapping(self) -> dict[str, JSON]:
        return {
            "by": self.by,
            "at": format_moment(self.at),
            "pull": self.pull,
            "commit": self.commit,
            "lasting": format_lasting(self.lasting),
        }


@dataclass(frozen=True, slots=True)
class Thread:
    """The Slack message under which everything about the entry is told."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Attestation:
    """The coordinator's signature over `Entry.signed_bytes`, with the id of its key."""

    key: str
    signature: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What was approved, for whom, by whom, until when (UTC; None is permanent, where the rule allows it)."""

    id: str
    flow: str
    environment: str
    requested_by: str
    reason: str
    expires_at: datetime | None
    changes: tuple[Change, ...]
    approvals: tuple[Approval, ...]
    asked: str = ""  # the approver whom the requester chose, where the rule says one is chosen
    grant: Grant | None = None  # what stands in for approvals, where policy allows it
    confirmation: Confirmation | None = None  # the approval in GitHub, where the rule asks for one
    ticket: str | None = None
    thread: Thread | None = None
    attestation: Attestation | None = None

    @property
    def path(self) -> str:
        return path_of(self.flow, self.id)

    @property
    def decided(self) -> tuple[datetime, ...]:
        """The moments at which it was approved, granted or confirmed."""
        others = (one.at for one in (self.grant, self.confirmation) if one)
        return (*(approval.at for approval in self.approvals), *others)

    def alone(self) -> tuple[Entry, ...]:
        """Return an entry for each change, as if it stood alone."""
        return (self,) if len(self.changes) == 1 else tuple(replace(self, changes=(one,)) for one in self.changes)

    def is_live(self, now: datetime) -> bool:
        """Tell whether the entry asks for its change at *now*, already and still."""
        return not self.is_early(now) and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        """Tell whether its deadline has come."""
        return self.expires_at is not None and now >= self.expires_at

    def is_early(self, now: datetime) -> bool:
        """Tell whether the time has not come yet for which a schedule grants it."""
        return is_scheduled(self.grant) and now < cast(Grant, self.grant).at - SLACK_AND_BACK

    def signed_bytes(self) -> bytes:
        """Return the canonical form of all but the attestation: what is signed and what the digest names."""
        content = json.dumps(
            replace(self, attestation=None).to_mapping(),
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=True,
        )
        return b"sallyport entry v1\n" + content.encode()

    @property
    def digest(self) -> str:
        """Return the SHA-256 over what is signed: the name of exactly this entry."""
        return hashlib.sha256(self.signed_bytes()).hexdigest()

    def to_mapping(self) -> dict[str, JSON]:
        """Return the entry as its file records it, in the order a reader wants."""
        mapping: dict[str, JSON] = {
            "id": self.id,
            "flow": self.flow,
            "environment": self.environment,
            "requested_by": self.requested_by,
            "reason": self.reason,
            "ticket": self.ticket,
            "expires_at": format_moment(self.expires_at) if self.expires_at else None,
            "changes": [change.to_mapping() for change in self.changes],
            "approvals": [approval.to_mapping() for approval in self.approvals],
        }
        if self.asked:
            mapping["asked"] = self.asked
        if self.grant:
            mapping["grant"] = self.grant.to_mapping()
        if self.confirmation:
            mapping["confirmation"] = self.confirmation.to_mapping()
        if self.thread:
            mapping["thread"] = {"channel": self.thread.channel, "ts": self.thread.ts}
        if self.attestation:
            mapping["attestation"] = {"key": self.attestation.key, "signature": self.attestation.signature}
        return mapping

    def to_yaml(self) -> str:
        """Write the file, with the line that tells editors its JSON Schema."""
        schema = f"../../policies/schemas/{self.flow}{SUFFIX}"
        return f"# yaml-language-server: $schema={schema}\n{dump(self.to_mapping())}"


def is_scheduled(grant: Grant | None) -> bool:
    """Tell whether a schedule asks, and no person."""
    return grant is not None and grant.through == SCHEDULE


def format_lasting(length: timedelta | None) -> str:
    """Write how long an entry lives from its approval on; None is for ever."""
    return format_duration(length) if length is not None else PERMANENT


def path_of(flow: str, entry_id: str) -> str:
    """Return where the entry stands in the repository."""
    return f"{FOLDER}/{flow}/{entry_id}.yaml"


def changes_digest(flow: str, environment: str, changes: tuple[Change, ...]) -> str:
    """Return a short name for exactly these changes: what a card shows is what is committed and applied."""
    content = json.dumps([flow, environment, [c.to_mapping() for c in changes]], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def parse_entry(content: bytes, path: str, schemas: Schemas, since: datetime | None = None) -> Entry:
    """Read the entry file at *path*; Problems tells everything that is wrong with it.

    A relative deadline counts from *since* (UTC). Where that is None, such an entry has no deadline that anybody
    could know, and is refused.
    """
    return read_entry(load(content, path), path, schemas, since)


def read_entry(document: Document, path: str, schemas: Schemas, since: datetime | None = None) -> Entry:
    """Read the entry from the *document* at *path*, as `parse_entry` does."""
    flow = path.split("/")[1] if path.count("/") == 2 else ""
    if flow not in KINDS or flow not in schemas:
        mend = f"put it in {FOLDER}/<flow>/<id>.yaml, with a flow that exists; {nearest(flow, KINDS)}"
        raise Problems([Problem(f"“{path}” is in no flow's folder", mend, document.place())])
    if found := list(schemas.problems(flow, document)):
        raise Problems(found)
    entry = _entry(document, flow, since)
    if entry.path != path:
        problem = Problem(
            f"the file is named {path}", f"an entry {entry.id} is {entry.path}", document.place(("id",))
        )
        raise Problems([problem])
    return entry


def _entry(document: Document, flow: str, since: datetime | None) -> Entry:
    data = cast(Mapping[str, Any], document.data)
    thread, attestation, grant = data.get("thread"), data.get("attestation"), data.get("grant")
    moments = _moments(document)
    if "expires_in" in data:
        moments["expires_at",] = _resolved(document, since)
    return Entry(
        id=data["id"],
        flow=data["flow"],
        environment=data["environment"],
        requested_by=data["requested_by"],
        reason=data["reason"],
        expires_at=moments.get(("expires_at",)),
        changes=tuple(KINDS[flow].from_mapping(change) for change in data["changes"]),
        approvals=tuple(
            Approval(a["by"], moments["approvals", n, "at"], a["through"], tuple(a.get("speaks_for", ())))
            for n, a in enumerate(data.get("approvals", ()))
        ),
        asked=data.get("asked", ""),
        grant=Grant(grant["through"], moments["grant", "at"], grant.get("incident", "")) if grant else None,
        confirmation=_confirmation(data["confirmation"], moments) if "confirmation" in data else None,
        ticket=data.get("ticket"),
        thread=Thread(thread["channel"], thread["ts"]) if thread else None,
        attestation=Attestation(attestation["key"], attestation["signature"]) if attestation else None,
    )


def _confirmation(facts: Mapping[str, Any], moments: Mapping[tuple[str | int, ...], datetime]) -> Confirmation:
    lasting = parse_duration(facts["lasting"]) if facts["lasting"] != PERMANENT else None
    return Confirmation(facts["by"], moments["confirmation", "at"], facts["pull"], facts["commit"], lasting)


def _moments(document: Document) -> dict[tuple[str | int, ...], datetime]:
    """Return the moments of an entry's file by where they stand; Problems names each that is none."""
    data = cast(Mapping[str, Any], document.data)
    written: dict[tuple[str | int, ...], str] = {
        ("approvals", number, "at"): approval["at"] for number, approval in enumerate(data.get("approvals", ()))
    }
    if data.get("expires_at") is not None:
        written["expires_at",] = data["expires_at"]
    for name in ("grant", "confirmation"):
        if name in data:
            written[name, "at"] = data[name]["at"]
    moments: dict[tuple[str | int, ...], datetime] = {}
    problems: list[Problem] = []
    for path, text in written.items():
        try:
            moments[path] = parse_moment(text)
        except ValueError as error:
            problems.append(Problem(str(error), "", document.place(path)))
    if problems:
        raise Problems(problems)
    return moments


def _resolved(document: Document, since: datetime | None) -> datetime:
    """Return the deadline that `expires_in` means from *since* on."""
    data, place = cast(Mapping[str, Any], document.data), document.place(("expires_in",))
    if "expires_at" in data:
        raise Problems([Problem("both expires_at and expires_in are given", "keep one of the two", place)])
    if since is None:
        what = "expires_in counts from the merge of a reviewed pull request, and there was none"
        raise Problems([Problem(what, "bring the entry by a pull request, or write expires_at", place)])
    try:
        return since + parse_duration(data["expires_in"])
    except OverflowError:
        raise Problems([Problem("expires_in leads beyond the year 9999", "write a shorter one", place)]) from None
