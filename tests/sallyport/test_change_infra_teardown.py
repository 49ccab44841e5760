"""A teardown of an environment: its name is typed once more, production is never one, and it says what dies."""

from __future__ import annotations

from typing import Any

import pytest

from sallyport.catalogue import Catalogue, Environment, Item
from sallyport.changes.infra_teardown import STAYS, Estate, InfraTeardown
from sallyport.policies import load_policies, read_folder
from sallyport.problems import Problems
from tests.sallyport.examples import ROOT

CATALOGUE = load_policies(read_folder(ROOT / "policies")).catalogue
CHANGE = InfraTeardown("dev", "dev")


def catalogue(**facts: Any) -> Catalogue:
    place = Environment("dev", "Development", "111111111111", "eu-west-1", "arn:aws:iam::111111111111:role/r")
    known = {"production": False, "ecs_clusters": [], "rds_instances": ["db"], "aurora_clusters": []}
    return Catalogue(
        {"dev": place}, {"infrastructure": {"main": Item("main", "I", places={"dev": known | facts})}}
    )


def test_a_form_makes_the_change_and_an_entry_keeps_what_was_typed() -> None:
    assert InfraTeardown.from_answers({"environment": "dev", "confirm": " dev "}, CATALOGUE) == CHANGE
    assert InfraTeardown.from_mapping(CHANGE.to_mapping()) == CHANGE


@pytest.mark.parametrize("typed", ["", "staging", "Dev", "dev!"])
def test_another_name_is_refused_at_its_field(typed: str) -> None:
    with pytest.raises(Problems) as error:
        InfraTeardown.from_answers({"environment": "dev", "confirm": typed}, CATALOGUE)
    (problem,) = error.value.problems
    assert problem.field == "confirm"
    assert problem.sentence == (
        "this is not the name of the environment that is to be torn down, dev; type dev, or cancel"
    )


def test_an_entry_whose_name_was_not_typed_is_refused_too() -> None:
    assert [problem.field for problem in InfraTeardown("dev", "").problems("dev", CATALOGUE)] == ["confirm"]


def test_production_is_never_torn_down() -> None:
    (problem,) = InfraTeardown("prod", "prod").problems("prod", CATALOGUE)
    assert problem.sentence == "prod is production, which is never torn down"


def test_it_holds_the_lock_that_a_stop_holds() -> None:
    assert CHANGE.lock("dev", CATALOGUE) == "infra/111111111111/eu-west-1/dev"
    assert CHANGE.access("dev", CATALOGUE).role == "arn:aws:iam::111111111111:role/sallyport-apply-dev"


def test_the_form_says_by_name_what_is_deleted_and_what_stays() -> None:
    title = CATALOGUE.environments["dev"].title
    first, *parts, data, kept = InfraTeardown.foretell("dev", CATALOGUE).split("\n")
    assert first == f"⚠️ A full teardown of {title} (dev) deletes:"
    assert parts == [f"• {label}: {value}" for label, value in CHANGE.details(CATALOGUE)[:-1]]
    assert "snapshots" in data
    assert kept == f"It keeps: {STAYS}."


def test_it_says_what_dies_what_stays_and_how_it_comes_back() -> None:
    effect = CHANGE.effect("dev", CATALOGUE)
    for dies in ("all of acme-dev", "acme-dev-db", "acme-dev-orders", "Load balancers: acme-dev", "acme-dev-a"):
        assert dies in effect
    for stays in ("VPC", "S3", "secrets", "IAM", "snapshot"):
        assert stays in effect.partition("What stays")[2]
    assert "final snapshots" in CHANGE.undo()


def test_a_place_may_have_neither_load_balancers_nor_nat_gateways() -> None:
    estate = Estate.find(catalogue(), "dev")
    assert (estate.load_balancers, estate.nat_gateways, estate.override_deletion_protection) == ((), (), False)
    assert CHANGE.details(catalogue())[0] == ("RDS instances", "db")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"load_balancers": "acme-dev"}, "“load_balancers” is a list of names"),
        ({"nat_gateways": [1]}, "“nat_gateways” is a list of names"),
        ({"override_deletion_protection": "yes"}, "“override_deletion_protection” is true or false"),
    ],
)
def test_a_wrong_fact_is_refused_with_the_policies(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Estate.find(catalogue(**facts), "dev")
