"""The picture of an environment in Slack: a line for each resource, in words, and never more than Slack takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actions.executors.environments.picture import not_read, picture_of
from actions.executors.environments.state import Database, EnvironmentState, Kind, Service
from actions.executors.environments.status import EnvironmentStatus
from sallyport.catalogue import Environment
from sallyport.changes.infra_stop import InfraStop
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.coming import Coming
from sallyport.entries import Entry
from sallyport.offers import Offer, action_id, read_offers, read_press
from sallyport.people import People, Person
from sandbox.slack.api_messages import checked_content

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
DEV = Environment("dev", "Development", "111111111111", "eu-west-1", "arn:aws:iam::111111111111:role/x")
STOP = Entry(
    id="is-222222",
    flow="infra-stop",
    environment="dev",
    requested_by="ana@example.com",
    reason="nobody works",
    expires_at=NOW + timedelta(hours=12),
    changes=(InfraStop("dev"),),
    approvals=(),
)
ADDRESS = replace(
    STOP, id="iw-222222", flow="infra-whitelist", changes=(InfraWhitelist("198.51.100.7/32", "<home>"),)
)


def status(services: list[Service], databases: list[Database], **more: Any) -> EnvironmentStatus:
    state = EnvironmentState({one.key: one for one in services}, {one.key: one for one in databases}, **more)
    return EnvironmentStatus(DEV, state, (STOP,), NOW, (ADDRESS,))


def shown(found: EnvironmentStatus) -> tuple[str, str]:
    """The sentence, and all words of the blocks, if Slack takes them."""
    text, blocks = picture_of(found, (Offer.START, Offer.LOOK))
    checked_content(text, blocks, strict_accessibility=True)
    words = [block["text"]["text"] for block in blocks if "text" in block]
    return text, "\n".join(words)


def test_every_resource_has_a_line_that_says_its_state_in_words() -> None:
    services = [Service("acme-dev", "api", 0, 0), Service("acme-dev", "worker", 2, 1)]
    databases = [Database(Kind.INSTANCE, "acme-dev-db", "stopped", "postgres", "", NOW + timedelta(days=7))]
    text, words = shown(status(services, databases, missing=("rds/gone",)))
    assert text == "Development (dev): 0 of 2 services run, 0 of 1 databases serve."
    assert "`api` stopped, 0 of 0 tasks" in words
    assert "`worker` changing, 1 of 2 tasks" in words
    assert "`acme-dev-db` (RDS instance) stopped; AWS starts it by itself <!date^" in words
    assert "rds/gone is in the catalogue, but not in AWS" in words
    assert "Stopped for ana@example.com until <!date^" in words
    assert "`198.51.100.7/32` for ana@example.com until <!date^" in words


def test_it_says_what_comes_and_who_keeps_it_up() -> None:
    coming = Coming(NOW, NOW + timedelta(hours=11), "schedule:nights", NOW, "kim@example.com")
    text, blocks = picture_of(status([], []), (Offer.KEEP,), coming)
    checked_content(text, blocks, strict_accessibility=True)
    words = "\n".join(block["text"]["text"] for block in blocks if "text" in block)
    assert "Kept up until <!date^" in words
    assert "asked by the schedule nights." in words


def test_it_names_the_schedule_that_has_stopped_it() -> None:
    scheduled = replace(STOP, requested_by="schedule:nights")
    found = replace(status([], []), stops=(scheduled,))
    assert "Stopped for the schedule nights until <!date^" in shown(found)[1]
    assert "Stopped for the schedule nights (is-" in found.to_markdown()


def test_it_says_who_keeps_it_torn_down() -> None:
    torn_down = replace(STOP, id="it-222222", flow="infra-teardown")
    people = People((Person("ana@example.com", "Ana <Ruiz>"),))
    missing = ("RDS instance acme-dev-db", "ECS cluster acme-dev")
    found = replace(status([], [], missing=missing), stops=(), teardowns=(torn_down,), people=people)
    text, words = shown(found)
    assert text == "Development (dev) is torn down."
    assert "Torn down for Ana &lt;Ruiz&gt; until <!date^" in words
    assert "(it-222222)" in words
    assert "RDS instance acme-dev-db is deleted, and comes back when the teardown ends" in words
    assert "ECS cluster acme-dev is in the catalogue, but not in AWS" in words
    assert "> Torn down for ana&#64;example.com (it-222222) until 2026-11-22 08&#58;00 UTC." in found.to_markdown()
    assert found.to_mapping()["teardowns"] == [
        {"id": "it-222222", "requested_by": "ana@example.com", "expires_at": "2026-11-22T08:00:00Z"}
    ]


def test_what_somebody_made_while_it_is_torn_down_is_counted() -> None:
    text, _ = shown(replace(status([Service("acme-dev", "api", 1, 1)], []), teardowns=(STOP,)))
    assert text == "Development (dev): 1 of 1 services run, 0 of 0 databases serve."


def test_a_large_environment_is_cut_where_slack_would_refuse_it() -> None:
    services = [Service("acme-dev", f"service-{n:03}-{'x' * 200}", 1, 1) for n in range(100)]
    _, words = shown(status(services, []))
    assert "and 8" in words
    assert "service-000" in words


def test_what_could_not_be_read_says_why_and_is_inert() -> None:
    text, blocks = not_read("dev", "AccessDenied <!channel>", (Offer.LOOK,))
    checked_content(text, blocks, strict_accessibility=True)
    assert "AccessDenied &lt;!channel&gt;" in text


@pytest.mark.parametrize("offer", Offer)
def test_a_button_is_known_again_when_it_is_pressed(offer: Offer) -> None:
    press = read_press(action_id(offer, "non-prod"))
    assert (press.offer, press.environment) == (offer, "non-prod")
    assert read_offers(f"{offer} look") == (offer, Offer.LOOK)


@pytest.mark.parametrize("action", ["infra:dance:dev", "start:infra-stop", "infra:stop:"])
def test_another_button_is_none_of_these(action: str) -> None:
    with pytest.raises(ValueError, match="is no button"):
        read_press(action)
