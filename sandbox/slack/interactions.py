"""What Slack does when somebody types, presses, chooses, submits or closes: deliver, wait, obey the answer.

An answer that Slack would not take raises AppFault; it must never be shown to the person as success.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import payloads
from .api_messages import checked_content
from .api_views import checked_view
from .delivery import Ack
from .limits import option_problems
from .required import unfinished
from .state import Posted, Refused
from .views import DEEPEST, View, state_key
from .world import World

Json = dict[str, Any]
Errors = dict[str, str]
TROUBLE = "We had some trouble connecting. Try again?"
WHOLE_FORM = ""  # the key of an error that belongs to no field
_COMMAND_ANSWER = {"text", "blocks", "response_type", "unfurl_links", "unfurl_media"}


class AppFault(AssertionError):
    """The app answered with something Slack would refuse."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person saw come back at once: `ok` is False when Slack showed a failure; `dialog` was confirmed."""

    ok: bool
    text: str = ""
    blocks: tuple[Json, ...] = ()
    seconds: float = 0.0
    dialog: str = ""


def type_command(world: World, user: str, channel: str, line: str) -> Answer:
    """Type a line that starts with `/` in a channel."""
    command, _, text = line.partition(" ")
    if command not in world.commands:
        return Answer(ok=False, text=f"{command} is not a valid command.")
    with world.state.change():
        trigger = world.state.grant_trigger(user, None)
        url = world.response_url(channel, user, None)
    place, typed = (channel, world.channel_name(channel)), (command, text.strip())
    payload = payloads.command_payload(world.workspace, user, place, typed, trigger, url)
    ack = world.courier.send("slash_commands", payload)
    if not ack.ok:
        return Answer(ok=False, text=f'{command} failed with the error "{ack.error}"', seconds=ack.seconds)
    return _command_answer(world, user, channel, ack)


def _command_answer(world: World, user: str, channel: str, ack: Ack) -> Answer:
    body = ack.body or {}
    if not body:
        return Answer(ok=True, seconds=ack.seconds)
    if not isinstance(body, dict) or not set(body) <= _COMMAND_ANSWER:
        raise AppFault(f"a command's acknowledgement may carry {sorted(_COMMAND_ANSWER)}, not {body!r}")
    text, strict = body.get("text", ""), world.strict_accessibility
    blocks = _accepted(lambda: checked_content(text, body.get("blocks", []), strict_accessibility=strict))
    audience = None if body.get("response_type") == "in_channel" else user
    with world.state.change():
        world.state.post(channel, world.workspace.bot_user_id, text, blocks, audience=audience)
    reader = world.reader(user)
    shown = reader.blocks(blocks) if blocks else reader.mrkdwn(text)
    return Answer(ok=True, text=shown.text, blocks=tuple(blocks), seconds=ack.seconds)


def _accepted(check: Any) -> Any:
    try:
        return check()
    except Refused as error:
        raise AppFault(f"Slack refuses the app's answer: {error.error} {'; '.join(error.messages)}") from None


def set_value(world: World, user: str, surface: Posted | View, block: Json, element: Json, value: Any) -> None:
    """Write what was chosen or typed into the form's (or the message's) state."""
    key = state_key(element)
    if key is None:
        return
    with world.state.change():
        values = surface.values if isinstance(surface, View) else surface.values.setdefault(user, {})
        place = values.setdefault(block["block_id"], {})
        place[element["action_id"]] = {"type": element["type"], key: value}


def tells_app(block: Json, element: Json) -> bool:
    """Whether using an element of this block sends block_actions at once.

    A field for text tells of what is typed only if it asks to; by default it waits for Enter.
    """
    if block["type"] != "input":
        return True
    if element["type"].endswith("_input"):
        asked = element.get("dispatch_action_config", {}).get("trigger_actions_on", ())
        return bool(block.get("dispatch_action")) and "on_character_entered" in asked
    return bool(block.get("dispatch_action"))


def act(world: World, user: str, surface: Posted | View, block: Json, element: Json, chosen: Json) -> Answer:
    """Send block_actions for one element; `chosen` is the part of the action that says what was chosen."""
    shown: Json = {key: element[key] for key in ("text", "value", "style", "placeholder") if key in element}
    action: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        **shown,
        **chosen,
        "action_ts": world.state.tick(),
    }
    with world.state.change():
        view_id = surface.id if isinstance(surface, View) else None
        trigger = world.state.grant_trigger(user, view_id)
        payload = _action_payload(world, user, surface, action)
    ack = world.courier.send("interactive", {**payload, "trigger_id": trigger})
    text = "" if ack.ok else f"This action failed: {ack.error}"
    return Answer(ok=ack.ok, text=text, seconds=ack.seconds)


def _action_payload(world: World, user: str, surface: Posted | View, action: Json) -> Json:
    if isinstance(surface, View):
        return payloads.view_action(world.workspace, surface, action)
    url = world.response_url(surface.channel, user, surface.ts)
    name = world.channel_name(surface.channel)
    return payloads.message_action(world.workspace, user, surface, name, action, url)


