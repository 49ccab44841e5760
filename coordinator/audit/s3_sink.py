"""Records as objects of an S3 bucket with Object Lock: a key is created once, and its record kept for a time.

The only AWS the coordinator speaks to: it may put and read records in this bucket and nothing else anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)

from coordinator.audit.records import Record
from coordinator.audit.sink import Found
from sallyport.platforms.errors import LETS_NOBODY_IN, PlatformError, Refused, TryLater, Unknown

SUFFIX = ".json"
_PLATFORM = "S3"
_EXPIRED = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired"})  # with 400
# A lease is 90 seconds; one call takes a tenth of it at most. Path style also serves S3's look-alikes.
_CALLS = Config(
    connect_timeout=3, read_timeout=8, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Which bucket, the prefix of its keys, and for how long and how strictly a record is kept."""

    name: str
    prefix: str
    mode: str  # COMPLIANCE or GOVERNANCE
    retention: timedelta


class S3Sink:
    """The sink of `s3:`; credentials, region and endpoint come from AWS's standard variables."""

    def __init__(self, bucket: Bucket, now: Callable[[], datetime]) -> None:
        self._bucket = bucket
        self._now = now
        self._made: Any = None
        self._lock = threading.Lock()

    def put(self, records: Sequence[Record]) -> None:
        for record in records:
            self._put(record)

    def read(self) -> Iterator[Found]:
        versions, deleted = self._versions()
        for key in sorted(versions.keys() | deleted):
            place = f"s3://{self._bucket.name}/{key}"
            if key in deleted:
                yield Found(place, "", "somebody deleted it: a delete marker stands over it")
            if len(versions.get(key, ())) > 1:
                yield Found(place, "", "it has more than one version: somebody wrote over it")
            for version in reversed(versions.get(key, ())):
                yield Found(place, self._get(key, version).decode("utf-8", "replace"))

    def _put(self, record: Record) -> None:
        key, body = self._key(record), record.line.encode()
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        until = self._now() + self._bucket.retention
        try:
            self._client.put_object(
                Bucket=self._bucket.name,
                Key=key,
                Body=body,
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",  # Object Lock wants the algorithm named as well
                ChecksumSHA256=checksum,
                IfNoneMatch="*",
                ObjectLockMode=self._bucket.mode,
                ObjectLockRetainUntilDate=until,
            )
        except (ClientError, BotoCoreError) as error:
            if _code(error) != "PreconditionFailed":
                raise _failed(f"take {key}", error) from error
            self._insist_on_same(key, body)

    def _insist_on_same(self, key: str, body: bytes) -> None:
        """The key exists: an earlier attempt made it, or somebody else's record stands there."""
        if self._get(key) != body:
            raise Refused(_PLATFORM, f"take {key}", "another record stands there; run “coordinator audit verify”")

    def _get(self, key: str, version: str = "") -> bytes:
        wanted = {"VersionId": version} if version else {}
        try:
            answer = self._client.get_object(Bucket=self._bucket.name, Key=key, **wanted)
            return bytes(answer["Body"].read())
        except (ClientError, BotoCoreError) as error:
            raise _failed(f"show {key}", error) from error

    def _versions(self) -> tuple[dict[str, list[str]], set[str]]:
        """Return the versions of every key below the prefix, newest first as S3 has them, and the deleted keys."""
        versions: dict[str, list[str]] = {}
        deleted: set[str] = set()
        pages = self._client.get_paginator("list_object_versions")
        try:
            for page in pages.paginate(Bucket=self._bucket.name, Prefix=self._bucket.prefix):
                deleted |= {marker["Key"] for marker in page.get("DeleteMarkers", [])}
                for one in page.get("Versions", []):
                    versions.setdefault(one["Key"], []).append(one["VersionId"])
        except (ClientError, BotoCoreError) as error:
            raise _failed("list its records", error) from error
        return versions, deleted

    def _key(self, record: Record) -> str:
        return f"{self._bucket.prefix}{record.key}{SUFFIX}"

    @property
    def _client(self) -> Any:
        with self._lock:
            self._made = self._made or boto3.Session().client("s3", config=_CALLS)
            return self._made


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _is_of_credentials(status: int, code: str) -> bool:
    """Tell whether S3 refuses who asks: a right that lacks for one record lacks for all.

    docs.aws.amazon.com, “Error responses” in the API reference of S3; a clock that is wrong is 403 there too.
    """
    return code in _EXPIRED or (status == 403 and code != "RequestTimeTooSkewed")


def _failed(what: str, error: Exception) -> PlatformError:
    """Translate what botocore lets out. Whether a record arrived is no riddle: putting it again is harmless."""
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return TryLater(_PLATFORM, what, "no connection")
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return Refused(_PLATFORM, what, "the coordinator has no AWS credentials", reasons=(LETS_NOBODY_IN,))
    if not isinstance(error, ClientError):
        return Unknown(_PLATFORM, what, f"{type(error).__name__}: {error}")
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    said = f"{_code(error)}: {error.response.get('Error', {}).get('Message', '')}"
    if status in {409, 429, 503}:
        return TryLater(_PLATFORM, what, said)
    if 400 <= status < 500:
        reasons = (LETS_NOBODY_IN,) if _is_of_credentials(status, _code(error)) else ()
        return Refused(_PLATFORM, what, said, status=status, reasons=reasons)
    return Unknown(_PLATFORM, what, said)
