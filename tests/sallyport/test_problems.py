"""Problems: what is wrong, where, and the nearest thing that would work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.problems import Place, Problem, Problems, nearest, quoted


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("it is wrong"), "it is wrong"),
        (Problem("it is wrong", "mend it"), "it is wrong; mend it"),
        (Problem("it is wrong", "mend it", Place("a.yaml", 3, 7)), "a.yaml:3:7: it is wrong; mend it"),
        (Problem("it is wrong", "", Place("a.yaml")), "a.yaml: it is wrong"),
        (Problem("it is wrong", "mend it", field="path"), "path: it is wrong; mend it"),
    ],
)
def test_a_problem_reads_as_place_fault_and_remedy(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_problems_stand_in_the_order_of_their_files_lines_and_columns() -> None:
    places = [Place("b.yaml", 1, 1), Place("a.yaml", 10, 1), Place("a.yaml", 2, 9), Place("a.yaml", 2, 3)]
    error = Problems([*(Problem("x", place=place) for place in places), Problem("form", field="path")])
    assert [problem.place for problem in error.problems] == [None, *reversed(places)]
    assert str(error).splitlines()[:2] == ["path: form", "a.yaml:2:3: x"]


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("paymants", ["orders", "payments"], "did you mean “payments”?"),
        ("PAYMENTS", ["orders", "payments"], "did you mean “payments”?"),
        ("readonly", ["ReadOnly", "Admin"], "did you mean “ReadOnly”?"),
        ("zzz", ["orders", "payments"], "known: orders, payments"),
        ("zzz", [], "none is defined"),
        ("", ["b", "a"], "known: a, b"),
        ("zzz", [f"a{n:02}" for n in range(13)], "known: " + ", ".join(f"a{n:02}" for n in range(12)) + ", …"),
    ],
)
def test_the_nearest_known_word_is_suggested_or_else_what_is_known(word: str, known: list[str], said: str) -> None:
    assert nearest(word, known) == said


@given(st.sets(st.text(min_size=1), min_size=1))
def test_a_known_word_is_nearest_to_itself_but_for_its_case(known: set[str]) -> None:
    word = min(known)
    assert nearest(word, known).casefold() == f"did you mean “{word}”?".casefold()


def test_a_quotation_is_cut_so_that_the_sentence_stays_readable() -> None:
    assert quoted("short") == "“short”"
    assert quoted("x" * 60) == f"“{'x' * 60}”"
    assert quoted("x" * 61) == f"“{'x' * 60}…”"
