"""EC2 in the sandbox: what security groups and prefix lists refuse, in the words and codes of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import AwsStandIn, sample_world
from sandbox.aws.clients import NONPROD_APPLY, NONPROD_PLAN, PROD_APPLY, client
from sandbox.serving import Server

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
WEB, TEMPORAL = "sg-0de0a11000000a001", "sg-0de0a11000000a002"
LIST, LIST6 = "pl-05a0a11000000b004", "pl-05a0a11000000b006"


@pytest.fixture
def aws() -> AwsStandIn:
    return AwsStandIn(sample_world(), clock=lambda: NOW)


@pytest.fixture
def url(aws: AwsStandIn) -> Iterator[str]:
    with Server(aws.app) as server:
        yield server.url


@pytest.fixture
def ec2(url: str) -> Any:
    return client(url, "ec2", NONPROD_APPLY)


def tcp(port: int, *cidrs: str, **facts: str) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "IpRanges": [{"CidrIp": cidr, **facts} for cidr in cidrs],
    }


def authorize(ec2: Any, *permissions: dict[str, Any], group: str = WEB) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=list(permissions),
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": [{"Key": "k", "Value": "v"}]}],
    )["SecurityGroupRules"]
    return found


def refusal(call: Any, **parameters: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Code"])


def rules(ec2: Any, name: str, value: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ec2.describe_security_group_rules(Filters=[{"Name": name, "Values": [value]}])[
        "SecurityGroupRules"
    ]
    return found


# Security groups


def test_every_rule_of_a_call_is_answered_with_its_id_and_tags(ec2: Any) -> None:
    six = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/64"}]}
    made = authorize(ec2, tcp(80, "198.51.100.1/32", "198.51.100.2/32", Description="x"), six)
    assert [rule.get("CidrIpv4", rule.get("CidrIpv6")) for rule in made] == [
        *("198.51.100.1/32", "198.51.100.2/32", "2001:db8::/64")
    ]
    assert len({rule["SecurityGroupRuleId"] for rule in made}) == 3
    assert all(rule["Tags"] == [{"Key": "k", "Value": "v"}] for rule in made)
    assert made[0]["Description"] == "x"


def test_host_bits_are_wiped_in_silence(ec2: Any) -> None:
    (made,) = authorize(ec2, tcp(80, "198.51.100.10/24"))
    assert made["CidrIpv4"] == "198.51.100.0/24"


def test_one_rule_that_is_there_already_refuses_the_whole_call_whatever_its_description(
    ec2: Any, aws: AwsStandIn
) -> None:
    before = aws.ec2.groups.rules(WEB)
    permissions = [tcp(80, "198.51.100.1/32"), tcp(443, "192.0.2.0/24", Description="mine")]
    code = refusal(ec2.authorize_security_group_ingress, GroupId=WEB, IpPermissions=permissions)
    assert code == "InvalidPermission.Duplicate"
    assert aws.ec2.groups.rules(WEB) == before


@pytest.mark.parametrize(
    ("permission", "code"),
    [
        (tcp(80, "198.51.100.1/32", "198.51.100.1/32"), "InvalidParameterValue"),
        (tcp(80, "198.51.100.1/32", Description="José"), "InvalidParameterValue"),
        (tcp(80, "198.51.100.1/32", Description="Ana's"), "InvalidParameterValue"),
        (tcp(80, "198.51.100.1/32", Description="x" * 256), "InvalidParameterValue"),
        (tcp(80, "198.51.100.1"), "InvalidParameterValue"),
        (tcp(80, "2001:db8::/64"), "InvalidParameterValue"),
        (tcp(80, "home"), "InvalidParameterValue"),
        (tcp(80), "InvalidParameterValue"),
        ({**tcp(80), "PrefixListIds": [{"PrefixListId": LIST}]}, "InvalidParameterValue"),
        (tcp(80, *(f"198.51.100.{n}/32" for n in range(60))), "RulesPerSecurityGroupLimitExceeded"),
    ],
)
def test_what_a_group_does_not_take(ec2: Any, permission: dict[str, Any], code: str) -> None:
    assert refusal(ec2.authorize_security_group_ingress, GroupId=WEB, IpPermissions=[permission]) == code


def test_the_quota_is_for_each_ip_version_and_a_prefix_list_counts_in_full(ec2: Any, aws: AwsStandIn) -> None:
    authorize(ec2, tcp(80, *(f"198.51.100.{n}/32" for n in range(59))))
    six = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/64"}]}
    assert authorize(ec2, six)
    aws.ec2.groups.add(TEMPORAL, LIST, 443)  # 20 entries, beside the reference to a group
    permissions = [tcp(80, *(f"198.51.100.{n}/32" for n in range(40)))]
    code = refusal(ec2.authorize_security_group_ingress, GroupId=TEMPORAL, IpPermissions=permissions)
    assert code == "RulesPerSecurityGroupLimitExceeded"


def test_a_revoke_with_an_unknown_id_revokes_nothing(ec2: Any, aws: AwsStandIn) -> None:
    (made,) = authorize(ec2, tcp(80, "198.51.100.1/32"))
    wanted = [made["SecurityGroupRuleId"], "sgr-0ffffffffffffffff"]
    code = refusal(ec2.revoke_security_group_ingress, GroupId=WEB, SecurityGroupRuleIds=wanted)
    assert code == "InvalidSecurityGroupRuleId.NotFound"
    assert aws.ec2.groups.lets_in(WEB, "198.51.100.1/32", 80)
    done = ec2.revoke_security_group_ingress(GroupId=WEB, SecurityGroupRuleIds=wanted[:1])
    assert [rule["SecurityGroupRuleId"] for rule in done["RevokedSecurityGroupRules"]] == wanted[:1]
    assert not aws.ec2.groups.lets_in(WEB, "198.51.100.1/32", 80)


def test_rules_are_found_by_group_with_the_outbound_one_or_by_tag(ec2: Any) -> None:
    authorize(ec2, tcp(80, "198.51.100.1/32"))
    assert [rule["IsEgress"] for rule in rules(ec2, "group-id", WEB)] == [False, False, True]
    assert [rule["GroupId"] for rule in rules(ec2, "tag:k", "v")] == [WEB]
    (reference, _) = rules(ec2, "group-id", TEMPORAL)
    assert reference["ReferencedGroupInfo"]["GroupId"] == WEB
    assert refusal(ec2.describe_security_group_rules, Filters=[{"Name": "cidr", "Values": ["x"]}]) == (
        "InvalidParameterValue"
    )
    assert refusal(ec2.describe_security_group_rules) == "InvalidParameterValue"


def test_listings_come_in_pages(ec2: Any) -> None:
    authorize(ec2, tcp(80, *(f"198.51.100.{n}/32" for n in range(12))))
    pages = list(
        ec2.get_paginator("describe_security_group_rules").paginate(
            Filters=[{"Name": "group-id", "Values": [WEB]}], PaginationConfig={"PageSize": 5}
        )
    )
    assert [len(page["SecurityGroupRules"]) for page in pages] == [5, 5, 4]
    which = [{"Name": "group-id", "Values": [WEB]}]
    assert refusal(ec2.describe_security_group_rules, Filters=which, NextToken="x") == "InvalidNextToken"


def test_a_group_of_another_account_is_not_there(url: str) -> None:
    prod = client(url, "ec2", PROD_APPLY)
    assert refusal(
        prod.authorize_security_group_ingress, GroupId=WEB, IpPermissions=[tcp(80, "198.51.100.1/32")]
    ) == ("InvalidGroup.NotFound")
    assert prod.describe_security_groups(Filters=[{"Name": "group-id", "Values": [WEB]}])["SecurityGroups"] == []


def test_who_may_only_read_changes_nothing(url: str) -> None:
    reader = client(url, "ec2", NONPROD_PLAN)
    assert rules(reader, "group-id", WEB)
    assert refusal(
        reader.authorize_security_group_ingress, GroupId=WEB, IpPermissions=[tcp(80, "198.51.100.1/32")]
    ) == ("UnauthorizedOperation")
    assert refusal(client(url, "ec2", "AKIAUNKNOWN").describe_security_groups) == "AuthFailure"


def test_moto_has_the_rest_of_ec2(ec2: Any) -> None:
    assert ec2.describe_internet_gateways()["InternetGateways"] == []


# Prefix lists


def modify(
    ec2: Any, version: int, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = (), one: str = LIST
) -> Any:
    return ec2.modify_managed_prefix_list(
        PrefixListId=one,
        CurrentVersion=version,
        AddEntries=[{"Cidr": cidr, "Description": "x"} for cidr in add],
        RemoveEntries=[{"Cidr": cidr} for cidr in remove],
    )


def described(ec2: Any, one: str = LIST) -> dict[str, Any]:
    which = [{"Name": "prefix-list-id", "Values": [one]}]
    (found,) = ec2.describe_managed_prefix_lists(Filters=which)["PrefixLists"]
    return dict(found)


def test_a_change_takes_its_time_and_makes_a_version(ec2: Any) -> None:
    assert modify(ec2, 1, add=("198.51.100.1/32",))["PrefixList"]["State"] == "modify-in-progress"
    with pytest.raises(ClientError, match=r"IncorrectState.*modify-in-progress"):
        modify(ec2, 1, add=("198.51.100.2/32",))
    assert (described(ec2)["State"], described(ec2)["State"]) == ("modify-in-progress", "modify-complete")
    assert described(ec2)["Version"] == 2
    entries = [ec2.get_managed_prefix_list_entries(PrefixListId=LIST, TargetVersion=v)["Entries"] for v in (1, 2)]
    assert [[entry["Cidr"] for entry in found] for found in entries] == [
        ["192.0.2.0/24"],
        ["192.0.2.0/24", "198.51.100.1/32"],
    ]


def test_a_change_to_another_version_is_refused(ec2: Any, aws: AwsStandIn) -> None:
    aws.ec2.lists.edit(LIST, {"198.51.100.1/32": ""})
    with pytest.raises(ClientError, match="PrefixListVersionMismatch"):
        modify(ec2, 1, add=("198.51.100.2/32",))


def test_a_change_may_fail_after_it_was_accepted(ec2: Any, aws: AwsStandIn) -> None:
    aws.ec2.lists.fails_with = "no room"
    modify(ec2, 1, add=("198.51.100.1/32",))
    described(ec2)
    assert (described(ec2)["State"], described(ec2)["StateMessage"]) == ("modify-failed", "no room")
    assert aws.ec2.lists.entries(LIST) == {"192.0.2.0/24": "office"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"add": tuple(f"198.51.100.{n}/32" for n in range(20))}, "PrefixListMaxEntriesExceeded"),
        ({"add": tuple(f"198.51.100.{n}/32" for n in range(101))}, "InvalidParameterValue"),
        ({"add": ("192.0.2.0/24",)}, "InvalidPrefixListModification"),
        ({"remove": ("198.51.100.1/32",)}, "InvalidPrefixListModification"),
        ({"add": ("2001:db8::/64",)}, "InvalidParameterValue"),
        ({"add": ("198.51.100.1/32",), "one": LIST6}, "InvalidParameterValue"),
        ({"add": ("198.51.100.1/32",), "one": "pl-0ffffffffffffffff"}, "InvalidPrefixListID.NotFound"),
        ({}, "InvalidRequest"),
    ],
)
def test_what_a_list_does_not_take(ec2: Any, change: dict[str, Any], code: str) -> None:
    assert refusal(lambda: modify(ec2, 1, **change)) == code


def test_a_change_must_name_the_version_and_a_reading_one_that_exists(ec2: Any) -> None:
    change = {"PrefixListId": LIST, "AddEntries": [{"Cidr": "198.51.100.1/32"}]}
    assert refusal(ec2.modify_managed_prefix_list, **change) == "MissingParameter"
    code = refusal(ec2.get_managed_prefix_list_entries, PrefixListId=LIST, TargetVersion=7)
    assert code == "InvalidPrefixListVersion.NotFound"


def test_a_parameter_that_the_sandbox_does_not_honour_is_refused(ec2: Any) -> None:
    assert refusal(ec2.describe_security_groups, GroupIds=[WEB]) == "InvalidParameterValue"


def test_the_page_shows_who_is_let_in(url: str) -> None:
    import urllib.request

    with urllib.request.urlopen(f"{url}/sandbox/aws") as answer:
        text = answer.read().decode()
    assert "Security group dev-web" in text
    assert "Prefix list staging-ipv4" in text
    assert "192.0.2.0/24" in text
