"""YAML read strictly: what a careless or hostile file could hide is refused, and every value keeps its place.

Refused: duplicate keys, anchors and aliases, merge keys, tags, more than one document, files over 256 KiB,
nesting deeper than 20, keys that are not text. Dates stay text, so that no library decides what they mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from sallyport.problems import Place, Problem, Problems

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
_PLAIN = "tag:yaml.org,2002:"
_KEPT_AS_TEXT = {_PLAIN + "str", _PLAIN + "timestamp"}


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data together with its node tree, which knows where each value stands."""

    name: str
    data: JSON
    _root: yaml.Node

    def place(self, path: tuple[str | int, ...] = ()) -> Place:
        """Return where the value at *path* stands, or the nearest value around it that exists."""
        node = self._root
        for step in path:
            inner = _child(node, step)
            if inner is None:
                break
            node = inner
        return Place(self.name, node.start_mark.line + 1, node.start_mark.column + 1)


def load(content: bytes, name: str) -> Document:
    """Parse the file *name*; Problems tells everything that is wrong with its form."""
    if len(content) > MAX_BYTES:
        raise Problems([Problem(f"the file has {len(content)} bytes", f"keep it under {MAX_BYTES}", Place(name))])
    try:
        node = _compose(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Problems(
            [Problem(f"byte {error.start} is not UTF-8", "save the file as UTF-8", Place(name))]
        ) from None
    except yaml.YAMLError as error:
        raise Problems([_syntax_problem(error, name)]) from None
    if node is None:
        raise Problems([Problem("the file is empty", "", Place(name))])
    reader = _Reader(name)
    data = reader.read(node, 0)
    if reader.problems:
        raise Problems(reader.problems)
    return Document(name, data, node)


def _compose(text: str) -> yaml.Node | None:
    loader = yaml.CSafeLoader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _syntax_problem(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
    what = getattr(error, "problem", None) or str(error)
    return Problem(f"this is not YAML: {what}", "check indentation, colons and quotes around this place", place)


class _Reader:
    """Turns nodes into plain data and notes what it refuses."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, depth: int) -> JSON:
        if depth > MAX_DEPTH:
            return self._refuse(node, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
        if id(node) in self._seen:
            return self._refuse(node, "an alias (*name) is not allowed", "write the value out")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, JSON]:
        result: dict[str, JSON] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _KEPT_AS_TEXT:
                self._refuse(
                    key, "this key is not text", "put it in quotes" if key.tag != _PLAIN + "merge" else ""
                )
            elif key.value in result:
                self._refuse(key, f"“{key.value}” stands here twice", "keep one of the two")
            else:
                result[key.value] = self.read(value, depth + 1)
        return result

    def _scalar(self, node: yaml.Node) -> JSON:
        if node.tag in _KEPT_AS_TEXT:
            return str(node.value)
        try:
            return _SCALARS[node.tag](str(node.value))
        except (KeyError, ValueError):
            return self._refuse(node, f"“{node.value}” is not a plain value", "put it in quotes if it is text")

    def _refuse(self, node: yaml.Node, what: str, mend: str) -> JSON:
        mark = node.start_mark
        self.problems.append(Problem(what, mend, Place(self.name, mark.line + 1, mark.column + 1)))
        return None


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_SCALARS: dict[str, Callable[[str], JSON]] = {
    _PLAIN + "null": lambda _: None,
    _PLAIN + "bool": _boolean,
    _PLAIN + "int": int,
    _PLAIN + "float": float,
}


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: yaml.Node = node.value[step]
        return item
    return None
