"""POST /graphql: the mutation createCommitOnBranch, in the words in which PyGithub sends it, and nothing else.

Errors come as GitHub's: HTTP 200 with `errors[]`, and nothing changed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.github.accounts import Token
from sandbox.github.repository import MissingPath, Repository, StaleHead
from sandbox.github.workflow import FOLDER

NAME = "createCommitOnBranch"
_QUERY = re.compile(
    r"\s*mutation\s+\w+\s*\(\s*\$input:\s*CreateCommitOnBranchInput!\s*\)\s*"
    rf"\{{\s*{NAME}\s*\(\s*input:\s*\$input\s*\)\s*\{{(?P<selection>.*)\}}\s*\}}\s*",
    re.DOTALL,
)
Selection = dict[str, "Selection"]
Pushed = Callable[[str, str, str, Token], object]  # before, after, branch, who


class GraphQLError(Exception):
    """One entry of `errors[]`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Wanted:
    """The input of the mutation, checked."""

    branch: str
    expected: str
    additions: Mapping[str, bytes]
    deletions: tuple[str, ...]
    message: str
    client_mutation_id: str | None


class Mutations:
    """Answers GraphQL requests for one repository."""

    def __init__(self, repository: Repository, name: str, url: Callable[[], str], pushed: Pushed) -> None:
        self._repository = repository
        self._name = name
        self._url = url
        self._pushed = pushed

    def answer(self, body: Any, token: Token) -> dict[str, Any]:
        try:
            query = str(body["query"]) if isinstance(body, Mapping) and "query" in body else ""
            selection = _selected(query)
            wanted = self._wanted((body.get("variables") or {}).get("input"))
            self._authorise(wanted, token)
            result = self._commit(wanted, token)
            return {"data": {NAME: _pick(result, selection)}}
        except GraphQLError as error:
            return {
                "data": {NAME: None},
                "errors": [{"type": error.kind, "path": [NAME], "message": str(error)}],
            }

    def _wanted(self, raw: Any) -> Wanted:
        given = _object(raw, "input")
        _only(given, {"branch", "message", "expectedHeadOid", "fileChanges", "clientMutationId"}, "input")
        changes = _object(given.get("fileChanges") or {}, "fileChanges")
        _only(changes, {"additions", "deletions"}, "fileChanges")
        additions = [_addition(one) for one in changes.get("additions") or ()]
        deletions = [_path(one) for one in changes.get("deletions") or ()]
        paths = [path for path, _ in additions] + deletions
        if len(set(paths)) < len(paths):
            raise GraphQLError("UNPROCESSABLE", "A path was given more than once in fileChanges")
        return Wanted(
            branch=self._branch(_object(given.get("branch"), "branch")),
            expected=_text(given, "expectedHeadOid"),
            additions=dict(additions),
            deletions=tuple(deletions),
            message=_message(_object(given.get("message"), "message")),
            client_mutation_id=given.get("clientMutationId"),
        )

    def _branch(self, given: Mapping[str, Any]) -> str:
        _only(given, {"repositoryNameWithOwner", "branchName"}, "branch")
        repository, branch = _text(given, "repositoryNameWithOwner"), _text(given, "branchName")
        branch = branch.removeprefix("refs/heads/")
        if repository.casefold() != self._name.casefold():
            raise GraphQLError("NOT_FOUND", f"Could not resolve to a Repository with the name '{repository}'.")
        if self._repository.head(branch) is None:
            raise GraphQLError("NOT_FOUND", f"Could not resolve to a Ref with the name '{branch}'.")
        return branch

    def _authorise(self, wanted: Wanted, token: Token) -> None:
        if not token.may("contents", "write"):
            raise GraphQLError("FORBIDDEN", "Resource not accessible by integration")
        touched = [path for path in (*wanted.additions, *wanted.deletions) if path.startswith(f"{FOLDER}/")]
        if touched and not token.may("workflows", "write"):
            raise GraphQLError(
                "FORBIDDEN",
                f"refusing to allow a GitHub App to create or update workflow `{touched[0]}` "
                "without `workflows` permission",
            )

    def _commit(self, wanted: Wanted, token: Token) -> dict[str, Any]:
        try:
            sha = self._repository.commit_on_branch(
                wanted.branch,
                expected=wanted.expected,
                additions=wanted.additions,
                deletions=wanted.deletions,
                message=wanted.message,
                login=token.login,
            )
        except StaleHead as error:
            said = f'Expected branch to point to "{wanted.expected}" but it did not.  Pull and try again.'
            raise GraphQLError("STALE_DATA", said) from error
        except MissingPath as error:
            said = f"A path was requested for deletion which does not exist as of commit oid `{wanted.expected}`"
            raise GraphQLError("UNPROCESSABLE", f"{said}: {error}") from error
        self._pushed(wanted.expected, sha, wanted.branch, token)
        return self._result(sha, wanted)

    def _result(self, sha: str, wanted: Wanted) -> dict[str, Any]:
        commit = self._repository.commit(sha)
        facts = {
            "oid": sha,
            "abbreviatedOid": sha[:7],
            "url": f"{self._url()}/{self._name}/commit/{sha}",
            "committedDate": commit.committer.at,
            "message": commit.message,
            "messageHeadline": commit.headline,
        }
        ref = {"name": wanted.branch, "target": {"oid": sha}}
        return {"commit": facts, "ref": ref, "clientMutationId": wanted.client_mutation_id}


