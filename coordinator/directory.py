"""Who a Slack user is, and whether a person is active there: policies' people joined with Slack's.

Kept in memory and refreshed in the background, so that a listener answers without waiting for Slack.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from sallyport.people import People, Person
from sallyport.platforms.errors import PlatformError, Refused
from sallyport.platforms.slack import Slack
from sallyport.platforms.slack_answers import Home, SlackUser
from sallyport.policies import Policies

log = structlog.get_logger()

Circumstances = tuple[str, Mapping[str, frozenset[str]], Mapping[str, SlackUser]]


class Directory:
    """The workspace's members as of the last `refresh`."""

    def __init__(self, slack: Slack, policies: Callable[[], Policies]) -> None:
        self._slack = slack
        self._policies = policies
        self._users: dict[str, SlackUser] = {}
        self._active: Mapping[str, tuple[str, ...]] = {}  # by address, folded, the ids of its active users
        self._groups: Mapping[str, frozenset[str]] = {}  # by user group of Slack, the ids of its members
        self._known: tuple[Policies, Policies] | None = None
        self._home: Home | None = None
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Read all members of the workspace anew, and of the user groups that policies name."""
        users = {user.id: self._told_apart(user) for user in self._slack.users()}
        with self._lock:
            self._users, self._active = users, _by_address(users.values())
        self.refresh_groups()

    def circumstances(self) -> Circumstances:
        """Return what every answer follows from: the version of policies, the groups' members, and the users.

        As long as it stays equal, nobody may do more or less than before.
        """
        version = self._policies().version
        with self._lock:
            return version, self._groups, dict(self._users)

    @property
    def is_read(self) -> bool:
        """Whether Slack has ever told who is there; before that, nobody seems to be."""
        return bool(self._users)

    def refresh_groups(self) -> None:
        """Read anew who is in the user groups that policies name.

        What Slack tells of one is in force whatever it says of another: whoever has left a group decides no
        longer. One that could not be read stays as it was, and why is raised in the end.
        """
        groups: dict[str, frozenset[str]] = {}
        faults: list[PlatformError] = []
        for group in sorted(set(self._policies().people.external.values())):
            try:
                groups[group] = self._members(group)
            except PlatformError as error:
                faults.append(error)
                groups[group] = self._groups.get(group, frozenset())
        with self._lock:
            self._groups, self._known = groups, None
        if faults:
            raise faults[0]

    def _members(self, group: str) -> frozenset[str]:
        """Return who is in a user group; nobody is in one that was disabled, which Slack then does not know."""
        try:
            return frozenset(self._slack.usergroup_members(group))
        except Refused as refusal:
            if "no_such_subteam" not in refusal.reasons:
                raise
            log.warning("group.gone", group=group)
            return frozenset()

    def policies(self) -> Policies:
        """Return the policies in force, with the members of Slack's user groups as of the last look."""
        plain = self._policies()
        with self._lock:
            if self._known is None or self._known[0] is not plain:
                self._known = plain, self._with_groups(plain)
            return self._known[1]

    def _with_groups(self, policies: Policies) -> Policies:
        people = policies.people
        if not people.external:
            return policies
        members = {
            group: [p.email for user in self._groups.get(slack, ()) if (p := self._anybody(people, user))]
            for group, slack in people.external.items()
        }
        return replace(policies, people=people.with_members(members))

    def _anybody(self, people: People, slack_id: str) -> Person | None:
        """Return who a member of a group is; whether that one's decision counts is asked elsewhere."""
        user = self._users.get(slack_id)
        return people.by_slack(slack_id) or (people.by_email(user.email) if user and user.email else None)

    def knows(self, slack_id: str) -> bool:
        """Tell whether this user can be told about without asking Slack."""
        with self._lock:
            return slack_id in self._users

    def person(self, slack_id: str, *, bound: bool) -> Person | None:
        """Return who the Slack user is; with *bound*, only if policies bind exactly this Slack id.

        Otherwise the e-mail address of the Slack profile is enough, unless policies bind that person to
        another Slack id. Bots, guests, strangers and deactivated users are nobody.
        """
        user = self._user(slack_id)
        if user is None or not is_active(user):
            return None
        people = self._policies().people
        person = people.by_slack(slack_id)
        if person is not None or bound:
            return person
        by_email = people.by_email(user.email) if user.email else None
        return by_email if by_email is not None and not by_email.slack else None

    def slack_id(self, email: str, *, bound: bool) -> str | None:
        """Return under which Slack id the person is active; None if under none.

        With *bound*, only one that policies bind will do: another one's decision would not count.
        """
        person = self._policies().people.by_email(email)
        if person is None or (bound and not person.slack):
            return None
        if person.slack:
            user = self._user(person.slack)
            return person.slack if user is not None and is_active(user) else None
        with self._lock:
            found = self._active.get(email.casefold(), ())
        return found[0] if len(found) == 1 else None

    def zone(self, slack_id: str) -> tzinfo:
        """Return the time zone that the person has chosen in Slack; UTC where Slack names none that we know."""
        user = self._user(slack_id)
        try:
            return ZoneInfo(user.tz) if user and user.tz else UTC
        except (ZoneInfoNotFoundError, ValueError):
            return UTC

    def _user(self, slack_id: str) -> SlackUser | None:
        with self._lock:
            user = self._users.get(slack_id)
        if user is None and slack_id:
            user = self._new_member(slack_id)
        return user

    def _new_member(self, slack_id: str) -> SlackUser | None:
        """Ask Slack about somebody who was not there at the last look; None if there is no such member."""
        try:
            user = self._told_apart(self._slack.user(slack_id))
        except Refused as refusal:
            if "user_not_found" in refusal.reasons:
                return None
            raise
        with self._lock:
            self._users[slack_id] = user
            self._active, self._known = _by_address(self._users.values()), None
        return user

    def _told_apart(self, user: SlackUser) -> SlackUser:
        """Return *user*, as a stranger where Slack shows us somebody of another company."""
        self._home = self._home or self._slack.home()
        return user if self._home.holds(user) else replace(user, is_stranger=True)


def _by_address(users: Iterable[SlackUser]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for user in users:
        if user.email and is_active(user):
            address = user.email.casefold()
            found[address] = (*found.get(address, ()), user.id)
    return found


def is_active(user: SlackUser) -> bool:
    """Tell whether this is a person of the company who can be asked and may ask."""
    return not (user.deleted or user.is_bot or user.is_guest or user.is_stranger or user.id == "USLACKBOT")
