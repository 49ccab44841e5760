"""What stands around the services of an environment: load balancers, target groups, NAT gateways. Values only."""

from __future__ import annotations

from dataclasses import dataclass

VPC = "vpc-0a1b2c3d4e5f60718"


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """A target group; `targets` are instances that somebody registered, those of ECS are not listed."""

    account: str
    name: str
    port: int = 8080
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener that forwards to a target group; `rules` map a priority to a path pattern and a target group."""

    port: int
    target_group: str
    certificates: tuple[str, ...] = ()  # the first is the default one
    rules: tuple[tuple[int, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """An application load balancer; `attributes` are those that somebody changed."""

    account: str
    name: str
    listeners: tuple[Listener, ...]
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NatGateway:
    """A public NAT gateway; `routes` are the route table and destination of each route to it."""

    account: str
    name: str
    subnet: str
    allocation: str
    routes: tuple[tuple[str, str], ...] = ()


def sample_target_groups(account: str) -> tuple[TargetGroup, ...]:
    return (
        TargetGroup(account, "acme-dev-api"),
        TargetGroup(account, "acme-dev-static", 80, targets=("i-0de0a110000000001", "i-0de0a110000000002")),
    )


def sample_load_balancers(account: str) -> tuple[LoadBalancer, ...]:
    certificate = f"arn:aws:acm:eu-west-1:{account}:certificate"
    secure = Listener(
        443,
        "acme-dev-api",
        (f"{certificate}/0dev", f"{certificate}/0partner"),
        ((10, "/static/*", "acme-dev-static"),),
    )
    return (LoadBalancer(account, "acme-dev", (secure,), (("idle_timeout.timeout_seconds", "120"),)),)


def sample_nat_gateways(account: str) -> tuple[NatGateway, ...]:
    routes = (("rtb-0de0a110000000001", "0.0.0.0/0"), ("rtb-0de0a110000000002", "0.0.0.0/0"))
    return (NatGateway(account, "acme-dev-a", "subnet-0de0a110000000001", "eipalloc-0de0a110000000001", routes),)
