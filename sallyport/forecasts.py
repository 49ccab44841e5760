"""Which flows can tell, without looking at AWS, that there is no room for what somebody asks for.

A person hears it at once, and no approver is asked for what no job could do. A new flow adds one line, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sallyport.catalogue import Catalogue
from sallyport.changes.protocol import Held
from sallyport.problems import Problem
from sallyport.resource_policies.room import room_problem

# What is wished for, what is held in the same environment, its id, and the catalogue; the problem names the field.
Forecast = Callable[[Held, Iterable[Held], str, Catalogue], Problem | None]

FORECASTS: Mapping[str, Forecast] = {"api-whitelisting": room_problem}
