"""The inputs of a workflow_dispatch, checked and completed as GitHub does and as act does not.

Pure: given what was sent and what the file declares, the values, or a refusal in GitHub's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.github.workflow import Input

MOST_INPUTS = 25


class DispatchError(Exception):
    """GitHub would answer 422 with this message."""


def resolve(declared: Sequence[Input], sent: Any) -> dict[str, str]:
    """Every declared input with its value as text, defaults applied; raises DispatchError."""
    given = _as_text(sent)
    known = {one.name: one for one in declared}
    if unexpected := [name for name in given if name not in known]:
        raise DispatchError(f"Unexpected inputs provided: {unexpected}".replace("'", '"'))
    return {name: _value(one, given.get(name)) for name, one in known.items()}


def typed(declared: Sequence[Input], values: Mapping[str, str]) -> dict[str, Any]:
    """The `inputs` context: booleans are booleans and numbers are numbers there."""
    return {one.name: _typed(one, values[one.name]) for one in declared}


def _as_text(sent: Any) -> dict[str, str]:
    if not isinstance(sent, Mapping):
        raise DispatchError("Invalid request.\n\nFor 'properties/inputs', the value is not an object.")
    if len(sent) > MOST_INPUTS:
        raise DispatchError(
            f"Invalid request.\n\nNo more than {MOST_INPUTS} properties are allowed; {len(sent)} were supplied."
        )
    for name, value in sent.items():
        if not isinstance(value, str | bool | int | float):
            raise DispatchError(f"Invalid request.\n\nFor 'properties/inputs/{name}', {value!r} is not a string.")
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in sent.items()}


def _value(one: Input, given: str | None) -> str:
    if given is None or (given == "" and one.required):
        if one.default is not None:
            return one.default
        if one.required:
            raise DispatchError(f"Required input '{one.name}' not provided")
        return "false" if one.type == "boolean" else ""
    allowed = ("true", "false") if one.type == "boolean" else one.options if one.type == "choice" else None
    if allowed is not None and given not in allowed:
        raise DispatchError(f"Provided value '{given}' for input '{one.name}' not in the list of allowed values")
    if one.type == "number" and not _is_number(given):
        raise DispatchError(f"Provided value '{given}' for input '{one.name}' is not a number")
    return given


def _typed(one: Input, value: str) -> Any:
    if one.type == "boolean":
        return value == "true"
    return float(value) if one.type == "number" and value else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
