"""The operator's interface: environment variables, each secret also as `NAME_FILE`.

Every fault is collected, so that a start tells all that is missing at once. An empty variable counts as unset.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sallyport.problems import Problem, Problems


class Environment:
    """Reads variables and remembers what was wrong with them until `check` is called."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._problems: list[Problem] = []
        self._unreadable: set[str] = set()  # told already; they are not also missing

    def text(self, name: str, default: str = "") -> str:
        """Return the variable *name*, or the content of the file that `NAME_FILE` names, or *default*."""
        path = self._variables.get(name + "_FILE", "")
        if path:
            try:
                return Path(path).read_text(encoding="utf-8").strip() or default
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
                self._unreadable.add(name)
                self._problems.append(Problem(f"{name}_FILE names {path}, which cannot be read: {why}"))
                return default
        return self._variables.get(name, "") or default

    def required(self, name: str, what: str) -> str:
        """Return the variable *name*; *what* explains to the operator what belongs there."""
        value = self.text(name)
        if not value and name not in self._unreadable:
            self._problems.append(Problem(f"{name} is not set", what, field=name))
        return value

    def number(self, name: str, default: int) -> int:
        """Return the whole number in *name*."""
        text = self.text(name, str(default))
        if not text.isdecimal():
            self._problems.append(Problem(f"{name} is “{text}”", "write a whole number", field=name))
            return default
        return int(text)

    def refuse(self, problem: Problem) -> None:
        """Note a fault that the caller found in a value."""
        self._problems.append(problem)

    def check(self) -> None:
        """Raise Problems if anything asked for was missing or wrong."""
        if self._problems:
            raise Problems(self._problems)
