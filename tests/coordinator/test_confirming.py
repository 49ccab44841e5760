"""What the home tab shows of what waits for a confirmation in GitHub: exactly what its reader could confirm."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from coordinator.asking import LISTED
from coordinator.journal import Done
from coordinator.lifecycle import Lane
from coordinator.requests import Request, State
from coordinator.withdrawing import Withdrawing
from tests.coordinator.asks import HOUR, NOW, SECOND
from tests.coordinator.conftest import Installed, Store
from tests.coordinator.test_directory import user
from tests.coordinator.test_newer_in_the_journal import NEWER, alter
from tests.coordinator.test_routing import PEOPLE, Firm, Members

PULL = {"number": 12, "url": "https://github.test/pull/12", "who": ["Lee Wong", "Sam Okafor"], "slack": []}
RULE = {"step_up": "github", "timeout": "2h"}


@pytest.fixture
def firm(sqlite: Store, installed: Installed) -> Firm:
    """A firm in which production access must be confirmed in GitHub, within two hours of its approval in Slack."""
    members = {f"U0{name.upper()}": user(f"U0{name.upper()}", f"{name}@example.com") for name in PEOPLE}
    firm = Firm(sqlite.journal(), installed.files, Members(members, groups={"S0ONCALL": ("U0KIM",)}))
    firm.rules(**RULE)
    return firm


def half_approved(firm: Firm, at: datetime = NOW) -> Request:
    """What Ana has asked for, and Lee has approved in Slack; GitHub does not show it yet."""
    firm.now = at
    return firm.approves("U0LEE", firm.asks())


def waiting(firm: Firm, at: datetime = NOW) -> Request:
    """The same, once GitHub shows it."""
    request = half_approved(firm, at)
    for name in ("branch", "proposal", "pull"):
        due = [work for work in firm.journal.claim(Lane.RUNS, at, 1000) if work.request_id == request.id]
        assert [work.name for work in due] == [name]
        firm.journal.finish(due[0], Done(PULL if name == "pull" else {}))
    return firm.request(request)


def seen(firm: Firm, who: str) -> list[str]:
    return [request.id for request in firm.asking.desk(who).to_confirm]


def names(firm: Firm, change: Callable[[Any], None]) -> None:
    """From now on, policies name people differently."""
    document = yaml.safe_load(firm.files["people.yaml"])
    change(document)
    firm.files = {**firm.files, "people.yaml": json.dumps(document).encode()}
    firm.rules(**RULE)


class TestWhoSeesIt:
    @pytest.mark.parametrize("who", ["U0LEE", "U0SAM"])
    def test_whoever_may_confirm_it_the_one_who_approved_it_in_slack_too(self, firm: Firm, who: str) -> None:
        request = waiting(firm)
        assert seen(firm, who) == [request.id]
        assert firm.asking.desk(who).to_confirm[0].result("pull")["url"] == PULL["url"]

    @pytest.mark.parametrize("who", ["U0ANA", "U0KIM", "U0NOBODY"])
    def test_not_the_requester_nor_anybody_else(self, firm: Firm, who: str) -> None:
        waiting(firm)
        assert seen(firm, who) == []

    def test_not_the_requester_who_is_an_approver_of_others(self, firm: Firm) -> None:
        names(firm, lambda document: document["groups"]["prod-approvers"].append("ana@example.com"))
        request = waiting(firm)
        assert (seen(firm, "U0ANA"), seen(firm, "U0SAM")) == ([], [request.id])

    def test_not_an_approver_without_a_login_there(self, firm: Firm) -> None:
        def no_login(document: Any) -> None:
            [sam] = [person for person in document["people"] if person["email"] == "sam@example.com"]
            del sam["github"]

        names(firm, no_login)
        request = waiting(firm)
        assert (seen(firm, "U0SAM"), seen(firm, "U0LEE")) == ([], [request.id])

    def test_not_who_is_an_approver_only_through_a_group_kept_in_slack(self, firm: Firm) -> None:
        firm.rules(**RULE, approvers={"groups": ["prod-approvers", "on-call"]})
        assert "U0KIM" in firm.asks().deciders
        request = waiting(firm)
        assert (seen(firm, "U0KIM"), seen(firm, "U0SAM")) == ([], [request.id])

    def test_not_who_is_active_in_slack_no_longer(self, firm: Firm) -> None:
        waiting(firm)
        firm.leaves("U0SAM")
        assert seen(firm, "U0SAM") == []

    def test_whoever_a_change_of_policies_lets_confirm_it_now_and_nobody_else(self, firm: Firm) -> None:
        request = waiting(firm)
        firm.rules(**RULE, approvers={"people": ["kim@example.com"]})
        assert (seen(firm, "U0KIM"), seen(firm, "U0LEE")) == ([request.id], [])

    def test_nobody_where_policies_have_no_rule_for_it_any_more(self, firm: Firm) -> None:
        waiting(firm)
        firm.rules(**RULE, when={"environment": "non-prod"})
        assert seen(firm, "U0LEE") == []


class TestWhileItWaits:
    def test_it_is_not_seen_before_slack_has_approved_it_nor_before_github_shows_it(self, firm: Firm) -> None:
        firm.asks()
        assert seen(firm, "U0SAM") == []
        half_approved(firm)
        assert seen(firm, "U0SAM") == []

    def test_it_is_not_seen_any_more_once_it_is_cancelled(self, firm: Firm) -> None:
        request = waiting(firm)
        Withdrawing(firm.journal, firm.directory.policies, lambda: firm.now).cancel(request.id, "U0ANA")
        assert firm.request(request).state is State.CANCELLED
        assert seen(firm, "U0LEE") == []

    def test_it_is_seen_until_a_review_would_be_too_late(self, firm: Firm) -> None:
        request = waiting(firm)
        firm.now = request.decide_by - SECOND
        assert seen(firm, "U0LEE") == [request.id]
        firm.now = request.decide_by
        assert seen(firm, "U0LEE") == []

    def test_those_with_the_least_time_left_come_first_and_no_more_than_are_listed(self, firm: Firm) -> None:
        later = waiting(firm, NOW + HOUR)
        sooner = waiting(firm)
        assert seen(firm, "U0LEE") == [sooner.id, later.id]
        for _ in range(LISTED):
            waiting(firm)
        assert len(seen(firm, "U0LEE")) == LISTED
        assert later.id not in seen(firm, "U0LEE")

    @pytest.mark.parametrize("newer", [{"flow": NEWER}, {"changes": [{"of": "another shape"}]}], ids="".join)
    def test_what_only_a_newer_version_can_read_keeps_nobody_from_seeing_the_rest(
        self, firm: Firm, newer: dict[str, Any]
    ) -> None:
        theirs, ours = waiting(firm), waiting(firm)
        alter(firm.journal, theirs, **newer)
        assert seen(firm, "U0LEE") == [ours.id]

    def test_looking_reads_nothing_that_does_not_wait_there(self, firm: Firm) -> None:
        said: list[tuple[str, Any]] = []
        waiting(firm)

        @sa.event.listens_for(firm.journal._engine, "before_cursor_execute")
        def hears(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            said.append((statement, parameters))

        firm.asking.desk("U0LEE")
        [(query, values)] = [each for each in said if "'confirming'" in each[0]]
        with firm.journal.reading() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
        assert "SEARCH requests USING INDEX confirming (decide_by>?)" in [row[3] for row in plan]