# -- the query -------------------------------------------------------------------------------------------


def _selected(query: str) -> Selection:
    match = _QUERY.fullmatch(query)
    if match is None:
        raise GraphQLError("UNSUPPORTED", f"The stand-in answers only the mutation {NAME}, not: {query[:200]}")
    words = re.findall(r"\w+|[{}]|\S", match.group("selection"))
    selection = _fields(words)
    if words:
        raise GraphQLError("UNSUPPORTED", f"The stand-in cannot read the selection after {words[:3]}")
    return selection


def _fields(words: list[str]) -> Selection:
    """The fields up to the closing brace, which is left for the caller."""
    found: Selection = {}
    while words and words[0] != "}":
        name = words.pop(0)
        found[name] = {}
        if words and words[0] == "{":
            words.pop(0)
            found[name] = _fields(words)
            if not words or words.pop(0) != "}":
                raise GraphQLError("UNSUPPORTED", "The selection has an open brace")
    return found


def _pick(facts: Mapping[str, Any], selection: Selection) -> dict[str, Any]:
    picked: dict[str, Any] = {}
    for name, inner in selection.items():
        if name not in facts or isinstance(facts[name], Mapping) != bool(inner):
            raise GraphQLError("undefinedField", f"Field '{name}' doesn't exist here, or lacks its own selection")
        picked[name] = _pick(facts[name], inner) if inner else facts[name]
    return picked


# -- the input -------------------------------------------------------------------------------------------


def _object(raw: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise _invalid(name, "Expected value to be an object")
    return raw


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise _invalid(name, "Expected value to not be null")
    return value


def _only(given: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(given) - known):
        raise _invalid(f"{where}.{unknown[0]}", "Field is not defined, or not supported by the stand-in")


def _invalid(name: str, why: str) -> GraphQLError:
    said = f"Variable $input of type CreateCommitOnBranchInput! was provided invalid value for {name} ({why})"
    return GraphQLError("INVALID_VARIABLE", said)


def _message(given: Mapping[str, Any]) -> str:
    _only(given, {"headline", "body"}, "message")
    headline, body = _text(given, "headline"), given.get("body") or ""
    return f"{headline}\n\n{body}" if body else headline


def _addition(raw: Any) -> tuple[str, bytes]:
    given = _object(raw, "additions")
    _only(given, {"path", "contents"}, "additions")
    try:
        content = base64.b64decode(_text(given, "contents"), validate=True)
    except binascii.Error as error:
        raise _invalid("contents", "Expected value to be Base64") from error
    return _checked(_text(given, "path")), content


def _path(raw: Any) -> str:
    given = _object(raw, "deletions")
    _only(given, {"path"}, "deletions")
    return _checked(_text(given, "path"))


def _checked(path: str) -> str:
    if not path or "\0" in path or any(part in {"", ".", "..", ".git"} for part in path.split("/")):
        raise GraphQLError("UNPROCESSABLE", f"A path was requested which is invalid: {path!r}")
    return path
