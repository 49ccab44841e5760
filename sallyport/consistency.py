"""What no single policy file shows: names that nothing defines, facts that are missing, rules nobody could meet.

Each problem stands at the line that holds the wrong name. Nothing here changes or completes a policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from zoneinfo import available_timezones

from sallyport.catalogue import Catalogue, Item
from sallyport.changes import FACTS, KINDS, TARGETS
from sallyport.changes.protocol import Announced
from sallyport.commands import ambiguities, takes_words
from sallyport.documents import Document
from sallyport.flows import ENVIRONMENT, TAGS, Flow, Nudges, Rule, Stage
from sallyport.people import EVERYONE, People
from sallyport.problems import Problem, nearest, quoted
from sallyport.schemas import SUFFIX, Schemas
from sallyport.times import format_duration
from sallyport.working_hours import is_time_zone


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that policies define and may therefore name."""

    people: People
    catalogue: Catalogue
    schemas: Schemas

    @property
    def emails(self) -> dict[str, str]:
        return {address: p.email for p in self.people.persons for address in p.identities("email")}


def group_problems(people: People, document: Document) -> Iterator[Problem]:
    """Yield what is wrong with `people.yaml`: members who are nobody, and identities that two people share."""
    emails = {address for person in people.persons for address in person.identities("email")}
    for name, members in people.groups.items():
        for member in sorted(members - emails):
            what = f"{member} is in the group {name} but not among people"
            yield Problem(what, nearest(member, emails), document.place(("groups", name)))
    for sentence in people.doubles():
        yield Problem(sentence, "give each identity to one person", document.place(("people",)))


def catalogue_problems(known: Known, documents: Mapping[str, Document]) -> Iterator[Problem]:
    """Yield what is wrong with the items of the lists; *documents* are theirs, by list."""
    for name, document in documents.items():
        for item in known.catalogue.lists[name].values():
            yield from _unknown_people(item.owners, known, document, (item.id, "owners"))
            for environment in item.places:
                yield from _place_problems(name, item, environment, known.catalogue, document)
        if name in TARGETS:
            yield from _shared_targets(name, known.catalogue, document)


def _shared_targets(name: str, catalogue: Catalogue, document: Document) -> Iterator[Problem]:
    """Yield each item that is at the same target as one of another environment."""
    taken: dict[str, tuple[str, str]] = {}
    for item in catalogue.lists[name].values():
        for environment in item.places:
            with suppress(LookupError, ValueError):  # told already
                target = TARGETS[name](catalogue, item.id, environment)
                other, elsewhere = taken.setdefault(target, (item.id, environment))
                if elsewhere != environment:
                    what = f"{item.id} in {environment} is the same as {other} in {elsewhere}: {target}"
                    mend = "give each environment its own, or put both stages into one environment"
                    yield Problem(what, mend, document.place((item.id, "in", environment)))


def _place_problems(
    name: str, item: Item, environment: str, catalogue: Catalogue, document: Document
) -> Iterator[Problem]:
    place = document.place((item.id, "in", environment))
    if environment not in catalogue.environments:
        what = f"{item.id} is in {quoted(environment)}, which is no environment"
        yield Problem(what, nearest(environment, catalogue.environments), place)
    try:
        if name in FACTS:
            FACTS[name](catalogue, item.id, environment)
    except KeyError as error:
        yield Problem(f"{item.id} has no fact “{error.args[0]}” in {environment}", "add it", place)
    except ValueError as error:
        yield Problem(f"{item.id} in {environment}: {error}", "", place)


def flow_problems(known: Known, flows: Mapping[str, Flow], documents: Mapping[str, Document]) -> Iterator[Problem]:
    """Yield what is wrong with the flows; *documents* are theirs, by flow."""
    earlier: list[Flow] = []
    prefixes: dict[str, str] = {}
    for flow in flows.values():
        document = documents[flow.id]
        for what in ambiguities(flow, earlier):
            yield Problem(what, "choose another", document.place(("command",)))
        if (other := prefixes.setdefault(flow.prefix, flow.id)) != flow.id:
            what = f"the prefix {flow.prefix} is that of {other} too"
            yield Problem(what, "choose another", document.place(("prefix",)))
        earlier.append(flow)
        yield from _flow_problems(known, flow, document)
        for index, rule in enumerate(flow.rules):
            yield from _rule_problems(known, flow, rule, document, ("rules", index))


