"""What people wrote reaches runners, git, spreadsheets and browsers as words, and as nothing else."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actions.markdown import inert
from actions.runner import Runner, annotation, notice, one_line
from actions.telling import slack_reply
from coordinator.audit.tables import _cell, _line
from coordinator.outside.commits import _trailers
from sallyport.outcomes import Outcome, Result
from sallyport.problems import Place, Problem
from tests.hostile.worst import whole_texts
from tests.sallyport.examples import NOW, entry, policies

fuzzed = settings(max_examples=100, deadline=None)
_RUNNERS_LINES = re.compile(r"\r\n|\r|\n")


@fuzzed
@example(values={"role": "\r"})
@given(values=st.dictionaries(st.sampled_from(["role", "region", "any"]), whole_texts, min_size=1))
def test_no_step_output_ends_early_or_sets_another(
    values: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("runner") / "output"
    Runner(output=file).put(values)
    assert outputs_of(file) == {name: _RUNNERS_LINES.sub("\n", value) for name, value in values.items()}


def outputs_of(file: Path) -> dict[str, str]:
    """Read a step's outputs as the runner does: heredocs, each with its own end."""
    lines, found = _RUNNERS_LINES.split(file.read_bytes().decode()), {}
    while lines[0]:
        name, _, end = lines.pop(0).partition("<<")
        length = lines.index(end)
        found[name] = "\n".join(lines[:length])
        lines = lines[length + 1 :]
    return found


@fuzzed
@given(text=whole_texts, more=whole_texts)
def test_no_annotation_begins_a_second_workflow_command(text: str, more: str) -> None:
    problem = Problem(text, more, Place(text, 1, 1))
    for said in (annotation(problem), notice(problem)):
        assert len(_RUNNERS_LINES.split(said)) == 1
        properties = said.split("::")[1]
        assert properties.count(",") == 2


@fuzzed
@given(text=whole_texts)
def test_no_line_of_a_log_is_a_workflow_command(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not line.lstrip().startswith("::")
    assert "##[" not in line


@fuzzed
@given(text=whole_texts)
def test_no_cell_of_a_table_is_a_formula(text: str) -> None:
    (row,) = csv.reader(io.StringIO(_line([_cell(text), "next"]), newline=""))
    assert row[1] == "next"
    assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@fuzzed
@given(text=whole_texts)
def test_no_mark_of_a_summary_or_a_comment_on_github_is_a_persons(text: str) -> None:
    shown = inert(text)
    assert not set(shown) & set("<>`*_[]|\n\r~@")


@fuzzed
@given(text=whole_texts)
def test_no_reason_is_in_a_commit_message(text: str) -> None:
    assert _trailers(replace(entry(), reason=text), policies()) == _trailers(entry(), policies())


@fuzzed
@given(text=whole_texts)
def test_no_outcome_is_markup_in_slack(text: str) -> None:
    plain, blocks = slack_reply(Outcome("aw-7k3m9q", Result.FAILED, text, NOW, NOW, (text,)), "https://x/runs/9")
    section, context = blocks
    assert section["text"]["type"] == "plain_text"
    assert context["elements"] == [{"type": "mrkdwn", "text": "aw-7k3m9q · <https://x/runs/9|the job>"}]
    assert not set(plain) & set("<>")
