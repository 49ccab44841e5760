"""YAML read strictly: what a careless or hostile file could hide is refused, and every value keeps its place.

Refused: duplicate keys, anchors and aliases, merge keys, tags, more than one document, files over 256 KiB (a
caller may take more), nesting deeper than 20, keys that are not text, octal and other numbers that two readers
could read differently.
Dates stay text, so that no library decides what they mean. The parser's events are read one by one and never
handed to a composer: PyYAML's recurses in C, where a file of brackets alone ends the process.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias, cast

import yaml

from sallyport.problems import Place, Problem, Problems, quoted

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
_PLAIN = "tag:yaml.org,2002:"
_KEPT_AS_TEXT = {_PLAIN + "str", _PLAIN + "timestamp"}
_RARE_BREAKS = re.compile("[\r\x85\u2028\u2029]")
_RESOLVER: Any = yaml.resolver.Resolver()  # the one that CSafeLoader is
_SCALAR = yaml.ScalarEvent
_SHORT = 60  # characters of a text whose look is remembered
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")


# Where a value begins, as the parser tells it, with the spots of what it holds. A tuple: there are very many.
_Spot: TypeAlias = "tuple[yaml.Mark, Mapping[str | int, _Spot]]"
_NO_INNER: Mapping[str | int, _Spot] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data together with the spots of its values."""

    name: str
    data: JSON
    _root: _Spot

    def place(self, path: tuple[str | int, ...] = ()) -> Place:
        """Return where the value at *path* stands, or the nearest value around it that exists."""
        mark, inner = self._root
        for step in path:
            if step not in inner:
                break
            mark, inner = inner[step]
        return Place(self.name, mark.line + 1, mark.column + 1)


def dump(data: Mapping[str, JSON]) -> str:
    """Write *data* in its own order, so that `load` reads the same back."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def load(content: bytes, name: str, most: int = MAX_BYTES) -> Document:
    """Parse the file *name*, of at most *most* bytes; Problems tells everything that is wrong with its form."""
    if problem := size_problem(len(content), name, most):
        raise Problems([problem])
    if content.startswith(codecs.BOM_UTF8):
        what = "the file begins with a byte order mark"
        raise Problems([Problem(what, "save it as UTF-8 without one", Place(name, 1, 1))])
    try:
        reader = _Reader(content.decode("utf-8"), name)
    except UnicodeDecodeError as error:
        place = _place_of_byte(content, error.start, name)
        raise Problems([Problem("this is not UTF-8", "save the file as UTF-8", place)]) from None
    try:
        return reader.document()
    except yaml.reader.ReaderError as error:
        place = _place_of_byte(content, error.position, name)
        what = f"the character U+{error.character:04X} is not allowed"
        problem = Problem(what, "take it out, or write it as an escape in double quotes", place)
    except yaml.MarkedYAMLError as error:
        problem = _syntax_problem(error, name)
    raise Problems([*reader.problems, problem])


def size_problem(size: int, name: str, most: int = MAX_BYTES) -> Problem | None:
    """Say that a file of *size* bytes is too large to be read; None if it is not."""
    if size <= most:
        return None
    return Problem(f"the file has {size} bytes", f"keep it under {most}", Place(name, 1, 1))


class _Dumper(yaml.SafeDumper):
    """Writes what `load` reads: no aliases, and rare line breaks as escapes, for a reader would fold them."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _RARE_BREAKS.search(text) else None
    return dumper.represent_scalar(_PLAIN + "str", text, style)


_Dumper.add_representer(str, _represent_text)


