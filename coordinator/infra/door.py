"""The door of `/infra`: answers the words that are no flow's, and the buttons under an environment's picture.

Whatever is typed is answered. What changes something is an early return of a request, or a request of a flow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coordinator.deciding import NotYours
from coordinator.ending import Ending
from coordinator.infra import answers, keeping_form
from coordinator.infra.lines import FULL, STOP, TEARDOWN, WHITELIST, Errand, Kind, read_errand
from coordinator.infra.looking import Looking
from coordinator.infra.record import Record
from coordinator.keeping import Keeping
from coordinator.requests import Request, State
from coordinator.slack.answering import Ack, Answering, Body, user_of
from coordinator.slack.opening import Opening
from coordinator.slack.text import bounded
from sallyport.catalogue import Environment
from sallyport.changes.allow_list import AllowList
from sallyport.changes.infra_stop import InfraStop
from sallyport.changes.infra_whitelist import access_of, lock_of
from sallyport.changes.sources import parse_network
from sallyport.flows import ENVIRONMENT
from sallyport.offers import Offer, read_press
from sallyport.platforms.slack_text import plain
from sallyport.policies import Policies
from sallyport.problems import Problem, Problems

COMMAND = "/infra"
_NO_TEARDOWN = Problem(
    "nothing can be torn down there", "/infra stop stops services and databases, and keeps all that they are"
)


@dataclass(frozen=True, slots=True)
class InfraDoor:
    """Takes the lines of `/infra` where policies have one of its flows."""

    answering: Answering
    policies: Callable[[], Policies]
    opening: Opening
    ending: Ending
    keeping: Keeping
    record: Record
    looking: Looking

    def take(self, ack: Ack, body: Body, text: str) -> bool:
        """Answer *text* and return True; False where it asks for a flow, or policies have none of `/infra`."""
        if body["command"].casefold() != COMMAND or not {STOP, WHITELIST} & self.policies().flows.keys():
            return False
        try:
            errand = read_errand(text)
            if errand is None:
                return False
            if not self.looking.asking.may_use(body["user_id"]):
                ack(answers.not_for_you())
            else:
                self._do(errand, ack, body)
        except Problems as error:
            ack(answers.not_understood(error))
        return True

    def pressed(self, ack: Ack, body: Body) -> None:
        """Answer a button under a picture."""
        ack()
        press = read_press(body["actions"][0]["action_id"])
        place, user = self.record.place(press.environment), user_of(body)
        match press.offer:
            case Offer.STOP:
                self.opening.open(self.policies().flows[STOP], body, {ENVIRONMENT: place.id})
            case Offer.WHITELIST:
                self.opening.open(self.policies().flows[WHITELIST], body, {ENVIRONMENT: place.id})
            case Offer.START:
                self.answering.answer(body, self._start(place, user))
            case Offer.KEEP:
                self._ask_until_when(place, body)
            case Offer.SPINUP:
                self.answering.answer(body, self._spin_up(place, user))
            case Offer.LOOK:
                self.answering.later(self.looking.look, place, user, body["channel"]["id"])

    def _do(self, errand: Errand, ack: Ack, body: Body) -> None:
        place, user = self.record.place(errand.environment), body["user_id"]
        match errand.kind:
            case Kind.HELP:
                ack(answers.help_text(self.record.environments(), self.record.usual))
            case Kind.STATUS:
                ack()
                self.answering.later(self.looking.look, place, user, body["channel_id"])
            case Kind.START:
                ack(self._start(place, user))
            case Kind.KEEP:
                self._keep(errand, place, ack, body)
            case Kind.SPINUP:
                ack(self._spin_up(place, user))
            case Kind.TEARDOWN:
                self._tear_down(errand, place, ack, body)
            case Kind.REMOVE:
                ack(self._remove(errand, place, user))
            case Kind.LIST:
                found = self.record.addresses(place.id)
                ack(bounded(answers.addresses(found, place, self.policies().people)))
            case Kind.REFRESH:
                self._refresh(place, ack, body)

    def _start(self, place: Environment, user: str) -> str:
        stops = self.record.stops(place.id)
        if not stops:
            return answers.nothing_to_start(place, torn_down=bool(self.record.teardowns(place.id)))
        return answers.ended(*self._end(stops, user), place, "starts again")

    def _keep(self, errand: Errand, place: Environment, ack: Ack, body: Body) -> None:
        until = errand.end(self.looking.asking.local_time(body["user_id"]))
        if until is None:
            ack()
            self._ask_until_when(place, body)
            return
        try:
            ack(answers.kept(*self.keeping.keep(place.id, body["user_id"], until), place, until))
        except NotYours as error:
            ack(str(error))

    def _ask_until_when(self, place: Environment, body: Body) -> None:
        """Open the form that asks for a time."""
        local = self.looking.asking.local_time(user_of(body))
        form = keeping_form.keeping_form(place, local, self.keeping.longest(place.id)).to_dict()
        self.answering.later(self.answering.slack.open_view, body["trigger_id"], form)

    def keeps(self, ack: Ack, body: Body) -> None:
        """Take the form that keeps an environment up; what is in the way is said in it."""
        environment, until = keeping_form.read_keep(body["view"])
        try:
            kept = self.keeping.keep(environment, user_of(body), until)
            ack()
            self.answering.answer(body, answers.kept(*kept, self.record.place(environment), until))
        except NotYours as error:
            ack(response_action="errors", errors={keeping_form.UNTIL: plain(str(error))})

    def _spin_up(self, place: Environment, user: str) -> str:
        teardowns = self.record.teardowns(place.id)
        if not teardowns:
            return answers.nothing_to_restore(place, stopped=bool(self.record.stops(place.id)))
        return answers.ended(*self._end(teardowns, user), place, "is being restored")

    def _end(self, requests: Sequence[Request], user: str) -> tuple[list[Request], list[str]]:
        """End each that this person may end; the sentences say what is not ended, and why."""
        over, refused = [], []
        for request in requests:
            try:
                over.append(self.ending.spare(request.id, user))
            except NotYours as error:
                refused.append(str(error))
        return over, refused

    def _tear_down(self, errand: Errand, place: Environment, ack: Ack, body: Body) -> None:
        flow = self.policies().flows.get(TEARDOWN if errand.level == FULL else STOP)
        if flow is None or not flow.has_rule_in(place.id):
            never = InfraStop(place.id).problems(place.id, self.policies().catalogue)
            raise Problems(never or [_NO_TEARDOWN])
        ack()
        self.opening.open(flow, body, {ENVIRONMENT: place.id})

    def _remove(self, errand: Errand, place: Environment, user: str) -> str:
        try:
            address = str(parse_network(errand.address))
        except ValueError as error:
            raise Problems([Problem(str(error))]) from error
        holders = self.record.holders(place.id, address)
        own = [request for request in holders if request.requester_slack == user]
        over, refused = self._end([one for one in own if one.state is not State.ENDING], user)
        others = [request for request in holders if request.requester_slack != user]
        return answers.joined((answers.removed(own if not refused else over, others, address, place), *refused))

    def _refresh(self, place: Environment, ack: Ack, body: Body) -> None:
        access = access_of(place.id, self.policies().catalogue)
        try:
            AllowList.find(self.policies().catalogue, place.id)
        except LookupError:
            ack(answers.nothing_to_refresh(place))
            return
        ack()
        lock = lock_of(place.id, access)
        self.answering.later(self.looking.compare, place, lock, body["user_id"], body["channel_id"])
