"""JQL tokens into a tree: AND, OR, NOT and clauses, with NOT pushed into the clauses as JIRA does.

The tree says what was asked; whether a field or a value exists is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.jira.jql_lexer import KEYWORDS, RESERVED, Kind, Token, jql_error, tokenize
from sandbox.jira.refusals import JiraRefusal


@dataclass(frozen=True, slots=True)
class Literal:
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[str, ...]


Operand = Literal | Call


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field as written: by name, or by number as `cf[10010]`."""

    text: str
    number: int | None = None

    def __str__(self) -> str:
        return self.text if self.number is None else f"cf[{self.number}]"


@dataclass(frozen=True, slots=True)
class Clause:
    """`operands` is empty for `is` and `is not`, one for comparisons, many for `in` and `not in`."""

    field: FieldName
    operator: str
    operands: tuple[Operand, ...] = ()


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expression, ...]


Expression = Clause | And | Or


@dataclass(frozen=True, slots=True)
class Order:
    field: FieldName
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    where: Expression | None
    order: tuple[Order, ...]


_OPPOSITE = {
    "=": "!=",
    "~": "!~",
    "<": ">=",
    ">": "<=",
    "in": "not in",
    "is": "is not",
}
_OPPOSITE |= {after: before for before, after in _OPPOSITE.items()}


def negated(expression: Expression) -> Expression:
    """NOT by De Morgan: `NOT labels = x` is `labels != x`, which an issue without labels does not match."""
    if isinstance(expression, And):
        return Or(tuple(negated(part) for part in expression.parts))
    if isinstance(expression, Or):
        return And(tuple(negated(part) for part in expression.parts))
    return Clause(expression.field, _OPPOSITE[expression.operator], expression.operands)


def parse(text: str) -> Query:
    """The query that *text* says; raises `JiraRefusal` (400) with the place of the first mistake."""
    return _Parser(tokenize(text)).query()


class _Parser:
    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _is(self, kind: Kind) -> bool:
        return self._token.kind is kind

    def query(self) -> Query:
        starts = not self._is(Kind.END) and not self._token.is_word("order")
        where = self._or() if starts else None
        order = self._order() if self._token.is_word("order") else ()
        if not self._is(Kind.END):
            raise self._expected("either 'AND' or 'OR'")
        return Query(where, order)

    def _or(self) -> Expression:
        parts = [self._and()]
        while self._accept("or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self) -> Expression:
        parts = [self._not()]
        while self._accept("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _not(self) -> Expression:
        if self._accept("not"):
            return negated(self._not())
        if self._is(Kind.OPEN):
            self._take()
            inside = self._or()
            self._close()
            return inside
        return self._clause()

    def _clause(self) -> Clause:
        field = self._field()
        operator = self._operator()
        if operator in ("is", "is not"):
            if not (self._accept("empty") or self._accept("null")):
                raise self._expected("'EMPTY' or 'NULL'")
            return Clause(field, operator)
        if operator in ("in", "not in"):
            return Clause(field, operator, self._list())
        return Clause(field, operator, (self._operand(),))

    def _field(self) -> FieldName:
        token = self._token
        if token.kind is Kind.CUSTOM:
            return FieldName(f"cf[{self._take().text}]", int(token.text))
        return FieldName(self._name("a field name"))

    def _operator(self) -> str:
        token = self._token
        if token.kind is Kind.OPERATOR:
            return self._take().text
        if self._accept("is"):
            return "is not" if self._accept("not") else "is"
        if self._accept("in"):
            return "in"
        if self._accept("not") and self._accept("in"):
            return "not in"
        raise self._expected("an operator (=, !=, ~, !~, <, <=, >, >=, IN, NOT IN, IS, IS NOT)")

    def _list(self) -> tuple[Operand, ...]:
        if not self._is(Kind.OPEN):
            raise self._expected("'(' after IN")
        self._take()
        operands = [self._operand()]
        while self._is(Kind.COMMA):
            self._take()
            operands.append(self._operand())
        self._close()
        return tuple(operands)

    def _operand(self) -> Operand:
        name = self._name("a value or a function")
        if not self._is(Kind.OPEN):
            return Literal(name)
        self._take()
        arguments: list[str] = []
        while not self._is(Kind.CLOSE):
            if arguments:
                self._comma()
            arguments.append(self._name("an argument"))
        self._close()
        return Call(name, tuple(arguments))

    def _order(self) -> tuple[Order, ...]:
        self._take()
        if not self._accept("by"):
            raise self._expected("'BY' after ORDER")
        keys = [self._order_key()]
        while self._is(Kind.COMMA):
            self._take()
            keys.append(self._order_key())
        if len(keys) > 7:
            raise JiraRefusal(400, "A query can be ordered by at most 7 fields.")
        return tuple(keys)

    def _order_key(self) -> Order:
        field = self._field()
        descending = self._accept("desc")
        if not descending:
            self._accept("asc")
        return Order(field, descending)

    def _name(self, wanted: str) -> str:
        token = self._token
        if token.kind is Kind.WORD and token.text.lower() in RESERVED - KEYWORDS:
            advice = "You must surround it in quotation marks to use it in a query."
            raise jql_error(f"'{token.text}' is a reserved JQL word. {advice}", token.column)
        if token.kind is Kind.STRING or (token.kind is Kind.WORD and token.text.lower() not in KEYWORDS):
            return self._take().text
        raise self._expected(wanted)

    def _accept(self, word: str) -> bool:
        if not self._token.is_word(word):
            return False
        self._take()
        return True

    def _close(self) -> None:
        if not self._is(Kind.CLOSE):
            raise self._expected("')'")
        self._take()

    def _comma(self) -> None:
        if not self._is(Kind.COMMA):
            raise self._expected("','")
        self._take()

    def _take(self) -> Token:
        token = self._token
        self._at += 1
        return token

    def _expected(self, wanted: str) -> JiraRefusal:
        found = f"'{self._token.text}'" if not self._is(Kind.END) else "the end of the query"
        return jql_error(f"Expecting {wanted} but got {found}.", self._token.column)
