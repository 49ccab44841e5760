"""The workspace in a browser: what one person sees, and buttons that do what a person's would.

Its calls stand under /sandbox/, apart from the Web API under /api/. It must never show what the person cannot see.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from . import interactions
from .limits import elements_of
from .markup import Markup
from .person import Person
from .state import Posted, State
from .views import View, state_key
from .world import World

Json = dict[str, Any]
_PAGE = Path(__file__).with_name("page.html")


def routes(world: World) -> list[Route]:
    async def whole(_: Request) -> Response:
        return HTMLResponse(_PAGE.read_text(encoding="utf-8"))

    async def sight(request: Request) -> Response:
        asked = request.query_params
        with world.state.look():
            if asked.get("revision") == str(world.state.revision):
                return JSONResponse({"same": True})
            return JSONResponse(seen(world, asked["person"], asked.get("where", ""), asked.get("thread", "")))

    async def deed(request: Request) -> Response:
        body = json.loads(await request.body())
        try:
            return JSONResponse(await run_in_threadpool(done, world, body))
        except (AssertionError, KeyError) as error:
            return JSONResponse({"notice": str(error)})

    return [
        Route("/", whole),
        Route("/archives/{path:path}", whole),
        Route("/sandbox/state", sight),
        Route("/sandbox/act", deed, methods=["POST"]),
    ]


def seen(world: World, name: str, where: str, thread: str) -> Json:
    """Everything the page draws for one person, with the rendered parts as HTML."""
    member = world.workspace.named(name)
    state = world.state
    places = [{"id": channel.id, "name": f"# {channel.name}"} for channel in world.channels_of(member.id)]
    places.append({"id": state.open_direct(member.id), "name": world.workspace.bot_name.capitalize()})
    place = next(
        (p for p in places if where in (p["id"], p["name"].removeprefix("# "))), places[-1 if where == "dm" else 0]
    )
    messages = [m for m in state.messages if m.channel == place["id"] and m.visible_to(member.id)]
    view, home = state.views.top(member.id), state.views.home(member.id)
    people = [m for m in world.workspace.members if not m.deleted and not m.is_bot]
    return {
        "revision": state.revision,
        "team": world.workspace.team_name,
        "people": [{"name": m.name, "real_name": m.real_name} for m in people],
        "places": places,
        "place": place,
        "commands": dict(world.commands),
        "shortcuts": list(world.shortcuts),
        "messages": "".join(_message(world, member.id, m) for m in messages if m.thread_ts is None),
        "thread": "".join(
            _message(world, member.id, m) for m in messages if thread and thread in (m.ts, m.thread_ts)
        ),
        "form": _view(world, view) if view else None,
        "home": _view(world, home) if home else None,
    }


def _message(world: World, user: str, posted: Posted) -> str:
    reader, now = world.reader(user), posted.now
    markup = Markup(reader, posted.values.get(user, {}), {})
    body = markup.blocks(now.blocks) if now.blocks else f"<p>{markup.mrkdwn(now.text)}</p>"
    moment = datetime.fromtimestamp(float(posted.ts), ZoneInfo(reader.tz))
    is_app = posted.author == world.workspace.bot_user_id
    author = escape(reader.person(posted.author))
    edited = ' <span class="muted">(edited)</span>' if len(posted.versions) > 1 else ""
    only = '<p class="muted">Only visible to you</p>' if posted.audience else ""
    face = f'<div class="face{" app" if is_app else ""}">{author[:1]}</div>'
    badge = " <i>APP</i>" if is_app else ""
    who = f'<div class="who"><b>{author}</b>{badge} <time>{moment:%H:%M}</time>{edited}</div>'
    return (
        f'<article data-surface="message:{posted.channel}:{posted.ts}" id="m{posted.ts.replace(".", "")}"'
        f"{' class=ephemeral' if posted.audience else ''}>{face}"
        f'<div class="grow">{who}{only}{body}{_replies(world.state, user, posted)}</div></article>'
    )


def _replies(state: State, user: str, posted: Posted) -> str:
    count = sum(
        m.thread_ts == posted.ts and m.channel == posted.channel and m.visible_to(user) for m in state.messages
    )
    words = f"{count} {'reply' if count == 1 else 'replies'}"
    return f'<button class="replies" data-thread="{posted.ts}">{words}</button>' if count else ""


def _view(world: World, view: View) -> Json:
    reader, definition = world.reader(view.user), view.definition
    return {
        "id": view.id,
        "version": f"{view.id} {view.hash} {json.dumps(view.errors)}",
        "title": reader.words(definition.get("title")),
        "submit": reader.words(definition.get("submit")),
        "close": reader.words(definition.get("close")) or "Cancel",
        "trouble": view.errors.get(interactions.WHOLE_FORM, ""),
        "html": Markup(reader, view.values, view.errors).blocks(view.blocks),
    }


def done(world: World, body: Json) -> Json:
    """Do what the page's person did, and say what they should be told."""
    person = Person(world, world.workspace.named(body["person"]))
    return _DEEDS[body["do"]](world, person, body)


