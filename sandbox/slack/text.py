"""What a person can read of a message or a form: no markup, no ids, local times, option texts, button texts.

It must never show what Slack would hide (values, action ids, metadata, the fallback text behind blocks).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from .spans import Span, channel_span, local_time, mrkdwn_spans, user_span, usergroup_span
from .workspace import Workspace

Json = dict[str, Any]
Values = Mapping[str, Mapping[str, Json]]  # block_id -> action_id -> state value


@dataclass(frozen=True, slots=True)
class Visible:
    """Shown text, who it notifies (user ids, group ids, `channel`, `here`, `everyone`), and (url, label) links."""

    text: str
    mentions: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, lines: Iterable[Sequence[Span]]) -> Visible:
        lines = [line for line in lines if line]
        spans = [span for line in lines for span in line]
        return cls(
            "\n".join("".join(span.text for span in line) for line in lines),
            tuple(span.mention for span in spans if span.mention),
            tuple((span.url, span.text) for span in spans if span.url),
        )


def squeezed(text: str) -> str:
    """Text with its white space evened out, for comparing what is read with what is expected."""
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody reading: names come from the workspace, times are in `tz`."""

    workspace: Workspace
    tz: str

    def mrkdwn(self, text: str) -> Visible:
        return Visible.of([mrkdwn_spans(text, self.workspace, self.tz)])

    def words(self, text_object: Json | None) -> str:
        """The shown words of one text object."""
        return "".join(span.text for span in self.spans(text_object))

    def spans(self, text_object: Json | None) -> tuple[Span, ...]:
        if not text_object:
            return ()
        if text_object["type"] == "mrkdwn":
            return mrkdwn_spans(text_object["text"], self.workspace, self.tz)
        return (Span(text_object["text"]),)

    def blocks(
        self, blocks: Sequence[Json], values: Values | None = None, errors: Mapping[str, str] | None = None
    ) -> Visible:
        """All shown text of `blocks`, with what has been chosen or typed, and errors under their fields."""
        lines: list[Sequence[Span]] = []
        for block in blocks:
            lines.extend(self._block(block, values or {}))
            if error := (errors or {}).get(block.get("block_id", "")):
                lines.append((Span(error),))
        return Visible.of(lines)

    def _block(self, block: Json, values: Values) -> list[Sequence[Span]]:
        chosen = values.get(block.get("block_id", ""), {})
        match block["type"]:
            case "section":
                lines = [self.spans(block.get("text")), *map(self.spans, block.get("fields", ()))]
                return lines + self._elements([block["accessory"]] if "accessory" in block else [], chosen)
            case "header":
                return [self.spans(block["text"])]
            case "markdown":
                return [(Span(block["text"]),)]
            case "image":
                return [self.spans(block.get("title")), (Span(block["alt_text"]),)]
            case "context":
                return [self._context(element) for element in block["elements"]]
            case "actions":
                return self._elements(block["elements"], chosen)
            case "input":
                return self._input(block, chosen)
            case "rich_text":
                return self._rich_lines(block["elements"])
        return []

    def _context(self, element: Json) -> tuple[Span, ...]:
        return (Span(element["alt_text"]),) if element["type"] == "image" else self.spans(element)

    def _input(self, block: Json, chosen: Mapping[str, Json]) -> list[Sequence[Span]]:
        label = self.words(block["label"]) + (" (optional)" if block.get("optional") else "")
        return [(Span(label),), *self._elements([block["element"]], chosen), self.spans(block.get("hint"))]

    def _elements(self, elements: Sequence[Json], chosen: Mapping[str, Json]) -> list[Sequence[Span]]:
        return [line for element in elements for line in self._element(element, chosen)]

    def _element(self, element: Json, chosen: Mapping[str, Json]) -> list[Sequence[Span]]:
        match element["type"]:
            case "button":
                return [(Span(self.words(element["text"])),)]
            case "image":
                return [(Span(element["alt_text"]),)]
            case "overflow":
                return [(Span("…"),)]
            case "radio_buttons" | "checkboxes":
                return [self._option_spans(option) for option in element["options"]]
        shown = self.value(chosen.get(element["action_id"], {})) or self.words(element.get("placeholder"))
        return [(Span(shown),)] if shown else []

    def _option_spans(self, option: Json) -> tuple[Span, ...]:
        description = self.spans(option.get("description"))
        return (
            (*self.spans(option["text"]), Span(" "), *description) if description else self.spans(option["text"])
        )

    def value(self, state: Json) -> str:
        """A state value as the field shows it; empty when nothing is chosen."""
        match state:
            case {"selected_option": {"text": text}}:
                return self.words(text)
            case {"selected_options": [*options]}:
                return ", ".join(self.words(option["text"]) for option in options)
            case {"selected_user": str(user)}:
                return self.person(user)
            case {"selected_users": [*users]}:
                return ", ".join(map(self.person, users))
            case {"selected_date_time": int(moment)}:
                return datetime.fromtimestamp(moment, ZoneInfo(self.tz)).strftime("%Y-%m-%d %H:%M")
            case {"selected_date": str(value)} | {"selected_time": str(value)} | {"value": str(value)}:
                return value
        return ""

    def person(self, user_id: str) -> str:
        member = self.workspace.member(user_id)
        return member.real_name if member else user_id

    def _rich_lines(self, elements: Sequence[Json]) -> list[Sequence[Span]]:
        lines: list[Sequence[Span]] = []
        for element in elements:
            if element["type"] == "rich_text_list":
                lines.extend((Span("• "), *self.rich_spans(item["elements"])) for item in element["elements"])
            else:
                lines.append(self.rich_spans(element["elements"]))
        return lines

    def rich_spans(self, parts: Sequence[Json]) -> tuple[Span, ...]:
        return tuple(self._rich_part(part) for part in parts)

    def _rich_part(self, part: Json) -> Span:
        styles = frozenset(name for name, on in part.get("style", {}).items() if on)
        match part["type"]:
            case "text":
                return Span(part["text"], styles=styles)
            case "link":
                return Span(part["text"] if "text" in part else part["url"], url=part["url"], styles=styles)
            case "user":
                return user_span(part["user_id"], self.workspace)
            case "usergroup":
                return usergroup_span(part["usergroup_id"], self.workspace)
            case "channel":
                return channel_span(part["channel_id"], self.workspace)
            case "broadcast":
                return Span(f"@{part['range']}", mention=part["range"])
            case "date":
                return Span(local_time(part["timestamp"], part["format"], self.tz), styles=styles)
        return Span(f":{part.get('name', '')}:")
