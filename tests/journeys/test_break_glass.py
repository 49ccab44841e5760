"""An emergency: access at once without anybody's approval, told loudly in one place, and a review that waits."""

from __future__ import annotations

from sandbox.company import Company
from tests.journeys.scenes import has_access, until


def test_an_emergency_gives_access_at_once_and_is_told_loudly_and_once(company: Company) -> None:
    sam, lee = company.slack.person("sam"), company.slack.person("lee")
    sam.types("/prod-access break-glass INC-4711", channel="infra-requests")
    form = sam.waits_for_form("Break-glass")
    form.fill("Reason", "The checkout is down")
    assert form.submit() == {}
    live = sam.sees(": Live until")
    assert has_access(company, "sam")
    alarm = lee.sees("Nobody was asked. Incident: INC-4711.", where="alerts")
    until(lambda: "Live until" in alarm.visible_text, "the alarm shows what became of it")
    until(lambda: "Review OPS-" in alarm.visible_text, "the alarm names the review")
    about_it = [message for message in lee.messages("alerts") if "INC-4711" in message.visible_text]
    assert len(about_it) == 1
    lee.sees("You are told because you could have decided it")
    reviews = [issue for issue in company.jira.issues if "break-glass-review" in issue.labels]
    assert len(reviews) == 1
    live.press("Give back now")
    until(lambda: not has_access(company, "sam"), "it is taken back before its time")
