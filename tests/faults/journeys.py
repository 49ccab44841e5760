"""What people do on the way through both flows, by visible words, at fixed moments of the run's clock.

When nothing opens, or something says that it did not work, a person tries again: no more is asked of people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import requests

from sallyport.outcomes import Result
from sandbox.installation import PRODUCT
from sandbox.slack import Form, Message
from tests.faults.premises import Files
from tests.faults.wire import REPOSITORY
from tests.faults.world import START, Differs, World

HOUR = timedelta(hours=1)
DECIDED = START + HOUR  # when somebody decides
CONFIRMED = DECIDED + timedelta(minutes=20)  # when somebody reviews what was approved
SETTLED = START + 2 * HOUR  # when all that follows from the decision is over


@dataclass(frozen=True)
class Journey:
    """One way through. Its jobs are played unless they are real; `jobs_tell`: they can reach Slack and JIRA.

    Its audit trail goes to a folder, or to a bucket with Object Lock. *policies* replace those installed.
    """

    name: str
    walk: Callable[[World], None]
    applying: Result = Result.APPLIED
    jobs_tell: bool = True
    jobs_are_real: bool = False
    trail_in_bucket: bool = False
    policies: Files = ()


def whitelisting(world: World) -> None:
    """Ana fills in the form, Lee approves, a job applies it, and another takes it back thirty days later."""
    begin(world)
    ana = world.slack.person("ana")
    form = opened(
        world, "ana", "API whitelisting", lambda: ana.types("/apiwhitelisting", channel="infra-requests")
    )
    for environment in ("Non-production", "Production"):
        form.choose("Environment", environment)
        world.catches_up()
    form.choose("HTTP method", "POST")
    form.choose("API Gateway", "Payments API")
    form.fill("Path", "/v1/charges")
    form.fill("Source", "198.51.100.10")
    form.choose("Manager", "Lee Wong")
    form.fill("Reason", "Partner go-live")
    insist(world, "ana", lambda: form.submit() == {})
    world.passes(DECIDED)
    approve(world)
    world.passes(SETTLED)
    world.passes(DECIDED + timedelta(days=30) + HOUR)


def access(world: World) -> None:
    """Ana asks by the quick path, Lee is faster than Sam, and the access ends after four hours."""
    begin(world)
    ask_access(world)
    world.passes(DECIDED)
    approve(world)
    world.passes(SETTLED)
    world.passes(DECIDED + 5 * HOUR)


def given_back(world: World) -> None:
    """Ana gives a live access back before its time."""
    begin(world)
    ask_access(world)
    world.passes(DECIDED)
    approve(world)
    world.passes(SETTLED)
    live = world.slack.person("ana").sees("Live until", timeout=0)
    insist(world, "ana", lambda: pressed(live, "Give back now"))
    world.passes(SETTLED + HOUR)
    world.passes(DECIDED + 5 * HOUR)


def confirmed(world: World) -> None:
    """Lee approves in Slack, and then in a review of the pull request that his card leads to."""
    begin(world)
    ask_access(world)
    world.passes(DECIDED)
    approve(world)
    world.passes(CONFIRMED)
    review(world, "leewong", shown_to(world, "lee"))
    world.passes(CONFIRMED + HOUR)
    world.passes(CONFIRMED + 5 * HOUR)


def denied(world: World) -> None:
    """Sam says no, and why."""
    begin(world)
    ask_access(world)
    world.passes(DECIDED)
    card = card_of(world, "sam")
    form = opened(world, "sam", "Deny", lambda: card.press("Deny"))
    form.fill("Reason", "Which incident is it for?")
    insist(world, "sam", lambda: form.submit() == {})
    world.passes(SETTLED)


def cancelled(world: World) -> None:
    """Ana takes her request back before anybody decides."""
    begin(world)
    ask_access(world)
    world.passes(DECIDED)
    root = world.slack.person("ana").sees("looking at a stuck payout", where="infra-requests", timeout=0)
    insist(world, "ana", lambda: pressed(root, "Cancel request"))
    world.passes(SETTLED)


def timed_out(world: World) -> None:
    """Nobody decides."""
    begin(world)
    ask_access(world)
    world.passes(START + 5 * HOUR)


def anchored(world: World) -> None:
    """Sam says no; Ana asks again the day after, and nobody decides; each of the days has its anchor."""
    denied(world)
    world.anchors()
    world.passes(START + timedelta(days=1))
    ask_access(world)
    world.passes(START + timedelta(days=1, hours=5))
    world.anchors()


def begin(world: World) -> None:
    """The coordinator starts and has refreshed once before anybody asks."""
    _ = world.replica
    world.refreshes()
    world.passes(START + timedelta(minutes=10))


def ask_access(world: World) -> None:
    answer = world.slack.person("ana").types("/prod-access looking at a stuck payout", channel="infra-requests")
    assert answer.ok, answer
    assert answer.text.startswith("Asked:"), answer


def approve(world: World) -> None:
    card = card_of(world, "lee")
    button = next(label for label in card.buttons if label.startswith("Approve"))
    insist(world, "lee", lambda: pressed(card, button))


def shown_to(world: World, who: str) -> int:
    """Return the number of the pull request that an approver's message leads to."""
    links = {link for message in world.slack.person(who).messages() for link, _ in message.links}
    numbers = {int(link.rpartition("/")[2]) for link in links if "/pull/" in link}
    if len(numbers) != 1:
        raise Differs(f"{who} is led to {len(numbers)} pull requests")
    return numbers.pop()


