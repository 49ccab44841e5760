"""How long Slack waits for its acknowledgement, beside a Bolt app that does nothing on the same server.

Open loop: requests are sent when they are due, whether or not the earlier ones were answered, and each is
measured from the moment it was due. The coordinator, worker included, runs on one core, the load on the other.
The two apps take turns, round by round, so that a busy neighbour spoils both.
Run by hand: python -m benchmarks.ack [--rate 50] [--seconds 5] [--rounds 4]
"""

from __future__ import annotations

import hashlib
import hmac
import json
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click

from sandbox.company import open_company
from sandbox.slack import sample_workspace

SECRET = sample_workspace().signing_secret
Payload = Callable[[int], dict[str, str]]


def signed(body: str) -> dict[str, str]:
    """Sign a body as Slack does (v0)."""
    stamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
    }


def load(url: str, payload: Payload, rate: int, seconds: int) -> list[float]:
    """Send *rate* requests a second and return each one's delay, in milliseconds, from when it was due."""
    delays: list[float] = []
    lock = threading.Lock()
    start = time.monotonic() + 0.2

    def send(number: int) -> None:
        due = start + number / rate
        time.sleep(max(0.0, due - time.monotonic()))
        body = urllib.parse.urlencode(payload(number))
        request = urllib.request.Request(url, body.encode(), signed(body))
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
        with lock:
            delays.append((time.monotonic() - due) * 1000)

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(send, range(rate * seconds)))
    return delays


def command(text: str) -> Payload:
    """A slash command; each has its own trigger."""

    def make(number: int) -> dict[str, str]:
        fields = {"command": "/prod-access" if text else "/apiwhitelisting", "text": text, "user_id": "U0ANA"}
        common = {"team_id": "T0ACME", "channel_id": "C0INFRA", "response_url": "http://localhost:9/none"}
        return {**fields, **common, "trigger_id": f"{time.time_ns()}.{number}", "api_app_id": "A0", "token": "x"}

    return make


def submission(number: int) -> dict[str, str]:
    """A filled-in whitelisting form; each is its own view."""
    chosen = {"environment": "prod", "method:prod": "POST", "api:prod": "payments", "duration:prod": "30d"}
    typed = {"path": "/v1/charges", "source": f"198.51.100.{number % 250 + 1}/32", "reason": "load"}
    values: dict[str, object] = {
        block: {f"answer:{block.split(':')[0]}": {"type": "static_select", "selected_option": {"value": value}}}
        for block, value in {**chosen, "approver:prod": "U0LEE"}.items()
    }
    values |= {block: {f"answer:{block}": {"type": "plain_text_input", "value": v}} for block, v in typed.items()}
    view = {
        "id": f"V{time.time_ns()}{number}",
        "type": "modal",
        "callback_id": "ask",
        "private_metadata": json.dumps({"flow": "api-whitelisting", "environment": "prod"}),
        "state": {"values": values},
        "hash": "1",
    }
    body = {"type": "view_submission", "user": {"id": "U0ANA"}, "team": {"id": "T0ACME"}, "view": view}
    return {"payload": json.dumps(body)}


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Bind this process, and what it starts, to one core while the block lasts."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def do_nothing(port: int, slack_url: str, cores: Collection[int]) -> None:
    """Serve a Bolt app whose listeners only acknowledge, on the same server as the coordinator."""
    import anyio.to_thread
    import uvicorn
    from slack_bolt import App, BoltRequest
    from slack_sdk import WebClient
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    os.sched_setaffinity(0, cores)
    bolt = App(client=WebClient(token=sample_workspace().bot_token, base_url=slack_url), signing_secret=SECRET)
    for name in ("/prod-access", "/apiwhitelisting"):
        bolt.command(name)(lambda ack: ack())
    bolt.view("ask")(lambda ack: ack())

    async def events(request: Request) -> Response:
        body = (await request.body()).decode()
        asked = BoltRequest(body=body, headers={k: [v] for k, v in request.headers.items()})
        answer = await anyio.to_thread.run_sync(bolt.dispatch, asked)
        return Response(answer.body, answer.status)

    app = Starlette(routes=[Route("/slack/events", events, methods=["POST"])])
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="error", access_log=False)


def report(name: str, delays: list[float]) -> None:
    """Print one line of figures."""
    ordered = sorted(delays)
    p99 = ordered[int(len(ordered) * 0.99)]
    slow = sum(delay > 3000 for delay in ordered)
    click.echo(
        f"{name:<34} n={len(ordered):5}  p50 {statistics.median(ordered):7.1f}  p99 {p99:7.1f}  "
        f"max {ordered[-1]:7.1f} ms  over 3 s: {slow}"
    )


@click.command()
@click.option("--rate", default=50, help="Requests a second.")
@click.option("--seconds", default=5, help="How long each round lasts.")
@click.option("--rounds", default=4, help="How often the apps take turns.")
def main(rate: int, seconds: int, rounds: int) -> None:
    """Measure both apps in turn."""
    with tempfile.TemporaryDirectory() as folder:
        with on_core(0):  # the coordinator inherits it
            opening = open_company(Path(folder), http=True)
            company = opening.__enter__()
        os.sched_setaffinity(0, {1})
        try:
            slack_url = f"{company.addresses['slack']}/api/"
            idle = multiprocessing.get_context("spawn").Process(
                target=do_nothing, args=(8899, slack_url, {0}), daemon=True
            )
            idle.start()
            wait_for(8899)
            url, floor = f"{company.coordinator.url}/slack/events", "http://localhost:8899/slack/events"
            measures: list[tuple[str, Payload]] = [
                ("command that opens a form", command("")),
                ("form submitted", submission),
            ]
            for name, payload in measures:
                taken: dict[str, list[float]] = {"do-nothing": [], "coordinator": []}
                for _ in range(rounds):
                    taken["do-nothing"] += load(floor, payload, rate, seconds)
                    taken["coordinator"] += load(url, payload, rate, seconds)
                for app, delays in taken.items():
                    report(f"{name}, {app}", delays)
            idle.terminate()
        finally:
            opening.__exit__(None, None, None)


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://localhost:{port}/", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)


if __name__ == "__main__":
    main()
