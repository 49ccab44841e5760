"""The ways in: commands that flows share, help for who asks, the shortcut, a mention, the home tab."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml

from coordinator.asking import Asking
from coordinator.directory import Directory
from coordinator.journal import Journal
from coordinator.lifecycle import Lane
from coordinator.slack.chooser import SHORTCUT_NAME
from coordinator.slack.manifest import manifest_yaml
from sallyport import commands
from sallyport.changes import KINDS
from sallyport.changes.prod_access import ProdAccess
from sallyport.platforms.errors import Refused
from sallyport.platforms.slack import Slack
from sallyport.problems import Problem, Problems
from sallyport.times import utc_now
from tests.coordinator.conftest import Installed, Places, over_http
from tests.coordinator.installing import changed, sharing_a_command
from tests.coordinator.office import CHANNEL, Office, open_office

OpenOffice = Callable[[Installed], Office]


@pytest.fixture
def opens(sqlite_url: str, places: Places) -> Iterator[OpenOffice]:
    """Runs the service over HTTP with other policies."""
    with ExitStack() as stack:
        yield lambda installed: stack.enter_context(open_office(sqlite_url, installed, places, http=True))


@pytest.fixture
def ops(opens: OpenOffice, installed: Installed) -> Office:
    """Two flows share `/ops`."""
    return opens(sharing_a_command(installed))


class TestACommandThatFlowsShare:
    def test_the_first_word_chooses_the_flow_and_the_rest_is_for_it(self, ops: Office) -> None:
        ana = ops.slack.person("ana")
        answer = ana.types("/ops Access debugging the checkout 500s", channel=CHANNEL)
        assert ops.request.flow == "prod-access"
        assert ops.request.reason == "debugging the checkout 500s"
        assert ops.request.id in answer.text

    def test_its_word_alone_opens_the_form(self, ops: Office) -> None:
        ana = ops.slack.person("ana")
        assert ana.types("/ops whitelist", channel=CHANNEL).ok
        assert ana.waits_for_form().title == "API whitelisting"

    @pytest.mark.parametrize("text", ["", " help", " ?"])
    def test_alone_or_with_help_it_lists_its_flows_with_examples(self, ops: Office, text: str) -> None:
        answer = ops.slack.person("ana").types(f"/ops{text}", channel=CHANNEL)
        assert "/ops access debugging the checkout 500s" in answer.text
        assert "/ops whitelist opens the form" in answer.text
        assert ops.slack.person("ana").form is None

    def test_help_for_one_flow_names_the_others(self, ops: Office) -> None:
        answer = ops.slack.person("ana").types("/ops access help", channel=CHANNEL)
        assert "/ops access opens the form" in answer.text
        also = answer.text.splitlines()[-1]
        assert also.startswith("Also: ")
        assert "/ops whitelist" in also

    def test_a_word_that_is_nearly_right_is_answered_with_the_right_one(self, ops: Office) -> None:
        answer = ops.slack.person("ana").types("/ops acess now", channel=CHANNEL)
        assert "“/ops acess now” is no command; did you mean “access”?" in answer.text
        assert "/ops access debugging the checkout 500s" in answer.text
        assert ops.requests == []

    def test_slack_knows_it_once_with_its_words(self, installed: Installed) -> None:
        manifest = yaml.safe_load(manifest_yaml(sharing_a_command(installed).policies))
        commands = manifest["features"]["slash_commands"]
        (command,) = [command for command in commands if command["command"] == "/ops"]
        assert command == {
            "command": "/ops",
            "description": "API whitelisting, Production access",
            "usage_hint": "[whitelist | access | help]",
            "should_escape": False,
        }


class TestHelpForWhoAsks:
    def test_it_shows_only_what_this_person_may_use(self, opens: OpenOffice, installed: Installed) -> None:
        def managers_only(flow: Any) -> None:
            for rule in flow["rules"]:
                rule["may_request"] = {"groups": ["managers"]}

        office = opens(changed(installed, flows__prod_access=managers_only))
        ana, sam = office.slack.person("ana"), office.slack.person("sam")
        refused = ana.types("/prod-access help", channel=CHANNEL).text
        assert "Policies do not let you use /prod-access." in refused
        assert "/apiwhitelisting opens the form" in refused
        assert "/prod-access opens the form" in sam.types("/prod-access help", channel=CHANNEL).text
        assert "/prod-access" not in ana.types("/apiwhitelisting help", channel=CHANNEL).text
        assert "Production access" not in ana.opens_home().buttons
        ana.uses_shortcut(SHORTCUT_NAME)
        offered = ana.waits_for_form().buttons
        assert "API whitelisting" in offered
        assert "Production access" not in offered

    @over_http
    def test_whom_policies_do_not_know_is_told_what_to_do(self, office: Office) -> None:
        answer = office.stranger().types("/prod-access help")
        assert "Policies let you ask for nothing here." in answer.text


class Worded(ProdAccess):
    """A kind of change that takes words of its own: an environment, and a reason after it."""

    @classmethod
    def answers_from_words(cls, text: str, typed_at: datetime) -> Mapping[str, str]:
        environment, _, reason = text.partition(" ")
        if environment not in {"prod", "non-prod"}:
            raise Problems([Problem("that is no environment", "say prod or non-prod", field="environment")])
        return {"environment": environment, **({"reason": reason} if reason else {})}


@over_http
class TestAFlowWithWordsOfItsOwn:
    @pytest.fixture(autouse=True)
    def _worded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(commands, "KINDS", {**KINDS, "prod-access": Worded})

    def test_words_that_say_everything_make_the_request(self, office: Office) -> None:
        office.slack.person("ana").types("/prod-access prod a look", channel=CHANNEL)
        assert (office.request.environment, office.request.reason) == ("prod", "a look")

    def test_words_that_leave_something_out_open_the_form_with_what_they_say(self, office: Office) -> None:
        ana = office.slack.person("ana")
        answer = ana.types("/prod-access non-prod", channel=CHANNEL)
        assert "the form has what you typed" in answer.text
        form = ana.waits_for_form()
        assert form.value("Environment") == "Non-production"
        form.fill("Reason", "a look")
        assert office.requests == []

    def test_words_that_mean_nothing_are_told_with_the_remedy(self, office: Office) -> None:
        answer = office.slack.person("ana").types("/prod-access moon", channel=CHANNEL)
        assert "that is no environment; say prod or non-prod" in answer.text
        assert office.slack.person("ana").form is None


class TestTheShortcut:
    def test_it_offers_the_flows_and_becomes_the_form_of_the_chosen_one(self, office: Office) -> None:
        ana = office.slack.person("ana")
        assert ana.uses_shortcut(SHORTCUT_NAME).ok
        chooser = ana.waits_for_form("What do you need?")
        assert {"API whitelisting", "Production access"} <= set(chooser.buttons)
        assert "/prod-access" in chooser.text
        chooser.press("Production access")
        form = chooser.waits_for(lambda form: form.title == "Production access")
        form.choose("Account", "Production (222222222222)")
        form.choose("Permission set", "Production read-only")
        form.fill("Reason", "From a thread")
        assert form.submit() == {}
        assert ana.form is None
        assert office.request.reason == "From a thread"

    @over_http
    def test_it_opens_for_somebody_who_may_ask_for_nothing_and_says_so(self, office: Office) -> None:
        pat = office.stranger()
        pat.uses_shortcut(SHORTCUT_NAME)
        assert "Policies let you ask for nothing here." in pat.waits_for_form().text


class TestAMention:
    def test_it_is_answered_with_help_to_that_person_alone_where_they_are(self, office: Office) -> None:
        ana = office.slack.person("ana")
        root = ana.says("how do I get access?", CHANNEL)
        ana.says("@sallyport can you help?", CHANNEL, thread=root)
        answer = ana.sees("/prod-access debugging the checkout 500s", CHANNEL, thread=root)
        assert answer.is_ephemeral
        assert answer.mentions == ()
        assert office.slack.person("lee").messages(CHANNEL)[-1].visible_text == "@Sallyport can you help?"
        answer.press("Production access")
        assert ana.waits_for_form().title == "Production access"

    @over_http
    def test_that_of_another_app_is_left_alone(self, office: Office) -> None:
        event = {"type": "app_mention", "text": "<@U0BOT>", "bot_id": "B0ROB", "channel": "C0INFRA", "ts": "1.0"}
        payload = {"type": "event_callback", "team_id": "T0ACME", "event_id": "Ev1", "event": event}
        assert office.slack.courier.send("events_api", payload).ok
        office.asks()  # whatever was meant to be said has been said by now
        assert "opens the form" not in str([m.visible_text for m in office.slack.person("ana").messages(CHANNEL)])


@over_http
def test_the_home_tab_says_which_platform_is_away_and_what_follows(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = office.slack.person("ana")
    ana.opens_home().waits_for("All is well: nothing waits for JIRA, GitHub, Slack or AWS.")
    monkeypatch.setattr(Journal, "away_since", lambda _: {Lane.JIRA: utc_now() - timedelta(hours=1)})
    home = ana.opens_home()
    home.waits_for("JIRA has not answered since")
    assert "All is well" not in home.text


@over_http
class TestOpening:
    @pytest.fixture
    def _unknown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who asks was not there at the last look at Slack's members."""
        monkeypatch.setattr(Directory, "knows", lambda *_: False)

    @pytest.mark.usefixtures("_unknown")
    def test_a_form_that_needs_a_look_into_slack_first_opens_at_once_and_fills_in(self, office: Office) -> None:
        form = office.opens_form("ana", "/prod-access")
        form.waits_for("Permission set")
        opened = [call for call in office.slack.faults.calls if "views." in call[1]]
        assert [path.rpartition("/")[2] for _, path in opened] == ["views.open", "views.update"]

    @pytest.mark.usefixtures("_unknown")
    def test_who_closes_it_meanwhile_is_left_alone(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        ana, refused = office.slack.person("ana"), threading.Event()
        offer, update = Asking.offer, Slack.update_view

        def offer_late(*arguments: Any) -> Any:
            ana.waits_for_form().close()
            return offer(*arguments)

        def update_view(*arguments: Any) -> str:
            try:
                return update(*arguments)
            except Refused:
                refused.set()
                raise

        monkeypatch.setattr(Asking, "offer", offer_late)
        monkeypatch.setattr(Slack, "update_view", update_view)
        assert ana.types("/prod-access", channel=CHANNEL).ok
        assert refused.wait(10)
        office.asks(who="lee")
        assert not any("did not open" in message.visible_text for message in ana.messages(CHANNEL))

    def test_a_form_that_cannot_be_opened_is_said_to_be_so(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(type(office.service.listeners.answering.slack), "open_view", lambda *_: 1 / 0)
        office.slack.person("ana").types("/prod-access", channel=CHANNEL)
        office.slack.person("ana").sees("The form did not open; try again.", CHANNEL)

    def test_a_start_button_of_a_flow_that_is_gone_is_answered_with_those_there_are(self, office: Office) -> None:
        ana = office.slack.person("ana")
        ana.opens_home().press("Production access")
        office.presses_forged(value="teleport")
        ana.sees("/prod-access opens the form")


def test_the_environments_of_a_form_are_those_with_a_rule_in_the_operators_order(
    opens: OpenOffice, installed: Installed
) -> None:
    office = opens(
        changed(
            installed,
            flows__api_whitelisting=lambda flow: flow["rules"].append(
                {**flow["rules"][0], "name": "staging", "when": {"environment": "staging"}}
            ),
            flows__prod_access=lambda flow: flow["rules"][1].pop("when"),
        )
    )
    form = office.opens_form()
    assert form.options("Environment") == ["Production", "Non-production", "Staging"]
    form.close()
    access = office.opens_form(command="/prod-access").options("Environment")
    assert access == [each.title for each in office.service.policies.current().catalogue.environments.values()]


def test_a_form_begins_with_the_first_environment_that_has_a_rule(opens: OpenOffice, installed: Installed) -> None:
    def only_outside_production(flow: Any) -> None:
        flow["rules"] = flow["rules"][1:]
        del flow["defaults"], flow["examples"]

    office = opens(changed(installed, flows__prod_access=only_outside_production))
    form = office.opens_form(command="/prod-access")
    assert (form.options("Environment"), form.value("Environment")) == (["Non-production"], "Non-production")
