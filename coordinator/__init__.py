"""The service people meet: Slack in; JIRA tickets, commits and dispatches out. It holds no right to change AWS.

Listeners record facts in the journal; the reconciler makes Slack, JIRA and GitHub match them.
"""
