"""Development as the sandbox's AWS has it, to be compared before a teardown and after its end."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from sandbox.aws import NONPROD, AwsStandIn


def look(aws: AwsStandIn) -> dict[str, Any]:
    """What AWS has of dev, without the ids that change."""
    names = {arn: thing.facts["TargetGroupName"] for arn, thing in aws.elbv2.groups.items()}
    gateways = {one.id: one.tags[0]["Value"] for one in aws.ec2.gateways.gateways()}
    found = {
        "services": {s.spec.name: service_facts(s, names) for s in aws.ecs.services() if is_of_dev(s)},
        "databases": {
            d.spec.name: aws.rds.described(d) for d in aws.rds.databases() if d.spec.name.startswith("acme-dev")
        },
        "balancers": [known(t, names) for t in aws.elbv2.balancers.values()],
        "listeners": [known(t, names) for t in aws.elbv2.listeners.values()],
        "rules": [known(t, names) for t in aws.elbv2.rules.values()],
        "groups": sorted((known(t, names) for t in aws.elbv2.groups.values()), key=str),
        "gateways": [
            (g.subnet, g.allocation, g.state, g.tags) for g in aws.ec2.gateways.gateways() if g.state != "deleted"
        ],
        "routes": {route: gateways[to] for route, to in aws.ec2.gateways.routes.items()},
        "scaling": aws.ecs.find(NONPROD, "acme-dev", "api").limits,
    }
    return deepcopy(found)


def is_of_dev(service: Any) -> bool:
    return service.spec.cluster == "acme-dev"


def service_facts(service: Any, names: dict[str, str]) -> tuple[Any, ...]:
    definition = {key: value for key, value in service.definition.items() if value not in ([], None)}
    return service.status, service.running, service.desired, spelled(definition, names)


def known(thing: Any, names: dict[str, str]) -> Any:
    """A thing of ELB without its own ids, with target groups by name."""
    volatile = {"LoadBalancerArn", "ListenerArn", "RuleArn", "TargetGroupArn", "DNSName", "State"}
    facts = {key: value for key, value in thing.facts.items() if key not in volatile}
    return spelled(facts, names), thing.attributes, thing.tags, thing.extra


def spelled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: spelled(item, names) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [spelled(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value
