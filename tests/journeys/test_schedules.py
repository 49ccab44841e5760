"""Development that sleeps by schedule, through the whole product: stopped unasked, and kept up by somebody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from sandbox.company import Company, open_company
from sandbox.slack import Message
from tests.journeys.scenes import entry_files, git, ticket, turn_at_once, until
from tests.journeys.test_infra import CHANNEL, says, tasks

POLICIES = Path(__file__).parents[2] / "policies"


def always_asleep() -> str:
    """A schedule by which development sleeps now, whenever now is: it is up for one minute, twelve hours away."""
    hour = datetime.now(UTC) + timedelta(hours=12)
    up = {
        "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        "from": f"{hour:%H:%M}",
        "to": f"{hour + timedelta(minutes=1):%H:%M}",
    }
    nights = {"environments": ["dev"], "timezone": "Etc/UTC", "working_hours": up, "shortest": "1m"}
    return yaml.safe_dump({"nights": nights})


@pytest.fixture(scope="module")
def sleepy_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Everything running, with development asleep by schedule, and a notice of five seconds."""
    flow = (POLICIES / "flows" / "infra-stop.yaml").read_text().replace("notice: 10m", "notice: 5s")
    policies = {"schedules.yaml": always_asleep(), "flows/infra-stop.yaml": flow}
    with open_company(tmp_path_factory.mktemp("sleepy"), policies=policies) as running:
        turn_at_once(running)
        yield running


def is_picture_of_the_kept(message: Message) -> bool:
    return message.shows("As read from AWS") and message.shows("Kept up until")


def test_a_schedule_stops_development_and_somebody_keeps_it_up(sleepy_company: Company) -> None:
    company = sleepy_company
    kim = company.slack.person("kim")
    by_day = tasks(company)
    kim.sees("Development (dev) will be stopped", CHANNEL)
    announced = kim.sees("Development (dev) is stopped until", CHANNEL)
    assert announced.shows("(asked by the schedule nights)")
    assert set(tasks(company).values()) == {0}
    (path,) = entry_files(company)
    entry = yaml.safe_load(git(company, "show", f"main:{path}"))
    assert (entry["requested_by"], entry["grant"]["through"]) == ("schedule:nights", "schedule")
    issue = ticket(company, entry["id"])
    assert "requested-by:schedule:nights" in issue.labels

    says(company, "/infra status", who="kim")
    shown = kim.sees("As read from AWS", CHANNEL)
    assert shown.shows("Stopped for the schedule nights until")
    assert "Keep it up until…" in shown.buttons

    shown.press("Keep it up until…")
    form = kim.waits_for_form("Keep it up")
    form.choose("Until", form.options("Until")[1])
    assert form.submit() == {}
    kim.sees("Development (dev) is kept up until")
    until(lambda: tasks(company) == by_day, "as many tasks run as before")
    assert kim.sees("Development (dev) is up again", CHANNEL).shows("Kim Berg keeps it up until")
    until(lambda: not entry_files(company), "nothing stops it any more")

    says(company, "/infra status", who="kim")
    pictures = until(
        lambda: [one for one in kim.messages(CHANNEL) if is_picture_of_the_kept(one)], "it is shown", 60
    )
    assert pictures[-1].shows("To be stopped")
    assert tasks(company) == by_day, "the schedule waits until then"
    assert "already" in says(company, "/infra keep --for 5m", who="ana")
    issue = ticket(company, entry["id"])
    assert any("it is kept up" in comment.body for comment in issue.comments)
