"""The change of an override: where a threshold keeps many entries of one target from ending at once, they may end.

It changes nothing in AWS by itself: a job that is about to take back what is not proven any more looks for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sallyport.catalogue import Catalogue
from sallyport.changes.infra_stop import access_of
from sallyport.changes.protocol import Access
from sallyport.documents import JSON
from sallyport.flows import ENVIRONMENT
from sallyport.problems import Problem, Problems, nearest, quoted

FLOW = "removal-override"
FEWEST, MOST = 2, 1000  # one entry alone may always end; more than a thousand are asked for in parts
_FLOW = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LOCK = re.compile(r"(?=.{1,200}\Z)[a-z][a-z0-9-]*(/[A-Za-z0-9._-]+)+")


@dataclass(frozen=True, slots=True)
class RemovalOverride:
    """At most *most* entries of the flow *of* at *target*, by its lock, may end together before their time."""

    of: str
    target: str
    most: int  # 0 where a form says no number

    @classmethod
    def from_answers(cls, answers: Mapping[str, str], catalogue: Catalogue) -> Self:
        typed = answers.get("most", "").strip()
        most = int(typed) if re.fullmatch("[0-9]{1,6}", typed) else 0
        change = cls(answers.get("of", ""), answers.get("target", "").strip(), most)
        if found := change.problems(answers.get(ENVIRONMENT, ""), catalogue):
            raise Problems(found)
        return change

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, JSON]) -> Self:
        most = mapping["most"]
        return cls(str(mapping["of"]), str(mapping["target"]), most if isinstance(most, int) else 0)

    def to_mapping(self) -> dict[str, JSON]:
        return {"of": self.of, "target": self.target, "most": self.most}

    def problems(self, environment: str, catalogue: Catalogue) -> Sequence[Problem]:
        found: list[Problem] = []
        if environment not in catalogue.environments:
            what = f"there is no environment {quoted(environment)}"
            found.append(Problem(what, nearest(environment, catalogue.environments), field=ENVIRONMENT))
        if not _FLOW.fullmatch(self.of):
            what = f"{quoted(self.of)} is the name of no flow"
            found.append(Problem(what, "write the flow whose entries are to end", field="of"))
        if not _LOCK.fullmatch(self.target):
            what = f"{quoted(self.target)} is the name of no target"
            mend = "copy it from the alarm; it looks like apigateway/222222222222/eu-west-1/a1b2c3"
            found.append(Problem(what, mend, field="target"))
        if not FEWEST <= self.most <= MOST:
            what = "this is not how many entries may end"
            found.append(Problem(what, f"write a number from {FEWEST} to {MOST}", field="most"))
        return found

    def permits(self, flow: str, lock: str, count: int) -> bool:
        """Tell whether *count* entries of *flow* may end at once at the target of that *lock*."""
        return (self.of, self.target) == (flow, lock) and count <= self.most

    def lock(self, environment: str, catalogue: Catalogue) -> str:  # noqa: ARG002  # it is the named one's
        return self.target

    def access(self, environment: str, catalogue: Catalogue) -> Access:
        return access_of(environment, catalogue)

    def owners(self, catalogue: Catalogue) -> frozenset[str]:  # noqa: ARG002  # whose entries end is not told by it
        return frozenset()

    def title(self, catalogue: Catalogue) -> str:  # noqa: ARG002  # a target is in no list of the catalogue
        return f"End of up to {self.most} entries of {self.of} at {self.target}"

    def details(self, catalogue: Catalogue) -> Sequence[tuple[str, str]]:  # noqa: ARG002  # as above
        return (("Flow", self.of), ("Target", self.target), ("At most", f"{self.most} entries, once"))

    def effect(self, environment: str, catalogue: Catalogue) -> str:
        title = catalogue.environments[environment].title
        return (
            f"Up to {self.most} entries of {self.of} at {self.target} in {title} that are not proven any more end "
            "at once, before their time: what they gave is taken back, and whoever asked for them is told."
        )

    def undo(self) -> str:
        return "It ends with its first use. What it let end does not come back; it has to be asked for again."
