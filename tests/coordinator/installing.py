"""Installations whose policies differ from the repository's own in what a test is about."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import yaml

from sallyport.policies import load_policies
from tests.coordinator.asks import ROOT
from tests.coordinator.conftest import Installed

Change = Callable[[Any], None]


def changed(installed: Installed, **changes: Change) -> Installed:
    """Return *installed* with files changed: `flows__prod_access` is `flows/prod-access.yaml`."""
    files = dict(installed.files)
    for name, change in changes.items():
        path = f"{name.replace('__', '/').replace('_', '-')}.yaml"
        document = yaml.safe_load(files[path])
        change(document)
        files[path] = json.dumps(document).encode()  # which is YAML, without anchors for what is the same twice
    return replace(installed, files=files, policies=load_policies(files, "changed"))


def setting(**values: Any) -> Change:
    """Set keys of a document."""

    def change(document: Any) -> None:
        document.update(values)

    return change


def sharing_a_command(installed: Installed) -> Installed:
    """Both flows stand under `/ops`."""
    return changed(
        installed,
        flows__prod_access=setting(command="/ops access"),
        flows__api_whitelisting=setting(command="/ops whitelist"),
    )


def with_infra(installed: Installed) -> Installed:
    """The flows of `/infra` are there too, as the repository has them."""
    flows = ("infra-stop", "infra-whitelist")
    files = {f"flows/{flow}.yaml": (ROOT / "policies" / "flows" / f"{flow}.yaml").read_bytes() for flow in flows}
    files = {**installed.files, **files}
    return replace(installed, files=files, policies=load_policies(files, "infra"))


def with_teardown(installed: Installed) -> Installed:
    """The flows of `/infra` are there with that of a teardown, which policy approves by itself."""
    path = "flows/infra-teardown.yaml"
    flow = yaml.safe_load((ROOT / "policies" / path).read_bytes())
    for rule in flow["rules"]:
        rule.pop("approvers")
        rule.pop("quorum", None)
        rule["auto_approve"] = True
    infra = with_infra(installed)
    files = {**infra.files, path: json.dumps(flow).encode()}
    return replace(infra, files=files, policies=load_policies(files, "teardown"))


def with_accounts(installed: Installed, count: int) -> Installed:
    """Production has that many accounts."""
    accounts = {
        f"acct-{n:05}": {"title": f"Team {n:05} {'payments' if n % 50 == 0 else 'other'}", "in": _places(n)}
        for n in range(count)
    }
    return changed(installed, catalogue__accounts=setting(**accounts))


def _places(number: int) -> dict[str, dict[str, str]]:
    return {"prod": {"account": f"{number:012}"}}


def sleeping_at_night(installed: Installed, to: str = "20:00", **rule: Any) -> Installed:
    """Development sleeps at night and at weekends, in Madrid; *rule* is what its rule says besides."""
    nights = {
        "environments": ["dev"],
        "timezone": "Europe/Madrid",
        "working_hours": {"from": "07:00", "to": to},
    }

    def with_rule(flow: Any) -> None:
        flow["rules"][0].update(rule)

    return changed(installed, schedules=setting(nights=nights), flows__infra_stop=with_rule)
