"""The local Slack as one object: an ASGI app for the product to talk to, people for tests to act as.

It must never be more generous than Slack: what it does not know it refuses.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from sandbox.faults import Faults, FaultyApp

from . import api_messages, api_people, api_views, page
from .app import App
from .delivery import Ack, Courier, Delivery, Sockets
from .person import Person
from .state import Refused, State
from .web_api import Call, WebApi
from .workspace import Workspace, sample_workspace
from .world import World

Json = dict[str, Any]
METHODS = api_people.METHODS | api_messages.METHODS | api_views.METHODS


class SlackStandIn:
    """`request_url` None means Socket Mode; an address means signed HTTP POSTs to it (settable later).

    `app` is what the installed app has registered, or just its commands with their descriptions; the scopes of a
    manifest go before those of the workspace. `clock` gives unix seconds for triggers, response
    URLs and message ids; acknowledgements are always timed by the real clock (`ack_seconds`, 3 as in Slack).
    """

    def __init__(
        self,
        workspace: Workspace | None = None,
        app: App | Mapping[str, str] | None = None,
        request_url: str | None = None,
        *,
        strict_accessibility: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        workspace = workspace or sample_workspace()
        registered = app if isinstance(app, App) else App(app or {})
        if registered.scopes:
            workspace = replace(workspace, scopes=registered.scopes)
        self.sockets = Sockets(workspace.app_id)
        self.courier = Courier(self.sockets, workspace.signing_secret, request_url)
        self.world = World(workspace, State(clock), self.courier, registered, strict_accessibility)
        self.faults = Faults()
        self.app = FaultyApp(self._routes(), self.faults)

    @property
    def workspace(self) -> Workspace:
        return self.world.workspace

    @workspace.setter
    def workspace(self, workspace: Workspace) -> None:
        self.world.workspace = workspace

    @property
    def request_url(self) -> str | None:
        return self.courier.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.courier.request_url = url

    @property
    def url(self) -> str:
        return self.world.url

    @url.setter
    def url(self, url: str) -> None:
        self.world.url = url

    @property
    def ack_seconds(self) -> float:
        return self.courier.ack_seconds

    @ack_seconds.setter
    def ack_seconds(self, seconds: float) -> None:
        self.courier.ack_seconds = seconds

    @property
    def deliveries(self) -> list[Delivery]:
        """Everything that was sent to the app, in order."""
        return list(self.courier.sent)

    @property
    def timeouts(self) -> list[Delivery]:
        """What the app did not acknowledge in time."""
        return list(self.courier.timeouts)

    def person(self, name: str) -> Person:
        return Person(self.world, self.workspace.named(name))

    def deactivate(self, name: str) -> None:
        """Somebody leaves the company: their account is deactivated, their messages stay."""
        self.workspace = self.workspace.with_member(replace(self.workspace.named(name), deleted=True))

    def waits_for_app(self, sockets: int = 1, timeout: float = 10) -> None:
        """Wait until the app has `sockets` open Socket Mode connections."""
        if not self.sockets.wait_for(sockets, timeout):
            raise AssertionError(f"{self.sockets.count} sockets are open after {timeout} s, not {sockets}")

    def replay(self, n: int = -1) -> Ack:
        """Deliver the n-th delivery again, byte for byte (same envelope id, or same signature and timestamp)."""
        return self.courier.carry(self.courier.sent[n])

    def press_raw(self, payload: Json) -> Ack:
        """Deliver a hand-made interaction or command, properly signed, that no person could have caused."""
        return self.courier.send("slash_commands" if "command" in payload else "interactive", payload)

    def forge(
        self,
        payload: Json | None = None,
        *,
        secret: str | None = None,
        age: float = 0.0,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """POST a payload (default: the last) with a wrong secret, a stale timestamp or broken headers.

        Returns the HTTP status, 0 when there was no answer.
        """
        return self.courier.forged(payload, secret, age, headers or {}).status

    def _routes(self) -> Starlette:
        api = WebApi(METHODS, self._call)
        return Starlette(
            routes=[
                Route("/api/{method:path}", api.endpoint, methods=["GET", "POST"]),
                Route("/response/{token}", self._respond, methods=["POST"]),
                WebSocketRoute("/link", self.sockets.endpoint),
                *page.routes(self.world),
            ]
        )

    def _call(self, request: Request, arguments: Json) -> Call:
        base_url = f"{request.url.scheme}://{request.url.netloc}"
        self.world.url = self.world.url or base_url

        def open_socket() -> str:
            return f"{base_url.replace('http', 'ws', 1)}/link?ticket={self.sockets.ticket()}"

        world = self.world
        return Call(arguments, world.workspace, world.state, base_url, world.strict_accessibility, open_socket)

    async def _respond(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except ValueError:
            return PlainTextResponse("invalid_payload", 400)
        world, token = self.world, request.path_params["token"]
        try:
            with world.state.change():
                api_messages.respond(
                    world.state, world.workspace, token, body, strict_accessibility=world.strict_accessibility
                )
        except Refused as error:
            gone = error.error.endswith("_url")
            answer = {"ok": False, "error": error.error, "messages": list(error.messages)}
            return JSONResponse(answer, 404 if gone else 400)
        return PlainTextResponse("ok")
