"""JSON Schemas from `policies/schemas/`, compiled once, with errors for the person who wrote the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

from sallyport.documents import Document
from sallyport.problems import Problem, nearest

SUFFIX = ".schema.json"


class Schemas:
    """The schemas by name (`api-whitelisting`); they refer to each other by file name."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        self._schemas = {name: json.loads(source) for name, source in sources.items()}
        self._validators: dict[str, Draft202012Validator] = {}

    @cached_property
    def _registry(self) -> Registry[Any]:
        resources = [(name + SUFFIX, Resource.from_contents(schema)) for name, schema in self._schemas.items()]
        return Registry().with_resources(resources)

    def __contains__(self, name: str) -> bool:
        return name in self._schemas

    def problems(self, name: str, document: Document) -> Iterator[Problem]:
        """Yield everything in which *document* breaks the schema *name*."""
        for error in self._validator(name).iter_errors(document.data):
            for leaf in _leaves(error):
                path = tuple(leaf.absolute_path)
                if leaf.validator == "additionalProperties":
                    yield from _unknown_fields(leaf, document, path)
                else:
                    what, mend = _explain(leaf)
                    yield Problem(what, mend, document.place(path))

    def _validator(self, name: str) -> Draft202012Validator:
        if name not in self._validators:
            schema = self._schemas[name]
            Draft202012Validator.check_schema(schema)
            self._validators[name] = Draft202012Validator(
                schema, registry=self._registry, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
        return self._validators[name]


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the errors inside an `anyOf`/`oneOf` that came closest, or the error itself."""
    if not error.context:
        yield error
        return
    deepest = max(error.context, key=lambda inner: len(inner.absolute_path))
    yield from _leaves(deepest)


def _unknown_fields(error: ValidationError, document: Document, path: tuple[str | int, ...]) -> Iterator[Problem]:
    known = cast(dict[str, Any], error.schema).get("properties", {})
    for field in cast(dict[str, Any], error.instance):
        if field not in known:
            yield Problem(f"unknown field “{field}”", nearest(field, known), document.place((*path, field)))


def _explain(error: ValidationError) -> tuple[str, str]:
    name = str(error.absolute_path[-1]) if error.absolute_path else "the file"
    described = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    match error.validator:
        case "required":  # one error for each missing field; only the message says which
            return f"“{error.message.split(chr(39))[1]}” is missing from {name}", described
        case "enum":
            return f"{name} cannot be “{error.instance}”", nearest(
                str(error.instance), map(str, cast(list[Any], error.validator_value))
            )
        case "const":
            return f"{name} is “{error.instance}”", f"it must be “{error.validator_value}” here"
        case "type":
            return f"{name} must be of type {error.validator_value}", described
        case "pattern":
            return f"{name} “{error.instance}” does not have the right form", described
        case _:
            return f"{name}: {error.message}", described
