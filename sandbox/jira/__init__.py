"""A small, strict JIRA for the sandbox and the tests: `JiraStandIn(sample_site()).app`.

It serves REST v2 as Data Center or as Cloud, refuses what JIRA refuses, and is never richer than the product asks.
"""

from sandbox.jira.issues import Change, ChangeItem, Comment, Issue, RemoteLink
from sandbox.jira.project import Switches
from sandbox.jira.site import CustomField, FieldType, JiraSite, JiraUser, Transition, Workflow, sample_site
from sandbox.jira.stand_in import JiraStandIn

__all__ = [
    "Change",
    "ChangeItem",
    "Comment",
    "CustomField",
    "FieldType",
    "Issue",
    "JiraSite",
    "JiraStandIn",
    "JiraUser",
    "RemoteLink",
    "Switches",
    "Transition",
    "Workflow",
    "sample_site",
]
