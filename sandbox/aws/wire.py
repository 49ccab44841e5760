"""The protocols: finds the operation and its parameters in a request, and frames answers and refusals.

Everything is read from botocore's service models. An operation or parameter that a stand-in does not serve is
refused aloud; nothing is dropped in silence.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.shapes import InvalidParameter, check, to_wire

Parameters = Mapping[str, Any]
Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One HTTP request, header names in lower case, the path decoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Operation:
    """What serves one operation, and the space-separated parameters that it honours."""

    serve: Callable[[Caller, Parameters], Result]
    accepts: str


@cache
def model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


class Protocol(ABC):
    """One service as it travels. Subclasses know where names and parameters stand in a request."""

    invalid = "ValidationException"

    def __init__(self, service: str) -> None:
        self.service = service
        self.model = model(service)

    @abstractmethod
    def operation(self, incoming: Incoming, served: Mapping[str, Operation]) -> str:
        """The name of the operation asked for; raises `AwsError` when nothing serves it."""

    @abstractmethod
    def raw_parameters(self, operation: OperationModel, incoming: Incoming) -> dict[str, Any]:
        """The parameters under their member names, not yet checked."""

    @abstractmethod
    def answer(self, operation: str, result: Result, request_id: str) -> Outgoing: ...

    @abstractmethod
    def refusal(self, error: AwsError, request_id: str) -> Outgoing: ...

    def parameters(self, name: str, incoming: Incoming, accepts: str) -> dict[str, Any]:
        """Checked parameters; raises `AwsError` for what the model or the stand-in does not take."""
        operation = self.model.operation_model(name)
        try:
            found = self.raw_parameters(operation, incoming)
            if operation.input_shape is not None:
                check(operation.input_shape, found)
        except InvalidParameter as problem:
            raise AwsError(self.invalid, str(problem)) from problem
        if extra := sorted(set(found) - set(accepts.split())):
            raise AwsError(self.invalid, f"the sandbox does not take {', '.join(extra)} in {name}")
        return found

    def unknown(self, what: str) -> AwsError:
        return AwsError("UnknownOperationException", f"the sandbox's {self.service} does not serve {what}")


class JsonProtocol(Protocol):
    """AWS JSON 1.1: the operation stands in X-Amz-Target."""

    def operation(self, incoming: Incoming, served: Mapping[str, Operation]) -> str:
        target = incoming.headers.get("x-amz-target", "")
        prefix, _, name = target.partition(".")
        if prefix != self.model.metadata["targetPrefix"] or name not in served:
            raise self.unknown(f"X-Amz-Target {target!r}")
        if (incoming.method, incoming.path) != ("POST", "/"):
            raise self.unknown(f"{incoming.method} {incoming.path}")
        return name

    def raw_parameters(self, operation: OperationModel, incoming: Incoming) -> dict[str, Any]:  # noqa: ARG002
        return _json_object(incoming.body)

    def answer(self, operation: str, result: Result, request_id: str) -> Outgoing:
        shape = self.model.operation_model(operation).output_shape
        return _json(200, to_wire(_there(shape), result), request_id, "application/x-amz-json-1.1")

    def refusal(self, error: AwsError, request_id: str) -> Outgoing:
        body = {"__type": error.code, "Message": error.message, **error.members}
        status = 404 if error.code == "UnknownOperationException" else 400
        return _json(status, body, request_id, "application/x-amz-json-1.1", error.headers)


class RestJsonProtocol(Protocol):
    """REST-JSON: the operation is a method and a path."""

    invalid = "BadRequestException"

    def operation(self, incoming: Incoming, served: Mapping[str, Operation]) -> str:
        for name in served:
            http = self.model.operation_model(name).http
            if http["method"] == incoming.method and _path_pattern(http["requestUri"]).fullmatch(incoming.path):
                return name
        raise self.unknown(f"{incoming.method} {incoming.path}")

    def raw_parameters(self, operation: OperationModel, incoming: Incoming) -> dict[str, Any]:
        matched = _path_pattern(operation.http["requestUri"]).fullmatch(incoming.path)
        found: dict[str, Any] = {}
        located: dict[tuple[str, str], str] = {}
        members = operation.input_shape.members if operation.input_shape else {}
        for name, shape in members.items():
            place = shape.serialization.get("location", "body")
            located[place, shape.serialization.get("name", name)] = name
        for key, value in matched.groupdict().items() if matched else ():
            found[located["uri", key]] = value
        for key, text in parse_qsl(incoming.query, keep_blank_values=True):
            name = _located(located, "querystring", key)
            if members[name].type_name == "list":
                found.setdefault(name, []).append(text)
            else:
                found[name] = _number(text, key) if members[name].type_name == "integer" else text
        for key, value in _json_object(incoming.body).items():
            found[_located(located, "body", key)] = value
        return found

    def answer(self, operation: str, result: Result, request_id: str) -> Outgoing:
        found = self.model.operation_model(operation)
        status = int(found.http.get("responseCode", 200))
        return _json(status, to_wire(_there(found.output_shape), result), request_id, "application/json")

    def refusal(self, error: AwsError, request_id: str) -> Outgoing:
        headers = {**error.headers, "x-amzn-ErrorType": error.code}
        return _json(self._status(error.code), {"message": error.message}, request_id, "application/json", headers)

    def _status(self, code: str) -> int:
        for shape in self.model.error_shapes:
            if shape.name == code:
                return int(shape.metadata["error"]["httpStatusCode"])
        return 404 if code == "UnknownOperationException" else 403


class QueryProtocol(Protocol):
    """AWS query: a form goes in, XML comes out."""

    invalid = "ValidationError"

    def operation(self, incoming: Incoming, served: Mapping[str, Operation]) -> str:
        name = dict(parse_qsl(incoming.body.decode())).get("Action", "")
        if name not in served:
            raise AwsError("InvalidAction", f"the sandbox's {self.service} does not serve {name!r}")
        return name

    def raw_parameters(self, operation: OperationModel, incoming: Incoming) -> dict[str, Any]:
        form = dict(parse_qsl(incoming.body.decode(), keep_blank_values=True))
        left = {name: text for name, text in form.items() if name not in {"Action", "Version"}}
        known: set[str] = set()
        found: dict[str, Any] = {}
        if operation.input_shape is not None:
            found = self._read(operation.input_shape, "", left, known)
        if extra := sorted(left.keys() - known):
            raise self._unknown_parameter(extra[0], operation)
        return found

    def _read(self, shape: Shape, name: str, form: Mapping[str, str], known: set[str]) -> Any:
        """Read the value of *shape* that the form has under *name*, and note the names that it took."""
        if isinstance(shape, StructureShape):
            members = {
                member: (inner, f"{name}.{self._member_name(member, inner)}".lstrip("."))
                for member, inner in shape.members.items()
            }
            there = {member: pair for member, pair in members.items() if _has(form, pair[1])}
            return {member: self._read(inner, key, form, known) for member, (inner, key) in there.items()}
        if isinstance(shape, ListShape):
            prefix, count = self._list_prefix(shape, name), 0
            known |= {name} & form.keys()  # an empty list travels as its bare name
            while _has(form, f"{prefix}.{count + 1}"):
                count += 1
            return [self._read(shape.member, f"{prefix}.{n}", form, known) for n in range(1, count + 1)]
        known.add(name)
        return self._scalar(shape, name, form[name])

    def _member_name(self, member: str, shape: Shape) -> str:
        return str(shape.serialization.get("name", member))

    def _list_prefix(self, shape: ListShape, name: str) -> str:
        return f"{name}.{shape.member.serialization.get('name', 'member')}"

    def _unknown_parameter(self, name: str, operation: OperationModel) -> InvalidParameter:
        shape = operation.input_shape.name if operation.input_shape else operation.name
        return InvalidParameter(f"{name} is not a member of {shape}")

    def _scalar(self, shape: Shape, name: str, text: str) -> Any:
        if shape.type_name in ("integer", "long"):
            return _number(text, name)
        return text == "true" if shape.type_name == "boolean" else text

    def answer(self, operation: str, result: Result, request_id: str) -> Outgoing:
        shape = _there(self.model.operation_model(operation).output_shape)
        body = f"<{operation}Result>{_shaped_xml(shape, result)}</{operation}Result>"
        meta = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        namespace = self.model.metadata["xmlNamespace"]
        whole = f'<{operation}Response xmlns="{namespace}">{body}{meta}</{operation}Response>'
        return _text(200, whole, request_id)

    def refusal(self, error: AwsError, request_id: str) -> Outgoing:
        code = _QUERY_CODES.get(error.code, error.code)
        fields = _xml({"Type": "Sender", "Code": code, "Message": error.message})
        status = 403 if code in {*_QUERY_CODES.values(), "AccessDenied"} else 400
        whole = f"<ErrorResponse><Error>{fields}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        return _text(status, whole, request_id)


def _has(form: Mapping[str, str], name: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for key in form)


_QUERY_CODES = {
    "UnrecognizedClientException": "InvalidClientTokenId",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
}


def _xml(fields: Mapping[str, Any]) -> str:
    return "".join(
        f"<{name}>{_xml(value) if isinstance(value, Mapping) else escape(str(value))}</{name}>"
        for name, value in fields.items()
    )


def _shaped_xml(shape: Shape, value: Any) -> str:
    """A value as XML under the names that travel; an unknown member is a mistake."""
    if isinstance(shape, StructureShape):
        members = ((shape.members[name], name, item) for name, item in value.items())
        return "".join(_element(member, name, item) for member, name, item in members)
    if isinstance(shape, ListShape):
        return "".join(_element(shape.member, "member", item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return escape(value.isoformat() if isinstance(value, datetime) else str(value))


def _element(shape: Shape, name: str, value: Any) -> str:
    tag = shape.serialization.get("name", name)
    return f"<{tag}>{_shaped_xml(shape, value)}</{tag}>"


def _text(status: int, body: str, request_id: str) -> Outgoing:
    return Outgoing(status, {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}, body.encode())


def _json(
    status: int, body: Any, request_id: str, kind: str, headers: Mapping[str, str] | None = None
) -> Outgoing:
    whole = {"Content-Type": kind, "x-amzn-RequestId": request_id, **(headers or {})}
    return Outgoing(status, whole, json.dumps(body).encode())


def _there(shape: Shape | None) -> Shape:
    if shape is None:
        raise LookupError("every operation served here has an answer's shape")
    return shape


def _json_object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        found = json.loads(body)
    except ValueError as problem:
        raise AwsError("SerializationException", "the body is not JSON") from problem
    if not isinstance(found, dict):
        raise AwsError("SerializationException", "the body is not a JSON object")
    return found


def _located(located: Mapping[tuple[str, str], str], place: str, key: str) -> str:
    if (place, key) not in located:
        raise InvalidParameter(f"{key} is not a parameter of this operation's {place}")
    return located[place, key]


def _number(text: str, key: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", text):
        raise InvalidParameter(f"{key} must be a whole number, not {text!r}")
    return int(text)


@cache
def _path_pattern(uri: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", uri))


def foreign_refusal(incoming: Incoming, error: AwsError, request_id: str) -> Outgoing:
    """A refusal for a service that has no protocol here, in the format that its client most likely reads."""
    headers = {"x-amzn-ErrorType": error.code}
    if "x-amz-target" in incoming.headers:
        body = {"__type": error.code, "message": error.message}
        return _json(400, body, request_id, "application/x-amz-json-1.1", headers)
    fields = _xml({"Code": error.code, "Message": error.message, "RequestId": request_id})
    found = _text(403, f"<ErrorResponse><Error>{fields}</Error></ErrorResponse>", request_id)
    return Outgoing(found.status, {**found.headers, **headers}, found.body)
