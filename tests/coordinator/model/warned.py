"""What those do who are warned of a stop before it begins: they keep their environment up, or put the stop off."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from coordinator.deciding import NotYours
from coordinator.requests import Request, State
from tests.coordinator.model.company import LONGEST_WORD, PLACES, REQUESTERS, SHORTEST, STOP
from tests.coordinator.model.people import People, accounts, numbers, replicas


class Warned(People):
    """The steps of people in the channel where a stop is announced."""

    word: datetime | None  # until when somebody keeps the environment up, at the longest

    @rule(at=replicas, number=numbers, who=accounts)
    def spares(self, at: int, number: int, who: str) -> None:
        """Somebody keeps from beginning what was announced, or ends it early, in time or late."""
        if (request := self._pick(number, State.ANNOUNCED, State.ACTIVE)) is None:
            return
        replica, is_own = self.replicas[at], request.requester_slack == who
        if request.state is State.ANNOUNCED:
            fits = is_own or replica.view.person(who) in REQUESTERS
        else:
            over = {State.ACTIVE, State.ENDING, State.ENDED}
            fits = is_own and replica.variant.goes_on and request.state in over
        self._taken_or_refused(fits, lambda: replica.ending.spare(request.id, who))
        self.lives[request.id].is_withdrawn |= fits and request.state is State.ANNOUNCED

    @rule(
        at=replicas, who=st.sampled_from(["U0ANA", "U0LEE", "U0LEE", "U0SAM"]), hours=st.sampled_from([1, 2, 99])
    )
    def keeps_up(self, at: int, who: str, hours: int) -> None:
        """Somebody keeps the environment up for a while: what is announced begins after it, or never."""
        replica, until = self.replicas[at], self.company.now + timedelta(hours=hours)
        stops = replica.journal.standing(STOP, PLACES[STOP])
        announced = [stop for stop in stops if stop.state is State.ANNOUNCED and self._begins_before(stop, until)]
        own = [stop for stop in stops if stop.state is State.ACTIVE and stop.requester_slack == who]
        ended = own if replica.variant.goes_on else []
        others = [
            stop for stop in stops if stop.state not in {State.ANNOUNCED, State.ENDING} and stop not in ended
        ]
        is_welcome = (
            replica.view.person(who) in REQUESTERS
            and timedelta(hours=hours) <= LONGEST_WORD
            and not (self.word and self.word >= until and self.word > self.company.now)
            and bool(announced or ended or others)
        )
        try:
            concerned, _ = replica.keeping.keep(PLACES[STOP], who, until)
        except NotYours:
            assert not is_welcome
            return
        assert is_welcome
        assert {stop.id for stop in concerned} == {stop.id for stop in (*announced, *ended)}
        if concerned:
            self.word = until
        for stop in announced:
            self._is_put_off(stop.id, until)

    def _begins_before(self, stop: Request, until: datetime) -> bool:
        begins = self.lives[stop.id].begins_at
        return begins is not None and begins < until

    def _is_put_off(self, request_id: str, until: datetime) -> None:
        """Know that it begins later; not at all, where too little of it would be left."""
        life = self.lives[request_id]
        if life.expires_at is None or until + SHORTEST <= life.expires_at:
            life.begins_at = until
        else:
            life.is_withdrawn = True
