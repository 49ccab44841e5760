"""Which flows can tell, without looking at AWS, that there is no room for what somebody asks for, or soon none.

A person hears it at once, and no approver is asked for what no job could do. A new flow adds a line, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sallyport.catalogue import Catalogue
from sallyport.changes.allow_list_room import address_hint, address_problem, address_room
from sallyport.changes.protocol import Held
from sallyport.problems import Problem
from sallyport.resource_policies.room import api_room, room_problem

# What is wished for, what is held in the same environment, its id, and the catalogue; the problem names the field.
Forecast = Callable[[Held, Iterable[Held], str, Catalogue], Problem | None]
# The same, and a sentence about what still fits once the wish has come true; empty while that is much.
Hint = Callable[[Held, Iterable[Held], str, Catalogue], str]

FORECASTS: Mapping[str, Forecast] = {"api-whitelisting": room_problem, "infra-whitelist": address_problem}
HINTS: Mapping[str, Hint] = {"infra-whitelist": address_hint}


@dataclass(frozen=True, slots=True)
class Room:
    """The same before anything is wished for, in a form that has an answer to the field *needs*, if one is named.

    `tell` takes what is held, the environment's id, that answer, and the catalogue.
    """

    tell: Callable[[Iterable[Held], str, str, Catalogue], str]
    needs: str = ""


ROOMS: Mapping[str, Room] = {
    "api-whitelisting": Room(api_room, needs="api"),
    "infra-whitelist": Room(lambda held, environment, _, catalogue: address_room(held, environment, catalogue)),
}
