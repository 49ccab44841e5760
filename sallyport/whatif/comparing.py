"""What reach changes between two versions of policies: equal changes are told once, for all where they happen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta

from sallyport.flows import Flow
from sallyport.policies import Policies
from sallyport.whatif.meanings import Meaning, changed_meanings
from sallyport.whatif.reach import Questions, Reach, Seat, Situation, Survey, Terms
from sallyport.whatif.sleeping import changed_sleep

Value = timedelta | int | str  # a bool too
# Fields with the answers it covers; all of them, where a field is not named.
Scope = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class TermShift:
    """One term of `Terms` that changed."""

    term: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Shift:
    """What changes in a situation."""

    opens: Terms | None = None  # nobody could ask before: these are the terms now
    closes: bool = False  # nobody can ask any more
    may_ask: frozenset[str] = frozenset()
    may_ask_no_longer: frozenset[str] = frozenset()
    may_approve: frozenset[Seat] = frozenset()
    may_approve_no_longer: frozenset[Seat] = frozenset()
    may_break_glass: frozenset[str] = frozenset()
    may_break_glass_no_longer: frozenset[str] = frozenset()
    terms: tuple[TermShift, ...] = ()


@dataclass(frozen=True, slots=True)
class FlowShifts:
    """All that changes for one flow, with the places where each change happens."""

    flow: str
    shifts: tuple[tuple[tuple[Scope, ...], Shift], ...]
    unsure: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of two versions of policies; false if nothing reaches further or less far."""

    old: Policies
    new: Policies
    flows: tuple[FlowShifts, ...]
    meanings: tuple[Meaning, ...]
    sleep: tuple[Meaning, ...]  # of environments, by schedules

    def __bool__(self) -> bool:
        return bool(self.meanings or self.sleep) or any(flow.shifts for flow in self.flows)


def compare(old: Policies, new: Policies) -> Comparison:
    """Compare two versions: what each flow lets whom do, what sleeps by itself, and what names stand for."""
    flows = (_flow_shifts(old, new, flow) for flow in sorted({*old.flows, *new.flows}))
    found = tuple(shifts for shifts in flows if shifts.shifts or shifts.unsure)
    return Comparison(old, new, found, tuple(changed_meanings(old, new)), tuple(changed_sleep(old, new)))


def _flow_shifts(old: Policies, new: Policies, flow: str) -> FlowShifts:
    sides = [(policies, policies.flows.get(flow)) for policies in (new, old)]
    questions = Questions.of(version for _, version in sides if version)
    (after, doubts), (before, earlier_doubts) = (_survey(*side, questions) for side in sides)
    where: dict[Shift, set[Situation]] = {}
    for situation in {*before, *after}:
        shift = shift_of(before.get(situation), after.get(situation))
        if shift != Shift():
            where.setdefault(shift, set()).add(situation)
    whole = frozenset({*before, *after})
    shifts = [(tuple(cover(questions.names, frozenset(some), whole)), shift) for shift, some in where.items()]
    return FlowShifts(
        flow, tuple(sorted(shifts, key=lambda pair: pair[0])), tuple(sorted(doubts | earlier_doubts))
    )


def _survey(
    policies: Policies, flow: Flow | None, questions: Questions
) -> tuple[Mapping[Situation, Reach], set[str]]:
    if flow is None:
        return {}, set()
    survey = Survey(policies, flow, questions)
    return survey.reach(), survey.unsure


def shift_of(before: Reach | None, after: Reach | None) -> Shift:
    """Return the difference; None stands for a situation in which nobody may ask."""
    if after is None:
        return Shift(closes=True, may_ask_no_longer=before.askers) if before else Shift()
    if before is None:
        return Shift(
            opens=after.terms,
            may_ask=after.askers,
            may_approve=after.approvers,
            may_break_glass=after.breakers,
        )
    return Shift(
        may_ask=after.askers - before.askers,
        may_ask_no_longer=before.askers - after.askers,
        may_approve=after.approvers - before.approvers,
        may_approve_no_longer=before.approvers - after.approvers,
        may_break_glass=after.breakers - before.breakers,
        may_break_glass_no_longer=before.breakers - after.breakers,
        terms=tuple(_term_shifts(before.terms, after.terms)),
    )


def _term_shifts(before: Terms, after: Terms) -> Iterator[TermShift]:
    for term in fields(Terms):
        one, other = getattr(before, term.name), getattr(after, term.name)
        if one != other:
            yield TermShift(term.name, one, other)


def cover(names: tuple[str, ...], some: frozenset[Situation], whole: frozenset[Situation]) -> Iterator[Scope]:
    """Describe *some* of the *whole* situations in few scopes; a field that does not narrow them is left out."""
    if some == whole:
        yield ()
        return
    alike: dict[tuple[frozenset[Situation], frozenset[Situation]] | None, list[str]] = {}
    for value in sorted({situation[0] for situation in some}):
        inner, outer = _below(some, value), _below(whole, value)
        alike.setdefault((inner, outer) if inner != outer else None, []).append(value)
    everywhere = len({situation[0] for situation in whole})
    for rest, values in alike.items():
        head = () if len(values) == everywhere else ((names[0], tuple(values)),)
        for scope in cover(names[1:], *rest) if rest else ((),):
            yield head + scope


def _below(situations: Iterable[Situation], value: str) -> frozenset[Situation]:
    return frozenset(situation[1:] for situation in situations if situation[0] == value)
