"""Exports for auditors: the records of a time, as JSON lines or as a table for a spreadsheet.

A cell never begins as a formula does, whatever a person typed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from coordinator.audit.context import Context
from coordinator.audit.records import Record, fact_record
from coordinator.audit.trail import Trail
from sallyport.audit import Fact
from sallyport.documents import JSON

COLUMNS = (
    *("request_id", "number", "deed", "at", "by", "result", "detail"),
    *Context().to_mapping(),
    *("evidence", "previous", "fact_digest"),
)
_END = "\r\n"  # a cell with one of these signs is quoted
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def chosen(trail: Trail, since: datetime | None, until: datetime | None) -> Iterator[Record]:
    """Yield the records of the facts from *since* on and before *until*, request by request."""
    for _, chain in trail.chains():
        context = Context()
        for fact, digest in chain:
            context = context.after(fact)
            if _is_within(fact, since, until):
                yield fact_record(fact, digest, context)


def json_lines(records: Iterable[Record]) -> Iterator[str]:
    """Yield one line for each record, as the sink holds it."""
    return (record.line for record in records)


def csv_lines(records: Iterable[Record], tickets: Mapping[str, str]) -> Iterator[str]:
    """Yield a header and one line for each record; *tickets* has those that records do not tell, by request."""
    yield _line(COLUMNS)
    for record in records:
        cells = _cells(record)
        cells["ticket"] = cells.get("ticket") or tickets.get(str(cells["request_id"]), "")
        yield _line(_cell(cells.get(name, "")) for name in COLUMNS)


def _is_within(fact: Fact, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or fact.at >= since) and (until is None or fact.at < until)


def _cells(record: Record) -> dict[str, JSON]:
    body, context, details = record.body, record.body["request"], record.body["details"]
    cells: dict[str, JSON] = dict(context) if isinstance(context, dict) else {}
    told = details if isinstance(details, dict) else {}
    names = ("request_id", "number", "deed", "at", "by", "previous")
    cells |= {name: body[name] for name in names} | {"fact_digest": body["digest"]}
    return cells | {name: told.get(name, "") for name in ("result", "detail", "evidence")}


def _cell(value: JSON) -> str:
    if isinstance(value, list):
        text = "; ".join(one if isinstance(one, str) else json.dumps(one, sort_keys=True) for one in value)
    else:
        text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator=_END).writerow(cells)
    return text.getvalue().removesuffix(_END)