def suggestions(
    world: World, user: str, surface: Posted | View, block: Json, element: Json, query: str
) -> Sequence[Json]:
    """The options an external menu offers for what has been typed so far; none when the app is late."""
    if len(query) < element.get("min_query_length", 3):
        return ()
    container = _container(world, surface)
    place = {"block_id": block["block_id"], "action_id": element["action_id"]}
    payload = payloads.suggestion(world.workspace, user, container, place, query)
    ack = world.courier.send("interactive", payload)
    if not ack.ok:
        return ()
    if problems := option_problems(ack.body):
        raise AppFault(f"Slack would show 'No results': {'; '.join(problems)}")
    groups = ack.body.get("option_groups") or [ack.body]
    return [option for group in groups for option in group.get("options", ())]


def _container(world: World, surface: Posted | View) -> Json:
    if isinstance(surface, View):
        shown = payloads.view_json(surface, world.workspace)
        return {"container": {"type": "view", "view_id": surface.id}, "view": shown}
    place = {"type": "message", "message_ts": surface.ts, "channel_id": surface.channel}
    channel = {"id": surface.channel, "name": world.channel_name(surface.channel)}
    return {"container": place, "channel": channel, "message": payloads.message_json(surface, world.workspace)}


def submit(world: World, view: View) -> Errors:
    """Press the form's submit button. Errors by block_id; none when it was closed, updated or pushed over."""
    if errors := unfinished(view):
        return _failed(world, view, errors)
    with world.state.change():
        view.errors = {}
        trigger = world.state.grant_trigger(view.user, view.id)
        payload = {**payloads.submission(world.workspace, view), "trigger_id": trigger}
    ack = world.courier.send("interactive", payload)
    if not ack.ok:
        return _failed(world, view, {WHOLE_FORM: TROUBLE})
    return _obey(world, view, ack.body or {})


def _failed(world: World, view: View, errors: Errors) -> Errors:
    with world.state.change():
        view.errors = errors
    return errors


def _obey(world: World, view: View, body: Json) -> Errors:
    match body:
        case {"response_action": "errors", "errors": dict() as errors, **rest} if errors and not rest:
            return _failed(world, view, _checked_errors(view, errors))
        case {"response_action": "update" | "push" as action, "view": definition, **rest} if not rest:
            updated = view if action == "update" else None
            checked = _accepted(lambda: checked_view(world.state, definition, "modal", updated))
            _show(world, view, action, checked)
        case {"response_action": "clear", **rest} if not rest:
            with world.state.change():
                world.state.views.clear(view.user)
        case dict() if not body:
            with world.state.change():
                world.state.views.close(view)
        case _:
            raise AppFault(f"not an answer to view_submission: {body!r}")
    return {}


def _checked_errors(view: View, errors: Errors) -> Errors:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if strangers := set(errors) - inputs:
        raise AppFault(f"response_action errors for {sorted(strangers)}; this form's inputs are {sorted(inputs)}")
    return errors


def _show(world: World, view: View, action: str, definition: Json) -> None:
    with world.state.change():
        if action == "update":
            world.state.views.update(view, definition)
        elif world.state.views.depth(view.user) >= DEEPEST:
            raise AppFault("push_limit_reached: three forms are on top of each other already")
        else:
            world.state.views.push(view.user, definition)


def close(world: World, view: View) -> None:
    """Dismiss a form; the app hears of it only if it asked to (notify_on_close)."""
    cleared = bool(view.definition.get("clear_on_close"))
    with world.state.change():
        if cleared:
            world.state.views.clear(view.user)
        else:
            world.state.views.close(view)
    if view.definition.get("notify_on_close"):
        world.courier.send("interactive", payloads.closure(world.workspace, view, is_cleared=cleared))


def use_shortcut(world: World, user: str, name: str) -> Answer:
    """Choose a global shortcut of the app by its name, anywhere in Slack."""
    if name not in world.shortcuts:
        return Answer(ok=False, text=f"There is no shortcut {name!r}; there are: {list(world.shortcuts)}")
    with world.state.change():
        trigger = world.state.grant_trigger(user, None)
        ts = world.state.tick()
    payload = payloads.shortcut(world.workspace, user, world.shortcuts[name], trigger, ts)
    ack = world.courier.send("interactive", payload)
    return Answer(ok=ack.ok, text=ack.error, seconds=ack.seconds)


def write(world: World, user: str, channel: str, text: str, thread_ts: str | None) -> Posted:
    """Write a message; one that mentions the app in a channel it is in tells the app."""
    workspace = world.workspace
    place = workspace.channel(channel)
    name = f"@{workspace.bot_name}"
    mentions = place is not None and workspace.bot_user_id in place.members and name in text
    if mentions:
        text = text.replace(name, f"<@{workspace.bot_user_id}>")
    with world.state.change():
        posted = world.state.post(channel, user, text, (), thread_ts=thread_ts)
    if mentions and "app_mention" in world.events:
        world.courier.send("events_api", payloads.mention(workspace, posted))
    return posted


def open_home(world: World, user: str) -> Ack:
    """Open the app's home tab, which tells the app."""
    with world.state.change():
        world.state.open_direct(user)
        payload = payloads.home_opened(world.workspace, world.state.views.home(user), user, world.state.tick())
    return world.courier.send("events_api", payload)
