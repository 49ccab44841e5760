"""Short answers to what a person typed or pressed, as mrkdwn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from coordinator.journal import Draft
from coordinator.journal.drafts import KEPT_FOR
from coordinator.requests import Request, State
from coordinator.wording import lasts, subject
from sallyport.commands import Typed
from sallyport.flows import Flow
from sallyport.platforms.slack_text import date, escape
from sallyport.policies import Policies
from sallyport.problems import Problems, quoted

REASON_NEEDED = "Say why not; the requester and the ticket get it word for word."
NOTHING_HERE = "Policies let you ask for nothing here. Ask the operators to add you to policies/people.yaml."
EMERGENCY = (
    "*In an emergency*, without anybody's approval. It is told loudly, is short, and is reviewed afterwards."
)
DRAFT_GONE = "There is nothing to go on with: it was sent already, or it is more than a day old."
FLOW_GONE = "Policies do not have this any more, so it cannot be asked for again."
HELP_LONGEST = 2800  # characters: help stands in one block of at most 3000
LIST_LONGEST = 1200
MENTIONED = 10  # people that one answer names


def asked(request: Request, policies: Policies, room_left: str = "") -> str:
    """Confirm that a request is recorded, and say what happens now, and how little room is left beside it."""
    what = escape(subject(request, policies.catalogue))
    head = f"Asked: *{what}* {lasts(request)} ({request.id})."
    return " ".join(part for part in (head, _what_now(request), escape(room_left)) if part)


def _what_now(request: Request) -> str:
    where = f" Follow it in <#{request.channel}>." if request.channel else ""
    if request.state is State.ANNOUNCED:
        return f"Nobody needs to approve it; those who work there are warned, and then it begins.{where}"
    if request.grant is not None:
        return f"Nobody needs to approve it; it is being done.{where}"
    names = _named(request.deciders)
    decide = f"{names} can decide until {date(request.decide_by)}."
    return f"{decide}{where} Nothing is changed before it is approved."


def nudged(request: Request) -> str:
    """Confirm that those who are waited for are being reminded."""
    return f"A reminder of {request.id} is on its way to {_named(request.awaited)}."


def _named(asked: Sequence[str]) -> str:
    """Mention those who are *asked*, by their Slack ids, as many as one reads."""
    more = [f"{len(asked) - MENTIONED} more"] if len(asked) > MENTIONED else []
    return ", ".join([*(f"<@{user}>" for user in asked[:MENTIONED]), *more])


def recorded(request: Request) -> str:
    """Confirm that a request is recorded, where nothing more can be said."""
    return f"Asked: {request.id}. The app's home tab shows how it stands."


def not_asked(flow: Flow, error: Problems) -> str:
    """Say why the quick path made no request, and how to ask instead."""
    faults = "\n".join(f"• {escape(problem.sentence)}" for problem in error.problems)
    return (
        f"Nothing was asked:\n{faults}\nMend it and send the command again, or type `{flow.command}` for the form."
    )


def help_for(flows: Sequence[Flow], others: Sequence[Flow] = ()) -> str:
    """Say how each of *flows* is asked for, with examples that work, and which *others* there are."""
    told: list[str] = []
    rest = [*flows, *others]
    for flow in flows:
        usage = _usage(flow)
        if len("\n".join([*told, usage, _also(rest)])) > HELP_LONGEST:
            break
        told.append(usage)
        rest.remove(flow)
    return "\n".join([*told, *([_also(rest)] if rest else [])]) or NOTHING_HERE


def in_an_emergency(flows: Iterable[Flow]) -> str:
    """Say, to whom policy gives it, how the glass is broken; a line of its own, or nothing."""
    named = commands(replace(flow, command=f"{flow.command} break-glass") for flow in flows)
    return f"\nIn an emergency, without anybody's approval: {named}." if named else ""


def no_break_glass(flow: Flow | None) -> str:
    """Say that policy gives this person no break-glass, and what to do instead."""
    instead = f" `{flow.command}` asks for it as usual." if flow else ""
    return f"Nothing was done: policies give you no break-glass here.{instead}"


def commands(flows: Iterable[Flow]) -> str:
    """Name the commands of *flows*, as many as there is room for."""
    named = sorted(f"`{flow.command}`" for flow in flows)
    ends = accumulate(len(name) + len(", ") for name in named)
    shown = sum(end <= LIST_LONGEST for end in ends)
    more = [f"and {len(named) - shown} more"] if shown < len(named) else []
    return ", ".join([*named[:shown], *more])


def form_instead(flow: Flow) -> str:
    """Say that a flow without a quick path takes no text."""
    return (
        f"`{flow.command}` takes no words after it; the form asks for everything. `{flow.command} help` says more."
    )


def form_for_the_rest(flow: Flow) -> str:
    """Say that the words after a command were understood and are not everything that is needed."""
    return f"`{flow.command}` needs a little more than that; the form has what you typed and asks for the rest."


def unknown_command(typed: Typed, flows: Sequence[Flow]) -> str:
    """Say which commands this person can use instead of one that no flow has."""
    return f"Nothing answers to `{escape(typed.slash)}`. These do:\n{help_for(flows)}"


def unknown_words(typed: Typed, flows: Sequence[Flow]) -> str:
    """Say which words this person can use after a command that several flows share."""
    line = escape(quoted(f"{typed.slash} {typed.rest}"))
    return f"{line} is no command; {escape(typed.hint)}\n{help_for(flows)}"


def not_for_you(typed: Typed, flows: Sequence[Flow]) -> str:
    """Say that policies let this person use nothing of a command, and what else there is."""
    return f"Policies do not let you use `{escape(typed.slash)}`.\n{help_for(flows)}"


def kept(flow: Flow, draft: Draft) -> str:
    """Say after a form was closed that what was typed is not lost."""
    until = date(draft.kept_at + KEPT_FOR)
    return f"Nothing was asked. What you filled in for {escape(flow.title)} is kept until {until}."


def broken(fault: str) -> str:
    """Admit a fault of ours without pretending that anything happened."""
    return f"That did not work, and nothing was recorded. Try again; if it stays so, tell the operators “{fault}”."


def unsure(fault: str) -> str:
    """Admit that we lost the database while it recorded, and say how to see what became of it."""
    return (
        "The database was lost at that moment, so it may be recorded or not. Look at the app's home tab before "
        f"you try again; if it stays so, tell the operators “{fault}”."
    )


def not_opened(fault: str) -> str:
    """Admit that a form could not be put before the person, who is waiting for it."""
    return f"The form did not open; try again. If it stays so, tell the operators “{fault}”."


def _usage(flow: Flow) -> str:
    lines = [f"*{escape(flow.title)}*", f"• `{flow.command}` opens the form."]
    defaults = ", ".join(f"{name.replace('_', ' ')} {escape(value)}" for name, value in flow.defaults.items())
    end = f", with {defaults}" if defaults else ""
    lines += [f"• `{flow.command} {escape(example)}` asks at once{end}." for example in flow.examples]
    return "\n".join(lines)


def _also(flows: Iterable[Flow]) -> str:
    return f"Also: {commands(flows)}."
