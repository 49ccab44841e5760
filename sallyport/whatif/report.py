"""A comparison of policies as Markdown for the pull request that changes them; equal comparisons give equal text.

Whatever stands in a policy file is shown as code, so that it cannot pass for the report's own words, and lists are
never cut short: who is last in one may be whom the change is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sallyport.flow_files import SINGLE_STAGE
from sallyport.people import EVERYONE
from sallyport.policies import Policies
from sallyport.times import format_duration, say_duration
from sallyport.whatif.comparing import Comparison, FlowShifts, Scope, Shift, TermShift, Value
from sallyport.whatif.meanings import Meaning
from sallyport.whatif.reach import OTHER, UNASKED, Seat, Terms

FEW = 8  # people who are named one by one even where they are a whole group

# By term: its name, and what a higher and a lower value mean.
_TERMS = {
    "quorum": ("approvals needed", "more", "fewer"),
    "longest": ("longest life", "longer", "shorter"),
    "permanent": ("permanent entries", "newly allowed", "no longer allowed"),
    "usual": ("life without an answer", "longer", "shorter"),
    "shortest": ("shortest life", "longer", "shorter"),
    "timeout": ("time to decide", "longer", "shorter"),
    "chosen": ("the requester chooses who decides", "new", "no longer"),
    "self_approval": ("people may approve their own requests", "new", "no longer"),
    "bound_identity": ("the Slack id must be bound", "new", "no longer"),
    "stages": ("stages", "changed", "changed"),
    "emergency": ("break-glass", "longer", "shorter"),
    "extension": ("extension before the end", "new", "no longer"),
    "early_return": ("giving back before the end", "new", "no longer"),
    "may_end": ("who else may end it before its time", "changed", "changed"),
    "approver_may_shorten": ("the approver may shorten the duration", "new", "no longer"),
    "grain": ("what deadlines are rounded up to", "longer", "shorter"),
    "step_up": ("confirmation after the approval in Slack", "changed", "changed"),
}


def markdown(comparison: Comparison) -> str:
    """Write the whole comparison."""
    lines = ["## What these policies change", ""]
    if not comparison:
        lines += ["Nobody may do more or less than before.", ""]
    for flow in comparison.flows:
        lines += _flow(comparison, flow)
    if comparison.sleep:
        lines += ["### What sleeps by itself", "", *map(_meaning, comparison.sleep), ""]
    if comparison.meanings:
        lines += ["### What names stand for", "", *map(_meaning, comparison.meanings), ""]
    return "\n".join(lines)


def _flow(comparison: Comparison, flow: FlowShifts) -> Iterator[str]:
    yield f"### {_code(flow.flow)}{_newness(comparison, flow.flow)}"
    yield ""
    for scopes, shift in flow.shifts:
        yield f"**{'; '.join(map(_scope, scopes))}**"
        yield ""
        yield from _shift(comparison, shift)
        yield ""
    if flow.unsure:
        yield "Who owns what could not be told, so owners may approve too: the form's own examples are wrong."
        yield ""
        yield from (f"- {_code(sentence)}" for sentence in flow.unsure)
        yield ""


def _newness(comparison: Comparison, flow: str) -> str:
    if flow not in comparison.old.flows:
        return " (new)"
    return "" if flow in comparison.new.flows else " (gone)"


def _scope(scope: Scope) -> str:
    return ", ".join(f"{_field(name)} {', '.join(map(_answer, values))}" for name, values in scope) or "Everywhere"


def _field(name: str) -> str:
    return name.replace("_", " ")


def _answer(value: str) -> str:
    if not value:
        return "(no answer)"
    return value if value in (OTHER, UNASKED) else _code(value)


def _shift(comparison: Comparison, shift: Shift) -> Iterator[str]:
    old, new = comparison.old, comparison.new
    if shift.closes:
        yield "- nobody may ask any more"
    for words, emails, known in (
        ("may newly ask", shift.may_ask, new),
        ("may no longer ask", shift.may_ask_no_longer, old),
        *_by_stage("may newly approve", shift.may_approve, new),
        *_by_stage("may no longer approve", shift.may_approve_no_longer, old),
        ("may newly go ahead in an emergency", shift.may_break_glass, new),
        ("may no longer go ahead in an emergency", shift.may_break_glass_no_longer, old),
    ):
        if emails:
            yield f"- {words}: {_people(emails, known)}"
    if shift.opens:
        yield f"- terms: {_terms(shift.opens)}"
    yield from map(_term, shift.terms)


def _by_stage(
    words: str, seats: frozenset[Seat], policies: Policies
) -> Iterator[tuple[str, frozenset[str], Policies]]:
    for stage in sorted({stage for stage, _ in seats}):
        at = "" if stage == SINGLE_STAGE else f" at {_code(stage)}"
        yield f"{words}{at}", frozenset(who for where, who in seats if where == stage), policies


def _people(emails: frozenset[str], policies: Policies) -> str:
    """Name everybody: large groups by name, but for the few of them who are not meant, and the rest one by one."""
    words, left = [], emails
    sizes = {group: policies.people.members((group,)) for group in (EVERYONE, *policies.people.groups)}
    closest = sorted(sizes.items(), key=lambda pair: (len(pair[1] - emails), -len(pair[1]), pair[0]))
    for group, members in closest:
        if len(members & left) > FEW >= len(members - left):
            but = f" but {_listed(members - left)}" if members - left else ""
            words.append(f"all {len(members)} of {_code(group)}{but}")
            left -= members
    return ", ".join((*words, *([_listed(left)] if left else [])))


def _listed(emails: frozenset[str]) -> str:
    return ", ".join(map(_code, sorted(emails)))


def _terms(terms: Terms) -> str:
    approvals = "1 approval" if terms.quorum == 1 else f"{terms.quorum or 'no'} approvals"
    said = [
        f"{approvals} within {say_duration(terms.timeout)}",
        f"lives for {say_duration(terms.usual)} without an answer, {say_duration(terms.longest)} at most",
    ]
    if terms.stages:
        said.insert(1, f"stages {_code(terms.stages)}")
    if terms.emergency:
        said.append(f"in an emergency without an approval for {say_duration(terms.emergency)} at most")
    if terms.step_up:
        said.append(f"confirmed in {_code(terms.step_up)} too")
    flags = ("permanent", "chosen", "self_approval")
    said += [_TERMS[flag][0] for flag in flags if getattr(terms, flag)]
    return "; ".join(said)


def _term(shift: TermShift) -> str:
    name, more, less = _TERMS[shift.term]
    word = more if _size(shift.after) > _size(shift.before) else less
    return f"- {name}: {_value(shift.before)} → {_value(shift.after)} ({word})"


def _size(value: Value) -> float:
    if isinstance(value, str):
        return 0
    return value.total_seconds() if isinstance(value, timedelta) else value


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return format_duration(value) if value else "none"
    return (_code(value) if value else "none") if isinstance(value, str) else str(value)


def _meaning(meaning: Meaning) -> str:
    before, after = (_code(text) if text else "nothing" for text in (meaning.before, meaning.after))
    return f"- {_code(meaning.of)}, {_code(meaning.fact)}: {before} → {after}"


def _code(text: str) -> str:
    """Show *text* as code whatever it holds; line breaks and backticks would end it."""
    return f"`{' '.join(text.replace('`', 'ˋ').split())}`"
