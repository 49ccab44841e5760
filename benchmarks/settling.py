"""What a job computes at targets between its calls, run by `benchmarks.repository` in a process of its own.

python -m benchmarks.settling CLONE one ID       who asks for what at the target of one entry, as `apply` does
python -m benchmarks.settling CLONE settle FILE  write down what AWS would answer of each API once all is applied
python -m benchmarks.settling CLONE plan FILE    a plan for each API that answers so: nothing to do
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from actions.books import Books
from actions.executors.api_gateway.planning import make_plan
from actions.executors.api_gateway.state import ApiState, Stage, arn_of, set_scene
from actions.executors.protocol import Before
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


def settle(ledger: Ledger, answers: Path) -> int:
    """Apply everything to APIs that let nobody in, and write down how they are then; return how many APIs."""
    settled = dict(_settled(ledger, site) for site in _sites(ledger))
    answers.write_bytes(pickle.dumps(settled))
    return len(settled)


def plan(ledger: Ledger, answers: Path) -> int:
    """Plan every API as if AWS had answered that it is as it should be; return how many entries that were."""
    settled = pickle.loads(answers.read_bytes())
    return sum(_no_op(ledger, site, *settled[site.target.lock]) for site in _sites(ledger))


def _sites(ledger: Ledger) -> Iterable[Site]:
    return dict.fromkeys(site for finding in ledger.findings(FLOW) for site in ledger.sites(finding))


def _settled(ledger: Ledger, site: Site) -> tuple[str, tuple[ApiState, Mapping[str, Before]]]:
    empty = ApiState(
        arn_of(site.target), private=False, policy=None, stages=(Stage("live", "d0"),), methods=frozenset()
    )
    scene = set_scene(empty, ledger.claims(site, utc_now()), ledger.policies.catalogue)
    first = make_plan(site.target, scene, LIMIT)
    stages = tuple(replace(stage, deployment="d1") for stage in first.wanted.stages)
    state = replace(first.wanted, stages=stages, additions=())
    return site.target.lock, (state, {before.entry_id: before for before in first.before})


def _no_op(ledger: Ledger, site: Site, state: ApiState, befores: Mapping[str, Before]) -> int:
    claims = replace(ledger.claims(site, utc_now()), before=befores)
    found = make_plan(site.target, set_scene(state, claims, ledger.policies.catalogue), LIMIT)
    assert found.is_empty, found.steps
    assert len(found.unchanged) == len(claims.live)
    return len(claims.live)


if __name__ == "__main__":
    ledger = Books(Workspace(Path(sys.argv[1]))).ledger
    match sys.argv[2:]:
        case ["one", entry_id]:
            print(one(ledger, entry_id))
        case ["settle", file]:
            print(settle(ledger, Path(file)))
        case ["plan", file]:
            print(plan(ledger, Path(file)))
