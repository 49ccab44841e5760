"""What the fields of a form offer, also to what has been typed so far into one with a long list.

Slack shows at most 100 options at once and silently none if there are more. The lists come from the policies in
memory: answering somebody who types asks nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sallyport.flows import APPROVER, DURATION, ENVIRONMENT, Field, FieldKind, Flow
from sallyport.policies import Policies

MOST = 100  # options that Slack shows
LONGEST = 75  # characters of an option's label

Choice = tuple[str, str]  # value and label


@dataclass(frozen=True, slots=True)
class Offer:
    """What a form can offer beyond the catalogue, by the rule that its answers so far choose.

    That is: who may decide, and for how long.
    """

    environment: str
    approvers: tuple[Choice, ...]
    durations: tuple[Choice, ...]
    notice: str = ""  # why nothing can be asked for here, or how little room is left
    told: tuple[str, ...] = ()  # Slack ids of those who are told at once of an emergency

    @property
    def digest(self) -> str:
        """Name what is offered, so that a form can tell whether it still shows it."""
        return digest_of((self.environment, self.approvers, self.durations, self.notice, self.told))


def digest_of(what: object) -> str:
    """Return a short name for a value that is made of texts."""
    return hashlib.sha256(repr(what).encode()).hexdigest()[:8]


def answered(flow: Flow, policies: Policies, environment: str, answers: Mapping[str, str]) -> Mapping[str, str]:
    """Return what the form for *environment* shows as answered by *answers*: what it chooses by itself too.

    A choice that is not offered there is none.
    """
    bare = Offer(environment, (), ())
    given = {ENVIRONMENT: environment}
    for field in flow.fields:
        value = answers.get(field.name, field.default)
        if field.kind is FieldKind.CHOICE and field.name not in {ENVIRONMENT, APPROVER, DURATION}:
            offered = choices(field, flow, policies, bare)
            value = offered[0][0] if len(offered) == 1 else value
            value = value if any(value == choice for choice, _ in offered) else ""
        if value and field.name != ENVIRONMENT:
            given[field.name] = value
    return given


def choices(field: Field, flow: Flow, policies: Policies, offer: Offer) -> Sequence[Choice]:
    """Return everything that *field* offers, in order."""
    if field.name == APPROVER:
        return offer.approvers
    if field.name == DURATION:
        return offer.durations
    if field.name == ENVIRONMENT:
        environments = policies.catalogue.environments.values()
        return [(each.id, each.title) for each in environments if flow.has_rule_in(each.id)]
    if field.source:
        return _listed(policies, field.source, offer.environment)
    return [(option, option) for option in field.options]


def matching(offered: Sequence[Choice], typed: str) -> Mapping[str, Any]:
    """Return Slack's options for what was *typed*: whole words and beginnings first, at most 100.

    Every word that was typed must occur in the label or the value. Where more match than can be shown, a heading
    says so.
    """
    words = typed.casefold().split()
    found = sorted(
        (rank, index)
        for index, text in enumerate(_folded(tuple(offered)))
        if (rank := _rank(text, words)) is not None
    )
    options = [option(*offered[index]) for _, index in found[:MOST]]
    if len(found) <= MOST:
        return {"options": options}
    label = f"{MOST} of {len(found)}: type more to narrow them down"
    return {"option_groups": [{"label": _plain(label), "options": options}]}


def option(value: str, label: str) -> dict[str, Any]:
    """Return one option as Slack takes it."""
    return {"text": _plain(label[:LONGEST]), "value": value}


@lru_cache(maxsize=64)
def _listed(policies: Policies, source: str, environment: str) -> tuple[Choice, ...]:
    return tuple((each.value, each.label) for each in policies.catalogue.options(source, environment))


@lru_cache(maxsize=64)
def _folded(offered: tuple[Choice, ...]) -> tuple[str, ...]:
    return tuple(f" {label} {value}".casefold() for value, label in offered)


def _rank(text: str, words: Sequence[str]) -> int | None:
    """Return how well *text* fits, 0 best; None if a word is missing."""
    if not all(word in text for word in words):
        return None
    return sum(f" {word}" not in text for word in words)


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
