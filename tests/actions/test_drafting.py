"""Files written for a person: `actions new` and `actions import --csv`."""

from __future__ import annotations

from pathlib import Path

import pytest

from actions.checking import check
from actions.commands.new import import_table, new
from actions.job import Job
from sallyport.changes import KINDS
from sallyport.changes.removal_override import FLOW
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


@pytest.mark.parametrize(
    ("flow", "by"), [*((flow, "ana@example.com") for flow in KINDS if flow != FLOW), (FLOW, "kim@example.com")]
)
def test_an_example_of_a_flow_is_valid_as_it_is_and_says_what_its_lines_mean(
    job: Job, flow: str, by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new(job, flow, by) == 0
    [path] = written(job)
    assert capsys.readouterr().out == f"{path}\n"
    assert check(job.workspace.root, [path], NOW).problems == ()
    text = (job.workspace.root / path).read_text()
    assert f"$schema=../../policies/schemas/{flow}.schema.json" in text
    assert "# you: reviews of yours do not count" in text


def test_an_example_is_for_an_environment_in_which_the_flow_can_be_asked_for(job: Job) -> None:
    new(job, "infra-stop", "ana@example.com")
    [path] = written(job)
    text = (job.workspace.root / path).read_text()
    assert "\nenvironment: dev\n" in text
    assert "changes:  # one\n" in text


def test_a_flow_of_one_change_an_entry_gets_an_entry_for_each_row(job: Job) -> None:
    rows = table(job, f"of,target,most\napi-whitelisting,{PAYMENTS},12\napi-whitelisting,{ORDERS},3\n")
    assert import_table(job, FLOW, rows, "kim@example.com", "prod", "The key was retired") == 0
    assert len(written(job)) == 2
    assert check(job.workspace.root, written(job), NOW).problems == ()


def test_empty_rows_at_the_end_of_a_spreadsheet_are_no_changes(job: Job) -> None:
    assert load(job, HEAD + "payments,POST,/v1,198.51.100.10\n,,,\n , ,,\n") == 0
    assert len(written(job)) == 1


def test_a_table_that_is_not_there_is_told_in_plain_words(job: Job) -> None:
    with pytest.raises(Problems, match=r"nope\.csv: there is no such file"):
        import_table(job, "api-whitelisting", Path("nope.csv"), "ana@example.com", "prod", "Partners")


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
        ("api,environment\npayments,prod\n", "; take it out: --environment says it for all rows"),
        (HEAD, "the table has no rows"),
        ("", "the table has no rows"),
        (HEAD + 'payments,"POST\n', "this is no CSV"),
    ],
)
def test_what_is_no_table_is_told(job: Job, text: str, words: str) -> None:
    with pytest.raises(Problems, match=words):
        load(job, text)
