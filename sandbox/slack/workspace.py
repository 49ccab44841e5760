"""Who and what exists in the local Slack: people, channels, user groups, the app and its tokens.

Plain values, given once. It must never hold messages, forms or anything else that changes while people work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

SLACKBOT = "USLACKBOT"  # listed by every real workspace as a member that does not say it is a bot
SCOPES = (
    "app_mentions:read",
    "commands",
    "chat:write",
    "im:write",
    "im:history",
    "channels:read",
    "channels:history",
    "groups:read",
    "groups:history",
    "users:read",
    "users:read.email",
    "usergroups:read",
)


@dataclass(frozen=True, slots=True)
class Member:
    """A person or a bot; `tz` is an IANA zone, the one their Slack shows times in."""

    id: str
    name: str
    real_name: str
    email: str = ""
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    tz: str = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel and the ids of its members, the bot included if it was invited."""

    id: str
    name: str
    members: tuple[str, ...] = ()
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Usergroup:
    """`@handle` and the ids of the people it stands for."""

    id: str
    handle: str
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workspace:
    """One team with one installed app. `url` is what permalinks start with."""

    team_id: str = "T0ACME"
    team_name: str = "Acme"
    url: str = "https://acme.slack.com"
    app_id: str = "A0SALLY"
    bot_id: str = "B0BOT"
    bot_user_id: str = "U0BOT"
    bot_name: str = "sallyport"
    bot_token: str = "xoxb-sandbox-bot"
    app_token: str = "xapp-sandbox-app"
    signing_secret: str = "sandbox-signing-secret"
    scopes: tuple[str, ...] = SCOPES
    members: tuple[Member, ...] = ()
    channels: tuple[Channel, ...] = ()
    usergroups: tuple[Usergroup, ...] = ()

    @property
    def everybody(self) -> tuple[Member, ...]:
        """All that users.list shows: the members, Slackbot and the app's own bot user."""
        slackbot = Member(SLACKBOT, "slackbot", "Slackbot")
        bot = Member(self.bot_user_id, self.bot_name, self.bot_name.capitalize(), is_bot=True)
        return (*self.members, slackbot, bot)

    def member(self, user_id: str) -> Member | None:
        return next((member for member in self.everybody if member.id == user_id), None)

    def named(self, name: str) -> Member:
        """The living person called `name`; a KeyError names who there is."""
        for member in self.members:
            if member.name == name and not member.deleted and not member.is_bot:
                return member
        people = ", ".join(member.name for member in self.members if not member.deleted and not member.is_bot)
        raise KeyError(f"nobody called {name!r} can use this Slack; there are: {people}")

    def channel(self, id_or_name: str) -> Channel | None:
        wanted = id_or_name.removeprefix("#")
        return next((channel for channel in self.channels if wanted in (channel.id, channel.name)), None)

    def with_member(self, member: Member) -> Workspace:
        """The same workspace after `member` was added or changed (deactivated, made a guest, renamed)."""
        others = tuple(other for other in self.members if other.id != member.id)
        return replace(self, members=(*others, member))


def sample_workspace() -> Workspace:
    """The people and channels that every test and the sandbox share."""
    members = (
        Member("U0ANA", "ana", "Ana Ruiz", "ana@example.com"),
        Member("U0LEE", "lee", "Lee Wong", "lee@example.com", tz="Europe/London"),
        Member("U0SAM", "sam", "Sam Okafor", "sam@example.com", tz="Africa/Lagos"),
        Member("U0KIM", "kim", "Kim Berg", "kim@example.com"),
        Member("U0ROB", "rob", "Robot", is_bot=True),
        Member("U0DEE", "dee", "Dee Gone", "dee@example.com", deleted=True),
    )
    channels = (
        Channel("C0INFRA", "infra-requests", ("U0ANA", "U0LEE", "U0SAM", "U0KIM", "U0BOT")),
        Channel("C0ALERTS", "alerts", ("U0LEE", "U0SAM", "U0BOT")),
    )
    usergroups = (
        Usergroup("S0ENG", "engineering", ("U0ANA", "U0LEE", "U0SAM", "U0KIM")),
        Usergroup("S0PRODAPP", "prod-approvers", ("U0LEE", "U0SAM")),
    )
    return Workspace(members=members, channels=channels, usergroups=usergroups)
