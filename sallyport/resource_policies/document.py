"""A resource policy as API Gateway keeps it: read with its escapes, compared by meaning, measured, written.

A statement that is not ours is carried as it came and never rebuilt.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeGuard, cast

from sallyport.documents import JSON

Statement = Mapping[str, JSON]

VERSION = "2012-10-17"
LIMIT = 8192  # characters; the default of an adjustable quota, counted with full ARNs
OURS = "Sallyport"  # how the Sid of each of our statements begins
SHORT = "execute-api:/"


@dataclass(frozen=True, slots=True)
class ApiArn:
    """The ARN under which an API's stages, methods and paths are named."""

    partition: str
    region: str
    account: str
    rest_api: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:execute-api:{self.region}:{self.account}:{self.rest_api}"

    @property
    def lock(self) -> str:
        return f"apigateway/{self.account}/{self.region}/{self.rest_api}"

    def full(self, resource: str) -> str:
        """Return *resource* with API Gateway's short form spelt out."""
        return f"{self}/{resource.removeprefix(SHORT)}" if resource.startswith(SHORT) else resource


@dataclass(frozen=True, slots=True)
class Policy:
    """The statements of a policy in their order, with what stands beside them."""

    statements: tuple[Statement, ...] = ()
    version: str = VERSION
    id: str = ""

    @property
    def ours(self) -> tuple[Statement, ...]:
        return tuple(s for s in self.statements if is_ours(s))

    @property
    def others(self) -> tuple[Statement, ...]:
        return tuple(s for s in self.statements if not is_ours(s))

    def text(self, arn: ApiArn) -> str:
        """Return the policy as it is sent and as its size is counted: minified, with full ARNs."""
        head: dict[str, JSON] = {"Version": self.version, **({"Id": self.id} if self.id else {})}
        statements = [{**s, **_full_resource(s, arn)} for s in self.statements]
        return json.dumps({**head, "Statement": statements}, separators=(",", ":"), ensure_ascii=False)

    def size(self, arn: ApiArn) -> int:
        """Return the number of characters that count towards `LIMIT`."""
        return len(self.text(arn))


def parse(raw: str | None) -> Policy | None:
    r"""Read what GetRestApi shows: the inside of a JSON string (`{\"Version\":…`), or the plain form.

    Absent and empty both mean that the API has no policy. ValueError if it is neither form.
    """
    if not raw:
        return None
    try:
        data = json.loads(raw)
    except ValueError:
        data = json.loads(json.loads(f'"{raw}"'))
    if not isinstance(data, dict) or "Statement" not in data:
        raise ValueError("it is not a policy with statements")
    found = listed(data["Statement"])
    statements = tuple(statement for statement in found if _is_statement(statement))
    if len(statements) < len(found):
        raise ValueError("it has a statement that is none")
    return Policy(
        statements,
        str(data.get("Version", "")),
        str(data.get("Id", "")),
    )


def _is_statement(found: JSON) -> TypeGuard[dict[str, JSON]]:
    """Tell whether it has the shape that every statement has: an object, whose conditions are objects in one."""
    conditions = found.get("Condition", {}) if isinstance(found, dict) else None
    return isinstance(conditions, dict) and all(isinstance(one, dict) for one in conditions.values())


def is_ours(statement: Statement) -> bool:
    return str(statement.get("Sid", "")).startswith(OURS)


def meaning(statement: Statement, arn: ApiArn) -> str:
    """Return a text that is equal for statements that say the same, however they are written."""
    said = {name: _normal(name, value, arn) for name, value in statement.items()}
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def same(one: Policy | None, other: Policy | None, arn: ApiArn) -> bool:
    """Tell whether two policies say the same; no policy is not the same as any."""
    if one is None or other is None:
        return one is other
    return one.version == other.version and _meanings(one.statements, arn) == _meanings(other.statements, arn)


def digest(parts: Iterable[str]) -> str:
    """Name the set of *parts* in twelve characters."""
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:12]


def listed(value: JSON) -> list[JSON]:
    """Return a policy's value-or-list as a list."""
    return value if isinstance(value, list) else [value]


def texts(value: JSON) -> list[str]:
    """Return a policy's value-or-list as a list of texts."""
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in listed(value)]


def conditions(statement: Statement) -> list[tuple[str, str, list[str]]]:
    """Return the conditions as (operator, key in lower case, values)."""
    found = cast(Mapping[str, Mapping[str, JSON]], statement.get("Condition") or {})
    return [(op, key.lower(), texts(values)) for op, keys in found.items() for key, values in keys.items()]


def _meanings(statements: Iterable[Statement], arn: ApiArn) -> list[str]:
    return sorted(meaning(statement, arn) for statement in statements)


def _full_resource(statement: Statement, arn: ApiArn) -> dict[str, JSON]:
    resource = statement.get("Resource")
    if resource is None:
        return {}
    if isinstance(resource, list):
        return {"Resource": [arn.full(str(item)) for item in resource]}
    return {"Resource": arn.full(str(resource))}


def _normal(name: str, value: JSON, arn: ApiArn) -> JSON:
    match name:
        case "Sid" | "Effect":
            return value
        case "Principal" | "NotPrincipal":
            return _normal_principal(value)
        case "Condition":
            return _normal_condition(value)
        case "Resource" | "NotResource":
            return cast(JSON, sorted({arn.full(item) for item in texts(value)}))
        case _:
            return cast(JSON, sorted(set(texts(value))))


def _normal_principal(value: JSON) -> JSON:
    if not isinstance(value, dict):
        return value
    kinds: dict[str, JSON] = {kind: cast(JSON, sorted({_root(x) for x in texts(v)})) for kind, v in value.items()}
    return "*" if kinds == {"AWS": ["*"]} else kinds


def _root(principal: str) -> str:
    """An account's twelve digits and the ARN of its root mean the same."""
    return f"arn:aws:iam::{principal}:root" if principal.isdecimal() and len(principal) == 12 else principal


def _normal_condition(value: JSON) -> JSON:
    if not isinstance(value, dict):
        return value
    normal: dict[str, JSON] = {}
    for operator, keys in value.items():
        named = cast(Mapping[str, JSON], keys)
        normal[operator] = {key.lower(): cast(JSON, sorted(set(texts(v)))) for key, v in named.items()}
    return normal
