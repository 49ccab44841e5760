"""What is fuzzed: each target gives any bytes to something that reads text from outside, and lets out its faults.

`fuzz` does so for minutes. `test_targets` gives them their seeds alone, so that they still run then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sallyport.commands import answers_from_words, read_line
from sallyport.documents import load
from sallyport.entries import parse_entry
from sallyport.platforms.jira_text import plain, quote
from sallyport.policies import load_policies
from sallyport.problems import Problems
from sallyport.resource_policies.document import ApiArn, parse, same
from tests.sallyport.examples import NOW, entry, policies, policy_files

FILES, POLICIES = policy_files(), policies()
FLOWS = tuple(POLICIES.flows.values())
ARN = ApiArn("aws", "eu-west-1", "222222222222", "a1payments")
FLOW_FILE = "flows/api-whitelisting.yaml"
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f]|\\[\\"]|\\u[0-9a-f]{4})*"')


def documents(data: bytes) -> None:
    """A document is a document that its own text gives again, or Problems."""
    with suppress(Problems):
        load(data, "requests/api-whitelisting/aw-7k3m9q.yaml")


def entries(data: bytes) -> None:
    """An entry is Problems, or an entry that its own text gives again."""
    path = "requests/api-whitelisting/aw-7k3m9q.yaml"
    with suppress(Problems):
        found = parse_entry(data, path, POLICIES.schemas)
        assert parse_entry(found.to_yaml().encode(), path, POLICIES.schemas) == found


def flows(data: bytes) -> None:
    """A flow's file makes policies or Problems."""
    with suppress(Problems):
        load_policies({**FILES, FLOW_FILE: data})


def words(data: bytes) -> None:
    """Whatever is typed after a command means a flow with answers, or none, or Problems."""
    text = data.decode("utf-8", "replace")
    for slash in {flow.slash for flow in FLOWS}:
        typed = read_line(slash, text, FLOWS)
        _ = typed.wants_help, typed.incident
        if typed.flow is not None:
            with suppress(Problems):
                answers_from_words(typed.flow, typed.rest, datetime(2026, 11, 21, 10, tzinfo=UTC))


def resource_policies(data: bytes) -> None:
    """What API Gateway calls a policy means the same when it is written back, or it is none."""
    with suppress(ValueError):
        policy = parse(data.decode("utf-8", "replace"))
        if policy is not None:
            assert same(policy, parse(policy.text(ARN)), ARN)


def jira(data: bytes) -> None:
    """A quoted word is one string of JQL, and plain text has no sign left that begins a macro or a link."""
    text = data.decode("utf-8", "replace")
    assert _QUOTED.fullmatch(quote(text))
    assert not re.search(r"(?<!\\)[{\[!|]", plain(text))


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], Iterator[bytes]]]] = {
    "documents": (documents, lambda: iter(FILES.values())),
    "entries": (entries, lambda: iter([entry().to_yaml().encode()])),
    "flows": (flows, lambda: (content for path, content in FILES.items() if path.startswith("flows/"))),
    "words": (
        words,
        lambda: iter([b"debugging the checkout 500s", b"stop dev --until 08:00", b"break-glass INC-1"]),
    ),
    "resource-policies": (resource_policies, lambda: iter([json.dumps(_a_policy()).encode()])),
    "jira": (jira, lambda: iter([b'h1. *bold* [a|http://b] {code}x{code} "\\', "@ana – ‮".encode()])),
}


def _a_policy() -> dict[str, Any]:
    until = {
        "DateLessThan": {"aws:CurrentTime": NOW.isoformat()},
        "IpAddress": {"aws:SourceIp": ["198.51.100.10/32"]},
    }
    statement = {"Sid": "sallyport1", "Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke"}
    return {
        "Version": "2012-10-17",
        "Statement": [{**statement, "Resource": "execute-api:/live/POST/v1", "Condition": until}],
    }
