"""How long forms take with thousands of accounts in the catalogue: opening one, and each answer while one types.

Opening is measured from the command to the form that Slack has; an answer from the request to its end, over
signed HTTP, against the real coordinator process.
Run by hand: python -m benchmarks.forms [--accounts 5000] [--times 200]
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click
import yaml

from benchmarks.ack import on_core
from sandbox import installation
from sandbox.company import Company, open_company

TYPED = ("", "t", "team", "team 004", "payments", "team payments 00", "acct-04999", "nothing fits this")


@click.command()
@click.option("--accounts", default=5000, help="How many production has.")
@click.option("--times", default=200, help="How often each is measured.")
def main(accounts: int, times: int) -> None:
    """Open forms and type into them, the coordinator on one core and the rest on the other."""
    policies = {"catalogue/accounts.yaml": _catalogue_of(accounts)}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        with on_core(0):  # the coordinator inherits it
            company = stack.enter_context(open_company(Path(folder), http=True, policies=policies))
        os.sched_setaffinity(0, {1})
        _report("form opened", [_open(company) for _ in range(max(1, times // 10))])
        for typed in TYPED:
            _report(f"typed {typed!r}", [_type(company, typed) for _ in range(times)])


def _open(company: Company) -> float:
    ana = company.slack.person("ana")
    begun = time.monotonic()
    answer = ana.types("/prod-access", channel="infra-requests")
    form = ana.waits_for_form("Production access")
    took = time.monotonic() - begun
    assert answer.ok
    assert "Account" in form.labels
    form.close()
    return took


def _type(company: Company, typed: str) -> float:
    if company.slack.person("ana").form is None:
        company.slack.person("ana").types("/prod-access", channel="infra-requests")
        company.slack.person("ana").waits_for_form("Production access").options("Account", typed)
    last = next(d for d in reversed(company.slack.deliveries) if d.payload.get("type") == "block_suggestion")
    begun = time.monotonic()
    ack = company.slack.press_raw({**last.payload, "value": typed})
    took = time.monotonic() - begun
    assert ack.ok
    assert ("nothing" in typed) == (ack.body == {"options": []}), json.dumps(ack.body)[:200]
    return took


def _catalogue_of(accounts: int) -> str:
    """Return a list of that many accounts in production, as its file says it."""
    many = {
        f"acct-{n:05}": {
            "title": f"Team {n:05} {'payments' if n % 7 == 0 else 'platform'}",
            "in": {"prod": {"account": f"{n:012}"}},
        }
        for n in range(accounts)
    }
    usual = (installation.PRODUCT / "policies" / "catalogue" / "accounts.yaml").read_text()
    return usual + yaml.safe_dump(many)


def _report(name: str, seconds: list[float]) -> None:
    """Print one line of figures, in milliseconds."""
    ordered = sorted(each * 1000 for each in seconds)
    p99 = ordered[int(len(ordered) * 0.99)]
    click.echo(f"{name:<28} p50 {statistics.median(ordered):6.1f}  p99 {p99:6.1f}  max {ordered[-1]:6.1f} ms")


if __name__ == "__main__":
    main()
