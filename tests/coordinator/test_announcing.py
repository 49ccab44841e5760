"""A notice before something begins: those who work there are warned, and one of two moves wins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.deciding import NotYours
from coordinator.directory import Directory
from coordinator.ending import Ending
from coordinator.lifecycle import Lane
from coordinator.outside.clock import begin
from coordinator.requests import Request, Route, State
from coordinator.slack.announcements import announcement
from sallyport.changes.infra_stop import InfraStop
from sallyport.entries import POLICY, Grant
from sallyport.outcomes import Result
from sallyport.policies import load_policies
from sallyport.problems import Problems
from sandbox.slack.api_messages import checked_content
from tests.coordinator.asks import HOUR, NOW
from tests.coordinator.conftest import Installed, Places, Store
from tests.coordinator.desk import MINUTE, Desk, open_desk
from tests.coordinator.installing import with_infra
from tests.coordinator.test_surfaces import in_state

NOTICE = timedelta(minutes=10)
CHANNEL = "infra-requests"


@pytest.fixture
def desk(sqlite: Store, installed: Installed, places: Places) -> Iterator[Desk]:
    with open_desk(sqlite.journal(), with_infra(installed), places) as desk:
        yield desk


@pytest.fixture
def ending(desk: Desk) -> Ending:
    directory = Directory(desk.slack_client, lambda: desk.installed.policies)
    return Ending(desk.journal, lambda: desk.installed.policies, directory, lambda: desk.now)


def announced(desk: Desk) -> Request:
    """Ana's stop of development, which policy has approved."""
    return desk.submit(
        flow="infra-stop",
        prefix="is",
        environment="dev",
        changes=(InfraStop("dev"),),
        asked="",
        route=Route(),
        lifetime=12 * HOUR,
        grant=Grant(POLICY, NOW),
        notice=NOTICE,
    )


def shown(desk: Desk) -> str:
    """The announcement as Kim, who works there, sees it."""
    return desk.slack.person("kim").sees("Development (dev)", CHANNEL).visible_text


def begun(desk: Desk) -> Request:
    request = announced(desk)
    desk.work()
    desk.now = NOW + NOTICE
    desk.work()
    return request


def live(desk: Desk) -> Request:
    request = begun(desk)
    desk.job_ends(request, Result.APPLIED)
    desk.settle(5 * MINUTE)
    assert desk.request(request).state is State.ACTIVE
    return request


def test_it_is_announced_at_once_and_begins_when_the_notice_is_over(desk: Desk) -> None:
    request = announced(desk)
    desk.settle(NOTICE - timedelta(seconds=1))
    assert desk.request(request).state is State.ANNOUNCED
    assert not desk.github.commits
    assert "will be stopped" in shown(desk)
    assert "(asked by @Ana Ruiz)" in shown(desk)
    desk.now = NOW + NOTICE
    desk.work()
    assert desk.request(request).state is State.APPLYING
    assert len(desk.github.commits) == 1
    assert "is being stopped now" in shown(desk)


def test_its_end_is_counted_from_the_approval(desk: Desk) -> None:
    assert desk.request(announced(desk)).expires_at == NOW + 12 * HOUR


def test_whoever_may_ask_for_it_keeps_it_from_beginning(desk: Desk, ending: Ending) -> None:
    request = announced(desk)
    desk.work()
    assert ending.spare(request.id, "U0KIM").state is State.CANCELLED
    desk.settle(HOUR)
    assert not desk.github.commits
    assert not desk.github.runs
    assert "stays up. Kim Berg kept it from beginning." in shown(desk)
    assert desk.statuses()[-1] == "Cancelled"


def test_who_may_not_ask_for_it_does_not(desk: Desk, ending: Ending) -> None:
    request = announced(desk)
    assert not ending.may_spare(request, "U0SAM")
    with pytest.raises(NotYours, match="does not let you ask"):
        ending.spare(request.id, "U0SAM")
    assert desk.request(request).state is State.ANNOUNCED


def test_what_was_kept_from_beginning_does_not_begin_although_its_time_comes(desk: Desk, ending: Ending) -> None:
    request = announced(desk)
    desk.now = NOW + NOTICE
    (work,) = desk.journal.claim(Lane.CLOCK, desk.now)
    ending.spare(request.id, "U0ANA")
    desk.journal.finish(work, begin(work, request))
    assert desk.request(request).state is State.CANCELLED
    desk.settle(HOUR)
    assert not desk.github.commits


def test_while_it_is_being_done_it_can_be_neither_kept_nor_ended(desk: Desk, ending: Ending) -> None:
    request = begun(desk)
    with pytest.raises(NotYours, match="is not live"):
        ending.spare(request.id, "U0ANA")


@pytest.mark.parametrize("who", ["U0ANA", "U0LEE"])
def test_once_it_is_live_its_requester_and_the_owners_end_it_early(desk: Desk, ending: Ending, who: str) -> None:
    request = live(desk)
    assert "is stopped until" in shown(desk)
    assert ending.spare(request.id, who).state is State.ENDING
    desk.work()
    assert "is being started before its time" in shown(desk)
    assert (
        desk.journal.facts(request.id)[-1][0].by == {"U0ANA": "ana@example.com", "U0LEE": "lee@example.com"}[who]
    )


def test_once_it_is_live_nobody_else_ends_it(desk: Desk, ending: Ending) -> None:
    request = live(desk)
    with pytest.raises(NotYours, match="Policy does not let you end"):
        ending.spare(request.id, "U0KIM")


def test_an_early_return_that_policy_rules_out_is_refused_to_everybody(desk: Desk, ending: Ending) -> None:
    request = live(desk)
    flow = desk.installed.policies.flows["infra-stop"]
    strict = replace(flow, rules=tuple(replace(rule, early_return=False) for rule in flow.rules))
    policies = replace(desk.installed.policies, flows={"infra-stop": strict})
    directory = Directory(desk.slack_client, lambda: policies)
    with pytest.raises(NotYours, match="Policy does not let you end"):
        Ending(desk.journal, lambda: policies, directory, lambda: desk.now).end(request.id, "U0ANA")


@pytest.mark.parametrize("state", State)
def test_the_announcement_is_one_that_slack_takes_in_every_state(installed: Installed, state: State) -> None:
    asked = in_state(state, reason="<!channel> *b* " * 130, flow="infra-stop", environment="dev")
    stop = replace(asked, changes=(InfraStop("dev"),))
    text, blocks = announcement(stop, with_infra(installed).policies, NOW)
    checked_content(text, [block.to_dict() for block in blocks], strict_accessibility=True)
    assert text.startswith("Development (dev) ")


def test_there_is_no_such_request(ending: Ending) -> None:
    with pytest.raises(NotYours, match="There is no request is-222222"):
        ending.spare("is-222222", "U0ANA")


def test_a_flow_whose_change_has_no_words_for_it_gives_no_notice(installed: Installed) -> None:
    files = {**installed.files}
    files["flows/prod-access.yaml"] = b"notice: 10m\n" + files["flows/prod-access.yaml"]
    with pytest.raises(Problems, match="prod-access has no words to give notice with"):
        load_policies(files)
