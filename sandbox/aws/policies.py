"""Policy documents as the services treat them: checked, expanded to full ARNs, measured, escaped.

What the real service would refuse is refused here with `PolicyError`; nothing is repaired.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

_VERSIONS = {"2012-10-17", "2008-10-17"}
_SID = re.compile(r"[A-Za-z0-9]*")
_PRINCIPAL = re.compile(r"\*|[0-9]{12}|arn:aws:(iam|sts)::[0-9]{12}:(root|(role|user|assumed-role)/[\w+=,.@/-]+)")
_OPERATOR = re.compile(
    r"(ForAllValues:|ForAnyValue:)?"
    r"(String(Not)?(Equals|EqualsIgnoreCase|Like)|Numeric(Not)?Equals|Numeric(Less|Greater)Than(Equals)?"
    r"|Date(Not)?Equals|Date(Less|Greater)Than(Equals)?|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))"
    r"(IfExists)?|Null"
)
_API_MEMBERS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
_INLINE_MEMBERS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


class PolicyError(ValueError):
    """A document that the service would not take, and why."""


def parse_api_policy(text: str, root: str) -> Document:
    """An API Gateway resource policy with every Resource as a full ARN under `root`, the API's own ARN."""
    document = _parse(text)
    statements = _statements(document)
    for statement in statements:
        _only(statement, _API_MEMBERS)
        _check_principal(statement.get("Principal"))
        actions = listed(statement.get("Action"))
        if not actions or not all(a == "*" or a.lower().startswith("execute-api:") for a in actions):
            raise PolicyError("Action must be of execute-api")
    return {**document, "Statement": [_expanded(statement, root) for statement in statements]}


def parse_inline_policy(text: str) -> Document:
    """A permission set's inline policy: an identity policy, hence without Principal."""
    document = _parse(text)
    for statement in _statements(document):
        _only(statement, _INLINE_MEMBERS)
        for member in ("Action", "Resource"):
            if not listed(statement.get(member)) and not listed(statement.get(f"Not{member}")):
                raise PolicyError(f"a statement needs {member} or Not{member}")
    return document


def minified(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def escaped(document: Mapping[str, Any]) -> str:
    r"""As GetRestApi shows it: the text between the quotes of a JSON string, with `\/` for `/`."""
    return json.dumps(minified(document))[1:-1].replace("/", "\\/")


def listed(value: object) -> list[str]:
    """A policy's scalar-or-list as a list; anything but text in it is an error."""
    found: list[Any] = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(item, str) and item for item in found):
        raise PolicyError(f"expected text or a list of text, not {value!r}")
    return found


def _parse(text: str) -> Document:
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except PolicyError:
        raise
    except ValueError as problem:
        raise PolicyError("it is not JSON") from problem
    if not isinstance(document, dict):
        raise PolicyError("it is not a JSON object")
    _only(document, {"Version", "Id", "Statement"})
    if document.get("Version") not in _VERSIONS:
        raise PolicyError("Version must be 2012-10-17")
    return document


def _once(pairs: list[tuple[str, Any]]) -> Document:
    if len(dict(pairs)) != len(pairs):
        raise PolicyError("a name stands twice in one object")
    return dict(pairs)


def _statements(document: Document) -> list[Document]:
    found = document.get("Statement")
    statements = [found] if isinstance(found, dict) else found
    if not isinstance(statements, list) or not statements:
        raise PolicyError("Statement must not be empty")
    sids: list[str] = []
    for statement in statements:
        if not isinstance(statement, dict):
            raise PolicyError("a statement must be a JSON object")
        if statement.get("Effect") not in {"Allow", "Deny"}:
            raise PolicyError("Effect must be Allow or Deny")
        if "Sid" in statement:
            sids.append(_sid(statement["Sid"]))
        _check_condition(statement.get("Condition", {}))
    if len(set(sids)) != len(sids):
        raise PolicyError("Statement IDs (SID) in a single policy must be unique")
    return statements


def _sid(value: object) -> str:
    if not isinstance(value, str) or not _SID.fullmatch(value):
        raise PolicyError("Statement IDs (SID) must be alpha-numeric")
    return value


def _only(found: Document, allowed: set[str]) -> None:
    if extra := sorted(set(found) - allowed):
        raise PolicyError(f"Syntax errors in policy: {', '.join(extra)}")


def _check_principal(value: object) -> None:
    if value == "*":
        return
    if not isinstance(value, dict) or set(value) != {"AWS"} or not listed(value["AWS"]):
        raise PolicyError('Principal must be "*" or {"AWS": …}')
    if bad := [name for name in listed(value["AWS"]) if not _PRINCIPAL.fullmatch(name)]:
        raise PolicyError(f"Invalid principal in policy: {bad[0]}")


def _check_condition(value: object) -> None:
    if not isinstance(value, dict):
        raise PolicyError("Condition must be a JSON object")
    for operator, keys in value.items():
        if not _OPERATOR.fullmatch(operator):
            raise PolicyError(f"Invalid Condition type : {operator}")
        if not isinstance(keys, dict) or not keys:
            raise PolicyError(f"{operator} must name a condition key")
        for key, wanted in keys.items():
            if not listed(wanted):
                raise PolicyError(f"{key} must have a value")


def _expanded(statement: Document, root: str) -> Document:
    resource = statement.get("Resource")
    if not listed(resource):
        raise PolicyError("a statement needs a Resource")
    full = [_full_arn(item, root) for item in listed(resource)]
    return {**statement, "Resource": full if isinstance(resource, list) else full[0]}


def _full_arn(resource: str, root: str) -> str:
    if resource.startswith("execute-api:/"):
        return f"{root}/{resource.removeprefix('execute-api:/')}"
    if resource == "*" or re.fullmatch(r"arn:aws:execute-api:[^:]*:[^:]*:.+", resource):
        return resource
    raise PolicyError(f"Resource {resource} is not an execute-api ARN")
