"""From what a person typed to a recorded request, or to all that is wrong with it; and what a form can offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from coordinator.confirming import to_confirm
from coordinator.directory import Directory
from coordinator.foreseeing import no_room, room_at_first, room_left
from coordinator.infra.answers import coming_lines, head
from coordinator.infra.lines import STOP
from coordinator.infra.record import Record
from coordinator.journal import Draft, Journal
from coordinator.lifecycle import end_of_life
from coordinator.positions import Position
from coordinator.reminding import automatic
from coordinator.requests import LIVE, OVER, WAITING, Ask, Request, Route
from coordinator.routing import Routing
from coordinator.slack.choices import Choice, Offer, answered
from coordinator.slack.health import health
from coordinator.slack.home import Desk
from coordinator.sleeping import Sleeping
from sallyport.approval import Panel, approver_problem, chosen, panels, standing
from sallyport.changes import KINDS, Change
from sallyport.changes.protocol import Held
from sallyport.confirming import confirmer_problem
from sallyport.decisions import (
    NO_BREAK_GLASS,
    chosen_lifetime,
    duration_choices,
    incident_problem,
    is_emergency,
    lifetime_problem,
    limits,
    may_break_glass,
    reason_problem,
    requester_problem,
)
from sallyport.entries import BREAK_GLASS, POLICY, Grant
from sallyport.flows import APPROVER, DURATION, ENVIRONMENT, REASON, Flow, Rule
from sallyport.people import Person
from sallyport.platforms.slack_text import escape
from sallyport.policies import Policies
from sallyport.problems import Problem, Problems

LISTED = 20  # requests that a person's desk shows at most


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a person may ask for: by which rule, of whom, and for how long (None is for ever)."""

    person: Person
    rule: Rule
    grant: Grant | None
    change: Change
    owners: frozenset[str]
    found: tuple[Panel, ...]
    asked: str
    lifetime: timedelta | None