def _flow_problems(known: Known, flow: Flow, document: Document) -> Iterator[Problem]:
    if flow.id not in KINDS:
        yield Problem(f"no change is written for {flow.id}", nearest(flow.id, KINDS), document.place(("flow",)))
    if flow.id not in known.schemas:
        mend = f"add schemas/{flow.id}{SUFFIX}"
        yield Problem(f"the flow {flow.id} has no JSON Schema", mend, document.place(("flow",)))
    if flow.notice and flow.id in KINDS and not issubclass(KINDS[flow.id], Announced):
        what = f"{flow.id} has no words to give notice with"
        yield Problem(what, "take notice out, or give its change an announcement", document.place(("notice",)))
    if flow.announce_end and not flow.channel:
        what = f"{flow.id} has no channel that could be told of an end"
        yield Problem(what, "add channel, or take announce_end out", document.place(("announce_end",)))
    lists = {"environments", *known.catalogue.lists}
    for field in flow.fields:
        if field.source and field.source not in lists:
            what = f"{field.name} takes its options from {quoted(field.source)}, which is no list"
            yield Problem(what, nearest(field.source, lists), document.place(("fields", field.name, "from")))
    yield from _unknown_fields(flow.defaults, flow, document, ("defaults",))
    if flow.examples and not takes_words(flow):
        what = f"{flow.command} takes no words, so there can be no examples of them"
        yield Problem(what, "take them out, or give the flow defaults", document.place(("examples",)))
    if flow.nudges is not None:
        yield from _nudge_problems(flow.nudges, document)


def _nudge_problems(nudges: Nudges, document: Document) -> Iterator[Problem]:
    at = ("nudges", "working_hours")
    if not is_time_zone(nudges.timezone):
        what = f"{quoted(nudges.timezone)} is no time zone"
        mend = nearest(nudges.timezone, available_timezones())
        yield Problem(what, mend, document.place((*at, "timezone")))
    if nudges.start >= nudges.end:
        what = f"working hours from {nudges.start:%H:%M} to {nudges.end:%H:%M} have no length"
        yield Problem(what, "let them end later on the same day", document.place((*at, "to")))


