"""Bolt listeners: they validate, record one fact, acknowledge, and return.

Nothing is acknowledged before it is durable. Everything after the acknowledgement runs elsewhere and cannot
take it back. Here they are only registered; each group stands in a module of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from slack_bolt import App

from coordinator.asking import Asking
from coordinator.deciding import Deciding
from coordinator.ending import Ending
from coordinator.extending import Extending
from coordinator.infra import keeping_form
from coordinator.infra.door import InfraDoor
from coordinator.infra.looking import Looking
from coordinator.infra.record import Record
from coordinator.keeping import Keeping
from coordinator.nudging import Nudging
from coordinator.slack import (
    announcements,
    approval_form,
    chooser,
    decision_buttons,
    emergency_form,
    extension_form,
    forms,
    inputs,
    own_buttons,
)
from coordinator.slack.answering import Answering
from coordinator.slack.breaking import Breaking
from coordinator.slack.buttons import Buttons
from coordinator.slack.doors import Doors
from coordinator.slack.drafting import Drafting
from coordinator.slack.filling import Filling
from coordinator.slack.opening import Opening
from coordinator.slack.own_presses import OwnPresses
from coordinator.slack.sparing import Sparing
from coordinator.sleeping import Sleeping
from coordinator.withdrawing import Withdrawing
from sallyport import offers
from sallyport.platforms.github import GitHub
from sallyport.platforms.slack import Slack
from sallyport.policies import Policies

_ANY = re.compile(r"/.+")  # policies may gain a flow while we run


class Listeners:
    """Everything a person can type or press in Slack."""

    def __init__(
        self,
        slack: Slack,
        policies: Callable[[], Policies],
        asking: Asking,
        deciding: Deciding,
        withdrawing: Withdrawing,
        extending: Extending,
        nudging: Nudging,
        github: GitHub,
        alert_channel: str = "",
    ) -> None:
        self.answering = Answering(slack)
        opening = Opening(self.answering, policies, asking, alert_channel)
        self.breaking = Breaking(self.answering, policies, asking, opening)
        ending = Ending(asking.journal, policies, asking.directory, asking.now)
        self.sparing = Sparing(self.answering, ending)
        sleeping = Sleeping(asking.journal, policies, asking.now)
        keeping, record = Keeping(ending, sleeping, policies), Record(asking.journal, policies, sleeping)
        looking = Looking(self.answering, policies, asking, ending, keeping, record, github)
        self.infra = InfraDoor(self.answering, policies, opening, ending, keeping, record, looking)
        drafting = Drafting(asking.journal.drafts, self.answering.later)
        self.doors = Doors(self.answering, policies, asking, opening, self.breaking, self.infra.take)
        self.filling = Filling(self.answering, policies, asking, opening, drafting, self.doors)
        self.buttons = Buttons(self.answering, policies, deciding, self.doors)
        self.own_presses = OwnPresses(
            self.answering, policies, asking.journal, withdrawing, extending, nudging, opening, self.doors
        )

    def attach(self, app: App) -> None:
        """Register the listeners; a command is looked up in policies when it is typed."""
        guarded = self.answering.guarded
        app.command(_ANY)(guarded(self.doors.command))
        app.global_shortcut(chooser.SHORTCUT)(guarded(self.doors.shortcut))
        app.event("app_mention")(guarded(self.doors.mentioned))
        app.event("app_home_opened")(guarded(self.doors.home_opened))
        app.action(_begins(offers.PREFIX))(guarded(self.infra.pressed))
        app.view_submission(keeping_form.KEEP)(guarded(self.infra.keeps))
        app.action(_begins(chooser.START))(guarded(self.doors.starts))
        app.action(_begins(chooser.START_EMERGENCY))(guarded(self.breaking.starts))
        app.view_submission(emergency_form.BREAK)(guarded(self.breaking.submitted))
        app.action(_begins(inputs.ANSWER))(guarded(self.filling.answered))
        app.options(_begins(inputs.ANSWER))(guarded(self.filling.suggests))
        app.action(_begins(forms.CONTINUE))(guarded(self.filling.goes_on))
        app.view_submission(forms.ASK)(guarded(self.filling.submitted))
        app.view_closed(forms.ASK)(guarded(self.filling.closed))
        app.view_submission(forms.DENIAL)(guarded(self.buttons.denied))
        app.action(_begins(decision_buttons.APPROVE))(guarded(self.buttons.approved))
        app.action(_begins(decision_buttons.APPROVE_WITH_FORM))(guarded(self.buttons.wants_to_approve))
        app.view_submission(approval_form.APPROVAL)(guarded(self.buttons.approved_for))
        app.action(_begins(decision_buttons.DENY))(guarded(self.buttons.wants_to_deny))
        app.action(_begins(own_buttons.CANCEL))(guarded(self.own_presses.cancels))
        app.action(_begins(own_buttons.GIVE_BACK))(guarded(self.own_presses.gives_back))
        app.action(_begins(own_buttons.NUDGE))(guarded(self.own_presses.nudges))
        app.action(_begins(own_buttons.ASK_AGAIN))(guarded(self.own_presses.asks_again))
        app.action(_begins(own_buttons.EXTEND))(guarded(self.own_presses.wants_to_extend))
        app.view_submission(extension_form.EXTENSION)(guarded(self.own_presses.extends))
        app.action(_begins(announcements.SPARE))(guarded(self.sparing.spares))


def _begins(prefix: str) -> re.Pattern[str]:
    return re.compile(f"^{re.escape(prefix)}")
