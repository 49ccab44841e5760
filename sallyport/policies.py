"""The operators' policies as one checked value, made from the files of `policies/` at one commit.

A version with any problem is refused as a whole, so that a broken one never replaces a good one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, cast

from sallyport.attestations import PublicKeys, read_public_key
from sallyport.catalogue import Catalogue, Environment, Item
from sallyport.consistency import Known, catalogue_problems, flow_problems, group_problems
from sallyport.documents import Document, load
from sallyport.flow_files import read_flow
from sallyport.flows import Flow, ReviewTask, Rule, TicketStatus
from sallyport.people import People, Person
from sallyport.problems import Place, Problem, Problems
from sallyport.schedule_files import read_schedules, schedule_problems
from sallyport.schedules import Schedule
from sallyport.schemas import SUFFIX, Schemas

FOLDER = "policies"
SCHEDULES = "schedules.yaml"  # the one file that an installation may leave out
MAX_BYTES = 2 * 1024 * 1024  # of one file: a catalogue may list thousands of things


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
    review: ReviewTask = field(default_factory=ReviewTask)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)  # by name

    def schedule_of(self, environment: str) -> Schedule | None:
        """Return the schedule by which *environment* sleeps; None if it does by none."""
        return next((one for one in self.schedules.values() if environment in one.environments), None)

    def rule_for(self, flow: Flow, answers: Mapping[str, str]) -> Rule | None:
        """Return the rule for *answers* to the flow's form, which may be part of them; None means denied."""
        return flow.rule_for(answers, self.tags_of(flow, answers))

    def rule_in_sight(self, flow: Flow, answers: Mapping[str, str]) -> Rule | None:
        """Return the rule for *answers*, or else the first that an answer which is still missing may lead to."""
        untold = any(field.source and not answers.get(field.name) for field in flow.fields)
        tags = self.tags_of(flow, answers)
        may_match = (
            rule
            for rule in flow.rules
            if all(answers.get(name) in {None, "", *accepted} for name, accepted in rule.when.items())
            and (untold or not rule.tags or rule.tags & tags)
        )
        return self.rule_for(flow, answers) or next(may_match, None)

    def tags_of(self, flow: Flow, answers: Mapping[str, str]) -> frozenset[str]:
        """Return what the catalogue says of the items that *answers* name."""
        chosen = ((field.source, answers.get(field.name, "")) for field in flow.fields if field.source)
        items = (self.catalogue.lists.get(name, {}).get(item) for name, item in chosen)
        return frozenset().union(*(item.tags for item in items if item))


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
        self.documents: dict[str, Document] = {}  # those that fit their schema, by path
        self.missing_schemas: set[str] = set()
        schemas = {PurePosixPath(p).name.removesuffix(SUFFIX): c for p, c in files.items() if p.endswith(SUFFIX)}
        self.schemas = Schemas(schemas)

    def load(self) -> Policies:
        people = self._people()
        catalogue = Catalogue(self._environments(), self._lists())
        names_are_known = not self.problems  # else what a flow names may stand in a file that was not readable
        flows = {flow.id: flow for flow in self._flows()}
        keys = self._keys()
        statuses, review = self._jira()
        schedules = self._schedules()
        known = Known(people, catalogue, self.schemas)
        flows_are_known = not self.problems
        if names_are_known:
            self.problems += self._inconsistencies(known, flows)
        if flows_are_known and schedules:
            self.problems += schedule_problems(known, flows, schedules, self.documents[SCHEDULES])
        if self.problems:
            raise Problems(self.problems)
        return Policies(flows, people, catalogue, keys, self.schemas, statuses, self.version, review, schedules)

    def _inconsistencies(self, known: Known, flows: Mapping[str, Flow]) -> Iterator[Problem]:
        yield from group_problems(known.people, self.documents["people.yaml"])
        lists = {name: self.documents[f"catalogue/{name}.yaml"] for name in known.catalogue.lists}
        yield from catalogue_problems(known, lists)
        yield from flow_problems(known, flows, {flow: self.documents[f"flows/{flow}.yaml"] for flow in flows})

    def _document(self, path: str, schema: str) -> Document | None:
        name = f"{FOLDER}/{path}"
        if path not in self.files:
            self.problems.append(Problem(f"{name} does not exist", "every installation has one", Place(name)))
            return None
        if schema not in self.schemas:
            self._miss_schema(schema)
            return None
        try:
            document = load(self.files[path], name, MAX_BYTES)
        except Problems as error:
            self.problems += error.problems
            return None
        if found := list(self.schemas.problems(schema, document)):
            self.problems += found
            return None
        self.documents[path] = document
        return document

    def _miss_schema(self, schema: str) -> None:
        if schema not in self.missing_schemas:
            self.missing_schemas.add(schema)
            name = f"{FOLDER}/schemas/{schema}{SUFFIX}"
            self.problems.append(Problem(f"{name} does not exist", "every installation has one", Place(name)))

    def _in(self, folder: str, schema: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for path in sorted(self.files):
            if path.rpartition("/")[0] == folder and path.endswith(".yaml"):
                document = self._document(path, schema)
                if document:
                    yield PurePosixPath(path).stem, cast(Mapping[str, Any], document.data)

    def _people(self) -> People:
        document = self._document("people.yaml", "people")
        if document is None:
            return People()
        data = cast(Mapping[str, Any], document.data)
        persons = tuple(
            Person(**{**person, "aliases": tuple(person.get("aliases", ()))}) for person in data["people"]
        )
        listed = {name: members for name, members in data["groups"].items() if isinstance(members, list)}
        external = {name: members["slack"] for name, members in data["groups"].items() if name not in listed}
        groups = {name: frozenset(m.casefold() for m in members) for name, members in listed.items()}
        return People(persons, groups, external)

    def _environments(self) -> dict[str, Environment]:
        document = self._document("environments.yaml", "environments")
        data = cast(Mapping[str, Mapping[str, str]], document.data) if document else {}
        return {name: Environment(id=name, **facts) for name, facts in data.items()}

    def _lists(self) -> dict[str, dict[str, Item]]:
        return {
            name: {
                item: Item(
                    item,
                    facts["title"],
                    frozenset(facts.get("owners", ())),
                    facts["in"],
                    frozenset(facts.get("tags", ())),
                )
                for item, facts in data.items()
            }
            for name, data in self._in("catalogue", "catalogue")
        }

    def _flows(self) -> Iterator[Flow]:
        for name, data in self._in("flows", "flow"):
            if data["flow"] == name:
                yield read_flow(data)
            else:
                place = self.documents[f"flows/{name}.yaml"].place(("flow",))
                mend = f"name the file {data['flow']}.yaml"
                self.problems.append(Problem(f"the file of the flow {data['flow']} is {name}.yaml", mend, place))

    def _jira(self) -> tuple[dict[str, TicketStatus], ReviewTask]:
        document = self._document("jira.yaml", "jira")
        data = dict(cast(Mapping[str, Any], document.data)) if document else {}
        review = data.pop("review", {})
        statuses = {state: TicketStatus(facts["status"], facts.get("resolution")) for state, facts in data.items()}
        if "labels" in review:
            review = {**review, "labels": tuple(review["labels"])}
        return statuses, ReviewTask(**review)

    def _schedules(self) -> dict[str, Schedule]:
        document = self._document(SCHEDULES, "schedules") if SCHEDULES in self.files else None
        try:
            return read_schedules(document) if document else {}
        except Problems as error:
            self.problems += error.problems
            return {}

    def _keys(self) -> PublicKeys:
        keys = {}
        for path, content in self.files.items():
            if path.startswith("keys/") and path.endswith(".pem"):
                try:
                    keys[PurePosixPath(path).stem] = read_public_key(content)
                except ValueError as error:
                    self.problems.append(Problem(str(error), "", Place(f"{FOLDER}/{path}")))
        return keys
