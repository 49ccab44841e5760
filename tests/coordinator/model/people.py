"""What people do: they ask, decide, take back and press old buttons again, while members and policies change.

Each step knows beforehand, from the model's own judgement, whether it has to be taken or refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from coordinator.deciding import NotYours
from coordinator.reminding import next_nudge
from coordinator.requests import WAITED_FOR, Request, State
from sallyport.flows import PERMANENT
from sallyport.problems import Problems
from sallyport.reviews import CHANGES_REQUESTED
from tests.coordinator.fakes import Interrupted
from tests.coordinator.model.company import (
    ACCESS,
    ADDRESSES,
    BREAKERS,
    LOGINS,
    LONGEST,
    REQUESTERS,
    STOP,
    TO_CONFIRM,
    VARIANTS,
    Company,
    Replica,
    name_of,
)
from tests.coordinator.model.life import BREAK_GLASS, CLOSES, ELSEWHERE, NO, POLICY, YES, Life, Review

ACCOUNTS = sorted(ADDRESSES)
HOURS = (1, 4, 8, None)  # None is for ever
A, B = 0, 1  # the replicas
CANCELLABLE = WAITED_FOR | {State.ANNOUNCED}
replicas = st.sampled_from([A, B])
accounts = st.sampled_from(ACCOUNTS)
approvers = st.sampled_from(["U0LEE", "U0SAM", "U0KIM", "U0MAX", "U0LEE", "U0SAM", "U0MAXOPS", "U0ANA"])
requesters = st.sampled_from(["U0ANA", "U0ANA", "U0LEE", "U0MAX"])
flows = st.sampled_from([ACCESS, ACCESS, STOP])
numbers = st.sampled_from([0, 0, 0, 1, 2, 3])  # of requests, those that a step is about before all others
mostly = st.sampled_from([True, True, True, False])
given = st.sampled_from([None, None, 1, 4, 8])  # hours, by those who approve it for some time only
reviewers = st.sampled_from(["sam", "lee", "max", "lee", "sam", "kim", "ana"])
said = st.sampled_from([YES, YES, YES, NO, ELSEWHERE, CLOSES])


class People(RuleBasedStateMachine):
    """The steps of requesters and approvers."""

    company: Company
    replicas: tuple[Replica, Replica]
    lives: dict[str, Life]
    by_key: dict[str, str]

    # Asking

    @rule(
        at=replicas,
        who=st.sampled_from(["U0ANA", "U0ANA", "U0LEE", "U0MAX", "U0MAXOPS", "U0SAM"]),
        key=st.integers(1, 4),
        hours=st.sampled_from(HOURS),
        flow_id=flows,
    )
    def asks(self, at: int, who: str, key: int, hours: int | None, flow_id: str) -> None:
        """A form is sent, or sent again: one submission makes one request."""
        flow = self.replicas[at].directory.policies().flows[flow_id]
        answers = {**flow.defaults, "reason": "Debugging", "duration": _duration(hours)}
        view, person = self.replicas[at].view, self.replicas[at].view.person(who)
        is_welcome = person in REQUESTERS and (not view.stages or view.can_be_approved(str(person)))
        made = self._asks(
            is_welcome, lambda: self.replicas[at].asking.ask(flow, who, answers, f"view:{key}"), f"view:{key}"
        )
        if made is not None:
            grant = "" if view.stages else POLICY
            self._is_new(made, Life(str(person), made.flow, _lifetime(hours), grant))

    @rule(at=replicas, who=st.sampled_from(["U0LEE", "U0LEE", "U0ANA"]), key=st.integers(5, 6), flow_id=flows)
    def breaks_the_glass(self, at: int, who: str, key: int, flow_id: str) -> None:
        """Somebody goes ahead in an emergency: only whom policy lets, and only where it lets anybody."""
        flow = self.replicas[at].directory.policies().flows[flow_id]
        answers = {**flow.defaults, "reason": "Debugging", "duration": "1h"}
        view = self.replicas[at].view
        is_welcome = view.person(who) in BREAKERS and self.replicas[at].variant.glass
        ask = self.replicas[at].asking.ask
        made = self._asks(
            is_welcome, lambda: ask(flow, who, answers, f"view:{key}", incident="INC-1"), f"view:{key}"
        )
        if made is not None:
            self._is_new(made, Life(name_of(who), made.flow, timedelta(hours=1), BREAK_GLASS))

    @rule(
        at=replicas,
        number=numbers,
        who=st.sampled_from(["", "", "", "U0LEE"]),
        key=st.integers(7, 8),
        hours=st.sampled_from(HOURS),
    )
    def extends(self, at: int, number: int, who: str, key: int, hours: int | None) -> None:
        """Whose access is near its end asks for more: a request like any other, for the same."""
        if (first := self._pick(number, State.ACTIVE)) is None:
            return
        who = who or first.requester_slack
        replica, view = self.replicas[at], self.replicas[at].view
        person = view.person(who)
        ends = self.company.now + timedelta(hours=hours) if hours else None
        puts_off = first.expires_at is not None and (ends is None or ends > first.expires_at)
        is_welcome = (
            first.requester_slack == who
            and first.state is State.ACTIVE
            and replica.variant.goes_on
            and not (first.extension and (first.extension.is_open or first.is_extended))
            and puts_off
            and person in REQUESTERS
            and (not view.stages or view.can_be_approved(str(person)))
        )
        ask = replica.extending.ask
        earlier = replica.journal.by_submission(f"view:{key}")
        is_again = earlier is not None and (earlier.extends, earlier.requester_slack) == (first.id, who)
        made = self._asks(
            is_welcome or is_again,
            lambda: ask(first.id, who, _duration(hours), "It takes longer", f"view:{key}"),
            f"view:{key}",
        )
        if made is not None:
            grant = "" if view.stages else POLICY
            life = Life(str(person), made.flow, _lifetime(hours), grant, first.id, first.expires_at)
            self._is_new(made, life)

    def _asks(self, is_welcome: bool, ask: Callable[[], Request], key: str) -> Request | None:
        """Return what was made; None if that was refused, as it had to be, or made before."""
        before = self.replicas[A].journal.ids()
        try:
            made = ask()
        except (Problems, NotYours):
            assert not is_welcome
            assert self.replicas[A].journal.ids() == before
            return None
        assert is_welcome
        assert self.by_key.setdefault(key, made.id) == made.id, "a submission makes one request"
        return made if made.id not in self.lives else None

    def _is_new(self, made: Request, life: Life) -> None:
        self.lives[made.id] = life
        if life.grant:
            life.approve(self.company.now)

    # Deciding

    @rule(at=replicas, number=numbers, who=approvers, says_yes=mostly, hours=given)
    def decides(self, at: int, number: int, who: str, says_yes: bool, hours: int | None) -> None:
        """Somebody presses a button, in time or late, once or again, whether it is theirs to press or not.

        A button of a card that showed something else counts for nothing.
        """
        if (request := self._pick(number, State.PENDING)) is not None:
            self._refused(lambda: self.replicas[at].deciding.approve(request.id, "0" * 12, who))
            self._decides(self.replicas[at], request.id, who, says_yes, hours)

    @rule(at=replicas, number=numbers, most=st.integers(1, 3), hours=given)
    def those_whose_turn_it_is_approve(self, at: int, number: int, most: int, hours: int | None) -> None:
        """Some of those who are asked say yes, one after the other."""
        if (request := self._pick(number, State.PENDING)) is None:
            return
        view, life = self.replicas[at].view, self.lives[request.id]
        for _ in range(most):
            turn = (view.turn(life.requester, life.approved_by) or frozenset()) - set(life.decided)
            for name in sorted(turn)[:1]:
                self._decides(self.replicas[at], request.id, f"U0{name.upper()}", True, hours)

    @rule(
        number=numbers,
        slow=approvers,
        fast=approvers,
        slow_says_yes=mostly,
        fast_says=st.sampled_from(["yes", "yes", "no", "cancel"]),
    )
    def decide_at_once(self, number: int, slow: str, fast: str, slow_says_yes: bool, fast_says: str) -> None:
        """Two press at the same moment on two replicas: the one who is judged first is recorded last."""
        if (request := self._pick(number, State.PENDING)) is None:
            return

        def meanwhile() -> None:
            if fast_says == "cancel":
                self._cancels(self.replicas[B], request.id, request.requester_slack)
            else:
                self._decides(self.replicas[B], request.id, fast, fast_says == "yes", None)

        self._decides(self.replicas[A], request.id, slow, slow_says_yes, None, meanwhile)

    def _decides(
        self,
        replica: Replica,
        request_id: str,
        who: str,
        says_yes: bool,
        hours: int | None,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Decide, and know whether that has to count: as it was judged, and as it stands when it is recorded."""
        life, request = self.lives[request_id], replica.journal.request(request_id)
        person, now = replica.view.person(who), self.company.now
        turn = replica.view.turn(life.requester, life.approved_by)
        given = timedelta(hours=hours) if says_yes and hours else None
        fits = given is None or given <= (life.lifetime or LONGEST)
        has_rule = not life.grant and bool(replica.view.stages)
        counts = (
            has_rule
            and request.state is State.PENDING
            and now < request.decide_by
            and person is not None
            and person != life.requester
            and person not in life.decided
            and turn is not None
            and person in turn
            and fits
        )
        deciding = replica.deciding
        if meanwhile is not None:
            deciding = replace(deciding, journal=Interrupted(deciding.journal, meanwhile))  # type: ignore[arg-type]
        try:
            if says_yes:
                deciding.approve(request_id, request.digest, who, given)
            else:
                deciding.deny(request_id, request.digest, who, "Not now")
        except NotYours:
            late = meanwhile is not None and (life.is_decided or person in life.decided)
            cancelled = replica.journal.request(request_id).state is State.CANCELLED
            assert not counts or late or cancelled, f"{person}'s decision must count"
            return
        assert counts, f"{person}'s decision must not count"
        self._is_recorded(replica, request_id, str(person), says_yes, given)

    def _is_recorded(
        self, replica: Replica, request_id: str, person: str, says_yes: bool, given: timedelta | None
    ) -> None:
        life = self.lives[request_id]
        assert person not in life.decided, "one decision for each person"
        assert not life.is_decided, "nobody decides what is decided"
        life.decided[person] = says_yes
        if says_yes:
            life.gave += [given] if given else []
            if replica.view.turn(life.requester, life.approved_by) is not None:
                return
            if replica.variant.step_up:
                life.confirm_by = self.company.now + TO_CONFIRM
            else:
                life.approve(self.company.now)

    @rule(number=numbers, who=reviewers, says=said)
    def reviews(self, number: int, who: str, says: str) -> None:
        """Somebody looks at a pull request, open or not, whether it is theirs to confirm or not."""
        if (request := self._pick(number, State.CONFIRMING)) is None or not request.result("pull"):
            return
        github, pull, now = self.company.github, int(request.result("pull")["number"]), self.company.now
        match says:
            case "closes it":
                github.close_pull(pull, "No.")
            case "no":
                github.review(pull, LOGINS[who], CHANGES_REQUESTED)
            case _:
                github.review(pull, LOGINS[who], commit="d" * 40 if says == ELSEWHERE else "")
        self.lives[request.id].reviews.append(Review(who, says, now))

    # Taking back

    @rule(at=replicas, number=numbers, who=requesters, press=st.sampled_from(["cancel", "give back", "nudge"]))
    def presses_own_button(self, at: int, number: int, who: str, press: str) -> None:
        """Somebody presses a requester's button, in time or late, whether the request is theirs or not."""
        if (request := self._pick(number, *WAITED_FOR, State.ANNOUNCED, State.APPLYING, State.ACTIVE)) is not None:
            match press:
                case "cancel":
                    self._cancels(self.replicas[at], request.id, who)
                case "give back":
                    self._gives_back(self.replicas[at], request, who)
                case _:
                    self._nudges(self.replicas[at], request, who)

    def _cancels(self, replica: Replica, request_id: str, who: str) -> None:
        before = replica.journal.request(request_id)
        waits = before.state in CANCELLABLE | {State.CANCELLED} or before.unanswered is not None
        fits = before.requester_slack == who and waits
        self._taken_or_refused(fits, lambda: replica.withdrawing.cancel(request_id, who))
        self.lives[request_id].is_withdrawn |= fits

    def _gives_back(self, replica: Replica, request: Request, who: str) -> None:
        over = {State.ACTIVE, State.ENDING, State.ENDED}
        fits = request.requester_slack == who and request.state in over and replica.variant.goes_on
        self._taken_or_refused(fits, lambda: replica.withdrawing.give_back(request.id, who))

    def _nudges(self, replica: Replica, request: Request, who: str) -> None:
        """Whether it is too early to remind them again is the effect's to say once more."""
        fits = request.requester_slack == who and request.state in WAITED_FOR and bool(request.awaited)
        again = next_nudge(request)
        fits &= again is None or self.company.now >= again
        self._taken_or_refused(fits, lambda: replica.nudging.nudge(request.id, who))

    # Members, policies, and looking around

    @rule(
        change=st.one_of(
            st.tuples(st.just("leaves"), accounts),
            st.tuples(st.just("is back"), accounts),
            st.tuples(st.just("on call"), st.sampled_from([(), ("U0KIM",), ("U0SAM", "U0LEE"), ("U0MAXOPS",)])),
            st.tuples(st.just("policies"), st.sampled_from(sorted(VARIANTS))),
        ),
        seen_at=st.sets(replicas),
    )
    def circumstances_change(self, change: tuple[str, Any], seen_at: set[int]) -> None:
        """Members, groups or policies change, and a replica knows it at once or later."""
        match change:
            case ("policies", variant):
                self.company.variant = variant
            case ("on call", those):
                self.company.slack.groups["S0ONCALL"] = those
            case (comes_or_goes, who):
                self.company.leaves(who, is_gone=comes_or_goes == "leaves")
        for at in seen_at:
            self.replicas[at].look_around()

    @rule(at=replicas)
    def reroutes(self, at: int) -> None:
        """Who can decide now is asked now, and nobody else is."""
        replica = self.replicas[at]
        replica.look_around()
        replica.rerouting.look()
        for request_id, life in self.lives.items():
            request = replica.journal.request(request_id)
            if request.state is State.PENDING:
                turn = replica.view.turn(life.requester, life.approved_by) or frozenset()
                assert {name_of(one) for one in request.deciders} == turn - set(life.decided)

    # What the steps have in common

    def _pick(self, number: int, *states: State) -> Request | None:
        """Return one of the requests: those in *states* have the lowest numbers."""
        journal = self.replicas[A].journal
        found = sorted(journal.requests(journal.ids()), key=lambda request: request.state not in states)
        return found[number % len(found)] if found else None

    def _taken_or_refused(self, fits: bool, press: Callable[[], object]) -> None:
        if not fits:
            self._refused(press)
        else:
            press()

    def _refused(self, press: Callable[[], object]) -> None:
        try:
            press()
        except NotYours:
            return
        raise AssertionError("this has to be refused")


def _duration(hours: int | None) -> str:
    return f"{hours}h" if hours else PERMANENT


def _lifetime(hours: int | None) -> timedelta | None:
    return timedelta(hours=hours) if hours else None
