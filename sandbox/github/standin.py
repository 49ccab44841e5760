"""GitHub on one machine: the calls that the product makes, over a real bare repository, and runs by act.

Small and strict: what the product does not ask for is refused, and nothing here is richer than GitHub.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.faults import Faults, FaultyApp
from sandbox.github.accounts import Accounts, Token
from sandbox.github.answers import Answers
from sandbox.github.checks import CheckRuns
from sandbox.github.execution import Executor, Runner
from sandbox.github.graphql import Mutations
from sandbox.github.page import Pages
from sandbox.github.pull_answers import PullAnswers
from sandbox.github.pull_page import PullPages
from sandbox.github.pulls import Pull, Pulls, Review
from sandbox.github.repository import Repository
from sandbox.github.rest import Refusal, authenticate, routes, unsupported
from sandbox.github.rest_actions import ActionsCalls
from sandbox.github.rest_git import GitCalls
from sandbox.github.rest_pulls import PullCalls
from sandbox.github.runs import Run, RunQueue
from sandbox.github.triggers import Triggers
from sandbox.serving import PATIENCE


class GitHubStandIn:
    """Serve `app`, then tell the address by `serve_at`; `close` stops every run and its processes."""

    def __init__(
        self,
        *,
        bare: Path,
        repository: str,
        tokens: Mapping[str, Token],
        runner: Runner,
        workdir: Path,
        processes: int = 2,
    ) -> None:
        self.faults = Faults()
        self._name = repository
        self._url: str | None = None
        self._accounts = Accounts(tokens)
        self._git = Repository(bare)
        executor = Executor(self._git, repository, self._accounts, runner, workdir, self._address)
        self._queue = RunQueue(executor, limit=processes)
        self._triggers = Triggers(self._git, repository, runner.variables, self._queue, self._address)
        self._pulls = Pulls(self._git, repository.partition("/")[0])
        self._mutations = Mutations(self._git, repository, self._address, self._pushed)
        self.app = FaultyApp(self._starlette(), self.faults)

    # -- for whoever runs the sandbox --------------------------------------------------------------------

    def serve_at(self, url: str) -> None:
        """The address under which `app` is reached: answers and jobs carry it."""
        self._url = url.rstrip("/")

    @property
    def url(self) -> str:
        return self._address()

    @property
    def runs(self) -> list[Run]:
        return self._queue.runs()

    def wait_idle(self, timeout: float = PATIENCE) -> None:
        """Until all runs have completed; raises TimeoutError naming the others."""
        self._queue.wait_idle(timeout)

    def tick_schedule(self, file: str) -> Run:
        """The clock of a scheduled workflow strikes, on the head of the default branch."""
        return self._triggers.tick(file)

    def notify_push(self, before: str, after: str, actor: str, *, branch: str | None = None) -> list[Run]:
        """Somebody has pushed to the bare repository past the API, by default to the default branch.

        A *branch* `owner:name` is one of a fork, `refs/forks/owner/name`; its pushes start nothing here but the
        runs of its pull requests. Of a new branch, *before* is where it left its base.
        """
        owner, _, name = (branch or self._git.default_branch).rpartition(":")
        if owner:
            return self._followed(f"refs/forks/{owner}/{name}", actor)
        runs = self._triggers.push(before, after, name, actor)
        return runs + self._followed(f"refs/heads/{name}", actor)

    def cancel(self, run_id: int) -> None:
        """What the button on the run's page does at GitHub."""
        self._queue.cancel(run_id)

    def close(self) -> None:
        """Stop every run and return when none of their processes lives."""
        self._queue.close()

    # -- inside ------------------------------------------------------------------------------------------

    def _address(self) -> str:
        if self._url is None:
            raise RuntimeError("tell the stand-in its address first: serve_at(url)")
        return self._url

    def _answers(self) -> Answers:
        return Answers(self._address(), self._name)

    def _pushed(self, before: str, after: str, branch: str, token: Token) -> None:
        """GitHub's rule against loops: what a job's own token commits starts no workflow."""
        if token.of_a_job:
            self._pulls.follow(f"refs/heads/{branch}")
        else:
            self.notify_push(before, after, token.login, branch=branch)

    def _opened(self, pull: Pull, token: Token) -> None:
        self._triggers.pull_request("opened", pull, self._pull_answers().brief(pull), token.login)

    def _reviewed(self, pull: Pull, review: Review, token: Token) -> None:
        if not token.of_a_job:
            shown = self._pull_answers()
            self._triggers.reviewed(pull, shown.brief(pull), shown.review(pull.number, review), token.login)

    def _followed(self, ref: str, actor: str) -> list[Run]:
        """The runs of the pull requests whose branch has moved."""
        shown = self._pull_answers()
        return [
            run
            for pull in self._pulls.follow(ref)
            for run in self._triggers.pull_request("synchronize", pull, shown.brief(pull), actor)
        ]

    def _pull_answers(self) -> PullAnswers:
        return PullAnswers(self._address(), self._name)

    def _starlette(self) -> Starlette:
        git = GitCalls(self._git, CheckRuns(), self._answers)
        actions = ActionsCalls(self._git, self._triggers, self._queue, self._answers)
        pulls = PullCalls(self._git, self._pulls, self._pull_answers, self._opened, self._reviewed, self._pushed)
        endpoints = [*pulls.endpoints(), *git.endpoints(), *actions.endpoints()]
        pull_pages = PullPages(
            self._git,
            self._name,
            self._pulls,
            self._queue,
            self._accounts.reviewers,
            followed=self._followed,
            merged=self._pushed,
            opened=self._opened,
            reviewed=self._reviewed,
        )
        everything = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
        return Starlette(
            routes=[
                *routes(endpoints, self._accounts, f"/repos/{self._name}"),
                Route("/rate_limit", self._rate_limit),
                Route("/graphql", self._graphql, methods=["POST"]),
                Route("/repos/{rest:path}", self._elsewhere, methods=everything),
                *Pages(self._git, self._name, self._queue).routes(),
                *pull_pages.routes(),
                Route("/{rest:path}", unsupported, methods=everything),
            ]
        )

    def _elsewhere(self, request: Request) -> Response:
        """Another repository does not exist; another call on this one is not supported."""
        own = f"/repos/{self._name}".casefold()
        if request.url.path.casefold() == own or request.url.path.casefold().startswith(f"{own}/"):
            return unsupported(request)
        return JSONResponse({"message": "Not Found"}, status_code=404)

    def _rate_limit(self, _request: Request) -> Response:
        core = {"limit": 5000, "remaining": 5000, "used": 0, "reset": int(time.time()) + 3600}
        return JSONResponse({"resources": {"core": core, "search": core, "graphql": core}, "rate": core})

    async def _graphql(self, request: Request) -> Response:
        try:
            token = authenticate(request, self._accounts)
            body = await request.json()
        except Refusal as refusal:
            return JSONResponse({"message": str(refusal)}, status_code=refusal.status)
        except ValueError:
            return JSONResponse({"message": "Problems parsing JSON"}, status_code=400)
        return JSONResponse(await run_in_threadpool(self._mutations.answer, body, token))