@dataclass(frozen=True, slots=True)
class Asking:
    """Turns answers into requests under the policies of the moment."""

    journal: Journal
    policies: Callable[[], Policies]
    directory: Directory
    routing: Routing
    now: Callable[[], datetime]

    def offer(self, flow: Flow, slack_id: str, answers: Mapping[str, str]) -> Offer:
        """Return what the form can offer this person, by the rule that *answers* choose so far.

        Without an environment among them, it is the flow's own. Owners are known once all that is asked for is.
        """
        policies = self.policies()
        environment = answers.get(ENVIRONMENT) or self._first_environment(flow)
        given = answered(flow, policies, environment, answers)
        rule = policies.rule_in_sight(flow, given)
        person = self._person(slack_id, rule)
        problem = requester_problem(policies, flow, rule, person.email) if person else _stranger(rule)
        if rule is None or person is None or problem is not None:
            return Offer(environment, (), (), problem.sentence if problem else "")
        change = _change(flow, given, policies)[0] if rule.lets_choose else None
        owners = change.owners(policies.catalogue) if change else frozenset()
        found = self.routing.reachable(rule, panels(policies.people, rule, owners, person.email))
        choices = (panel.emails for panel in found if panel.stage.approvers.chosen)
        named = self._named(frozenset().union(*choices), rule)
        return Offer(environment, named, duration_choices(rule.lifetime))

    def offer_with_room(self, flow: Flow, slack_id: str, answers: Mapping[str, str]) -> Offer:
        """Return the same, and how little room is left for what *answers* name so far: that asks the journal."""
        offer = self.offer(flow, slack_id, answers)
        if offer.notice:
            return offer
        given = answered(flow, self.policies(), offer.environment, answers)
        return replace(offer, notice=room_at_first(self.journal, self.policies(), flow, given, self.now()))

    def emergency_offer(self, flow: Flow, slack_id: str, answers: Mapping[str, str]) -> Offer:
        """Return what the form of an emergency can offer this person: shorter lives, and who is told at once."""
        policies = self.policies()
        environment = answers.get(ENVIRONMENT) or self._first_with_break_glass(flow, slack_id)
        rule = policies.rule_in_sight(flow, answered(flow, policies, environment, answers))
        person = self._breaker(rule, slack_id)
        if rule is None or person is None:
            return Offer(environment, (), (), NO_BREAK_GLASS.sentence)
        found = panels(policies.people, rule, (), person.email)
        told = self.routing.passed_over(found, (), person.email)
        durations = duration_choices(limits(rule, Grant(BREAK_GLASS, self.now())))
        return Offer(environment, (), durations, told=told)

    def may_break_glass(self, slack_id: str) -> list[Flow]:
        """Return the flows in which policies let this person go ahead in an emergency."""
        flows = self.policies().flows.values()
        return [flow for flow in flows if any(self._breaker(rule, slack_id) for rule in flow.rules)]

    def _breaker(self, rule: Rule | None, slack_id: str) -> Person | None:
        """Return the person if *rule* gives them break-glass."""
        if rule is None or rule.break_glass is None:
            return None
        person = self._person(slack_id, rule)
        return person if person and may_break_glass(self.policies().people, rule, person.email) else None

    def _first_with_break_glass(self, flow: Flow, slack_id: str) -> str:
        for environment in self.policies().catalogue.environments:
            given = answered(flow, self.policies(), environment, {})
            if self._breaker(self.policies().rule_in_sight(flow, given), slack_id):
                return environment
        return self._first_environment(flow)

    def is_at_hand(self, slack_id: str) -> bool:
        """Tell whether an offer for this person can be made without asking Slack who they are."""
        return self.directory.knows(slack_id)

    def local_time(self, slack_id: str) -> datetime:
        """Return what the clock of this person shows now."""
        return self.now().astimezone(self.directory.zone(slack_id))

    def may_use(self, slack_id: str) -> list[Flow]:
        """Return the flows that policies let this person use in any environment."""
        return [flow for flow in self.policies().flows.values() if self._may_use(flow, slack_id)]

    def _may_use(self, flow: Flow, slack_id: str) -> bool:
        for rule in flow.rules:
            person = self._person(slack_id, rule)
            if person and requester_problem(self.policies(), flow, rule, person.email) is None:
                return True
        return False

    def _first_environment(self, flow: Flow) -> str:
        field = flow.field(ENVIRONMENT)
        named = [name for name in self.policies().catalogue.environments if flow.has_rule_in(name)]
        return field.default if field and field.default in named else next(iter(named), "")

    def desk(self, slack_id: str) -> Desk:
        """Return what concerns this person: what they may start, decide or go on with, and what is theirs."""
        somebody = self.directory.person(slack_id, bound=False)  # which GitHub is to prove, and not Slack
        return Desk(
            may_start=self.may_use(slack_id),
            to_decide=self.journal.to_decide(slack_id, LISTED),
            to_confirm=to_confirm(self.journal, self.policies(), somebody, self.now(), LISTED),
            waiting=self.journal.asked_by(slack_id, LISTED, WAITING),
            live=self.journal.asked_by(slack_id, LISTED, LIVE),
            over=self.journal.asked_by(slack_id, LISTED, OVER),
            may_break_glass=self.may_break_glass(slack_id),
            drafts=self.journal.drafts.of_person(slack_id, self.now()),
            health=health(self.journal.away_since(), self.now()),
            sleeping=list(self._sleeping(slack_id)),
        )

    def _sleeping(self, slack_id: str) -> Iterator[str]:
        """Yield what comes for the environments that sleep by schedule, to whom policies let use them."""
        policies = self.policies()
        if not policies.schedules or policies.flows[STOP] not in self.may_use(slack_id):
            return
        record = Record(self.journal, self.policies, Sleeping(self.journal, self.policies, self.now))
        for place in record.environments():
            lines = " ".join(coming_lines(record.coming(place.id), policies.people))
            if lines and policies.schedule_of(place.id):
                yield f"*{escape(head(place))}* {lines}"

    def draft(self, flow: Flow, slack_id: str) -> Draft | None:
        """Return what the person filled in last for *flow* and has not sent."""
        drafts = self.journal.drafts.of_person(slack_id, self.now())
        return next((draft for draft in drafts if draft.flow == flow.id), None)

    def draft_of(self, form: str) -> Draft | None:
        """Return what was filled into *form*, which was not sent."""
        return self.journal.drafts.of_form(form, self.now())

    def ask(
        self,
        flow: Flow,
        slack_id: str,
        answers: Mapping[str, str],
        key: str,
        *,
        extends: str = "",
        incident: str | None = None,
    ) -> Request:
        """Record the request; Problems tells everything that is wrong, each at its field.

        With an *incident* that is not None, it is an emergency, and nobody is asked. *key* names the submission:
        a second delivery of the same one makes no second request.
        """
        answers = {name: value.strip() for name, value in answers.items()}
        wish = self._wish(flow, slack_id, answers, incident)
        now = self.now()
        if full := self._no_room(flow, answers[ENVIRONMENT], wish, now):
            raise Problems([full])
        return self.journal.submit(
            Ask(
                key=key,
                flow=flow.id,
                prefix=flow.prefix,
                environment=answers[ENVIRONMENT],
                requester=wish.person.email,
                requester_slack=slack_id,
                reason=answers[REASON],
                changes=(wish.change,),
                asked=wish.asked,
                route=self._route(wish),
                lifetime=wish.lifetime,
                channel=flow.channel,
                submitted_at=now,
                decide_by=now + wish.rule.timeout,
                form=answers,
                grant=wish.grant,
                extends=extends,
                nudges=automatic(flow.nudges, now, now + wish.rule.timeout),
                notice=timedelta()
                if extends or incident
                else flow.notice,  # not for what goes on, nor in an emergency
                grain=wish.rule.lifetime.grain,
            )
        )

    def _wish(self, flow: Flow, slack_id: str, answers: Mapping[str, str], incident: str | None) -> _Wish:
        """Return what is asked for, as policy understands it; Problems tells everything that is wrong."""
        policies = self.policies()
        rule = policies.rule_for(flow, answers)
        person = self._person(slack_id, rule)
        if person is None or rule is None:
            problem = _stranger(rule) if person is None else requester_problem(policies, flow, rule, person.email)
            raise Problems(_why_never(flow, answers, policies) or ([problem] if problem else []))
        grant = self._grant(rule, incident)
        change, problems = _change(flow, answers, policies)
        owners = change.owners(policies.catalogue) if change else frozenset()
        found = self.routing.reachable(rule, panels(policies.people, rule, owners, person.email))
        asked = self._asked(rule, answers) if grant is None else ""
        wrong = (
            self._barred(flow, rule, person, grant),
            incident_problem(incident) if incident is not None else None,
            reason_problem(answers.get(REASON, "")),
            lifetime_problem(limits(rule, grant), answers.get(DURATION, "")),
            approver_problem(found, asked) if grant is None else None,
        )
        problems += [problem for problem in wrong if problem]
        if change and grant is None and not problems:
            second = confirmer_problem(flow, answers[ENVIRONMENT], person.email, (change,), policies)
            problems += [second] if second else []
        if change is None or problems:
            raise Problems(problems)
        lifetime = chosen_lifetime(limits(rule, grant), answers.get(DURATION, ""))
        return _Wish(person, rule, grant, change, owners, found, asked, lifetime)

    def _no_room(self, flow: Flow, environment: str, wish: _Wish, now: datetime) -> Problem | None:
        held = Held(wish.change, end_of_life(now, wish.lifetime, wish.rule.lifetime.grain))
        return no_room(self.journal, self.policies(), flow, environment, held, now)

    def room_left(self, request: Request) -> str:
        """Say how little room is left beside *request*; empty where there is enough."""
        return room_left(self.journal, self.policies(), request, self.now())

    def _route(self, wish: _Wish) -> Route:
        """Return who is asked first, where anybody is; of an emergency, those are told who were passed over."""
        if is_emergency(wish.grant):
            return Route(notify=self.routing.passed_over(wish.found, wish.owners, wish.person.email))
        if wish.grant is not None:
            return Route()
        narrowed = chosen(wish.found, wish.asked)
        return self.routing.route(Position(wish.rule, narrowed, standing(narrowed, ())))

    def _grant(self, rule: Rule, incident: str | None) -> Grant | None:
        """Return what stands in for approvals here; None where people are asked."""
        if incident is not None:
            return Grant(BREAK_GLASS, self.now(), incident)
        return Grant(POLICY, self.now()) if rule.approves_by_itself else None

    def _barred(self, flow: Flow, rule: Rule, person: Person, grant: Grant | None) -> Problem | None:
        if grant is None or not is_emergency(grant):
            return requester_problem(self.policies(), flow, rule, person.email)
        return None if may_break_glass(self.policies().people, rule, person.email) else NO_BREAK_GLASS

    def _person(self, slack_id: str, rule: Rule | None) -> Person | None:
        return self.directory.person(slack_id, bound=rule is None or rule.bound_identity)

    def _named(self, emails: frozenset[str], rule: Rule) -> tuple[Choice, ...]:
        people = self.policies().people
        named = [
            (slack_id, person.label)
            for email in emails
            if (person := people.by_email(email))
            and (slack_id := self.directory.slack_id(email, bound=rule.bound_identity))
        ]
        return tuple(sorted(named, key=lambda choice: choice[1].casefold()))

    def _asked(self, rule: Rule, answers: Mapping[str, str]) -> str:
        if not rule.lets_choose:
            return ""
        person = self.directory.person(answers.get(APPROVER, ""), bound=False) if answers.get(APPROVER) else None
        return person.email if person else ""


def _change(flow: Flow, answers: Mapping[str, str], policies: Policies) -> tuple[Change | None, list[Problem]]:
    try:
        return KINDS[flow.id].from_answers(answers, policies.catalogue), []
    except Problems as error:
        return None, list(error.problems)


def _why_never(flow: Flow, answers: Mapping[str, str], policies: Policies) -> list[Problem]:
    """Return what the change has against the place it is asked for in, which says more than that no rule is."""
    if policies.rule_for(flow, answers) is not None:
        return []
    return [problem for problem in _change(flow, answers, policies)[1] if problem.field == ENVIRONMENT]


def _stranger(rule: Rule | None) -> Problem:
    what = "policies do not know who you are in Slack"
    mend = "ask the operators to add your Slack id to policies/people.yaml"
    if rule is not None and not rule.bound_identity:
        mend = "ask the operators to add you to policies/people.yaml"
    return Problem(what, mend, field=ENVIRONMENT)
