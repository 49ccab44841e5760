"""The two commands that only tell: which role a request needs, and what would be done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.actions.world import ORDERS, PAYMENTS, PROD_ROLE, World, whitelisting


def test_the_role_of_a_request_is_told(world: World) -> None:
    entry = world.entry()
    outputs = world.target(entry.id, world.add(entry))
    assert outputs == {"role": PROD_ROLE, "region": "eu-west-1", "account": "222222222222"}


def test_what_cannot_be_applied_has_no_role_so_that_apply_can_say_why(world: World) -> None:
    entry = world.entry()
    commit = world.add(entry)
    world.now += timedelta(hours=2)
    assert world.target(entry.id, commit) == {"role": "", "region": "", "account": ""}
    assert world.target("aw-999999", commit)["role"] == ""
    assert world.target(entry.id, "f" * 40)["role"] == ""


def test_every_target_is_planned_and_nothing_is_written(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.add(world.entry("aw-222222"), world.entry("aw-333333", changes=(whitelisting("orders"),)))
    assert world.plan() == 0
    text = capsys.readouterr().out
    assert PAYMENTS in text
    assert ORDERS in text
    assert "1 to create, 0 to remove" in text
    assert world.aws.writes == []
    assert text.strip() in world.summary


def test_one_request_is_planned_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.add(world.entry("aw-222222"), world.entry("aw-333333", changes=(whitelisting("orders"),)))
    assert world.plan("aw-333333") == 0
    assert PAYMENTS not in capsys.readouterr().out


def test_a_target_that_cannot_be_planned_does_not_hide_the_others(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.add(world.entry("aw-222222"), world.entry("aw-333333", changes=(whitelisting("orders"),)))
    world.aws.observe_faults[PAYMENTS] = "AWS refused GetRestApi (AccessDeniedException)."
    assert world.plan() == 1
    text = capsys.readouterr().out
    assert "AccessDeniedException" in text
    assert "1 to create" in text


def test_an_unknown_request_is_said_to_be_unknown(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.plan("aw-999999") == 1
    assert "aw-999999 is not in the repository." in capsys.readouterr().out
