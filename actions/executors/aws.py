"""The way to AWS: boto3 clients for the credentials of the job, and AWS's refusals as `TargetFault`s.

Reads are retried by botocore. Writes are sent once: what becomes of a lost answer is for the next observation
to tell, never for a second write. The endpoint comes from the standard variables (`AWS_ENDPOINT_URL`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from threading import Lock
from typing import Any, TypeVar

from botocore import UNSIGNED, exceptions
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from actions.executors.protocol import TargetFault
from actions.executors.rates import Rates
from actions.pacing import Backoff, Wait
from sallyport.changes.protocol import Access

Answer = TypeVar("Answer")

# Of a rate, in the words of one service or another; what a quota is full of is none of them.
THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestThrottled"}
    | {"RequestThrottledException", "RequestLimitExceeded", "BandwidthLimitExceeded", "EC2ThrottledException"}
)
TOO_MANY_REQUESTS = 429
QUOTAS = ("Limit", "Quota")  # in the codes for one that is full
LONGEST_WAIT = 300.0  # seconds; what AWS names beyond that is left to the next sweep
_TIMEOUTS = Config(connect_timeout=5, read_timeout=30)
_READS = _TIMEOUTS.merge(Config(retries={"mode": "standard", "total_max_attempts": 4}))
_WRITES = _TIMEOUTS.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
_UNSIGNED = _WRITES.merge(Config(signature_version=UNSIGNED))


class AwsFault(TargetFault):
    """One call that AWS refused, or answered in no way that can be understood."""

    def __init__(
        self,
        sentence: str,
        code: str,
        retry_after: float | None = None,
        *,
        passing: bool = False,
        beyond: bool = False,
        throttled: bool = False,
    ) -> None:
        super().__init__(sentence, passing=passing or throttled, beyond=beyond)
        self.code = code
        self.retry_after = retry_after  # seconds, where AWS said
        self.throttled = throttled  # nothing was done, and the same may be asked for later


class Clients:
    """boto3 clients by service and region, each made once, since making one takes a third of a second.

    Threads may share it: clients may be used by many at once, and only making one may not. A job without a role
    gets none, and is told why by a fault. With *rates*, every read waits for its turn, and so does its repetition.
    """

    def __init__(self, *, has_role: bool = True, rates: Rates | None = None) -> None:
        self._has_role = has_role
        self._rates = rates
        self._no_role: AwsFault | None = None
        self._lock = Lock()
        self._alone: defaultdict[str, Lock] = defaultdict(Lock)
        self._session: Any = None
        self._made: dict[tuple[str, str, bool], Any] = {}

    def reader(self, service: str, access: Access) -> Any:
        """Return a client whose calls may be repeated."""
        return self._client(service, access.region, _READS, writes=False)

    def writer(self, service: str, access: Access) -> Any:
        """Return a client that sends each call once."""
        return self._client(service, access.region, _WRITES, writes=True)

    def alone(self, name: str) -> Lock:
        """Return the lock to hold while something that several targets share is read and replaced as a whole."""
        with self._lock:
            return self._alone[name]

    def _client(self, service: str, region: str, config: Config, *, writes: bool) -> Any:
        import boto3  # a fifth of a second that commands without AWS should not pay

        key = (service, region, writes)
        with self._lock:
            self._session = self._session or boto3.Session()
            if not self._has_role:
                self._no_role = self._no_role or _without_role(self._session, region)
                raise self._no_role
            if key not in self._made:
                made = self._made[key] = self._session.client(service, region_name=region, config=config)
                if self._rates and not writes:
                    made.meta.events.register("before-send", self._rates.turns(service, region))
            return self._made[key]


def _without_role(session: Any, region: str) -> AwsFault:
    """Return why a job could not assume its role, as far as a call can tell that needs none.

    AWS refuses that call, which is an answer: then it is our role, or its trust, and nothing that passes.
    """
    try:
        identity = session.client("sts", region_name=region, config=_UNSIGNED)
        ask("GetCallerIdentity", identity.get_caller_identity)
    except AwsFault as fault:
        if fault.passing:
            said = f"The job got no role, since AWS gives no answer: {fault}"
            return AwsFault(said, fault.code, passing=True, beyond=True)
    said = "The job could not assume its role, although AWS answers: the run's log says why, at the step before."
    return AwsFault(said, "NoRole")


def ask(operation: str, call: Callable[[], Answer]) -> Answer:
    """Return what *call* returns; AwsFault names *operation* and AWS's code if it fails."""
    try:
        return call()
    except ClientError as error:
        raise _refused(operation, error) from error
    except BotoCoreError as error:
        name = type(error).__name__
        lost = isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError)
        raise AwsFault(f"AWS did not answer {operation} ({name}: {error}).", name, passing=lost) from error
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        ResponseParserError,
    ) as error:  # botocore fell over a strange answer
        raise AwsFault(
            f"AWS answered {operation} in a way that cannot be read ({error!r}).", "Unreadable", passing=True
        ) from error


def insist(
    operation: str, call: Callable[[], Answer], backoff: Backoff, wait: Wait, busy: Collection[str] = ()
) -> Answer:
    """Like `ask`, but try again while AWS throttles the call, or refuses it with a code of *busy*.

    Those say that nothing was done, too.
    """
    for pause in backoff.pauses():
        try:
            return ask(operation, call)
        except AwsFault as fault:
            if not fault.throttled and fault.code not in busy:
                raise
            wait(max(pause, fault.retry_after or 0.0))
    return ask(operation, call)


def confirm_account(clients: Clients, access: Access, account: str, missing: str) -> None:
    """Raise TargetFault for credentials of another account: they would make everything look gone."""
    identity = clients.reader("sts", access)
    found = ask("GetCallerIdentity", lambda: str(identity.get_caller_identity()["Account"]))
    if found != account:
        raise TargetFault(f"The job's credentials are of account {found}, and {missing} is not there.")


def request_id(answer: Mapping[str, Any]) -> str:
    """Return AWS's id of the call, by which CloudTrail and AWS support find it."""
    return str(answer["ResponseMetadata"].get("RequestId", "unknown"))


def _refused(operation: str, error: ClientError) -> AwsFault:
    response: Mapping[str, Any] = error.response
    code = str(response.get("Error", {}).get("Code", "unknown"))
    message = str(response.get("Error", {}).get("Message", "")).rstrip(".")
    said = f"{code}: {message}" if message else code
    status, after = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)), _retry_after(response)
    throttled = _is_throttled(code, status, after)
    return AwsFault(f"AWS refused {operation} ({said}).", code, after, passing=status >= 500, throttled=throttled)


def _is_throttled(code: str, status: int, after: float | None) -> bool:
    """Tell whether AWS has had too many calls, which passes; of too many things it has a quota, which does not.

    API Gateway has one code and status for both, `LimitExceededException` with 429, and for a rate it says when to
    come again (docs.aws.amazon.com, “LimitExceededException” of its API). One that names no code, as of a gateway
    on the way, is about a rate.
    """
    full = after is None and any(word in code for word in QUOTAS)
    return code in THROTTLED or (status == TOO_MANY_REQUESTS and not full)


def _retry_after(response: Mapping[str, Any]) -> float | None:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    text = str(response.get("retryAfterSeconds") or headers.get("retry-after") or "")
    return min(float(text), LONGEST_WAIT) if text.isdecimal() else None
