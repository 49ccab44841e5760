"""The resource policies that the sandbox's APIs have before anybody asks for anything, as AWS writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(sid: str, effect: str, condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
    found = {
        "Sid": sid,
        "Effect": effect,
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/*",
    }
    return {**found, "Condition": condition} if condition else found


def office(cidr: str) -> dict[str, Any]:
    return statement("office", "Allow", {"IpAddress": {"aws:SourceIp": [cidr]}})


def deny_list(*cidrs: str) -> dict[str, Any]:
    """The AWS recipe that lets everybody in and then denies all but a list: a new Allow changes nothing."""
    condition = {"NotIpAddress": {"aws:SourceIp": list(cidrs)}}
    return policy(statement("everybody", "Allow"), statement("butOnlyThese", "Deny", condition))


def vpce_only(endpoint: str) -> dict[str, Any]:
    return policy(statement("endpoint", "Allow", {"StringEquals": {"aws:SourceVpce": [endpoint]}}))
