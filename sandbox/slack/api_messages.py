"""Web API methods about conversations and messages, and the response URL that answers where something happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .limits import LONGEST_TEXT, message_problems
from .payloads import channel_json, direct_json, message_json
from .state import Posted, Refused, State
from .views import with_ids
from .web_api import Call, Method
from .workspace import Workspace

Json = dict[str, Any]
_SHOWN = ("text", "blocks", "metadata")
_LOOKS = ("unfurl_links", "unfurl_media")
_PAGE = ("cursor", "limit", "latest", "oldest", "inclusive", "include_all_metadata")
_RESPONSE_KEYS = {"text", "blocks", "response_type", "replace_original", "delete_original", "thread_ts", *_LOOKS}


def checked_content(text: Any, blocks: Any, *, strict_accessibility: bool) -> list[Json]:
    """The blocks of a message as Slack would keep them; refuses what Slack refuses."""
    if not isinstance(text, str):
        raise Refused("invalid_arguments", "[ERROR] must be a string [json-pointer:/text]")
    if problems := message_problems(blocks):
        raise Refused("invalid_blocks", *problems)
    if not text.strip() and (strict_accessibility or not blocks):
        raise Refused("no_text", "blocks need a text: it is what notifications and screen readers say")
    if len(text) > LONGEST_TEXT:
        raise Refused("msg_too_long", f"[ERROR] {len(text)} characters, more than {LONGEST_TEXT}")
    return with_ids(blocks)


def _content(call: Call, kept: Posted | None = None) -> tuple[str, list[Json]]:
    text = call.arguments.get("text", "")
    blocks = call.arguments.get("blocks", list(kept.now.blocks) if kept else [])
    return text, checked_content(text, blocks, strict_accessibility=call.strict_accessibility)


def _metadata(call: Call) -> Json | None:
    match call.arguments.get("metadata"):
        case None | {"event_type": str(), "event_payload": dict()} as metadata if (
            not metadata or len(metadata) == 2
        ):
            return metadata
    raise Refused("invalid_metadata_format", "[ERROR] metadata needs event_type and event_payload, nothing else")


def _audience(call: Call, channel: str) -> tuple[str, ...]:
    """Who is in a conversation the bot is in; refuses conversations it does not know or is not in."""
    if channel in call.state.direct:
        return (call.state.direct[channel], call.workspace.bot_user_id)
    found = call.workspace.channel(channel) if channel.startswith(("C", "G")) else None
    if found is None:
        raise Refused("channel_not_found")
    if call.workspace.bot_user_id not in found.members:
        raise Refused("channel_not_found" if found.is_private else "not_in_channel")
    return found.members


def _thread(call: Call, channel: str) -> str | None:
    thread_ts = call.text("thread_ts") or None
    if thread_ts is None:
        return None
    parent = call.state.find(channel, thread_ts)
    if parent is None:
        raise Refused("thread_not_found")
    return parent.thread_ts or thread_ts


def post_message(call: Call) -> Json:
    channel = call.text("channel")
    if member := call.workspace.member(channel):  # a user id stands for the direct message with that user
        channel = _opened(call, member.id)
    _audience(call, channel)
    text, blocks = _content(call)
    metadata, thread_ts = _metadata(call), _thread(call, channel)
    posted = call.state.post(
        channel, call.workspace.bot_user_id, text, blocks, metadata=metadata, thread_ts=thread_ts
    )
    return {"channel": channel, "ts": posted.ts, "message": message_json(posted, call.workspace, metadata=True)}


def update_message(call: Call) -> Json:
    channel = call.text("channel")
    _audience(call, channel)
    posted = call.state.find(channel, call.text("ts"))
    if posted is None:
        raise Refused("message_not_found")
    if posted.author != call.workspace.bot_user_id:
        raise Refused("cant_update_message")
    text, blocks = _content(call, posted)
    metadata = _metadata(call) if "metadata" in call.arguments else posted.now.metadata
    call.state.edit(posted, text, blocks, metadata)
    return {
        "channel": channel,
        "ts": posted.ts,
        "text": text,
        "message": message_json(posted, call.workspace, metadata=True),
    }


def post_ephemeral(call: Call) -> Json:
    channel, user = call.text("channel"), call.text("user")
    if user not in _audience(call, channel):
        raise Refused("user_not_in_channel")
    text, blocks = _content(call)
    thread_ts = _thread(call, channel)
    posted = call.state.post(channel, call.workspace.bot_user_id, text, blocks, thread_ts=thread_ts, audience=user)
    return {"message_ts": posted.ts}


def permalink(workspace: Workspace, posted: Posted) -> str:
    link = f"{workspace.url}/archives/{posted.channel}/p{posted.ts.replace('.', '')}"
    return f"{link}?thread_ts={posted.thread_ts}&cid={posted.channel}" if posted.thread_ts else link


def get_permalink(call: Call) -> Json:
    channel = call.text("channel")
    _audience(call, channel)
    posted = call.state.find(channel, call.text("message_ts"))
    if posted is None:
        raise Refused("message_not_found")
    return {"channel": channel, "permalink": permalink(call.workspace, posted)}


def _opened(call: Call, user_id: str) -> str:
    member = call.workspace.member(user_id)
    if member is None:
        raise Refused("user_not_found")
    if member.deleted:
        raise Refused("user_disabled")
    if member.is_bot or member.id == call.workspace.bot_user_id:
        raise Refused("cannot_dm_bot")
    return call.state.open_direct(user_id)


def conversations_open(call: Call) -> Json:
    users = call.text("users").split(",")
    if len(users) != 1:
        raise Refused("invalid_arguments", "[ERROR] group conversations are not part of the local Slack")
    channel = _opened(call, users[0])
    full = call.flag("return_im")
    return {"channel": direct_json(channel, users[0]) if full else {"id": channel}}


def conversations_info(call: Call) -> Json:
    channel = call.text("channel")
    if channel in call.state.direct:
        return {"channel": direct_json(channel, call.state.direct[channel])}
    found = call.workspace.channel(channel) if channel.startswith("C") else None
    if found is None or (found.is_private and call.workspace.bot_user_id not in found.members):
        raise Refused("channel_not_found")
    return {"channel": channel_json(found, call.workspace)}


def history(call: Call) -> Json:
    channel = call.text("channel")
    _audience(call, channel)
    on_record = [message for message in call.state.on_record(channel) if message.thread_ts is None]
    return _page(call, on_record[::-1], channel)


def replies(call: Call) -> Json:
    channel, ts = call.text("channel"), call.text("ts")
    _audience(call, channel)
    on_record = [message for message in call.state.on_record(channel) if ts in (message.ts, message.thread_ts)]
    if not on_record:
        raise Refused("thread_not_found")
    return _page(call, on_record, channel)


def _page(call: Call, messages: Sequence[Posted], channel: str) -> Json:
    inside = [message for message in messages if _between(call, float(message.ts))]
    limit = call.number("limit", 100, 999)
    cursor = call.text("cursor")
    if cursor and not cursor.isdigit():
        raise Refused("invalid_cursor")
    start = int(cursor or 0)
    page, more = inside[start : start + limit], len(inside) > start + limit
    metadata = call.flag("include_all_metadata")
    shown = [
        message_json(message, call.workspace, reply_count(call.state, channel, message.ts), metadata=metadata)
        for message in page
    ]
    answer: Json = {"messages": shown, "has_more": more}
    return answer | {"response_metadata": {"next_cursor": str(start + limit)}} if more else answer


def _between(call: Call, ts: float) -> bool:
    oldest, latest = float(call.text("oldest") or 0), float(call.text("latest") or "inf")
    return oldest <= ts <= latest if call.flag("inclusive") else oldest < ts < latest


def reply_count(state: State, channel: str, ts: str) -> int:
    return sum(message.thread_ts == ts for message in state.on_record(channel))


def respond(state: State, workspace: Workspace, token: str, body: Any, *, strict_accessibility: bool) -> None:
    """What a POST to a response_url does. `replace_original` means nothing where nothing was pressed."""
    if not isinstance(body, dict) or not set(body) <= _RESPONSE_KEYS:
        raise Refused("invalid_payload", f"only these keys are known: {', '.join(sorted(_RESPONSE_KEYS))}")
    if body.get("response_type", "ephemeral") not in ("ephemeral", "in_channel"):
        raise Refused("invalid_payload", "response_type must be ephemeral or in_channel")
    address = state.use_response_url(token)
    original = next((m for m in state.messages if address.ts == m.ts and address.channel == m.channel), None)
    if original and body.get("delete_original"):
        original.deleted = True
        return
    text = body.get("text", "")
    blocks = checked_content(text, body.get("blocks", []), strict_accessibility=strict_accessibility)
    if original and body.get("replace_original"):
        state.edit(original, text, blocks, original.now.metadata)
        return
    audience = None if body.get("response_type") == "in_channel" else address.user
    thread_ts = body.get("thread_ts") or (original.thread_ts if original else None)
    state.post(address.channel, workspace.bot_user_id, text, blocks, thread_ts=thread_ts, audience=audience)


METHODS = {
    "chat.postMessage": Method(post_message, "chat:write", ("channel",), (*_SHOWN, *_LOOKS, "thread_ts")),
    "chat.update": Method(update_message, "chat:write", ("channel", "ts"), _SHOWN),
    "chat.postEphemeral": Method(
        post_ephemeral, "chat:write", ("channel", "user"), ("text", "blocks", "thread_ts")
    ),
    "chat.getPermalink": Method(get_permalink, "", ("channel", "message_ts")),
    "conversations.open": Method(conversations_open, "im:write", ("users",), ("return_im",)),
    "conversations.info": Method(conversations_info, "channels:read", ("channel",)),
    "conversations.history": Method(history, "channels:history", ("channel",), _PAGE),
    "conversations.replies": Method(replies, "channels:history", ("channel", "ts"), _PAGE),
}
