"""Open forms and home tabs: who sees which, which version is current, what has been typed into it.

A form keeps what a person chose as long as block_id, action_id and type stay the same across an update, even
if the option is no longer offered (as Slack does). It must never change a form without a new hash.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .limits import elements_of

Json = dict[str, Any]
DEEPEST = 3
_STATE_KEYS = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}


@dataclass(slots=True)
class View:
    """One form or home tab as one person has it before them; `errors` are by block_id."""

    id: str
    user: str
    definition: Json
    root_id: str
    previous_id: str | None
    hash: str
    values: dict[str, dict[str, Json]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        return list(self.definition["blocks"])


def state_key(element: Json) -> str | None:
    """The key that holds an element's value in `state.values`; None for buttons and overflow menus."""
    keys = _STATE_KEYS.get(element["type"])
    return keys[0] if keys else None


def with_ids(blocks: Sequence[Json]) -> list[Json]:
    """A copy of blocks in which every block has a block_id and every element an action_id, as Slack fills in."""
    filled = copy.deepcopy(list(blocks))
    for block in filled:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        for _, element in elements_of(block):
            element.setdefault("action_id", secrets.token_urlsafe(4))
    return filled


def located(blocks: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with the block it stands in."""
    return ((block, element) for block in blocks for _, element in elements_of(block))


def initial_values(blocks: Sequence[Json]) -> dict[str, dict[str, Json]]:
    values: dict[str, dict[str, Json]] = {}
    for block, element in located(blocks):
        if element["type"] in _STATE_KEYS:
            key, initial = _STATE_KEYS[element["type"]]
            nothing: Any = [] if key.endswith("s") else None
            state = {"type": element["type"], key: element.get(initial, nothing)}
            values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def kept_values(old: dict[str, dict[str, Json]], new: dict[str, dict[str, Json]]) -> dict[str, dict[str, Json]]:
    """`new` initial values, overridden by what stands in the same places of the old form."""

    def kept(block_id: str, action_id: str, state: Json) -> Json:
        before = old.get(block_id, {}).get(action_id)
        return before if before and before["type"] == state["type"] else state

    return {
        block_id: {action_id: kept(block_id, action_id, state) for action_id, state in states.items()}
        for block_id, states in new.items()
    }


class Views:
    """Each person's stack of open forms (the last one is on top) and home tab."""

    def __init__(self) -> None:
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}
        self._stamp = 0

    def top(self, user: str) -> View | None:
        stack = self._stacks.get(user)
        return stack[-1] if stack else None

    def home(self, user: str) -> View | None:
        return self._homes.get(user)

    def depth(self, user: str) -> int:
        return len(self._stacks.get(user, ()))

    def is_open(self, view: View) -> bool:
        return view in self._stacks.get(view.user, ()) or self._homes.get(view.user) is view

    def all(self) -> Iterator[View]:
        yield from self._homes.values()
        for stack in self._stacks.values():
            yield from stack

    def find(self, *, view_id: str | None = None, external_id: str | None = None) -> View | None:
        for view in self.all():
            if view_id == view.id or (external_id and view.definition.get("external_id") == external_id):
                return view
        return None

    def open(self, user: str, definition: Json) -> View:
        """Show a form to a person who has none; what was open before is gone."""
        view = self._new(user, definition, None)
        self._stacks[user] = [view]
        return view

    def push(self, user: str, definition: Json) -> View:
        view = self._new(user, definition, self.top(user))
        self._stacks[user].append(view)
        return view

    def publish(self, user: str, definition: Json) -> View:
        home = self._homes.get(user)
        if home is None:
            home = self._homes[user] = self._new(user, definition, None)
        else:
            self.update(home, definition)
        return home

    def update(self, view: View, definition: Json) -> None:
        view.definition = _complete(definition)
        view.values = kept_values(view.values, initial_values(view.definition["blocks"]))
        view.errors = {}
        view.hash = self._next_hash()

    def close(self, view: View) -> None:
        stack = self._stacks.get(view.user, [])
        if view in stack:
            stack.remove(view)

    def clear(self, user: str) -> None:
        self._stacks.pop(user, None)

    def _new(self, user: str, definition: Json, below: View | None) -> View:
        view_id = "V0" + secrets.token_hex(5).upper()
        complete = _complete(definition)
        root = below.root_id if below else view_id
        values = initial_values(complete["blocks"])
        return View(view_id, user, complete, root, below.id if below else None, self._next_hash(), values)

    def _next_hash(self) -> str:
        self._stamp += 1
        return f"{self._stamp}.{secrets.token_hex(4)}"


def _complete(definition: Json) -> Json:
    return {**definition, "blocks": with_ids(definition["blocks"])}
