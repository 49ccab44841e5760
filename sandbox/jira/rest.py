"""The REST v2 endpoints, each a few lines between a request and the project's rules.

Whatever is not routed here is a 404, and a method that is not listed a 405: nothing is pretended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.jira.incoming import (
    authenticated,
    json_body,
    json_object,
    listed,
    members,
    parameters,
    whole_number,
)
from sandbox.jira.project import Project
from sandbox.jira.refusals import JiraRefusal
from sandbox.jira.search import REMOVED, Search, field_ids
from sandbox.jira.site import JiraUser
from sandbox.jira.wire import Wire

Handler = Callable[[Request, JiraUser], Awaitable[Response]]
_ROOT = "/rest/api/2"
_CLASSIC = ("jql", "startAt", "maxResults", "validateQuery", "fields")
_ENHANCED = ("jql", "nextPageToken", "maxResults", "fields", "reconcileIssues")


class Rest:
    """Handlers over one project."""

    def __init__(self, project: Project, search: Search) -> None:
        self._project = project
        self._search = search
        self._site = project.site

    def routes(self) -> list[Route]:
        issue = f"{_ROOT}/issue/{{key}}"
        search: list[tuple[str, str, Handler]]
        if self._site.is_cloud:
            search = [
                ("GET", f"{_ROOT}/search", self._gone),
                ("POST", f"{_ROOT}/search", self._gone),
                ("GET", f"{_ROOT}/search/jql", self._enhanced),
                ("POST", f"{_ROOT}/search/jql", self._enhanced),
            ]
        else:
            search = [("GET", f"{_ROOT}/search", self._classic), ("POST", f"{_ROOT}/search", self._classic)]
        table: list[tuple[str, str, Handler]] = [
            ("GET", f"{_ROOT}/myself", self._myself),
            ("GET", f"{_ROOT}/field", self._fields),
            ("GET", f"{_ROOT}/user/search", self._users),
            ("GET", f"{_ROOT}/project/{{key}}", self._project_details),
            ("POST", f"{_ROOT}/issue", self._create),
            ("GET", issue, self._issue),
            ("PUT", issue, self._edit),
            ("GET", f"{issue}/comment", self._comments),
            ("POST", f"{issue}/comment", self._add_comment),
            ("GET", f"{issue}/transitions", self._transitions),
            ("POST", f"{issue}/transitions", self._transition),
            ("GET", f"{issue}/properties", self._property_keys),
            ("GET", f"{issue}/properties/{{name}}", self._property),
            ("PUT", f"{issue}/properties/{{name}}", self._set_property),
            ("GET", f"{issue}/remotelink", self._links),
            ("POST", f"{issue}/remotelink", self._link),
        ]
        server_info = Route(f"{_ROOT}/serverInfo", self._server_info, methods=["GET"])
        return [server_info, *(self._route(*row) for row in table + search)]

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        async def serve(request: Request) -> Response:
            try:
                return await handler(request, authenticated(self._site, request))
            except JiraRefusal as refusal:
                return refusal.response()

        return Route(path, serve, methods=[method])

    def _wire(self, request: Request) -> Wire:
        return Wire(self._project, str(request.base_url).rstrip("/"))

    async def _server_info(self, request: Request) -> Response:
        """Open to everybody, as in JIRA."""
        base = str(request.base_url).rstrip("/")
        version = [1001, 0, 0] if self._site.is_cloud else [9, 12, 0]
        info = {"baseUrl": base, "version": ".".join(map(str, version)), "versionNumbers": version}
        return JSONResponse(info | {"deploymentType": self._site.deployment, "serverTitle": "Sandbox JIRA"})

    async def _myself(self, request: Request, user: JiraUser) -> Response:
        parameters(request)
        return JSONResponse(self._wire(request).user(user))

    async def _fields(self, request: Request, _user: JiraUser) -> Response:
        parameters(request)
        return JSONResponse(self._wire(request).fields())

    async def _users(self, request: Request, _user: JiraUser) -> Response:
        name = "query" if self._site.is_cloud else "username"
        asked = parameters(request, name, "startAt", "maxResults", "includeActive", "includeInactive")
        if not (text := asked.get(name, "").casefold()):
            raise JiraRefusal(400, errors={name: f"The {name} query parameter was not provided"})
        inactive = asked.get("includeInactive", "false").lower() == "true"
        found = [
            self._wire(request).user(user)
            for user in self._site.users
            if (user.active or inactive)
            and any(text in each.casefold() for each in (user.name, user.email, user.display))
        ]
        start = whole_number(asked.get("startAt"), "startAt", 0)
        return JSONResponse(found[start : start + whole_number(asked.get("maxResults"), "maxResults", 50)])

    async def _project_details(self, request: Request, _user: JiraUser) -> Response:
        parameters(request)
        if request.path_params["key"] != self._site.project:
            raise JiraRefusal(404, f"No project could be found with key '{request.path_params['key']}'.")
        return JSONResponse(self._wire(request).project_details())

    async def _create(self, request: Request, user: JiraUser) -> Response:
        parameters(request)
        body = await json_object(request, "fields", "properties")
        return JSONResponse(self._wire(request).created(self._project.create(user, body)), status_code=201)

    async def _issue(self, request: Request, _user: JiraUser) -> Response:
        asked = parameters(request, "fields", "expand", "properties")
        issue = self._project.get(request.path_params["key"])
        expand = _expand(asked.get("expand"), "changelog")
        names = listed(asked.get("properties"))
        properties = list(issue.properties) if "*all" in names else names
        fields = field_ids(self._site, listed(asked.get("fields")) or ["*all"])
        shown = self._wire(request).issue(issue, fields, changelog="changelog" in expand, properties=properties)
        return JSONResponse(shown)

    async def _edit(self, request: Request, user: JiraUser) -> Response:
        parameters(request)
        body = await json_object(request, "fields", "update")
        self._project.edit(user, request.path_params["key"], body)
        return Response(status_code=204)

    async def _comments(self, request: Request, _user: JiraUser) -> Response:
        asked = parameters(request, "startAt", "maxResults", "orderBy", "expand")
        issue = self._project.get(request.path_params["key"])
        expand = _expand(asked.get("expand"), "properties")
        order = asked.get("orderBy", "created")
        if order.lstrip("+-") != "created":
            raise JiraRefusal(400, f"Comments cannot be ordered by '{order}'.")
        comments = issue.comments[::-1] if order.startswith("-") else issue.comments
        start = whole_number(asked.get("startAt"), "startAt", 0)
        size = min(whole_number(asked.get("maxResults"), "maxResults", 100), 100)
        wire = self._wire(request)
        shown = [
            wire.comment(issue, each) | ({"properties": _pairs(each.properties)} if expand else {})
            for each in comments[start : start + size]
        ]
        page = {"startAt": start, "maxResults": size, "total": len(comments), "comments": shown}
        return JSONResponse(page)

    async def _add_comment(self, request: Request, user: JiraUser) -> Response:
        parameters(request)
        key = request.path_params["key"]
        body = await json_object(request, "body", "properties")
        comment = self._project.comment(user, key, body.get("body"), body.get("properties", []))
        return JSONResponse(self._wire(request).comment(self._project.get(key), comment), status_code=201)

    async def _transitions(self, request: Request, _user: JiraUser) -> Response:
        asked = parameters(request, "expand", "transitionId")
        expand = _expand(asked.get("expand"), "transitions.fields")
        issue = self._project.get(request.path_params["key"])
        shown = [
            self._wire(request).transition(each, fields=bool(expand))
            for each in self._site.workflow.leaving(issue.status)
            if asked.get("transitionId", each.id) == each.id
        ]
        return JSONResponse({"expand": "transitions", "transitions": shown})

    async def _transition(self, request: Request, user: JiraUser) -> Response:
        parameters(request)
        body = await json_object(request, "transition", "fields", "update")
        self._project.transition(user, request.path_params["key"], body)
        return Response(status_code=204)

    async def _property_keys(self, request: Request, _user: JiraUser) -> Response:
        parameters(request)
        issue = self._project.get(request.path_params["key"])
        return JSONResponse(
            {"keys": [{"self": f"{request.url}/{name}", "key": name} for name in issue.properties]}
        )

    async def _property(self, request: Request, _user: JiraUser) -> Response:
        parameters(request)
        issue, name = self._project.get(request.path_params["key"]), request.path_params["name"]
        if name not in issue.properties:
            raise JiraRefusal(404, f"The property {name} does not exist.")
        return JSONResponse({"key": name, "value": issue.properties[name]})

    async def _set_property(self, request: Request, _user: JiraUser) -> Response:
        parameters(request)
        value = await json_body(request)
        new = self._project.set_property(request.path_params["key"], request.path_params["name"], value)
        return Response(status_code=201 if new else 200)

    async def _links(self, request: Request, _user: JiraUser) -> Response:
        asked = parameters(request, "globalId")
        issue = self._project.get(request.path_params["key"])
        wanted = asked.get("globalId")
        shown = [self._wire(request).link(issue, link) for link in issue.links if wanted in (None, link.global_id)]
        return JSONResponse(shown)

    async def _link(self, request: Request, _user: JiraUser) -> Response:
        parameters(request)
        body = await json_object(request, "globalId", "object")
        target = members(body.get("object", {}), "url", "title")
        if missing := {name: f"'{name}' is required." for name in ("url", "title") if not target.get(name)}:
            raise JiraRefusal(400, errors=missing)
        key, global_id = request.path_params["key"], body.get("globalId")
        link, new = self._project.link(key, str(target["url"]), str(target["title"]), global_id)
        shown = self._wire(request).link(self._project.get(key), link)
        return JSONResponse({"id": link.id, "self": shown["self"]}, status_code=201 if new else 200)

    async def _classic(self, request: Request, _user: JiraUser) -> Response:
        return JSONResponse(self._search.classic(self._wire(request), await _asked(request, _CLASSIC)))

    async def _enhanced(self, request: Request, _user: JiraUser) -> Response:
        return JSONResponse(self._search.enhanced(self._wire(request), await _asked(request, _ENHANCED)))

    async def _gone(self, _request: Request, _user: JiraUser) -> Response:
        raise JiraRefusal(410, REMOVED)


async def _asked(request: Request, allowed: tuple[str, ...]) -> Any:
    """A search's parameters, from the query or from the body; absent and null are the same."""
    if request.method == "GET":
        return parameters(request, *allowed)
    body = await json_object(request, *allowed, "expand", "properties")
    return {name: value for name, value in body.items() if value is not None}


def _expand(text: str | None, *allowed: str) -> list[str]:
    asked = listed(text)
    for name in asked:
        if name not in allowed:
            raise JiraRefusal(400, f"This stand-in cannot expand '{name}' here.")
    return asked


def _pairs(properties: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in properties.items()]
