"""The blocks of every form, the chooser, the home tab and help, as they go over the wire, kept beside this test.

A snapshot is what people see: look at the difference before you renew it (`SNAPSHOTS=renew pytest …`). Each is
also one that Slack takes.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from coordinator.infra.keeping_form import keeping_form
from coordinator.journal import Draft
from coordinator.lifecycle import Lane
from coordinator.requests import Answer, Decision, Extension, State
from coordinator.slack import approver_cards, cards, chooser, emergency_messages, forms, notices, replies
from coordinator.slack.announcements import announcement
from coordinator.slack.approval_form import approval_form
from coordinator.slack.choices import Offer
from coordinator.slack.emergency_form import emergency_form
from coordinator.slack.extension_form import extension_form
from coordinator.slack.health import health
from coordinator.slack.home import Desk, home
from coordinator.wording import RESTARTED
from sallyport.changes.infra_stop import InfraStop
from sallyport.decisions import duration_choices
from sallyport.flows import Approvers, Flow, Stage
from sallyport.policies import load_policies, read_folder
from sandbox.slack.api_messages import checked_content
from sandbox.slack.limits import view_problems, view_too_large
from tests.coordinator.asks import HOUR, NOW, ROOT
from tests.coordinator.test_surfaces import EMERGENCY, GRANTS, granted, in_state
from tests.sallyport.examples import policies

SNAPSHOTS = Path(__file__).with_name("snapshots")
POLICIES = policies()
SHIPPED = load_policies(read_folder(ROOT / "policies"), "shipped")
WHITELISTING = POLICIES.flows["api-whitelisting"]
RULE = WHITELISTING.rules[0]
STAGES = (
    Stage("manager", Approvers(people=frozenset({"lee@example.com"}))),
    Stage("security", Approvers(people=frozenset({"sam@example.com", "kim@example.com"})), quorum=2),
)
ACCESS = replace(POLICIES.flows["prod-access"], examples=("debugging the checkout 500s",))
DRAFT = Draft("view:V1", "U0ANA", "prod-access", {"environment": "prod", "reason": "half a sen"}, NOW)
URL = "https://slack.test/response/1"


def offer(flow: Flow, environment: str = "prod", **different: Any) -> Offer:
    rule = flow.rule_for({"environment": environment})
    assert rule is not None
    named = tuple((person.slack, person.label) for person in POLICIES.people.persons if person.slack != "U0ANA")
    return replace(
        Offer(environment, named if rule.lets_choose else (), duration_choices(rule.lifetime)), **different
    )


def form(flow: Flow, environment: str = "prod", answers: dict[str, str] | None = None, **more: Any) -> Any:
    return forms.ask_form(flow, POLICIES, offer(flow, environment), answers or {}, **more)


MANY = tuple((f"U{n:03}", f"Manager {n:03}") for n in range(101))
NOTICE = "only members of engineering may ask for this; ask to be added there"
CONFIRMING = in_state(
    State.CONFIRMING,
    decisions=(Decision("lee@example.com", Answer.APPROVE, NOW),),
    results={
        "ticket": {"key": "OPS-1", "url": "https://jira.test/browse/OPS-1"},
        "pull": {
            "number": 12,
            "url": "https://github.test/pull/12",
            "who": ["Lee Wong", "Sam Okafor"],
            "slack": ["U0LEE"],
        },
    },
)
VIEWS = {
    "form-that-keeps-an-environment-up": keeping_form(
        SHIPPED.catalogue.environments["dev"], NOW, timedelta(hours=30)
    ),
    "form-of-api-whitelisting": form(WHITELISTING),
    "form-of-prod-access": form(ACCESS),
    "form-outside-production": form(WHITELISTING, "non-prod", {"path": "/v1/x", "reason": "why", "method": "PUT"}),
    "form-for-who-may-not-ask": forms.ask_form(
        ACCESS, POLICIES, Offer("prod", (), (), NOTICE), {}, memo=forms.Memo("prod-access", "prod", url=URL)
    ),
    "form-with-a-draft": form(ACCESS, draft=DRAFT),
    "form-after-an-answer-that-chooses-another-rule": forms.ask_form(
        ACCESS,
        POLICIES,
        offer(ACCESS, durations=(("30m", "30 minutes"), ("15m", "15 minutes"), ("1h", "1 hour"))),
        {"environment": "prod", "account": "prod-main", "permission_set": "ProdAdmin", "duration": "8h"},
    ),
    "form-filled-from-a-draft": form(ACCESS, answers=dict(DRAFT.answers), memo=forms.Memo("", "", 1, URL)),
    "form-with-a-long-list": forms.ask_form(
        WHITELISTING, POLICIES, offer(WHITELISTING, approvers=MANY), {"approver": "U100"}
    ),
    "form-that-is-opening": forms.opening_form(ACCESS),
    "form-for-a-denial": forms.denial_form(in_state(State.PENDING), POLICIES),
    "form-for-an-extension": extension_form(
        in_state(State.ACTIVE, form={"duration": "4h"}), duration_choices(RULE.lifetime), POLICIES
    ),
    "chooser": chooser.chooser([WHITELISTING, ACCESS]),
    "chooser-for-nobody": chooser.chooser([]),
    "home-of-somebody-new": home(Desk([WHITELISTING, ACCESS]), POLICIES),
    "home-of-nobody": home(Desk([]), POLICIES),
    "home-of-somebody-busy": home(
        Desk(
            [ACCESS],
            to_decide=[in_state(State.PENDING, id="aw-222222")],
            waiting=[in_state(State.PENDING, id="aw-333333"), in_state(State.APPLYING, id="aw-444444")],
            live=[
                in_state(State.ACTIVE, id="aw-555555"),
                in_state(State.ACTIVE, id="aw-666666", extension=Extension("aw-333333", State.PENDING, None)),
            ],
            over=[in_state(State.TIMED_OUT, id="aw-777777"), in_state(State.ENDED, id="aw-888888")],
            health=health({Lane.JIRA: NOW}, NOW + HOUR),
        ),
        POLICIES,
    ),
    "home-of-who-can-confirm-in-github": home(
        Desk([ACCESS], [in_state(State.PENDING, id="aw-222222")], [CONFIRMING]), POLICIES
    ),
    "home-with-a-draft": home(Desk([ACCESS], drafts=[DRAFT, replace(DRAFT, flow="gone")]), POLICIES),
    "form-for-an-approval": approval_form(in_state(State.PENDING), RULE, POLICIES),
    "form-of-break-glass": emergency_form(
        ACCESS,
        POLICIES,
        offer(ACCESS, told=("U0LEE", "U0SAM"), durations=(("1h", "1 hour"), ("15m", "15 minutes"))),
        {"incident": "INC-4711"},
        forms.Memo("prod-access", "prod", emergency=True),
        "C0ALERTS",
    ),
    "chooser-with-break-glass": chooser.chooser([WHITELISTING, ACCESS], [ACCESS]),
}
STAGED = replace(
    POLICIES,
    flows={
        "api-whitelisting": replace(WHITELISTING, rules=(replace(RULE, stages=STAGES), *WHITELISTING.rules[1:]))
    },
)
HALF_WAY = in_state(
    State.PENDING,
    decisions=(Decision("lee@example.com", Answer.APPROVE, NOW),),
    deciders=("U0KIM", "U0SAM"),
    asked="",
)
TOLD = (State.ACTIVE, State.ENDED, State.DENIED, State.TIMED_OUT, State.FAILED)  # of which requesters are told
STOP = in_state(
    State.ANNOUNCED,
    flow="infra-stop",
    environment="dev",
    changes=(InfraStop("dev"),),
    begins_at=NOW + HOUR,
    deciders=(),
)
MESSAGES = {
    "card-of-what-waits-for-github": approver_cards.card(CONFIRMING, POLICIES, "U0LEE"),
    "thread-of-what-waits-for-github": cards.thread(CONFIRMING, POLICIES),
    "notice-of-what-waits-for-github": notices.notice(CONFIRMING, POLICIES),
    "notice-of-what-was-never-confirmed": notices.notice(
        in_state(State.TIMED_OUT, decisions=CONFIRMING.decisions, armed=frozenset({"pull"})), POLICIES
    ),
    "thread-of-what-is-announced": cards.thread(STOP, SHIPPED),
    **{
        f"announcement-{state}": announcement(replace(STOP, state=state), SHIPPED, NOW + HOUR)
        for state in (State.ANNOUNCED, State.ACTIVE, State.ENDED, State.CANCELLED)
    },
    "card-of-an-approver": approver_cards.card(in_state(State.PENDING), POLICIES, "U0LEE"),
    "card-in-a-channel": approver_cards.card(HALF_WAY, STAGED, "C0APPROVE"),
    "card-of-who-has-approved": approver_cards.card(HALF_WAY, STAGED, "U0LEE"),
    "card-of-an-emergency": approver_cards.card(granted(State.APPROVED, EMERGENCY), POLICIES, "U0LEE"),
    "alarm": emergency_messages.alarm(granted(State.APPROVED, EMERGENCY), POLICIES),
    "card-that-is-decided": approver_cards.card(in_state(State.DENIED), POLICIES, "U0LEE"),
    "card-of-who-is-asked-no-more": approver_cards.card(in_state(State.PENDING, deciders=()), POLICIES, "U0LEE"),
    "reminder": notices.reminder(in_state(State.ACTIVE), POLICIES),
    "notice-that-nobody-can-decide": notices.notice(in_state(State.PENDING, deciders=()), POLICIES),
    **{
        f"thread-{state}": cards.thread(in_state(state), POLICIES)
        for state in State
        if state is not State.ANNOUNCED
    },
    **{f"notice-{state}": notices.notice(in_state(state), POLICIES) for state in TOLD},
    **{
        f"{name}-of-{kind}-{state}": surface(granted(state, grant), POLICIES)
        for name, surface in (("thread", cards.thread), ("notice", notices.notice))
        for kind, grant in GRANTS.items()
        for state in (State.APPLYING, State.ACTIVE, State.ENDED)
    },
}
TEXTS = {
    "help-for-everything": replies.help_for([WHITELISTING, ACCESS]),
    "help-for-one-flow": replies.help_for([ACCESS], [WHITELISTING]),
    "help-for-nobody": replies.help_for([]),
    "draft-is-kept": replies.kept(ACCESS, DRAFT),
    "nudge-in-a-channel": notices.nudge(in_state(State.PENDING), POLICIES, in_state(State.PENDING).deciders),
    "nudge-towards-github": notices.nudge(CONFIRMING, POLICIES, ["U0LEE"]),
    **{
        f"job-started-again-{kind}": words.format(url="https://github.test/run/1")
        for kind, words in RESTARTED.items()
    },
    "nudge-confirmed": replies.nudged(in_state(State.PENDING)),
}


def same(name: str, content: Any) -> None:
    """Compare with what is kept, or keep it where that is asked for."""
    path = SNAPSHOTS / f"{name}.json"
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("SNAPSHOTS") == "renew":
        path.write_text(text, encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(text)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_the_one_that_was_looked_at_and_slack_takes_it(name: str) -> None:
    view = VIEWS[name].to_dict()
    assert view_problems(view) == []
    assert not view_too_large(view)
    same(name, view)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_the_one_that_was_looked_at_and_slack_takes_it(name: str) -> None:
    text, made = MESSAGES[name]
    blocks = [block.to_dict() for block in made]
    checked_content(text, blocks, strict_accessibility=True)
    same(name, {"text": text, "blocks": blocks})


@pytest.mark.parametrize("name", TEXTS)
def test_words_are_those_that_were_read_and_slack_takes_them(name: str) -> None:
    checked_content(TEXTS[name], [], strict_accessibility=True)
    same(name, TEXTS[name])


def test_nothing_is_kept_that_nobody_shows() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} == {*VIEWS, *MESSAGES, *TEXTS}
