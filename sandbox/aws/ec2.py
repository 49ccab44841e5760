"""EC2 as far as the product changes it: security groups, managed prefix lists, NAT gateways and their routes.

moto has the rest of EC2.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from sandbox.aws.ec2_wire import Ec2Protocol
from sandbox.aws.nat_gateways import NatGateways
from sandbox.aws.prefix_lists import PrefixLists
from sandbox.aws.security_groups import SecurityGroups
from sandbox.aws.wire import Operation
from sandbox.aws.world import AwsWorld


class Ec2:
    """`groups`, `lists` and `gateways` are what tests and the page look at."""

    unsigned: frozenset[str] = frozenset()

    def __init__(self, world: AwsWorld, clock: Callable[[], datetime], lock: threading.RLock) -> None:
        self.protocol = Ec2Protocol()
        self.lists = PrefixLists(world.prefix_lists, lock)
        self.groups = SecurityGroups(world.security_groups, self.lists.sizes, lock)
        self.gateways = NatGateways(world.nat_gateways, clock, lock)
        self.operations: dict[str, Operation] = {
            **self.groups.operations,
            **self.lists.operations,
            **self.gateways.operations,
        }
