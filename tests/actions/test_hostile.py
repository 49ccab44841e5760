"""Every bad file gets precise sentences for its author: what, where, and how to mend it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from actions.checking import check
from sallyport.changes import KINDS
from sallyport.documents import load
from sallyport.problems import Problem
from tests.actions import hostile
from tests.actions.hostile import ENTRY, FOLDER, PATH, Bad
from tests.actions.world import NOW, World

EXPECTED = cast("dict[str, list[str]]", load(Path(hostile.__file__).with_suffix(".yaml").read_bytes(), "").data)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return World(tmp_path_factory.mktemp("hostile")).job().workspace.root


def problems(root: Path, path: str) -> tuple[Problem, ...]:
    return check(root, [path], NOW).problems


@contextmanager
def standing(root: Path, path: str, content: bytes) -> Iterator[None]:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)
    yield
    (root / path).unlink()


def test_the_good_file_has_nothing_wrong(root: Path) -> None:
    with standing(root, PATH, ENTRY.encode()):
        assert problems(root, PATH) == ()


def test_the_set_is_large_and_nothing_in_it_is_without_its_sentence() -> None:
    names = [bad.name for bad in hostile.ALL]
    assert len(set(names)) == len(names) >= 60
    assert set(names) == EXPECTED.keys()


@pytest.mark.parametrize("bad", hostile.ALL, ids=lambda bad: bad.name)
def test_a_bad_file_is_told_precisely(root: Path, bad: Bad) -> None:
    with standing(root, bad.path, bad.content):
        said = [str(problem).removeprefix(bad.path) for problem in problems(root, bad.path)]
    assert said[:3] == [sentence.replace("{flows}", ", ".join(sorted(KINDS))) for sentence in EXPECTED[bad.name]]


class TestWhatIsNoFile:
    def test_a_link_to_an_entry(self, root: Path) -> None:
        with standing(root, "elsewhere.yaml", ENTRY.encode()):
            (root / PATH).symlink_to(root / "elsewhere.yaml")
            [said] = problems(root, PATH)
            (root / PATH).unlink()
        assert str(said) == f"{PATH}:1:1: a symbolic link is not an entry; write the file itself"

    def test_a_flow_that_is_a_link_to_a_folder(self, root: Path, tmp_path: Path) -> None:
        (tmp_path / "aw-222222.yaml").write_text(ENTRY)
        (root / "requests/linked").symlink_to(tmp_path)
        assert [str(one.place) for one in problems(root, "requests")] == ["requests/linked:1:1"]
        [said] = problems(root, "requests/linked/aw-222222.yaml")
        (root / "requests/linked").unlink()
        assert said.what == "requests/linked is a symbolic link"

    def test_a_pipe_which_would_never_end(self, root: Path) -> None:
        os.mkfifo(root / PATH)
        [said] = problems(root, PATH)
        (root / PATH).unlink()
        assert said.what == "this is not a plain file"

    def test_a_link_to_itself(self, root: Path) -> None:
        (root / PATH).symlink_to(root / PATH)
        [said] = problems(root, FOLDER)
        (root / PATH).unlink()
        assert said.what == "a symbolic link is not an entry"


def test_all_problems_of_all_files_come_in_one_pass(root: Path) -> None:
    some = [bad for bad in hostile.FIELDS if bad.path == PATH][:20]
    paths = [f"{FOLDER}/aw-2222{10 + n}.yaml" for n in range(len(some))]
    for path, bad in zip(paths, some, strict=True):
        (root / path).write_bytes(bad.content)
    told = {one.place.file for one in problems(root, "requests") if one.place}
    for path in paths:
        (root / path).unlink()
    assert told == set(paths)
