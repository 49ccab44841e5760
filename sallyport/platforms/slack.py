"""Slack's Web API as the coordinator uses it: typed, one request for one call, every failure told apart.

It never sends a write a second time (slack_sdk's own retries are off: after a dropped connection they post
twice) and never decides what people read: words and blocks come from the caller, escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from sallyport.platforms.errors import Refused, Unknown
from sallyport.platforms.slack_answers import (
    EVENT_TYPE,
    Home,
    Posted,
    SlackUser,
    accepted,
    listed,
    marker_of,
    member,
    next_cursor,
    part,
    posted,
    string,
    told_apart,
)

__all__ = ["Posted", "Slack", "SlackUser"]

API_URL = "https://slack.com/api/"
TIMEOUT = 10  # seconds to connect, and again for each wait on a part of the answer
_PAGE = 200  # what Slack recommends
_LOOK_PAGES = 10  # a look back reads 2000 messages, then admits that it does not know
_USER_PAGES = 500

Block = Mapping[str, Any]
View = Mapping[str, Any]


class Slack:
    """One workspace, as our bot. Its methods fail with Refused, TryLater or Unknown."""

    def __init__(self, web: WebClient) -> None:
        self._web = web

    @classmethod
    def connect(cls, token: str, api_url: str | None = None, *, timeout: int = TIMEOUT) -> Slack:
        """Return a client that sends everything once; it makes no request yet."""
        web = WebClient(token, base_url=api_url or API_URL, timeout=timeout, retry_handlers=[])
        web.proxy = None  # urllib reads the same variables itself and, unlike the SDK, honours NO_PROXY
        return cls(web)

    def home(self) -> Home:
        """Return where the app is installed, and as whom."""
        with told_apart("say where we are"):
            answer = self._web.auth_test()
            enterprise = str(answer.get("enterprise_id") or "")
            return Home(string(answer, "team_id"), enterprise, string(answer, "user_id"))

    # Messages

    def post(
        self,
        channel: str,
        text: str,
        *,
        marker: str,
        blocks: Sequence[Block] = (),
        thread_ts: str | None = None,
    ) -> Posted:
        """Post a message that `find` can recognise by its *marker*; *text* is what notifications show."""
        with told_apart("post a message"):
            answer = self._web.chat_postMessage(
                channel=channel,
                text=text,
                blocks=_dicts(blocks) or None,
                thread_ts=thread_ts,
                metadata=_metadata(marker),
            )
            return posted(answer)

    def update(
        self, channel: str, ts: str, text: str, blocks: Sequence[Block] = (), *, marker: str | None = None
    ) -> Posted:
        """Replace a message of ours whole, its blocks too; Slack keeps its marker unless another is given."""
        with told_apart("update a message"):
            answer = self._web.chat_update(
                channel=channel,
                ts=ts,
                text=text,
                blocks=_dicts(blocks),
                metadata=_metadata(marker) if marker is not None else None,
            )
            return posted(answer)

    def whisper(
        self, channel: str, user: str, text: str, blocks: Sequence[Block] = (), *, thread_ts: str | None = None
    ) -> None:
        """Show *text* to *user* alone; Slack may drop it if they are away, and nothing can find it again."""
        with told_apart("show a message to one person"):
            self._web.chat_postEphemeral(
                channel=channel, user=user, text=text, blocks=_dicts(blocks) or None, thread_ts=thread_ts
            )

    def respond(self, response_url: str, text: str, blocks: Sequence[Block] = ()) -> None:
        """Answer the person who clicked or typed, through the address Slack gave us (5 uses, 30 minutes)."""
        what = "answer through a response_url"
        with told_apart(what):
            hook = WebhookClient(response_url, timeout=int(self._web.timeout), retry_handlers=[])
            hook.proxy = None  # as in connect
            sent = hook.send(
                text=text, blocks=_dicts(blocks) or None, response_type="ephemeral", replace_original=False
            )
            accepted(what, sent)

    def open_dm(self, user: str) -> str:
        """Return the id of the conversation between our bot and *user*."""
        with told_apart("open a direct message"):
            return string(part(self._web.conversations_open(users=user), "channel"), "id")

    def permalink(self, channel: str, ts: str) -> str:
        """Return the address of a message for a browser."""
        with told_apart("give a message's address"):
            return string(self._web.chat_getPermalink(channel=channel, message_ts=ts), "permalink")

    def find(
        self, channel: str, marker: str, thread_ts: str | None = None, oldest: str | None = None
    ) -> Posted | None:
        """Return our message with that *marker*, or None if there is surely none since *oldest*.

        The look before a second post: in one thread, or at the channel's top level. A marker on somebody
        else's message does not count. Unknown where there are more messages than it reads.
        """
        with told_apart("look for a message of ours"):
            for message in self._messages(channel, thread_ts, oldest):
                if marker_of(message) == marker and message.get("user") == self._bot_user_id:
                    return Posted(channel, string(message, "ts"))
        return None

    def _messages(self, channel: str, thread_ts: str | None, oldest: str | None) -> Iterator[Mapping[str, Any]]:
        cursor: str | None = None
        for _ in range(_LOOK_PAGES):
            answer = self._message_page(channel, thread_ts, oldest, cursor)
            yield from listed(answer, "messages")
            cursor = next_cursor(answer)
            if cursor is None:
                return
        raise Unknown("Slack", "look for a message of ours", f"over {_LOOK_PAGES * _PAGE} messages to look at")

    def _message_page(
        self, channel: str, thread_ts: str | None, oldest: str | None, cursor: str | None
    ) -> SlackResponse:
        bounds: dict[str, Any] = {"oldest": oldest, "cursor": cursor, "limit": _PAGE}
        if thread_ts is None:
            return self._web.conversations_history(channel=channel, include_all_metadata=True, **bounds)
        return self._web.conversations_replies(channel=channel, ts=thread_ts, include_all_metadata=True, **bounds)

    @cached_property
    def _bot_user_id(self) -> str:
        return self.home().bot_user_id

    # People

    def user(self, user_id: str) -> SlackUser:
        """Return the member with that id; Refused with `user_not_found` if there is none."""
        with told_apart("describe a member"):
            return member(part(self._web.users_info(user=user_id), "user"))

    def user_by_email(self, email: str) -> SlackUser | None:
        """Return the member with that address, or None."""
        try:
            with told_apart("find a member by e-mail"):
                return member(part(self._web.users_lookupByEmail(email=email), "user"))
        except Refused as refusal:
            if "users_not_found" in refusal.reasons:
                return None
            raise

    def users(self) -> tuple[SlackUser, ...]:
        """Return every member, deactivated ones too; Slack allows 20 pages a minute, so keep the answer."""
        members: list[SlackUser] = []
        cursor: str | None = None
        with told_apart("list the members"):
            for _ in range(_USER_PAGES):
                answer = self._web.users_list(limit=_PAGE, cursor=cursor)
                members += map(member, listed(answer, "members"))
                cursor = next_cursor(answer)
                if cursor is None:
                    return tuple(members)
        raise Unknown("Slack", "list the members", f"there is always another page after {_USER_PAGES}")

    def usergroup_members(self, usergroup_id: str) -> tuple[str, ...]:
        """Return the user ids in a group; deactivated people may be among them."""
        with told_apart("list a user group"):
            answer = self._web.usergroups_users_list(usergroup=usergroup_id)
            return tuple(map(str, listed(answer, "users")))

    # Views

    def open_view(self, trigger_id: str, view: View) -> str:
        """Open a modal and return its id; the trigger lives 3 seconds and works once."""
        with told_apart("open a form"):
            return string(part(self._web.views_open(trigger_id=trigger_id, view=dict(view)), "view"), "id")

    def publish_view(self, user: str, view: View) -> None:
        """Show a view as the home tab of *user*, in place of the one before."""
        with told_apart("show the home tab"):
            self._web.views_publish(user_id=user, view=dict(view))

    def update_view(self, view_id: str, view: View, hash: str | None = None) -> str:  # noqa: A002 - Slack's word
        """Replace a modal and return its id; with *hash*, Refused if the person has moved on since."""
        with told_apart("update a form"):
            answer = self._web.views_update(view_id=view_id, view=dict(view), hash=hash)
            return string(part(answer, "view"), "id")


def _metadata(marker: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"effect": marker}}


def _dicts(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    return [dict(block) for block in blocks]
