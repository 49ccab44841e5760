"""Slack's mrkdwn, taken apart into the pieces a reader sees: words, links, mentions, times.

Both the visible text and the page are made from these pieces, so they cannot disagree. It must never turn
text into markup that Slack would not: mentions and links exist only where Slack would make them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from .workspace import Workspace

_ANGLE = re.compile(r"<([^<>\n]+)>")
_SLOT = re.compile("[\ue000-\uf8ff]")
_STYLES = (
    ("code", re.compile(r"```\n?(.+?)\n?```", re.DOTALL)),
    ("code", re.compile(r"`([^`\n]+)`")),
    ("bold", re.compile(r"(?<!\w)\*(?=\S)([^*\n]+?)(?<=\S)\*(?!\w)")),
    ("italic", re.compile(r"(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)")),
    ("strike", re.compile(r"(?<!\w)~(?=\S)([^~\n]+?)(?<=\S)~(?!\w)")),
)
_DATE_TOKENS: dict[str, str] = {
    "{date_num}": "%Y-%m-%d",
    "{date_slash}": "%d/%m/%Y",
    "{date}": "%B %-d, %Y",
    "{date_short}": "%b %-d, %Y",
    "{date_long}": "%A, %B %-d, %Y",
    "{date_pretty}": "%B %-d, %Y",
    "{date_short_pretty}": "%b %-d, %Y",
    "{date_long_pretty}": "%A, %B %-d, %Y",
    "{day_divider_pretty}": "%A, %B %-d",
    "{time}": "%H:%M",
    "{time_secs}": "%H:%M:%S",
    "{ago}": "%b %-d, %Y, %H:%M",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text as shown; `mention` is who would be notified, `url` where a click leads."""

    text: str
    url: str = ""
    mention: str = ""
    styles: frozenset[str] = frozenset()


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def local_time(timestamp: int, pattern: str, tz: str) -> str:
    """A `<!date^…>` pattern filled for a reader in `tz`; relative words ("today") are written out as dates."""
    moment = datetime.fromtimestamp(timestamp, ZoneInfo(tz))
    for token, form in _DATE_TOKENS.items():
        pattern = pattern.replace(token, moment.strftime(form))
    return pattern


def mrkdwn_spans(text: str, workspace: Workspace, tz: str) -> tuple[Span, ...]:
    """The pieces of a mrkdwn string for a reader in `tz`."""
    slots: list[Span] = []

    def keep(match: re.Match[str]) -> str:
        slots.append(_angle_span(match.group(1), workspace, tz))
        return chr(0xE000 + len(slots) - 1)

    flat = _ANGLE.sub(keep, _SLOT.sub("\ufffd", text))
    return tuple(_styled(flat, frozenset(), lambda char: slots[ord(char) - 0xE000]))


def _styled(text: str, styles: frozenset[str], slot: Callable[[str], Span]) -> list[Span]:
    for name, pattern in _STYLES:
        match = pattern.search(text)
        if match is None:
            continue
        inside = styles | {name}
        middle = _filled(match.group(1), inside, slot) if name == "code" else _styled(match.group(1), inside, slot)
        before, after = text[: match.start()], text[match.end() :]
        return [*_styled(before, styles, slot), *middle, *_styled(after, styles, slot)]
    return _filled(text, styles, slot)


def _filled(text: str, styles: frozenset[str], slot: Callable[[str], Span]) -> list[Span]:
    spans: list[Span] = []
    end = 0
    for match in _SLOT.finditer(text):
        if match.start() > end:
            spans.append(Span(unescaped(text[end : match.start()]), styles=styles))
        spans.append(replace(slot(match.group()), styles=styles))
        end = match.end()
    if end < len(text):
        spans.append(Span(unescaped(text[end:]), styles=styles))
    return spans


def _angle_span(inner: str, workspace: Workspace, tz: str) -> Span:
    target, _, label = inner.partition("|")
    label = unescaped(label)
    match target[:1]:
        case "@":
            return user_span(target[1:], workspace)
        case "#":
            return channel_span(target[1:], workspace, label)
        case "!":
            return _special_span(target[1:], label, workspace, tz)
        case _:
            url = unescaped(target)
            return Span(label or url.removeprefix("mailto:"), url=url)


def _special_span(target: str, label: str, workspace: Workspace, tz: str) -> Span:
    if target in ("channel", "here", "everyone"):
        return Span(f"@{target}", mention=target)
    if target.startswith("subteam^"):
        return usergroup_span(target.removeprefix("subteam^"), workspace)
    if target.startswith("date^"):
        _, timestamp, pattern, *link = target.split("^")
        shown = local_time(int(timestamp), pattern, tz) if timestamp.isdigit() else label
        return Span(shown, url=link[0] if link else "")
    return Span(label or f"<{target}>")


def user_span(user_id: str, workspace: Workspace) -> Span:
    member = workspace.member(user_id)
    return Span(f"@{member.real_name}" if member else f"@{user_id}", mention=user_id)


def channel_span(channel_id: str, workspace: Workspace, label: str = "") -> Span:
    channel = workspace.channel(channel_id)
    return Span(f"#{channel.name if channel else label or channel_id}")


def usergroup_span(group_id: str, workspace: Workspace) -> Span:
    group = next((group for group in workspace.usergroups if group.id == group_id), None)
    return Span(f"@{group.handle if group else group_id}", mention=group_id)
