"""Checks values against botocore's own shapes, as the server does: names, types, enums, lengths and patterns.

Nothing here is lenient: a member that the shape does not have is a mistake, on the way in and on the way out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape


class InvalidParameter(ValueError):
    """A value that the service's model does not allow; the sentence names the member."""


def check(shape: Shape, value: Any, where: str = "") -> None:
    """Raise `InvalidParameter` unless `value` is what `shape` allows."""
    if getattr(shape, "is_document_type", False):
        return
    if isinstance(shape, StructureShape):
        _check_structure(shape, value, where)
    elif isinstance(shape, ListShape):
        for index, item in enumerate(_typed(value, list, where), start=1):
            check(shape.member, item, f"{where}.{index}.member")
    elif isinstance(shape, MapShape):
        for key, item in _typed(value, dict, where).items():
            check(shape.value, item, f"{where}.{key}")
    elif shape.type_name == "integer":
        _check_bounds(shape, _typed(value, int, where), where, "value")
    elif shape.type_name == "boolean":
        _typed(value, bool, where)
    elif shape.type_name == "string":
        _check_string(shape, _typed(value, str, where), where)


def to_wire(shape: Shape, value: Any) -> Any:
    """`value`, named by member names, as JSON under the names that travel; times as seconds since 1970."""
    if isinstance(shape, StructureShape) and not getattr(shape, "is_document_type", False):
        return {_wire_name(shape, name): to_wire(shape.members[name], item) for name, item in value.items()}
    if isinstance(shape, ListShape):
        return [to_wire(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: to_wire(shape.value, item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.timestamp()
    return value


def _wire_name(shape: StructureShape, member: str) -> str:
    return str(shape.members[member].serialization.get("name", member))


def _check_structure(shape: StructureShape, value: Any, where: str) -> None:
    given: Mapping[str, Any] = _typed(value, dict, where)
    prefix = f"{where}." if where else ""
    for name in given:
        if name not in shape.members:
            raise InvalidParameter(f"{prefix}{name} is not a member of {shape.name}")
    for name in shape.required_members:
        if given.get(name) is None:
            _fail(None, f"{prefix}{name}", "Member must not be null")
    for name, item in given.items():
        check(shape.members[name], item, f"{prefix}{name}")


def _check_string(shape: Shape, value: str, where: str) -> None:
    choices = shape.enum if isinstance(shape, StringShape) else []
    if choices and value not in choices:
        _fail(value, where, f"Member must satisfy enum value set: [{', '.join(choices)}]")
    _check_bounds(shape, len(value), where, "length")
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _compiled(pattern)) and not compiled.fullmatch(value):
        _fail(value, where, f"Member must satisfy regular expression pattern: {pattern}")


def _check_bounds(shape: Shape, size: int, where: str, what: str) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        _fail(size, where, f"Member must have {what} greater than or equal to {low}")
    if high is not None and size > high:
        _fail(size, where, f"Member must have {what} less than or equal to {high}")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    r"""The pattern, or None for Java's `\p{L}` classes and astral ranges, which Python does not have."""
    if "\\p{" in pattern or "\\u10000" in pattern or "\\uD800\\uDC00" in pattern:
        return None
    return re.compile(pattern)


def _typed(value: Any, kind: type, where: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InvalidParameter(f"{where or 'the request'} must be of type {kind.__name__}")
    return value


def _fail(value: object, where: str, constraint: str) -> None:
    shown = "null" if value is None else f"'{value}'"
    raise InvalidParameter(
        f"1 validation error detected: Value {shown} at '{where}' failed to satisfy constraint: {constraint}"
    )
