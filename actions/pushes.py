"""What a push did to the entries of main, and whose job that is. It judges nothing: the ledger does.

What the coordinator signed is none of a push's business: its own dispatch applies that, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from actions.befores import SUFFIX as BEFORE
from actions.ledger import Ledger
from actions.verification import Finding
from actions.workspace import Workspace
from sallyport.entries import FOLDER
from sallyport.ids import is_id

DELETED = "D"


@dataclass(frozen=True, slots=True)
class Push:
    """The commits that main moved from and to."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """The findings about the entries that a push touched and that the coordinator did not sign."""

    proven: tuple[Finding, ...] = ()  # to be applied
    refused: tuple[Finding, ...] = ()  # in doubt, or nobody can tell now
    removed: tuple[Finding, ...] = ()  # deleted before their time: to be taken back

    @property
    def to_settle(self) -> tuple[Finding, ...]:
        """What a job has to do with: also what is in doubt and was in force once, for it must end."""
        in_force = tuple(finding for finding in self.refused if finding.entry and not finding.fault)
        return (*self.proven, *in_force, *self.removed)


def read_push(push: Push, ledger: Ledger, workspace: Workspace, now: datetime) -> Pushed:
    """Sort what a push touched, as main has it now: a later push may have changed it again."""
    changed = workspace.changed(push.before, push.after, f"{FOLDER}/")
    findings = [ledger.finding(flow, one) for flow, one in entries_of(changed, ledger)]
    present = [finding for finding in findings if finding.present and not _is_signed(finding)]
    return Pushed(
        proven=tuple(finding for finding in present if finding.is_wanted(now)),
        refused=tuple(finding for finding in present if finding.doubt),
        removed=tuple(f for f in findings if not f.present and (f.fault or (f.entry and f.entry.is_live(now)))),
    )


def entries_of(changed: Iterable[str], ledger: Ledger) -> list[tuple[str, str]]:
    """Return flow and id of the entries among *changed* paths; other files are none of a job's business."""
    parts = [path.split("/") for path in sorted(changed) if path.endswith(".yaml") and not path.endswith(BEFORE)]
    found = [(part[1], part[2].removesuffix(".yaml")) for part in parts if len(part) == 3]
    return [(flow, one) for flow, one in found if flow in ledger.policies.flows and is_id(one)]


def _is_signed(finding: Finding) -> bool:
    return not finding.doubt and finding.entry is not None and finding.entry.attestation is not None
