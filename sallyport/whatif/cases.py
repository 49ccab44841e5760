"""Example cases of policies, `policies/cases/<flow>.yaml`: an ask, and what its author expects policies to say.

They are read beside the policies and are no part of them: a wrong example keeps no policy from being in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, cast

from sallyport.documents import Document, load
from sallyport.flows import PERMANENT, Flow
from sallyport.policies import FOLDER, Policies
from sallyport.problems import Place, Problem, Problems, nearest
from sallyport.schemas import FOLDER as SCHEMAS
from sallyport.schemas import SUFFIX
from sallyport.times import format_duration, parse_duration
from sallyport.whatif.verdicts import Verdict, judge, unknown_answers

CASES = "cases"
ALLOWED, REFUSED = "allowed", "refused"


@dataclass(frozen=True, slots=True)
class Case:
    """One ask with what is expected of it; `places` tells where each expectation stands."""

    title: str
    flow: str
    requester: str
    answers: Mapping[str, str]
    approvals: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]  # of the groups that are kept in Slack
    incident: str | None  # where the glass is broken
    expected: Mapping[str, Any]
    places: Mapping[str, Place]


def read_cases(files: Mapping[str, bytes], policies: Policies) -> tuple[Case, ...]:
    """Read the cases among the files of `policies/`; Problems tells everything that is wrong with any of them."""
    problems: list[Problem] = []
    cases: list[Case] = []
    for path in sorted(path for path in files if path.startswith(f"{CASES}/")):
        try:
            cases += _cases(path, files[path], policies)
        except Problems as error:
            problems += error.problems
    if problems:
        raise Problems(problems)
    return tuple(cases)


def failures(cases: Iterable[Case], policies: Policies) -> tuple[Problem, ...]:
    """Return where policies say something else than a case expects: each at its line, all in one pass."""
    found = [problem for case in cases for problem in _failures(case, policies)]
    return Problems(found).problems


def _cases(path: str, content: bytes, policies: Policies) -> Iterator[Case]:
    name = f"{FOLDER}/{path}"
    if CASES not in policies.schemas:
        schema = f"{SCHEMAS}/{CASES}{SUFFIX}"
        raise Problems([Problem(f"{schema} does not exist", "cases are checked by it", Place(schema))])
    flow = PurePosixPath(path).stem
    if path != f"{CASES}/{flow}.yaml" or flow not in policies.flows:
        known = [f"{CASES}/{flow}.yaml" for flow in policies.flows]
        raise Problems([Problem("no flow has its cases here", nearest(path, known), Place(name))])
    document = load(content, name)
    if found := list(policies.schemas.problems(CASES, document)):
        raise Problems(found)
    if found := list(_unasked(document, policies.flows[flow])):
        raise Problems(found)
    yield from (_case(flow, number, document) for number in range(len(_items(document))))


def _case(flow: str, number: int, document: Document) -> Case:
    data = _items(document)[number]
    return Case(
        title=data["case"],
        flow=flow,
        requester=data["who"],
        answers=data["answers"],
        approvals=tuple(data.get("approvals", ())),
        members={group: tuple(emails) for group, emails in data.get("members", {}).items()},
        incident=data.get("incident"),
        expected=data["expect"],
        places={name: document.place((number, "expect", name)) for name in _EXPECTATIONS},
    )


def _unasked(document: Document, flow: Flow) -> Iterator[Problem]:
    """Yield answers to questions that the form does not ask: they would test nothing."""
    for number, data in enumerate(_items(document)):
        for problem in unknown_answers(flow, data["answers"]):
            yield replace(problem, place=document.place((number, "answers", problem.field)))


def _items(document: Document) -> list[Mapping[str, Any]]:
    return cast(list[Mapping[str, Any]], document.data)


def _failures(case: Case, policies: Policies) -> Iterator[Problem]:
    policies = replace(policies, people=policies.people.with_members(case.members))
    verdict = judge(policies, policies.flows[case.flow], case.requester, case.answers, case.incident)
    for name, compare in _EXPECTATIONS.items():
        if name in case.expected and (difference := compare(case, verdict)):
            wanted, found = difference
            yield Problem(f"{case.title}: expected {wanted}", f"policy says {found}", case.places[name])


Difference = tuple[str, str]  # what was expected, and what policy says


def _ask(case: Case, verdict: Verdict) -> Difference | None:
    answer = ALLOWED if verdict.allowed else REFUSED
    reasons = f": {_sentences(verdict)}" if verdict.problems else ""
    return None if case.expected["ask"] == answer else (f"the ask to be {case.expected['ask']}", answer + reasons)


def _because(case: Case, verdict: Verdict) -> Difference | None:
    part = case.expected["because"]
    if verdict.allowed or any(part.casefold() in problem.sentence.casefold() for problem in verdict.problems):
        return None  # that it is allowed is told already
    return f"a refusal because “{part}”", _sentences(verdict)


def _rule(case: Case, verdict: Verdict) -> Difference | None:
    found = verdict.rule.name if verdict.rule else None
    wanted = case.expected["rule"]
    return None if found == wanted else (f"the rule “{wanted}”", f"“{found}”" if found else "that no rule applies")


def _approvers(case: Case, verdict: Verdict) -> Difference | None:
    wanted = frozenset(email.casefold() for email in case.expected["approvers"])
    if wanted == verdict.eligible:
        return None
    return f"the approvers {_listed(wanted)}", _listed(verdict.eligible)


def _quorum(case: Case, verdict: Verdict) -> Difference | None:
    found = verdict.rule.seats if verdict.rule else 0
    return None if found == case.expected["quorum"] else (f"a quorum of {case.expected['quorum']}", str(found))


def _lifetime(case: Case, verdict: Verdict) -> Difference | None:
    text = case.expected["lifetime"]
    wanted = text if text == PERMANENT else format_duration(parse_duration(text))
    return None if verdict.lifetime == wanted else (f"the lifetime {text}", verdict.lifetime or "that it may not")


def _approved(case: Case, verdict: Verdict) -> Difference | None:
    standing = verdict.standing(case.approvals)
    if case.expected["approved"] is (standing is not None and standing.approved):
        return None
    wanted = "it to be approved" if case.expected["approved"] else "it not to be approved"
    return wanted, f"it has {standing.missing}" if standing else f"refused: {_sentences(verdict)}"


_EXPECTATIONS: Mapping[str, Callable[[Case, Verdict], Difference | None]] = {
    "ask": _ask,
    "because": _because,
    "rule": _rule,
    "approvers": _approvers,
    "quorum": _quorum,
    "lifetime": _lifetime,
    "approved": _approved,
}


def _sentences(verdict: Verdict) -> str:
    return " / ".join(problem.sentence for problem in verdict.problems)


def _listed(emails: frozenset[str]) -> str:
    return ", ".join(sorted(emails)) or "nobody"
