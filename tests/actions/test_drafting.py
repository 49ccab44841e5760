"""Files written for a person: `actions new` and `actions import --csv`."""

from __future__ import annotations

from pathlib import Path

import pytest

from actions.checking import check
from actions.commands.new import import_table, new
from actions.job import Job
from sallyport.entries import parse_entry
from sallyport.problems import Problems
from tests.actions.world import NOW, ORDERS, PAYMENTS, World

HEAD = "api,method,path,source\n"


@pytest.fixture
def job(world: World) -> Job:
    return world.job()


def table(job: Job, text: str) -> Path:
    path = job.workspace.root / "partners.csv"
    path.write_text(text)
    return path


def written(job: Job) -> list[str]:
    folder = job.workspace.root / "requests"
    return sorted(p.relative_to(job.workspace.root).as_posix() for p in folder.rglob("*.yaml"))


def load(job: Job, text: str) -> int:
    return import_table(job, "api-whitelisting", table(job, text), "ana@example.com", "prod", "Partners")


@pytest.mark.parametrize("flow", ["api-whitelisting", "prod-access"])
def test_an_example_of_a_flow_is_valid_as_it_is_and_says_what_its_lines_mean(
    job: Job, flow: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new(job, flow, "ana@example.com") == 0
    [path] = written(job)
    assert capsys.readouterr().out == f"{path}\n"
    assert check(job.workspace.root, [path], NOW).problems == ()
    text = (job.workspace.root / path).read_text()
    assert f"$schema=../../policies/schemas/{flow}.schema.json" in text
    assert "# you: reviews of yours do not count" in text


def test_a_flow_that_is_not_there_is_told_with_the_nearest(job: Job) -> None:
    with pytest.raises(Problems, match="did you mean “prod-access”"):
        new(job, "prod-acces", "ana@example.com")


def test_each_row_of_a_table_becomes_a_change_of_a_valid_entry(job: Job, world: World) -> None:
    assert (
        load(job, HEAD + "payments,POST,/v1/charges,198.51.100.10\norders,GET,/v1/orders/*,198.51.100.11/32\n")
        == 0
    )
    [path] = written(job)
    schemas = job.books().ledger.policies.schemas
    entry = parse_entry((job.workspace.root / path).read_bytes(), path, schemas, NOW)
    locks = [change.lock("prod", world.catalogue) for change in entry.changes]
    assert locks == [PAYMENTS, ORDERS]
    assert check(job.workspace.root, [path], NOW).problems == ()


def test_a_long_table_becomes_several_entries(job: Job) -> None:
    rows = "".join(f"payments,POST,/v1/{n},198.51.100.10\n" for n in range(501))
    load(job, HEAD + rows)
    assert len(written(job)) == 2


def test_every_bad_row_is_told_by_its_line_and_nothing_is_written(job: Job) -> None:
    with pytest.raises(Problems) as found:
        load(job, HEAD + "paymnets,POST,/v1,198.51.100.10\npayments,POST,/v1,10.0.0.1\n")
    said = [str(problem) for problem in found.value.problems]
    assert said[0].startswith("partners.csv:2:1: api: “paymnets” is not in the catalogue")
    assert said[1].startswith("partners.csv:3:1: source: 10.0.0.1")
    assert written(job) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("api,verb\npayments,POST\n", "has no column “verb”"),
        (HEAD, "the table has no rows"),
        ("", "the table has no rows"),
        (HEAD + 'payments,"POST\n', "this is no CSV"),
    ],
)
def test_what_is_no_table_is_told(job: Job, text: str, words: str) -> None:
    with pytest.raises(Problems, match=words):
        load(job, text)
