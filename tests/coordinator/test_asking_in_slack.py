"""Asking in Slack, as people do it and as nobody could by Slack's own forms; by visible words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.requests import State
from sallyport.times import utc_now
from tests.coordinator.asks import CHANGE, HOUR, approve, ask
from tests.coordinator.conftest import over_http
from tests.coordinator.office import CHANNEL, Office

WAIT = 10.0


class TestTheQuickPath:
    def test_words_after_the_command_make_a_request_at_once(self, office: Office) -> None:
        answer = office.slack.person("ana").types("/prod-access “debugging the checkout 500s”", channel=CHANNEL)
        request = office.request
        assert request.reason == "debugging the checkout 500s"
        assert (request.environment, request.lifetime) == ("prod", timedelta(hours=4))
        assert (request.requester, request.state) == ("ana@example.com", State.PENDING)
        assert request.id in answer.text
        assert "Nothing is changed before it is approved." in answer.text
        for approver in ("lee", "sam"):
            assert "debugging the checkout 500s" in office.slack.person(approver).sees("asks you").visible_text
        office.slack.person("kim").sees("Production read-only", where=CHANNEL)
        assert office.slack.person("kim").messages() == []

    @over_http
    @pytest.mark.parametrize("word", ["help", "HELP", "?", "--help", "“help”"])
    def test_help_asks_for_nothing(self, office: Office, word: str) -> None:
        answer = office.slack.person("ana").types(f"/prod-access {word}", channel=CHANNEL)
        assert "/prod-access debugging the checkout 500s" in answer.text
        assert "/apiwhitelisting" in answer.text
        assert office.requests == []

    @over_http
    def test_a_reason_that_is_too_long_is_said_to_be_so(self, office: Office) -> None:
        answer = office.slack.person("ana").types(f"/prod-access {'x' * 2001}", channel=CHANNEL)
        assert "Nothing was asked" in answer.text
        assert "the reason has 2001 characters" in answer.text
        assert office.requests == []

    @over_http
    def test_who_may_not_ask_is_told_why(self, office: Office) -> None:
        answer = office.slack.person("sam").types("/prod-access let me", channel=CHANNEL)
        assert "only members of engineering may ask for this" in answer.text
        assert office.requests == []

    @over_http
    def test_a_command_that_no_flow_has_names_those_that_there_are(self, office: Office) -> None:
        office.slack.person("ana").types("/prod-access help", channel=CHANNEL)
        payload = {**office.slack.deliveries[-1].payload, "command": "/prod-acess"}
        ack = office.slack.press_raw(payload)
        assert "`/prod-access`" in ack.body["text"]

    def test_a_command_delivered_twice_makes_one_request(self, office: Office) -> None:
        request = office.asks()
        assert office.slack.replay().ok
        assert office.request.id == request.id

    @over_http
    def test_the_same_words_typed_again_are_another_request(self, office: Office) -> None:
        assert office.asks("again").id != office.asks("again").id


class TestTheForm:
    def test_filled_in_it_makes_the_request_that_it_shows(self, office: Office) -> None:
        form = office.fills_form(duration="7 days", source="198.51.100.11, 198.51.100.10/32")
        assert form.submit() == {}
        assert not form.is_open
        request = office.request
        (change,) = request.changes
        assert change.to_mapping() == {
            "api": "payments",
            "stage": "live",
            "method": "POST",
            "path": "/v1/charges",
            "source": {"cidr": ["198.51.100.10/32", "198.51.100.11/32"]},
        }
        assert (request.asked, request.notify) == ("lee@example.com", ("U0LEE",))
        assert (request.lifetime, request.reason) == (timedelta(days=7), "Partner go-live")
        assert request.decide_by - request.submitted_at == timedelta(hours=8)
        office.slack.person("lee").sees("asks you to approve POST /v1/charges on Payments API")

    def test_words_after_a_command_without_a_quick_path_open_the_form_and_say_so(self, office: Office) -> None:
        ana = office.slack.person("ana")
        answer = ana.types("/apiwhitelisting open the gate", channel=CHANNEL)
        assert "takes no words after it" in answer.text
        assert ana.waits_for_form("API whitelisting").labels[0] == "Environment"
        assert office.requests == []

    def test_it_follows_the_environment_and_keeps_what_was_filled_in(self, office: Office) -> None:
        form = office.fills_form(source="", reason="Keep me")
        apis = ["Internal API", "Legacy API", "Orders API", "Partners API", "Payments API"]
        assert form.options("API Gateway") == apis
        assert "Permanent" not in form.options("Duration")
        assert form.options("Manager") == ["Lee Wong", "Sam Okafor"]
        form.choose("Environment", "Non-production")
        form.waits_for(lambda f: f.options("API Gateway") == ["Payments API"])
        assert form.options("Manager") == ["Kim Berg", "Lee Wong", "Sam Okafor"]
        assert "Permanent" in form.options("Duration")
        assert [form.value(label) for label in ("HTTP method", "Path", "Reason", "Manager", "API Gateway")] == [
            "POST",
            "/v1/charges",
            "Keep me",
            "Lee Wong",
            "Payments API",
        ]
        form.choose("Manager", "Kim Berg")
        form.choose("Duration", "Permanent")
        assert form.submit() == {}
        request = office.request
        assert (request.environment, request.lifetime, request.asked) == ("non-prod", None, "kim@example.com")
        assert str(request.changes[0].to_mapping()["source"]) == "{'anywhere': True}"

    @over_http
    def test_in_an_environment_where_one_may_not_ask_it_says_so_and_can_be_left(self, office: Office) -> None:
        form = office.opens_form("sam")
        form.waits_for("only members of engineering may ask for this")
        form.choose("Environment", "Non-production")
        form.waits_for(lambda f: "Manager" in f.labels)
        assert "only members of" not in form.text

    def test_a_submission_delivered_twice_makes_one_request(self, office: Office) -> None:
        assert office.fills_form().submit() == {}
        assert office.slack.replay().ok
        assert len(office.requests) == 1

    def test_a_form_sent_again_after_it_was_mended_makes_one_request(self, office: Office) -> None:
        form = office.fills_form(source="198.51.100.10/24")
        assert set(form.submit()) == {"Source"}
        assert form.is_open
        assert form.value("Path") == "/v1/charges"
        form.fill("Source", "198.51.100.10/32")
        assert form.submit() == {}
        assert len(office.requests) == 1


@over_http
class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("field", "typed", "words"),
        [
            ("source", "198.51.100.10/24", ["198.51.100.10/32 (one address)", "198.51.100.0/24 (256 addresses)"]),
            ("source", "0.0.0.0/0", ["would let in everybody", "/24"]),
            ("source", "::/0", ["would let in everybody", "/48"]),
            ("source", "10.1.2.0/24", ["is not an address of the internet", "public addresses"]),
            ("source", "partner.example.com", ["is not an address range", "198.51.100.10/32"]),
            ("source", "vpce-0a1b2c3d4e5f67890", ["do not come through a VPC endpoint"]),
            ("source", "", ["needs a source"]),
            ("path", "v1/charges", ["begin with /"]),
            ("path", "/v1/<!channel>", ["is not a path"]),
            ("reason", " \n ", ["a reason is needed"]),
            ("reason", "x" * 3000, ["has 3000 characters", "2000"]),
        ],
    )
    def test_it_is_answered_at_its_field_with_a_mend_and_the_form_stays(
        self, office: Office, field: str, typed: str, words: list[str]
    ) -> None:
        form = office.fills_form(**{field: typed})
        errors = form.submit()
        assert set(errors) == {field.capitalize()}
        for part in words:
            assert part in errors[field.capitalize()], part
        assert form.is_open
        assert form.value("Path") == (typed if field == "path" else "/v1/charges")
        assert office.requests == []

    def test_less_than_an_ip_set_lets_in_is_refused_where_one_keeps_the_api(self, office: Office) -> None:
        form = office.fills_form(api="Partners API")
        errors = form.submit()
        assert set(errors) == {"HTTP method", "Path"}
        assert (
            "Partners API is kept by a WAF IP set, which lets an address use every method" in errors["HTTP method"]
        )
        form.choose("HTTP method", "ANY")
        form.fill("Path", "/*")
        assert form.submit() == {}
        card = office.slack.person("lee").sees("asks you to approve ANY /* on Partners API").visible_text
        assert "That is everything on the stage: a WAF IP set keeps it" in card
        assert "AWS does not end it by itself either" in card

    def test_how_little_room_is_left_is_said_as_soon_as_the_api_is_chosen(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = utc_now()
        changes = tuple(replace(CHANGE, path=f"/v1/{number:03}") for number in range(25))
        asked = ask(changes=changes, submitted_at=now, decide_by=now + HOUR)
        approve(office.journal, office.journal.submit(asked).id, at=now)
        with monkeypatch.context() as unread:
            unread.setattr("coordinator.foreseeing.held", lambda *_: 1 / 0)
            form = office.opens_form()
            asking = office.service.listeners.filling.asking
            asking.offer(
                asking.policies().flows["api-whitelisting"], "U0ANA", {"environment": "prod", "api": "payments"}
            )
        assert "Nearly full" not in form.text, (
            "nothing is read before it is known of what, nor while somebody types"
        )
        form.choose("API Gateway", "Payments API")
        form.waits_for(lambda form: "Nearly full: Sallyport's part of the resource policy of" in form.text)
        form.choose("API Gateway", "Orders API")
        form.waits_for(lambda form: "Nearly full" not in form.text)

    def test_what_has_no_room_beside_all_that_is_approved_is_refused_with_the_numbers(
        self, office: Office
    ) -> None:
        now = utc_now()
        changes = tuple(replace(CHANGE, path=f"/v1/{number:03}") for number in range(27))
        asked = ask(changes=changes, submitted_at=now, decide_by=now + HOUR)
        approve(office.journal, office.journal.submit(asked).id, at=now)
        form = office.fills_form()
        errors = form.submit()
        assert set(errors) == {"Source"}
        assert "the resource policy of Payments API has no room for it" in errors["Source"]
        assert "of 8,192 characters" in errors["Source"]
        assert "ask again after " in errors["Source"]
        assert form.is_open
        assert len(office.requests) == 1

    def test_everything_is_told_in_one_pass(self, office: Office) -> None:
        form = office.fills_form(source="0.0.0.0/0", path="x", reason=" ")
        assert set(form.submit()) == {"Source", "Path", "Reason"}

    def test_what_is_left_empty_is_slack_s_to_say(self, office: Office) -> None:
        form = office.fills_form(reason="", approver="")
        assert set(form.submit()) == {"Manager", "Reason"}
        assert office.slack.deliveries[-1].payload.get("type") != "view_submission"

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("api", "paymets", "did you mean “payments”?"),
            ("api", "../../etc/passwd", "is not in the catalogue of apis"),
            ("method", "FETCH", "is not an HTTP method"),
            ("duration", "365d", "from 1h to 90d"),
            ("duration", "permanent", "permanent is not allowed here"),
            ("duration", "soon", "is not a duration"),
            ("environment", "moon", "policy has no rule"),
            ("approver", "U0ROB", "choose one of the list"),  # a bot
            ("approver", "U0DEE", "choose one of the list"),  # a manager who has left
            ("approver", "U0KIM", "choose one of the list"),  # no manager
            ("approver", "U0ANA", "choose one of the list"),  # herself
            ("approver", "U0NOBODY", "choose one of the list"),
            ("approver", "USLACKBOT", "choose one of the list"),
            ("approver", "", "choose one of the list"),
        ],
    )
    def test_what_no_form_offers_is_refused_at_its_field(
        self, office: Office, field: str, value: str, words: str
    ) -> None:
        office.fills_form(reason=" ").submit()
        errors = office.submits_forged(**{field: value, "reason": "Partner go-live"})
        assert set(errors) == {field}
        assert words in errors[field]
        assert office.requests == []

    def test_a_bot_a_stranger_and_who_has_left_cannot_ask(self, office: Office) -> None:
        office.fills_form(reason=" ").submit()
        for user in ("U0ROB", "U0DEE", "U0NOBODY"):
            payload = office.forged({"reason": "Let me in"})
            payload["user"]["id"] = user
            ack = office.slack.press_raw(payload)
            assert "policies do not know who you are" in str(ack.body), user
        assert office.requests == []

    def test_who_has_left_is_not_offered_as_an_approver(self, office: Office) -> None:
        assert "Dee Gone" not in office.opens_form().options("Manager")

    def test_a_manager_is_not_offered_to_herself(self, office: Office) -> None:
        assert office.opens_form("lee").options("Manager") == ["Sam Okafor"]


class TestWhatPeopleType:
    @pytest.mark.parametrize(
        "reason",
        [
            "<!channel> <@U0KIM> <!subteam^S0ENG> @here please",
            "*bold* _it_ `code` <https://evil.test|Approved by Lee>",
            "x" * 2000,
            "<&>" * 600,
        ],
        ids=["mentions", "markup", "long", "escapes"],
    )
    @over_http
    def test_it_calls_nobody_and_links_nowhere_wherever_it_is_shown(self, office: Office, reason: str) -> None:
        assert office.fills_form(reason=reason).submit() == {}
        office.asks(reason)
        for person, where in (("lee", "dm"), ("ana", CHANNEL), ("sam", "dm")):
            words = "Production read-only" if person == "sam" else "POST /v1/charges"
            seen = office.slack.person(person).sees(words, where=where)
            seen_by = {*seen.mentions}
            assert seen_by <= {"U0ANA"}
            assert not [address for address, _ in seen.links if "evil" in address]
            assert reason[:40].strip() in seen.visible_text
        (answer,) = [
            m for m in office.slack.person("ana").messages(CHANNEL) if m.is_ephemeral and "Asked" in m.visible_text
        ]
        assert set(answer.mentions) <= {"U0LEE", "U0SAM"}
