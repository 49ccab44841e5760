"""The coordinator's HTTP side: Slack's requests (where it is not in Socket Mode), health and metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence

import anyio.to_thread
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from slack_bolt import BoltRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from coordinator.metrics import ACK_SECONDS, observe_journal
from coordinator.service import Service

_TIMESTAMP = re.compile(r"[0-9]{1,12}")  # unix seconds
_MOST_BYTES = 1 << 20  # a form full of text in any script is a third of that


def web_app(service: Service) -> Starlette:
    """Return the ASGI application of one replica."""

    async def events(request: Request) -> Response:
        if not _TIMESTAMP.fullmatch(request.headers.get("x-slack-request-timestamp", "")):
            return PlainTextResponse("no moment that Slack would send", 401)  # Bolt raises where this is no number
        content = await _read(request)
        if content is None:
            return PlainTextResponse("more than Slack would send", 413)
        try:
            bolt_request = _bolt_request(request, content.decode("utf-8", errors="replace"))
        except (ValueError, TypeError, AttributeError, LookupError, RuntimeError):  # the last: nested too deeply
            return PlainTextResponse("no payload that Slack would send", 400)
        with ACK_SECONDS.time():
            answer = await anyio.to_thread.run_sync(service.bolt.dispatch, bolt_request)
        headers = {name: values[0] for name, values in answer.headers.items()}
        return Response(answer.body, answer.status, headers)

    async def live(_: Request) -> Response:
        return PlainTextResponse("alive")

    async def ready(_: Request) -> Response:
        state = {"ready": service.is_ready}
        return JSONResponse(state, 200 if service.is_ready else 503)

    async def metrics(_: Request) -> Response:
        await anyio.to_thread.run_sync(observe_journal, service.journal)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/livez", live), Route("/readyz", ready), Route("/metrics", metrics)]
    if not service.config.socket_mode:
        routes.append(Route("/slack/events", events, methods=["POST"]))
    return Starlette(routes=routes)


def _bolt_request(request: Request, body: str) -> BoltRequest:
    """Let Bolt read the payload, which it does before it looks at the signature."""
    headers: dict[str, str | Sequence[str]] = {name: [value] for name, value in request.headers.items()}
    return BoltRequest(body=body, query=str(request.url.query), headers=headers)


async def _read(request: Request) -> bytes | None:
    """Return the body; None if it is longer than Slack's, for nobody has been asked yet who sent it."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BYTES:
            return None
    return bytes(content)
