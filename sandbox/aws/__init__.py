"""The sandbox's AWS: strict stand-ins for what the product changes, moto for the rest, one endpoint for both."""

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.judge import CannotJudge
from sandbox.aws.stand_in import AwsStandIn, Call
from sandbox.aws.world import (
    NONPROD,
    PROD,
    REGION,
    AccessKey,
    Api,
    Assignment,
    AwsWorld,
    Directory,
    EcsService,
    IpSet,
    PermissionSet,
    PrefixList,
    RdsDatabase,
    Role,
    SecurityGroup,
    User,
    WebAcl,
    sample_world,
)

__all__ = [
    "NONPROD",
    "PROD",
    "REGION",
    "AccessKey",
    "Api",
    "Assignment",
    "AwsError",
    "AwsStandIn",
    "AwsWorld",
    "Call",
    "Caller",
    "CannotJudge",
    "Directory",
    "EcsService",
    "IpSet",
    "PermissionSet",
    "PrefixList",
    "RdsDatabase",
    "Role",
    "SecurityGroup",
    "User",
    "WebAcl",
    "sample_world",
]
