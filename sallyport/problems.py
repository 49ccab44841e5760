"""What is wrong with something a person wrote, where it stands, and how to mend it.

Problems are collected, not raised one by one: a reader gets all of them in one pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

MOST_CHOICES = 12  # of the known words, where none is near


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file; line and column count from 1. Line 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: *what* is wrong and how to *mend* it, at a *place* in a file or at a form's *field*."""

    what: str
    mend: str = ""
    place: Place | None = None
    field: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else f"{self.field}: " if self.field else ""
        return where + self.sentence

    @property
    def sentence(self) -> str:
        """The fault and its remedy, without the place."""
        return f"{self.what}; {self.mend}" if self.mend else self.what


class Problems(Exception):
    """Everything that is wrong with one document or form, in the order of its lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(
            sorted(problems, key=lambda p: (p.place.file, p.place.line, p.place.column) if p.place else ("", 0, 0))
        )
        super().__init__("\n".join(map(str, self.problems)))


def quoted(text: str, longest: int = 60) -> str:
    """Quote what a person wrote, cut to a length that leaves the sentence around it readable."""
    return f"“{text}”" if len(text) <= longest else f"“{text[:longest]}…”"


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which of the *known* words *word* may have meant, for the end of a sentence."""
    choices = sorted(known)
    by_fold = {choice.casefold(): choice for choice in choices}
    close = get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6)
    if close:
        return f"did you mean “{by_fold[close[0]]}”?"
    more = ", …" if len(choices) > MOST_CHOICES else ""
    return "known: " + ", ".join(choices[:MOST_CHOICES]) + more if choices else "none is defined"
