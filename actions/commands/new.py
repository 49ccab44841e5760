"""`actions new` and `actions import`: files of entries for a pull request below requests/."""

from __future__ import annotations

from pathlib import Path

import click

from actions.drafting import changes_of_table, draft, example, flow_named, most_changes
from actions.job import Job
from sallyport.entries import path_of
from sallyport.flows import Flow
from sallyport.ids import new_id
from sallyport.policies import FOLDER, Policies, load_policies, read_folder
from sallyport.problems import Place, Problem, Problems, nearest, quoted


def new(job: Job, flow_name: str, requested_by: str) -> int:
    """Write a commented example of an entry and print its path."""
    policies = _policies(job)
    flow = flow_named(flow_name, policies)
    entry_id = _fresh(job, flow)
    _write(job, flow, entry_id, example(flow, policies, entry_id, requested_by))
    return 0


def import_table(job: Job, flow_name: str, table: Path, requested_by: str, environment: str, reason: str) -> int:
    """Write the entries of a CSV table, each with as many changes as one may have, and print their paths."""
    policies = _policies(job)
    flow = flow_named(flow_name, policies)
    if environment not in policies.catalogue.environments:
        known = policies.catalogue.environments
        raise Problems([Problem(f"there is no environment {quoted(environment)}", nearest(environment, known))])
    try:
        text = table.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise Problems(
            [Problem("there is no such file", "name the table by its path", Place(str(table)))]
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise Problems([Problem(f"the table cannot be read: {error}", "", Place(str(table)))]) from error
    changes = changes_of_table(text, table.name, flow, environment, policies)
    most = most_changes(flow, policies)
    for first in range(0, len(changes), most):
        entry_id = _fresh(job, flow)
        part = changes[first : first + most]
        _write(job, flow, entry_id, draft(flow, entry_id, requested_by, environment, reason, part))
    return 0


def _policies(job: Job) -> Policies:
    return load_policies(read_folder(job.workspace.root / FOLDER))


def _fresh(job: Job, flow: Flow) -> str:
    """Return an id that has no file."""
    while True:
        entry_id = new_id(flow.prefix)
        if not (job.workspace.root / path_of(flow.id, entry_id)).exists():
            return entry_id


def _write(job: Job, flow: Flow, entry_id: str, text: str) -> None:
    path = path_of(flow.id, entry_id)
    (job.workspace.root / path).parent.mkdir(parents=True, exist_ok=True)
    (job.workspace.root / path).write_text(text, encoding="utf-8")
    click.echo(path)
