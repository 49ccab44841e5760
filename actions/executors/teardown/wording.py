"""The words that people read about what is torn down and restored, each in one place. They decide nothing."""

from __future__ import annotations

from collections.abc import Iterable

from actions.executors.teardown.memory import Memory
from actions.executors.teardown.state import DATABASES, KIND_NAMES, Kind, Part, kind_of, named

PRODUCTION = "it is production, which is never torn down, whatever policy says"
PROTECTED = (
    "it is protected from deletion; take the protection off, or let the catalogue say "
    "“override_deletion_protection: true”"
)
NOTHING = "nothing of it is in AWS"
FORWARD = (
    "A teardown that has begun is not turned back by itself: the next sweep goes on with it, and ending the "
    "request restores everything from its record."
)
STAYS = "Kept: VPC and subnets, addresses of NAT gateways, S3, secrets, IAM, ECS clusters, every snapshot."
Reasons = Iterable[tuple[str, str]]  # of parts, by key


def delete(part: Part, memory: Memory) -> str:
    snapshot = f", with the final snapshot {memory.snapshot}" if memory.snapshot else ""
    return f"Delete the {named(part.key)}, which is {part.status}{snapshot}."


def confirm(key: str, memory: Memory) -> str:
    snapshot = f", and that the snapshot {memory.snapshot} is available" if memory.snapshot else ""
    return f"Make sure that the {named(key)} is gone{snapshot}."


def restore(key: str, memory: Memory) -> str:
    snapshot = f" from the snapshot {memory.snapshot}" if memory.snapshot else ""
    return f"Restore the {named(key)}{snapshot}."


def complete(part: Part) -> str:
    return f"Complete the {named(part.key)}, which is {part.status}."


def cannot_begin(reasons: Reasons) -> str:
    return f"not all of it could be restored afterwards, or it is not ready. {listed(reasons)}"


def unfinished(reasons: Reasons) -> str:
    return f"not everything is deleted yet. {listed(reasons)}"


def not_restored(reasons: Reasons) -> str:
    return f"not everything is restored yet. {listed(reasons)}"


def busy(part: Part) -> str:
    return f"it is {part.status}, and has to be {'active' if part.kind is Kind.BALANCER else 'available'} first"


def counted_gone(keys: Iterable[str]) -> str:
    return f"Deleted: {_counts(keys)}."


def counted_restored(keys: Iterable[str]) -> str:
    return f"Restored: {_counts(keys)}."


def while_torn_down(key: str, part: Part | None, memory: Memory | None, why_not: str) -> str:
    """Say how a part is while an entry keeps its environment torn down."""
    name = _subject(key)
    if why_not:
        return f"{name} is {part.status if part else 'gone'}: {why_not}."
    if memory is None:
        status = part.status if part else "gone"
        return f"{name} is {status}: it came after the teardown had begun, and is left alone."
    if not memory.is_ours:
        return f"{name} was created again by somebody meanwhile; it is left to them."
    if part is not None:
        return f"{name} is {part.status}, and to be deleted."
    if kind_of(key) in DATABASES:
        return f"{name} is deleted; its data is in the snapshot {memory.snapshot}, which is available."
    if kind_of(key) is Kind.GATEWAY:
        return f"{name} is deleted; its address is kept."
    return f"{name} is deleted, and comes back as it was."


def after_restore(key: str, part: Part | None, memory: Memory, *, held: bool) -> str:
    """Say how a part is after an entry has ended."""
    name = _subject(key)
    if held:
        return f"{name} stays deleted for another request."
    if part is None:
        return f"{name} is not there."
    if not memory.is_ours:
        return f"{name} is {part.status}, as somebody else left it."
    differs = [section for section, items in memory.definition.items() if dict(part.definition[section]) != items]
    said = f", and differs from its record in: {', '.join(differs)}" if differs else ", as its record says"
    address = f"; its DNS name is now {part.address}" if part.address else ""
    return f"{name} is {part.status}{said}{address}."


def missing(key: str) -> str:
    return f"{_subject(key)} is in the catalogue, but not in AWS."


def missing_cluster(name: str) -> str:
    return f"ECS cluster {name} is in the catalogue, but not in AWS."


def read_back(part: Part) -> str:
    """Say what one read-back part proves."""
    return f"{_subject(part.key)} is {part.status}"


def failed(why: str) -> str:
    return f"AWS could not create it: {why}"


def no_final_snapshot(snapshot: str) -> str:
    return (
        f"its final snapshot {snapshot} is not there; what was there before the teardown is in {snapshot}-first, "
        "from which somebody must restore it"
    )


def too_late(status: str) -> str:
    return f"{status} after the time that a job waits; the next sweep goes on"


def waits_for(keys: Iterable[str]) -> str:
    return f"it has to wait for {', '.join(map(named, keys))}"


def listed(reasons: Reasons) -> str:
    return " ".join(f"{_subject(key)}: {reason}." for key, reason in reasons)


def _subject(key: str) -> str:
    """Name the part with *key* at the beginning of a sentence."""
    name = named(key)
    return name[0].upper() + name[1:]


def _counts(keys: Iterable[str]) -> str:
    kinds = [kind_of(key) for key in keys]
    counts = {KIND_NAMES[kind]: kinds.count(kind) for kind in Kind if kind in kinds}
    return ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in counts.items()) or "nothing"
