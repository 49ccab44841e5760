"""Web API methods about forms (modals) and home tabs."""

from __future__ import annotations

from typing import Any

from .limits import view_problems, view_too_large
from .payloads import view_json
from .state import Refused, State
from .views import DEEPEST, View
from .web_api import Call, Method

Json = dict[str, Any]


def checked_view(state: State, definition: Any, kind: str, updated: View | None = None) -> Json:
    """A view's definition if Slack would take it as a `kind` (modal or home)."""
    if view_too_large(definition):
        raise Refused("view_too_large")
    if problems := view_problems(definition):
        raise Refused("invalid_arguments", *problems)
    checked: Json = definition
    if checked["type"] != kind:
        raise Refused("invalid_arguments", f"[ERROR] must be a {kind} view [json-pointer:/view/type]")
    external_id = checked.get("external_id")
    if external_id and any(
        v.definition.get("external_id") == external_id for v in state.views.all() if v is not updated
    ):
        raise Refused("duplicate_external_ids")
    return checked


def _shown(call: Call, view: View) -> Json:
    return {"view": view_json(view, call.workspace)}


def views_open(call: Call) -> Json:
    definition = checked_view(call.state, call.arguments["view"], "modal")
    trigger = call.state.use_trigger(call.text("trigger_id"))
    return _shown(call, call.state.views.open(trigger.user, definition))


def views_push(call: Call) -> Json:
    definition = checked_view(call.state, call.arguments["view"], "modal")
    trigger = call.state.use_trigger(call.text("trigger_id"))
    below = call.state.views.top(trigger.user)
    if below is None or trigger.view_id is None:
        raise Refused("invalid_trigger_id", "a view is pushed with a trigger from inside an open modal")
    if call.state.views.depth(trigger.user) >= DEEPEST:
        raise Refused("push_limit_reached")
    return _shown(call, call.state.views.push(trigger.user, definition))


def views_update(call: Call) -> Json:
    if ("view_id" in call.arguments) == ("external_id" in call.arguments):
        raise Refused("invalid_arguments", "[ERROR] give either view_id or external_id")
    view = call.state.views.find(
        view_id=call.text("view_id") or None, external_id=call.text("external_id") or None
    )
    if view is None:
        raise Refused("not_found")
    definition = checked_view(call.state, call.arguments["view"], view.definition["type"], view)
    if "hash" in call.arguments and call.text("hash") != view.hash:
        raise Refused("hash_conflict")
    call.state.views.update(view, definition)
    return _shown(call, view)


def views_publish(call: Call) -> Json:
    user = call.text("user_id")
    member = call.workspace.member(user)
    if member is None or member.deleted or member.is_bot:
        raise Refused("invalid_arguments", "[ERROR] no such person [json-pointer:/user_id]")
    home = call.state.views.home(user)
    definition = checked_view(call.state, call.arguments["view"], "home", home)
    if home and "hash" in call.arguments and call.text("hash") != home.hash:
        raise Refused("hash_conflict")
    return _shown(call, call.state.views.publish(user, definition))


METHODS = {
    "views.open": Method(views_open, "", ("trigger_id", "view")),
    "views.push": Method(views_push, "", ("trigger_id", "view")),
    "views.update": Method(views_update, "", ("view",), ("view_id", "external_id", "hash")),
    "views.publish": Method(views_publish, "", ("user_id", "view"), ("hash",)),
}
