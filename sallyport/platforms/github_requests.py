"""Plain requests to one GitHub repository, each sent once, and lists read to their end.

PyGithub's objects fetch what they lack behind one's back; this never does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from github.Requester import Requester

from sallyport.platforms.errors import Unknown

_PAGE = 100  # the most that GitHub gives
_PAGES = 10  # a look reads 1000 items, then admits that it does not know


class Requests:
    """What PyGithub's requester sends and gets for one repository; its exceptions come out untranslated."""

    def __init__(self, requester: Requester, repository: str) -> None:
        self._requester = requester
        self._path = f"/repos/{repository}"

    def get(self, path: str, **parameters: str) -> Any:
        return self._requester.requestJsonAndCheck("GET", self._path + path, parameters=parameters)[1]

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._requester.requestJsonAndCheck("POST", self._path + path, input=dict(body))[1]

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._requester.requestJsonAndCheck("PATCH", self._path + path, input=dict(body))[1]

    def delete(self, path: str) -> None:
        """Nothing is what GitHub answers when it is done; ValueError for anything else."""
        answer = self._requester.requestJsonAndCheck("DELETE", self._path + path)[1]
        if answer is not None:
            raise ValueError(f"an answer where there is none: {answer!r:.80}")

    def all(self, path: str, name: str = "", **parameters: str) -> Iterator[dict[str, Any]]:
        """Yield the items of a list of many pages, which is the answer itself or its field *name*.

        Unknown if there are more than we read.
        """
        for page in range(1, _PAGES + 1):
            answer = self.get(path, per_page=str(_PAGE), page=str(page), **parameters)
            found = answer[name] if name else answer
            yield from found
            if len(found) < _PAGE:
                return
        raise Unknown("GitHub", f"list {name or path}", f"there are more than {_PAGES * _PAGE}")
