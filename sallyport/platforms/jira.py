"""The JIRA client: tickets, comments, transitions, links and properties over REST v2.

It never sends a write twice and never retries; what a failure means is in `errors`. Bodies are wiki text:
put people's words through `plain`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, cast
from urllib.parse import quote as url_quote

import jira as package
import requests

from sallyport.platforms.errors import Refused
from sallyport.platforms.jira_failures import PLATFORM, translated
from sallyport.platforms.jira_text import plain, quote

__all__ = ["LOOKS", "Account", "Closing", "Comment", "Issue", "Jira", "next_look", "plain", "quote"]

TIMEOUT: Final = (3.05, 10)  # seconds to connect, seconds to wait for an answer
LOOKS: Final = (  # after a ticket may have been opened: JIRA's search lags behind its tickets, by minutes at worst
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=3),
)
_PAGE: Final = 100
_ISSUE_FIELDS: Final = "status,resolution,labels"


@dataclass(frozen=True, slots=True)
class Account:
    """The account that the token belongs to; `id` is JIRA's own (account id, or user name)."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Comment:
    id: str
    body: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Closing:
    """The change that brought a ticket to its end; `by` is JIRA's id of the account (account id, or user name)."""

    id: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Issue:
    """A ticket; `status_category` is `new`, `indeterminate` or `done` in every language."""

    key: str
    status: str
    status_category: str
    resolution: str | None
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Transition:
    """A way to another status that is open now, and the ids of the fields that may be sent along."""

    id: str
    target: str
    fields: frozenset[str]


def next_look(passed: timedelta) -> timedelta | None:
    """Return how long to wait before the next search for a ticket that may have been opened that long ago.

    None once a search must have shown it.
    """
    return next((look - passed for look in LOOKS if look > passed), None)