def _rule_problems(
    known: Known, flow: Flow, rule: Rule, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    yield from _unknown_fields(rule.when, flow, document, (*at, "when"))
    environments = known.catalogue.environments
    for environment in sorted(rule.when.get(ENVIRONMENT, frozenset()) - environments.keys()):
        what = f"{rule.name} names the environment {quoted(environment)}"
        yield Problem(what, nearest(environment, environments), document.place((*at, "when", ENVIRONMENT)))
    tags = {tag for items in known.catalogue.lists.values() for item in items.values() for tag in item.tags}
    for tag in sorted(rule.tags - tags):
        what = f"nothing in the catalogue has the tag {quoted(tag)}"
        yield Problem(what, nearest(tag, tags), document.place((*at, "when", TAGS)))
    yield from _listed_groups(rule.may_request, known, document, (*at, "may_request", "groups"))
    yield from _unknown_groups(rule.may_end.groups, known, document, (*at, "may_end", "groups"))
    if rule.break_glass:
        yield from _listed_groups(rule.break_glass.groups, known, document, (*at, "break_glass", "groups"))
    yield from _approval_problems(known, rule, document, at)
    if not rule.lifetime.minimum <= rule.lifetime.default <= rule.lifetime.maximum:
        mend = "min ≤ default ≤ max must hold"
        yield Problem(f"{rule.name} has durations out of order", mend, document.place((*at, "duration")))
    yield from _grain_problems(rule, document, (*at, "duration", "round_up_to"))
    if not (rule.cards.direct or rule.cards.channel):
        mend = "name a channel, or let it reach them directly"
        yield Problem(f"{rule.name} asks its approvers nowhere", mend, document.place((*at, "cards")))


def _grain_problems(rule: Rule, document: Document, at: tuple[str | int, ...]) -> Iterator[Problem]:
    """Yield why deadlines cannot be rounded as a rule says: nothing may live twice as long as was approved."""
    grain, shortest = rule.lifetime.grain, rule.lifetime.minimum
    if grain and timedelta(days=1) % grain:
        what = f"{rule.name} rounds deadlines up to {format_duration(grain)}, which does not divide a day"
        yield Problem(what, "write 15m, 1h, 6h or 1d", document.place(at))
    if rule.break_glass:
        shortest = min(shortest, rule.break_glass.maximum)
    if grain > shortest:
        what = (
            f"{rule.name} rounds deadlines up to {format_duration(grain)}, which is longer than the shortest life"
        )
        yield Problem(what, f"round up to no more than {format_duration(shortest)}", document.place(at))


def _approval_problems(
    known: Known, rule: Rule, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    facts = cast(Any, document.data)["rules"][at[1]]
    ways = [name for name in ("approvers", "stages", "auto_approve") if facts.get(name)]
    if len(ways) != 1:
        said = " and ".join(ways) or "neither who approves nor that nobody needs to"
        mend = "say one of approvers, stages, or auto_approve: true"
        yield Problem(f"{rule.name} says {said}", mend, document.place(at))
    if rule.approves_by_itself and rule.break_glass:
        what = f"{rule.name} needs nobody's approval, so there is nothing to break"
        yield Problem(what, "take break_glass out", document.place((*at, "break_glass")))
    if sum(stage.approvers.chosen for stage in rule.stages) > 1:
        what = f"{rule.name} has the requester choose an approver at more than one stage"
        yield Problem(what, "the form asks for one", document.place((*at, "stages")))
    if rule.step_up and not _logins(known, rule):
        what = f"{rule.name} wants a confirmation in GitHub, and nobody who may approve has a login there"
        mend = "name approvers in people.yaml, each with a `github` login; a group kept in Slack does not count"
        yield Problem(what, mend, document.place((*at, "step_up")))
    for number, stage in enumerate(rule.stages):
        place = at if "approvers" in facts else (*at, "stages", number)
        yield from _stage_problems(known, rule, stage, document, place)


def _logins(known: Known, rule: Rule) -> set[str]:
    """Return the GitHub logins of all whom a rule may have approve something."""
    items = [item for those in known.catalogue.lists.values() for item in those.values()]
    emails: set[str] = set()
    for spec in (stage.approvers for stage in rule.stages):
        owners = {owner for item in items for owner in item.owners} if spec.owners else set()
        emails |= {*spec.people, *known.people.members(spec.groups), *owners}
    persons = map(known.people.by_email, emails)
    return {person.github for person in persons if person and person.github}


def _stage_problems(
    known: Known, rule: Rule, stage: Stage, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    spec = stage.approvers
    yield from _unknown_groups(spec.groups, known, document, (*at, "approvers", "groups"))
    yield from _unknown_people(spec.people, known, document, (*at, "approvers", "people"))
    if not (spec.people or spec.groups or spec.owners):
        what = f"{rule.name} has no approvers, so nobody could ever be approved"
        yield Problem(what, "name a group", document.place((*at, "approvers")))
    if spec.chosen and stage.quorum > 1:
        what = f"{rule.name} needs {stage.quorum} approvals of the one approver whom the requester chooses"
        yield Problem(what, "take out “chosen” or the quorum", document.place((*at, "quorum")))
    groups = len(spec.groups) + bool(spec.people) + spec.owners
    if stage.distinct_groups and groups < stage.quorum:
        what = f"{rule.name} needs {stage.quorum} people of different groups and names {groups}"
        yield Problem(what, "name more groups", document.place((*at, "quorum")))


def _unknown_fields(
    names: Iterable[str], flow: Flow, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    fields = [field.name for field in flow.fields]
    for name in names:
        if name not in fields:
            yield Problem(
                f"the form has no field {quoted(name)}", nearest(name, fields), document.place((*at, name))
            )


def _listed_groups(
    names: Iterable[str], known: Known, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    """Yield what is wrong with groups whose members policies themselves must know, since jobs look again."""
    yield from _unknown_groups(names, known, document, at)
    for index, name in enumerate(names):
        if name in known.people.external:
            what = f"the group {quoted(name)} is kept in Slack, where a job cannot look"
            yield Problem(what, "name a group whose members people.yaml lists", document.place((*at, index)))


def _unknown_groups(
    names: Iterable[str], known: Known, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    groups = {EVERYONE, *known.people.groups, *known.people.external}
    for index, name in enumerate(names):
        if name not in groups:
            yield Problem(f"there is no group {quoted(name)}", nearest(name, groups), document.place((*at, index)))


def _unknown_people(
    emails: Iterable[str], known: Known, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    for email in sorted(emails):
        if email.casefold() not in known.emails:
            what = f"{quoted(email)} is not among people"
            yield Problem(what, nearest(email, known.emails.values()), document.place(at))
