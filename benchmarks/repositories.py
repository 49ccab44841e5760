"""Repositories with very many live entries, as years of use would leave them: signed, valid, in real git.

Half of the entries let addresses into APIs (a hundred an API, four deadlines), half give access to accounts.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from itertools import chain, islice, product
from pathlib import Path

import yaml

from sallyport.attestations import Signer, read_signer
from sallyport.changes import Change
from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.prod_access import ProdAccess
from sallyport.changes.sources import Source, SourceKind
from sallyport.entries import Approval, Entry, Thread
from sallyport.ids import ALPHABET
from sallyport.times import utc_now
from sandbox.installation import AUTHOR, PRODUCT, install

FOR_EACH_API = 100
FOR_EACH_ACCOUNT = 50
PATHS = ("/v1/charges", "/v1/orders/*")
FIRST_ADDRESS = int(IPv4Address("81.0.0.1"))


@dataclass(frozen=True, slots=True)
class Repository:
    """A clone whose last commit brought one entry to many, or to none."""

    root: Path
    newest: Entry


def repository(folder: Path, count: int, now: datetime | None = None) -> Repository:
    """Make a repository with *count* live entries below *folder*, and one more that came last."""
    folder.mkdir(parents=True)
    installed = install(folder, policies=_catalogue(count))
    signer = read_signer(installed.signing_key, installed.policies.keys)
    entries = _entries(count + 1, now or utc_now().replace(microsecond=0))
    _commit(installed.bare, "Many", _files(islice(entries, count), signer))
    newest = next(entries)
    _commit(installed.bare, "One more", _files(iter((newest,)), signer))
    root = folder / "clone"
    _git(folder, "clone", "--quiet", str(installed.bare), str(root))
    return Repository(root, newest)


def _catalogue(count: int) -> dict[str, str]:
    """Return the lists of so many APIs and accounts, beside those that there are."""
    places = {"rest_api": "", "stage": "live", "endpoint": "regional"}
    apis = {
        f"api-{n:05}": {
            "title": f"API {n}",
            "owners": ["lee@example.com"],
            "in": {"prod": {**places, "rest_api": f"a{n:09}"}},
        }
        for n in range(count // 2 // FOR_EACH_API + 1)
    }
    accounts = {
        f"account-{n:05}": {
            "title": f"Account {n}",
            "owners": ["lee@example.com"],
            "in": {"prod": {"account": f"{n:012}"}},
        }
        for n in range(count // 2 // FOR_EACH_ACCOUNT + 1)
    }
    lists = PRODUCT / "policies" / "catalogue"
    return {
        "catalogue/apis.yaml": (lists / "apis.yaml").read_text() + yaml.safe_dump(apis),
        "catalogue/accounts.yaml": (lists / "accounts.yaml").read_text() + yaml.safe_dump(accounts),
    }


def _entries(count: int, now: datetime) -> Iterator[Entry]:
    """Yield entries that policy accepts, of both flows in turn."""
    names = ("".join(letters) for letters in product(ALPHABET, repeat=6))
    for number, name in zip(range(count), names, strict=False):
        flow = ("api-whitelisting", "prod-access")[number % 2]
        life = timedelta(days=30 + number % 4) if number % 2 == 0 else timedelta(hours=8)
        yield Entry(
            id=f"{'aw' if number % 2 == 0 else 'pa'}-{name}",
            flow=flow,
            environment="prod",
            requested_by="ana@example.com",
            reason="Partner go-live, contract 4711",
            expires_at=now + life,
            changes=(_change(number),),
            approvals=(Approval("lee@example.com", now, "slack"),),
            asked="lee@example.com" if number % 2 == 0 else "",
            ticket=f"OPS-{number}",
            thread=Thread("C0INFRA", "1732180364.000200"),
        )


def _change(number: int) -> Change:
    half = number // 2
    if number % 2:
        return ProdAccess(f"account-{half // FOR_EACH_ACCOUNT:05}", "ProdReadOnly")
    source = Source(SourceKind.CIDR, (f"{IPv4Address(FIRST_ADDRESS + 2 * half)}/32",))
    return ApiWhitelisting(f"api-{half // FOR_EACH_API:05}", "live", "POST", PATHS[half % 2], source)


def _files(entries: Iterator[Entry], signer: Signer) -> Iterator[tuple[str, bytes]]:
    """Yield the files as the coordinator writes them, but by libyaml: there are very many."""
    for entry in entries:
        mapping = signer.sign(entry).to_mapping()
        text = yaml.dump(mapping, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=110)
        yield entry.path, text.encode()


def _commit(bare: Path, message: str, files: Iterator[tuple[str, bytes]]) -> None:
    """Commit files to main without a working tree, however many."""
    who = b"committer Acme Operators <operators@example.com> %d +0000\n" % datetime.now(UTC).timestamp()
    head = b"commit refs/heads/main\n%sdata %d\n%s\nfrom refs/heads/main^0\n" % (
        who,
        len(message),
        message.encode(),
    )
    each = (b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data) for path, data in files)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=bare, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        importer.stdin.writelines(chain((head,), each))
    if importer.returncode:
        raise RuntimeError("git fast-import failed")


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, env={**os.environ, **AUTHOR}, check=True)
