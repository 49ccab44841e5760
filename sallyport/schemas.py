"""JSON Schemas from `policies/schemas/`, compiled once, with errors for the person who wrote the file.

Nearly every document fits, which jsonschema-rs tells thirty times as fast as jsonschema; the latter has the words
for one that does not, and is imported only then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from sallyport.documents import JSON, Document
from sallyport.patterns import as_python
from sallyport.problems import Place, Problem, Problems, nearest

if TYPE_CHECKING:
    from sallyport.schema_faults import Faults

SUFFIX = ".schema.json"
FOLDER = "policies/schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Schemas:
    """The schemas by name (`api-whitelisting`); they refer to each other by file name."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        """Read all schemas; Problems tells every one that could not be used."""
        self._schemas: dict[str, Any] = {}
        problems = [problem for name, source in sources.items() for problem in self._read(name, source)]
        problems += [problem for name, schema in self._schemas.items() for problem in self._dangling(name, schema)]
        if problems:
            raise Problems(problems)
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._schemas

    def most_items(self, name: str, field: str) -> int | None:
        """Return how many items the schema *name* itself lets a list have; None if it says nothing of that."""
        properties = self._schemas[name].get("properties", {})
        most = properties.get(field, {}).get("maxItems")
        return most if isinstance(most, int) else None

    def problems(self, name: str, document: Document) -> Iterator[Problem]:
        """Yield everything in which *document* breaks the schema *name*."""
        if not self._fits(name, document.data):
            yield from self._faults.problems(name, document)

    def _fits(self, name: str, data: JSON) -> bool:
        try:
            return self._validator(name).is_valid(data)
        except ValueError:  # the schema or the data are more than it reads; who explains decides
            return False

    def _validator(self, name: str) -> jsonschema_rs.Draft202012Validator:
        if name not in self._validators:
            schema, registry = self._schemas[name], self._registry
            self._validators[name] = jsonschema_rs.Draft202012Validator(
                schema, registry=registry, retriever=_refuse_to_fetch
            )
        return self._validators[name]

    @cached_property
    def _registry(self) -> jsonschema_rs.Registry:
        named = [(name + SUFFIX, schema) for name, schema in self._schemas.items()]
        return jsonschema_rs.Registry(named, draft=jsonschema_rs.Draft202012, retriever=_refuse_to_fetch)

    @cached_property
    def _faults(self) -> Faults:
        from sallyport.schema_faults import Faults

        return Faults(self._schemas, SUFFIX)

    def _read(self, name: str, source: bytes) -> Iterator[Problem]:
        place = Place(f"{FOLDER}/{name}{SUFFIX}")
        try:
            schema, fault = _read_schema(source)
        except json.JSONDecodeError as error:
            where = Place(place.file, error.lineno, error.colno)
            yield Problem(f"this is not JSON: {error.msg}", "check commas, colons and quotes before it", where)
        except UnicodeDecodeError:
            yield Problem("this is not UTF-8", "save the file as UTF-8", place)
        else:
            if fault:
                yield Problem(f"this is no JSON Schema: {fault}", "", place)
            else:
                self._schemas[name] = schema

    def _dangling(self, name: str, schema: JSON) -> Iterator[Problem]:
        """Yield what in a schema leads out of the folder: a file that is not there, or a name of its own."""
        known, place = [other + SUFFIX for other in self._schemas], Place(f"{FOLDER}/{name}{SUFFIX}")
        for target in _references(schema):
            if target not in known:
                yield Problem(f"it refers to “{target}”, which does not exist", nearest(target, known), place)
        for other in _values(schema, "$id"):
            if other != name + SUFFIX:
                yield Problem(f"it says $id: “{other}”", f"its only $id may be {name}{SUFFIX}", place)


def _refuse_to_fetch(uri: str) -> JSON:
    """Keep a schema from sending whoever reads it to an address of its author's choice."""
    raise ValueError(f"{uri} is no file of {FOLDER}/")


@lru_cache(maxsize=64)
def _read_schema(source: bytes) -> tuple[Any, str]:
    """Return a schema and why it is none, if so; the errors of JSON pass. It is slow, and seldom has news."""
    schema = json.loads(source)
    fault = ""
    if not _is_schema(schema):
        from sallyport.schema_faults import fault_of_schema

        fault = fault_of_schema(schema)
    # `$schema` would bring its own validator in behind a reference, without our reading of patterns
    return {k: v for k, v in schema.items() if k != "$schema"} if isinstance(schema, dict) else schema, fault


def _is_schema(schema: JSON) -> bool:
    """Tell whether *schema* is one for sure, with patterns that Python reads too."""
    try:
        return _metaschema().is_valid(schema) and all(map(as_python, _values(schema, "pattern")))
    except (ValueError, re.error):
        return False


@lru_cache
def _metaschema() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": _DIALECT}, validate_formats=True)


def _references(schema: JSON) -> Iterator[str]:
    """Yield the files to which a schema refers."""
    return (target.partition("#")[0] for target in _values(schema, "$ref") if not target.startswith("#"))


def _values(schema: JSON, keyword: str) -> Iterator[str]:
    """Yield every text that stands behind *keyword* in a schema, however deep."""
    if isinstance(schema, dict) and isinstance(value := schema.get(keyword), str):
        yield value
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for each in inner:
        yield from _values(each, keyword)
