"""The picture of an environment in Slack: at once what is on record, and then what a job reads in AWS.

The coordinator holds no rights in AWS. It says where the message stands, and the job puts the picture there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.asking import Asking
from coordinator.ending import Ending
from coordinator.infra import answers
from coordinator.infra.lines import STOP, WHITELIST
from coordinator.infra.record import Record
from coordinator.keeping import Keeping
from coordinator.slack.answering import Answering
from coordinator.slack.text import bounded
from sallyport.catalogue import Environment
from sallyport.changes.infra_stop import Infrastructure
from sallyport.offers import Offer, buttons
from sallyport.platforms.errors import PlatformError, Refused
from sallyport.platforms.github import GitHub
from sallyport.platforms.slack import Posted
from sallyport.policies import Policies

STATUS, REFRESH = "status.yml", "refresh.yml"
_NOT_OURS = {"not_in_channel", "channel_not_found", "is_archived", "restricted_action"}


@dataclass(frozen=True, slots=True)
class Looking:
    """Posts the picture."""

    answering: Answering
    policies: Callable[[], Policies]
    asking: Asking
    ending: Ending
    keeping: Keeping
    record: Record
    github: GitHub

    def look(self, place: Environment, user: str, channel: str) -> None:
        """Show how *place* stands to whoever reads *channel*, or to *user* alone where we may not post."""
        people = self.policies().people
        down = answers.on_record(self.record.stops(place.id), self.record.teardowns(place.id), people)
        let_in = answers.addresses(self.record.addresses(place.id), place, people)
        coming = self.record.coming(place.id)
        known = bounded(answers.joined((down, answers.coming(coming, people), let_in)))
        offers = self.offers(place, user)
        posted = self._post(channel, user, known, _blocks(place, known, answers.looking(), offers))
        if not self._has_infrastructure(place):
            self._tell(posted, place, known, "its catalogue names nothing that runs there.", offers)
            return
        inputs = {
            "environment": place.id,
            "channel": posted.channel,
            "message": posted.ts,
            "offers": " ".join(offers),
            "coming": coming.to_text(),
        }
        try:
            self.github.dispatch(STATUS, inputs)
        except PlatformError as error:
            self._tell(posted, place, known, f"{error}.", offers)

    def compare(self, place: Environment, lock: str, user: str, channel: str) -> None:
        """Have a job hold the allow list of *place* against all live requests, and answer in a message's place."""
        text = answers.comparing(place)
        posted = self._post(channel, user, text, ())
        inputs = {"environment": place.id, "lock": lock, "channel": posted.channel, "message": posted.ts}
        try:
            self.github.dispatch(REFRESH, inputs)
        except PlatformError as error:
            self.answering.slack.update(posted.channel, posted.ts, answers.not_compared(place, f"{error}."))

    def offers(self, place: Environment, user: str) -> tuple[Offer, ...]:
        """Return what this person may do there now."""
        stops, teardowns = self.record.stops(place.id), self.record.teardowns(place.id)
        mine = {flow.id for flow in self.asking.may_use(user) if flow.has_rule_in(place.id)}
        found = {
            Offer.START: any(self.ending.may_spare(request, user) for request in stops),
            Offer.SPINUP: any(self.ending.may_spare(request, user) for request in teardowns),
            Offer.KEEP: self.keeping.may_keep(place.id, user),
            Offer.STOP: not (stops or teardowns) and STOP in mine,
            Offer.WHITELIST: WHITELIST in mine,
            Offer.LOOK: True,
        }
        return tuple(offer for offer, offered in found.items() if offered)

    def _post(self, channel: str, user: str, text: str, blocks: Sequence[dict[str, Any]]) -> Posted:
        marker = f"status:{user}"
        try:
            return self.answering.slack.post(channel, text, blocks=blocks, marker=marker)
        except Refused as refusal:
            if not _NOT_OURS & set(refusal.reasons):
                raise
            return self.answering.slack.post(user, text, blocks=blocks, marker=marker)

    def _tell(self, posted: Posted, place: Environment, known: str, why: str, offers: Sequence[Offer]) -> None:
        blocks = _blocks(place, known, answers.not_looked(why), offers)
        self.answering.slack.update(posted.channel, posted.ts, known, blocks)

    def _has_infrastructure(self, place: Environment) -> bool:
        try:
            return bool(Infrastructure.find(self.policies().catalogue, place.id))
        except LookupError:
            return False


def _blocks(place: Environment, known: str, below: str, offers: Sequence[Offer]) -> list[dict[str, Any]]:
    return [
        {"type": "header", "text": {"type": "plain_text", "text": answers.head(place)[:150]}},
        {"type": "section", "text": {"type": "mrkdwn", "text": known}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": below[:2000]}]},
        *buttons(offers, place.id),
    ]