def review(world: World, login: str, number: int) -> None:
    """Approve a pull request in GitHub, by a way that no mishap concerns."""
    url = f"{world.premises.back['github'].url}/repos/{REPOSITORY}/pulls/{number}/reviews"
    token = {"Authorization": f"token ghp_{login}"}
    requests.post(url, json={"event": "APPROVE"}, headers=token, timeout=20).raise_for_status()


def insist(world: World, who: str, do: Callable[[], bool]) -> None:
    """Do something, and again when they are told that it did not work."""
    for _ in range(3):
        told = complaints(world, who)
        done = do()
        world.catches_up()
        if done and complaints(world, who) == told:
            return
    raise Differs(f"what {who} does never works")


def pressed(message: Message, button: str) -> bool:
    """Press a button; who tries again and finds it gone knows that it worked."""
    return button not in message.buttons or message.press(button).ok


def complaints(world: World, who: str) -> int:
    places = [world.slack.person(who).messages(where) for where in ("dm", "infra-requests")]
    words = ("That did not work", "it may be recorded or not")
    return sum(message.shows(one) for messages in places for message in messages for one in words)


def card_of(world: World, who: str) -> Message:
    """The card in front of an approver; there must be one, or they could not tell which to press."""
    cards = [message for message in world.slack.person(who).messages() if message.buttons]
    if len(cards) != 1:
        raise Differs(f"{who} has {len(cards)} cards to decide by")
    return cards[0]


def opened(world: World, who: str, title: str, do: Callable[[], object]) -> Form:
    """Do what opens a form, and again if none has opened."""
    person = world.slack.person(who)
    for _ in range(3):
        do()
        world.catches_up()
        if person.form is not None:
            return person.waits_for_form(title, timeout=0)
    raise AssertionError(f"no form opens for {who}")


def confirmed_in_github() -> Files:
    """Production access, with an approval in GitHub."""
    name, rule = "flows/prod-access.yaml", "    quorum: 1\n"
    flow = (PRODUCT / "policies" / name).read_text()
    return ((name, flow.replace(rule, f"{rule}    step_up: github\n", 1)),)


JOURNEYS = {
    journey.name: journey
    for journey in (
        Journey("whitelisting", whitelisting),
        Journey("access", access, jobs_tell=False),
        Journey("given-back", given_back),
        Journey("refused", access, applying=Result.REFUSED),
        Journey("confirmed", confirmed, policies=confirmed_in_github()),
        Journey("denied", denied),
        Journey("cancelled", cancelled),
        Journey("timed-out", timed_out),
        Journey("anchored", anchored),
        Journey("anchored-in-bucket", anchored, trail_in_bucket=True),
        Journey("whitelisting-jobs", whitelisting, jobs_are_real=True),
        Journey("access-jobs", access, jobs_are_real=True),
    )
}
