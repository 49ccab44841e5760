"""Short answers to what a person typed or pressed, as mrkdwn."""

from __future__ import annotations

from coordinator.requests import Request
from coordinator.wording import lasts
from sallyport.flows import Flow
from sallyport.platforms.slack_text import date, escape
from sallyport.policies import Policies
from sallyport.problems import Problems

REASON_NEEDED = "Say why not; the requester and the ticket get it word for word."


def asked(request: Request, policies: Policies) -> str:
    """Confirm that a request is recorded, and say what happens now."""
    what = escape("; ".join(change.title(policies.catalogue) for change in request.changes))
    where = f" Follow it in <#{request.channel}>." if request.channel else ""
    head = f"Asked: *{what}* {lasts(request)} ({request.id})."
    if request.grant is not None:
        return f"{head} Nobody needs to approve it; it is being done.{where}"
    names = ", ".join(f"<@{user}>" for user in request.deciders)
    decide = f"{names} can decide until {date(request.decide_by)}."
    return f"{head} {decide}{where} Nothing is changed before it is approved."


def not_asked(flow: Flow, error: Problems) -> str:
    """Say why the quick path made no request, and how to ask instead."""
    faults = "\n".join(f"• {escape(problem.sentence)}" for problem in error.problems)
    return (
        f"Nothing was asked:\n{faults}\nMend it and send the command again, or type `{flow.command}` for the form."
    )


def help_for(flow: Flow, policies: Policies) -> str:
    """Say how the command is used, with an example that works."""
    lines = [f"*{flow.title}*", f"• `{flow.command}` opens the form."]
    if flow.has_quick_path:
        defaults = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in flow.defaults.items())
        lines.append(
            f"• `{flow.command} debugging the checkout 500s` asks at once, with that reason and {defaults}."
        )
    others = sorted(f"`{other.command}`" for other in policies.flows.values() if other.id != flow.id)
    if others:
        lines.append(f"Also: {', '.join(others)}.")
    return "\n".join(lines)


def form_instead(flow: Flow) -> str:
    """Say that a flow without a quick path takes no text."""
    return (
        f"`{flow.command}` takes no words after it; the form asks for everything. `{flow.command} help` says more."
    )


def unknown_command(command: str, policies: Policies) -> str:
    """Say which commands there are."""
    known = ", ".join(f"`{flow.command}`" for flow in policies.flows.values())
    return f"No flow answers to `{escape(command)}`. These do: {known}."


def broken(fault: str) -> str:
    """Admit a fault of ours without pretending that anything happened."""
    return f"That did not work, and nothing was recorded. Try again; if it stays so, tell the operators “{fault}”."
