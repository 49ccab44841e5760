"""Files of entries for people who bring changes by a pull request: an example of a flow, or a table of many.

What is written is checked by `actions validate` like anything a person types; nothing here decides anything.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import cast

from sallyport.changes import KINDS
from sallyport.documents import JSON, dump
from sallyport.flows import APPROVER, DURATION, ENVIRONMENT, REASON, Field, Flow
from sallyport.policies import Policies
from sallyport.problems import Place, Problem, Problems, nearest, quoted
from sallyport.schemas import SUFFIX
from sallyport.times import format_duration

MOST_CHANGES = 500  # of one entry, as the schema of all entries has it

Change = dict[str, JSON]


def flow_named(name: str, policies: Policies) -> Flow:
    """Return the flow of that name; Problems names the nearest one."""
    if name not in policies.flows:
        raise Problems([Problem(f"there is no flow {quoted(name)}", nearest(name, policies.flows))])
    return policies.flows[name]


def draft(
    flow: Flow, entry_id: str, requested_by: str, environment: str, reason: str, changes: list[Change]
) -> str:
    """Return an entry's file, with a deadline that counts from its merge."""
    rule = flow.rule_for({ENVIRONMENT: environment})
    facts: dict[str, JSON] = {
        "id": entry_id,
        "flow": flow.id,
        "environment": environment,
        "requested_by": requested_by,
        "reason": reason,
        "expires_in": format_duration(rule.lifetime.default) if rule else "1d",
        "changes": cast("list[JSON]", changes),
    }
    return f"# yaml-language-server: $schema=../../policies/schemas/{flow.id}{SUFFIX}\n{dump(facts)}"


def example(flow: Flow, policies: Policies, entry_id: str, requested_by: str) -> str:
    """Return a file with one change made from what the form suggests, with a note at each line that needs one."""
    environment = _usual_environment(flow, policies)
    answers = {field.name: _suggested(field, policies, environment) for field in flow.fields}
    change = KINDS[flow.id].from_answers({**answers, ENVIRONMENT: environment}, policies.catalogue).to_mapping()
    text = draft(flow, entry_id, requested_by, environment, "Why; reviewers and auditors read it", [change])
    most = most_changes(flow, policies)
    return "".join(f"{line}\n" for line in _noted(text.rstrip("\n").split("\n"), flow, most))


def most_changes(flow: Flow, policies: Policies) -> int:
    """Return how many changes an entry of *flow* may have."""
    return policies.schemas.most_items(flow.id, "changes") or MOST_CHANGES


def _usual_environment(flow: Flow, policies: Policies) -> str:
    """Return the environment that the form offers first, of those in which anything can be asked for."""
    asked = flow.field(ENVIRONMENT)
    known = [asked.default if asked else "", *policies.catalogue.environments]
    return next((name for name in known if name and flow.has_rule_in(name)), known[-1])


def _suggested(field: Field, policies: Policies, environment: str) -> str:
    if field.source:
        return next((option.value for option in policies.catalogue.options(field.source, environment)), "")
    return field.default or next(iter(field.options), "") or field.placeholder


def _noted(lines: list[str], flow: Flow, most: int) -> Iterator[str]:
    notes = {
        "requested_by": "you: reviews of yours do not count",
        "expires_in": "from the merge on; or expires_at: and a moment in UTC",
        "changes": f"up to {most} for one review" if most > 1 else "one",
        **{field.name: field.hint for field in flow.fields if field.hint and field.name != REASON},
    }
    for line in lines:
        note = notes.get(line.strip().removeprefix("- ").partition(":")[0])
        yield f"{line}  # {note}" if note else line


def changes_of_table(text: str, name: str, flow: Flow, environment: str, policies: Policies) -> list[Change]:
    """Return one change for each row of a CSV table, whose columns are the form's fields.

    Problems tells, for every row, what the form would have said.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    problems: list[Problem] = []
    changes: list[Change] = []
    try:
        problems += _strange_columns(rows.fieldnames or (), name, flow)
        for row in rows:
            answers = {key: value for key, value in row.items() if isinstance(key, str) and isinstance(value, str)}
            if not any(value.strip() for value in answers.values()):
                continue
            try:
                change = KINDS[flow.id].from_answers({**answers, ENVIRONMENT: environment}, policies.catalogue)
                changes.append(change.to_mapping())
            except Problems as found:
                problems += [_in_row(problem, name, rows.line_num) for problem in found.problems]
    except csv.Error as error:
        problems.append(Problem(f"this is no CSV: {error}", "check its quotes", Place(name, rows.line_num, 1)))
    if not changes and not problems:
        problems.append(Problem("the table has no rows", "write one for each change", Place(name, 1, 1)))
    if problems:
        raise Problems(problems)
    return changes


def _strange_columns(columns: Iterable[str], name: str, flow: Flow) -> Iterator[Problem]:
    known = {field.name for field in flow.fields} - {ENVIRONMENT, DURATION, APPROVER, REASON}
    for column in columns:
        if column not in known:
            of_all = f"take it out: --{column} says it for all rows"
            mend = of_all if column in {ENVIRONMENT, REASON} else nearest(column, known)
            yield Problem(f"{flow.id} has no column {quoted(column)}", mend, Place(name, 1, 1))


def _in_row(problem: Problem, name: str, line: int) -> Problem:
    what = f"{problem.field}: {problem.what}" if problem.field else problem.what
    return Problem(what, problem.mend, Place(name, line, 1))
