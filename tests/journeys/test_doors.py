"""The ways in besides what a command says: help, a mention, the shortcut, and a form closed by accident."""

from __future__ import annotations

from coordinator.slack.chooser import SHORTCUT_NAME
from sandbox.company import Company
from tests.journeys.scenes import until

CHANNEL = "infra-requests"
EXAMPLE = "/prod-access debugging the checkout 500s"


def test_each_way_in_leads_to_a_form_or_to_words_that_work(company: Company) -> None:
    ana, lee = company.slack.person("ana"), company.slack.person("lee")
    assert EXAMPLE in ana.types("/prod-access help", channel=CHANNEL).text
    root = ana.says("how do I get in?", CHANNEL)
    ana.says("@sallyport can you help?", CHANNEL, thread=root)
    told = ana.sees(EXAMPLE, CHANNEL, thread=root)
    assert told.is_ephemeral
    told.press("Production access")
    ana.waits_for_form("Production access").close()
    ana.uses_shortcut(SHORTCUT_NAME)
    chooser = ana.waits_for_form("What do you need?")
    chooser.press("Production access")
    form = chooser.waits_for(lambda shown: shown.title == "Production access")
    form.choose("Account", "Production (222222222222)")
    form.choose("Permission set", "Production read-only")
    form.fill("Reason", "half a sentence")
    form.close()
    until(lambda: "Continue where you were" in ana.opens_home().buttons, "what was typed is offered again")
    ana.opens_home().press("Continue where you were")
    again = ana.waits_for_form("Production access")
    assert again.value("Reason") == "half a sentence"
    again.fill("Reason", "asked by the way back in")
    assert again.submit() == {}
    assert "Approve production access" in lee.sees("asked by the way back in").buttons
