"""A form between opening and sending: long lists are searched, and what was typed survives a stray click."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from coordinator.slack.chooser import SHORTCUT_NAME
from sallyport.platforms.errors import Refused
from sallyport.platforms.slack import Slack
from sandbox.slack import Form, Member
from tests.coordinator.conftest import Installed, Places, over_http
from tests.coordinator.installing import changed, with_accounts
from tests.coordinator.office import CHANNEL, Office, open_office

OpenOffice = Callable[[Installed], Office]
CONTINUE = "Continue where you were"


@pytest.fixture
def opens(sqlite_url: str, places: Places) -> Iterator[OpenOffice]:
    """Runs the service over HTTP with other policies."""
    with ExitStack() as stack:
        yield lambda installed: stack.enter_context(open_office(sqlite_url, installed, places, http=True))


def people(count: int) -> list[dict[str, str]]:
    return [{"email": f"m{n}@example.com", "name": f"Manager {n:03}", "slack": f"U0M{n:03}"} for n in range(count)]


class TestALongList:
    @pytest.fixture
    def office(self, opens: OpenOffice, installed: Installed) -> Office:
        return opens(with_accounts(installed, 300))

    def test_is_searched_while_one_types_and_the_choice_is_asked_for(self, office: Office) -> None:
        form = office.opens_form(command="/prod-access")
        assert form.options("Account", "payments 00200") == ["Team 00200 payments"]
        assert form.options("Account", "acct-00007") == ["Team 00007 other"]
        assert form.options("Account", "nobody has this") == []
        form.choose("Account", "Team 00250 payments")
        form.choose("Permission set", "Production read-only")
        form.fill("Reason", "a look")
        assert form.submit() == {}
        assert office.request.changes[0].to_mapping()["account"] == "acct-00250"

    def test_shows_a_hundred_and_says_that_there_are_more(self, office: Office) -> None:
        form = office.opens_form(command="/prod-access")
        offered = form.options("Account")
        assert len(offered) == 100
        (answer,) = [d for d in office.slack.deliveries if d.payload.get("type") == "block_suggestion"]
        said = office.slack.press_raw(answer.payload).body
        assert said["option_groups"][0]["label"]["text"] == "100 of 301: type more to narrow them down"

    def test_a_short_one_stays_a_menu(self, office: Office) -> None:
        form = office.opens_form(command="/prod-access")
        before = len(office.slack.deliveries)
        assert form.options("Permission set") == ["Production administrator", "Production read-only"]
        assert len(office.slack.deliveries) == before

    def test_follows_the_environment(self, office: Office) -> None:
        form = office.opens_form(command="/prod-access")
        form.choose("Account", "Team 00001 other")
        form.choose("Environment", "Non-production")
        form.waits_for(lambda form: form.value("Account") == "Development (111111111111)")
        assert form.options("Account") == ["Development (111111111111)"]

    def test_of_people_is_searched_too(self, opens: OpenOffice, installed: Installed) -> None:
        def many(document: Any) -> None:
            document["people"] += people(150)
            document["groups"]["managers"] = [f"m{n}@example.com" for n in range(150)]

        office = opens(changed(installed, people=many))
        for n, each in enumerate(people(150)):
            member = Member(each["slack"], f"m{n}", each["name"], each["email"])
            office.slack.workspace = office.slack.workspace.with_member(member)
        office.service.directory.refresh()
        form = office.fills_form(approver="")
        fitting = form.options("Manager", "manager 14")
        assert fitting == [f"Manager {n:03}" for n in (*range(140, 150), 14, 114)], "beginnings first"
        form.choose("Manager", "Manager 142")
        assert form.submit() == {}
        assert office.request.asked == "m142@example.com"

    def test_a_fault_while_one_types_shows_nothing_and_breaks_nothing(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        form = office.opens_form(command="/prod-access")
        with monkeypatch.context() as broken:
            broken.setattr(type(office.service.listeners.filling.asking), "offer", lambda *_: 1 / 0)
            assert form.options("Account", "team") == []
        assert form.options("Account", "00007") == ["Team 00007 other"]

    def test_a_field_that_the_flow_has_no_more_offers_nothing(self, office: Office) -> None:
        office.opens_form(command="/prod-access").options("Account", "team")
        payload = {**office.slack.deliveries[-1].payload, "block_id": "gone:prod"}
        assert office.slack.press_raw(payload).body == {"options": []}


HOURS = ["4 hours", "15 minutes", "30 minutes", "1 hour", "2 hours", "8 hours"]
BRIEF = {"default": "30m", "min": "15m", "max": "1h"}


def with_rules(installed: Installed, *rules: dict[str, Any], flow: str = "prod_access") -> Installed:
    """These rules come first in production, each with what differs from the usual one."""

    def change(document: Any) -> None:
        usual = document["rules"][0]
        more = [usual | rule | {"when": usual["when"] | rule["when"]} for rule in rules]
        document["rules"] = more + document["rules"]

    return changed(installed, **{f"flows__{flow}": change})


class TestWhatIsOffered:
    @pytest.fixture
    def office(self, opens: OpenOffice, installed: Installed) -> Office:
        """Who asks to be administrator, or for the payments account, gets it for an hour at most."""
        admin = {"name": "admin", "when": {"permission_set": "ProdAdmin"}, "duration": BRIEF}
        pci = {"name": "card data", "when": {"tags": "pci"}, "duration": BRIEF | {"default": "15m"}}

        def accounts(document: Any) -> None:
            place = {"prod": {"account": "333333333333"}}
            document["payments"] = {"title": "Payments", "tags": ["pci"], "in": place}

        return opens(with_rules(changed(installed, catalogue__accounts=accounts), admin, pci))

    def test_follows_what_is_chosen_and_keeps_what_was_typed(self, office: Office) -> None:
        form = office.opens_form(command="/prod-access")
        assert form.options("Duration") == HOURS
        form.fill("Reason", "a look")
        form.choose("Permission set", "Production administrator")
        form.waits_for(lambda form: form.value("Duration") == "30 minutes")
        assert form.options("Duration") == ["30 minutes", "15 minutes", "1 hour"]
        assert (form.value("Permission set"), form.value("Reason")) == ("Production administrator", "a look")
        form.choose("Permission set", "Production read-only")
        form.waits_for(lambda form: form.options("Duration") == HOURS)
        assert form.value("Duration") == "30 minutes", "what can be had still stays chosen"

    def test_follows_what_the_catalogue_says_of_it(self, office: Office) -> None:
        form = office.opens_form(command="/prod-access")
        form.choose("Account", "Payments")
        form.waits_for(lambda form: form.value("Duration") == "15 minutes")
        form.choose("Permission set", "Production read-only")
        form.fill("Reason", "a look")
        assert form.submit() == {}
        assert office.request.lifetime == timedelta(minutes=15)

    def test_is_shown_anew_only_where_it_is_something_else(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[str] = []
        update = Slack.update_view

        def counted(*arguments: Any) -> str:
            shown.append("again")
            return update(*arguments)

        monkeypatch.setattr(Slack, "update_view", counted)
        form = office.opens_form(command="/prod-access")
        form.fill("Reason", "a look")
        form.choose("Permission set", "Production read-only")
        form.choose("Duration", "2 hours")
        form.choose("Permission set", "Production administrator")
        form.waits_for(lambda form: form.value("Duration") == "30 minutes")
        assert shown == ["again"]

    def test_is_mended_by_the_next_answer_where_two_crossed(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried = threading.Event()

        def crossed(*_: Any) -> str:
            tried.set()
            raise Refused("Slack", "update a form", "hash_conflict", reasons=("hash_conflict",))

        form = office.opens_form(command="/prod-access")
        with monkeypatch.context() as broken:
            broken.setattr(Slack, "update_view", crossed)
            form.choose("Permission set", "Production administrator")
            assert tried.wait(10)
        assert form.options("Duration") == HOURS
        form.fill("Reason", "a")
        form.waits_for(lambda form: form.value("Duration") == "30 minutes")
        assert form.value("Reason") == "a"

    def test_of_an_emergency_follows_too(self, opens: OpenOffice, installed: Installed) -> None:
        brief = {"groups": ["prod-approvers"], "max": "15m"}
        admin = {"name": "admin", "when": {"permission_set": "ProdAdmin"}, "break_glass": brief}
        office = opens(with_rules(installed, admin))
        lee = office.slack.person("lee")
        assert lee.types("/prod-access break-glass INC-1", channel=CHANNEL).ok
        form = lee.waits_for_form("Break-glass")
        assert form.options("Duration") == ["1 hour", "15 minutes", "30 minutes"]
        form.choose("Permission set", "Production administrator")
        form.waits_for(lambda form: form.options("Duration") == ["15 minutes"])
        assert form.value("Incident reference") == "INC-1"

    def test_is_the_first_that_may_come_of_it_while_no_rule_is_chosen_yet(
        self, opens: OpenOffice, installed: Installed
    ) -> None:
        def only_named(document: Any) -> None:
            usual = document["rules"][0]
            named = [("ProdAdmin", BRIEF), ("ProdReadOnly", usual["duration"])]
            document["rules"] = [
                usual | {"name": name, "when": {"environment": "prod", "permission_set": name}, "duration": life}
                for name, life in named
            ]

        form = opens(changed(installed, flows__prod_access=only_named)).opens_form(command="/prod-access")
        assert form.options("Duration") == ["30 minutes", "15 minutes", "1 hour"]
        assert "nobody may ask" not in form.text
        form.choose("Permission set", "Production read-only")
        form.waits_for(lambda form: form.options("Duration") == HOURS)

    def test_are_the_approvers_of_the_rule_that_is_chosen_and_the_owners_once_they_are_known(
        self, opens: OpenOffice, installed: Installed
    ) -> None:
        leads = {"groups": ["prod-approvers"], "owners": True, "chosen": True}
        legacy = {"name": "legacy", "when": {"api": "orders"}, "approvers": leads}

        def owned_by_kim(document: Any) -> None:
            document["orders"]["owners"] = ["kim@example.com"]

        rules = with_rules(installed, legacy, flow="api_whitelisting")
        office = opens(changed(rules, catalogue__apis=owned_by_kim))
        form = office.opens_form()
        form.choose("API Gateway", "Payments API")
        assert form.options("Manager") == ["Lee Wong", "Sam Okafor"]
        form.choose("Manager", "Sam Okafor")
        form.choose("API Gateway", "Orders API")
        form.choose("HTTP method", "POST")
        form.fill("Path", "/v1/orders")
        form.fill("Source", "198.51.100.10/32")
        form.waits_for(lambda form: form.options("Manager") == ["Kim Berg", "Lee Wong", "Sam Okafor"])
        assert form.value("Manager") == "Sam Okafor"
        form.choose("Manager", "Kim Berg")
        form.fill("Reason", "a look")
        assert form.submit() == {}
        assert office.request.asked == "kim@example.com"


class TestADraft:
    def closed(self, office: Office, who: str = "ana", **different: str) -> Form:
        form = office.fills_form(who, **different)
        form.close()
        office.slack.person(who).sees("is kept until", CHANNEL)
        return form

    def test_is_offered_where_the_command_was_typed_and_brings_everything_back(self, office: Office) -> None:
        self.closed(office, duration="7 days", reason="A long story")
        ana = office.slack.person("ana")
        offer = ana.sees("Nothing was asked. What you filled in for API whitelisting is kept until", CHANNEL)
        assert offer.is_ephemeral
        offer.press(CONTINUE)
        form = ana.waits_for_form()
        labels = ("Environment", "HTTP method", "API Gateway", "Path", "Source", "Duration", "Manager", "Reason")
        assert [form.value(label) for label in labels] == [
            "Production",
            "POST",
            "Payments API",
            "/v1/charges",
            "198.51.100.10/32",
            "7 days",
            "Lee Wong",
            "A long story",
        ]
        assert form.submit() == {}
        assert office.request.reason == "A long story"

    @over_http
    def test_is_offered_by_the_same_form_opened_again_and_fills_it_in_place(self, office: Office) -> None:
        self.closed(office, reason="A long story")
        form = office.opens_form()
        assert form.value("Path") == ""
        form.fill("Path", "/other")
        form.press(CONTINUE)
        form.waits_for(lambda form: form.value("Path") == "/v1/charges")
        assert form.value("Reason") == "A long story"
        assert form.buttons == []
        form.fill("Reason", "A better story")
        form.choose("Environment", "Non-production")
        form.waits_for(lambda form: form.options("API Gateway") == ["Payments API"])
        assert form.value("Reason") == "A better story"
        form.choose("Manager", "Kim Berg")
        assert form.submit() == {}
        assert (office.request.environment, office.request.reason) == ("non-prod", "A better story")

    @over_http
    def test_keeps_the_environment_it_was_for(self, office: Office) -> None:
        form = office.opens_form()
        form.choose("Environment", "Non-production")
        form.waits_for(lambda form: "Permanent" in form.options("Duration"))
        form.choose("Duration", "Permanent")
        form.close()
        office.slack.person("ana").sees("is kept until", CHANNEL)
        again = office.opens_form()
        again.press(CONTINUE)
        again.waits_for(lambda form: form.value("Environment") == "Non-production")
        assert again.value("Duration") == "Permanent"

    @over_http
    def test_of_a_form_that_was_opened_without_a_channel_is_offered_on_the_home_tab(self, office: Office) -> None:
        ana = office.slack.person("ana")
        ana.opens_home()
        ana.uses_shortcut(SHORTCUT_NAME)
        ana.waits_for_form().press("Production access")
        form = ana.waits_for_form("Production access")
        form.fill("Reason", "half a sen")
        form.close()
        home = ana.opens_home()
        home.waits_for("Production access, filled in and not sent")
        home.press(CONTINUE)
        assert ana.waits_for_form("Production access").value("Reason") == "half a sen"

    @over_http
    def test_of_what_was_sent_is_none(self, office: Office) -> None:
        form = office.fills_form()
        assert form.submit() == {}
        office.service.listeners.filling.drafting.settle("view:any")
        assert office.opens_form().buttons == []
        assert CONTINUE not in office.slack.person("ana").opens_home().buttons

    @over_http
    def test_is_not_made_by_opening_and_closing(self, office: Office) -> None:
        office.opens_form().close()
        assert office.opens_form().buttons == []

    @over_http
    def test_is_nobody_else_s(self, office: Office) -> None:
        self.closed(office)
        ana, kim = office.slack.person("ana"), office.slack.person("kim")
        ana.sees("is kept until", CHANNEL)
        assert office.opens_form("kim").buttons == []
        kim.form.close()
        ana.sees("is kept until", CHANNEL).press(CONTINUE)
        ana.waits_for_form().close()
        assert office.presses_forged("U0KIM").ok
        ana.sees("There is nothing to go on with", CHANNEL)  # the forged press's place
        assert kim.form is None

    @over_http
    def test_is_forgotten_after_a_day(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        self.closed(office)
        ana = office.slack.person("ana")
        offer = ana.sees("is kept until", CHANNEL)
        asking = office.service.listeners.filling.asking
        later = asking.now() + timedelta(days=1, seconds=1)
        monkeypatch.setattr(type(asking), "now", lambda _: later, raising=False)
        offer.press(CONTINUE)
        ana.sees("There is nothing to go on with: it was sent already, or it is more than a day old.", CHANNEL)
        assert office.opens_form().buttons == []

    @over_http
    def test_a_fault_while_it_is_kept_disturbs_nobody(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(office.journal.drafts, "keep", lambda _: 1 / 0)
        assert office.fills_form().submit() == {}
        assert office.request.reason == "Partner go-live"


def test_a_reason_is_recorded_as_it_was_meant(office: Office) -> None:
    form = office.fills_form(reason="“Partner\u00a0go-live\u200b\u202e”", path="\u200b/v1/charges ")
    assert form.submit() == {}
    assert office.request.reason == "Partner go-live"
    assert office.request.changes[0].to_mapping()["path"] == "/v1/charges"
