"""What is answered after `/infra …` is inert, however an environment and its people are called."""

from __future__ import annotations

from dataclasses import replace

from coordinator.infra import answers
from coordinator.requests import Kept, Request
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.coming import Coming
from sallyport.people import People
from sallyport.policies import Policies
from tests.coordinator.asks import HOUR, NOW
from tests.coordinator.test_lifecycle import request
from tests.coordinator.test_surfaces import MARKUP, mentions


def test_no_name_calls_anybody(policies: Policies) -> None:
    place = replace(policies.catalogue.environments["prod"], title=MARKUP)
    people = People(tuple(replace(person, name=MARKUP) for person in policies.people.persons))
    held: Request = request(
        flow="infra-whitelist",
        changes=(InfraWhitelist("198.51.100.10/32", MARKUP),),
        kept=Kept(NOW, "lee@example.com"),
        requester_slack="U0ANA",
    )
    said = (
        answers.coming(Coming(NOW, NOW + HOUR, "kim@example.com", NOW, "lee@example.com"), people),
        answers.kept([held], ["So."], place, NOW),
        answers.kept([held], [], place, NOW),
        answers.addresses([], place, people),
        answers.addresses([held], place, people),
        answers.ended([held], [], place, "starts again"),
        answers.ended([held], ["Not that."], place, "starts again"),
        *(answers.nothing_to_start(place, torn_down=is_so) for is_so in (True, False)),
        *(answers.nothing_to_restore(place, stopped=is_so) for is_so in (True, False)),
        *(answers.removed(own, (), "198.51.100.10/32", place) for own in ((), [held])),
        answers.comparing(place),
        answers.not_compared(place, MARKUP),
        answers.nothing_to_refresh(place),
        answers.on_record([], [replace(held)], people),
    )
    for text in said:
        assert mentions(text, []) == set(), text
        assert "<https://evil.test" not in text
        assert "&amp;lt;" not in text, "and once is enough"
