"""Whatever stands in the repository's files: reading them gives a value, Problems, or the fault of a target."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.befores import before_path, read_before
from actions.executors.api_gateway.state import Record
from actions.executors.environments.memory import read_memories
from actions.executors.identity_center.state import read_records
from actions.executors.ip_sets.state import read_record
from actions.executors.protocol import Before, TargetFault
from sallyport.documents import load
from sallyport.entries import Entry, parse_entry
from sallyport.outcomes import Outcome, Result, dump_outcomes, load_outcomes
from sallyport.policies import load_policies
from sallyport.problems import Problems
from tests.hostile.worst import any_text, mutations, values
from tests.sallyport.examples import NOW, access_entry, entry, policies, policy_files

LOCK = "sso/222222222222"
AT = "2026-11-21T09:12:44Z"
GRANT = {"permission_set": "arn:x", "principal": "1", "user": "ana", "standing": False, "at": AT}
SCALING = {
    "minimum": 1,
    "maximum": 2,
    "scale_in_suspended": False,
    "scale_out_suspended": False,
    "scheduled_suspended": False,
}
IP_SET = "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/partners/0a1b2c3d-0000-4000-8000-000000000004"
RECORDS: dict[str, tuple[Callable[[Before, str], object], Any]] = {
    "prod-access": (read_records, [GRANT]),
    "api-whitelisting": (
        Record.read,
        {"no_policy": True, "deny_lists": [{"statement": "s", "stage": "live", "added": ["198.51.100.10/32"]}]},
    ),
    "api-whitelisting in IP sets": (
        read_record,
        {"ip_sets": [{"set": IP_SET, "stage": "live", "added": ["198.51.100.10/32"]}]},
    ),
    "infra-stop": (
        read_memories,
        {"ecs/a/b": {"phase": "stopped", "at": AT, "desired": 2, "restarts_at": AT, "scaling": SCALING}},
    ),
}
REPORT = json.loads(dump_outcomes((Outcome("aw-7k3m9q", Result.APPLIED, "It is live.", NOW, NOW, ("a",)),)))
YAML_FILES = sorted(path for path in policy_files() if path.endswith((".yaml", ".json")))

fuzzed = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def as_file(data: Any) -> bytes:
    return json.dumps(data).encode()  # every JSON is YAML


@fuzzed
@given(data=st.data())
def test_policies_are_policies_or_problems(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(YAML_FILES))
    good = load(policy_files()[path], path).data
    files = {**policy_files(), path: as_file(data.draw(mutations(good)))}
    with suppress(Problems):
        assert load_policies(files).flows


@pytest.mark.parametrize("good", [entry(), access_entry()], ids=["api-whitelisting", "prod-access"])
@fuzzed
@given(data=st.data())
def test_an_entry_is_an_entry_or_problems(good: Entry, data: st.DataObject) -> None:
    content = as_file(data.draw(mutations(good.to_mapping())))
    with suppress(Problems):
        found = parse_entry(content, good.path, policies().schemas)
        assert parse_entry(found.to_yaml().encode(), found.path, policies().schemas) == found


@fuzzed
@given(content=st.binary(max_size=200) | any_text.map(lambda text: text.encode(errors="replace")))
def test_bytes_of_any_kind_are_no_record_and_no_entry(content: bytes) -> None:
    for read in (
        lambda: read_before(content, before_path("prod-access", "pa-7k3m9q")),
        lambda: parse_entry(content, entry().path, policies().schemas),
    ):
        with pytest.raises(Problems):
            read()


@pytest.mark.parametrize("flow", RECORDS)
@fuzzed
@given(data=st.data())
def test_a_record_that_makes_no_sense_is_a_fault_of_its_target(flow: str, data: st.DataObject) -> None:
    read, good = RECORDS[flow]
    said = data.draw(mutations(good) | values)
    path = before_path(flow, "pa-7k3m9q")
    with suppress(Problems, TargetFault):
        read(read_before(as_file({"id": "pa-7k3m9q", "facts": {LOCK: said}}), path), LOCK)


@pytest.mark.parametrize("flow", RECORDS)
def test_a_record_that_is_good_is_read(flow: str) -> None:
    read, good = RECORDS[flow]
    assert read(Before("pa-7k3m9q", {LOCK: good}), LOCK)


@settings(max_examples=200, deadline=None)
@given(said=mutations(REPORT) | values)
def test_a_report_is_outcomes_or_none(said: Any) -> None:
    with suppress(ValueError):
        for outcome in load_outcomes(json.dumps(said)):
            assert load_outcomes(dump_outcomes((outcome,))) == (outcome,)
            texts = (outcome.request_id, outcome.detail, *outcome.evidence)
            assert all(isinstance(text, str) for text in texts)
