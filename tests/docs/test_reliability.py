"""docs/explanation: the tests that are said to hold a promise, or to stop a threat, exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/explanation").glob("*.md"))
NAMED = sorted({name for page in PAGES for name in re.findall(r"`(tests/\S+\.py::\S+)`", page.read_text())})
THREATS = (
    *("Slack token", "coordinator", "write to the repository", "requester", "approver", "Replay"),
    *("taken for another", "token of a workflow"),
)


@pytest.mark.parametrize("name", NAMED)
def test_every_test_that_is_named_exists(name: str) -> None:
    path, *parts = name.split("::")
    found = ast.parse((ROOT / path).read_text()).body
    for part in parts:
        (here,) = [one for one in found if isinstance(one, ast.ClassDef | ast.FunctionDef) and one.name == part]
        found = here.body


def test_each_rule_that_never_breaks_is_among_the_promises() -> None:
    text = (ROOT / "docs/explanation/reliability.md").read_text()
    assert re.findall(r"^\| (\d)\. ", text, re.MULTILINE) == list("12345678")


def test_each_threat_has_what_it_can_what_stops_it_what_remains_and_its_tests() -> None:
    _, *parts = (ROOT / "docs/explanation/threat-model.md").read_text().split("\n## ")
    titles = [part.partition("\n")[0] for part in parts]
    assert all(any(threat in title for title in titles) for threat in THREATS)
    for part in parts:
        assert re.findall(r"^\* \*\*(.+?)\*\*", part, re.MULTILINE) == ["Can", "Stopped by", "Remains", "Held by"]
        assert "::" in part
