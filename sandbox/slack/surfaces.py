"""A form, a home tab or a message in front of a person, who knows only the words on it.

Everything is found by visible text; two things that look alike are an error, because a person could not tell
them apart either. It must never use an action id, a block id or a value to find something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from . import interactions
from .api_messages import permalink
from .interactions import WHOLE_FORM, Answer
from .limits import options_of
from .state import Posted, Version
from .text import Reader, Values, Visible, squeezed
from .views import View, located, state_key
from .world import World

Json = dict[str, Any]
T = TypeVar("T")
Place = tuple[Json, Json]  # a block and one of its elements
_PRESSED = ("button", "overflow")
_MANY = ("checkboxes", "multi_static_select", "multi_external_select", "multi_users_select")
_WRITTEN = ("plain_text_input", "number_input", "email_text_input", "url_text_input")


class Surface:
    """Blocks that one person sees and can use."""

    def __init__(self, world: World, user: str, target: Posted | View) -> None:
        self._world = world
        self._user = user
        self._target = target

    @property
    def _reader(self) -> Reader:
        return self._world.reader(self._user)

    @property
    def _blocks(self) -> Sequence[Json]:
        return self._target.blocks if isinstance(self._target, View) else self._target.now.blocks

    @property
    def _values(self) -> Values:
        target = self._target
        return target.values if isinstance(target, View) else target.values.get(self._user, {})

    def _check_usable(self) -> None:
        """Raise AssertionError when the person no longer has this in front of them."""

    @property
    def buttons(self) -> list[str]:
        """The words on the buttons, in order."""
        with self._world.state.look():
            return [self._words(element) for _, element in located(self._blocks) if element["type"] == "button"]

    @property
    def labels(self) -> list[str]:
        """The names of the fields and menus, in order."""
        with self._world.state.look():
            return [self._label(place) for place in self._fields()]

    def press(self, text: str, *, confirm: bool = True) -> Answer:
        """Press the button (or overflow menu item) that says `text`, and answer its dialog if it has one."""
        block, element, chosen = self._button(text)
        dialog = self._dialog(element.get("confirm"))
        if dialog and not confirm:
            return Answer(ok=True, dialog=dialog)
        answer = interactions.act(self._world, self._user, self._target, block, element, chosen)
        return Answer(answer.ok, answer.text, (), answer.seconds, dialog)

    def options(self, label: str, typed: str = "") -> list[str]:
        """The texts a menu offers when opened, or after typing `typed` into it."""
        place = self._field(label)
        return [self._reader.words(option["text"]) for option in self._offered(place, typed)]

    def choose(self, label: str, *texts: str) -> Answer:
        """Choose options by their texts (several only where the menu takes several)."""
        place = self._field(label)
        options = [self._option(place, label, text) for text in texts]
        element = place[1]
        if element["type"] in _MANY:
            options = [*self._chosen(place), *(option for option in options if option not in self._chosen(place))]
            return self._set(place, self._stripped(element, options))
        if len(options) != 1:
            raise AssertionError(f"{label!r} takes one choice, not {len(options)}")
        return self._set(place, self._stripped(element, options)[0])

    def clear(self, label: str) -> Answer:
        """Empty a field or menu."""
        place = self._field(label)
        return self._set(place, [] if place[1]["type"] in _MANY else None)

    def fill(self, label: str, text: str) -> Answer:
        """Type into a field; dates as 2026-12-31, times as 18:30, both joined by a space for a moment."""
        place = self._field(label)
        kind = place[1]["type"]
        if kind == "datetimepicker":
            moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(self._reader.tz))
            return self._set(place, int(moment.timestamp()))
        if kind not in (*_WRITTEN, "datepicker", "timepicker"):
            raise AssertionError(f"{label!r} is a {kind}: choose, do not type")
        return self._set(place, text or None)

    def value(self, label: str) -> str:
        """What a field or menu shows as chosen or typed; empty when nothing."""
        block, element = self._field(label)
        return self._reader.value(self._values.get(block["block_id"], {}).get(element["action_id"], {}))

    def _set(self, place: Place, value: Any) -> Answer:
        self._check_usable()
        block, element = place
        interactions.set_value(self._world, self._user, self._target, block, element, value)
        if not interactions.tells_app(block, element):
            return Answer(ok=True)
        chosen = {state_key(element) or "": value}
        return interactions.act(self._world, self._user, self._target, block, element, chosen)

    def _words(self, element: Json) -> str:
        return self._reader.words(element["text"])

    def _fields(self) -> list[Place]:
        return [place for place in located(self._blocks) if place[1]["type"] not in _PRESSED]

    def _label(self, place: Place) -> str:
        block, element = place
        if block["type"] == "input":
            return self._reader.words(block["label"])
        if block["type"] == "section":
            return self._reader.words(block.get("text"))
        return self._reader.words(element.get("placeholder"))

    def _field(self, label: str) -> Place:
        self._check_usable()
        with self._world.state.look():
            found = [place for place in self._fields() if squeezed(self._label(place)) == squeezed(label)]
            return _only(found, label, "fields", self.labels)

    def _button(self, text: str) -> tuple[Json, Json, Json]:
        self._check_usable()
        with self._world.state.look():
            pressable = [
                (shown, (block, element, chosen))
                for block, element in located(self._blocks)
                for shown, chosen in self._pressable(element)
            ]
            found = [press for shown, press in pressable if squeezed(shown) == squeezed(text)]
            return _only(found, text, "buttons", [shown for shown, _ in pressable])

    def _pressable(self, element: Json) -> list[tuple[str, Json]]:
        if element["type"] == "button":
            return [(self._words(element), {})]
        if element["type"] == "overflow":
            return [(self._words(option), {"selected_option": option}) for option in element["options"]]
        return []

    def _dialog(self, confirm: Json | None) -> str:
        if not confirm:
            return ""
        return "\n".join(self._reader.words(confirm[part]) for part in ("title", "text", "confirm", "deny"))

    def _offered(self, place: Place, typed: str) -> Sequence[Json]:
        block, element = place
        if "external" in element["type"]:
            return interactions.suggestions(self._world, self._user, self._target, block, element, typed)
        if "users" in element["type"]:
            people = self._world.workspace.everybody
            return [{"text": {"type": "plain_text", "text": m.real_name}, "value": m.id} for m in people]
        return options_of(element)

    def _option(self, place: Place, label: str, text: str) -> Json:
        external = "external" in place[1]["type"]
        seen: list[str] = []
        for typed in ("", text, text.split()[0]) if external else ("",):
            offered = self._offered(place, typed)
            found = [o for o in offered if squeezed(self._reader.words(o["text"])) == squeezed(text)]
            if found:
                return _only(found, text, f"options of {label!r}", seen)
            seen.extend(self._reader.words(option["text"]) for option in offered)
        raise AssertionError(f"{label!r} does not offer {text!r}; it offers: {seen}")

    def _chosen(self, place: Place) -> list[Json]:
        block, element = place
        state = self._values.get(block["block_id"], {}).get(element["action_id"], {})
        if element["type"] == "multi_users_select":
            return [option for option in self._offered(place, "") if option["value"] in state["selected_users"]]
        return list(state.get("selected_options", ()))

    def _stripped(self, element: Json, options: list[Json]) -> list[Any]:
        return [option["value"] for option in options] if "users" in element["type"] else options


class Form(Surface):
    """An open form (modal). It is read live: when the app updates the form, this shows the update."""

    _target: View

    @property
    def is_open(self) -> bool:
        with self._world.state.look():
            return self._world.state.views.is_open(self._target)

    @property
    def title(self) -> str:
        return self._reader.words(self._target.definition.get("title"))

    @property
    def text(self) -> str:
        """All that can be read on the form, from the title to the buttons."""
        with self._world.state.look():
            definition = self._target.definition
            shown = self._reader.blocks(self._blocks, self._values, self._target.errors).text
            ends = [self._reader.words(definition.get(part)) for part in ("submit", "close")]
            whole = self._target.errors.get(WHOLE_FORM, "")
            return "\n".join(part for part in (self.title, whole, shown, *ends) if part)

    @property
    def errors(self) -> dict[str, str]:
        """The errors shown now, by the label of their field; trouble with the whole form stands under ''."""
        labels = {block["block_id"]: self._label((block, element)) for block, element in self._fields()}
        return {labels.get(block_id, WHOLE_FORM): error for block_id, error in self._target.errors.items()}

    def submit(self) -> dict[str, str]:
        """Press the submit button: errors by label; none when the form was closed, updated or pushed over."""
        self._check_usable()
        if "submit" not in self._target.definition:
            raise AssertionError(f"the form {self.title!r} has no submit button")
        interactions.submit(self._world, self._target)
        return self.errors

    def close(self) -> None:
        self._check_usable()
        interactions.close(self._world, self._target)

    def waits_for(self, sight: str | Callable[[Form], Any], timeout: float = 10) -> Form:
        """Wait until the form shows a text, or until `sight(form)` is true."""
        reached: Callable[[Form], Any] = (
            (lambda form: squeezed(sight) in squeezed(form.text)) if isinstance(sight, str) else sight
        )
        if self._world.state.wait_for(lambda: True if reached(self) else None, timeout) is None:
            wanted = repr(sight) if isinstance(sight, str) else "what was waited for"
            raise AssertionError(f"the form does not show {wanted} after {timeout} s; it shows:\n{self.text}")
        return self

    def _check_usable(self) -> None:
        with self._world.state.look():
            top = self._world.state.views.top(self._user)
            if not self.is_open:
                raise AssertionError(f"the form {self.title!r} is closed")
            if self._target.definition["type"] == "modal" and top is not self._target:
                raise AssertionError(f"the form {self.title!r} is covered by another")


class Message(Surface):
    """A message as one person sees it. It is read live; `history` keeps what it said before."""

    _target: Posted

    @property
    def ts(self) -> str:
        return self._target.ts

    @property
    def thread_ts(self) -> str | None:
        return self._target.thread_ts

    @property
    def visible(self) -> Visible:
        return self._seen(self._target.now)

    @property
    def visible_text(self) -> str:
        """The words of its blocks with the choices made, or its text when it has no blocks."""
        return self.visible.text

    @property
    def fallback(self) -> str:
        """What notifications and screen readers say."""
        return self._reader.mrkdwn(self._target.now.text).text

    @property
    def mentions(self) -> tuple[str, ...]:
        """Whom it notifies: user ids, group ids, `channel`, `here`, `everyone`; in its blocks or its text."""
        in_text = self._reader.mrkdwn(self._target.now.text).mentions
        return (*self.visible.mentions, *(who for who in in_text if who not in self.visible.mentions))

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        return self.visible.links

    @property
    def metadata(self) -> Json | None:
        return self._target.now.metadata

    @property
    def author(self) -> str:
        return self._reader.person(self._target.author)

    @property
    def is_ephemeral(self) -> bool:
        return self._target.audience is not None

    @property
    def history(self) -> list[Version]:
        """Every version, oldest first, the present one last."""
        with self._world.state.look():
            return list(self._target.versions)

    @property
    def texts(self) -> list[str]:
        """The visible text of every version, oldest first."""
        return [self._seen(version).text for version in self.history]

    @property
    def permalink(self) -> str:
        return permalink(self._world.workspace, self._target)

    def replies(self) -> list[Message]:
        with self._world.state.look():
            return [
                Message(self._world, self._user, posted)
                for posted in self._world.state.messages
                if posted.thread_ts == self.ts
                and posted.channel == self._target.channel
                and posted.visible_to(self._user)
            ]

    def shows(self, text: str) -> bool:
        return any(squeezed(text) in squeezed(shown) for shown in (self.visible_text, self.fallback))

    def _seen(self, version: Version) -> Visible:
        with self._world.state.look():
            if version.blocks:
                return self._reader.blocks(version.blocks, self._values)
            return self._reader.mrkdwn(version.text)

    def _check_usable(self) -> None:
        if self._target.deleted:
            raise AssertionError("the message was deleted")


def _only(found: Sequence[T], text: str, what: str, visible: Sequence[str]) -> T:
    if not found:
        raise AssertionError(f"no {what} say {text!r}; there are: {list(visible)}")
    if len(found) > 1:
        raise AssertionError(f"{len(found)} {what} say {text!r}: a person could not tell them apart")
    return found[0]
