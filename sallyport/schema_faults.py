"""What is wrong with a document that does not fit its JSON Schema, in words for the person who wrote it.

Imported only where something is wrong: jsonschema is thorough, and a fifth of what a job takes to start.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator, SchemaError, ValidationError, validators
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from sallyport.documents import JSON, Document
from sallyport.patterns import as_python
from sallyport.problems import Problem, nearest, quoted

# What each limit says when it is broken; the value that broke it may be long and is not repeated.
_LIMITS = {
    "maxLength": "is longer than {} characters",
    "minLength": "is shorter than {} characters",
    "maxItems": "has more items than the {} allowed",
    "minItems": "has fewer items than the {} needed",
    "maxProperties": "has more fields than the {} allowed",
    "minProperties": "has fewer fields than the {} needed",
    "maximum": "is more than {}",
    "minimum": "is less than {}",
}


class Faults:
    """The schemas by name, as far as they explain what does not fit; they refer to each other by file name."""

    def __init__(self, schemas: Mapping[str, Any], suffix: str) -> None:
        resources = [(name + suffix, DRAFT202012.create_resource(schema)) for name, schema in schemas.items()]
        self._registry: Registry[Any] = Registry().with_resources(resources)
        self._schemas = schemas
        self._validators: dict[str, Validator] = {}

    def problems(self, name: str, document: Document) -> Iterator[Problem]:
        """Yield everything in which *document* breaks the schema *name*."""
        for error in self._validator(name).iter_errors(document.data):
            for leaf in _leaves(error):
                yield from _problems(leaf, document)

    def _validator(self, name: str) -> Validator:
        if name not in self._validators:
            self._validators[name] = _Strict(self._schemas[name], registry=self._registry)
        return self._validators[name]


def fault_of_schema(schema: JSON) -> str:
    """Say why *schema* is none; empty if it is one."""
    try:
        Draft202012Validator.check_schema(cast(Any, schema))
    except SchemaError as error:
        return f"at {error.json_path}, {error.message}"
    return ""


def _pattern(_: Validator, pattern: str, instance: JSON, __: JSON) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not as_python(pattern).search(instance):
        yield ValidationError("does not match")


_Strict = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # it has no stubs


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the errors inside an `anyOf`/`oneOf` that came closest, or the error itself."""
    if not error.context:
        yield error
        return
    deepest = max(error.context, key=lambda inner: len(inner.absolute_path))
    yield from _leaves(deepest)


def _problems(error: ValidationError, document: Document) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        what = f"the name {_shown(error.instance)} does not have the right form"
        yield Problem(what, f"it must match {error.validator_value}", document.place((*path, str(error.instance))))
    elif error.validator == "additionalProperties":
        yield from _unknown_fields(error, document, path)
    else:
        what, mend = _explain(error)
        yield Problem(what, mend, document.place(path))


def _unknown_fields(error: ValidationError, document: Document, path: tuple[str | int, ...]) -> Iterator[Problem]:
    known = cast(dict[str, Any], error.schema).get("properties", {})
    for field in cast(dict[str, Any], error.instance):
        if field not in known:
            yield Problem(f"unknown field {quoted(field)}", nearest(field, known), document.place((*path, field)))


def _explain(error: ValidationError) -> tuple[str, str]:
    name = _name(error)
    described = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    match error.validator:
        case "required":  # one error for each missing field; only the message says which
            return f"“{error.message.split(chr(39))[1]}” is missing from {name}", described
        case "enum":
            choices = map(str, cast(list[Any], error.validator_value))
            return f"{name} cannot be {_shown(error.instance)}", nearest(str(error.instance), choices)
        case "const":
            return f"{name} is {_shown(error.instance)}", f"it must be {_shown(error.validator_value)} here"
        case "type":
            types = error.validator_value
            words = types if isinstance(types, str) else " or ".join(cast(list[str], types))
            return f"{name} must be of type {words}", described
        case "pattern":
            return f"{name} {_shown(error.instance)} does not have the right form", described
        case str(limit) if limit in _LIMITS:
            return f"{name} {_LIMITS[limit].format(error.validator_value)}", described
        case _:
            return f"{name}: {error.message}", described


def _name(error: ValidationError) -> str:
    """Name the value at fault for a sentence: its field, or which item of its field."""
    path = list(error.absolute_path)
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {path[-2]}" if path[:-1] else f"item {path[-1] + 1}"
    return str(path[-1])


def _shown(value: object) -> str:
    return quoted(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
