"""The pages of pull requests, for a visitor: what is asked, what was said, and buttons to approve and to merge.

A button does what a person's call would do, and nothing more; what people typed is shown as Markdown without HTML.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from urllib.parse import parse_qs

from markdown_it import MarkdownIt
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.github.accounts import Token
from sandbox.github.merging import METHODS
from sandbox.github.page import missing, page, pre, state
from sandbox.github.pulls import Pull, Pulls, Review
from sandbox.github.repository import Repository
from sandbox.github.rest import Refusal
from sandbox.github.runs import RunQueue

_HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
_RUNS = 20
People = Callable[[], Mapping[str, Token]]  # by login, those who may review


class PullPages:
    """`followed` is told to look whether a branch was pushed past the API; `merged` of a push to the base."""

    def __init__(
        self,
        repository: Repository,
        name: str,
        pulls: Pulls,
        queue: RunQueue,
        people: People,
        *,
        followed: Callable[[str, str], object],
        merged: Callable[[str, str, str, Token], object],
        opened: Callable[[Pull, Token], object],
        reviewed: Callable[[Pull, Review, Token], object],
    ) -> None:
        self._repository = repository
        self._here = f"/{name}"
        self._pulls = pulls
        self._queue = queue
        self._people = people
        self._followed = followed
        self._merged = merged
        self._opened = opened
        self._reviewed = reviewed

    def routes(self) -> list[Route]:
        one = f"{self._here}/pull/{{number:int}}"
        return [
            Route(self._here, self.overview),
            Route(f"{self._here}/pulls", self._acting(self._open), methods=["POST"]),
            Route(one, self.pull),
            Route(f"{one}/approve", self._acting(self._approve), methods=["POST"]),
            Route(f"{one}/refuse", self._acting(self._refuse), methods=["POST"]),
            Route(f"{one}/close", self._acting(self._close), methods=["POST"]),
            Route(f"{one}/merge", self._acting(self._merge), methods=["POST"]),
            Route(f"{one}/look", self._acting(self._look), methods=["POST"]),
        ]

    # -- looks -------------------------------------------------------------------------------------------

    def overview(self, _request: Request) -> Response:
        pulls = "".join(f"<li>{self._title(pull)}</li>" for pull in reversed(self._pulls.all()))
        asked = {pull.branch for pull in self._pulls.all() if pull.is_open and not pull.is_fork}
        fresh = [name for name in self._repository.branches() if name not in {*asked, "main"}]
        runs = "".join(
            f'<li>{state(run.conclusion or run.status)} <a href="{self._here}/actions/runs/{run.id}">'
            f"{escape(run.workflow_name)}: {escape(run.name)}</a></li>"
            for run in reversed(self._queue.runs()[-_RUNS:])
        )
        branches = "".join(self._form("pulls", "Open a pull request", {"branch": name}, name) for name in fresh)
        hint = f"<p>Push a branch to {escape(str(self._repository.bare))} to see it here.</p>"
        return page(
            self._here.strip("/"),
            f"<h2>Pull requests</h2><ul>{pulls}</ul>{branches or hint}<h2>Runs</h2><ul>{runs}</ul>",
        )

    def pull(self, request: Request) -> Response:
        try:
            pull = self._pulls.get(request.path_params["number"])
        except Refusal:
            return missing()
        return page(f"{pull.title} #{pull.number}", self._body(pull))

    def _title(self, pull: Pull) -> str:
        link = f'<a href="{self._here}/pull/{pull.number}">#{pull.number} {escape(pull.title)}</a>'
        return f"{_state(pull)} {link} by {escape(pull.author.login)}"

    def _body(self, pull: Pull) -> str:
        commit = f'<a href="{self._here}/commit/{pull.head}">{pull.head[:7]}</a>'
        parts = [
            f"<p>{_state(pull)} {escape(pull.author.login)} asks to bring {escape(pull.owner)}:"
            f"{escape(pull.branch)} at {commit} to {escape(pull.base)}</p>",
            rendered(pull.body),
        ]
        said = [
            (one.at, f"{one.state.lower()} {one.commit[:7]}", one.author.login, one.body) for one in pull.reviews
        ]
        said += [(one.created_at, "comment", one.author.login, one.body) for one in pull.comments]
        for at, what, who, body in sorted(said, key=lambda one: one[0]):
            head = f"<b>{escape(who)}</b> {state(what)} {at:%H:%M:%S} UTC"
            parts.append(f"<article><p>{head}</p>{rendered(body)}</article>")
        runs = [run for run in self._queue.runs() if run.event == "pull_request" and run.head_sha == pull.head]
        parts += [
            f'<p>{state(run.conclusion or run.status)} <a href="{self._here}/actions/runs/{run.id}">'
            f"{escape(run.workflow_name)}</a></p>"
            for run in runs
        ]
        if pull.is_open:
            parts += [self._form(f"pull/{pull.number}/{name}", label, {}) for name, label in _BUTTONS]
        start = self._repository.merge_base(pull.base_sha, pull.head)
        if start:
            parts.append(f"<h2>Changes</h2>{pre(self._repository.difference(start, pull.head))}")
        return "".join(parts)

    def _form(self, action: str, label: str, hidden: Mapping[str, str], note: str = "") -> str:
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value, quote=True)}">'
            for name, value in hidden.items()
        )
        who = "".join(f"<option>{escape(login)}</option>" for login in self._people())
        ways = "".join(f"<option>{way}</option>" for way in METHODS) if action.endswith("merge") else ""
        way = f' by <select name="method">{ways}</select>' if ways else ""
        return (
            f'<form method="post" action="{self._here}/{action}">{fields}{escape(note)} as '
            f'<select name="as">{who}</select>{way} <button>{label}</button></form>'
        )

    # -- buttons -----------------------------------------------------------------------------------------

    def _acting(
        self, act: Callable[[int, Token, Mapping[str, str]], int]
    ) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that does `act` as the chosen person and shows the pull request, or why not."""

        async def endpoint(request: Request) -> Response:
            raw = parse_qs((await request.body()).decode())
            fields = {name: values[-1] for name, values in raw.items()}
            token = self._people().get(fields.get("as", ""))
            if token is None:
                return page("Not done", "<p>Choose a person.</p>", status=422)
            try:
                number = await run_in_threadpool(act, request.path_params.get("number", 0), token, fields)
            except Refusal as refusal:
                return page("Not done", pre(str(refusal.body)), status=refusal.status)
            return RedirectResponse(f"{self._here}/pull/{number}", status_code=303)

        return endpoint

    def _open(self, _number: int, token: Token, fields: Mapping[str, str]) -> int:
        branch = fields.get("branch", "")
        sha = self._repository.head(branch)
        title = self._repository.commit(sha).headline if sha else branch
        pull = self._pulls.open(title, "", branch, self._repository.default_branch, token)
        self._opened(pull, token)
        return pull.number

    def _approve(self, number: int, token: Token, _fields: Mapping[str, str]) -> int:
        return self._review(number, "APPROVE", "", token)

    def _refuse(self, number: int, token: Token, _fields: Mapping[str, str]) -> int:
        return self._review(number, "REQUEST_CHANGES", "No.", token)

    def _review(self, number: int, event: str, body: str, token: Token) -> int:
        review = self._pulls.review(number, event, body, None, token)
        self._reviewed(self._pulls.get(number), review, token)
        return number

    def _close(self, number: int, _token: Token, _fields: Mapping[str, str]) -> int:
        return self._pulls.edit(number, None, None, close=True).number

    def _merge(self, number: int, token: Token, fields: Mapping[str, str]) -> int:
        merge = self._pulls.merge(number, fields.get("method", "merge"), None, ("", ""), token)
        self._merged(merge.before, merge.after, self._pulls.get(number).base, token)
        return number

    def _look(self, number: int, token: Token, _fields: Mapping[str, str]) -> int:
        self._followed(self._pulls.get(number).ref, token.login)
        return number


_BUTTONS = (
    ("approve", "Approve"),
    ("refuse", "Request changes"),
    ("merge", "Merge"),
    ("close", "Close"),
    ("look", "I have pushed"),
)


def rendered(text: str) -> str:
    """Markdown as GitHub shows a comment: tables, line breaks, no hidden comments, and no HTML of anybody's."""
    return str(_MARKDOWN.render(_HIDDEN.sub("", text)))


def _state(pull: Pull) -> str:
    return state("open" if pull.is_open else "merged" if pull.merge else "closed")
