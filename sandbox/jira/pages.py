"""The pages a person looks at: a list of issues with a JQL box, and one ticket with its whole story.

Pages only show. Everything that came from outside is escaped before it becomes HTML.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.jira.issues import Change, Comment, Issue, RemoteLink
from sandbox.jira.project import Project, readable
from sandbox.jira.refusals import JiraRefusal
from sandbox.jira.search import Search
from sandbox.jira.wiki import as_html

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #172b4d; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
a { color: #0052cc; text-decoration: none }
h1 { font-size: 1.5rem; margin: .2rem 0 1rem }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #dfe1e6 }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .3rem .8rem .3rem 0; vertical-align: top }
th { color: #5e6c84; font-weight: 500; white-space: nowrap; width: 1% }
.status { padding: .1rem .5rem; border-radius: 3px; font-size: .8rem; font-weight: 600; text-transform: uppercase }
.new { background: #dfe1e6 }
.indeterminate { background: #deebff; color: #0747a6 }
.done { background: #e3fcef; color: #006644 }
.label { background: #f4f5f7; border-radius: 3px; padding: .1rem .4rem; margin-right: .3rem }
.text { overflow-wrap: anywhere }
.quiet { color: #5e6c84 }
.wrong { color: #bf2600 }
article { border-left: 3px solid #dfe1e6; padding-left: .8rem; margin: 1rem 0 }
article p, .text p { margin: .2rem 0 }
input { font: 14px ui-monospace, monospace; width: 80%; padding: .4rem }
button { padding: .4rem 1rem }
"""


class Pages:
    """`/` and `/browse/<key>`, open to everybody on this machine."""

    def __init__(self, project: Project, search: Search) -> None:
        self._project = project
        self._search = search

    def routes(self) -> list[Route]:
        return [Route("/", self._list, methods=["GET"]), Route("/browse/{key}", self._ticket, methods=["GET"])]

    async def _list(self, request: Request) -> Response:
        jql = request.query_params.get("jql", f"project = {self._project.site.project} ORDER BY created DESC")
        problem, found = "", list[Issue]()
        try:
            found = self._search.find(jql)
        except JiraRefusal as refusal:
            problem = f"<p class=wrong>{escape(' '.join(refusal.messages))}</p>"
        rows = "".join(self._row(issue) for issue in found)
        body = (
            f"<h1>{escape(self._project.site.project)}: issues</h1>"
            f'<form><input name=jql aria-label=JQL value="{escape(jql)}"> <button>Search</button></form>{problem}'
            f"<p class=quiet>{len(found)} found</p><table>{rows}</table>"
        )
        return _page("Issues", body, 400 if problem else 200)

    def _row(self, issue: Issue) -> str:
        key = escape(issue.key)
        return (
            f'<tr><th><a href="/browse/{key}">{key}</a></th><td>{escape(issue.summary)}</td>'
            f"<td>{self._status(issue)}</td><td class=quiet>{_time(issue.created)}</td></tr>"
        )

    async def _ticket(self, request: Request) -> Response:
        try:
            issue = self._project.get(request.path_params["key"])
        except JiraRefusal as refusal:
            return _page("Not found", f"<p class=wrong>{escape(refusal.messages[0])}</p>", refusal.status)
        body = (
            f"<a href='/'>{escape(self._project.site.project)}</a> / {escape(issue.key)}"
            f"<h1>{escape(issue.summary)}</h1>{self._facts(issue)}"
            f"<h2>Description</h2><div class=text>{as_html(issue.description)}</div>"
            f"{_section('Links', (_link(link) for link in issue.links))}"
            f"{_section('Comments', (self._comment(comment) for comment in issue.comments))}"
            f"{_section('History', (self._change(change) for change in issue.changelog))}"
        )
        return _page(f"{issue.key} {issue.summary}", body)

    def _facts(self, issue: Issue) -> str:
        labels = "".join(f"<span class=label>{escape(label)}</span>" for label in issue.labels)
        facts = {
            "Status": self._status(issue),
            "Resolution": escape(issue.resolution or "Unresolved"),
            "Type": escape(issue.type),
            "Labels": labels or "None",
            "Reporter": self._name(issue.reporter),
            "Assignee": self._name(issue.assignee) if issue.assignee else "Unassigned",
            "Created": _time(issue.created),
            "Resolved": _time(issue.resolved) if issue.resolved else "",
        }
        facts |= {escape(name): escape(readable(value)) for name, value in issue.fields.items()}
        return (
            "<table>" + "".join(f"<tr><th>{k}</th><td>{v}</td></tr>" for k, v in facts.items() if v) + "</table>"
        )

    def _status(self, issue: Issue) -> str:
        category = self._project.category(issue).value
        return f"<span class='status {category}'>{escape(issue.status)}</span>"

    def _name(self, name: str) -> str:
        user = self._project.site.user(name)
        return escape(user.display if user else name)

    def _comment(self, comment: Comment) -> str:
        head = f"<b>{self._name(comment.author)}</b> <span class=quiet>{_time(comment.created)}</span>"
        body = f"<div class=text>{as_html(comment.body)}</div>"
        return f"<article id='comment-{escape(comment.id)}'>{head}{body}</article>"

    def _change(self, change: Change) -> str:
        items = "<br>".join(
            f"{escape(item.field)}: {escape(item.before) or 'none'} → {escape(item.after) or 'none'}"
            for item in change.items
        )
        return f"<p>{self._name(change.author)} <span class=quiet>{_time(change.created)}</span><br>{items}</p>"


def _section(title: str, parts: Iterable[str]) -> str:
    inside = "".join(parts)
    return f"<h2>{title}</h2>{inside}" if inside else ""


def _link(link: RemoteLink) -> str:
    if not link.url.startswith(("https://", "http://")):
        return f"<p>{escape(link.title)} ({escape(link.url)})</p>"
    return f'<p><a href="{escape(link.url)}" rel=noreferrer>{escape(link.title)}</a></p>'


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    head = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    return HTMLResponse(f"{head}<body>{body}</body></html>", status_code=status)
