"""One outcome as a Slack reply, a JIRA comment, and a part of the job's summary.

Everything that could hold a person's words goes in as plain text: `plain_text` objects in Slack, escaped wiki
text in JIRA, entities in Markdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actions import messages
from actions.markdown import bounded, inert, table
from actions.planning import plan_markdown
from actions.results import News
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.jira_text import plain
from sallyport.platforms.slack_text import date, escape
from sallyport.times import format_moment

Blocks = list[dict[str, Any]]
Post = tuple[str, Blocks]  # the text for notifications, and the blocks

SECTION = 2900  # Slack takes 3,000 characters in a section
EVIDENCE = 12  # lines that are shown of an outcome's evidence
EVIDENCE_LINE = 500


def slack_reply(outcome: Outcome, run_url: str) -> Post:
    """Return the reply in the request's thread."""
    head = f"{messages.SIGNS[outcome.result]} {messages.headline(outcome)}"
    sentence = _cut(f"{head}. {outcome.detail}", SECTION)
    facts = [outcome.request_id]
    if outcome.expires_at and outcome.result in {Result.APPLIED, Result.ALREADY}:
        facts.append(f"until {date(outcome.expires_at)}")
    if run_url:
        facts.append(f"<{run_url}|the job>")
    return escape(sentence), [_section(sentence), _context(" · ".join(facts))]


def slack_alert(text: str, run_url: str) -> Post:
    """Return a message to the operators."""
    sentence = _cut(f"🚨 {text}", SECTION)
    link = [_context(f"<{run_url}|the job>")] if run_url else []
    return escape(sentence), [_section(sentence), *link]


def slack_ends(text: str, run_url: str) -> Post:
    """Return the message to a channel about what has ended."""
    sentence = _cut(f"{messages.SIGNS[Result.REVERTED]} {text}", SECTION)
    link = [_context(f"<{run_url}|the job>")] if run_url else []
    return escape(sentence), [_section(sentence), *link]


def slack_refreshed(text: str, run_url: str) -> Post:
    """Return what takes the place of the answer to `/infra whitelist refresh`."""
    shown = _cut(text, SECTION)
    link = [_context(f"<{run_url}|the job>")] if run_url else []
    return escape(shown), [_section(shown), *link]


def jira_comment(item: News, run_url: str, marker: str) -> str:
    """Return the comment in wiki text; *marker*, ours, is its last line."""
    outcome = item.outcome
    lines = [f"*{messages.headline(outcome)}* at {format_moment(outcome.at)}", plain(outcome.detail)]
    lines += [f"- {plain(line)}" for line in _evidence(outcome)]
    if item.entry and outcome.result in {Result.APPLIED, Result.ALREADY}:
        lines.append(plain(messages.undo_hint(item.entry)))
    if run_url:
        lines.append(run_url)
    return "\n".join([*lines, "", marker])


def summary_markdown(title: str, news: Sequence[News], notes: Sequence[str] = ()) -> str:
    """Return the job's summary: every outcome, then every target with its plan, then the evidence."""
    parts = [f"### {inert(title)}"]
    parts += [f"> {inert(note)}" for note in notes]
    if news:
        parts.append(table(("Request", "Outcome", "What happened"), map(_row, news)))
    plans = {id(item.settlement): item.settlement.plan for item in news if item.settlement}
    parts += [plan_markdown(plan).rstrip() for plan in plans.values() if plan]
    parts += [_proof(item) for item in news if item.outcome.evidence or item.outcome.result is Result.APPLIED]
    return "\n\n".join(parts) + "\n"


def check_summary(markdown: str, most: int) -> str:
    """Return the summary as far as it fits into a check run."""
    return bounded(markdown, most)


def _row(item: News) -> tuple[str, str, str]:
    outcome = item.outcome
    result = f"{messages.SIGNS[outcome.result]} {outcome.result.value}"
    return inert(outcome.request_id), result, inert(outcome.detail)


def _proof(item: News) -> str:
    outcome = item.outcome
    lines = [f"**{inert(outcome.request_id)}**"]
    if item.entry:
        by = messages.approved_by(item.entry)
        lines.append(f"- Requested by {inert(item.entry.requested_by)}, {inert(by)}")
        lines.append(f"- Reason: {inert(item.entry.reason)}")
    lines += [f"- {inert(line)}" for line in _evidence(outcome)]
    if item.entry and outcome.result in {Result.APPLIED, Result.ALREADY}:
        lines.append(f"- How to undo: {inert(messages.undo_hint(item.entry))}")
    return "\n".join(lines)


def _evidence(outcome: Outcome) -> list[str]:
    shown = [_cut(line, EVIDENCE_LINE) for line in outcome.evidence[:EVIDENCE]]
    more = len(outcome.evidence) - len(shown)
    return [*shown, f"and {more} more"] if more else shown


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
