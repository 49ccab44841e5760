"""What a job computes at targets between its calls, run by `benchmarks.repository` in a process of its own.

python -m benchmarks.settling CLONE one ID    who asks for what at the target of one entry, as `actions apply` does
python -m benchmarks.settling CLONE all       a plan for each API that has what it should have: nothing to do
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from actions.books import Books
from actions.executors.api_gateway.planning import make_plan
from actions.executors.api_gateway.state import ApiState, Stage, arn_of, set_scene
from actions.executors.protocol import Claims
from actions.ledger import Ledger
from actions.verification import Site
from actions.workspace import Workspace
from sallyport.resource_policies.document import LIMIT
from sallyport.times import utc_now

FLOW = "api-whitelisting"


def one(ledger: Ledger, entry_id: str) -> int:
    """Look at one entry's target; return how many entries live there."""
    finding = ledger.find(entry_id)
    assert finding is not None
    [site] = ledger.sites(finding)
    claims = ledger.claims(site, utc_now())
    assert entry_id in {entry.id for entry in claims.live}
    return len(claims.live)


def all_of_them(ledger: Ledger) -> int:
    """Plan every API as if AWS had answered that it is as it should be; return how many entries that were."""
    sites = dict.fromkeys(site for finding in ledger.findings(FLOW) for site in ledger.sites(finding))
    return sum(_no_op(ledger, site) for site in sites)


def _no_op(ledger: Ledger, site: Site) -> int:
    claims = ledger.claims(site, utc_now())
    empty = ApiState(
        arn_of(site.target), private=False, policy=None, stages=(Stage("live", "d0"),), methods=frozenset()
    )
    first = make_plan(site.target, set_scene(empty, claims, ledger.policies.catalogue), LIMIT)
    stages = tuple(replace(stage, deployment="d1") for stage in first.wanted.stages)
    settled = replace(first.wanted, stages=stages, additions=())
    claims = Claims(claims.live, claims.ended, {b.entry_id: b for b in first.before}, claims.now)
    second = make_plan(site.target, set_scene(settled, claims, ledger.policies.catalogue), LIMIT)
    assert second.is_empty, second.steps
    assert len(second.unchanged) == len(claims.live)
    return len(claims.live)


if __name__ == "__main__":
    workspace = Workspace(Path(sys.argv[1]))
    books = Books(workspace)
    count = one(books.ledger, sys.argv[3]) if sys.argv[2] == "one" else all_of_them(books.ledger)
    print(count)
