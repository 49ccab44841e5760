"""The one local Slack that the Web API, the people and the page all share.

It only joins its parts; behaviour stands in the modules that use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .app import App
from .delivery import Courier
from .state import State
from .text import Reader
from .workspace import Channel, Workspace


@dataclass(slots=True)
class World:
    """`url` is the stand-in's own address, learnt from the first call it gets; response URLs start with it."""

    workspace: Workspace
    state: State
    courier: Courier
    app: App
    strict_accessibility: bool = True
    url: str = ""

    @property
    def commands(self) -> Mapping[str, str]:
        return self.app.commands

    @property
    def shortcuts(self) -> Mapping[str, str]:
        return self.app.shortcuts

    @property
    def events(self) -> frozenset[str]:
        return self.app.events

    def reader(self, user: str) -> Reader:
        member = self.workspace.member(user)
        return Reader(self.workspace, member.tz if member else "UTC")

    def channel_name(self, channel_id: str) -> str:
        found = self.workspace.channel(channel_id)
        return found.name if found else "directmessage"

    def place(self, user: str, where: str) -> str:
        """The channel id of what a person calls `dm` or `infra-requests`; an error when they are not in it."""
        if where == "dm" or where in self.state.direct:
            return self.state.open_direct(user)
        found = self.workspace.channel(where)
        if found is None or user not in found.members:
            known = ", ".join(channel.name for channel in self.channels_of(user))
            raise AssertionError(f"{user} is not in #{where.removeprefix('#')}; they see: dm, {known}")
        return found.id

    def channels_of(self, user: str) -> tuple[Channel, ...]:
        return tuple(channel for channel in self.workspace.channels if user in channel.members)

    def response_url(self, channel: str, user: str, ts: str | None) -> str:
        if not self.url:
            raise AssertionError("the stand-in does not know its address: set SlackStandIn.url")
        return f"{self.url}/response/{self.state.grant_response_url(channel, user, ts)}"
