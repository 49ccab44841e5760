"""The words of `/infra` at the running service: what is on record, what is ended early, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from coordinator.infra.keeping_form import choices
from coordinator.requests import Request, State
from coordinator.slack.text import LONGEST, bounded
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.coming import read_coming
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import Refused
from sallyport.times import utc_now
from tests.coordinator.asks import HOUR, approve, ask
from tests.coordinator.conftest import Installed, Places
from tests.coordinator.installing import changed, setting, with_infra, with_teardown
from tests.coordinator.office import CHANNEL, Office, open_office


@pytest.fixture
def infra(sqlite_url: str, installed: Installed, places: Places) -> Iterator[Office]:
    """The flows of `/infra`, over HTTP."""
    with open_office(sqlite_url, with_infra(installed), places, http=True) as office:
        yield office


@pytest.fixture
def estate(sqlite_url: str, installed: Installed, places: Places) -> Iterator[Office]:
    """The same, with teardowns that policy approves by itself."""
    with open_office(sqlite_url, with_teardown(installed), places, http=True) as office:
        yield office


def says(office: Office, line: str, who: str = "ana") -> str:
    answer = office.slack.person(who).types(line, channel=CHANNEL)
    assert answer.ok, answer
    return answer.text


class TestHelp:
    @pytest.mark.parametrize("line", ["/infra", "/infra help", "/infra status help"])
    def test_it_says_all_that_can_be_typed_and_where(self, infra: Office, line: str) -> None:
        answer = says(infra, line)
        assert "/infra stop [env] [--for 12h | --until 08:00]" in answer
        assert "Environments: prod, staging, dev. Without one, dev is meant." in answer

    def test_a_word_that_is_nearly_right_is_answered_with_the_right_one(self, infra: Office) -> None:
        assert "“/infra statsu” is no command; did you mean “status”?" in says(infra, "/infra statsu dev")
        assert "“dve” is no environment here; did you mean “dev”?" in says(infra, "/infra start dve")

    def test_another_command_is_not_its_business(self, infra: Office) -> None:
        says(infra, "/prod-access status")
        assert infra.request.reason == "status"


class TestStopping:
    def test_words_ask_at_once_and_the_reason_has_a_default(self, infra: Office) -> None:
        assert "for 2 hours" in says(infra, "/infra stop --for 2h")
        assert (infra.request.environment, infra.request.reason) == ("dev", "Not needed for now")
        assert infra.request.state is State.ANNOUNCED

    def test_a_time_is_that_of_the_persons_clock(self, infra: Office) -> None:
        says(infra, "/infra stop dev until 08:00")
        lifetime = infra.request.lifetime
        assert lifetime is not None
        ends = infra.request.submitted_at + lifetime
        zone = infra.service.directory.zone("U0ANA")
        assert ends.astimezone(zone).strftime("%H:%M") == "08:00"

    def test_the_command_alone_opens_the_form(self, infra: Office) -> None:
        says(infra, "/infra stop")
        assert infra.slack.person("ana").waits_for_form().title == "Stop an environment"

    @pytest.mark.parametrize("line", ["stop prod", "teardown prod", "teardown prod --level=full"])
    def test_production_is_refused_at_once_with_the_reason(self, infra: Office, line: str) -> None:
        assert "prod is production, which is never stopped" in says(infra, f"/infra {line}")
        assert not infra.requests

    def test_a_teardown_of_services_is_the_form_of_a_stop(self, infra: Office) -> None:
        says(infra, "/infra teardown staging --level=services")
        assert infra.slack.person("ana").waits_for_form().title == "Stop an environment"

    def test_without_a_flow_for_it_nothing_is_torn_down(self, infra: Office) -> None:
        assert "nothing can be torn down there; /infra stop stops" in says(
            infra, "/infra teardown dev --level=full"
        )


def torn_down(office: Office) -> Request:
    """Ana has development torn down; the request, live."""
    ana = office.slack.person("ana")
    says(office, "/infra teardown dev --level=full")
    form = ana.waits_for_form("Tear down an environment")
    form.fill("Type the name of the environment to confirm", "dev")
    form.fill("Reason", "Nobody needs it before the release")
    assert form.submit() == {}
    run = office.github.waits_for_runs(1).state
    outcome = Outcome(office.request.id, Result.APPLIED, "It is torn down.", utc_now())
    office.github.report(run.id, outcome)
    office.github.complete(run.id)
    ana.sees("Live until")
    return office.request


class TestTearingDown:
    def test_the_form_says_what_is_deleted_and_what_stays(self, estate: Office) -> None:
        says(estate, "/infra teardown —level=full")
        form = estate.slack.person("ana").waits_for_form("Tear down an environment")
        assert "A full teardown of Development (dev) deletes:" in form.text
        for part in ("ECS services: all of acme-dev", "RDS instances: acme-dev-db", "NAT gateways: acme-dev-a"):
            assert f"• {part}" in form.text
        assert "It keeps: VPC and subnets" in form.text
        form.choose("Environment", "Staging")
        moved = form.waits_for("A full teardown of Staging (staging) deletes:")
        assert "acme-dev" not in moved.text

    def test_a_restore_is_offered_to_whom_policy_lets_and_no_stop_to_anybody(self, estate: Office) -> None:
        torn_down(estate)
        says(estate, "/infra status", who="kim")
        kim = estate.slack.person("kim")
        assert kim.sees("Torn down for Ana Ruiz", CHANNEL).buttons == ["Let an address in…", "Look again"]
        says(estate, "/infra status", who="lee")
        shown = estate.slack.person("lee").sees("Restore", CHANNEL)
        assert shown.buttons == ["Restore", "Let an address in…", "Look again"]
        shown.press("Restore")
        estate.slack.person("lee").sees("Development (dev) is being restored", CHANNEL)
        assert estate.request.state is State.ENDING


class TestStarting:
    def test_what_nobody_stopped_is_not_started(self, infra: Office) -> None:
        assert "Nothing keeps Development (dev) stopped" in says(infra, "/infra start")
        assert "is not torn down" in says(infra, "/infra spinup")

    def test_who_may_ask_for_a_stop_keeps_it_up_before_it_began(self, infra: Office) -> None:
        says(infra, "/infra stop dev")
        assert "starts again" in says(infra, "/infra start dev", who="kim")
        assert infra.request.state is State.CANCELLED
        assert infra.request.closing == "Kim Berg kept it from beginning."
        kim = infra.slack.person("kim")
        assert not kim.sees("Development (dev) stays up", CHANNEL).buttons

    def test_who_may_not_is_told(self, infra: Office) -> None:
        says(infra, "/infra stop dev")
        warned = infra.slack.person("sam").sees("will be stopped", CHANNEL)
        warned.press("Keep it up")
        infra.slack.person("sam").sees("Policy does not let you ask for", CHANNEL)
        assert infra.request.state is State.ANNOUNCED


def whitelisted(office: Office, who: str = "ana", words: str = "") -> Request:
    """Somebody lets an address in; the request."""
    answer = says(office, f"/infra whitelist add 198.51.100.7 {words}", who)
    assert "Asked: 198.51.100.7/32" in answer
    return next(one for one in office.requests if one.id in answer)


class TestAddresses:
    def test_a_list_is_answered_at_once_and_says_who_and_until_when(self, infra: Office) -> None:
        assert "No address is let into Development (dev)" in says(infra, "/infra whitelist list")
        mine = whitelisted(infra, words="--description=‘Home <office>’")
        answer = says(infra, "/infra whitelist list dev")
        assert f"({mine.id})" in answer
        assert "for Ana Ruiz until" in answer
        assert "No address" in says(infra, "/infra whitelist list staging")

    def test_a_list_that_is_too_long_for_slack_says_how_much_is_left_out(self) -> None:
        text = bounded("\n".join(["head", *(["x" * 99] * 40)]))
        assert len(text) < LONGEST + 100
        assert text.endswith("\nand 13 more")
        assert bounded("one\ntwo") == "one\ntwo"

    def test_who_gives_an_address_back_is_told_who_still_holds_it(self, infra: Office) -> None:
        whitelisted(infra, "kim")
        assert "You hold no lease of 198.51.100.7/32" in says(infra, "/infra whitelist remove 198.51.100.7")
        assert "is not let into" in says(infra, "/infra whitelist remove 198.51.100.8")
        assert "write one such as" in says(infra, "/infra whitelist remove home")

    def test_few_that_still_fit_are_told_with_the_answer_and_what_fits_no_more_is_refused_with_the_numbers(
        self, infra: Office
    ) -> None:
        now = utc_now()
        others = tuple(InfraWhitelist(f"203.0.113.{number}/32") for number in range(28))
        facts = {"flow": "infra-whitelist", "environment": "dev", "submitted_at": now, "decide_by": now + HOUR}
        approve(infra.journal, infra.journal.submit(ask(changes=others, **facts)).id, at=now)
        assert "Nearly full" not in says(infra, "/infra whitelist add 2001:db8::10")
        answer = says(infra, "/infra whitelist add 198.51.100.10")
        assert "has 58 of 60 IPv4 rules, so that at most 1 more address fits." in answer
        assert "so that no further address fits." in says(infra, "/infra whitelist add 198.51.100.11")
        assert "so that no further address fits." in says(infra, "/infra whitelist add 198.51.100.11")
        asked = len(infra.requests)
        answer = says(infra, "/infra whitelist add 198.51.100.12")
        assert (
            "Sallyport's part of it has 60 of 60 IPv4 rules, and this would make it 62; ask again after" in answer
        )
        assert len(infra.requests) == asked

    def test_a_refresh_is_a_job_that_answers_in_place_of_a_message_whether_an_address_is_live_or_not(
        self, infra: Office
    ) -> None:
        says(infra, "/infra whitelist refresh staging")
        shown = infra.slack.person("ana").sees("The allow list of Staging (staging) is being compared", CHANNEL)
        infra.github.waits_for_runs(1)
        [run] = infra.github.runs
        assert run.workflow == "refresh.yml"
        assert run.inputs == {
            "environment": "staging",
            "lock": "allow-list/111111111111/eu-west-1/staging",
            "channel": "C0INFRA",
            "message": shown.ts,
        }

    def test_its_form_says_beforehand_where_few_addresses_fit(self, infra: Office) -> None:
        now = utc_now()
        crowd = tuple(InfraWhitelist(f"203.0.113.{number}/32") for number in range(28))
        asked = ask(
            flow="infra-whitelist",
            prefix="iw",
            environment="dev",
            changes=crowd,
            submitted_at=now,
            decide_by=now + HOUR,
        )
        approve(infra.journal, infra.journal.submit(asked).id, at=now)
        form = infra.opens_form("ana", "/infra whitelist")
        assert "has 56 of 60 IPv4 rules, so that at most 2 more addresses fit." in form.text

    def test_a_refresh_of_an_environment_without_an_allow_list_asks_no_job(
        self, sqlite_url: str, installed: Installed, places: Places
    ) -> None:
        def without_staging(lists: Any) -> None:
            del lists["main"]["in"]["staging"]

        bare = changed(with_infra(installed), catalogue__allow_lists=without_staging)
        with open_office(sqlite_url, bare, places, http=True) as office:
            told = says(office, "/infra whitelist refresh staging")
            assert told == "Staging (staging) has no allow list, so there is nothing to compare."
            assert office.github.runs == []

    def test_a_refresh_says_when_no_job_can_be_asked(self, infra: Office) -> None:
        infra.github.fail("dispatch", Refused("GitHub", "start refresh.yml", "no such workflow"))
        says(infra, "/infra whitelist refresh dev")
        told = infra.slack.person("ana").sees("was not compared with anything", CHANNEL)
        assert told.shows("The allow list of Development (dev)")
        assert told.shows("no such workflow")


class TestStatus:
    def test_it_shows_what_is_on_record_and_asks_a_job_for_the_rest(self, infra: Office) -> None:
        mine = whitelisted(infra)
        says(infra, "/infra status")
        shown = infra.slack.person("kim").sees("AWS is being looked at now", CHANNEL)
        assert shown.shows("Nothing that Sallyport knows of keeps it stopped.")
        assert shown.shows(mine.id)
        assert shown.buttons == ["Stop…", "Let an address in…", "Look again"]
        infra.github.waits_for_runs(2)  # the other lets the address in
        looked = next(run for run in infra.github.runs if run.workflow == "status.yml")
        assert looked.inputs["environment"] == "dev"
        assert looked.inputs["offers"] == "stop whitelist look"
        assert looked.inputs["message"] == shown.ts

    def test_it_says_when_no_job_can_be_asked(self, infra: Office) -> None:
        infra.github.fail("dispatch", Refused("GitHub", "start status.yml", "no such workflow"))
        says(infra, "/infra status dev")
        infra.slack.person("ana").sees("AWS could not be looked at: ", CHANNEL)

    def test_its_buttons_open_the_forms(self, infra: Office) -> None:
        says(infra, "/infra status dev")
        shown = infra.slack.person("ana").sees("AWS is being looked at now", CHANNEL)
        shown.press("Stop…")
        assert infra.slack.person("ana").waits_for_form().title == "Stop an environment"

    def test_a_start_is_offered_to_whom_policy_lets(self, infra: Office) -> None:
        says(infra, "/infra stop dev")
        says(infra, "/infra status dev", who="kim")
        shown = infra.slack.person("kim").sees("AWS is being looked at now", CHANNEL)
        assert shown.shows("Nothing that Sallyport knows of keeps it stopped.")
        assert shown.shows("To be stopped ")
        assert shown.shows("asked by Ana Ruiz.")
        assert "Start again" in shown.buttons
        shown.press("Start again")
        infra.slack.person("kim").sees("Development (dev) starts again", CHANNEL)


@pytest.fixture
def sleepy(sqlite_url: str, installed: Installed, places: Places) -> Iterator[Office]:
    """Development goes to sleep in six hours, every day, for as long."""
    hours = {"from": f"{utc_now() - 12 * HOUR:%H:%M}", "to": f"{utc_now() + 6 * HOUR:%H:%M}"}
    schedule = {"environments": ["dev"], "timezone": "UTC", "working_hours": {**hours, "days": DAYS}}
    with_schedule = changed(with_infra(installed), schedules=setting(afternoons=schedule))
    with open_office(sqlite_url, with_schedule, places, http=True) as office:
        yield office


DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class TestKeepingUp:
    def test_words_keep_it_up_and_the_channel_and_the_answer_say_until_when(self, sleepy: Office) -> None:
        answer = says(sleepy, "/infra keep dev --for 8h", who="kim")
        assert "Development (dev) is kept up until" in answer
        assert "After that it sleeps until" in answer
        assert sleepy.request.state is State.CANCELLED
        shown = sleepy.slack.person("ana").sees("Development (dev) stays up. Kim Berg keeps it up until", CHANNEL)
        assert not shown.buttons

    def test_what_changes_nothing_is_said(self, sleepy: Office) -> None:
        assert "Nothing is to stop dev before" in says(sleepy, "/infra keep --for 2h")
        assert "for 3 days at most" in says(sleepy, "/infra keep --for 4d")
        assert "does not let you" in says(sleepy, "/infra keep --for 2h", who="sam")
        assert "is no time of day" in says(sleepy, "/infra keep --until never")
        assert not sleepy.requests

    def test_without_a_time_a_form_asks_for_it(self, sleepy: Office) -> None:
        says(sleepy, "/infra keep", who="kim")
        form = sleepy.slack.person("kim").waits_for_form("Keep it up")
        form.choose("Until", form.options("Until")[8])
        assert form.submit() == {}
        sleepy.slack.person("kim").sees("Development (dev) is kept up until")
        kept = sleepy.request.kept
        assert kept is not None
        assert kept.by == "kim@example.com"
        assert kept.until.minute == 0

    def test_the_form_says_what_is_in_the_way(self, sleepy: Office) -> None:
        says(sleepy, "/infra keep", who="kim")
        form = sleepy.slack.person("kim").waits_for_form("Keep it up")
        refused = form.submit()["Until"]
        assert re.fullmatch(
            r"Nothing is to stop dev before [\d-]{10} \d\d:\d\d UTC, so it stays up anyway\.", refused
        )

    def test_an_announcement_has_the_button_for_it(self, infra: Office) -> None:
        says(infra, "/infra stop dev --for 12h")
        announced = infra.slack.person("kim").sees("will be stopped", CHANNEL)
        assert announced.buttons == ["Keep it up", "Keep it up until…"]
        announced.press("Keep it up until…")
        form = infra.slack.person("kim").waits_for_form("Keep it up")
        form.choose("Until", form.options("Until")[2])
        assert form.submit() == {}
        infra.slack.person("ana").sees("Kim Berg keeps it up until", CHANNEL)
        assert infra.request.state is State.ANNOUNCED

    def test_status_shows_what_comes_and_who_keeps_it_up(self, sleepy: Office) -> None:
        says(sleepy, "/infra keep --for 8h")
        says(sleepy, "/infra status")
        shown = sleepy.slack.person("ana").sees("AWS is being looked at now", CHANNEL)
        assert shown.shows("Kept up until")
        assert shown.shows("by Ana Ruiz.")
        assert shown.shows("To be stopped")
        assert shown.shows("asked by the schedule afternoons.")
        assert "Keep it up until…" in shown.buttons
        inputs = sleepy.github.waits_for_runs(1).inputs
        coming = read_coming(inputs["coming"])
        assert (coming.kept_by, coming.by) == ("ana@example.com", "schedule:afternoons")
        assert inputs["offers"] == "keep stop whitelist look"

    def test_the_home_tab_says_what_comes_to_whom_it_concerns(self, sleepy: Office) -> None:
        home = sleepy.slack.person("kim").opens_home()
        home.waits_for("Development (dev) To be stopped")
        assert "/infra keep" in home.text
        assert "To be stopped" not in sleepy.slack.person("sam").opens_home().text

    def test_times_are_whole_hours_of_the_persons_clock(self) -> None:
        local = datetime(2026, 11, 25, 20, 45, tzinfo=ZoneInfo("Asia/Kolkata"))
        found = choices(local, 24 * HOUR)
        assert found[0] == datetime(2026, 11, 25, 16, 30, tzinfo=UTC), "22:00 there, as 21:00 is too near"
        assert len(found) == 12
        assert choices(local, HOUR / 2) == [datetime(2026, 11, 25, 15, 45, tzinfo=UTC)]
