"""Everything that is wrong with policies and entries as files in a working tree, for the people who wrote them.

It reads only; a hostile file may make a problem, never a crash and never a command of the runner.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from actions.befores import SUFFIX as BEFORE
from actions.befores import read_before
from actions.judging import Opinion, Seen, opinion
from sallyport.documents import load, size_problem
from sallyport.entries import FOLDER as REQUESTS
from sallyport.entries import read_entry
from sallyport.policies import FOLDER as POLICIES
from sallyport.policies import Policies, load_policies, read_folder
from sallyport.problems import Place, Problem, Problems
from sallyport.schemas import SUFFIX as SCHEMA
from sallyport.schemas import Schemas

_KEPT = {".gitkeep", "README.md"}
_BROKEN_SURROGATES = "surrogateescape"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check looked at and found, in the order of files and lines; `missing` is what reviews have to add."""

    problems: tuple[Problem, ...]
    missing: tuple[Problem, ...]
    entries: int
    with_policies: bool


def check(root: Path, paths: Sequence[str], now: datetime, seen: Seen | None = None) -> Report:
    """Check *paths* (below policies/ or requests/, folders too); *seen* is the pull request that brings them.

    The cost follows the paths, except that a change of policy can take the ground from under entries that nobody
    touched, so that it has all of them checked.
    """
    asked = list(dict.fromkeys(_inside(root, path) for path in paths))
    policies, faults = _policies(root)
    about_policies = any(_is_below(path, POLICIES) for path in asked)
    problems = list(faults) if about_policies or policies is None else []
    problems += [_stray(path) for path in asked if not _is_below(path, POLICIES) and not _is_below(path, REQUESTS)]
    scope = [REQUESTS] if about_policies else [path for path in asked if _is_below(path, REQUESTS)]
    files = sorted({file for path in scope for file in _files(root, path)})
    checker = _Checker(root, policies.schemas if policies else _schemas(root), policies, now, seen)
    missing: list[Problem] = []
    for file in files:
        found = checker.opinion(file)
        problems += found.problems
        missing += found.missing
    entries = sum(file.endswith(".yaml") and not file.endswith(BEFORE) for file in files)
    return Report(Problems(problems).problems, Problems(missing).problems, entries, about_policies)


@dataclass(frozen=True, slots=True)
class _Checker:
    root: Path
    schemas: Schemas
    policies: Policies | None
    now: datetime
    seen: Seen | None
    links: dict[str, str] = field(default_factory=dict)  # by folder: the link on the way to it, or nothing

    def opinion(self, file: str) -> Opinion:
        """Return what is wrong with one file below requests/."""
        if problem := self._form_problem(file):
            return Opinion((problem,))
        content = (self.root / file).read_bytes()
        try:
            if file.endswith(BEFORE):
                read_before(content, file)
                return Opinion()
            document = load(content, file)
            entry = read_entry(document, file, self.schemas, self.now)
        except Problems as problems:
            return Opinion(problems.problems)
        return opinion(entry, document, self.policies, self.now, self.seen) if self.policies else Opinion()

    def _form_problem(self, file: str) -> Problem | None:
        """Say why *file* is not opened: it is behind a link, no plain file, or has a name that hides something."""
        place = Place(file, 1, 1)
        if not file.isascii() or not file.isprintable():
            shown = file.encode(errors=_BROKEN_SURROGATES).decode(errors="replace")
            return Problem(
                "its name has signs that are easily misread", "use a-z, 0-9 and -", Place(ascii(shown)[1:-1], 1, 1)
            )
        if link := self._link_to(posixpath.dirname(file)):
            return Problem(f"{link} is a symbolic link", "write the file itself", place)
        facts = os.lstat(self.root / file)
        if stat.S_ISLNK(facts.st_mode):
            return Problem("a symbolic link is not an entry", "write the file itself", place)
        if not stat.S_ISREG(facts.st_mode):
            return Problem("this is not a plain file", "write the file itself", place)
        return size_problem(facts.st_size, file)

    def _link_to(self, folder: str) -> str:
        """Return a link on the way to *folder*; empty if there is none."""
        if folder not in self.links:
            way = (folder, *map(str, PurePosixPath(folder).parents[:-1]))
            self.links[folder] = next((place for place in way if (self.root / place).is_symlink()), "")
        return self.links[folder]


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
    """Yield what stands at *path* or below it; what was deleted has nothing to check. No link is followed."""
    place = root / path
    if place.is_dir() and not place.is_symlink():
        yield from _below(place, path)
    elif place.is_symlink() or (place.exists() and place.name not in _KEPT):
        yield path


def _below(place: Path, path: str) -> Iterator[str]:
    with os.scandir(place) as found:
        for one in found:
            if one.is_dir(follow_symlinks=False):
                yield from _below(Path(one.path), f"{path}/{one.name}")
            elif one.is_symlink() or one.name not in _KEPT:
                yield f"{path}/{one.name}"


def _inside(root: Path, path: str) -> str:
    """Return *path*, as typed from the working directory, relative to the repository; links stay what they are."""
    whole = Path(path) if Path(path).is_absolute() else root / path
    if ".." in whole.parts:
        return path
    try:
        return whole.relative_to(root).as_posix()
    except ValueError:
        return path


def _is_below(path: str, folder: str) -> bool:
    return (path == folder or path.startswith(f"{folder}/")) and ".." not in path.split("/")


def _stray(path: str) -> Problem:
    return Problem(f"{path} is neither in {POLICIES}/ nor in {REQUESTS}/", "", Place(path))
