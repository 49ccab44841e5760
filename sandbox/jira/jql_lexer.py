"""JQL into tokens, refusing what JIRA's own lexer refuses: reserved words and characters without quotes.

A character that is not understood is an error with its place, never skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sandbox.jira.refusals import JiraRefusal


class Kind(StrEnum):
    WORD = "word"
    STRING = "string"
    CUSTOM = "custom"  # cf[10010]; the text is the number
    OPERATOR = "operator"
    OPEN = "("
    CLOSE = ")"
    COMMA = ","
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str
    column: int

    def is_word(self, word: str) -> bool:
        return self.kind is Kind.WORD and self.text.lower() == word


_SPACE = re.compile(r"\s+")
_OPERATOR = re.compile(r"!=|!~|<=|>=|=|~|<|>")
_WORD = re.compile(r"[^\s\"'=!<>~(),&|+.;?*/%^$#@\[\]{}\\]+")
_CUSTOM = re.compile(r"cf\[(\d+)\]", re.IGNORECASE)
_PROPERTY = re.compile(r"issue\.property\b", re.IGNORECASE)
_PUNCTUATION = {"(": Kind.OPEN, ")": Kind.CLOSE, ",": Kind.COMMA}
_ESCAPES = {"'": "'", '"': '"', "\\": "\\", " ": " ", "n": "\n", "r": "\r", "t": "\t"}
_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")

KEYWORDS = frozenset({"and", "or", "not", "in", "is", "empty", "null", "order", "by", "asc", "desc"})
_OTHER_RESERVED = """
    abort access add after alias all alter any are as at audit avg be before begin between boolean break
    but byte catch cf char character check checkpoint collate collation column commit connect continue count
    create current date decimal declare decrement default defaults define delete delimiter difference
    distinct divide do double drop else encoding end equals escape exclusive exec execute exists explain
    false fetch file field first float for from function go goto grant greater group having identified if
    immediate increment index initial inner inout input insert int integer intersect intersection into
    isempty isnull it join last left less like limit lock long max min minus mode modify modulo more
    multiply next no noaudit notin nowait number object of on option outer output power previous prior
    privileges public raise raw remainder rename resource return returns revoke right row rowid rownum rows
    select session set share size sqrt start strict string subtract such sum synonym table that the their
    then there these they this to trans transaction trigger true uid union unique update user validate
    values view was when whenever where while with
"""
RESERVED = KEYWORDS | frozenset(_OTHER_RESERVED.split())


def jql_error(message: str, column: int) -> JiraRefusal:
    """JIRA's shape of a syntax error; queries are one line, so the line is always 1."""
    return JiraRefusal(400, f"Error in the JQL Query: {message} (line 1, character {column + 1})")


def tokenize(query: str) -> tuple[Token, ...]:
    """All tokens of a query, with an END at the end."""
    tokens: list[Token] = []
    position = 0
    while position < len(query):
        if space := _SPACE.match(query, position):
            position = space.end()
            continue
        token, position = _next(query, position)
        tokens.append(token)
    return (*tokens, Token(Kind.END, "", len(query)))


def _next(query: str, start: int) -> tuple[Token, int]:
    char = query[start]
    if _PROPERTY.match(query, start):
        raise JiraRefusal(400, "Field 'issue.property' is not searchable: no app declares an index for it.")
    if char in "\"'":
        return _string(query, start)
    if char in _PUNCTUATION:
        return Token(_PUNCTUATION[char], char, start), start + 1
    if custom := _CUSTOM.match(query, start):
        return Token(Kind.CUSTOM, custom[1], start), custom.end()
    if operator := _OPERATOR.match(query, start):
        return Token(Kind.OPERATOR, operator[0], start), operator.end()
    word = _WORD.match(query, start)
    if word is None or _CONTROL.search(word[0]):
        raise _reserved_character(char, start)
    return Token(Kind.WORD, word[0], start), word.end()


def _reserved_character(char: str, column: int) -> JiraRefusal:
    advice = f"You must enclose it in a string or use the escape '\\u{ord(char):04x}' instead."
    return jql_error(f"The character '{char}' is a reserved JQL character. {advice}", column)


def _string(query: str, start: int) -> tuple[Token, int]:
    quote, text, position = query[start], "", start + 1
    while position < len(query):
        char = query[position]
        if char == quote:
            return Token(Kind.STRING, text, start), position + 1
        if char == "\\":
            piece, position = _escape(query, position)
            text += piece
            continue
        if _CONTROL.match(char):
            raise _reserved_character(char, position)
        text += char
        position += 1
    raise jql_error("The quoted string has not been completed.", start)


def _escape(query: str, start: int) -> tuple[str, int]:
    code = query[start + 1 : start + 2]
    if code in _ESCAPES:
        return _ESCAPES[code], start + 2
    if code == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", digits := query[start + 2 : start + 6]):
        return chr(int(digits, 16)), start + 6
    raise jql_error(f"'\\{code}' is an illegal JQL escape sequence.", start)
