"""Who is who: policies' people joined with Slack's, where a doubt is a no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from coordinator.directory import Directory
from sallyport.platforms.errors import PlatformError, Refused, TryLater
from sallyport.platforms.slack_answers import Home, SlackUser
from sallyport.policies import Policies


def user(user_id: str, email: str = "", **different: bool) -> SlackUser:
    facts = {"is_bot": False, "deleted": False, "is_guest": False, "is_stranger": False} | different
    return SlackUser(user_id, "T0ACME", user_id.lower(), user_id, email, tz="UTC", **facts)


@dataclass
class FakeMembers:
    """Slack's list of members, and a count of who was asked about one by one."""

    members: dict[str, SlackUser]
    asked: list[str] = field(default_factory=list)
    fault: PlatformError | None = None

    def home(self) -> Home:
        return Home("T0ACME", "E0ACME")

    def users(self) -> tuple[SlackUser, ...]:
        return tuple(self.members.values())

    def user(self, user_id: str) -> SlackUser:
        self.asked.append(user_id)
        if self.fault:
            raise self.fault
        if user_id not in self.members:
            raise Refused("Slack", "describe a member", "user_not_found", reasons=("user_not_found",))
        return self.members[user_id]


Known = Callable[..., Directory]


@pytest.fixture
def slack() -> FakeMembers:
    return FakeMembers({"U0LEE": user("U0LEE", "lee@example.com"), "U0ANA": user("U0ANA", "ana@example.com")})


@pytest.fixture
def directory(slack: FakeMembers, policies: Policies) -> Directory:
    directory = Directory(slack, lambda: policies)  # type: ignore[arg-type]  # the two methods it uses
    directory.refresh()
    return directory


@pytest.fixture
def unbound(slack: FakeMembers, policies: Policies) -> Directory:
    """A directory under policies that bind nobody's Slack id."""
    persons = tuple(replace(person, slack="") for person in policies.people.persons)
    loose = replace(policies, people=replace(policies.people, persons=persons))
    directory = Directory(slack, lambda: loose)  # type: ignore[arg-type]
    directory.refresh()
    return directory


class TestAPerson:
    def test_whom_policies_bind_is_known_by_the_slack_id(self, directory: Directory) -> None:
        person = directory.person("U0LEE", bound=True)
        assert person is not None
        assert person.email == "lee@example.com"

    @pytest.mark.parametrize("trait", ["is_bot", "deleted", "is_guest", "is_stranger"])
    def test_bots_guests_strangers_and_who_has_left_are_nobody(
        self, directory: Directory, slack: FakeMembers, trait: str
    ) -> None:
        slack.members["U0LEE"] = user("U0LEE", "lee@example.com", **{trait: True})
        directory.refresh()
        assert directory.person("U0LEE", bound=True) is None
        assert directory.person("U0LEE", bound=False) is None
        assert directory.slack_id("lee@example.com", bound=False) is None

    @pytest.mark.parametrize(
        ("facts", "is_ours"),
        [
            ({"team_id": "T0OTHER"}, False),
            ({"team_id": "T0OTHER", "enterprise_id": "E0OTHER", "teams": ("T0OTHER",)}, False),
            ({"team_id": ""}, False),
            ({"team_id": "T0SECOND", "enterprise_id": "E0ACME", "teams": ("T0SECOND",)}, True),
            ({"team_id": "E0ACME", "teams": ("T0SECOND", "T0ACME")}, True),
        ],
    )
    def test_somebody_of_another_company_who_shares_a_channel_is_nobody(
        self, unbound: Directory, slack: FakeMembers, facts: dict[str, Any], is_ours: bool
    ) -> None:
        """Slack calls only those strangers who share none. The address of an outsider proves nothing."""
        for user_id in ("U0LEE", "W0LEE"):
            slack.members[user_id] = replace(user(user_id, "lee@example.com"), **facts)
        assert (unbound.person("W0LEE", bound=False) is not None) is is_ours  # who is asked about one by one
        unbound.refresh()
        assert (unbound.person("U0LEE", bound=False) is not None) is is_ours

    def test_an_address_is_enough_only_where_policy_does_not_demand_a_bound_identity(
        self, unbound: Directory
    ) -> None:
        assert unbound.person("U0LEE", bound=True) is None
        found = unbound.person("U0LEE", bound=False)
        assert found is not None
        assert found.email == "lee@example.com"

    def test_the_address_of_somebody_who_is_bound_elsewhere_makes_nobody_that_person(
        self, directory: Directory, slack: FakeMembers
    ) -> None:
        slack.members["U0EVIL"] = user("U0EVIL", "lee@example.com")
        directory.refresh()
        assert directory.person("U0EVIL", bound=False) is None

    def test_an_id_that_slack_does_not_know_is_nobody(self, directory: Directory) -> None:
        assert directory.person("U0NOBODY", bound=False) is None
        assert directory.person("", bound=False) is None

    def test_whoever_joined_since_the_last_look_is_asked_about_once(
        self, directory: Directory, slack: FakeMembers
    ) -> None:
        slack.members["U0SAM"] = user("U0SAM", "sam@example.com")
        for _ in range(3):
            assert directory.person("U0SAM", bound=True) is not None
        assert slack.asked == ["U0SAM"]

    def test_a_slack_that_is_away_is_no_answer(self, directory: Directory, slack: FakeMembers) -> None:
        slack.fault = TryLater("Slack", "describe a member", "away")
        with pytest.raises(TryLater):
            directory.person("U0SAM", bound=True)

    def test_a_refusal_for_another_reason_is_no_answer_either(
        self, directory: Directory, slack: FakeMembers
    ) -> None:
        slack.fault = Refused("Slack", "describe a member", "missing_scope", reasons=("missing_scope",))
        with pytest.raises(Refused):
            directory.person("U0SAM", bound=True)


class TestASlackId:
    def test_a_bound_person_has_the_id_that_policies_say(self, directory: Directory) -> None:
        assert directory.slack_id("lee@example.com", bound=False) == "U0LEE"

    def test_an_unbound_person_has_the_only_active_one_with_the_address(
        self, unbound: Directory, slack: FakeMembers
    ) -> None:
        assert unbound.slack_id("lee@example.com", bound=False) == "U0LEE"
        assert unbound.slack_id("lee@example.com", bound=True) is None, "an approval by it would not count"
        slack.members["U1LEE"] = user("U1LEE", "Lee@example.com")
        unbound.refresh()
        assert unbound.slack_id("lee@example.com", bound=False) is None, "two would be a guess"
        slack.members["U0LEE"] = user("U0LEE", "lee@example.com", deleted=True)
        unbound.refresh()
        assert unbound.slack_id("lee@example.com", bound=False) == "U1LEE"

    def test_who_is_not_among_policies_people_has_none(self, directory: Directory) -> None:
        assert directory.slack_id("stranger@example.com", bound=False) is None
