"""The one way this JIRA says no: a status with `errorMessages` and per-field `errors`.

Nothing here decides anything; the module only gives refusals their shape on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse


class JiraRefusal(Exception):
    """A request that this JIRA understood and will not serve."""

    def __init__(
        self,
        status: int,
        *messages: str,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, messages, dict(errors or {}))
        self.status = status
        self.messages = messages
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        body = {"errorMessages": list(self.messages), "errors": self.errors}
        return JSONResponse(body, status_code=self.status, headers=self.headers)


def off_screen(name: str) -> str:
    """JIRA's sentence for a field that is not on the screen, or is no field at all."""
    return f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
