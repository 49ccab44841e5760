"""The operators' policies as one checked value, made from the files of `policies/` at one commit.

A version with any problem is refused as a whole, so that a broken one never replaces a good one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from sallyport.attestations import PublicKeys, read_public_key
from sallyport.catalogue import Catalogue, Environment, Item
from sallyport.changes import KINDS
from sallyport.documents import Document, load
from sallyport.flows import (
    ENVIRONMENT,
    Approvers,
    Field,
    FieldKind,
    Flow,
    Lifetime,
    Rule,
    TicketStatus,
    TicketStyle,
)
from sallyport.people import EVERYONE, People, Person
from sallyport.problems import Place, Problem, Problems, nearest
from sallyport.schemas import SUFFIX, Schemas
from sallyport.times import parse_duration

FOLDER = "policies"


@dataclass(frozen=True, slots=True, eq=False)
class Policies:
    """Everything the operators decided, as of one commit (`version`; empty where none is known).

    Two loads are two values: what is derived from policies may be kept under them as a key.
    """

    flows: Mapping[str, Flow]
    people: People
    catalogue: Catalogue
    keys: PublicKeys
    schemas: Schemas
    ticket_statuses: Mapping[str, TicketStatus]  # by the state of a request
    version: str = ""

    def flow_of_command(self, command: str) -> Flow | None:
        return next((flow for flow in self.flows.values() if flow.command == command), None)


def read_folder(root: Path) -> dict[str, bytes]:
    """Return the files below the folder *root*, by path relative to it."""
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def load_policies(files: Mapping[str, bytes], version: str = "") -> Policies:
    """Read the files of `policies/` (by path inside it); Problems carries all that is wrong in any of them."""
    return _Loader(files, version).load()


class _Loader:
    def __init__(self, files: Mapping[str, bytes], version: str) -> None:
        self.files = files
        self.version = version
        self.problems: list[Problem] = []
        schemas = {PurePosixPath(p).name.removesuffix(SUFFIX): c for p, c in files.items() if p.endswith(SUFFIX)}
        self.schemas = Schemas(schemas)

    def load(self) -> Policies:
        people = self._people()
        catalogue = Catalogue(self._environments(), self._lists())
        flows = {flow.id: flow for flow in self._flows()}
        keys = self._keys()
        statuses = self._ticket_statuses()
        if not self.problems:
            self.problems += _cross_check(flows, people, catalogue, self.schemas)
        if self.problems:
            raise Problems(self.problems)
        return Policies(flows, people, catalogue, keys, self.schemas, statuses, self.version)

    def _document(self, path: str, schema: str) -> Document | None:
        name = f"{FOLDER}/{path}"
        if path not in self.files:
            self.problems.append(Problem(f"{name} does not exist", "every installation has one", Place(name)))
            return None
        try:
            document = load(self.files[path], name)
        except Problems as error:
            self.problems += error.problems
            return None
        found = list(self.schemas.problems(schema, document))
        self.problems += found
        return None if found else document

    def _below(self, folder: str, schema: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for path in sorted(self.files):
            if path.startswith(folder + "/") and path.endswith(".yaml"):
                document = self._document(path, schema)
                if document:
                    yield PurePosixPath(path).stem, cast(Mapping[str, Any], document.data)

    def _people(self) -> People:
        document = self._document("people.yaml", "people")
        if document is None:
            return People()
        data = cast(Mapping[str, Any], document.data)
        groups = {name: frozenset(m.casefold() for m in members) for name, members in data["groups"].items()}
        people = People(tuple(Person(**person) for person in data["people"]), groups)
        for name, members in groups.items():
            for member in members - {p.email.casefold() for p in people.persons}:
                where = document.place(("groups", name))
                self.problems.append(Problem(f"{member} is in the group {name} but not among people", "", where))
        self.problems += [
            Problem(d, "give each identity to one person", document.place()) for d in people.doubles()
        ]
        return people

    def _environments(self) -> dict[str, Environment]:
        document = self._document("environments.yaml", "environments")
        if document is None:
            return {}
        data = cast(Mapping[str, Mapping[str, str]], document.data)
        return {name: Environment(id=name, **facts) for name, facts in data.items()}

    def _lists(self) -> dict[str, dict[str, Item]]:
        return {
            name: {
                item: Item(item, facts["title"], frozenset(facts.get("owners", ())), facts["in"])
                for item, facts in data.items()
            }
            for name, data in self._below("catalogue", "catalogue")
        }

    def _flows(self) -> Iterator[Flow]:
        for name, data in self._below("flows", "flow"):
            if data["flow"] == name:
                yield _flow(data)
            else:
                place = Place(f"{FOLDER}/flows/{name}.yaml", 1, 1)
                self.problems.append(Problem(f"the file of the flow {data['flow']} is {name}.yaml", "", place))

    def _ticket_statuses(self) -> dict[str, TicketStatus]:
        document = self._document("jira.yaml", "jira")
        data = cast(Mapping[str, Mapping[str, str]], document.data) if document else {}
        return {state: TicketStatus(facts["status"], facts.get("resolution")) for state, facts in data.items()}

    def _keys(self) -> PublicKeys:
        keys = {}
        for path, content in self.files.items():
            if path.startswith("keys/") and path.endswith(".pem"):
                try:
                    keys[PurePosixPath(path).stem] = read_public_key(content)
                except ValueError as error:
                    self.problems.append(Problem(str(error), "", Place(f"{FOLDER}/{path}")))
        return keys


def _flow(data: Mapping[str, Any]) -> Flow:
    return Flow(
        id=data["flow"],
        prefix=data["prefix"],
        command=data["command"],
        title=data["title"],
        verb=data["verb"],
        fields=tuple(_field(name, facts) for name, facts in data["fields"].items()),
        rules=tuple(_rule(number, facts) for number, facts in enumerate(data["rules"], 1)),
        ticket=TicketStyle(data["ticket"]["type"], tuple(data["ticket"].get("labels", ()))),
        channel=data.get("channel", ""),
        defaults=data.get("defaults", {}),
        options=data.get("options", {}),
    )


def _field(name: str, facts: Mapping[str, Any]) -> Field:
    plain = {key: facts[key] for key in ("hint", "placeholder", "optional", "default") if key in facts}
    kind = FieldKind(facts["kind"])
    return Field(name, facts["label"], kind, tuple(facts.get("options", ())), facts.get("from", ""), **plain)


def _rule(number: int, facts: Mapping[str, Any]) -> Rule:
    approvers, lifetime = facts["approvers"], facts["duration"]
    return Rule(
        name=facts.get("name", f"rule {number}"),
        when=facts.get("when", {}),
        may_request=tuple(facts["may_request"]["groups"]),
        approvers=Approvers(
            people=frozenset(email.casefold() for email in approvers.get("people", ())),
            groups=tuple(approvers.get("groups", ())),
            owners=approvers.get("owners", False),
            chosen=approvers.get("chosen", False),
        ),
        quorum=facts.get("quorum", 1),
        timeout=parse_duration(facts["timeout"]),
        lifetime=Lifetime(
            default=parse_duration(lifetime["default"]),
            maximum=parse_duration(lifetime["max"]),
            minimum=parse_duration(lifetime.get("min", "1m")),
            permanent=lifetime.get("permanent", False),
        ),
        self_approval=facts.get("self_approval", False),
        bound_identity=facts.get("bound_identity", True),
    )


def _cross_check(
    flows: Mapping[str, Flow], people: People, catalogue: Catalogue, schemas: Schemas
) -> Iterator[Problem]:
    """Yield what no single file shows: names that nothing defines, and flows that nobody could use."""
    for flow in flows.values():
        place = Place(f"{FOLDER}/flows/{flow.id}.yaml", 1, 1)
        if flow.id not in KINDS:
            yield Problem(f"no change is written for the flow {flow.id}", nearest(flow.id, KINDS), place)
        if flow.id not in schemas:
            yield Problem(f"the flow {flow.id} has no JSON Schema", f"add schemas/{flow.id}{SUFFIX}", place)
        for field in flow.fields:
            if field.source and field.source != "environments" and field.source not in catalogue.lists:
                mend = nearest(field.source, catalogue.lists)
                yield Problem(
                    f"{field.name} takes its options from “{field.source}”, which is no list", mend, place
                )
        for rule in flow.rules:
            yield from _check_rule(rule, people, catalogue, place)


def _check_rule(rule: Rule, people: People, catalogue: Catalogue, place: Place) -> Iterator[Problem]:
    for group in (*rule.may_request, *rule.approvers.groups):
        if group != EVERYONE and group not in people.groups:
            yield Problem(f"{rule.name} names the group “{group}”", nearest(group, people.groups), place)
    environment = rule.when.get(ENVIRONMENT)
    if environment is not None and environment not in catalogue.environments:
        mend = nearest(environment, catalogue.environments)
        yield Problem(f"{rule.name} names the environment “{environment}”", mend, place)
    if not (rule.approvers.people or rule.approvers.groups or rule.approvers.owners):
        yield Problem(f"{rule.name} has no approvers, so nobody could ever be approved", "name a group", place)
    if not rule.lifetime.minimum <= rule.lifetime.default <= rule.lifetime.maximum:
        yield Problem(f"{rule.name} has durations out of order", "min ≤ default ≤ max", place)
