"""What no single policy file shows: names that nothing defines, facts that are missing, rules nobody could meet.

Each problem stands at the line that holds the wrong name. Nothing here changes or completes a policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sallyport.catalogue import Catalogue, Item
from sallyport.changes import FACTS, KINDS
from sallyport.documents import Document
from sallyport.flows import ENVIRONMENT, Flow, Rule
from sallyport.people import EVERYONE, People
from sallyport.problems import Problem, nearest, quoted
from sallyport.schemas import SUFFIX, Schemas


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that policies define and may therefore name."""

    people: People
    catalogue: Catalogue
    schemas: Schemas

    @property
    def emails(self) -> dict[str, str]:
        return {person.email.casefold(): person.email for person in self.people.persons}


def group_problems(people: People, document: Document) -> Iterator[Problem]:
    """Yield what is wrong with `people.yaml`: members who are nobody, and identities that two people share."""
    emails = {person.email.casefold() for person in people.persons}
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
    commands: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    for flow in flows.values():
        document = documents[flow.id]
        for what, taken, value in (("command", commands, flow.command), ("prefix", prefixes, flow.prefix)):
            if (other := taken.setdefault(value, flow.id)) != flow.id:
                yield Problem(
                    f"the {what} {value} is that of {other} too", "choose another", document.place((what,))
                )
        yield from _flow_problems(known, flow, document)
        for index, rule in enumerate(flow.rules):
            yield from _rule_problems(known, flow, rule, document, ("rules", index))


def _flow_problems(known: Known, flow: Flow, document: Document) -> Iterator[Problem]:
    if flow.id not in KINDS:
        yield Problem(f"no change is written for {flow.id}", nearest(flow.id, KINDS), document.place(("flow",)))
    if flow.id not in known.schemas:
        mend = f"add schemas/{flow.id}{SUFFIX}"
        yield Problem(f"the flow {flow.id} has no JSON Schema", mend, document.place(("flow",)))
    lists = {"environments", *known.catalogue.lists}
    for field in flow.fields:
        if field.source and field.source not in lists:
            what = f"{field.name} takes its options from {quoted(field.source)}, which is no list"
            yield Problem(what, nearest(field.source, lists), document.place(("fields", field.name, "from")))
    yield from _unknown_fields(flow.defaults, flow, document, ("defaults",))


def _rule_problems(
    known: Known, flow: Flow, rule: Rule, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    yield from _unknown_fields(rule.when, flow, document, (*at, "when"))
    environments = known.catalogue.environments
    environment = rule.when.get(ENVIRONMENT)
    if environment is not None and environment not in environments:
        what = f"{rule.name} names the environment {quoted(environment)}"
        yield Problem(what, nearest(environment, environments), document.place((*at, "when", ENVIRONMENT)))
    yield from _unknown_groups(rule.may_request, known, document, (*at, "may_request", "groups"))
    yield from _unknown_groups(rule.approvers.groups, known, document, (*at, "approvers", "groups"))
    yield from _unknown_people(rule.approvers.people, known, document, (*at, "approvers", "people"))
    if not (rule.approvers.people or rule.approvers.groups or rule.approvers.owners):
        what = f"{rule.name} has no approvers, so nobody could ever be approved"
        yield Problem(what, "name a group", document.place((*at, "approvers")))
    if rule.approvers.chosen and rule.quorum > 1:
        what = f"{rule.name} needs {rule.quorum} approvals of the one approver whom the requester chooses"
        yield Problem(what, "take out “chosen” or the quorum", document.place((*at, "quorum")))
    if not rule.lifetime.minimum <= rule.lifetime.default <= rule.lifetime.maximum:
        mend = "min ≤ default ≤ max must hold"
        yield Problem(f"{rule.name} has durations out of order", mend, document.place((*at, "duration")))


def _unknown_fields(
    names: Iterable[str], flow: Flow, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    fields = [field.name for field in flow.fields]
    for name in names:
        if name not in fields:
            yield Problem(
                f"the form has no field {quoted(name)}", nearest(name, fields), document.place((*at, name))
            )


def _unknown_groups(
    names: Iterable[str], known: Known, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    groups = {EVERYONE, *known.people.groups}
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
