"""The EC2 protocol: a form with numbered names goes in, XML without a wrapper comes out.

Like the other protocols it reads botocore's model, and refuses what the model does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, OperationModel, Shape

from sandbox.aws.errors import AwsError
from sandbox.aws.shapes import InvalidParameter, to_wire
from sandbox.aws.wire import Outgoing, QueryProtocol, Result

_CODES = {
    "AccessDeniedException": "UnauthorizedOperation",
    "UnrecognizedClientException": "AuthFailure",
    "ExpiredTokenException": "RequestExpired",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
}


class Ec2Protocol(QueryProtocol):
    """EC2's dialect of the query protocol: lists are numbered without `member`."""

    invalid = "InvalidParameterValue"

    def __init__(self) -> None:
        super().__init__("ec2")

    def _member_name(self, member: str, shape: Shape) -> str:
        """The name under which a member travels: its location name with a capital, or its own."""
        found = str(shape.serialization.get("queryName", shape.serialization.get("name", member)))
        return found[0].upper() + found[1:]

    def _list_prefix(self, shape: ListShape, name: str) -> str:  # noqa: ARG002
        return name

    def _unknown_parameter(self, name: str, operation: OperationModel) -> InvalidParameter:  # noqa: ARG002
        return InvalidParameter(f"The parameter {name} is not recognized")

    def _scalar(self, shape: Shape, name: str, text: str) -> Any:
        if shape.type_name in ("integer", "long") and not text.removeprefix("-").isdecimal():
            raise InvalidParameter(f"Invalid value '{text}' for {name}. Must be a whole number")
        return super()._scalar(shape, name, text)

    def answer(self, operation: str, result: Result, request_id: str) -> Outgoing:
        shape = self.model.operation_model(operation).output_shape
        namespace = self.model.metadata["xmlNamespace"]
        body = f"<requestId>{request_id}</requestId>{_xml(to_wire(shape, result))}" if shape else ""
        whole = f'<{operation}Response xmlns="{namespace}">{body}</{operation}Response>'
        return Outgoing(200, _headers(request_id), whole.encode())

    def refusal(self, error: AwsError, request_id: str) -> Outgoing:
        code = _CODES.get(error.code, error.code)
        fields = _xml({"Code": code, "Message": error.message})
        whole = f"<Response><Errors><Error>{fields}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        status = 403 if code == "UnauthorizedOperation" else 401 if code == "AuthFailure" else 400
        return Outgoing(status, _headers(request_id), whole.encode())


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<item>{_xml(inner)}</item>" for inner in value)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))


def _headers(request_id: str) -> dict[str, str]:
    return {"Content-Type": "text/xml;charset=UTF-8", "x-amzn-RequestId": request_id}
