"""The catalogue: what exists where, and what a form may offer."""

from __future__ import annotations

import pytest

from sallyport.catalogue import Catalogue, Environment, Item, Option

PROD = Environment("prod", "Production", "222222222222", "eu-west-1", "arn:aws:iam::222222222222:role/x")
CATALOGUE = Catalogue(
    {"prod": PROD},
    {
        "apis": {
            "payments": Item("payments", "Payments API", places={"prod": {"stage": "live"}, "non-prod": {}}),
            "orders": Item("orders", "orders API", places={"prod": {}}),
            "beta": Item("beta", "Beta API", places={"non-prod": {}}),
        }
    },
)


def test_an_item_comes_with_its_facts_in_the_environment() -> None:
    item, facts = CATALOGUE.item("apis", "payments", "prod")
    assert item.title == "Payments API"
    assert facts == {"stage": "live"}


@pytest.mark.parametrize(
    ("name", "item", "environment", "sentence"),
    [
        ("apis", "paymants", "prod", "“paymants” is not in the catalogue of apis: did you mean “payments”?"),
        ("apis", "zzz", "prod", "“zzz” is not in the catalogue of apis: known: beta, orders, payments"),
        ("apis", "orders", "non-prod", "orders API does not exist in non-prod: did you mean “prod”?"),
        ("queues", "orders", "prod", "“orders” is not in the catalogue of queues: none is defined"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(
    name: str, item: str, environment: str, sentence: str
) -> None:
    with pytest.raises(LookupError) as error:
        CATALOGUE.item(name, item, environment)
    assert str(error.value) == sentence


def test_a_form_offers_what_exists_in_the_environment_in_the_order_of_its_titles() -> None:
    assert CATALOGUE.options("apis", "prod") == (
        Option("orders", "orders API"),
        Option("payments", "Payments API"),
    )
    assert CATALOGUE.options("apis", "nowhere") == ()
    assert CATALOGUE.options("queues", "prod") == ()


def test_a_form_offers_every_environment_wherever_it_is() -> None:
    assert CATALOGUE.options("environments", "") == (Option("prod", "Production"),)
