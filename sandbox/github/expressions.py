"""The few GitHub expressions that the stand-in has to evaluate itself: run names, groups, environments.

Steps are evaluated by act. Here are context paths, `||`, literals and format(), and an error for anything else:
a guess would hide a workflow that GitHub reads differently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLACE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<path>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)"""
    r"""|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>\|\||[(),]))"""
)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
OPEN_CONTEXTS = frozenset({"inputs", "vars", "event"})


class ExpressionError(Exception):
    """An expression that the stand-in does not evaluate; the message quotes it."""


def render(template: str, contexts: Mapping[str, Any]) -> str:
    """The template with every `${{ … }}` replaced by its value as text."""
    return _PLACE.sub(lambda place: as_text(evaluate(place.group(1), contexts)), template)


def evaluate(source: str, contexts: Mapping[str, Any]) -> Any:
    """The value of one expression; raises ExpressionError."""
    return _Reader(source, contexts).whole()


def as_text(value: Any) -> str:
    """How GitHub casts a value to a string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    raise ExpressionError(f"An object cannot be shown as text: {value!r}")


class _Reader:
    def __init__(self, source: str, contexts: Mapping[str, Any]) -> None:
        self._source = source.strip()
        self._contexts = contexts
        self._tokens = self._split()

    def _split(self) -> list[tuple[str, str]]:
        tokens, place = [], 0
        while place < len(self._source):
            match = _TOKEN.match(self._source, place)
            if match is None or match.lastgroup is None:
                raise self._unsupported()
            tokens.append((match.lastgroup, match.group(match.lastgroup)))
            place = match.end()
        return tokens

    def _unsupported(self) -> ExpressionError:
        return ExpressionError(
            f"Only context paths, '||', literals and format() are evaluated here, not: ${{{{ {self._source} }}}}"
        )

    def whole(self) -> Any:
        value = self._either()
        if self._tokens:
            raise self._unsupported()
        return value

    def _either(self) -> Any:
        value = self._single()
        while self._take("||"):
            other = self._single()
            value = value or other
        return value

    def _single(self) -> Any:
        if not self._tokens:
            raise self._unsupported()
        kind, text = self._tokens.pop(0)
        match kind:
            case "text":
                return text[1:-1].replace("''", "'")
            case "number":
                return float(text)
            case "path" if text in _WORDS:
                return _WORDS[text]
            case "path" if text == "format" and self._take("("):
                return self._format()
            case "path":
                return self._look_up(text)
        raise self._unsupported()

    def _take(self, sign: str) -> bool:
        if self._tokens and self._tokens[0] == ("sign", sign):
            self._tokens.pop(0)
            return True
        return False

    def _format(self) -> str:
        arguments = [self._either()]
        while self._take(","):
            arguments.append(self._either())
        if not self._take(")"):
            raise self._unsupported()
        template, *values = map(as_text, arguments)
        try:
            return template.format(*values)
        except (IndexError, KeyError, ValueError) as error:
            raise self._unsupported() from error

    def _look_up(self, path: str) -> Any:
        """A missing property of `inputs`, `vars` or the event is null, as on GitHub; elsewhere it is an error."""
        value: Any = self._contexts
        open_here = False
        for name in path.split("."):
            if isinstance(value, Mapping) and name in value:
                value = value[name]
                open_here = open_here or name in OPEN_CONTEXTS
            elif open_here:
                return None
            else:
                raise self._unsupported()
        return value
