"""What the names in policies stand for: identities, roles, accounts, facts of items, keys.

A name that stands for something else reaches elsewhere although no rule changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sallyport.policies import Policies


@dataclass(frozen=True, slots=True)
class Meaning:
    """A fact of something that both versions have; empty where a version lacks the fact."""

    of: str
    fact: str
    before: str
    after: str


def changed_meanings(old: Policies, new: Policies) -> Iterator[Meaning]:
    """Yield each fact that differs, of things which both versions know."""
    before, after = _facts(old), _facts(new)
    for of in sorted(before.keys() & after.keys()):
        for fact in sorted(before[of].keys() | after[of].keys()):
            was, becomes = before[of].get(fact, ""), after[of].get(fact, "")
            if was != becomes:
                yield Meaning(of, fact, was, becomes)


def _facts(policies: Policies) -> dict[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {"signing keys": _keys(policies)}
    for environment in policies.catalogue.environments.values():
        found[f"environment {environment.id}"] = _shown(asdict(replace(environment, title="")))
    for name, items in policies.catalogue.lists.items():
        for item in items.values():
            for place, facts in item.places.items():
                found[f"{name}: {item.id} in {place}"] = _shown(facts)
    for person in policies.people.persons:
        identities = replace(person, name="", identity_center=person.identity_store_name)
        found[f"person {person.email.casefold()}"] = _shown(asdict(identities))
    return found


def _shown(facts: Mapping[str, object]) -> Mapping[str, str]:
    return {name: _text(value) for name, value in facts.items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _keys(policies: Policies) -> Mapping[str, str]:
    return {
        name: hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]
        for name, key in policies.keys.items()
    }
