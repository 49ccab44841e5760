"""What stands in a record that makes no sense is told as a fault of its target, whoever wrote it."""

from __future__ import annotations

import pytest

from actions.executors.api_gateway.state import Record
from actions.executors.identity_center.state import read_records
from actions.executors.ip_sets.state import read_record
from actions.executors.protocol import Before, TargetFault


@pytest.mark.parametrize("facts", [["x"], [{}], "x", 7, [{"permission_set": 1, "principal": 1}]])
def test_a_record_of_grants(facts: object) -> None:
    with pytest.raises(TargetFault, match=r"The record pa-7k3m9q\.before\.yaml cannot be read"):
        read_records(Before("pa-7k3m9q", {"sso/1": facts}), "sso/1")  # type: ignore[dict-item]


@pytest.mark.parametrize("facts", ["x", 7, {"deny_lists": ["x"]}, {"deny_lists": [{}]}, {"deny_lists": 7}])
def test_a_record_of_a_policy(facts: object) -> None:
    with pytest.raises(TargetFault, match="restore it from history"):
        Record.read(Before("aw-7k3m9q", {"apigateway/1": facts}), "apigateway/1")  # type: ignore[dict-item]


SET = "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/partners/0a1b2c3d-0000-4000-8000-000000000004"


@pytest.mark.parametrize(
    "facts",
    [
        "x",
        7,
        {"ip_sets": 7},
        {"ip_sets": ["x"]},
        {"ip_sets": [{}]},
        {"ip_sets": [{"set": "partners", "stage": "live", "added": []}]},
        {"ip_sets": [{"set": SET, "stage": "live", "added": ["everybody"]}]},
    ],
)
def test_a_record_of_ip_sets(facts: object) -> None:
    with pytest.raises(TargetFault, match="restore it from history"):
        read_record(Before("aw-7k3m9q", {"apigateway/1": facts}), "apigateway/1")  # type: ignore[dict-item]
