"""What exists in the sandbox's AWS before anybody asks for anything: APIs, people, permission sets, keys.

Values only: the stand-ins build their state from it and never write back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sandbox.aws.estate import (
    LoadBalancer,
    NatGateway,
    TargetGroup,
    sample_load_balancers,
    sample_nat_gateways,
    sample_target_groups,
)
from sandbox.aws.sample_policies import deny_list, office, policy, statement, vpce_only

PROD = "222222222222"
NONPROD = "111111111111"
REGION = "eu-west-1"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A fixed key, for tests; keys of the product come from AssumeRoleWithWebIdentity."""

    key_id: str
    account: str
    session_name: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """A role that trusts GitHub's tokens whose `sub` matches one of the patterns (`*` as in IAM)."""

    account: str
    name: str
    read_only: bool = False
    subjects: tuple[str, ...] = ("repo:acme/infra:*", "repo:acme@*/infra@*:*")

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role/{self.name}"


@dataclass(frozen=True, slots=True)
class Api:
    """A REST API, deployed once to each of its stages. `methods` maps `GET /v1/x` to the authorization type."""

    id: str
    name: str
    account: str
    stages: tuple[str, ...]
    methods: Mapping[str, str]
    endpoint: str = "REGIONAL"
    vpc_endpoints: tuple[str, ...] = ()
    policy: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class EcsService:
    """A service with as many tasks as it wants; `limits` are the minimum and maximum of its automatic scaling."""

    account: str
    cluster: str
    name: str
    desired: int
    daemon: bool = False
    limits: tuple[int, int] | None = None
    target_group: str = ""  # the name of the one that its tasks are registered with


@dataclass(frozen=True, slots=True)
class RdsDatabase:
    """A DB instance, or a cluster if `is_cluster`; the rest says whether AWS lets it be stopped."""

    account: str
    name: str
    engine: str = "postgres"
    is_cluster: bool = False
    multi_az: bool = False
    member_of: str = ""
    replica_of: str = ""
    replicas: tuple[str, ...] = ()
    global_cluster: str = ""
    engine_mode: str = "provisioned"
    settings: tuple[tuple[str, Any], ...] = ()  # what somebody chose, under the names by which it is set


@dataclass(frozen=True, slots=True)
class User:
    id: str
    email: str
    name: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class PermissionSet:
    name: str
    id: str
    session_duration: str = "PT1H"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A standing assignment, by account, permission set name and user's e-mail."""

    account: str
    permission_set: str
    user: str


@dataclass(frozen=True, slots=True)
class Directory:
    """The Identity Center instance. `administered_from`: its owner and the delegated administrator."""

    instance_id: str = "ssoins-7223aaaabbbbcccc"
    store_id: str = "d-9367012345"
    owner: str = PROD
    administered_from: frozenset[str] = frozenset({PROD})
    accounts: tuple[str, ...] = (NONPROD, PROD)
    users: tuple[User, ...] = ()
    permission_sets: tuple[PermissionSet, ...] = ()
    assignments: tuple[Assignment, ...] = ()

    @property
    def instance_arn(self) -> str:
        return f"arn:aws:sso:::instance/{self.instance_id}"

    def permission_set_arn(self, found: PermissionSet) -> str:
        return f"arn:aws:sso:::permissionSet/{self.instance_id}/{found.id}"


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """A security group; each of its `rules` has a source (a range, a group, a list), a TCP port, a description."""

    id: str
    account: str
    name: str
    rules: tuple[tuple[str, int, str], ...] = ()
    vpc: str = "vpc-0a1b2c3d4e5f60718"


@dataclass(frozen=True, slots=True)
class PrefixList:
    """A customer-managed prefix list; `entries` are ranges with descriptions."""

    id: str
    account: str
    name: str
    family: str = "IPv4"
    max_entries: int = 20
    entries: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class IpSet:
    """A WAF IP set of the regional scope."""

    id: str
    account: str
    name: str
    version: int = 4
    addresses: tuple[str, ...] = ()
    description: str = ""

    def arn(self, region: str) -> str:
        return f"arn:aws:wafv2:{region}:{self.account}:regional/ipset/{self.name}/{self.id}"


@dataclass(frozen=True, slots=True)
class WebAcl:
    """A web ACL; `rules` are as AWS writes them, and `stages` names what it guards as `<api>/<stage>`."""

    id: str
    account: str
    name: str
    rules: tuple[Mapping[str, Any], ...] = ()
    stages: tuple[str, ...] = ()
    default: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({"Block": {}}))

    def arn(self, region: str) -> str:
        return f"arn:aws:wafv2:{region}:{self.account}:regional/webacl/{self.name}/{self.id}"


