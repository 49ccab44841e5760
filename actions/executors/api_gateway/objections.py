"""Why a whitelisting must not be made, in sentences that say how to mend it. Pure.

Each objection is a case in which an ordinary change would surprise somebody: it would shut out other callers,
have no effect, or publish other people's unfinished work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actions.executors.api_gateway.deny_lists import Block, blocks
from actions.executors.api_gateway.marks import Method, unpublished
from actions.executors.api_gateway.state import Ask, Scene, Stage
from actions.executors.protocol import TargetFault
from sallyport.changes.api_whitelisting import Endpoint
from sallyport.changes.sources import SourceKind
from sallyport.resource_policies.patterns import as_pattern, overlap

_CLOSED_BY_A_POLICY = ("NONE", "COGNITO_USER_POOLS")  # they need an explicit Allow once there is a policy


def objections(scene: Scene, asks: Iterable[Ask]) -> tuple[str, ...]:
    """Return every objection to one entry's *asks*, each a whole sentence."""
    found: dict[str, None] = {}
    for ask in asks:
        found.update(dict.fromkeys(_about(scene, ask)))
    return tuple(found)


def obstacle(scene: Scene, stage: Stage) -> str:
    """Say whose undeployed changes a deployment of *stage* would publish; empty if it may be deployed."""
    if stage.name in scene.publishable or not stage.exists:
        return ""
    changes = unpublished(methods_of(scene), stage.methods)
    if changes:
        return f"changes of somebody else are not deployed on stage {stage.name} yet ({changes})"
    if stage.mark and stage.mark.others != scene.stored_marks[stage.name].others:
        return f"somebody has edited the resource policy and not deployed it on stage {stage.name} yet"
    return ""


def methods_of(scene: Scene) -> frozenset[Method]:
    """Return the API's methods; TargetFault if they were not read, which an observation for writing does."""
    if scene.state.methods is None:
        raise TargetFault(f"{scene.state.arn.lock} was observed for other entries than it is planned for.")
    return scene.state.methods


def _about(scene: Scene, ask: Ask) -> Iterator[str]:
    stage = scene.state.stage(ask.door.stage)
    if stage is None or not stage.exists:
        yield f"{ask.api.title} has no stage “{ask.door.stage}” in AWS; mend policies/catalogue/apis.yaml."
        return
    if scene.state.private != (ask.api.endpoint is Endpoint.PRIVATE):
        kind = "private" if scene.state.private else "public"
        yield f"AWS says that {ask.api.title} is {kind}, the catalogue that it is {ask.api.endpoint}; mend that."
    yield from _anonymous(scene, ask)
    yield from _closing(scene, ask)
    yield from _denied(scene, ask)
    if hindrance := obstacle(scene, stage):
        yield (
            f"Deploying would publish what is not ours: {hindrance}. Deploy stage {stage.name} or take the "
            f"changes back, then run this again; or let it happen with may_publish_others in the catalogue."
        )


def _anonymous(scene: Scene, ask: Ask) -> Iterator[str]:
    """An IAM principal is only seen where the method authenticates its callers."""
    if ask.door.kind not in (SourceKind.ACCOUNT, SourceKind.ROLE):
        return
    open_ones = sorted(
        f"{m} ({m.authorization})" for m in methods_of(scene) if m.authorization != "AWS_IAM" and _covers(ask, m)
    )
    if open_ones:
        yield (
            f"An AWS account or role can only be let in where methods ask for IAM authorization, and "
            f"{', '.join(open_ones[:3])} do not; name address ranges instead, or set AWS_IAM on the methods."
        )


def _closing(scene: Scene, ask: Ask) -> Iterator[str]:
    """The first policy turns an open API into one that lets in nobody but those it names."""
    if scene.state.policy is not None or scene.state.private or ask.api.may_close:
        return
    shut = sorted(str(m) for m in methods_of(scene) if m.authorization in _CLOSED_BY_A_POLICY)
    if shut:
        more = f" and {len(shut) - 3} more" if len(shut) > 3 else ""
        yield (
            f"{ask.api.title} has no resource policy and is open to everybody; its first statement would close "
            f"{', '.join(shut[:3])}{more} to all other callers. If that is wanted, say may_close in the "
            f"catalogue, or put a policy on the API that names its present callers."
        )


def _denied(scene: Scene, ask: Ask) -> Iterator[str]:
    if scene.state.policy is None:
        return
    for block in blocks(scene.state.policy, ask.door, ask.sources, scene.state.arn, private=scene.state.private):
        if not (block.editable and ask.api.may_edit_deny_list):
            yield _denial(ask, block)


def _denial(ask: Ask, block: Block) -> str:
    what = f"{block.name[0].upper()}{block.name[1:]} of {ask.api.title}'s policy shuts out"
    if not block.editable:
        return f"{what} these callers, so that letting them in would have no effect; ask its owners to change it."
    missing = ", ".join(sorted(block.missing))
    return (
        f"{what} every address that is not on its list, so that letting in {missing} would have no effect; add it "
        f"there, or let Sallyport do so with may_edit_deny_list in the catalogue."
    )


def _covers(ask: Ask, method: Method) -> bool:
    verb = "*" in (ask.door.method, method.verb) or method.verb in (ask.door.method, "ANY")
    return verb and overlap(ask.door.path, as_pattern(method.path))
