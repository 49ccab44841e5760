"""The sample world has every AWS thing that the repository's own policies name, so that the sandbox works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sandbox.aws import sample_world

POLICIES = Path(__file__).parents[2] / "policies"
WORLD = sample_world()


def places(catalogue: str) -> list[dict[str, Any]]:
    whole = yaml.safe_load((POLICIES / "catalogue" / catalogue).read_text(encoding="utf-8"))
    return [place for thing in whole.values() for place in thing["in"].values()]


def catalogue_with(member: str) -> list[dict[str, Any]]:
    found = [p for file in (POLICIES / "catalogue").glob("*.yaml") for p in places(file.name) if member in p]
    assert found, f"no catalogue has {member}"
    return found


def test_every_api_of_the_catalogue_exists_with_its_stage() -> None:
    apis = {api.id: api for api in WORLD.apis}
    for place in catalogue_with("rest_api"):
        api = apis[place["rest_api"]]
        assert place["stage"] in api.stages
        assert place["endpoint"].upper() == api.endpoint


def test_every_permission_set_and_instance_of_the_catalogue_exists() -> None:
    directory = WORLD.directory
    arns = {directory.permission_set_arn(found) for found in directory.permission_sets}
    assert {place["arn"] for place in catalogue_with("arn")} <= arns
    for place in catalogue_with("instance"):
        assert place["instance"] == directory.instance_arn
        assert place["identity_store"] == directory.store_id
        assert place["account"] in directory.administered_from


def test_every_service_and_database_of_the_catalogue_exists_in_its_account() -> None:
    clusters = {(service.account, service.cluster) for service in WORLD.services}
    databases = {(found.account, found.name): found.is_cluster for found in WORLD.databases}
    environments = yaml.safe_load((POLICIES / "environments.yaml").read_text(encoding="utf-8"))
    whole = yaml.safe_load((POLICIES / "catalogue" / "infrastructure.yaml").read_text(encoding="utf-8"))
    for name, place in whole["main"]["in"].items():
        account = environments[name]["account"]
        assert {(account, cluster) for cluster in place["ecs_clusters"]} <= clusters
        for kind, is_cluster in (("rds_instances", False), ("aurora_clusters", True)):
            assert all(databases[account, database] is is_cluster for database in place[kind])


def test_every_role_that_a_job_assumes_exists() -> None:
    environments = yaml.safe_load((POLICIES / "environments.yaml").read_text(encoding="utf-8"))
    named = {environment["role"] for environment in environments.values()}
    named |= {place["role"] for place in catalogue_with("role")}
    assert named <= {role.arn for role in WORLD.roles}


def test_every_load_balancer_and_nat_gateway_of_the_catalogue_exists() -> None:
    named = {(found.account, found.name) for found in (*WORLD.load_balancers, *WORLD.nat_gateways)}
    environments = yaml.safe_load((POLICIES / "environments.yaml").read_text(encoding="utf-8"))
    whole = yaml.safe_load((POLICIES / "catalogue" / "infrastructure.yaml").read_text(encoding="utf-8"))
    wanted = {
        (environments[name]["account"], one)
        for name, place in whole["main"]["in"].items()
        for member in ("load_balancers", "nat_gateways")
        for one in place.get(member, ())
    }
    assert wanted
    assert wanted <= named
