"""The one exception by which a stand-in refuses, under the error codes of the real services.

It knows no protocol: `wire` turns it into the JSON, REST-JSON or XML that boto3 reads. It must never carry a
secret, because the page and the tests show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(eq=False)
class AwsError(Exception):
    """A refusal: the service's error code, a sentence, and members or headers that belong to it."""

    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
