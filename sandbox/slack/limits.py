"""Says why Slack would refuse a message, a form or a list of options; silence means it would not.

The tables are in shapes.py; here stand the rules that tie several places together. It must never repair input.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from .shapes import MESSAGE_BLOCKS, OPTION_GROUPS, OPTIONS, VIEW, Problems

Json = dict[str, Any]
LARGEST_VIEW = 250_000  # bytes of JSON
LONGEST_TEXT = 4_000  # Slack takes up to 40 000 on posting and cuts; 4 000 is its own bound on chat.update


def message_problems(blocks: Any) -> list[str]:
    """Everything wrong with a message's blocks."""
    problems = Problems()
    MESSAGE_BLOCKS(blocks, "/blocks", problems)
    if not problems.messages:
        _check_together(blocks, "/blocks", problems)
    return problems.messages


def view_problems(view: Any) -> list[str]:
    """Everything wrong with a modal or home view."""
    problems = Problems()
    VIEW(view, "/view", problems)
    if problems.messages:
        return problems.messages
    blocks = view["blocks"]
    _check_together(blocks, "/view/blocks", problems)
    elements = [each for at, block in _placed(blocks, "/view/blocks") for each in elements_of(block, at)]
    if sum(element.get("focus_on_load", False) for _, element in elements) > 1:
        problems.add("/view/blocks", "only one element may have focus_on_load")
    if view["type"] == "modal" and "submit" not in view and any(b["type"] == "input" for b in blocks):
        problems.add("/view", "missing required field: submit (the view has input blocks)")
    return problems.messages


def view_too_large(view: Any) -> bool:
    return len(json.dumps(view).encode()) > LARGEST_VIEW


def option_problems(answer: Any) -> list[str]:
    """Everything wrong with the answer to a block_suggestion; Slack would show the person no results."""
    problems = Problems()
    match answer:
        case {"options": options, **others} if not others:
            if options:
                OPTIONS(options, "/options", problems)
        case {"option_groups": groups, **others} if not others:
            if groups:
                OPTION_GROUPS(groups, "/option_groups", problems)
        case _:
            problems.add("", "must be an object with options or option_groups")
    return problems.messages


def elements_of(block: Json, at: str = "") -> Iterator[tuple[str, Json]]:
    """The interactive elements of a block with their places."""
    match block["type"]:
        case "actions":
            yield from ((f"{at}/elements/{index}", each) for index, each in enumerate(block["elements"]))
        case "input":
            yield f"{at}/element", block["element"]
        case "section" if "accessory" in block and block["accessory"]["type"] != "image":
            yield f"{at}/accessory", block["accessory"]


def options_of(element: Json) -> list[Json]:
    groups = element.get("option_groups") or [{"options": element.get("options", [])}]
    return [option for group in groups for option in group["options"]]


def _placed(blocks: Sequence[Json], at: str) -> Iterator[tuple[str, Json]]:
    return ((f"{at}/{index}", block) for index, block in enumerate(blocks))


def _check_together(blocks: Sequence[Json], at: str, problems: Problems) -> None:
    _unique([block.get("block_id") for block in blocks], "block_id", at, problems)
    for place, block in _placed(blocks, at):
        if block["type"] == "section" and "text" not in block and "fields" not in block:
            problems.add(place, "missing required field: text or fields")
        elements = list(elements_of(block, place))
        _unique([element.get("action_id") for _, element in elements], "action_id", place, problems)
        for element_place, element in elements:
            _check_element(element, element_place, problems)


def _check_element(element: Json, at: str, problems: Problems) -> None:
    static = element["type"] in ("static_select", "multi_static_select")
    if static and ("options" in element) == ("option_groups" in element):
        problems.add(at, "must have either options or option_groups")
        return
    if "options" in element or "option_groups" in element:
        _check_initial(element, at, problems)
    low, high = element.get("min_length"), element.get("max_length")
    if low is not None and high is not None and low > high:
        problems.add(at, "min_length must not be more than max_length")


def _check_initial(element: Json, at: str, problems: Problems) -> None:
    options = options_of(element)
    _unique([option["value"] for option in options], "option value", at, problems)
    if "initial_option" in element and element["initial_option"] not in options:
        problems.add(f"{at}/initial_option", "must be one of the options, exactly")
    for index, initial in enumerate(element.get("initial_options", ())):
        if initial not in options:
            problems.add(f"{at}/initial_options/{index}", "must be one of the options, exactly")


def _unique(names: Sequence[str | None], what: str, at: str, problems: Problems) -> None:
    for name, times in Counter(name for name in names if name is not None).items():
        if times > 1:
            problems.add(at, f"{what} {name!r} stands {times} times; it must be unique")
