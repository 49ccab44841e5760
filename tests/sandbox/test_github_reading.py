"""Workflow files, expressions, filters and inputs are read as GitHub reads them, or refused by name."""

from __future__ import annotations

import pytest

from sandbox.github import dispatch, expressions, filters
from sandbox.github.dialect import without_concurrency
from sandbox.github.workflow import Concurrency, Input, WorkflowError, parse

CONTEXTS = {
    "inputs": {"id": "aw-1", "flag": True, "empty": ""},
    "vars": {},
    "github": {"ref": "refs/heads/main", "event": {"schedule": "7 * * * *"}},
}
JOB = "jobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo}]}}"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("apply ${{ inputs.id }}", "apply aw-1"),
        ("${{ inputs.empty || inputs.missing || 'all' }}", "all"),
        ("${{ inputs.flag }}", "true"),
        ("${{ format('{0} on {1}', inputs.id, github.ref) }}", "aw-1 on refs/heads/main"),
        ("${{ github.event.schedule }}${{ github.event.inputs.id }}", "7 * * * *"),
        ("${{ 'it''s' }} ${{ 3 }}", "it's 3"),
    ],
)
def test_the_expressions_of_run_names_and_groups_are_evaluated(template: str, text: str) -> None:
    assert expressions.render(template, CONTEXTS) == text


@pytest.mark.parametrize(
    "source",
    [
        "github.actor_id",
        "needs.plan.outputs.x",
        "inputs.id == 'x'",
        "toJSON(inputs)",
        "inputs",
        "",
        "format('{3}')",
    ],
)
def test_any_other_expression_is_an_error_that_quotes_it(source: str) -> None:
    with pytest.raises(expressions.ExpressionError):
        expressions.render(f"${{{{ {source} }}}}", CONTEXTS)


@pytest.mark.parametrize(
    ("patterns", "name", "inside"),
    [
        (["main"], "main", True),
        (["main"], "maintenance", False),
        (["requests/**"], "requests/api/aw-1.yaml", True),
        (["requests/*"], "requests/api/aw-1.yaml", False),
        (["**/*.yaml"], "top.yaml", True),
        (["**", "!docs/**"], "docs/index.md", False),
        (["release/v[0-9]+"], "release/v12", True),
        (["*.jsx?"], "page.js", True),
    ],
)
def test_filter_patterns_match_as_on_github(patterns: list[str], name: str, *, inside: bool) -> None:
    assert filters.matches(patterns, name) is inside


def test_inputs_are_completed_with_defaults_and_given_as_text() -> None:
    declared = [
        Input("id", required=True),
        Input("flag", "boolean"),
        Input("mode", "choice", False, "plan", ("plan",)),
    ]
    assert dispatch.resolve(declared, {"id": 7, "flag": True}) == {"id": "7", "flag": "true", "mode": "plan"}
    assert dispatch.typed(declared, {"id": "7", "flag": "true", "mode": "plan"})["flag"] is True


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "Required input 'id' not provided"),
        ({"id": ""}, "Required input 'id' not provided"),
        ({"id": "x", "nope": "y"}, 'Unexpected inputs provided: ["nope"]'),
        ({"id": "x", "flag": "yes"}, "Provided value 'yes' for input 'flag' not in the list of allowed values"),
        ({"id": "x", "mode": "drop"}, "Provided value 'drop' for input 'mode' not in the list of allowed values"),
        ({"id": "x", "count": "many"}, "Provided value 'many' for input 'count' is not a number"),
        ({f"i{n}": "" for n in range(26)}, "Invalid request.\n\nNo more than 25 properties are allowed"),
        ({"id": {"deep": 1}}, "Invalid request.\n\nFor 'properties/inputs/id'"),
        ("text", "Invalid request.\n\nFor 'properties/inputs', the value is not an object."),
    ],
)
def test_wrong_inputs_are_refused_in_githubs_words(sent: object, message: str) -> None:
    declared = [
        Input("id", required=True),
        Input("flag", "boolean"),
        Input("mode", "choice", False, None, ("plan", "apply")),
        Input("count", "number"),
    ]
    with pytest.raises(dispatch.DispatchError) as refused:
        dispatch.resolve(declared, sent)
    assert str(refused.value).startswith(message)


def test_a_job_without_permissions_of_its_own_has_those_of_the_file() -> None:
    one = "{runs-on: ubuntu-latest, steps: [{run: echo}]}"
    two = "{runs-on: ubuntu-latest, permissions: {id-token: write, contents: read}, steps: [{run: echo}]}"
    workflow = parse("x.yml", f"on: push\npermissions: {{}}\njobs:\n  one: {one}\n  two: {two}\n")
    assert [dict(job.permissions) for job in workflow.jobs] == [{}, {"id-token": "write", "contents": "read"}]
    assert workflow.token_permissions == {"id-token": "write", "contents": "read"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("on: push\njobs: {one: {runs-on: x, steps: [{run: a}], container: g}}", "does not support 'container'"),
        ("on: push\njobs: {one: {uses: ./.github/workflows/y.yml}}", "does not support 'uses'"),
        ("on: push\njobs: {one: {steps: [{run: a}]}}", "runs-on"),
        ("on: push\njobs: {one: {runs-on: x, steps: [{run: a, timeout-minutes: 0.5}]}}", "timeout-minutes"),
        ("on: push\njobs: {}", "no jobs"),
        ("on: push\nconcurrency: {group: g, queue: max, cancel-in-progress: true}\n" + JOB, "queue"),
        ("on: push\nconcurrency: {group: g, cancel-in-progress: '${{ true }}'}\n" + JOB, "only true or false"),
        ("on: {push: {branches: [a], branches-ignore: [b]}}\n" + JOB, "both branches and branches-ignore"),
        ("on: push\npermissions: {contents: all}\n" + JOB, "permissions"),
        ("on: push\nsurprise: 1\n" + JOB, "unexpected 'surprise'"),
        (JOB, "no event triggers"),
        ("a: [", "failed to parse workflow"),
    ],
)
def test_what_the_stand_in_does_not_carry_out_is_refused_by_name(source: str, message: str) -> None:
    with pytest.raises(WorkflowError, match=message):
        parse("x.yml", source)


def test_the_concurrency_is_hidden_from_act_and_every_other_line_stays_where_it_was() -> None:
    source = f"on: push\nconcurrency:\n  group: g\n  queue: max\nenv: {{A: b}}\n{JOB}\n"
    assert parse("x.yml", source).concurrency == Concurrency("g", cancel_in_progress=False, queue_max=True)
    assert without_concurrency(source) == f"on: push\n\n\n\nenv: {{A: b}}\n{JOB}\n"


def test_the_groups_of_jobs_let_one_run_of_their_workflow_go_at_a_time() -> None:
    group = "    concurrency:\n      group: g-${{ matrix.a }}\n      queue: max\n"
    job = f"  one:\n    runs-on: x\n{group}    steps: [{{run: a}}]\n"
    source = f"on: push\njobs:\n{job}"
    assert parse("x.yml", source).concurrency == Concurrency("the jobs of x.yml", queue_max=True)
    hidden = "  one:\n    runs-on: x\n\n\n\n    steps: [{run: a}]\n"
    assert without_concurrency(source) == f"on: push\njobs:\n{hidden}"