def _say(_: World, person: Person, body: Json) -> Json:
    line = body["line"].strip()
    if not line.startswith("/"):
        person.says(line, body["where"], body.get("thread") or None)
        return {}
    answer = person.types(line, body["where"])
    return {} if answer.ok else {"notice": answer.text}


def _shortcut(_: World, person: Person, body: Json) -> Json:
    answer = person.uses_shortcut(body["name"])
    return {} if answer.ok else {"notice": answer.text}


def _press(world: World, person: Person, body: Json) -> Json:
    surface, block, element = _located(world, person, body)
    chosen = {"selected_option": body["option"]} if body.get("option") else {}
    answer = interactions.act(world, person.id, surface, block, element, chosen)
    return {} if answer.ok else {"notice": answer.text}


def _set(world: World, person: Person, body: Json) -> Json:
    surface, block, element = _located(world, person, body)
    value = body["value"]
    if element["type"] == "datetimepicker" and value:
        zone = ZoneInfo(world.reader(person.id).tz)
        value = int(datetime.fromisoformat(value).replace(tzinfo=zone).timestamp())
    if body.get("add"):
        states = surface.values if isinstance(surface, View) else surface.values.get(person.id, {})
        before = states.get(block["block_id"], {}).get(element["action_id"], {}).get("selected_options", [])
        value = [*before, value] if value not in before else before
    interactions.set_value(world, person.id, surface, block, element, value or None)
    if not interactions.tells_app(block, element):
        return {}
    answer = interactions.act(world, person.id, surface, block, element, {state_key(element) or "": value or None})
    return {} if answer.ok else {"notice": answer.text}


def _options(world: World, person: Person, body: Json) -> Json:
    surface, block, element = _located(world, person, body)
    offered = interactions.suggestions(world, person.id, surface, block, element, body["typed"])
    reader = world.reader(person.id)
    return {"options": [{"words": reader.words(option["text"]), "option": option} for option in offered]}


def _submit(world: World, person: Person, body: Json) -> Json:
    interactions.submit(world, _open_view(world, person, body["view"]))
    return {}


def _close(world: World, person: Person, body: Json) -> Json:
    interactions.close(world, _open_view(world, person, body["view"]))
    return {}


def _home(world: World, person: Person, _: Json) -> Json:
    interactions.open_home(world, person.id)
    return {}


_DEEDS: Mapping[str, Callable[[World, Person, Json], Json]] = {
    "say": _say,
    "shortcut": _shortcut,
    "press": _press,
    "set": _set,
    "options": _options,
    "submit": _submit,
    "close": _close,
    "home": _home,
}


def _open_view(world: World, person: Person, view_id: str) -> View:
    with world.state.look():
        view = world.state.views.find(view_id=view_id)
        if view is None or view.user != person.id:
            raise AssertionError("this form is closed")
        return view


def _located(world: World, person: Person, body: Json) -> tuple[Posted | View, Json, Json]:
    """The message or form, block and element that the page's ids mean."""
    with world.state.look():
        surface = _surface(world, person, body["surface"])
        blocks = surface.blocks if isinstance(surface, View) else surface.now.blocks
        for block in blocks:
            for _, element in elements_of(block):
                if (block["block_id"], element["action_id"]) == (body["block"], body["action"]):
                    return surface, block, element
    raise AssertionError("this is no longer there")


def _surface(world: World, person: Person, name: str) -> Posted | View:
    kind, _, rest = name.partition(":")
    if kind == "view":
        return _open_view(world, person, rest)
    channel, _, ts = rest.partition(":")
    for posted in world.state.messages:
        if (posted.channel, posted.ts) == (channel, ts) and posted.visible_to(person.id):
            return posted
    raise AssertionError("this message is no longer there")
