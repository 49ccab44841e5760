"""Values that many tests of the shared language speak of: policies, and one good entry under them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from sallyport.changes.api_whitelisting import METHODS, ApiWhitelisting
from sallyport.changes.prod_access import ProdAccess
from sallyport.changes.sources import Source, SourceKind, parse_source
from sallyport.entries import Approval, Attestation, Confirmation, Entry, Grant, Thread
from sallyport.ids import ALPHABET, LENGTH
from sallyport.policies import Policies, load_policies, read_folder
from sallyport.schemas import SUFFIX

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 9, 12, 44, tzinfo=UTC)


@cache
def policy_files() -> dict[str, bytes]:
    """Policies of the world that tests speak of, with the product's own schemas.

    What operators write in the repository's `policies/` is theirs to change, and no test here depends on it.
    """
    schemas = {path: content for path, content in read_folder(ROOT / "policies").items() if path.endswith(SUFFIX)}
    return {**schemas, **read_folder(Path(__file__).parent / "example_policies")}


@cache
def policies() -> Policies:
    return load_policies(policy_files(), "0123456789abcdef")


def whitelisting(**changed: object) -> ApiWhitelisting:
    """Ana's whitelisting of a partner on the payments API of production."""
    usual = ApiWhitelisting("payments", "live", "POST", "/v1/charges", parse_source("198.51.100.10/32"))
    return replace(usual, **changed)  # type: ignore[arg-type]  # the caller names fields of the class


def entry(**changed: object) -> Entry:
    """A good entry of the flow api-whitelisting, decided by Lee, whom Ana chose."""
    usual = Entry(
        id="aw-7k3m9q",
        flow="api-whitelisting",
        environment="prod",
        requested_by="ana@example.com",
        reason="Partner go-live, contract 4711",
        expires_at=NOW + timedelta(days=30),
        changes=(whitelisting(),),
        approvals=(Approval("lee@example.com", NOW, "slack"),),
        asked="lee@example.com",
        ticket="OPS-142",
        thread=Thread("C0INFRA", "1732180364.000200"),
    )
    return replace(usual, **changed)  # type: ignore[arg-type]  # the caller names fields of the class


def access_entry(**changed: object) -> Entry:
    """A good entry of the flow prod-access, decided by Lee."""
    usual = entry(
        id="pa-7k3m9q",
        flow="prod-access",
        changes=(ProdAccess("prod-main", "ProdReadOnly"),),
        expires_at=NOW + timedelta(hours=4),
        asked="",
    )
    return replace(usual, **changed)  # type: ignore[arg-type]  # the caller names fields of the class


moments = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0))

emails = st.text("abcABC09.+-", min_size=1, max_size=8).map("{}@example.com".format)
ids = st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH)
texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=200)
_paths = st.text("abcXYZ019/._~*{}$+@:,=-", max_size=30).map("/{}".format)
_stages = st.text("abcXYZ019_-", min_size=1, max_size=12)
_numbers = st.integers(0, 10**12 - 1)

sources = st.one_of(
    st.just(Source(SourceKind.ANYWHERE)),
    st.lists(st.ip_addresses(), min_size=1, max_size=3).map(
        lambda found: Source(SourceKind.CIDR, tuple(map(str, found)))
    ),
    _numbers.map(lambda number: Source(SourceKind.VPC_ENDPOINT, (f"vpce-{number:017x}",))),
    _numbers.map(lambda number: Source(SourceKind.ACCOUNT, (f"{number:012}",))),
    _numbers.map(lambda number: Source(SourceKind.ROLE, (f"arn:aws:iam::{number:012}:role/x",))),
)
whitelistings = st.builds(
    ApiWhitelisting,
    api=st.sampled_from(["payments", "0", "null", "1e3"]),
    stage=_stages,
    method=st.sampled_from(METHODS),
    path=_paths,
    source=sources,
)
_spoken = st.lists(st.sampled_from(["on-call", "security-on-call"]), max_size=2, unique=True).map(tuple)
approvals = st.builds(Approval, emails, moments, st.sampled_from(["slack", "pull-request"]), _spoken)
grants = st.builds(Grant, st.just("policy"), moments) | st.builds(
    Grant, st.just("break-glass"), moments, _numbers.map("INC-{}".format)
)
confirmations = st.builds(
    Confirmation,
    emails,
    moments,
    st.integers(1, 10**9),
    st.text("0123456789abcdef", min_size=40, max_size=40),
    st.none() | st.integers(1, 90).map(lambda days: timedelta(days=days)),
)
entries = st.builds(
    Entry,
    id=ids.map("aw-".__add__),
    flow=st.just("api-whitelisting"),
    environment=st.sampled_from(["prod", "non-prod", "yes", "~"]),
    requested_by=emails,
    reason=texts,
    expires_at=st.none() | moments,
    changes=st.lists(whitelistings, min_size=1, max_size=2).map(tuple),
    approvals=st.lists(approvals, max_size=2).map(tuple),
    asked=st.just("") | emails,
    grant=st.none() | grants,
    confirmation=st.none() | confirmations,
    ticket=st.none() | _numbers.map("OPS-{}".format),
    thread=st.none() | _numbers.map(lambda number: Thread("C0INFRA", f"{number}.{number % 1000000:06}")),
    attestation=st.none() | st.builds(Attestation, st.text("0123456789-", min_size=1), st.just("c2lnbmF0dXJl")),
)
