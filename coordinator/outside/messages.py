"""Slack: the thread's first message, the approvers' cards, and what the requester is told directly.

Their content follows from the request as it stands, so bringing one up to date is posting it anew in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.models.blocks import Block

from coordinator.journal import Done, Journal, Work
from coordinator.lifecycle import ANNOUNCE
from coordinator.outside.tickets import marker_of
from coordinator.requests import WAITED_FOR, Request, State, is_channel
from coordinator.slack import approver_cards, cards, emergency_messages, notices
from coordinator.slack.announcements import announcement
from coordinator.wording import RESTARTED
from sallyport.platforms.slack import Slack
from sallyport.policies import Policies
from sallyport.times import format_moment

log = structlog.get_logger()

Content = tuple[str, Sequence[Block]]  # the sentence for notifications and screen readers, and the blocks


@dataclass(frozen=True, slots=True)
class Messages:
    """The effects `thread`, `reply`, `card`, `alarm`, `announce`, `tell`, `remind`, `nudged` and `restarted`."""

    slack: Slack
    journal: Journal
    policies: Callable[[], Policies]
    alert_channel: str = ""

    def thread(self, work: Work, request: Request) -> Done:
        """Show the request where everybody concerned can follow it."""
        return self._show(work, request, request.channel or request.requester_slack, cards.thread)

    def card(self, work: Work, request: Request) -> Done:
        """Show one approver what is asked, with its buttons while a decision is open."""
        place = work.payload["user"]
        return self._show(
            work, request, place, lambda asked, policies: approver_cards.card(asked, policies, place)
        )

    def alarm(self, work: Work, request: Request) -> Done:
        """Tell the alert channel of an emergency, where there is one."""
        if not self.alert_channel:
            log.error("emergency.untold", request_id=request.id, why="there is no ALERT_CHANNEL")
            return Done(asked=False)
        return self._show(work, request, self.alert_channel, emergency_messages.alarm)

    def tell(self, work: Work, request: Request) -> Done:
        """Tell the requester directly how the request came out."""
        return self._show(work, request, request.requester_slack, notices.notice)

    def remind(self, work: Work, request: Request) -> Done:
        """Remind the requester directly of a near end."""
        return self._show(work, request, request.requester_slack, notices.reminder)

    def nudged(self, work: Work, request: Request) -> Done:
        """Remind those who are waited for at one place, under their card; nobody of what was decided meanwhile."""
        place = work.payload["place"]
        card = request.result(f"card:{place}")
        if request.state not in WAITED_FOR or not card:
            return Done(asked=False)
        who = tuple(work.payload["who"]) if request.state is State.CONFIRMING else request.deciders
        text = notices.nudge(request, self.policies(), who if is_channel(place) else (place,))
        return self._reply(card, text, work.marker, perhaps_there=work.uncertain)

    def announce(self, work: Work, request: Request) -> Done:
        """Warn those who work in the environment, and show them what became of it.

        What was put off is announced again before it begins, unless it is over by then or was put off once more.
        """
        begins = request.begins_at or request.submitted_at
        again = work.name != ANNOUNCE and not work.result
        if again and (request.state is not State.ANNOUNCED or work.name != f"{ANNOUNCE}:{format_moment(begins)}"):
            return Done(asked=False)
        place = self.policies().catalogue.environments[request.environment].channel or request.channel
        to = place or request.requester_slack
        return self._show(work, request, to, lambda asked, policies: announcement(asked, policies, begins))

    def reply(self, work: Work, request: Request) -> Done:
        """Make sure that the thread tells an outcome: the job has, unless it could not."""
        fact = next(f for f, _ in self.journal.facts(request.id) if f.number == work.payload["fact"])
        text = f"{request.id}: {cards.shown_lines(str(fact.details.get('detail', '')))}"
        return self._reply(request.result("thread"), text, marker_of(fact), perhaps_there=True)

    def restarted(self, work: Work, request: Request) -> Done:
        """Tell the thread that a job was started again."""
        text = f"{request.id}: {RESTARTED[work.payload['what']].format(url=work.payload['url'])}"
        return self._reply(request.result("thread"), text, work.marker, perhaps_there=work.uncertain)

    def _reply(self, root: Mapping[str, Any], text: str, marker: str, *, perhaps_there: bool) -> Done:
        """Say something once under a message of ours."""
        found = self.slack.find(root["channel"], marker, thread_ts=root["ts"]) if perhaps_there else None
        if found is None:
            found = self.slack.post(root["channel"], text, marker=marker, thread_ts=root["ts"])
        return Done({"channel": found.channel, "ts": found.ts})

    def _show(
        self, work: Work, request: Request, to: str, content: Callable[[Request, Policies], Content]
    ) -> Done:
        text, made = content(request, self.policies())
        blocks = [block.to_dict() for block in made]
        place = dict(work.result) or self._find(work, request, to)
        if place:
            self.slack.update(place["channel"], place["ts"], text, blocks, marker=work.marker)
            return Done(place)
        posted = self.slack.post(to, text, blocks=blocks, marker=work.marker)
        return Done({"channel": posted.channel, "ts": posted.ts})

    def _find(self, work: Work, request: Request, to: str) -> dict[str, str]:
        if not work.uncertain:
            return {}
        channel = self.slack.open_dm(to) if to.startswith(("U", "W")) else to
        oldest = f"{request.submitted_at.timestamp() - 600:.6f}"
        found = self.slack.find(channel, work.marker, oldest=oldest)
        return {"channel": found.channel, "ts": found.ts} if found else {}
