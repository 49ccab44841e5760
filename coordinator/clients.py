"""The clients of the platforms that the coordinator speaks with. Making them calls nobody."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.config import Config
from sallyport.platforms.github import GitHub
from sallyport.platforms.jira import Jira
from sallyport.platforms.slack import Slack


@dataclass(frozen=True, slots=True)
class Clients:
    """The outside world, as far as the coordinator speaks with it."""

    slack: Slack
    jira: Jira
    github: GitHub


def connect(config: Config) -> Clients:
    """Make the clients; none of them calls anybody yet."""
    return Clients(
        slack=Slack.connect(config.slack_bot_token, config.slack_api_url or None),
        jira=Jira.connect(config.jira_url, config.jira_token, config.jira_user or None, config.jira_project),
        github=GitHub.connect(
            config.github_repository,
            config.github_branch,
            config.github_token or None,
            config.github_app,
            config.github_api_url or None,
        ),
    )
