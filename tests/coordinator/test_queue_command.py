"""`coordinator queue`: what waits and why; an operator's hand on one effect is a fact of the request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from coordinator.__main__ import main
from coordinator.audit.trail import Trail
from coordinator.journal import Journal, Unheard
from coordinator.lifecycle import Lane
from coordinator.pace import ALLOWANCES, Pace
from coordinator.queueing import NEVER_PARKED, NotInQueue, Queue
from coordinator.requests import Request, State
from sallyport.audit import Deed
from tests.coordinator.asks import HOUR, NOW, approve, ask, claim, happened, names
from tests.coordinator.conftest import Store

OPS = "ops@example.com"


@pytest.fixture
def request_(journal: Journal) -> Request:
    return journal.submit(ask())


@pytest.fixture
def queue(journal: Journal) -> Queue:
    return Queue(journal, lambda: NOW)


def why(queue: Queue, name: str) -> str:
    return next(one.why for one in queue.waiting() if one.name.endswith(f":{name}"))


class TestWhatWaits:
    def test_each_says_why(self, journal: Journal, queue: Queue, request_: Request) -> None:
        journal.retry(claim(journal, Lane.JIRA, "ticket"), NOW + HOUR, "JIRA is away", uncertain=False)
        claim(journal, Lane.AUDIT, "audit")
        assert why(queue, "ticket") == "due then; 1 attempts: JIRA is away"
        assert why(queue, "move") == "waits for ticket"
        assert why(queue, "thread") == "due"
        assert why(queue, "audit") == "being done"
        assert why(queue, "timeout") == "due then"

    def test_what_waits_for_a_platform_names_it_and_since_when(
        self, journal: Journal, queue: Queue, request_: Request
    ) -> None:
        first = claim(journal, Lane.JIRA, "ticket")
        journal.unheard(Lane.JIRA, Unheard(NOW, 1.0))
        silent = "waits for JIRA, which has not answered since 2026-11-21T09:00:00Z"
        assert why(queue, "move") == "waits for ticket"
        assert why(queue, "thread") == "due"
        journal.retry(first, NOW, "no connection", uncertain=False)
        assert why(queue, "ticket") == f"{silent}; 1 attempts: no connection"
        journal.answered(Lane.JIRA, NOW)
        assert why(queue, "ticket").startswith("waits for its turn: JIRA answers again")

    def test_what_waits_for_its_pace_says_so_and_until_when(
        self, journal: Journal, queue: Queue, request_: Request
    ) -> None:
        approve(journal, request_.id)
        assert why(queue, "commit") == "due"
        for _ in range(ALLOWANCES[Lane.COMMIT].minute):
            Pace(journal).note(Lane.COMMIT, NOW - HOUR / 120)
        assert why(queue, "commit") == "waits for the pace that GitHub allows, until 2026-11-21T09:00:30Z"
        assert why(queue, "thread") == "due"

    def test_what_will_do_nothing_is_left_out(self, journal: Journal, queue: Queue) -> None:
        """Of what was decided nobody waits for the end of the time, and nobody is reminded."""
        request = journal.submit(ask(nudges=(NOW + HOUR, NOW + 2 * HOUR)))
        undecided = {f"{request.id}:{name}" for name in ("timeout", "nudge:1", "nudge:2")}
        assert undecided <= {one.name for one in queue.waiting()}
        approve(journal, request.id)
        waiting = {one.name for one in queue.waiting()}
        assert not undecided & waiting
        assert f"{request.id}:reminder" in waiting
        journal.move(request.id, lambda _: happened(Deed.FAILED, State.FAILED))
        assert f"{request.id}:reminder" not in {one.name for one in queue.waiting()}
        with pytest.raises(NotInQueue, match="does not wait for anything"):
            queue.retry(f"{request.id}:timeout", OPS, "it is long over")

    def test_what_is_done_does_not_wait(self, queue: Queue) -> None:
        assert list(queue.waiting()) == []


class TestRetrying:
    def test_it_is_due_at_once_and_a_fact(self, journal: Journal, queue: Queue, request_: Request) -> None:
        journal.retry(claim(journal, Lane.JIRA, "ticket"), NOW + HOUR, "JIRA is away", uncertain=True)
        assert names(journal.claim(Lane.JIRA, NOW, 9)) == []
        queue.retry(f"{request_.id}:ticket", OPS, "JIRA is back")
        again = claim(journal, Lane.JIRA, "ticket")
        assert (again.attempts, again.uncertain) == (0, True)
        fact = journal.facts(request_.id)[-1][0]
        assert (fact.deed, fact.by, fact.details["effect"]) == (Deed.RETRIED, OPS, "ticket")
        assert fact.details["reason"] == "JIRA is back"

    def test_what_is_being_done_is_left_to_who_does_it(
        self, journal: Journal, queue: Queue, request_: Request
    ) -> None:
        claim(journal, Lane.JIRA, "ticket")
        with pytest.raises(NotInQueue, match="is being done right now"):
            queue.retry(f"{request_.id}:ticket", OPS, "hurry")
        assert len(journal.facts(request_.id)) == 1

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("aw-222222:ticket", "There is no request “aw-222222”"),
            ("ticket", "There is no request “ticket”; write <request>:<effect>"),
            ("ID:tickets", "did you mean “ID:ticket”"),
            ("ID", "does not wait for anything"),
        ],
    )
    def test_what_is_not_there_is_said_with_what_is(
        self, queue: Queue, request_: Request, name: str, said: str
    ) -> None:
        with pytest.raises(NotInQueue) as raised:
            queue.retry(name.replace("ID", request_.id), OPS, "why not")
        assert said.replace("ID", request_.id) in str(raised.value)


class TestParking:
    def test_it_is_left_alone_until_it_is_retried(self, journal: Journal, queue: Queue, request_: Request) -> None:
        queue.park(f"{request_.id}:ticket", OPS, "the project is being moved")
        assert why(queue, "ticket") == "parked by an operator"
        assert why(queue, "move") == "waits for ticket"
        assert journal.claim(Lane.JIRA, NOW + 9 * HOUR, 9) == []
        queue.retry(f"{request_.id}:ticket", OPS, "it has moved")
        assert names(journal.claim(Lane.JIRA, NOW, 9)) == ["ticket"]
        assert [fact.deed for fact, _ in journal.facts(request_.id)] == [Deed.ASKED, Deed.PARKED, Deed.RETRIED]

    def test_what_takes_back_closes_or_records_cannot_be_parked(
        self, journal: Journal, queue: Queue, request_: Request
    ) -> None:
        tried = set()
        for is_decided in (False, True):
            if is_decided:
                approve(journal, request_.id)
            for one in [one for one in queue.waiting() if one.kind in NEVER_PARKED]:
                tried.add(one.kind)
                with pytest.raises(NotInQueue, match="cannot be parked"):
                    queue.park(one.name, OPS, "it is noisy")
        assert tried == NEVER_PARKED - {"withdraw", "begin", "give-up", "aws-end"}  # which nothing has led to here
        assert not [row for row in journal.waiting() if row.parked]


class TestTheCommand:
    @pytest.fixture
    def run(self, sqlite: Store) -> Callable[..., Result]:
        return lambda *words: CliRunner().invoke(main, ["queue", *words], env={"DATABASE_URL": sqlite.url})

    def test_it_lists_retries_and_parks(self, run: Callable[..., Result], sqlite: Store) -> None:
        journal = sqlite.journal()
        request = journal.submit(ask())
        journal.retry(claim(journal, Lane.JIRA, "ticket"), NOW + HOUR, "JIRA \x1b[31mis away", uncertain=False)
        (line,) = [line for line in run().stdout.splitlines() if f"{request.id}:ticket" in line]
        assert line.startswith("2026-11-21T10:00:00Z  ")
        assert line.endswith("; 1 attempts: JIRA  [31mis away")
        who = ("--as", OPS, "--reason", "moved")
        assert "is parked" in run("park", f"{request.id}:ticket", *who).stdout
        assert any("parked by an operator" in line for line in run().stdout.splitlines())
        assert "is due now" in run("retry", f"{request.id}:ticket", *who).stdout

    def test_an_anchor_that_the_sink_has_not_taken_waits_too(
        self, run: Callable[..., Result], sqlite: Store
    ) -> None:
        journal = sqlite.journal()
        journal.submit(ask())
        Trail(journal).anchor(NOW + timedelta(days=1))
        assert "2026-11-22T09:00:00Z  anchor:2026-11-22  waits for the audit sink" in run().stdout

    def test_nobody_does_it_without_a_name_and_a_reason(self, run: Callable[..., Result]) -> None:
        for word in ("retry", "park"):
            done = run(word, "aw-222222:ticket")
            assert done.exit_code == 2
            assert "--as" in done.stderr

    def test_a_refusal_is_a_sentence_and_a_failure(self, run: Callable[..., Result]) -> None:
        done = run("park", "aw-222222:ticket", "--as", OPS, "--reason", "x")
        assert (done.exit_code, "Traceback" in done.output) == (1, False)
        assert "There is no request" in done.stderr
