"""Reading the fields of a write as strictly as JIRA does: all problems in one answer, keyed by field.

A value that is accepted here is stored as it is; nothing is corrected, cut or guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.jira.refusals import JiraRefusal, off_screen
from sandbox.jira.site import CustomField, FieldType, JiraSite

MAX_TEXT = 32_767
MAX_LINE = 255
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")

Reader = Callable[[JiraSite, Any], Any]


class _Invalid(ValueError):
    """One field's value that JIRA would not store; the message is what JIRA says about it."""


def read_fields(site: JiraSite, raw: Any, screen: Collection[str]) -> dict[str, Any]:
    """The values of `raw` by field name, if every one of them may be set on `screen` and is well formed."""
    if not isinstance(raw, Mapping):
        raise JiraRefusal(400, "'fields' must be an object.")
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field_id, value in raw.items():
        name, reader = _reader(site, field_id)
        if reader is None or name not in screen:
            errors[field_id] = off_screen(field_id)
            continue
        try:
            values[name] = reader(site, value)
        except _Invalid as problem:
            errors[field_id] = str(problem)
    if errors:
        raise JiraRefusal(400, errors=errors)
    return values


def _reader(site: JiraSite, field_id: str) -> tuple[str, Reader | None]:
    """A custom field is set by its id only, never by its name."""
    for custom in site.custom_fields:
        if custom.id == field_id:
            return custom.name, _custom_reader(custom)
    return field_id, _SYSTEM.get(field_id)


def editable(site: JiraSite) -> tuple[str, ...]:
    """The names of the fields on the edit screen."""
    on_screen = (field.name for field in site.custom_fields if field.on_screen)
    return ("summary", "description", "labels", "assignee", "reporter", *on_screen)


def creatable(site: JiraSite) -> tuple[str, ...]:
    """The names of the fields on the create screen."""
    return ("project", "issuetype", *editable(site))


def _summary(_site: JiraSite, value: Any) -> str:
    if not isinstance(value, str):
        raise _Invalid("Operation value must be a string")
    if not value.strip():
        raise _Invalid("You must specify a summary of the issue.")
    if "\n" in value or "\r" in value:
        raise _Invalid("The summary is invalid because it contains newline characters.")
    if len(value) > MAX_LINE:
        raise _Invalid("Summary must be less than 255 characters.")
    return value


def _text(value: Any) -> str:
    """A long text, as descriptions and comments are: wiki text of at most 32,767 characters."""
    if not isinstance(value, str):
        raise _Invalid("Operation value must be a string")
    if len(value) > MAX_TEXT:
        raise _Invalid("The entered text is too long. It exceeds the allowed limit of 32,767 characters.")
    return value


def _description(_site: JiraSite, value: Any) -> str:
    return "" if value is None else _text(value)


def _label(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _Invalid("Label must be a non-empty string.")
    if re.search(r"\s", value):
        raise _Invalid(f"The label '{value}' contains spaces which is invalid.")
    if len(value) > MAX_LINE:
        raise _Invalid(f"The label '{value[:20]}…' exceeds the maximum length of 255 characters.")
    return value


def _labels(_site: JiraSite, value: Any) -> tuple[str, ...]:
    return _label_list(value)


def _label_list(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Invalid("data was not an array")
    return tuple(dict.fromkeys(_label(label) for label in value))


def _project(site: JiraSite, value: Any) -> str:
    if value != {"key": site.project}:
        raise _Invalid("valid project is required")
    return site.project


def _issue_type(site: JiraSite, value: Any) -> str:
    name = value.get("name") if isinstance(value, Mapping) and len(value) == 1 else None
    if name not in site.issue_types:
        raise _Invalid("The issue type selected is invalid.")
    return str(name)


def _user(site: JiraSite, value: Any) -> str | None:
    if value is None:
        return None
    member = "accountId" if site.is_cloud else "name"
    if not isinstance(value, Mapping) or set(value) != {member}:
        raise _Invalid(f"expected Object containing a '{member}' property")
    user = site.user(str(value[member]))
    if user is None or not user.active:
        raise _Invalid(f"User '{value[member]}' does not exist.")
    return user.name


def _resolution(site: JiraSite, value: Any) -> str:
    name = value.get("name") if isinstance(value, Mapping) and len(value) == 1 else None
    if name not in site.workflow.resolutions:
        raise _Invalid(f"Resolution with name '{name}' is not valid.")
    return str(name)


def _line(_site: JiraSite, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _Invalid("Operation value must be a string")
    if len(value) > MAX_LINE or "\n" in value:
        raise _Invalid("The entered text is too long. It exceeds the allowed limit of 255 characters.")
    return value


def _datetime(_site: JiraSite, value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise _Invalid(f"Error parsing date string: {value}")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except ValueError:
        raise _Invalid(f"Error parsing date string: {value}") from None


def _select(custom: CustomField) -> Reader:
    def read(_site: JiraSite, value: Any) -> str | None:
        if value is None:
            return None
        option = value.get("value") if isinstance(value, Mapping) and len(value) == 1 else None
        if option not in custom.options:
            raise _Invalid(f"Option value '{option}' is not valid")
        return str(option)

    return read


def _custom_reader(custom: CustomField) -> Reader | None:
    if not custom.on_screen:
        return None
    readers: dict[FieldType, Reader] = {
        FieldType.TEXT: _line,
        FieldType.USER: _user,
        FieldType.SELECT: _select(custom),
        FieldType.DATETIME: _datetime,
    }
    return readers[custom.type]


_SYSTEM: Mapping[str, Reader] = {
    "assignee": _user,
    "description": _description,
    "issuetype": _issue_type,
    "labels": _labels,
    "project": _project,
    "reporter": _user,
    "resolution": _resolution,
    "summary": _summary,
}


def apply_label_operations(labels: tuple[str, ...], operations: Any) -> tuple[str, ...]:
    """`update.labels` of an edit: add, remove and set, in the order given."""
    if not isinstance(operations, list):
        raise JiraRefusal(400, errors={"labels": "data was not an array"})
    try:
        for operation in operations:
            labels = _apply_label_operation(labels, operation)
    except _Invalid as problem:
        raise JiraRefusal(400, errors={"labels": str(problem)}) from None
    return labels


def _apply_label_operation(labels: tuple[str, ...], operation: Any) -> tuple[str, ...]:
    if not isinstance(operation, Mapping) or len(operation) != 1:
        raise _Invalid("Each operation must have exactly one verb.")
    verb, value = next(iter(operation.items()))
    match verb:
        case "add":
            return tuple(dict.fromkeys([*labels, _label(value)]))
        case "remove":
            return tuple(label for label in labels if label != value)
        case "set":
            return _label_list(value)
    raise _Invalid(f"Operation '{verb}' is not supported by the field 'labels'.")


def read_comment(raw: Any) -> str:
    """The body of a comment, refused under the name `comment` as JIRA does."""
    try:
        return _comment_body(raw)
    except _Invalid as problem:
        raise JiraRefusal(400, errors={"comment": str(problem)}) from None


def _comment_body(raw: Any) -> str:
    body = _text(raw)
    if not body.strip():
        raise _Invalid("Comment body can not be empty!")
    return body
