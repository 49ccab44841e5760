"""What a job did to each entry, as it was read back: the value that Slack, JIRA, GitHub and the journal show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sallyport.times import format_moment, parse_moment

CHECK_NAME = "sallyport"  # the check run on a job's head commit that carries its report


class Result(StrEnum):
    """How one entry ended in one job."""

    APPLIED = "applied"  # made, and read back
    ALREADY = "already"  # it was so already; nothing was written
    REVERTED = "reverted"  # taken back, and read back
    REFUSED = "refused"  # not tried: policy, approval or the target says no
    FAILED = "failed"  # tried, not verified, and put back as far as the detail says

    @property
    def good(self) -> bool:
        return self in {Result.APPLIED, Result.ALREADY, Result.REVERTED}


class Untold(StrEnum):
    """What stands in place of a result where a job should have reported one and has not."""

    UNKNOWN = "unknown"  # it may have been applied
    UNREPORTED = "unreported"  # nothing asks for it any more, but nobody has said that it was taken back
    NOT_REVERTED = "not-reverted"  # it is still asked for after its end


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one entry; `detail` is a whole sentence for people, `evidence` what proves it."""

    request_id: str
    result: Result
    detail: str
    at: datetime
    expires_at: datetime | None = None
    evidence: tuple[str, ...] = ()
    continued_by: str = ""  # the live entry that still asks for the same, so that nothing was taken back
    held: bool = False  # a threshold left it in force, of which its job tells operators for all of them at once
    unanswered: bool = False  # AWS gave no answer, and nothing was made that is not asked for: it is tried again

    def to_mapping(self) -> dict[str, Any]:
        return {
            "request_id": self.request_id,
            "result": self.result.value,
            "detail": self.detail,
            "at": format_moment(self.at),
            "expires_at": format_moment(self.expires_at) if self.expires_at else None,
            "evidence": list(self.evidence),
            "continued_by": self.continued_by,
            "held": self.held,
            "unanswered": self.unanswered,
        }

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Outcome:
        return cls(
            request_id=_text(data["request_id"]),
            result=Result(data["result"]),
            detail=_text(data["detail"]),
            at=parse_moment(data["at"]),
            expires_at=parse_moment(data["expires_at"]) if data["expires_at"] else None,
            evidence=tuple(map(_text, _listed(data["evidence"]))),
            continued_by=_text(data.get("continued_by", "")),
            held=data.get("held") is True,
            unanswered=data.get("unanswered") is True,
        )


def report_marker(request_id: str, result: str, of: str) -> str:
    """Return what a report is recognised by, in Slack and in JIRA: by its run, or as a state that goes on."""
    return f"{request_id}:{result}:{of}"


def state_of(words: str) -> str:
    """Name a state that goes on by the words that tell it: as long as they stay, they are told once."""
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def dump_outcomes(outcomes: tuple[Outcome, ...]) -> str:
    """Write the outcomes of one job for `load_outcomes`."""
    return json.dumps([outcome.to_mapping() for outcome in outcomes])


def load_outcomes(text: str) -> tuple[Outcome, ...]:
    """Read what `dump_outcomes` wrote; ValueError if it is anything else."""
    try:
        return _outcomes(json.loads(text))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"not the outcomes of a job: {error!r}") from error


def _outcomes(items: object) -> tuple[Outcome, ...]:
    return tuple(map(Outcome.from_mapping, _listed(items)))


def _listed(found: object) -> list[Any]:
    if not isinstance(found, list):
        raise TypeError(f"a list is expected, not {type(found).__name__}")
    return found


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError(f"a text is expected, not {type(found).__name__}")
    return found
