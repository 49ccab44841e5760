"""The HTML pages behind the links that people get: a run, a file, a commit. Read-only, and text is only text."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.github.repository import Repository
from sandbox.github.runs import Run, RunQueue
from sandbox.github.transcript import JobResult

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
pre { background: #f6f8fa; border-radius: 6px; overflow-x: auto; padding: 1rem; white-space: pre-wrap; }
.state { border-radius: 1rem; font-size: .8em; padding: .1rem .7rem; background: #ddd; }
.success, .merged { background: #aceebb; } .failure { background: #ffcecb; } .in_progress { background: #fae17d; }
table { border-collapse: collapse; } td, th { border: 1px solid #ddd; padding: .2rem .6rem; }
article { border: 1px solid #ddd; border-radius: 6px; margin: 1rem 0; padding: 0 1rem; }
form { margin: .5rem 0; }
footer { color: #666; font-size: .8em; }
"""


class Pages:
    def __init__(self, repository: Repository, name: str, queue: RunQueue) -> None:
        self._repository = repository
        self._name = name
        self._queue = queue

    def routes(self) -> list[Route]:
        here = f"/{self._name}"
        return [
            Route(f"{here}/actions/runs/{{run:int}}", self.run),
            Route(f"{here}/commit/{{sha}}", self.commit),
            Route(f"{here}/blob/{{place:path}}", self.file),
        ]

    def run(self, request: Request) -> Response:
        run = self._queue.run(request.path_params["run"])
        if run is None:
            return missing()
        refresh = run.status != "completed"
        return page(run.name, _run_body(run, f"/{self._name}"), refresh=refresh)

    def commit(self, request: Request) -> Response:
        sha = self._repository.resolve(request.path_params["sha"])
        return missing() if sha is None else page(f"Commit {sha[:7]}", pre(self._repository.patch(sha)))

    def file(self, request: Request) -> Response:
        """`ref/path`, where the ref may hold slashes: the shortest ref that exists wins."""
        parts = request.path_params["place"].split("/")
        for cut in range(1, len(parts)):
            sha = self._repository.resolve("/".join(parts[:cut]))
            content = self._repository.file(sha, "/".join(parts[cut:])) if sha else None
            if content is not None:
                return page("/".join(parts[cut:]), pre(content.decode(errors="replace")))
        return missing()


def _run_body(run: Run, repository: str) -> str:
    facts = [
        f"{escape(run.workflow_name)} #{run.number}",
        f"{escape(run.event)} by {escape(run.actor)}",
        f'<a href="{repository}/commit/{run.head_sha}">{run.head_sha[:7]}</a> on {escape(run.ref)}',
        f'<a href="{repository}/blob/{run.head_sha}/.github/workflows/{escape(run.workflow)}">workflow file</a>',
    ]
    parts = [f"<p>{state(run.conclusion or run.status)} {' · '.join(facts)}</p>"]
    if run.summary:
        parts.append(f"<h2>Summary</h2>{pre(run.summary)}")
    parts += [_job(job) for job in run.jobs]
    parts.append(f"<h2>Log</h2>{pre(run.log)}")
    return "".join(parts)


def _job(job: JobResult) -> str:
    steps = "".join(f"<li>{state(step.conclusion)} {escape(step.name)}</li>" for step in job.steps)
    verdict = state(job.conclusion or "in_progress")
    return f'<h2 id="{escape(job.id, quote=True)}">{escape(job.name)} {verdict}</h2><ol>{steps}</ol>'


def state(word: str) -> str:
    return f'<span class="state {escape(word, quote=True)}">{escape(word.replace("_", " "))}</span>'


def pre(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def page(title: str, body: str, *, refresh: bool = False, status: int = 200) -> Response:
    again = '<meta http-equiv="refresh" content="2">' if refresh else ""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}<title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}"
        "<footer>A local stand-in for GitHub.</footer></body></html>",
        status_code=status,
    )


def missing() -> Response:
    return page("Not found", "<p>There is nothing here.</p>", status=404)
