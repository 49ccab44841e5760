"""Commits what must be known to undo the plans of one job: before the first write at a target, and once.

Targets that bring records at the same time share one commit, so that they do not race each other for the head of
main. An entry with several targets has one record, to which each adds its part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Protocol

from actions.befores import before_path, write_before
from actions.books import Books
from actions.executors.protocol import Before
from actions.ledger import Ledger


class Committer(Protocol):
    """What a job needs of the GitHub client to commit."""

    def commit(
        self,
        message_headline: str,
        message_body: str,
        additions: dict[str, bytes],
        deletions: Sequence[str],
        expected_head: str,
    ) -> str: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """The records of one target's plan, with what the plan was made from."""

    flow: str
    befores: Sequence[Before]
    earlier: Mapping[str, Before]  # by entry id: the records that the plan knew
    ledger: Ledger
    answer: Future[bool] = field(default_factory=Future)


class Registrar:
    """The one writer of records in a job; whoever holds the lock of the books commits for all who wait."""

    def __init__(self, books: Books, github: Committer) -> None:
        self._books = books
        self._github = github
        self._waiting: deque[Wish] = deque()
        self._kept: dict[str, Before] = {}  # by entry id, as this job committed them last
        self._newest = ""  # the last commit of this job's own
        self._below: dict[str, str] = {}  # by commit of this job's own: the last one of anybody else's

    def kept(self, entry_ids: Iterable[str]) -> Mapping[str, Before]:
        """Return the records that this job has committed, which git may not show yet."""
        return {one: self._kept[one] for one in entry_ids if one in self._kept}

    def keep(self, wish: Wish) -> bool:
        """Commit the records; False if main has moved since the plan was made, by more than such records.

        PlatformError where GitHub did not take them.
        """
        self._waiting.append(wish)
        with self._books.lock:
            if not wish.answer.done():
                self._serve([self._waiting.popleft() for _ in range(len(self._waiting))])
        return wish.answer.result()

    def _serve(self, wishes: Sequence[Wish]) -> None:
        head = self._head()
        for wish in wishes:
            if self._others(wish.ledger.snapshot.commit) != self._others(head):
                wish.answer.set_result(False)
        fresh = [wish for wish in wishes if not wish.answer.done()]
        try:
            self._commit(fresh, head)
        except BaseException as fault:  # nobody may be left waiting
            for wish in fresh:
                wish.answer.set_exception(fault)
        else:
            for wish in fresh:
                wish.answer.set_result(True)

    def _commit(self, wishes: Sequence[Wish], head: str) -> None:
        records, flows = dict[str, Before](), dict[str, str]()
        for wish in wishes:
            for before in wish.befores:
                one = before.entry_id
                newest = records.get(one) or self._kept.get(one)
                records[one] = _joined(newest, before, wish.earlier.get(one))
                flows[one] = wish.flow
        files = {before_path(flows[one], one): write_before(record) for one, record in records.items()}
        there = {path: self._content(flows[one], one) for path, one in zip(files, records, strict=True)}
        additions = {path: data for path, data in files.items() if there[path] != data}
        if additions:
            ids = list(records)
            headline = f"Record what was there before {and_more(ids)}"
            made = self._github.commit(headline, trailers(ids), additions, (), head)
            self._newest, self._below[made] = made, self._others(head)
            self._kept |= records

    def _content(self, flow: str, entry_id: str) -> bytes | None:
        """Return the record's file as it stands on main."""
        if entry_id in self._kept:
            return write_before(self._kept[entry_id])
        return self._books.ledger.content(before_path(flow, entry_id))

    def _head(self) -> str:
        """Return the newest commit that this job knows: its own, where git does not show that one yet."""
        shown = self._books.ledger.snapshot.commit
        return self._newest if self._newest and self._others(self._newest) == self._others(shown) else shown

    def _others(self, commit: str) -> str:
        return self._below.get(commit, commit)


def _joined(newest: Before | None, before: Before, earlier: Before | None) -> Before:
    """Return *before* with what other targets have added to the *newest* record since the plan knew *earlier*."""
    if newest is None:
        return before
    known = earlier.facts if earlier else {}
    theirs = {name: fact for name, fact in newest.facts.items() if name not in known or name in before.facts}
    ours = {name: fact for name, fact in before.facts.items() if name not in known or known[name] != fact}
    return replace(before, facts={**theirs, **ours})


def and_more(ids: Sequence[str]) -> str:
    """Name the first of *ids* and how many there are besides."""
    return ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} more"


def trailers(ids: Sequence[str]) -> str:
    """Return the lines by which a commit is found for each of its requests."""
    return "\n".join(f"Request-Id: {entry_id}" for entry_id in ids)
