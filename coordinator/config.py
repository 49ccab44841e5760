"""The coordinator's settings, read from the environment at its start; all faults are told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.audit.sinks import DEFAULT as DEFAULT_SINK
from sallyport.platforms.github import AppCredentials
from sallyport.problems import Problem
from sallyport.settings import Environment


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the coordinator is told from outside; secrets never show in a representation."""

    slack_bot_token: str = field(repr=False)
    slack_app_token: str = field(repr=False)  # set: Socket Mode
    slack_signing_secret: str = field(repr=False)  # set: HTTP
    slack_api_url: str
    jira_url: str
    jira_user: str
    jira_token: str = field(repr=False)
    jira_project: str
    github_repository: str
    github_branch: str
    github_api_url: str
    github_token: str = field(repr=False)
    github_app: AppCredentials | None
    database_url: str = field(repr=False)  # it may hold a password
    signing_key: str = field(repr=False)
    audit_url: str
    alert_channel: str
    port: int

    @property
    def socket_mode(self) -> bool:
        return bool(self.slack_app_token)


def read_config(variables: Mapping[str, str]) -> Config:
    """Read the settings; Problems tells every one that is missing or wrong."""
    env = Environment(variables)
    app_token, signing_secret = env.text("SLACK_APP_TOKEN"), env.text("SLACK_SIGNING_SECRET")
    if not app_token and not signing_secret:
        what = "neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set"
        env.refuse(Problem(what, "set the first for Socket Mode, the second for HTTP"))
    token, app = env.text("GITHUB_TOKEN"), _app(env)
    if not token and app is None:
        what = "neither GITHUB_TOKEN nor GITHUB_APP_ID is set"
        env.refuse(Problem(what, "set GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PRIVATE_KEY"))
    config = Config(
        slack_bot_token=env.required("SLACK_BOT_TOKEN", "the app's bot token, xoxb-…"),
        slack_app_token=app_token,
        slack_signing_secret=signing_secret,
        slack_api_url=env.text("SLACK_API_URL"),
        jira_url=env.required("JIRA_URL", "the address of your JIRA, such as https://example.atlassian.net"),
        jira_user=env.text("JIRA_USER"),
        jira_token=env.required("JIRA_TOKEN", "an API token (Cloud, with JIRA_USER) or personal access token"),
        jira_project=env.required("JIRA_PROJECT", "the key of the project that tickets are opened in"),
        github_repository=env.required("GITHUB_REPOSITORY", "owner/name of this repository"),
        github_branch=env.text("GITHUB_BRANCH", "main"),
        github_api_url=env.text("GITHUB_API_URL"),
        github_token=token,
        github_app=app,
        database_url=env.text("DATABASE_URL", "sqlite:///sallyport.db"),
        signing_key=env.required("COORDINATOR_SIGNING_KEY", "make one with “coordinator keys new”"),
        audit_url=env.text("AUDIT_URL", DEFAULT_SINK),
        alert_channel=env.text("ALERT_CHANNEL"),
        port=env.number("PORT", 8080),
    )
    env.check()
    return config


def _app(env: Environment) -> AppCredentials | None:
    app_id = env.text("GITHUB_APP_ID")
    if not app_id:
        return None
    installation = env.number("GITHUB_APP_INSTALLATION_ID", 0)
    return AppCredentials(
        app_id, installation, env.required("GITHUB_APP_PRIVATE_KEY", "the app's private key, PEM")
    )