def _place_of_byte(content: bytes, offset: int, name: str) -> Place:
    before = content[:offset].decode("utf-8")
    return Place(name, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _syntax_problem(error: yaml.MarkedYAMLError, name: str) -> Problem:
    mark = cast(yaml.Mark, error.problem_mark)
    what = f"{error.problem} {error.context}" if error.context else error.problem
    mend = "check indentation, colons and quotes around this place"
    return Problem(f"this is not YAML: {what}", mend, Place(name, mark.line + 1, mark.column + 1))


def _looked_up(text: str, implicit: tuple[bool, bool]) -> str:
    """Return the type that a scalar without a tag has by its look, plain or quoted."""
    return str(_RESOLVER.resolve(yaml.ScalarNode, text, implicit))


_look_of = lru_cache(256)(_looked_up)  # entries say the same keys and names over and over


class _Reader:
    """Turns the parser's events into plain data and notes what it refuses."""

    def __init__(self, text: str, name: str) -> None:
        self.problems: list[Problem] = []
        self._name = name
        self._loader: Any = yaml.CSafeLoader(text)  # its stubs do not know what each event carries
        self._next: Callable[[], Any] = self._loader.get_event

    def document(self) -> Document:
        """Read the one document of the file; Problems, or the parser's own error, if there is none."""
        self._next()  # the stream begins
        if isinstance(self._next(), yaml.StreamEndEvent):
            raise Problems(
                [Problem("the file is empty", "write something, or delete it", Place(self._name, 1, 1))]
            )
        data, root = self._value(self._next(), 0)
        self._next()  # the document ends
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            self._refuse(after, "a second document begins here", "write one file for each")
        if self.problems:
            raise Problems(self.problems)
        return Document(self._name, data, root)

    def _value(self, event: Any, depth: int) -> tuple[JSON, _Spot]:
        if depth > MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
            raise Problems(self.problems)
        kind = type(event)
        if kind is _SCALAR:
            return self._scalar(event), (event.start_mark, _NO_INNER)
        if kind is yaml.AliasEvent:
            self._refuse(event, f"an alias (*{event.anchor}) is not allowed", "write the value out")
            return None, (event.start_mark, _NO_INNER)
        self._refuse_marks(event)
        data, spots = self._mapping(depth) if kind is yaml.MappingStartEvent else self._sequence(depth)
        return data, (event.start_mark, spots)

    def _mapping(self, depth: int) -> tuple[dict[str, JSON], dict[str | int, _Spot]]:
        data: dict[str, JSON] = {}
        spots: dict[str | int, _Spot] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            key = self._key(event, data, depth)
            value, spot = self._value(self._next(), depth + 1)
            if key is not None:
                data[key], spots[key] = value, spot
        return data, spots

    def _key(self, event: Any, taken: Container[str], depth: int) -> str | None:
        if type(event) is not _SCALAR:
            self._refuse(event, "this key is not text", "write a word")
            self._value(event, depth + 1)
            return None
        tag = self._tag(event)
        text: str = event.value
        if tag in _KEPT_AS_TEXT and text not in taken:
            return text
        if tag == _PLAIN + "merge":
            self._refuse(event, "a merge key (<<) is not allowed", "write the fields out")
        elif tag not in _KEPT_AS_TEXT:
            self._refuse(event, f"the key {quoted(text)} is not text", "put it in quotes")
        else:
            self._refuse(event, f"{quoted(text)} stands here twice", "keep one of the two")
        return None

    def _sequence(self, depth: int) -> tuple[list[JSON], dict[str | int, _Spot]]:
        data: list[JSON] = []
        spots: dict[str | int, _Spot] = {}
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            value, spots[len(data)] = self._value(event, depth + 1)
            data.append(value)
        return data, spots

    def _scalar(self, event: Any) -> JSON:
        tag = self._tag(event)
        text: str = event.value
        if tag in _KEPT_AS_TEXT:
            return text
        try:
            return _SCALARS[tag](text)
        except (KeyError, ValueError):
            self._refuse(event, f"{quoted(text)} is no plain value", _advice(tag))
            return None

    def _tag(self, event: Any) -> str:
        """Return the type that a scalar has by its look; one that claims another is refused."""
        if event.tag is not None or event.anchor is not None:
            self._refuse_marks(event)
        text = event.value
        return _look_of(text, event.implicit) if len(text) <= _SHORT else _looked_up(text, event.implicit)

    def _refuse_marks(self, event: Any) -> None:
        if event.anchor is not None:
            self._refuse(event, f"an anchor (&{event.anchor}) is not allowed", "take it out")
        if event.tag is not None:
            self._refuse(event, "a tag (!) is not allowed", "take it out")

    def _refuse(self, event: Any, what: str, mend: str) -> None:
        mark = event.start_mark
        self.problems.append(Problem(what, mend, Place(self._name, mark.line + 1, mark.column + 1)))


def _advice(tag: str) -> str:
    match tag.removeprefix(_PLAIN):
        case "bool":
            return "write true or false, or put it in quotes if it is text"
        case "int" | "float":
            return "write a decimal number, or put it in quotes if it is text"
        case _:
            return "put it in quotes if it is text"


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError("octal, hexadecimal, sexagesimal, or grouped")
    return int(text)


def _fraction(text: str) -> float:
    number = float(text)
    if "_" in text or not math.isfinite(number):
        raise ValueError("grouped, or without a finite value")
    return number


_SCALARS: dict[str, Callable[[str], JSON]] = {
    _PLAIN + "null": lambda _: None,
    _PLAIN + "bool": _boolean,
    _PLAIN + "int": _whole,
    _PLAIN + "float": _fraction,
}
