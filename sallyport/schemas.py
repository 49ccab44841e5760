"""JSON Schemas from `policies/schemas/`, compiled once, with errors for the person who wrote the file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator, SchemaError, ValidationError, validators
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from sallyport.documents import JSON, Document
from sallyport.problems import Place, Problem, Problems, nearest, quoted

SUFFIX = ".schema.json"
FOLDER = "policies/schemas"

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
_DOLLAR = re.compile(r"(\\.|\[(?:\\.|[^\]])*\])|\$")  # or what is not one: an escape, a set of characters


class Schemas:
    """The schemas by name (`api-whitelisting`); they refer to each other by file name."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        """Read all schemas; Problems tells every one that could not be used."""
        self._schemas: dict[str, Any] = {}
        problems = [problem for name, source in sources.items() for problem in self._read(name, source)]
        problems += [problem for name, schema in self._schemas.items() for problem in self._dangling(name, schema)]
        if problems:
            raise Problems(problems)
        self._validators: dict[str, Validator] = {}

    @cached_property
    def _registry(self) -> Registry[Any]:
        resources = [(name + SUFFIX, DRAFT202012.create_resource(s)) for name, s in self._schemas.items()]
        return Registry().with_resources(resources)

    def __contains__(self, name: str) -> bool:
        return name in self._schemas

    def most_items(self, name: str, field: str) -> int | None:
        """Return how many items the schema *name* itself lets a list have; None if it says nothing of that."""
        properties = self._schemas[name].get("properties", {})
        most = properties.get(field, {}).get("maxItems")
        return most if isinstance(most, int) else None

    def problems(self, name: str, document: Document) -> Iterator[Problem]:
        """Yield everything in which *document* breaks the schema *name*."""
        for error in self._validator(name).iter_errors(document.data):
            for leaf in _leaves(error):
                yield from _problems(leaf, document)

    def _validator(self, name: str) -> Validator:
        if name not in self._validators:
            self._validators[name] = _Strict(self._schemas[name], registry=self._registry)
        return self._validators[name]

    def _read(self, name: str, source: bytes) -> Iterator[Problem]:
        place = Place(f"{FOLDER}/{name}{SUFFIX}")
        try:
            self._schemas[name] = _read_schema(source)
        except json.JSONDecodeError as error:
            where = Place(place.file, error.lineno, error.colno)
            yield Problem(f"this is not JSON: {error.msg}", "check commas, colons and quotes before it", where)
        except UnicodeDecodeError:
            yield Problem("this is not UTF-8", "save the file as UTF-8", place)
        except SchemaError as error:
            yield Problem(f"this is no JSON Schema: at {error.json_path}, {error.message}", "", place)

    def _dangling(self, name: str, schema: JSON) -> Iterator[Problem]:
        known = [other + SUFFIX for other in self._schemas]
        for target in _references(schema):
            if target not in known:
                place = Place(f"{FOLDER}/{name}{SUFFIX}")
                yield Problem(f"it refers to “{target}”, which does not exist", nearest(target, known), place)


@lru_cache(maxsize=64)
def _read_schema(source: bytes) -> Any:
    """Read a schema; the errors of JSON and of the metaschema pass, which is slow and seldom has news."""
    schema = json.loads(source)
    Draft202012Validator.check_schema(schema)
    # `$schema` would bring its own validator in behind a reference, without our reading of patterns
    return {k: v for k, v in schema.items() if k != "$schema"} if isinstance(schema, dict) else schema


def _references(schema: JSON) -> Iterator[str]:
    """Yield the files to which a schema refers."""
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            yield reference.partition("#")[0]
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for value in inner:
        yield from _references(value)


@lru_cache
def _as_python(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of ECMA 262, whose `$` is the end: Python's lets a line break pass before it."""
    return re.compile(_DOLLAR.sub(lambda match: match[1] or r"\Z", pattern))


def _pattern(_: Validator, pattern: str, instance: JSON, __: JSON) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _as_python(pattern).search(instance):
        yield ValidationError("does not match")


def _properties(
    validator: Any,  # its protocol leaves out `descend`
    properties: Mapping[str, Any],
    instance: JSON,
    _: JSON,
) -> Iterator[ValidationError]:
    """Look into the fields of an object; texts that fit are passed at once, for that is most of what there is."""
    if not isinstance(instance, dict):
        return
    for field, schema in properties.items():
        if field in instance and not _is_fitting_text(instance[field], schema):
            yield from validator.descend(instance[field], schema, path=field, schema_path=field)


def _is_fitting_text(value: JSON, schema: Any) -> bool:
    """Tell whether *value* is a text that *schema*, of rules that this function knows, accepts for sure."""
    if not isinstance(value, str) or not isinstance(schema, dict):
        return False
    return all(name in _OF_TEXTS and _OF_TEXTS[name](value, rule) for name, rule in schema.items())


_OF_TEXTS: Mapping[str, Callable[[str, Any], bool]] = {
    "const": lambda text, rule: bool(text == rule),
    "description": lambda _, __: True,
    "enum": lambda text, rule: text in rule,
    "maxLength": lambda text, rule: len(text) <= rule,
    "minLength": lambda text, rule: len(text) >= rule,
    "pattern": lambda text, rule: bool(_as_python(rule).search(text)),
    "type": lambda _, rule: rule == "string" or (isinstance(rule, list) and "string" in rule),
}

_Strict = validators.extend(Draft202012Validator, {"pattern": _pattern, "properties": _properties})  # type: ignore[no-untyped-call]  # it has no stubs


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
