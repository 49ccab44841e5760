"""Every YAML file that people edit begins by telling their editor its schema: the one it is checked against."""

from __future__ import annotations

import posixpath
import re
import textwrap
from pathlib import Path

import pytest

from actions.drafting import draft, example
from sallyport.documents import load
from sallyport.entries import path_of
from sallyport.policies import load_policies, read_folder
from sallyport.schemas import FOLDER, SUFFIX, Schemas
from tests.coordinator.asks import CHANGE

ROOT = Path(__file__).parents[2]
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")
SHIPPED = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "policies").rglob("*.yaml"))
PAGES = sorted((ROOT / "docs").rglob("*.md"))
EXAMPLES = [  # with where such a file would be
    (page.name, f"policies/{kind}/example.yaml", textwrap.dedent(found))
    for page in PAGES
    for kind, found in re.findall(
        r"`policies/([a-z]+)/<?[a-z-]+>?\.yaml`.*?\n(    # yaml-language-server[^\n]*\n(?:    [^\n]*\n)+)",
        page.read_text(),
        re.DOTALL,
    )
]
POLICIES = load_policies(read_folder(ROOT / "policies"), "shipped")
SCHEMAS = Schemas({path.name.removesuffix(SUFFIX): path.read_bytes() for path in (ROOT / FOLDER).iterdir()})


def schema_of(path: str, text: str) -> str:
    """Return the name of the schema that the first line of the file at *path* names, which must be published."""
    found = MODELINE.match(text)
    assert found, f"{path} does not begin with a modeline"
    where = posixpath.normpath(posixpath.join(posixpath.dirname(path), found[1]))
    assert where.startswith(f"{FOLDER}/")
    assert (ROOT / where).is_file(), f"{path} names {where}, which does not exist"
    return posixpath.basename(where).removesuffix(SUFFIX)


def assert_fits(path: str, text: str) -> None:
    """See that it fits the schema it names; what anything would fit is no schema of it."""
    name, document = schema_of(path, text), load(text.encode(), path)
    assert list(SCHEMAS.problems(name, document)) == []
    assert list(SCHEMAS.problems(name, load(b"[[]]", path))) != []


@pytest.mark.parametrize("path", SHIPPED)
def test_a_policy_names_the_schema_it_fits(path: str) -> None:
    assert_fits(path, (ROOT / path).read_text())


@pytest.mark.parametrize("flow", sorted(POLICIES.flows))
def test_an_example_of_an_entry_names_the_schema_of_its_flow(flow: str) -> None:
    path = path_of(flow, "xx-7k3m9q")
    text = example(POLICIES.flows[flow], POLICIES, "xx-7k3m9q", "ana@example.com")
    assert schema_of(path, text) == flow
    assert_fits(path, text)


def test_so_does_an_entry_that_is_drafted_from_a_table() -> None:
    flow = POLICIES.flows["api-whitelisting"]
    text = draft(flow, "aw-7k3m9q", "ana@example.com", "prod", "Go-live", [CHANGE.to_mapping()])
    assert schema_of(path_of(flow.id, "aw-7k3m9q"), text) == flow.id


@pytest.mark.parametrize(("page", "path", "text"), EXAMPLES, ids=[page for page, *_ in EXAMPLES])
def test_a_file_that_documentation_shows_names_the_schema_it_fits(page: str, path: str, text: str) -> None:
    assert_fits(path, text)


def test_no_file_that_documentation_shows_is_left_out() -> None:
    shown = sum(page.read_text().count("# yaml-language-server: ") for page in PAGES)
    assert shown == len(EXAMPLES) > 0
