"""Everything that is wrong with policies and entries as files in a working tree, for the people who wrote them.

It reads only; a hostile file may make a problem, never a crash and never a command of the runner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from actions.befores import SUFFIX as BEFORE
from actions.befores import read_before
from actions.verification import target_of
from sallyport import attestations
from sallyport.decisions import entry_refusals
from sallyport.documents import load
from sallyport.entries import FOLDER as REQUESTS
from sallyport.entries import Entry, parse_entry
from sallyport.policies import FOLDER as POLICIES
from sallyport.policies import Policies, load_policies, read_folder
from sallyport.problems import Place, Problem, Problems
from sallyport.schemas import SUFFIX as SCHEMA
from sallyport.schemas import Schemas

_KEPT = {".gitkeep", "README.md"}


@dataclass(frozen=True, slots=True)
class Report:
    """What a check looked at and found, in the order of files and lines."""

    problems: tuple[Problem, ...]
    entries: int
    with_policies: bool


def check(root: Path, paths: Sequence[str], now: datetime) -> Report:
    """Check *paths* (below policies/ or requests/, folders too), or everything if there are none."""
    asked = [_inside(root, path) for path in paths] or [POLICIES, REQUESTS]
    policies, faults = _policies(root)
    about_policies = any(path == POLICIES or path.startswith(f"{POLICIES}/") for path in asked)
    problems = list(faults) if about_policies or policies is None else []
    schemas = policies.schemas if policies else _schemas(root)
    # A change of policy can take the ground from under entries that nobody touched.
    scope = [REQUESTS] if about_policies else [path for path in asked if path.startswith(REQUESTS)]
    problems += [
        Problem(f"{path} is neither in {POLICIES}/ nor in {REQUESTS}/", "", Place(path))
        for path in asked
        if not path.startswith((POLICIES, REQUESTS))
    ]
    files = sorted({file for path in scope for file in _files(root, path)})
    for file in files:
        problems += _file_problems(root, file, schemas, policies, now)
    entries = sum(file.endswith(".yaml") and not file.endswith(BEFORE) for file in files)
    return Report(Problems(problems).problems, entries, about_policies)


def _policies(root: Path) -> tuple[Policies | None, tuple[Problem, ...]]:
    try:
        return load_policies(read_folder(root / POLICIES)), ()
    except Problems as problems:
        return None, problems.problems
    except Exception as error:  # a schema can be broken in ways that only using it shows
        what = f"the policies cannot be read: {type(error).__name__}: {error}"
        return None, (Problem(what, "is a JSON Schema broken?", Place(POLICIES)),)


def _schemas(root: Path) -> Schemas:
    """Return the schemas alone, so that entries can be checked by form while policies are broken."""
    folder = root / POLICIES / "schemas"
    try:
        return Schemas({path.name.removesuffix(SCHEMA): path.read_bytes() for path in folder.glob(f"*{SCHEMA}")})
    except Problems:  # told with the policies
        return Schemas({})


def _files(root: Path, path: str) -> Iterator[str]:
    place = root / path
    if place.is_dir():
        yield from (
            p.relative_to(root).as_posix() for p in place.rglob("*") if p.is_file() and p.name not in _KEPT
        )
    elif place.is_file():  # one that was deleted has nothing to check
        yield path


def _inside(root: Path, path: str) -> str:
    """Return *path*, as typed from the working directory, relative to the repository."""
    whole = Path(path) if Path(path).is_absolute() else root / path
    try:
        return whole.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path


def _file_problems(
    root: Path, file: str, schemas: Schemas, policies: Policies | None, now: datetime
) -> Sequence[Problem]:
    if (root / file).is_symlink():
        return [Problem("a symbolic link is not an entry", "write the file itself", Place(file))]
    content = (root / file).read_bytes()
    try:
        if file.endswith(BEFORE):
            read_before(content, file)
            return []
        entry = parse_entry(content, file, schemas)
    except Problems as problems:
        return problems.problems
    return list(_refusals(entry, content, policies, now)) if policies else []


def _refusals(entry: Entry, content: bytes, policies: Policies, now: datetime) -> Iterator[Problem]:
    """Yield why the entry, if it were on main, would not be applied."""
    document = load(content, entry.path)
    try:
        of_changes = [
            (problem, document.place(("changes", number, *([problem.field] if problem.field else []))))
            for number, change in enumerate(entry.changes)
            for problem in change.problems(entry.environment, policies.catalogue)
        ]
        refusals = entry_refusals(entry, policies)
        target_of(entry, policies.catalogue)
    except (LookupError, ValueError) as error:
        yield Problem(str(error), "", document.place(("changes",)))
        return
    yield from (Problem(problem.what, problem.mend, place) for problem, place in of_changes)
    said = {problem.sentence for problem, _ in of_changes}
    yield from (Problem(text, "", document.place()) for text in refusals if text not in said)
    if reason := attestations.refusal(entry, policies.keys):
        place = document.place(("attestation",))
        yield Problem(f"{reason}, so it would be refused", _UNATTESTED if not entry.attestation else "", place)
    if not entry.is_live(now):
        yield Problem("its deadline has passed", "ask again", document.place(("expires_at",)))


_UNATTESTED = (
    "it applies only after the coordinator has signed it; reviews of a pull request do not count as approvals "
    "yet, so ask in Slack"
)
