"""Blocks as HTML for the page, made from the same pieces as the visible text.

Every word is escaped; the only markup is what Slack itself would render. Elements carry their block_id and
action_id as data attributes, which the page's script sends back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from rich.emoji import Emoji

from .spans import Span
from .text import Reader, Values
from .views import state_key

Json = dict[str, Any]
_TAGS = {"bold": "b", "italic": "i", "strike": "s", "code": "code"}
_INPUT_TYPES = {
    "datepicker": "date",
    "timepicker": "time",
    "datetimepicker": "datetime-local",
    "number_input": "number",
    "email_text_input": "email",
    "url_text_input": "url",
}


@dataclass(frozen=True, slots=True)
class Markup:
    """HTML for one reader; `values` and `errors` are those of the form or message being shown."""

    reader: Reader
    values: Values
    errors: Mapping[str, str]

    def blocks(self, blocks: Sequence[Json]) -> str:
        return "".join(self._block(block) + self._error(block) for block in blocks)

    def mrkdwn(self, text: str) -> str:
        return self._text({"type": "mrkdwn", "text": text})

    def _error(self, block: Json) -> str:
        error = self.errors.get(block.get("block_id", ""))
        return f'<p class="error" role="alert">{escape(error)}</p>' if error else ""

    def _block(self, block: Json) -> str:
        match block["type"]:
            case "header":
                return f"<h3>{self._text(block['text'])}</h3>"
            case "divider":
                return "<hr>"
            case "image":
                return f'<p class="muted">[{escape(block["alt_text"])}]</p>'
            case "markdown":
                return f"<p>{_lines(block['text'])}</p>"
            case "context":
                return f'<p class="muted">{" ".join(map(self._context, block["elements"]))}</p>'
            case "actions":
                inside = "".join(self._element(block, element) for element in block["elements"])
                return f'<div class="actions">{inside}</div>'
            case "section":
                return self._section(block)
            case "input":
                return self._input(block)
        return "".join(self._rich(element) for element in block["elements"])

    def _section(self, block: Json) -> str:
        fields = "".join(f"<div>{self._text(field)}</div>" for field in block.get("fields", ()))
        text = f"<p>{self._text(block['text'])}</p>" if "text" in block else ""
        body = f'<div class="grow">{text}{f"""<div class="fields">{fields}</div>""" if fields else ""}</div>'
        accessory = self._element(block, block["accessory"]) if "accessory" in block else ""
        return f'<div class="section">{body}{accessory}</div>'

    def _input(self, block: Json) -> str:
        label = self._text(block["label"])
        optional = ' <span class="muted">(optional)</span>' if block.get("optional") else ""
        hint = f'<p class="muted">{self._text(block["hint"])}</p>' if "hint" in block else ""
        element = self._element(block, block["element"])
        return f'<div class="input"><div class="label">{label}{optional}</div>{element}{hint}</div>'

    def _context(self, element: Json) -> str:
        return escape(element["alt_text"]) if element["type"] == "image" else self._text(element)

    def _rich(self, element: Json) -> str:
        match element["type"]:
            case "rich_text_list":
                items = "".join(f"<li>{self._rich_parts(item)}</li>" for item in element["elements"])
                return f"<ul>{items}</ul>"
            case "rich_text_preformatted":
                return f"<pre>{self._rich_parts(element)}</pre>"
            case "rich_text_quote":
                return f"<blockquote>{self._rich_parts(element)}</blockquote>"
        return f"<p>{self._rich_parts(element)}</p>"

    def _rich_parts(self, element: Json) -> str:
        return spans_html(self.reader.rich_spans(element["elements"]))

    def _text(self, text_object: Json | None) -> str:
        return spans_html(self.reader.spans(text_object))

    def _element(self, block: Json, element: Json) -> str:
        kind = element["type"]
        if kind == "image":
            return f'<span class="muted">[{escape(element["alt_text"])}]</span>'
        marks = _marks(block, element)
        if kind == "button":
            return self._button(element, marks)
        if kind == "overflow":
            return self._overflow(element, marks)
        state = self.values.get(block["block_id"], {}).get(element["action_id"], {})
        value = state.get(state_key(element) or "")
        if kind in ("radio_buttons", "checkboxes"):
            return self._rows(element, marks, value)
        if "external" in kind:
            return self._suggested(element, marks, state)
        if "select" in kind:
            return self._select(element, marks, value)
        return self._typed(element, marks, value)

    def _button(self, element: Json, marks: str) -> str:
        look = element.get("style", "")
        dialog = self._dialog(element.get("confirm"))
        link = f' data-url="{escape(element["url"])}"' if "url" in element else ""
        return (
            f'<button class="{look}" data-do="press" {marks}{dialog}{link}>{self._text(element["text"])}</button>'
        )

    def _dialog(self, confirm: Json | None) -> str:
        if not confirm:
            return ""
        words = {part: self.reader.words(confirm[part]) for part in ("title", "text", "confirm", "deny")}
        return f" data-confirm='{_attribute(words)}'"

    def _overflow(self, element: Json, marks: str) -> str:
        dialog = self._dialog(element.get("confirm"))
        items = "".join(
            f"<button data-do=\"press\" {marks}{dialog} data-option='{_attribute(option)}'>"
            f"{self._text(option['text'])}</button>"
            for option in element["options"]
        )
        return f'<details class="overflow"><summary aria-label="More actions">⋯</summary>{items}</details>'

    def _rows(self, element: Json, marks: str, value: Any) -> str:
        many = element["type"] == "checkboxes"
        kind, chosen = ("checkbox", value or []) if many else ("radio", [value])
        name = escape(element["action_id"])
        rows = "".join(
            f'<label class="row"><input type="{kind}" name="{name}" value=\'{_attribute(option)}\''
            f"{' checked' if option in chosen else ''}> <span>{self._text(option['text'])} "
            f'<span class="muted">{self._text(option.get("description"))}</span></span></label>'
            for option in element["options"]
        )
        return f'<div data-do="{"rows" if many else "row"}" {marks}>{rows}</div>'

    def _select(self, element: Json, marks: str, value: Any) -> str:
        many = "multi" in element["type"]
        chosen = (value or []) if many else [value]
        if "users" in element["type"]:
            people = [(member.real_name, member.id) for member in self.reader.workspace.everybody]
            options = "".join(_option(text, user, user in chosen) for text, user in people)
        else:
            options = "".join(self._groups(element, chosen))
        first = (
            "" if many else f'<option value="null">{self._text(element.get("placeholder")) or "Choose"}</option>'
        )
        opening = f'<select data-do="{"selects" if many else "select"}" {marks}{" multiple" * many}>'
        return f"{opening}{first}{options}</select>"

    def _groups(self, element: Json, chosen: Sequence[Any]) -> Iterable[str]:
        for group in element.get("option_groups", [{"options": element.get("options", [])}]):
            inside = "".join(_option(self.reader.words(o["text"]), o, o in chosen) for o in group["options"])
            label = escape(self.reader.words(group.get("label")))
            yield f'<optgroup label="{label}">{inside}</optgroup>' if label else inside

    def _suggested(self, element: Json, marks: str, state: Json) -> str:
        words = self._text(element.get("placeholder")) or "Type to search"
        least = element.get("min_query_length", 3)
        many = "multi" in element["type"]
        shown = "" if many else escape(self.reader.value(state))
        chosen = f'<div class="muted">{escape(self.reader.value(state))}</div>' if many else ""
        listed = f"list-{escape(element['action_id'])}"
        return (
            f'{chosen}<input list="{listed}" autocomplete="off" data-do="{"suggests" if many else "suggest"}" '
            f'data-least="{least}" {marks} placeholder="{words}" value="{shown}">'
            f'<datalist id="{listed}"></datalist>'
        )

    def _typed(self, element: Json, marks: str, value: Any) -> str:
        words = escape(self.reader.words(element.get("placeholder")))
        if isinstance(value, int):
            value = datetime.fromtimestamp(value, ZoneInfo(self.reader.tz)).strftime("%Y-%m-%dT%H:%M")
        shown = escape(value or "")
        if element.get("multiline"):
            return f'<textarea data-do="fill" {marks} rows="3" placeholder="{words}">{shown}</textarea>'
        kind = _INPUT_TYPES.get(element["type"], "text")
        step = ' step="any"' if kind == "number" else ""
        return f'<input type="{kind}"{step} data-do="fill" {marks} placeholder="{words}" value="{shown}">'


def spans_html(spans: Iterable[Span]) -> str:
    return "".join(map(_span, spans))


def _span(span: Span) -> str:
    inside = _lines(span.text if "code" in span.styles else Emoji.replace(span.text))
    for style in sorted(span.styles & set(_TAGS)):
        inside = f"<{_TAGS[style]}>{inside}</{_TAGS[style]}>"
    if span.url.startswith(("https://", "http://", "mailto:")):
        return f'<a href="{escape(span.url)}" target="_blank" rel="noopener">{inside}</a>'
    return f'<span class="mention">{inside}</span>' if span.mention or span.text.startswith("#C") else inside


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _marks(block: Json, element: Json) -> str:
    return f'data-block="{escape(block["block_id"])}" data-action="{escape(element["action_id"])}"'


def _option(text: str, value: Any, chosen: bool) -> str:
    return f"<option value='{_attribute(value)}'{' selected' if chosen else ''}>{escape(text)}</option>"


def _attribute(value: Any) -> str:
    return escape(json.dumps(value))
