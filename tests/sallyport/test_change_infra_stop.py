"""A stop of an environment: what belongs to it is listed by name, and production is never one."""

from __future__ import annotations

from typing import Any

import pytest

from sallyport.catalogue import Catalogue, Environment, Item
from sallyport.changes.infra_stop import InfraStop, Infrastructure
from sallyport.policies import load_policies, read_folder
from sallyport.problems import Problems
from tests.sallyport.examples import ROOT

CATALOGUE = load_policies(read_folder(ROOT / "policies")).catalogue
CHANGE = InfraStop("dev")
FACTS: dict[str, Any] = {"production": False, "ecs_clusters": ["c"], "rds_instances": [], "aurora_clusters": []}


def catalogue(**facts: Any) -> Catalogue:
    place = Environment("dev", "Development", "111111111111", "eu-west-1", "arn:aws:iam::111111111111:role/r")
    item = Item("main", "Infrastructure", frozenset({"kim@example.com"}), {"dev": FACTS | facts})
    return Catalogue({"dev": place}, {"infrastructure": {"main": item}})


def test_a_form_makes_the_change_and_an_entry_keeps_it() -> None:
    assert InfraStop.from_answers({"environment": "dev"}, CATALOGUE) == CHANGE
    assert InfraStop.from_mapping(CHANGE.to_mapping()) == CHANGE


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ("prod", "prod is production, which is never stopped"),
        ("dve", "Infrastructure does not exist in dve: did you mean “dev”?"),
        ("non-prod", "Infrastructure does not exist in non-prod: did you mean “prod”?"),
        ("", "Infrastructure does not exist in : known: dev, prod, staging"),
    ],
)
def test_an_environment_that_cannot_be_stopped_is_told_at_its_field(environment: str, said: str) -> None:
    with pytest.raises(Problems) as error:
        InfraStop.from_answers({"environment": environment}, CATALOGUE)
    assert [(problem.field, problem.sentence) for problem in error.value.problems] == [("environment", said)]


def test_an_entry_cannot_be_approved_for_one_environment_and_stop_another() -> None:
    (problem,) = InfraStop("staging").problems("dev", CATALOGUE)
    assert problem.sentence == "the change names staging, and its entry dev; name one environment"


def test_it_locks_the_whole_environment_and_is_made_with_its_role() -> None:
    assert CHANGE.lock("dev", CATALOGUE) == "infra/111111111111/eu-west-1/dev"
    assert InfraStop("staging").lock("staging", CATALOGUE) == "infra/111111111111/eu-west-1/staging"
    assert CHANGE.access("dev", CATALOGUE).role == "arn:aws:iam::111111111111:role/sallyport-apply-dev"


def test_it_says_what_stops_and_how_it_ends() -> None:
    assert CHANGE.details(CATALOGUE) == (
        ("ECS services", "all of acme-dev"),
        ("RDS instances", "acme-dev-db"),
        ("Aurora clusters", "acme-dev-orders"),
    )
    assert CHANGE.title(CATALOGUE) == "Stop of ECS services and databases"
    assert (
        CHANGE.effect("dev", CATALOGUE)
        == "Nothing that runs in Development (dev) can be used until the stop ends."
    )
    assert "databases are started first" in CHANGE.undo()


def test_owners_of_the_infrastructure_may_be_approvers() -> None:
    assert CHANGE.owners(catalogue()) == {"kim@example.com"}
    assert CHANGE.owners(Catalogue()) == frozenset()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"production": "no"}, "“production” is true or false"),
        ({"production": 0}, "“production” is true or false"),
        ({"ecs_clusters": "acme-dev"}, "“ecs_clusters” is a list of names"),
        ({"rds_instances": [1]}, "“rds_instances” is a list of names"),
        ({"aurora_clusters": [""]}, "“aurora_clusters” is a list of names"),
    ],
)
def test_a_wrong_fact_is_refused_with_the_policies(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Infrastructure.find(catalogue(**facts), "dev")


def test_whether_it_is_production_has_to_be_said() -> None:
    files = read_folder(ROOT / "policies")
    path = "catalogue/infrastructure.yaml"
    files[path] = files[path].replace(b"      production: true\n", b"")
    with pytest.raises(Problems, match="main has no fact “production” in prod"):
        load_policies(files)
