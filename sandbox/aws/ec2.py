"""EC2 as far as allow lists need it: security groups and managed prefix lists. moto has the rest of EC2."""

from __future__ import annotations

import threading

from sandbox.aws.ec2_wire import Ec2Protocol
from sandbox.aws.prefix_lists import PrefixLists
from sandbox.aws.security_groups import SecurityGroups
from sandbox.aws.wire import Operation
from sandbox.aws.world import AwsWorld


class Ec2:
    """`groups` and `lists` are what tests and the page look at."""

    unsigned: frozenset[str] = frozenset()

    def __init__(self, world: AwsWorld, lock: threading.RLock) -> None:
        self.protocol = Ec2Protocol()
        self.lists = PrefixLists(world.prefix_lists, lock)
        self.groups = SecurityGroups(world.security_groups, self.lists.sizes, lock)
        self.operations: dict[str, Operation] = {**self.groups.operations, **self.lists.operations}
