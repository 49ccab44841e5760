"""The `github`, `inputs` and `vars` contexts of a run, as far as the stand-in evaluates expressions itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.github.dispatch import typed
from sandbox.github.runs import Order
from sandbox.github.workflow import Workflow


def contexts(
    order: Order, workflow: Workflow, *, repository: str, variables: Mapping[str, str], url: str
) -> dict[str, Any]:
    declared = workflow.dispatch_inputs if order.event == "workflow_dispatch" else None
    pull = order.payload.get("pull_request", {})
    return {
        "inputs": typed(declared or (), order.inputs),
        "vars": variables,
        "github": {
            "actor": order.actor,
            "base_ref": pull.get("base", {}).get("ref", ""),
            "event": order.payload,
            "event_name": order.event,
            "head_ref": pull.get("head", {}).get("ref", ""),
            "ref": order.ref,
            "ref_name": order.ref.partition("/")[2].partition("/")[2],
            "repository": repository,
            "repository_owner": repository.partition("/")[0],
            "run_id": str(order.id),
            "run_number": str(order.number),
            "server_url": url,
            "sha": order.head_sha,
            "workflow": order.workflow_name,
        },
    }
