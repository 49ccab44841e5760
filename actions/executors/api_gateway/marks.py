"""What a deployment published: digests in its description, and the methods it froze.

AWS keeps no policy with a deployment that one could read, so ours say in their description what they carried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from actions.executors.api_gateway.deny_lists import Addition, edit, present
from sallyport.resource_policies.document import ApiArn, Policy, digest, meaning

_DESCRIPTION = re.compile(r"sallyport .*\[ours ([0-9a-f]{12}), others ([0-9a-f]{12})\]", re.DOTALL)
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Mark:
    """Names what of ours a stage was deployed with, and how everybody else's statements were then."""

    ours: str
    others: str

    def description(self, reference: str) -> str:
        """Return the description of a deployment, for people and for `read`."""
        return f"sallyport {reference[:_LONGEST]} [ours {self.ours}, others {self.others}]"

    @classmethod
    def read(cls, description: str) -> Mark | None:
        """Return the mark in a deployment's description; None if the deployment is not ours."""
        found = _DESCRIPTION.fullmatch(description)
        return cls(found[1], found[2]) if found else None


@dataclass(frozen=True, slots=True)
class Method:
    """One method of an API, as far as a deployment's summary tells of it."""

    path: str
    verb: str
    authorization: str
    needs_key: bool

    def __str__(self) -> str:
        return f"{self.verb} {self.path}"


def mark_of(policy: Policy | None, stage: str, additions: Iterable[Addition], arn: ApiArn) -> Mark:
    """Return the mark that a deployment of *stage* with *policy* carries."""
    policy, added = policy or Policy(), tuple(additions)
    mine = [meaning(s, arn) for s in policy.ours if _is_of(s.get("Resource"), stage, arn)]
    here = [a for a in added if a.stage == stage]
    mine += [" ".join(item) for item in present(policy, here)]
    plain = edit(policy, added, ())
    return Mark(digest(mine), digest(meaning(s, arn) for s in plain.others))


def unpublished(now: frozenset[Method], deployed: frozenset[Method]) -> str:
    """Say which methods differ from what the stage serves; empty if none does."""
    names = sorted({str(method) for method in now ^ deployed})
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _is_of(resource: object, stage: str, arn: ApiArn) -> bool:
    return isinstance(resource, str) and resource.startswith(f"{arn}/{stage}/")
