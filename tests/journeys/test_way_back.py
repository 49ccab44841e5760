"""What a requester can take back alone: a request that waits, and an access that is live."""

from __future__ import annotations

from sandbox.company import Company
from tests.journeys.scenes import approve, ask_access, has_access, ticket, until


def test_a_waiting_request_can_be_cancelled_by_its_requester_alone(company: Company) -> None:
    ana, kim, lee = (company.slack.person(name) for name in ("ana", "kim", "lee"))
    request = ask_access(company, "asked by mistake")
    card = lee.sees("asked by mistake")
    root = kim.sees("asked by mistake", where="infra-requests")
    root.press("Cancel request")
    kim.sees("Only @Ana Ruiz can do this", where="infra-requests")
    assert card.buttons
    ana.sees("asked by mistake", where="infra-requests").press("Cancel request")
    until(lambda: not card.buttons, "the approver's buttons are gone")
    assert "Cancelled" in card.visible_text
    until(lambda: ticket(company, request).status == "Cancelled", "the ticket is cancelled")


def test_a_live_access_can_be_given_back_before_its_time(company: Company) -> None:
    ana = company.slack.person("ana")
    request = ask_access(company, "for a short look")
    approve(company, "for a short look")
    live = ana.sees(f"{request}: Live until")
    assert has_access(company)
    live.press("Give back now")
    until(lambda: not has_access(company), "the access is gone hours before its deadline")
    ana.sees(f"{request}: Ended")
    words = [comment.body for comment in ticket(company, request).comments]
    assert any(word.startswith("Given back by Ana Ruiz") for word in words)


def test_the_home_tab_shows_what_concerns_the_person_and_its_buttons_work(company: Company) -> None:
    ana, lee = company.slack.person("ana"), company.slack.person("lee")
    request = ask_access(company, "seen on the home tab")
    desk = lee.opens_home()
    assert "seen on the home tab" in desk.text
    assert "Approve production access" in desk.buttons
    mine = ana.opens_home()
    assert request in mine.text
    assert "Approve production access" not in mine.buttons
    mine.press("API whitelisting")
    ana.waits_for_form("API whitelisting").close()
    mine.press("Cancel request")
    until(lambda: "Cancelled" in ana.opens_home().text, "the home tab shows it cancelled")


def test_a_live_access_goes_on_under_its_extension_when_the_first_ends(company: Company) -> None:
    ana = company.slack.person("ana")
    first = ask_access(company, "a look that takes longer")
    approve(company, "a look that takes longer")
    live = ana.sees(f"{first}: Live until")
    assert live.press("Extend").ok
    form = ana.waits_for_form("Extend")
    form.choose("Duration", "8 hours")
    form.fill("Reason", "it takes the whole day")
    assert form.submit() == {}
    approve(company, "it takes the whole day")
    extended = ana.sees("It goes on as pa-", where="infra-requests")
    assert extended.buttons == ["Give back now"]
    extended.press("Give back now")
    told = ana.sees(f"{first}: Ended; it goes on as pa-")
    assert "taken back" not in told.visible_text
    assert has_access(company), "what the extension asks for stays"
    words = [comment.body for comment in ticket(company, first).comments]
    assert any(word.startswith("*Goes on*") for word in words)
