"""Every AWS service that has no stand-in here, answered by moto in this process.

moto is imported at the first such call, because that takes seconds. It believes everything: use it only for what
facts say it does well.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.aws.wire import Incoming, Outgoing


class Moto:
    """moto's own WSGI application, emptied when it is first used, speaking for the caller's account."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._app: Callable[..., Iterable[bytes]] | None = None

    def answer(self, incoming: Incoming, account: str, raw_path: str) -> Outgoing:
        """Blocks while moto works: call it from a thread."""
        heard: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _exc: object = None) -> None:
            heard.append((status, headers))

        body = b"".join(self._loaded()(_environ(incoming, account, raw_path), start))
        status, headers = heard[0]
        return Outgoing(int(status.split()[0]), dict(headers), body)

    def _loaded(self) -> Callable[..., Iterable[bytes]]:
        with self._lock:
            if self._app is None:
                from moto.moto_api._internal.models import moto_api_backend
                from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

                moto_api_backend.reset()
                self._app = DomainDispatcherApplication(create_backend_app)
            return self._app


def _environ(incoming: Incoming, account: str, raw_path: str) -> dict[str, Any]:
    host, _, port = incoming.headers.get("host", "localhost").partition(":")
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in incoming.headers.items()}
    named |= {
        "HTTP_X_MOTO_ACCOUNT_ID": account,
        "CONTENT_TYPE": incoming.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(incoming.body)),
    }
    return {
        **named,
        "REQUEST_METHOD": incoming.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": incoming.path.encode().decode("latin-1"),
        "RAW_URI": raw_path,
        "QUERY_STRING": incoming.query,
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(incoming.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
