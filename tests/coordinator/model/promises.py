"""What must hold after every step, whatever happened before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from hypothesis.stateful import RuleBasedStateMachine, invariant

from coordinator.journal.rows import to_fact
from coordinator.journal.tables import effects, facts
from coordinator.lifecycle import ANNOUNCE, NUDGED
from coordinator.reminding import PAUSE
from coordinator.requests import STANDING, WAITED_FOR, Request, State
from coordinator.slack.announcements import SPARE
from coordinator.slack.decision_buttons import APPROVE, APPROVE_WITH_FORM, DENY
from coordinator.states import FOLLOWS
from sallyport.audit import Deed, Fact, breaks
from tests.coordinator.fakes import KeptSink
from tests.coordinator.model.company import Company, Replica
from tests.coordinator.model.life import BREAK_GLASS, POLICY, Life
from tests.coordinator.model.outside import Jobs, MemorySlack, Message

ONCE = frozenset({"ticket", "timeout", "commit", "dispatch", "watch", "reminder", "review", "confirm"})
ENDED_BY = {State.DENIED: Deed.DENIED, State.TIMED_OUT: Deed.TIMED_OUT, State.CANCELLED: Deed.CANCELLED}
WERE_APPROVED = STANDING | {State.ENDED, State.FAILED}
HAVE_BEGUN = WERE_APPROVED - {State.ANNOUNCED}


@dataclass(frozen=True)
class Seen:
    """All that the journal has of one request at one moment."""

    request: Request
    trail: list[tuple[Fact, str]] = field(default_factory=list)
    effects: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> list[Fact]:
        return [fact for fact, _ in self.trail]

    @property
    def deeds(self) -> list[Deed]:
        return [fact.deed for fact in self.facts]

    @property
    def waiting(self) -> set[str]:
        return {name for name, row in self.effects.items() if row.done < row.wanted}

    def armed(self, name: str) -> int:
        """How often the effect was armed so far."""
        return self.effects[name].wanted if name in self.effects else 0


class Promises(RuleBasedStateMachine):
    """The rules that never break, as far as the coordinator is to keep them."""

    company: Company
    replicas: tuple[Replica, Replica]
    jobs: Jobs
    slack: MemorySlack
    sink: KeptSink
    lives: dict[str, Life]
    seen: dict[str, Seen]  # after the step before

    @invariant()
    def every_promise_holds(self) -> None:
        if not hasattr(self, "lives"):
            return
        now = {one.request.id: one for one in self._look()}
        assert now.keys() == self.lives.keys(), "a request is one that somebody asked for"
        for request_id, seen in now.items():
            life, before = self.lives[request_id], self.seen.get(request_id)
            _decisions_are_those_that_count(seen.request, life)
            _the_end_is_on_record(seen.request, life)
            _nothing_is_done_before_it_is_confirmed(seen, life)
            _nothing_begins_before_people_are_warned(seen, life, self.company.now)
            _trail_is_whole(seen, life)
            _nudges_keep_their_distance(seen)
            _what_must_happen_is_armed(seen, self.jobs.in_vain[request_id])
            _what_waits_for_aws_has_its_end(seen)
            _what_happened_is_told(seen, before, self.sink)
            _nobody_can_press_what_is_decided(seen, self.slack)
            _whoever_is_warned_can_keep_it_from_beginning(seen, life, self.slack)
            if before is not None:
                _states_follow_each_other(before.request.state, seen.request.state)
            if life.extends:
                assert now[life.extends].request.expires_at == life.first_ends, "what is extended ends as before"
        self._access_is_what_was_approved(now)
        self.seen = now

    def _look(self) -> Iterator[Seen]:
        """Read everything at the replica that did not read it last."""
        journal = self.replicas[1].journal
        found = {request.id: Seen(request) for request in journal.requests(journal.ids())}
        with journal.reading() as connection:
            for row in connection.execute(sa.select(effects)):
                found[row.request_id].effects[row.name] = row
            for row in connection.execute(sa.select(facts).order_by(facts.c.number)):
                found[row.request_id].trail.append((to_fact(row), row.digest))
        yield from found.values()

    def _access_is_what_was_approved(self, now: dict[str, Seen]) -> None:
        github = self.company.github
        applied = [path for headline, _, files in github.commits if headline.startswith("Apply") for path in files]
        started = [run.inputs["request_id"] for run in github.runs if run.workflow == "apply.yml"]
        for made in (applied, self.jobs.applied):
            assert len(made) == len(set(made)), "one commit and one grant for each request"
        shown = [pull.title for pull in github.pulls.values()]
        assert len(shown) == len(set(shown)), "one pull request for each, however often it is brought up to date"
        for request_id, jobs in Counter(started).items():
            assert jobs <= 1 + self.jobs.in_vain[request_id], "one job, and one more for each that got no answer"
        standing = self.jobs.entries()
        for request_id, entry in self.jobs.access.items():
            request = now[request_id].request
            assert (entry.changes, entry.expires_at) == (request.changes, request.expires_at)
            assert request.state is not State.ENDED, "what has ended is taken back"
            assert request_id in standing, "whatever is live is in the repository, where the sweep finds it"
        for request_id, entry in standing.items():
            assert _end(entry.expires_at) <= _end(now[request_id].request.expires_at)
        for request_id, seen in now.items():
            if seen.request.state is State.ACTIVE and self.company.now < _end(seen.request.expires_at):
                assert request_id in self.jobs.access, "what is told to be live is live, also if it is extended"


def _end(moment: datetime | None) -> datetime:
    """Return when it ends, in an order with others: what is for ever ends last."""
    return moment or datetime.max.replace(tzinfo=UTC)


def _states_follow_each_other(before: State, after: State) -> None:
    """Tell whether *after* may be reached from *before*, however many moves later."""
    reached, further = {before}, set(FOLLOWS.get(before, frozenset()))
    while further:
        reached |= further
        further = {state for one in further for state in FOLLOWS.get(one, frozenset())} - reached
    assert after in reached, f"{after} follows {before}"


def _decisions_are_those_that_count(request: Request, life: Life) -> None:
    by = {decision.by.partition("@")[0]: decision.answer == "approve" for decision in request.decisions}
    assert by == life.decided
    assert len(by) == len(request.decisions), "one decision for each person"
    assert life.requester not in by, "nobody decides their own request"
    is_approved = life.approved_at is not None and not life.is_withdrawn
    assert (request.state in WERE_APPROVED) == is_approved, "enough people say yes to it"
    assert (request.state is State.CANCELLED) == life.is_withdrawn
    assert (request.state is State.DENIED) == life.is_denied


def _nothing_is_done_before_it_is_confirmed(seen: Seen, life: Life) -> None:
    waits = life.confirm_by is not None and life.heard is None
    assert not waits or seen.request.state in {State.CONFIRMING, State.TIMED_OUT, State.CANCELLED}
    assert waits or seen.request.state is not State.CONFIRMING, "it waits for GitHub where policy says so, once"
    if seen.request.state is State.CONFIRMING:
        assert seen.request.decide_by == life.confirm_by, "GitHub has as long as Slack had"
        assert seen.armed("timeout") == 2, "and no longer"
    said_yes = [life.heard.who] if life.heard and life.approved_at else []
    assert [fact.by.partition("@")[0] for fact in seen.facts if fact.deed is Deed.CONFIRMED] == said_yes


def _nothing_begins_before_people_are_warned(seen: Seen, life: Life, now: datetime) -> None:
    state, begun = seen.request.state, [fact.at for fact in seen.facts if fact.deed is Deed.BEGUN]
    assert seen.request.begins_at == life.begins_at
    if life.begins_at is None:
        assert begun == []
        assert state is not State.ANNOUNCED
    elif _has_begun(seen):
        assert begun == [life.begins_at], "it begins when it was announced to, once"
        assert life.begins_at <= now, "and not before"
    else:
        assert begun == [], "what was kept from beginning does not begin"
        assert state is not State.ANNOUNCED or "begin" in seen.waiting, "what is announced begins by itself"


def _the_end_is_on_record(request: Request, life: Life) -> None:
    assert request.expires_at == life.expires_at, "the approval sets the end, and nothing else moves it"
    if life.approved_by:
        assert request.granted == life.granted


def _trail_is_whole(seen: Seen, life: Life) -> None:
    assert breaks(seen.trail) == []
    deeds = seen.deeds
    assert (deeds[0], deeds.count(Deed.ASKED)) == (Deed.ASKED, 1)
    said_yes = [fact.by.partition("@")[0] for fact in seen.facts if fact.deed is Deed.APPROVED]
    approved_by = [POLICY] if life.grant == POLICY else life.approved_by
    assert said_yes == approved_by, "a fact for each yes, in order"
    assert deeds.count(Deed.BREAK_GLASS) == (life.grant == BREAK_GLASS)
    for state, deed in ENDED_BY.items():
        assert deeds.count(deed) == (seen.request.state is state)
        assert not {Deed.APPROVED, *ENDED_BY.values(), Deed.COMMITTED} & set(deeds[_after(deeds, deed) :])
    for deed in (Deed.COMMITTED, Deed.DISPATCHED, Deed.UNANSWERED, Deed.RETURNED):
        assert deeds.count(deed) <= 1
    if seen.request.state is State.ACTIVE:
        assert deeds.count(Deed.APPLIED) == 1


def _after(deeds: list[Deed], deed: Deed) -> int:
    return deeds.index(deed) + 1 if deed in deeds else len(deeds)


def _nudges_keep_their_distance(seen: Seen) -> None:
    nudged = [fact for fact in seen.facts if fact.deed is Deed.NUDGED]
    assert sum(fact.by == "coordinator" for fact in nudged) <= 2, "two by themselves at most"
    assert all(later.at - earlier.at >= PAUSE for earlier, later in pairwise(nudged))


def _has_begun(seen: Seen) -> bool:
    """Tell whether it is applied or was to be: what waits for AWS can be cancelled after that."""
    waited = seen.request.state is State.CANCELLED and Deed.UNANSWERED in seen.deeds
    return seen.request.state in HAVE_BEGUN or waited


def _what_waits_for_aws_has_its_end(seen: Seen) -> None:
    if seen.request.unanswered:
        assert {"aws", "dispatch", "watch"} & seen.waiting, "what waits for AWS is tried again"
        assert "give-up" in seen.waiting, "and not for ever"
    is_over = seen.request.state in {State.FAILED, State.CANCELLED}
    if is_over and Deed.COMMITTED in seen.deeds and Deed.REVERTED not in seen.deeds:
        assert {"withdraw", "expire", "watch-expiry", "aws-end"} & seen.waiting, "it is seen gone"


def _what_must_happen_is_armed(seen: Seen, in_vain: int) -> None:
    most = dict.fromkeys(ONCE, 1) | {"timeout": 2 if seen.request.was_half_approved else 1}
    most |= dict.fromkeys(("dispatch", "watch"), 1 + in_vain)
    assert {name for name in ONCE if seen.armed(name) > most[name]} == set(), "it happens once"
    said = (name for name in seen.effects if name.startswith((f"{NUDGED}:", "comment:", "reply:")))
    assert all(seen.armed(name) == 1 for name in said), "it is said once"
    state, is_permanent = seen.request.state, seen.request.expires_at is None
    assert bool(seen.armed("commit")) == _has_begun(seen), "what is approved is applied once it begins"
    if state in WAITED_FOR:
        assert "timeout" in seen.waiting, "nothing waits for ever"
    if state in STANDING & HAVE_BEGUN and (not is_permanent or state is State.ENDING):
        assert {"watch-expiry", "aws-end"} & seen.waiting, "whatever may be live has its end armed"
    if is_permanent and state in STANDING - {State.ENDING}:
        assert not seen.armed("expire"), "what is for ever has none, unless somebody ends it"


def _what_happened_is_told(seen: Seen, before: Seen | None, sink: KeptSink) -> None:
    comments = {name for name in seen.effects if name.startswith("comment:")}
    assert comments == {f"comment:{fact.number}" for fact in seen.facts[1:]}, "the ticket has every fact"
    if "audit" not in seen.waiting:
        exported = [key for key in sink.records if seen.request.id in key]
        assert len(exported) == len(seen.trail), "the audit trail has every fact"
    surfaces = ["thread", "move", *(f"card:{place}" for place in seen.request.notify)]
    assert all(seen.armed(name) for name in surfaces), "whoever was asked has a card"
    if before is not None and before.request.state is not seen.request.state:
        surfaces += [name for name in before.effects if name.startswith(("tell:", ANNOUNCE))]
        assert all(seen.armed(name) > before.armed(name) for name in surfaces), "every copy follows"


def _nobody_can_press_what_is_decided(seen: Seen, slack: MemorySlack) -> None:
    """Look at the copies that are up to date: at those whose turn it is not, too."""
    for place in seen.request.notify:
        name = f"card:{place}"
        message = slack.messages.get(f"{seen.request.id}:{name}")
        if message is not None and name not in seen.waiting:
            asked = seen.request.state is State.PENDING and place in seen.request.deciders
            assert _has_buttons(message, APPROVE, APPROVE_WITH_FORM, DENY) == asked


def _whoever_is_warned_can_keep_it_from_beginning(seen: Seen, life: Life, slack: MemorySlack) -> None:
    """Look at the announcements that are up to date: each has its button until it is too late."""
    announced = [name for name in seen.effects if name.startswith(ANNOUNCE)]
    assert bool(announced) == (life.begins_at is not None), "those who work there are warned"
    for name in announced:
        message = slack.messages.get(f"{seen.request.id}:{name}")
        if message is not None and name not in seen.waiting:
            helps = seen.request.state in {State.ANNOUNCED, State.ACTIVE}
            assert _has_buttons(message, SPARE) == helps


def _has_buttons(message: Message, *actions: str) -> bool:
    elements = [element for block in message.blocks for element in block.get("elements", ())]
    return any(element.get("action_id", "").startswith(actions) for element in elements)
