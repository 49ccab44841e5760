"""What a JQL query means here: which fields exist, what each may be asked, and which issues answer.

A field, operator, function or value that this site does not have is a 400 with JIRA's kind of message,
even when there is no issue that could match: a wrong query must never look like an empty answer.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.jira.issues import Issue
from sandbox.jira.jql_dates import point_in_time
from sandbox.jira.jql_parser import And, Clause, Expression, FieldName, Literal, Operand, Order, Query
from sandbox.jira.project import Project
from sandbox.jira.refusals import JiraRefusal
from sandbox.jira.site import Category, CustomField, FieldType

Predicate = Callable[[Issue], bool]
_EQUALITY = frozenset({"=", "!=", "in", "not in"})
_EMPTINESS = frozenset({"is", "is not"})
_ORDER = frozenset({"<", "<=", ">", ">="})
_TEXT = frozenset({"~", "!~"})
_UNRESOLVED = "Unresolved"  # finds open issues although their field is empty
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class _Field:
    """One searchable field: what it may be asked, an issue's values, and how an operand is read.

    `nothing` is the value that stands for an empty field where JIRA lets one ask for it by name.
    """

    name: str
    operators: frozenset[str]
    values: Callable[[Issue], tuple[Any, ...]]
    read: Callable[[Operand], Any]
    nothing: str | None = None

    def is_set(self, issue: Issue) -> bool:
        return any(value != self.nothing for value in self.values(issue))


def select(project: Project, query: Query) -> Callable[[Iterable[Issue]], list[Issue]]:
    """Check the whole query, and return what picks and orders the matching issues."""
    meaning = _Meaning(project)
    matches = meaning.predicate(query.where) if query.where else lambda _issue: True
    orders = [(meaning.sort_key(order), order.descending) for order in query.order]

    def pick(issues: Iterable[Issue]) -> list[Issue]:
        found = sorted((issue for issue in issues if matches(issue)), key=lambda each: each.id, reverse=True)
        for key, descending in reversed(orders):
            found.sort(key=key, reverse=descending)
        return found

    return pick


class _Meaning:
    """The fields of one project at one moment."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._site = project.site
        self._now = project.clock()
        self._fields = {field.name.casefold(): field for field in self._system_fields()}

    def predicate(self, expression: Expression) -> Predicate:
        if isinstance(expression, Clause):
            return self._clause(expression)
        parts = [self.predicate(part) for part in expression.parts]
        every = all if isinstance(expression, And) else any
        return lambda issue: every(part(issue) for part in parts)

    def sort_key(self, order: Order) -> Callable[[Issue], Any]:
        field = self._field(order.field)
        if not field.operators & _ORDER:
            raise JiraRefusal(400, f"Not able to sort using field '{field.name}'.")
        return lambda issue: (bool(field.values(issue)), field.values(issue))

    def _clause(self, clause: Clause) -> Predicate:
        field = self._field(clause.field)
        if clause.operator not in field.operators:
            message = f"The operator '{clause.operator}' is not supported by the '{field.name}' field."
            raise JiraRefusal(400, message)
        return _predicate(field, clause.operator, [field.read(operand) for operand in clause.operands])

    def _field(self, name: FieldName) -> _Field:
        for custom in self._site.custom_fields:
            if name.number == custom.number or (
                name.number is None and name.text.casefold() == custom.name.casefold()
            ):
                return self._custom(custom)
        if name.number is not None or name.text.casefold() not in self._fields:
            message = f"Field '{name}' does not exist or you do not have permission to view it."
            raise JiraRefusal(400, message)
        return self._fields[name.text.casefold()]

    def _system_fields(self) -> list[_Field]:
        site, flow = self._site, self._site.workflow
        choice = _EQUALITY | _EMPTINESS
        categories = {name.casefold(): each.label for each in Category for name in (each.label, each.value)}

        def one_of(
            name: str, value: Callable[[Issue], str], known: Iterable[str], nothing: str | None = None
        ) -> _Field:
            allowed = {each.casefold(): each for each in known}
            return _Field(
                name, choice, lambda issue: (value(issue),), lambda each: _known(each, name, allowed), nothing
            )

        return [
            one_of("project", lambda _issue: site.project, (site.project,)),
            one_of("status", lambda issue: issue.status, (each.name for each in flow.statuses)),
            one_of("issuetype", lambda issue: issue.type, site.issue_types),
            one_of(
                "resolution",
                lambda issue: issue.resolution or _UNRESOLVED,
                (*flow.resolutions, _UNRESOLVED),
                nothing=_UNRESOLVED,
            ),
            _Field(
                "statusCategory",
                choice,
                lambda issue: (self._project.category(issue).label,),
                lambda operand: _known(operand, "statusCategory", categories),
            ),
            _Field("key", _EQUALITY | _ORDER, lambda issue: (issue.number,), self._key),
            _Field("labels", choice, lambda issue: tuple(map(str.casefold, issue.labels)), _folded("labels")),
            _Field("summary", _TEXT | _EMPTINESS, lambda issue: (issue.summary,), _phrase("summary")),
            _Field("text", _TEXT, lambda issue: (self._all_text(issue),), _phrase("text")),
            self._user("reporter", lambda issue: issue.reporter),
            self._user("assignee", lambda issue: issue.assignee),
            self._date("created", lambda issue: issue.created),
            self._date("updated", lambda issue: issue.updated),
            self._date("resolved", lambda issue: issue.resolved),
        ]

    def _custom(self, custom: CustomField) -> _Field:
        def value(issue: Issue) -> Any:
            return issue.fields.get(custom.name)

        match custom.type:
            case FieldType.USER:
                return self._user(custom.name, value)
            case FieldType.DATETIME:
                return self._date(custom.name, value)
            case FieldType.SELECT:
                known = {option.casefold(): option for option in custom.options}
                return _Field(
                    custom.name,
                    _EQUALITY | _EMPTINESS,
                    lambda issue: _some(value(issue)),
                    lambda operand: _known(operand, custom.name, known),
                )
            case FieldType.TEXT:
                return _Field(
                    custom.name, _TEXT | _EMPTINESS, lambda issue: _some(value(issue)), _phrase(custom.name)
                )

    def _user(self, name: str, value: Callable[[Issue], str | None]) -> _Field:
        known = {user.name.casefold(): user.name for user in self._site.users}
        if not self._site.is_cloud:
            known |= {user.email.casefold(): user.name for user in self._site.users}
        return _Field(
            name,
            _EQUALITY | _EMPTINESS,
            lambda issue: _some(value(issue)),
            lambda operand: _known(operand, name, known),
        )

    def _date(self, name: str, value: Callable[[Issue], datetime | None]) -> _Field:
        return _Field(
            name,
            _EQUALITY | _EMPTINESS | _ORDER,
            lambda issue: _some(value(issue)),
            lambda operand: point_in_time(operand, name, self._now, self._site),
        )

    def _key(self, operand: Operand) -> int:
        text = _literal(operand, "key").upper()
        if text not in self._project.issues:
            raise JiraRefusal(400, f"An issue with key '{text}' does not exist for field 'key'.")
        return self._project.issues[text].number

    def _all_text(self, issue: Issue) -> str:
        own = [str(issue.fields.get(f.name, "")) for f in self._site.custom_fields if f.type is FieldType.TEXT]
        return "\n".join([issue.summary, issue.description, *own, *(c.body for c in issue.comments)])


