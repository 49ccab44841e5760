"""docs/explanation/reliability.md: what it says holds a promise, exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`(tests/\S+\.py::\S+)`", (ROOT / "docs/explanation/reliability.md").read_text())


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