@dataclass(frozen=True, slots=True)
class AwsWorld:
    apis: tuple[Api, ...] = ()
    ip_sets: tuple[IpSet, ...] = ()
    web_acls: tuple[WebAcl, ...] = ()
    security_groups: tuple[SecurityGroup, ...] = ()
    prefix_lists: tuple[PrefixList, ...] = ()
    directory: Directory = field(default_factory=Directory)
    services: tuple[EcsService, ...] = ()
    databases: tuple[RdsDatabase, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    keys: tuple[AccessKey, ...] = ()
    roles: tuple[Role, ...] = ()
    region: str = REGION


def sample_world() -> AwsWorld:
    """Two accounts, seven APIs of different temper, the sandbox's people, a standing grant made by hand."""
    return AwsWorld(
        apis=_apis(),
        ip_sets=_ip_sets(),
        web_acls=_web_acls(),
        security_groups=_security_groups(),
        prefix_lists=_prefix_lists(),
        directory=_directory(),
        services=_services(),
        databases=_databases(),
        target_groups=sample_target_groups(NONPROD),
        load_balancers=sample_load_balancers(NONPROD),
        nat_gateways=sample_nat_gateways(NONPROD),
        keys=_keys(),
        roles=_roles(),
    )


def _keys() -> tuple[AccessKey, ...]:
    return (
        AccessKey("AKIASANDBOXPRODAPPLY", PROD, "by-hand-prod"),
        AccessKey("AKIASANDBOXPRODPLAN0", PROD, "by-hand-prod-plan", read_only=True),
        AccessKey("AKIASANDBOXTESTAPPLY", NONPROD, "by-hand-nonprod"),
        AccessKey("AKIASANDBOXTESTPLAN0", NONPROD, "by-hand-nonprod-plan", read_only=True),
    )


def _roles() -> tuple[Role, ...]:
    return (
        Role(PROD, "sallyport-plan", read_only=True),
        Role(PROD, "sallyport-apply"),
        Role(PROD, "sallyport-identity-center"),
        Role(PROD, "sallyport-identity-center-dev"),
        Role(NONPROD, "sallyport-plan", read_only=True),
        Role(NONPROD, "sallyport-apply"),
        Role(NONPROD, "sallyport-apply-dev"),
        Role(NONPROD, "sallyport-apply-staging"),
    )


def _services() -> tuple[EcsService, ...]:
    return (
        EcsService(NONPROD, "acme-dev", "agent", 3, daemon=True),
        EcsService(NONPROD, "acme-dev", "api", 2, limits=(2, 6), target_group="acme-dev-api"),
        EcsService(NONPROD, "acme-dev", "nightly", 0),
        EcsService(NONPROD, "acme-dev", "worker", 1),
        EcsService(NONPROD, "acme-staging", "api", 2, limits=(1, 4)),
        EcsService(NONPROD, "acme-staging", "worker", 2),
        EcsService(PROD, "acme-prod", "api", 4, limits=(4, 12)),
    )


_DEV_NETWORK = (("DBSubnetGroupName", "acme-dev"), ("VpcSecurityGroupIds", ["sg-0de0a11000000db01"]))
_DEV_DATABASE: tuple[tuple[str, Any], ...] = (
    *_DEV_NETWORK,
    ("DBInstanceClass", "db.t4g.medium"),
    ("DBParameterGroupName", "acme-postgres16"),
    ("Port", 5432),
    ("AllocatedStorage", 100),
    ("StorageType", "gp3"),
    ("MultiAZ", True),
    ("BackupRetentionPeriod", 7),
    ("PreferredBackupWindow", "02:00-02:30"),
    ("PreferredMaintenanceWindow", "sun:04:00-sun:04:30"),
    ("EnableIAMDatabaseAuthentication", True),
    ("Tags", [{"Key": "team", "Value": "orders"}]),
)
_DEV_CLUSTER: tuple[tuple[str, Any], ...] = (
    *_DEV_NETWORK,
    ("DBClusterParameterGroupName", "acme-aurora16"),
    ("Port", 5432),
    ("BackupRetentionPeriod", 7),
)
_DEV_MEMBER: tuple[tuple[str, Any], ...] = (("DBInstanceClass", "db.r7g.large"), ("PromotionTier", 1))


def _databases() -> tuple[RdsDatabase, ...]:
    """Those of staging cannot be stopped: one is a read replica of the other."""
    return (
        RdsDatabase(NONPROD, "acme-dev-db", settings=_DEV_DATABASE),
        RdsDatabase(NONPROD, "acme-dev-orders", "aurora-postgresql", is_cluster=True, settings=_DEV_CLUSTER),
        RdsDatabase(
            NONPROD, "acme-dev-orders-1", "aurora-postgresql", member_of="acme-dev-orders", settings=_DEV_MEMBER
        ),
        RdsDatabase(NONPROD, "acme-staging-db", replicas=("acme-staging-reports",)),
        RdsDatabase(NONPROD, "acme-staging-reports", replica_of="acme-staging-db"),
        RdsDatabase(PROD, "acme-prod-db", multi_az=True),
    )


def _apis() -> tuple[Api, ...]:
    charges = _open("GET /v1/charges", "POST /v1/charges", "GET /v1/charges/{id}")
    orders = _open("GET /v1/orders", "POST /v1/orders", "GET /v1/orders/{id}")
    return (
        Api("a1payments", "payments", PROD, ("live",), charges, policy=policy(office("192.0.2.0/24"))),
        Api("a1orders", "orders", PROD, ("live",), orders),
        Api("a1legacy", "legacy", PROD, ("live",), orders, policy=deny_list("192.0.2.0/24", "203.0.113.7/32")),
        Api(
            "a1internal",
            "internal",
            PROD,
            ("live",),
            orders,
            endpoint="PRIVATE",
            vpc_endpoints=("vpce-0a1b2c3d4e5f60718",),
            policy=vpce_only("vpce-0a1b2c3d4e5f60718"),
        ),
        Api("a1partners", "partners", PROD, ("live",), orders, policy=policy(statement("everybody", "Allow"))),
        Api("a1signed", "signed", PROD, ("live",), MappingProxyType(dict.fromkeys(orders, "AWS_IAM"))),
        Api("b2payments", "payments", NONPROD, ("test",), charges, policy=policy(office("192.0.2.0/24"))),
    )


def _ip_sets() -> tuple[IpSet, ...]:
    """Those of the partners' API, one with an address that was put there by hand."""
    return (
        IpSet("0a1b2c3d-0000-4000-8000-000000000004", PROD, "partners-ipv4", 4, ("192.0.2.0/24",), "Who may call"),
        IpSet("0a1b2c3d-0000-4000-8000-000000000006", PROD, "partners-ipv6", 6),
    )


def _web_acls() -> tuple[WebAcl, ...]:
    """That of the partners' API: it lets in who is in a set, and nobody else."""
    found = [{"IPSetReferenceStatement": {"ARN": one.arn(REGION)}} for one in _ip_sets()]
    rule = {
        "Name": "whitelisted",
        "Priority": 0,
        "Action": {"Allow": {}},
        "Statement": {"OrStatement": {"Statements": found}},
    }
    return (WebAcl("0a1b2c3d-0000-4000-8000-0000000000ac", PROD, "partners", (rule,), ("a1partners/live",)),)


def _security_groups() -> tuple[SecurityGroup, ...]:
    """Those of dev: one with a rule made by hand, and one that only other groups reach."""
    return (
        SecurityGroup("sg-0de0a11000000a001", NONPROD, "dev-web", (("192.0.2.0/24", 443, "office"),)),
        SecurityGroup("sg-0de0a11000000a002", NONPROD, "dev-temporal", (("sg-0de0a11000000a001", 7233, ""),)),
    )


def _prefix_lists() -> tuple[PrefixList, ...]:
    """Those of staging, one with an entry made by hand, and that of production."""
    office = (("192.0.2.0/24", "office"),)
    return (
        PrefixList("pl-05a0a11000000b004", NONPROD, "staging-ipv4", entries=office),
        PrefixList("pl-05a0a11000000b006", NONPROD, "staging-ipv6", "IPv6"),
        PrefixList("pl-0a10a11000000c004", PROD, "prod-ipv4"),
    )


def _open(*methods: str) -> Mapping[str, str]:
    return MappingProxyType(dict.fromkeys(methods, "NONE"))


def _directory() -> Directory:
    return Directory(
        users=(
            User("9067a0e1-20d1-70aa-8f01-000000000a0a", "ana@example.com", "Ana Ruiz"),
            User("9067a0e1-20d1-70aa-8f02-000000001ee0", "lee@example.com", "Lee Wong"),
            User("9067a0e1-20d1-70aa-8f03-000000005a50", "sam@example.com", "Sam Okafor"),
            User("9067a0e1-20d1-70aa-8f04-00000000b1b0", "kim@example.com", "Kim Berg"),
            User("9067a0e1-20d1-70aa-8f05-00000000dee0", "dee@example.com", "Dee Gone", enabled=False),
        ),
        permission_sets=(
            PermissionSet("ProdReadOnly", "ps-1111aaaabbbbcccc"),
            PermissionSet("ProdAdmin", "ps-2222aaaabbbbcccc"),
            PermissionSet("DevAdmin", "ps-3333aaaabbbbcccc"),
        ),
        assignments=(Assignment(PROD, "ProdReadOnly", "kim@example.com"),),
    )
