"""An explanation in words, for a person who reads it in a terminal or a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from sallyport.flows import Rule, Stage
from sallyport.people import EVERYONE, Person
from sallyport.problems import quoted
from sallyport.times import format_duration, parse_duration, say_duration
from sallyport.whatif.explaining import Explanation, Fit

_DEPENDS = "It depends on what is still to answer."


def text(explanation: Explanation) -> str:
    """Tell the whole explanation, part by part; what there is nothing to say of is left out."""
    parts = {
        "Rule": _rules(explanation),
        "Asking": _asking(explanation),
        "Still to answer": explanation.missing,
        "Wrong": [f"{problem.field}: {problem.sentence}" for problem in explanation.faults],
        "Approval": _approval(explanation),
        "Emergency": _emergency(explanation),
        "Life": _life(explanation),
        "Schedule": _schedule(explanation),
        "Ticket": _ticket(explanation),
        "AWS": _aws(explanation),
    }
    told = ["".join((head, *(f"\n  {line}" for line in lines))) for head, lines in parts.items()]
    title = f"{explanation.flow.title} for {_name(explanation.requester)}"
    return "\n\n".join((title, *(part for part in told if "\n" in part))) + "\n"


def _name(person: Person) -> str:
    return f"{person.name} ({person.email})" if person.name else person.email


def _rules(explanation: Explanation) -> Iterator[str]:
    for fit in explanation.fits:
        name = quoted(fit.rule.name)
        match fit.fit:
            case Fit.APPLIES if explanation.rule is None:
                yield f"{name} applies unless an earlier one does."
            case Fit.APPLIES:
                facts = " and ".join(f"{field} is {wanted}" for field, wanted, _ in fit.because)
                yield f"{name} applies: {facts or 'it is for everything that is left'}."
            case Fit.DIFFERS:
                facts = "; ".join(
                    f"{field} is {_given(given)}, not {wanted}" for field, wanted, given in fit.because
                )
                yield f"{name} does not apply: {facts}."
            case Fit.OPEN:
                facts = " and ".join(f"{field} is {wanted}" for field, wanted, _ in fit.because)
                yield f"{name} applies if {facts}; that is not answered yet."
            case _:  # Fit.LATER
                yield f"{name} is not looked at: the first rule that applies decides."
    if explanation.verdict and not explanation.rule:
        yield "No rule applies, and what no rule allows is denied."


def _given(answer: str) -> str:
    return quoted(answer) if answer else "left out"


def _asking(explanation: Explanation) -> Iterator[str]:
    label = explanation.requester.label
    if explanation.verdict is None:
        yield _DEPENDS
    elif explanation.verdict.barred:
        yield f"{label} may not ask: {explanation.verdict.barred.sentence}."
    else:
        groups = [group for group in explanation.entitled_by if group != EVERYONE]
        why = f"in the group {' and '.join(groups)}" if groups else "everyone whom policies know may"
        yield f"{label} may ask: {why}."


def _approval(explanation: Explanation) -> Iterator[str]:
    rule = explanation.rule
    if rule is None:
        if explanation.verdict is None:
            yield _DEPENDS
        return
    if rule.approves_by_itself:
        yield "Nobody needs to approve it: the rule does by itself."
        return
    could = [candidate for candidate in explanation.candidates if not candidate.left_out]
    yield from _needed(rule) if could or explanation.in_slack else ["Nobody could approve."]
    for candidate in could:
        yield f"- {_name(candidate.person)}: {' and '.join(candidate.why)}"
    yield from (f"- whoever is in {group}, which is kept in Slack" for group in explanation.in_slack)
    if explanation.owners_unknown:
        yield "- the owners of what is asked for, once that is answered"
    for candidate in explanation.candidates:
        if candidate.left_out:
            why = " and ".join(candidate.why)
            yield f"Left out: {_name(candidate.person)}, {why}: {candidate.left_out}."
    yield f"If it is not decided within {say_duration(rule.timeout)}, the request is closed."
    yield from _second(explanation, rule)


def _second(explanation: Explanation, rule: Rule) -> Iterator[str]:
    if rule.step_up is None:
        return
    names = " or ".join(f"{person.label} ({person.github})" for person in explanation.confirmers)
    who = names or "an approver with a GitHub login, and there is none for this"
    yield f"Then it must be confirmed in GitHub, within {say_duration(rule.timeout)}, by {who}."
    if rule.break_glass:
        yield "An emergency goes past that too."


def _needed(rule: Rule) -> Iterator[str]:
    if len(rule.stages) == 1:
        yield f"{_seats(rule.stages[0])} of:" if rule.lets_choose else f"{_seats(rule.stages[0])}, of:"
        return
    for number, stage in enumerate(rule.stages, 1):
        yield f"{number}. {stage.name}: {_seats(stage)}."
    yield "Of:"


def _seats(stage: Stage) -> str:
    if stage.approvers.chosen:
        return "The requester chooses who decides, one"
    if stage.quorum == 1:
        return "One approval is needed"
    each = " who speak for different groups" if stage.distinct_groups else ""
    return f"{stage.quorum} different people{each} must approve"


def _emergency(explanation: Explanation) -> Iterator[str]:
    rule = explanation.rule
    if rule is None or rule.break_glass is None:
        return
    longest, groups = say_duration(rule.break_glass.maximum), " and ".join(rule.break_glass.groups)
    yield f"Who is in {groups} may go ahead without an approval for {longest}, and is reviewed afterwards:"
    yield from [f"- {_name(person)}" for person in explanation.breakers] or ["- nobody at the moment"]


def _life(explanation: Explanation) -> Iterator[str]:
    if explanation.rule is None or explanation.verdict is None:
        return
    limits, length = explanation.rule.lifetime, explanation.verdict.lifetime
    if length and length[0].isdigit():
        yield f"It would live for {say_duration(parse_duration(length))} from the approval."
    elif length:
        yield "It would be permanent."
    shortest, longest = say_duration(limits.minimum), say_duration(limits.maximum)
    tail = ", or permanent" if limits.permanent else "; never permanent"
    yield f"Policy allows {shortest} to {longest}{tail}; without an answer it is {say_duration(limits.default)}."
    if limits.grain:
        yield f"A deadline counted from the approval is rounded up to {format_duration(limits.grain)} in UTC."


def _schedule(explanation: Explanation) -> Iterator[str]:
    schedule = explanation.schedule
    if schedule is None:
        return
    up = f"{quoted(schedule.name)} keeps it up {schedule.words()}"
    yield f"{up}; at other times it is stopped without being asked."
    shortest, longest = say_duration(schedule.shortest), say_duration(schedule.longest_keep)
    yield f"Who may ask for a stop may keep it up, for {longest} at most; less than {shortest} is not slept."


def _ticket(explanation: Explanation) -> Iterator[str]:
    style, footprint = explanation.flow.ticket, explanation.footprint
    if explanation.verdict is not None and explanation.rule is None:
        return
    labels = f", labels {', '.join(style.labels)}" if style.labels else ""
    yield f"Type {style.type}{labels}, first in the status {explanation.first_status}"
    if footprint:
        yield f"Summary: {footprint.summary}"


def _aws(explanation: Explanation) -> Iterator[str]:
    footprint = explanation.footprint
    if footprint is None:
        if explanation.missing:
            yield "Role and lock are known once everything is answered."
        return
    yield footprint.effect
    yield footprint.undo
    access = footprint.access
    yield f"Role: {access.role} (account {access.account}, {access.region})"
    yield f"Lock: {footprint.lock}"