def _predicate(field: _Field, asked: str, wanted: list[Any]) -> Predicate:
    """Negative operators never match an empty field, as in JIRA."""
    values = field.values
    match asked:
        case "is":
            return lambda issue: not field.is_set(issue)
        case "is not":
            return lambda issue: field.is_set(issue)
        case "=" | "in":
            return lambda issue: any(value in wanted for value in values(issue))
        case "!=" | "not in":
            return lambda issue: field.is_set(issue) and not any(value in wanted for value in values(issue))
        case "~":
            return lambda issue: any(wanted[0](value) for value in values(issue))
        case "!~":
            return lambda issue: field.is_set(issue) and not any(wanted[0](v) for v in values(issue))
    compare = _COMPARE[asked]
    return lambda issue: any(compare(value, wanted[0]) for value in values(issue))


def _some(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def _literal(operand: Operand, field: str) -> str:
    if isinstance(operand, Literal):
        return operand.text
    raise JiraRefusal(400, f"Unable to find JQL function '{operand.function}' for the field '{field}'.")


def _known(operand: Operand, field: str, known: dict[str, str]) -> str:
    text = _literal(operand, field)
    if text.casefold() not in known:
        raise JiraRefusal(400, f"The value '{text}' does not exist for the field '{field}'.")
    return known[text.casefold()]


def _folded(field: str) -> Callable[[Operand], str]:
    return lambda operand: _literal(operand, field).casefold()


_LUCENE = re.compile(r"[+&|!(){}\[\]^~*?\\:/]")


def _phrase(field: str) -> Callable[[Operand], Callable[[str], bool]]:
    """`~`: all words, in any order; in inner quotes, as a phrase. Lucene's other signs are refused."""

    def read(operand: Operand) -> Callable[[str], bool]:
        text = _literal(operand, field)
        inner = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else None
        words = _words(inner if inner is not None else text)
        if not words or _LUCENE.search(text) or '"' in (inner if inner is not None else text):
            raise JiraRefusal(400, f"Unable to parse the text '{text}' for field '{field}'.")
        if inner is not None:
            return lambda value: f" {' '.join(words)} " in f" {' '.join(_words(value))} "
        return lambda value: set(words) <= set(_words(value))

    return read


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
