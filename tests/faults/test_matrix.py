"""Whatever befalls a call on the way through both flows, everything ends as if it had not happened.

A failing cell says how to repeat it. A run of all tests takes a sample (see `conftest`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.bench import Bench, does_cell, does_looks, does_storm, open_bench
from tests.faults.journeys import JOURNEYS
from tests.faults.matrix import MAIN, Cell, cells, mishaps_of, recorded, run, unheard
from tests.faults.premises import PLATFORMS, Premises
from tests.faults.storms import Storm
from tests.faults.wire import Mishap

STORMS = [
    Storm(name, seed)
    for name, journey in JOURNEYS.items()
    if not journey.jobs_are_real  # a job gives up after a while, and says so
    for seed in (range(4) if name in MAIN else range(1))
]
WORK = {"cell": (does_cell, cells), "write": (does_looks, unheard), "storm": (does_storm, lambda: STORMS)}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every piece of work that the recording names."""
    for name, (_, pieces) in WORK.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, list(pieces()), ids=str)


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Begin with all the work of the tests that were chosen, unless other processes take a part of them."""
    with open_bench() as bench:
        for item in () if hasattr(request.config, "workerinput") else request.session.items:
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            for name, (do, _) in WORK.items():
                if item.path == request.path and name in parameters:
                    bench.begin(do, parameters[name])
        yield bench


def test_a_mishap_changes_nothing_in_the_end(bench: Bench, cell: Cell) -> None:
    bench.result(does_cell, cell)


def test_neither_does_a_second_one_while_the_first_is_cleared_up(bench: Bench, write: Cell) -> None:
    """The write was done and nobody heard of it; then each of the calls that follow from that fails as well."""
    bench.result(does_looks, write)


def test_a_storm_ends_as_fair_weather_does(bench: Bench, storm: Storm) -> None:
    """Every fifth call fails, in any way, over and over."""
    bench.result(does_storm, storm)


class TestTheRecording:
    @pytest.mark.parametrize("name", JOURNEYS)
    def test_a_journey_makes_the_same_calls_each_time_and_the_stand_ins_have_seen_them(
        self, premises: Premises, name: str
    ) -> None:
        ended = run(premises, JOURNEYS[name])
        assert tuple(ended.calls) == recorded()[name]
        assert ended.deaths == []
        heard = [call for call in ended.calls if call.platform in PLATFORMS]
        assert sorted(ended.logged) == sorted((call.platform, call.route) for call in heard)

    def test_every_kind_of_call_meets_every_mishap_that_matters_to_it(self) -> None:
        met: dict[tuple[str, str, str], set[Mishap]] = {}
        for cell in cells():
            met.setdefault(cell.call.kind, set()).add(cell.mishap)
        assert set(met) == {call.kind for calls in recorded().values() for call in calls}
        assert all(met[cell.call.kind] >= set(mishaps_of(cell.call)) for cell in cells())

    def test_no_two_cells_have_the_same_name(self) -> None:
        names = [str(cell) for cell in cells()]
        assert len(set(names)) == len(names)