class Jira:
    """One JIRA, as one account. Methods raise `Refused`, `TryLater` or `Unknown`, and nothing else."""

    def __init__(self, client: package.JIRA, project: str | None) -> None:
        self._client = client
        self._session = client._session  # noqa: SLF001  # the package has no public way to its session
        # A redirect would repeat the write, or turn it into a GET, at an address nobody configured.
        self._session.max_redirects = 0
        self._session.hooks["response"].append(_refuse_a_page)
        self.project = project

    @classmethod
    def connect(cls, url: str, token: str, user: str | None = None, project: str | None = None) -> Self:
        """A client of Data Center (a token) or of Cloud (an e-mail address and a token). Calls nothing.

        *project* is the key of the project that this installation writes to, kept for the caller.
        """
        login: dict[str, Any] = {"basic_auth": (user, token)} if user else {"token_auth": token}
        client = package.JIRA(
            server=url,
            get_server_info=False,
            max_retries=0,
            timeout=TIMEOUT,
            options={"check_update": False},
            **login,
        )
        # The package would ask the server what it is; without asking, it takes everything for Data Center.
        client.deploymentType = "Cloud" if user else "Server"
        return cls(client, project)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # the package leaves it untyped

    def url_of(self, key: str) -> str:
        """Where a person reads the ticket."""
        return f"{self._client.server_url}/browse/{_path(key)}"

    def whoami(self) -> Account:
        with translated("say who we are"):
            account = self._client.myself()
            return Account(str(account.get("accountId") or account["name"]), str(account["displayName"]))

    def create_issue(
        self,
        project: str,
        issue_type: str,
        summary: str,
        description: str,
        labels: Sequence[str],
        properties: Mapping[str, Any],
        extra_fields: Mapping[str, Any] | None = None,
    ) -> str:
        """Open a ticket and return its key. *extra_fields* are by field id, as JIRA takes them.

        JIRA has no idempotent creation: after `Unknown`, look with `find_by_label` before asking again.
        """
        fields = {
            **(extra_fields or {}),
            "project": {"key": project},
            "issuetype": {"name": issue_type},
            "summary": summary,
            "description": description,
            "labels": list(labels),
        }
        own = [{"key": name, "value": value} for name, value in properties.items()]
        body = json.dumps({"fields": fields, "properties": own})
        with translated(f"open a ticket in {project}"):
            return str(self._post("issue", body)["key"])

    def find_by_label(self, project: str, label: str) -> tuple[str, ...]:
        """Keys of the project's tickets with that label, oldest first.

        JIRA's search lags behind its tickets by seconds to minutes: an empty answer proves nothing.
        """
        with translated(f"search {project} for the label {label}"):
            return tuple(str(issue.key) for issue in self._labelled(project, label, "labels"))

    def issues_by_label(self, project: str, label: str) -> tuple[Issue, ...]:
        """The project's tickets with that label, oldest first, as JIRA's search knows them; it lags too."""
        with translated(f"search {project} for the label {label}"):
            return tuple(_issue(issue.raw) for issue in self._labelled(project, label, _ISSUE_FIELDS))

    def issue(self, key: str) -> Issue:
        with translated(f"read {key}"):
            return _issue(self._client.issue(_path(key), fields=_ISSUE_FIELDS).raw)

    def closing(self, key: str) -> Closing | None:
        """By whom and when the ticket was brought to where it ended; None while it has not.

        The last change of its status counts: JIRA's history tells, and JIRA lets nobody edit it.
        """
        with translated(f"read the history of {key}"):
            raw = self._client.issue(_path(key), fields=_ISSUE_FIELDS, expand="changelog").raw
            if _issue(raw).status_category != "done":
                return None
            moves = (change for change in raw["changelog"]["histories"] if _is_move(change))
            return max(map(_closing, moves), key=lambda closing: (closing.at, int(closing.id)))

    def comments(self, key: str) -> tuple[Comment, ...]:
        """All comments, oldest first."""
        found: dict[str, Comment] = {}
        with translated(f"read the comments of {key}"):
            while True:
                page = self._client.comments(
                    _path(key), start_at=len(found), max_results=_PAGE, order_by="created"
                )
                new = [_comment(each.raw) for each in page if str(each.raw["id"]) not in found]
                if not new:  # the end; or an old Data Center, which knows no pages and repeats the first
                    return tuple(sorted(found.values(), key=lambda comment: comment.created))
                found |= {comment.id: comment for comment in new}

    def add_comment(self, key: str, body: str) -> str:
        """Comment, in wiki text, and return the comment's id."""
        with translated(f"comment on {key}"):
            return str(self._client.add_comment(_path(key), body).raw["id"])

    def move(
        self, key: str, status: str, resolution: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> None:
        """Bring the ticket to *status* by whatever transition leads there; nothing to do if it is there.

        Raises `Refused` naming the statuses that can be reached when this one cannot.
        """
        what = f"move {key} to {status}"
        sent = dict(fields or {}) | ({"resolution": {"name": resolution}} if resolution else {})
        with translated(what):
            now = self.issue(key).status
            if _same(now, status):
                return
            transition = _choose(what, self._transitions(key), now, status, sent.keys())
            if self._client.transition_issue(_path(key), transition.id, fields=sent) != {}:
                raise ValueError("a transition is answered with nothing")

    def add_labels(self, key: str, labels: Sequence[str]) -> None:
        """Add labels to the ticket; those it has already stay as they are."""
        body = json.dumps({"update": {"labels": [{"add": label} for label in labels]}})
        with translated(f"label {key}"):  # the package would GET the ticket first
            if self._session.put(self._url(f"issue/{_path(key)}"), data=body).content:
                raise ValueError("an edit is answered with nothing")

    def link(self, key: str, url: str, title: str, global_id: str) -> None:
        """Put a link on the ticket; the same *global_id* again replaces it."""
        body = json.dumps({"globalId": global_id, "object": {"url": url, "title": title}})
        with translated(f"link {key} to {url}"):
            _ = self._post(f"issue/{_path(key)}/remotelink", body)["id"]

    def set_property(self, key: str, name: str, value: Any) -> None:
        """Store JSON on the ticket, readable by everybody who can see it; the same *name* again replaces it."""
        with translated(f"set the property {name} of {key}"):
            self._client.add_issue_property(_path(key), _path(name), value)

    def _labelled(self, project: str, label: str, fields: str) -> Iterable[Any]:
        query = f"project = {quote(project)} AND labels = {quote(label)} ORDER BY created ASC, key ASC"
        return cast("Iterable[Any]", self._client.search_issues(query, maxResults=0, fields=fields))

    def _transitions(self, key: str) -> tuple[_Transition, ...]:
        raw = self._client.transitions(_path(key), expand="transitions.fields")
        return tuple(
            _Transition(str(each["id"]), str(each["to"]["name"]), frozenset(each.get("fields", ())))
            for each in raw
        )

    def _post(self, path: str, body: str) -> Any:
        """For what the package cannot send: properties at creation, and a link without asking for more."""
        return self._session.post(self._url(path), data=body).json()

    def _url(self, path: str) -> str:
        return f"{self._client.server_url}/rest/api/2/{path}"


def _choose(
    what: str, transitions: Sequence[_Transition], now: str, status: str, sent: Collection[str]
) -> _Transition:
    """The transition to *status*, of several one whose screen takes the fields we send."""
    fitting = [each for each in transitions if _same(each.target, status)]
    if not fitting:
        reachable = ", ".join(sorted({each.target for each in transitions})) or "no other status"
        raise Refused(PLATFORM, what, f"from {now} its workflow leads to: {reachable}")
    return next((each for each in fitting if each.fields.issuperset(sent)), fitting[0])


def _refuse_a_page(response: requests.Response, **_: Any) -> None:
    """A login page or a proxy's page with status 200 is no answer of JIRA, even where we need no body."""
    if response.ok and "html" in response.headers.get("Content-Type", ""):
        response.close()
        raise ValueError("a page came instead of JSON")


def _issue(raw: Mapping[str, Any]) -> Issue:
    fields = raw["fields"]
    status, resolution = fields["status"], fields["resolution"]
    return Issue(
        key=str(raw["key"]),
        status=str(status["name"]),
        status_category=str(status["statusCategory"]["key"]),
        resolution=str(resolution["name"]) if resolution else None,
        labels=tuple(str(label) for label in fields["labels"]),
    )


def _comment(raw: Mapping[str, Any]) -> Comment:
    created = datetime.fromisoformat(str(raw["created"])).astimezone(UTC)
    return Comment(str(raw["id"]), str(raw["body"]), created)


def _is_move(change: Mapping[str, Any]) -> bool:
    return any(item["field"] == "status" for item in change["items"])


def _closing(change: Mapping[str, Any]) -> Closing:
    """An account that was deleted has no author: it is nobody."""
    author = change.get("author") or {}
    by = str(author.get("accountId") or author.get("name") or "")
    return Closing(str(change["id"]), by, datetime.fromisoformat(str(change["created"])).astimezone(UTC))


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _path(part: str) -> str:
    """One segment of an address, whatever is in it."""
    return url_quote(part, safe="")
