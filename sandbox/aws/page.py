"""A read-only page of what AWS has now: policies saved and in force, assignments, inline policies, environments.

Everything from outside is escaped; the page has no script and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from sandbox.aws.apigateway import ApiGateway
from sandbox.aws.apis import RestApi
from sandbox.aws.ec2 import Ec2
from sandbox.aws.ecs import Ecs, RunningService
from sandbox.aws.identity_center import IdentityCenter
from sandbox.aws.rds import Rds, RunningDatabase
from sandbox.aws.waf import KeptSet, Waf

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1d2330}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}h3{font-size:1rem;margin:1.4rem 0 .3rem}
table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid #d8dde6;padding:.3rem .6rem;text-align:left}
pre{background:#f4f6f9;border-radius:6px;padding:.6rem;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem}
.muted{color:#68718a}.differs{color:#a34700;font-weight:600}
"""


def page(apigateway: ApiGateway, waf: Waf, center: IdentityCenter, ec2: Ec2, ecs: Ecs, rds: Rds) -> str:
    sections = [
        "<h2>API Gateway</h2>",
        *map(_api, apigateway.apis()),
        "<h2>AWS WAF</h2>",
        *map(_ip_set, waf.sets()),
        "<h2>IAM Identity Center</h2>",
        "<h3>Account assignments</h3>",
        _table(("Account", "Permission set", "User"), sorted(center.assignments())),
        "<h3>Inline policies</h3>",
        _inline_policies(center),
        "<h2>EC2</h2>",
        *_allow_lists(ec2),
        "<h2>ECS services</h2>",
        _table(("Account", "Cluster", "Service", "Running", "Desired"), map(_service, ecs.services())),
        "<h2>RDS</h2>",
        _table(("Account", "Database", "Status"), map(_database, rds.databases())),
    ]
    body = "\n".join(sections)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>AWS in the sandbox</title>'
        f"<style>{_STYLE}</style></head><body><h1>AWS in the sandbox</h1>{body}</body></html>"
    )


def _api(api: RestApi) -> str:
    spec = api.spec
    saved = _document("Saved", api.policy)
    served = []
    for stage in api.stages.values():
        found = api.in_force(stage.name).policy
        differs = "" if found == api.policy else ' <span class="differs">differs from the saved one</span>'
        served.append(_document(f"In force on {stage.name} ({stage.deployment_id})", found, differs))
    details = escape(f"{spec.id}, {spec.account}, {spec.endpoint}")
    heading = f"{escape(spec.name)} <span class='muted'>{details}</span>"
    return f"<h3>{heading}</h3><div class='columns'>{saved}{''.join(served)}</div>"


def _ip_set(found: KeptSet) -> str:
    heading = f"<h3>IP set {escape(found.spec.name)} ({escape(found.spec.id)})</h3>"
    return heading + _table(("Address",), [(address,) for address in sorted(found.addresses)])


def _allow_lists(ec2: Ec2) -> Iterable[str]:
    for group in ec2.groups.groups():
        yield f"<h3>Security group {escape(group.name)} ({escape(group.id)})</h3>"
        rows = [(rule.source, str(rule.from_port), rule.description) for rule in ec2.groups.rules(group.id)]
        yield _table(("Source", "Port", "Description"), sorted(rows))
    for found in ec2.lists.lists():
        yield f"<h3>Prefix list {escape(found.spec.name)} ({escape(found.spec.id)}), version {found.version}</h3>"
        yield _table(("Range", "Description"), sorted(found.entries.items()))


def _service(found: RunningService) -> tuple[str, ...]:
    return found.spec.account, found.spec.cluster, found.spec.name, str(found.running), str(found.desired)


def _database(found: RunningDatabase) -> tuple[str, ...]:
    return found.spec.account, found.spec.name, found.status


def _inline_policies(center: IdentityCenter) -> str:
    parts = []
    for known in list(center.sets.values()):
        name = known.spec.name
        parts.append(_document(f"{name}, as put", center.inline_policy(name)))
        parts.extend(
            _document(f"{name}, as provisioned in {account}", center.provisioned_inline_policy(name, account))
            for account in sorted(known.provisioned)
        )
    return f"<div class='columns'>{''.join(parts)}</div>"


def _document(title: str, document: Mapping[str, Any] | None, note: str = "") -> str:
    shown = '<p class="muted">No policy.</p>'
    if document is not None:
        shown = f"<pre>{escape(json.dumps(document, indent=2, ensure_ascii=False))}</pre>"
    return f"<div><strong>{escape(title)}</strong>{note}{shown}</div>"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    lines = ("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"
