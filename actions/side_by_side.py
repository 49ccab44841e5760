"""The one place that walks over the targets of a job, as many at a time as their kind of executor declares.

What comes back, and the lines that say what begins, keep the order of the targets, whatever ends first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Lock
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from actions.books import Books
from actions.job import Job
from actions.records import BookRecord
from actions.registrar import Registrar
from actions.verification import Site

Item = TypeVar("Item")
Result = TypeVar("Result")
Log = Callable[[Site, str], FilteringBoundLogger]  # of a site, and how far the job is, such as “3 of 200”


def over_targets(
    job: Job,
    books: Books,
    sites: Mapping[Site, Collection[str]],
    log: Log,
    work: Callable[[Site, BookRecord], Result],
) -> Iterator[tuple[Site, str, Result]]:
    """Yield each of the *sites* with how far the job is then and what *work* makes of it; *work* must not raise.

    *sites* tells of each which ids are to end there although their files are gone. One flow comes after the other,
    since a published limit is for one kind of target.
    """
    registrar = Registrar(books, job.writer)

    def begin(site: Site) -> None:
        log(site, places[site]).info("settling")  # what takes minutes at AWS is seen to be at work

    def settled(site: Site) -> Result:
        return work(site, BookRecord(books, registrar, job.make_executor, job.pause, also=sites[site]))

    by_flow: dict[str, list[Site]] = {}
    for site in sites:
        by_flow.setdefault(site.flow, []).append(site)
    ordered = [site for those in by_flow.values() for site in those]
    places = {site: f"{number} of {len(ordered)}" for number, site in enumerate(ordered, 1)}
    for flow, those in by_flow.items():
        width = job.make_executor(flow, books.ledger.policies).width
        done = side_by_side(those, width, begin, settled)
        yield from ((site, places[site], result) for site, result in zip(those, done, strict=True))


def side_by_side(
    items: Sequence[Item], width: int, begin: Callable[[Item], None], work: Callable[[Item], Result]
) -> Iterator[Result]:
    """Yield what *work* returns for each of the *items*, of which at most *width* are worked on at once.

    If the job is interrupted, what has begun comes to its end, and nothing else begins.
    """
    if width == 1:
        for item in items:
            begin(item)
            yield work(item)
        return
    waiting, order = enumerate(items), Lock()

    def take_one() -> tuple[int, Result]:
        with order:
            place, item = next(waiting)
            begin(item)
        return place, work(item)

    pool = ThreadPoolExecutor(width)
    try:
        results: dict[int, Result] = {}
        told = 0
        for future in as_completed([pool.submit(take_one) for _ in items]):
            place, result = future.result()
            results[place] = result
            while told in results:
                yield results.pop(told)
                told += 1
    finally:
        pool.shutdown(cancel_futures=True)
