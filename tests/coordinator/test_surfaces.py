"""Every message and form, in every state and with the worst content, is one that Slack takes and that is inert."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import yaml

from coordinator.asking import LISTED
from coordinator.journal import Draft
from coordinator.requests import OVER, Answer, Decision, Extension, Request, State
from coordinator.slack import (
    approver_cards,
    cards,
    chooser,
    decision_buttons,
    emergency_form,
    emergency_messages,
    forms,
    notices,
    replies,
)
from coordinator.slack.approval_form import approval_form
from coordinator.slack.choices import Offer, matching
from coordinator.slack.extension_form import extended_by, extension_form
from coordinator.slack.home import MOST_TO_DECIDE, Desk, home
from coordinator.slack.text import tidy
from coordinator.wording import STATE_WORDS, state_words
from sallyport.changes.sources import MAX_RANGES, parse_source
from sallyport.commands import read_line
from sallyport.decisions import REASON_LONGEST, duration_choices
from sallyport.entries import BREAK_GLASS, POLICY, Grant
from sallyport.flows import INCIDENT, Lifetime
from sallyport.platforms.slack_text import escape
from sallyport.policies import Policies, load_policies
from sallyport.problems import Problem, Problems
from sandbox.slack.api_messages import checked_content
from sandbox.slack.limits import option_problems, view_problems, view_too_large
from sandbox.slack.text import Reader
from sandbox.slack.views import located
from sandbox.slack.workspace import sample_workspace
from tests.coordinator.asks import CHANGE, HOUR, NOW
from tests.coordinator.conftest import Installed
from tests.coordinator.test_lifecycle import request

MARKUP = "<!channel> <@U0KIM> <https://evil.test|click> *b* _i_ `c` &amp; {code} [x](y) "
LONG_NAME = "Wilhelmina " * 40
RANGES = ", ".join(f"2001:db8:aaaa:bbbb:cccc:dddd:eeee:{n:04x}/128" for n in range(0x1000, 0x1000 + MAX_RANGES))
WIDEST = replace(CHANGE, path="/" + "p" * 511, source=parse_source(RANGES))


def card_of_lee(request: Request, policies: Policies) -> cards.Content:
    return approver_cards.card(request, policies, "U0LEE")


def card_in_a_channel(request: Request, policies: Policies) -> cards.Content:
    return approver_cards.card(request, policies, "C0APPROVE")


SURFACES = {
    "thread": cards.thread,
    "card": card_of_lee,
    "card-in-a-channel": card_in_a_channel,
    "notice": notices.notice,
    "reminder": notices.reminder,
}
EMERGENCY = Grant(BREAK_GLASS, NOW, "INC-4711")
GRANTS = {"emergency": EMERGENCY, "automatic": Grant(POLICY, NOW)}
GRANTED = (State.APPROVED, State.APPLYING, State.ACTIVE, State.ENDING, State.ENDED, State.FAILED)
STAGES = [
    {"name": "manager", "approvers": {"people": ["lee@example.com"]}},
    {"name": "security", "approvers": {"people": ["sam@example.com", "kim@example.com"]}, "quorum": 2},
]


def granted(state: State, grant: Grant, **different: Any) -> Request:
    """A request in *state* for which nobody was asked."""
    told = ("U0LEE", "U0SAM") if grant is EMERGENCY else ()
    results = {"review": {"key": "OPS-2", "url": "https://jira.test/browse/OPS-2"}}
    usual = {"grant": grant, "decisions": (), "deciders": (), "notify": told, "asked": "", "results": results}
    return in_state(state, **(usual | different))


def under(installed: Installed, **rule: Any) -> Policies:
    """The policies with this in the rule for production of the flow api-whitelisting."""
    document = yaml.safe_load(installed.files["flows/api-whitelisting.yaml"])
    production = document["rules"][0]
    if {"stages", "auto_approve"} & rule.keys():
        del production["approvers"]
        production.pop("quorum", None)
    document["rules"][0] = production | rule
    return load_policies(installed.files | {"flows/api-whitelisting.yaml": yaml.safe_dump(document).encode()})


def decided(by: str, answer: Answer, reason: str = "") -> Decision:
    return Decision(by, answer, NOW, reason=reason)


def in_state(state: State, **different: Any) -> Request:
    """A request in *state*, with the decisions that it must have had."""
    denied = (decided("lee@example.com", Answer.DENY, different.get("reason", "Why?")),)
    approved = (decided("lee@example.com", Answer.APPROVE), decided("sam@example.com", Answer.APPROVE))
    undecided = {State.PENDING, State.TIMED_OUT, State.CANCELLED}
    decisions = () if state in undecided else denied if state is State.DENIED else approved
    results = {
        "ticket": {"key": "OPS-1", "url": "https://jira.test/browse/OPS-1"},
        "dispatch": {"run": 1, "url": "https://github.test/runs/1"},
    }
    return request(state, **({"decisions": decisions, "results": results, "closing": "So it ended."} | different))


def confirming(**different: Any) -> Request:
    """A request that was approved in Slack and that GitHub shows to be confirmed."""
    pull = {"number": 12, "url": "https://github.test/pull/12", "who": ["Lee Wong"], "slack": ["U0LEE"]}
    return in_state(State.CONFIRMING, results={"pull": pull}, **different)


def check(content: tuple[str, Sequence[Any]]) -> tuple[str, list[dict[str, Any]]]:
    """What Slack would say to the message; its blocks as they go over the wire."""
    text, made = content
    blocks = [block.to_dict() for block in made]
    checked_content(text, blocks, strict_accessibility=True)
    return text, blocks


def buttons(content: tuple[str, Sequence[Any]]) -> list[str]:
    _, blocks = check(content)
    return [e["text"]["text"] for b in blocks if b["type"] == "actions" for e in b["elements"]]


def mentions(text: str, blocks: list[dict[str, Any]]) -> set[str]:
    reader = Reader(sample_workspace(), "UTC")
    return {*reader.mrkdwn(text).mentions, *reader.blocks(blocks, {}).mentions}


@pytest.fixture(scope="module")
def wordy(installed: Installed) -> Policies:
    """Policies in which everything that may be long is as long as its schema lets it be, and full of markup."""
    files = dict(installed.files)

    def edit(path: str, change: Callable[[Any], None]) -> None:
        document = yaml.safe_load(files[path])
        change(document)
        files[path] = yaml.safe_dump(document, allow_unicode=True).encode()

    def people(document: Any) -> None:
        for person in document["people"]:
            person["name"] = (MARKUP + LONG_NAME)[:400]

    def titles(document: Any) -> None:
        for number, item in enumerate(document.values()):
            item["title"] = f"{number}<&>{'W' * 90}"[:75]

    def flow(document: Any) -> None:
        document |= {"title": "<&>" + "W" * 21, "verb": "<&>" + "W" * 27}
        for field in document["fields"].values():
            field["label"] = "<&>" + "W" * 72
            if field["kind"] != "choice":
                field["placeholder"] = "W" * 150
            field["hint"] = "W" * 2000

    edit("people.yaml", people)
    for name in ("apis", "accounts", "permission-sets"):
        edit(f"catalogue/{name}.yaml", titles)
    edit("environments.yaml", titles)
    for name in ("api-whitelisting", "prod-access"):
        edit(f"flows/{name}.yaml", flow)
    return load_policies(files)


class TestMessages:
    @pytest.mark.parametrize("surface", SURFACES)
    @pytest.mark.parametrize("state", list(State))
    def test_it_is_taken_in_every_state(self, policies: Policies, surface: str, state: State) -> None:
        text, _ = check(SURFACES[surface](in_state(state), policies))
        assert text

    @pytest.mark.parametrize("surface", SURFACES)
    @pytest.mark.parametrize("state", list(State))
    @pytest.mark.parametrize("reason", [MARKUP * 100, "&" * 5000, "🚀" * 5000, "word " * 2000], ids=len)
    def test_it_is_taken_and_inert_with_the_worst_content(
        self, wordy: Policies, surface: str, state: State, reason: str
    ) -> None:
        worst = in_state(state, reason=reason[:REASON_LONGEST], changes=(WIDEST,), closing=reason)
        text, blocks = check(SURFACES[surface](worst, wordy))
        assert mentions(text, blocks) <= {"U0ANA"}
        reader = Reader(sample_workspace(), "UTC")
        links = {address for address, _ in reader.blocks(blocks, {}).links}
        assert links <= {"https://jira.test/browse/OPS-1", "https://github.test/runs/1"}

    @pytest.mark.parametrize("surface", SURFACES)
    @pytest.mark.parametrize("state", State)
    def test_its_text_is_a_sentence_and_how_it_stands_is_a_word_without_any_mark(
        self, policies: Policies, surface: str, state: State
    ) -> None:
        text, blocks = check(SURFACES[surface](in_state(state), policies))
        assert re.sub(r":[a-z_]+:", "", text).rstrip().endswith("."), "what a phone or a screen reader is given"
        seen = re.sub(r":[a-z_]+:", "", json.dumps(blocks, ensure_ascii=False)).casefold()
        word = STATE_WORDS[state].split()[0].strip(",").casefold()
        is_reminder = surface == "reminder" and state is State.ACTIVE
        assert re.search(rf"\b{'ends' if is_reminder else word}\b", seen), "no colour or picture says it alone"

    @pytest.mark.parametrize("surface", SURFACES)
    def test_it_is_taken_before_there_is_a_ticket_or_a_run(self, policies: Policies, surface: str) -> None:
        check(SURFACES[surface](in_state(State.PENDING, results={}), policies))

    def test_a_card_shows_whole_what_is_approved(self, policies: Policies) -> None:
        pending = in_state(State.PENDING, changes=(replace(WIDEST, path="/v1/charges"),))
        text = json.dumps(check(card_of_lee(pending, policies))[1])
        missing = [network for network in WIDEST.source.values if network not in text]
        assert missing == []

    def test_only_an_open_card_has_buttons_and_they_name_what_they_are_for(self, policies: Policies) -> None:
        for state in State:
            _, blocks = check(card_of_lee(in_state(state), policies))
            buttons = [e for b in blocks if b["type"] == "actions" for e in b["elements"]]
            expected = [f"{request().id}:{request().digest}"] * 2 if state is State.PENDING else []
            assert [button["value"] for button in buttons] == expected

    @pytest.mark.parametrize(
        ("state", "sentence"),
        [
            (State.PENDING, "Waiting for Lee Wong or Sam Okafor, until"),
            (
                State.CONFIRMING,
                "Approved by Lee Wong and Sam Okafor in Slack; waits for its approval in GitHub",
            ),
            (State.APPROVED, "Approved by Lee Wong and Sam Okafor; about to be applied."),
            (State.APPLYING, "Approved by Lee Wong and Sam Okafor; being applied now."),
            (State.ACTIVE, "Live until"),
            (State.ENDED, "Ended: it was taken back, and that was verified."),
            (State.DENIED, "Denied by Lee Wong."),
            (State.TIMED_OUT, "Nobody decided in time. So it ended."),
            (State.FAILED, "Failed. So it ended."),
        ],
    )
    def test_each_state_is_one_sentence(self, policies: Policies, state: State, sentence: str) -> None:
        assert sentence in cards.status(in_state(state), policies)

    @pytest.mark.parametrize("state", list(State))
    @pytest.mark.parametrize("of_it", list(State))
    def test_it_is_taken_however_its_extension_stands(
        self, policies: Policies, state: State, of_it: State
    ) -> None:
        extended = in_state(state, extension=Extension("aw-222222", of_it, NOW))
        for surface in SURFACES.values():
            check(surface(extended, policies))

    @pytest.mark.parametrize(
        ("of_it", "sentence"),
        [
            (State.PENDING, "aw-222222 is to extend it."),
            (State.APPLYING, "aw-222222 is to extend it."),
            (State.ACTIVE, "It goes on as aw-222222, until"),
            (State.DENIED, "Approved by Lee Wong and Sam Okafor."),
        ],
    )
    def test_what_is_live_says_how_its_extension_stands(
        self, policies: Policies, of_it: State, sentence: str
    ) -> None:
        extended = in_state(State.ACTIVE, extension=Extension("aw-222222", of_it, NOW))
        assert sentence in cards.status(extended, policies)
        assert ("Extend" in buttons(cards.thread(extended, policies))) is (of_it is State.DENIED)

    def test_the_end_of_what_goes_on_is_never_told_as_taken_back(self, policies: Policies) -> None:
        results = {"watch-expiry": {"continued_by": "aw-222222"}}
        for of_it, sentence in ((State.ACTIVE, "it goes on as aw-222222, until"), (State.ENDED, "it went on as")):
            over = in_state(State.ENDED, results=results, extension=Extension("aw-222222", of_it, NOW))
            assert sentence in cards.status(over, policies)
            assert "taken back" not in cards.status(over, policies)

    def test_what_waits_for_aws_says_so_in_words_everywhere_and_can_be_cancelled(self, policies: Policies) -> None:
        heard = {"unanswered_since": "2026-11-21T09:00:00Z", "tried_until": "2026-11-21T13:00:00Z"}
        request = in_state(State.APPLYING, results={"watch": heard})
        for surface in (cards.thread, notices.notice):
            assert buttons(surface(request, policies)) == ["Cancel request"]
        sentence = cards.status(request, policies)
        assert re.search(r"; waits for AWS, which has not answered since .*, and is tried until .*\.$", sentence)
        assert state_words(request) == "Approved, waiting for AWS"
        assert state_words(replace(request, grant=EMERGENCY)) == "Break-glass, waiting for AWS"
        assert state_words(replace(request, state=State.ACTIVE)) == "Live"

    @pytest.mark.parametrize(
        ("state", "shown"),
        [
            (State.PENDING, ["Nudge", "Cancel request"]),
            (State.CONFIRMING, ["Cancel request"]),
            (State.APPROVED, []),
            (State.APPLYING, []),
            (State.ACTIVE, ["Extend", "Give back now"]),
            (State.ENDING, []),
            *((state, ["Ask again"]) for state in sorted(OVER)),
        ],
    )
    def test_the_requester_s_buttons_are_those_that_do_something_now(
        self, policies: Policies, state: State, shown: list[str]
    ) -> None:
        for surface in (cards.thread, notices.notice):
            assert buttons(surface(in_state(state), policies)) == shown
        if state not in OVER:  # which have one beside them there
            at_home = cards.line(in_state(state), policies, decide=False)
            assert buttons(("The home tab.", at_home)) == shown

    def test_what_policy_does_not_allow_is_not_offered(self, policies: Policies) -> None:
        flow = policies.flows["api-whitelisting"]
        for allowed, shown in (("extension", "Extend"), ("early_return", "Give back now")):
            rules = tuple(
                replace(rule, **{"extension": False, "early_return": False, allowed: True}) for rule in flow.rules
            )
            strict = replace(policies, flows={flow.id: replace(flow, rules=rules)})
            assert buttons(notices.reminder(in_state(State.ACTIVE), strict)) == [shown]

    def test_where_nobody_can_decide_there_is_nobody_to_nudge(self, policies: Policies) -> None:
        assert buttons(cards.thread(in_state(State.PENDING, deciders=()), policies)) == ["Cancel request"]

    def test_a_notice_says_what_it_is_about_and_why_it_was_denied(self, policies: Policies) -> None:
        text, blocks = check(notices.notice(in_state(State.DENIED), policies))
        assert "*POST /v1/charges on Payments API in Production*, aw-7k3m9q: Denied by Lee Wong." in text
        assert blocks[2]["text"]["text"] == "Reason: Why?"

    @pytest.mark.parametrize("surface", ["thread", "card", "card-in-a-channel"])
    def test_say_who_decided_and_when(self, policies: Policies, surface: str) -> None:
        _, denied = check(SURFACES[surface](in_state(State.DENIED), policies))
        assert f"Lee Wong denied it <!date^{int(NOW.timestamp())}^" in json.dumps(denied)
        _, approved = check(SURFACES[surface](in_state(State.ACTIVE), policies))
        assert f"Sam Okafor approved it <!date^{int(NOW.timestamp())}^" in json.dumps(approved)

    def test_say_why_where_nobody_can_decide_it_any_more(self, policies: Policies) -> None:
        text, _ = check(notices.notice(in_state(State.PENDING, deciders=()), policies))
        assert "Nobody can decide it at the moment: those who could have left, or policy has changed." in text
        assert "its requester can cancel it and ask again." in text, "there is something to do about it"

    def test_are_taken_by_slack_where_policy_needs_nobody_any_more(self, installed: Installed) -> None:
        nobody = under(installed, auto_approve=True)
        for place in ("U0LEE", "C0APPROVE"):
            check(approver_cards.card(in_state(State.PENDING, deciders=()), nobody, place))

    @pytest.mark.parametrize("count", [1, 50])
    def test_a_nudge_is_taken_and_mentions_only_those_who_are_asked(self, wordy: Policies, count: int) -> None:
        asked = [f"U0LEE{n}" for n in range(count)]
        text = notices.nudge(in_state(State.PENDING, changes=(WIDEST,)), wordy, asked)
        checked_content(text, [], strict_accessibility=True)
        assert mentions(text, []) == set(asked[: notices.MENTIONED])
        assert "U0ANA" not in mentions(text, [])

    def test_what_is_permanent_names_no_end(self, policies: Policies) -> None:
        live = cards.status(in_state(State.ACTIVE, expires_at=None, lifetime=None), policies)
        assert "until" not in live
        assert live == "Live permanently. Approved by Lee Wong and Sam Okafor."

    @pytest.mark.parametrize("grant", GRANTS.values(), ids=GRANTS)
    @pytest.mark.parametrize("surface", SURFACES)
    @pytest.mark.parametrize("state", GRANTED)
    def test_one_for_which_nobody_was_asked_is_taken_and_never_says_that_somebody_approved(
        self, policies: Policies, surface: str, state: State, grant: Grant
    ) -> None:
        text, blocks = check(SURFACES[surface](granted(state, grant), policies))
        said = f"{text} {json.dumps(blocks)}"
        assert "Approved by Lee" not in said
        if grant is EMERGENCY:
            assert "pproved" not in said
            assert "Break-glass" in said or surface in {"notice", "reminder"}
        else:
            assert "Break-glass" not in said
        assert decision_buttons.APPROVE not in said

    def test_an_emergency_is_told_loudly_with_everything_that_matters(self, wordy: Policies) -> None:
        incident = MARKUP[:100]
        worst = granted(
            State.APPROVED, replace(EMERGENCY, incident=incident), reason=MARKUP * 20, notify=("U0LEE",) * 50
        )
        text, blocks = check(emergency_messages.alarm(worst, wordy))
        assert text.startswith(":rotating_light: Break-glass: <@U0ANA> took ")
        assert "Nobody was asked." in text
        assert mentions(text, blocks) == {"U0ANA", "U0LEE"}
        assert json.dumps(blocks).count("<@U0LEE>") == emergency_messages.FEW
        assert ", 30 more." in json.dumps(blocks)

    def test_who_was_passed_over_is_told_why_and_that_a_review_follows(self, policies: Policies) -> None:
        text, blocks = check(card_of_lee(granted(State.ACTIVE, EMERGENCY), policies))
        assert text.startswith("Break-glass: <@U0ANA> took POST /v1/charges on Payments API")
        assert "You are told because you could have decided it" in json.dumps(blocks)
        assert "which somebody else than <@U0ANA> must close" in json.dumps(blocks)
        reviewed = granted(State.ENDED, EMERGENCY, results={"watch-review": {"by": "lee@example.com"}})
        assert "It was reviewed by Lee Wong." in json.dumps(check(card_of_lee(reviewed, policies))[1])


class TestACardWithStages:
    @pytest.fixture
    def staged(self, installed: Installed) -> Policies:
        return under(installed, stages=STAGES)

    def half_way(self, *by: str, deciders: tuple[str, ...]) -> Request:
        decisions = tuple(decided(f"{who}@example.com", Answer.APPROVE) for who in by)
        return in_state(State.PENDING, decisions=decisions, deciders=deciders, asked="")

    def said(self, request: Request, policies: Policies, place: str) -> str:
        text, blocks = check(approver_cards.card(request, policies, place))
        return f"{text} {json.dumps(blocks, ensure_ascii=False)}"

    def test_says_who_approved_at_each_what_is_missing_and_which_rule_asks(self, staged: Policies) -> None:
        said = self.said(self.half_way("lee", "sam", deciders=("U0KIM",)), staged, "U0KIM")
        assert "manager: 1 of 1 approvals, by Lee Wong" in said
        assert "security: 1 of 2 approvals, by Sam Okafor" in said
        assert "Waiting for Kim Berg (security: 1 of 2 approvals), until" in said
        assert "Routed by the rule “production”." in said

    def test_tells_who_has_approved_that_they_have_and_who_is_next(self, staged: Policies) -> None:
        said = self.said(self.half_way("lee", deciders=("U0KIM", "U0SAM")), staged, "U0LEE")
        assert said.startswith("You have approved POST /v1/charges on Payments API in Production for <@U0ANA>.")
        assert "You have approved it. :hourglass_flowing_sand: Waiting for Kim Berg or Sam Okafor" in said
        assert "actions" not in said

    def test_tells_nobody_that_they_have_approved_who_has_not(self, staged: Policies) -> None:
        said = self.said(self.half_way("lee", deciders=("U0KIM",)), staged, "U0SAM")
        assert "You have approved" not in said

    def test_in_a_channel_says_who_is_asked_and_whose_press_counts(self, staged: Policies) -> None:
        said = self.said(self.half_way(deciders=("U0LEE",)), staged, "C0APPROVE")
        assert said.startswith("<@U0ANA> asks Lee Wong to approve POST /v1/charges")
        assert approver_cards.ANYBODY in said
        assert '"actions"' in said

    def test_counts_those_who_are_asked_beyond_a_few(self, staged: Policies) -> None:
        many = self.half_way(deciders=tuple(f"U{n}" for n in range(200)))
        assert "<@U4> or 195 more (manager" in cards.status(many, staged)

    def test_says_nothing_of_stages_where_one_alone_decides(self, policies: Policies) -> None:
        assert " of 1" not in self.said(self.half_way(deciders=("U0LEE",)), policies, "U0LEE")


WHAT = "POST /v1/charges on Payments API in Production"


class TestApproveAsTheRuleWantsIt:
    def button(self, policies: Policies) -> dict[str, Any]:
        _, blocks = check(card_of_lee(in_state(State.PENDING), policies))
        element: dict[str, Any] = blocks[-1]["elements"][0]
        return element

    def test_it_asks_once_more_unless_the_rule_says_otherwise(self, installed: Installed) -> None:
        assert self.button(installed.policies)["confirm"]["text"]["text"].startswith(f"{WHAT} becomes live")
        assert "confirm" not in self.button(under(installed, confirm=False))

    @pytest.mark.parametrize(
        ("rule", "by", "when"),
        [
            ({}, (), "within a minute"),
            ({"stages": STAGES}, ("lee",), "once others have approved it too"),
            ({"stages": STAGES}, ("lee", "sam"), "within a minute"),
            (
                {"stages": STAGES, "step_up": "github"},
                ("lee",),
                "once others have approved it too and it is confirmed in GitHub",
            ),
            ({"step_up": "github"}, (), "once it is confirmed in GitHub"),
        ],
    )
    def test_it_says_when_it_becomes_live_only_as_far_as_this_approval_is_enough(
        self, installed: Installed, rule: dict[str, Any], by: tuple[str, ...], when: str
    ) -> None:
        decisions = tuple(decided(f"{who}@example.com", Answer.APPROVE) for who in by)
        pending = in_state(State.PENDING, decisions=decisions, asked="")
        asks_once_more = under(installed, **rule)
        _, blocks = check(card_of_lee(pending, asks_once_more))
        dialog = blocks[-1]["elements"][0]["confirm"]["text"]["text"]
        assert dialog == f"{WHAT} becomes live {when}, for 4 hours."
        production = asks_once_more.flows["api-whitelisting"].rules[0]
        hint = approval_form(pending, production, asks_once_more).to_dict()["blocks"][-1]["hint"]["text"]
        assert hint == f"Counted from the last approval. It becomes live {when}."

    def test_it_says_that_a_notice_comes_first(self, policies: Policies) -> None:
        flow = policies.flows["api-whitelisting"]
        announced = replace(policies, flows={flow.id: replace(flow, notice=HOUR)})
        when = self.button(announced)["confirm"]["text"]["text"]
        assert when == f"{WHAT} becomes live once those who work there have had their notice, for 4 hours."

    def test_it_opens_a_form_where_the_approver_may_shorten(self, installed: Installed) -> None:
        life = {"default": "4h", "max": "30d", "approver_may_shorten": True}
        button = self.button(under(installed, duration=life))
        assert button["action_id"] == f"{decision_buttons.APPROVE_WITH_FORM}{request().id}"
        assert "confirm" not in button


class TestForms:
    @pytest.mark.parametrize("lifetime", [timedelta(hours=4), timedelta(minutes=5), None])
    def test_the_form_of_an_approval_is_taken_with_the_worst_content_and_begins_as_asked(
        self, wordy: Policies, lifetime: timedelta | None
    ) -> None:
        rule = wordy.flows["api-whitelisting"].rules[0]
        worst = in_state(State.PENDING, reason=MARKUP * 20, changes=(WIDEST,), lifetime=lifetime)
        view = self.check(approval_form(worst, rule, wordy))
        element = view["blocks"][-1]["element"]
        assert element["initial_option"]["text"]["text"].startswith("As asked: ")
        assert (view["private_metadata"].count(worst.digest), MARKUP in view["private_metadata"]) == (1, False)

    @pytest.mark.parametrize("flow", ["api-whitelisting", "prod-access"])
    def test_the_form_of_break_glass_is_taken_with_the_worst_content_and_asks_for_no_approver(
        self, wordy: Policies, flow: str
    ) -> None:
        answers = dict.fromkeys(("reason", "path", "source", INCIDENT), (MARKUP * 60)[:3000])
        offer = replace(self.offer(wordy, flow, "prod"), told=("U0LEE",) * 200, notice="No. " * 100)
        memo = forms.Memo(flow, "prod", 1, emergency=True)
        form = emergency_form.emergency_form(wordy.flows[flow], wordy, offer, answers, memo, "C0ALERTS")
        view = self.check(form)
        assert view["blocks"][0]["block_id"] == INCIDENT
        assert not any(block.get("block_id", "").startswith("approver") for block in view["blocks"])
        assert forms.memo_of(view).emergency

    def offer(self, policies: Policies, flow: str, environment: str) -> Offer:
        rule = policies.flows[flow].rule_for({"environment": environment})
        assert rule is not None
        people = tuple((person.slack, person.label) for person in policies.people.persons)
        return Offer(environment, people, duration_choices(rule.lifetime))

    def check(self, form: Any) -> dict[str, Any]:
        view: dict[str, Any] = form.to_dict()
        assert view_problems(view) == []
        assert not view_too_large(view)
        return view

    @pytest.mark.parametrize("flow", ["api-whitelisting", "prod-access"])
    @pytest.mark.parametrize("environment", ["prod", "non-prod"])
    def test_each_flow_s_form_is_taken_in_each_environment(
        self, policies: Policies, flow: str, environment: str
    ) -> None:
        offer = self.offer(policies, flow, environment)
        view = self.check(forms.ask_form(policies.flows[flow], policies, offer, {}))
        assert view["blocks"][0]["dispatch_action"] is True

    @pytest.mark.parametrize("flow", ["api-whitelisting", "prod-access"])
    def test_a_form_with_the_worst_content_is_taken(self, wordy: Policies, flow: str) -> None:
        offer = self.offer(wordy, flow, "prod")
        answers = dict.fromkeys(("reason", "path", "source"), MARKUP * 30)
        answers = {name: text[:3000] for name, text in answers.items()}
        many = tuple((f"U{n}", (MARKUP + LONG_NAME)[:400]) for n in range(150))
        for approvers in (offer.approvers, many):
            self.check(forms.ask_form(wordy.flows[flow], wordy, replace(offer, approvers=approvers), answers))

    def test_a_form_that_can_offer_nothing_says_why_and_keeps_the_environment(self, policies: Policies) -> None:
        flow = policies.flows["api-whitelisting"]
        offer = Offer("prod", (), (), "only members of engineering may ask for this")
        view = self.check(forms.ask_form(flow, policies, offer, {}))
        assert view["blocks"][0]["block_id"] == "environment"
        assert "only members of engineering" in view["blocks"][1]["text"]["text"]

    def test_answers_survive_a_change_of_the_environment_where_they_still_make_sense(
        self, policies: Policies
    ) -> None:
        answers = {"path": "/v1/x", "reason": "why", "method": "PUT", "api": "orders", "environment": "prod"}
        offer = self.offer(policies, "api-whitelisting", "non-prod")
        view = self.check(forms.ask_form(policies.flows["api-whitelisting"], policies, offer, answers))
        by_id = {block["block_id"]: block["element"] for block in view["blocks"]}
        assert by_id["path"]["initial_value"] == "/v1/x"
        assert by_id["method:non-prod"]["initial_option"]["value"] == "PUT"
        assert by_id["api:non-prod"]["initial_option"]["value"] == "payments"  # the only one there is

    @pytest.mark.parametrize("flow", ["api-whitelisting", "prod-access"])
    def test_one_filled_from_a_draft_with_the_worst_content_is_taken(self, wordy: Policies, flow: str) -> None:
        answers = dict.fromkeys(("reason", "path", "source"), (MARKUP * 60)[:3000])
        draft = Draft(f"view:V{'1' * 20}", "U0ANA", flow, answers, NOW)
        memo = forms.Memo(flow, "prod", 1, "https://slack.test/" + "x" * forms.URL_LONGEST)
        offer = self.offer(wordy, flow, "prod")
        view = self.check(forms.ask_form(wordy.flows[flow], wordy, offer, answers, memo=memo, draft=draft))
        assert MARKUP not in view["private_metadata"]

    def test_what_a_form_carries_is_read_back(self, policies: Policies) -> None:
        memo = forms.Memo("prod-access", "prod", 2, "https://slack.test/1")
        offer = self.offer(policies, "prod-access", "prod")
        form = forms.ask_form(policies.flows["prod-access"], policies, offer, {}, memo=memo)
        assert forms.memo_of(form.to_dict()) == replace(memo, offered=offer.digest)

    def test_an_address_that_is_too_long_to_carry_is_left_out(self, policies: Policies) -> None:
        flow = policies.flows["prod-access"]
        view = forms.fresh_form(
            flow, policies, self.offer(policies, "prod-access", "prod"), "https://x/" + "x" * 9999
        )
        assert view_problems(view) == []
        assert forms.memo_of(view).url == ""

    def test_a_list_of_a_hundred_is_a_menu_and_a_longer_one_is_searched(self, policies: Policies) -> None:
        flow, usual = policies.flows["api-whitelisting"], self.offer(policies, "api-whitelisting", "prod")
        for count, kind in ((100, "static_select"), (101, "external_select")):
            many = tuple((f"U{n}", f"Manager {n}") for n in range(count))
            view = self.check(forms.ask_form(flow, policies, replace(usual, approvers=many), {"approver": "U99"}))
            (element,) = [b["element"] for b in view["blocks"] if b["block_id"].startswith("approver:")]
            assert (element["type"], element["initial_option"]["value"]) == (kind, "U99")

    @pytest.mark.parametrize("typed", ["", "w", MARKUP, "\x00", "x" * 3000, "  many   words  "])
    def test_answers_while_one_types_are_taken_whatever_is_typed(self, typed: str) -> None:
        many = [(f"v{n}" + "w" * 60, f"{n} {MARKUP}{LONG_NAME}") for n in range(5000)]
        assert option_problems(matching(many, typed)) == []

    def test_the_form_for_an_extension_is_taken(self, wordy: Policies) -> None:
        reason = (MARKUP * 100)[:REASON_LONGEST]
        first = in_state(State.ACTIVE, reason=reason, changes=(WIDEST,), form={"duration": "2h"})
        lengths = duration_choices(Lifetime(HOUR, 9000 * HOUR, HOUR, permanent=True))
        view = self.check(extension_form(first, lengths, wordy))
        duration, why = (block["element"] for block in view["blocks"][1:])
        assert duration["initial_option"]["value"] == "2h"
        assert why["initial_value"] == reason
        assert extended_by(view) == first.id

    def test_the_form_for_a_denial_is_taken(self, wordy: Policies) -> None:
        widest = in_state(State.PENDING, requester="x" * 242 + "@example.com", changes=(WIDEST,))
        self.check(forms.denial_form(widest, wordy))

    def test_problems_stand_at_their_fields_and_what_has_none_at_the_first(self) -> None:
        view = {"state": {"values": {"environment": {}, "api:prod": {}, "reason": {}}}}
        problems = [Problem("a", field="api"), Problem("b", "c", field="api"), Problem("d", field="nowhere")]
        assert forms.errors_for(view, problems) == {"api:prod": "a. b; c", "environment": "d"}


class TestTheHomeTab:
    def check(self, desk: Desk, policies: Policies) -> list[dict[str, Any]]:
        view = home(desk, policies).to_dict()
        assert view_problems(view) == []
        assert not view_too_large(view)
        blocks: list[dict[str, Any]] = view["blocks"]
        return blocks

    def test_an_empty_one_is_taken(self, policies: Policies) -> None:
        self.check(Desk([]), policies)

    @pytest.mark.parametrize("state", list(State))
    def test_one_with_the_worst_content_is_taken_and_inert(self, wordy: Policies, state: State) -> None:
        reason = (MARKUP * 100)[:REASON_LONGEST]
        numbers = range(LISTED)
        to_decide = [in_state(State.PENDING, id=f"aw-22222{n}", reason=reason, changes=(WIDEST,)) for n in numbers]
        own = [
            in_state(state, id=f"aw-33333{n}", reason=reason, changes=(WIDEST,), closing=reason) for n in numbers
        ]
        drafts = [Draft(f"view:V{n}", "U0ANA", "prod-access", {}, NOW) for n in numbers]
        to_confirm = [confirming(id=f"aw-44444{n}", reason=reason, changes=(WIDEST,)) for n in numbers]
        flows = [replace(wordy.flows["prod-access"], id=f"f{n}") for n in range(60)]
        for asked in ((to_decide, ()), ((), to_confirm), (to_decide, to_confirm)):
            desk = Desk(flows, *asked, own, own, own, drafts, may_break_glass=flows)
            assert mentions("", self.check(desk, wordy)) <= {"U0ANA"}

    def test_what_is_to_be_decided_in_slack_and_what_in_github_stand_together_the_most_urgent_first(
        self, policies: Policies
    ) -> None:
        hours = {"aw-222222": 3, "aw-333333": 2, "aw-444444": 1}
        pending, github, urgent = (
            make(id=one, decide_by=NOW + hours[one] * HOUR)
            for one, make in zip(hours, (partial(in_state, State.PENDING), confirming, confirming), strict=True)
        )
        said = json.dumps(self.check(Desk([], [pending], [github, urgent]), policies))
        assert [said.index(f"Request {one}") for one in reversed(hours)] == sorted(
            said.index(f"Request {one}") for one in hours
        )

    def test_of_what_waits_for_github_it_says_what_to_do_there_and_how_long_there_is_time(
        self, policies: Policies
    ) -> None:
        blocks = self.check(Desk([], to_confirm=[confirming(reason="Why not?")]), policies)
        said = json.dumps(blocks, ensure_ascii=False)
        assert "The approval in GitHub can be yours: read" in said
        assert "<https://github.test/pull/12|pull request #12>" in said
        assert f"it is closed <!date^{int(request().decide_by.timestamp())}^{{ago}}|" in said
        assert {"type": "plain_text", "text": "Reason: Why not?"}.items() <= next(
            block["text"].items() for block in blocks if "Why not?" in json.dumps(block)
        )
        assert decision_buttons.APPROVE not in said, "it is not for Slack to decide"

    def test_more_than_there_is_room_for_is_counted(self, policies: Policies) -> None:
        blocks = self.check(Desk([], to_confirm=[confirming(id=f"aw-44444{n}") for n in range(9)]), policies)
        assert json.dumps(blocks).count("Request aw-44444") == MOST_TO_DECIDE
        assert f"and {9 - MOST_TO_DECIDE} more" in json.dumps(blocks)


class TestTheChooser:
    @pytest.mark.parametrize("count", [0, 1, 25, 26, 60])
    def test_it_has_a_button_for_every_flow_and_is_taken(self, wordy: Policies, count: int) -> None:
        flow = wordy.flows["prod-access"]
        flows = [replace(flow, id=f"f{n}", command=f"/{'w' * 30} {n:030}") for n in range(count)]
        view = chooser.chooser(flows, flows).to_dict()
        assert view_problems(view) == []
        buttons = [element["action_id"] for _, element in located(view["blocks"])]
        assert buttons == [f"{kind}:f{n}" for kind in ("start", "break-glass") for n in range(count)]


class TestReplies:
    def test_every_answer_to_a_command_is_taken_and_mentions_only_who_is_asked(self, wordy: Policies) -> None:
        flow = replace(wordy.flows["prod-access"], examples=((MARKUP * 3)[:150],) * 5)
        many = [replace(flow, id=f"f{n}", command=f"/{'w' * 30} {n:030}") for n in range(50)]
        line = read_line("/" + MARKUP, MARKUP * 20, many)
        worst = in_state(State.PENDING, changes=(WIDEST,), reason=MARKUP * 20)
        wrong = Problems([Problem(MARKUP * 5, MARKUP, field="reason")] * 3)
        said = {
            "asked": replies.asked(worst, wordy),
            "not asked": replies.not_asked(flow, wrong),
            "help": replies.help_for(many),
            "help for nobody": replies.help_for([]),
            "form": replies.form_instead(flow),
            "form for the rest": replies.form_for_the_rest(flow),
            "unknown command": replies.unknown_command(line, many),
            "unknown words": replies.unknown_words(line, many),
            "not for you": replies.not_for_you(line, many),
            "nudged": replies.nudged(worst),
            "kept": replies.kept(flow, Draft("view:V1", "U0ANA", flow.id, {}, NOW)),
            "broken": replies.broken("abc123"),
            "emergency": replies.in_an_emergency(many),
            "no break-glass": replies.no_break_glass(flow),
            "unsure": replies.unsure("abc123"),
            "not opened": replies.not_opened("abc123"),
        }
        for name, text in said.items():
            checked_content(text, [], strict_accessibility=True)
            assert mentions(text, []) <= ({"U0LEE", "U0SAM"} if name in {"asked", "nudged"} else set()), name

    def test_an_answer_names_as_many_of_those_who_are_asked_as_one_reads(self, policies: Policies) -> None:
        many = in_state(State.PENDING, deciders=tuple(f"U0LEE{n}" for n in range(300)))
        for text in (replies.asked(many, policies), replies.nudged(many)):
            assert text.count("<@U0LEE") == replies.MENTIONED
            assert f", {300 - replies.MENTIONED} more" in text

    def test_help_shows_the_quick_path_only_where_there_is_one(self, policies: Policies) -> None:
        quick = replies.help_for([policies.flows["prod-access"]], [policies.flows["api-whitelisting"]])
        assert "`/prod-access debugging the checkout 500s` asks at once, with environment prod" in quick
        assert quick.endswith("Also: `/apiwhitelisting`.")
        assert "asks at once" not in replies.help_for([policies.flows["api-whitelisting"]])

    def test_help_with_more_than_there_is_room_for_still_names_every_command(self, policies: Policies) -> None:
        flow = policies.flows["prod-access"]
        many = [replace(flow, id=f"f{n}", command=f"/infra flow{n}") for n in range(30)]
        text = replies.help_for(many)
        assert len(text) <= replies.HELP_LONGEST
        for each in many:
            assert f"`{each.command}`" in text

    def test_commands_are_named_as_long_as_there_is_room_and_the_rest_is_counted(self, policies: Policies) -> None:
        flow = policies.flows["prod-access"]
        many = [replace(flow, id=f"f{n}", command=f"/{'w' * 30} {n:030}") for n in range(200)]
        text = replies.help_for(many)
        assert len(text) <= replies.HELP_LONGEST
        shown = {each.command for each in many if f"`{each.command}`" in text}
        assert text.endswith(f"and {200 - len(shown)} more.")


class TestTidying:
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("  debugging  ", "debugging"),
            ("“debugging the 500s”", "debugging the 500s"),
            ('"debugging"', "debugging"),
            ("'debugging'", "debugging"),
            ("„debugging“", "debugging"),
            ("«debugging»", "debugging"),
            ("the “real” reason", "the “real” reason"),
            ('"a" and "b"', '"a" and "b"'),
            ("a\u00a0b\u200b\u202ec\x00", "a bc"),
            ("“”", ""),
            ('"', '"'),
            ("", ""),
        ],
    )
    def test_what_a_phone_or_slack_made_of_it_is_undone(self, typed: str, meant: str) -> None:
        assert tidy(typed) == meant

    def test_lines_stay(self) -> None:
        assert tidy("one\ntwo\tthree") == "one\ntwo\tthree"


def test_escaping_is_what_slack_documents() -> None:
    assert escape("<!here> & co") == "&lt;!here&gt; &amp; co"
