"""A local Slack: strict Web API, Socket Mode and signed HTTP, scripted people, a page to look at and play with.

It serves tests and the sandbox; the product must never import it.
"""

from .app import App, read_manifest
from .delivery import Ack, Delivery
from .interactions import Answer, AppFault
from .person import Person
from .stand_in import SlackStandIn
from .state import Refused, Version
from .surfaces import Form, Message
from .workspace import Channel, Member, Usergroup, Workspace, sample_workspace

__all__ = [
    "Ack",
    "Answer",
    "App",
    "AppFault",
    "Channel",
    "Delivery",
    "Form",
    "Member",
    "Message",
    "Person",
    "Refused",
    "SlackStandIn",
    "Usergroup",
    "Version",
    "Workspace",
    "read_manifest",
    "sample_workspace",
]
