"""How a run has ended, told in lines that are the same for every run that promises were kept in.

Everything is told that anybody can see: messages, tickets, commits, runs, and the journal with its audit trail.
Left out is only what may differ: when exactly something happened, and the numbers that platforms give.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from coordinator.audit.trail import Trail
from coordinator.audit.verifying import verify
from coordinator.journal import Journal
from coordinator.requests import Request
from sallyport.audit import breaks
from sallyport.platforms.slack_answers import EVENT_TYPE
from sandbox.jira import Issue
from sandbox.slack.state import Posted
from tests.faults.world import Differs, World

_VARYING = (
    (re.compile(r"http://localhost:\d+"), "https://host"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<moment>"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "<sha>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"),
)
ALERTS = "C0ALERTS"
_UNTOLD = {"ts", "signature", "block_id"}


def must_be_same(expected: list[str], found: list[str], cell: str) -> None:
    """Raise Differs with the lines that are missing and those that are too many."""
    if expected != found:
        lines = difflib.unified_diff(expected, found, "undisturbed", cell, lineterm="", n=1)
        raise Differs("\n".join(["the end differs:", *lines]))


def story_of(world: World) -> list[str]:
    """Tell how the run has ended."""
    return [_plain(line) for line in _lines(world)]


def without_alerts(story: list[str]) -> list[str]:
    """Leave out what operators were told: that depends on how bad it was."""
    return [line for line in story if not line.startswith(f"message in {ALERTS}:")]


def _lines(world: World) -> Iterator[str]:
    journal = world.journal
    for request in map(journal.request, journal.ids()):
        yield from _request(journal, request, world)
    for row in journal.waiting():
        yield f"still waiting: {row.request_id} {row.name} due {row.due} {row.error}"
    for issue in world.jira.issues:
        yield from _ticket(issue)
    for channel in sorted({message.channel for message in world.slack.world.state.messages}):
        yield from _channel(world, channel)
    yield from audit_of(world)
    yield from _repository(world)
    for run in world.github.runs:
        yield f"run {run.name!r} of {run.workflow} with {dict(run.inputs)}: {run.status} {run.conclusion}"


def audit_of(world: World) -> Iterator[str]:
    """Tell what an auditor finds when the trail is proved. A record that was written twice is no harm."""
    sink = world.replica.worker.exporting.sink
    found = verify(Trail(world.journal), sink)
    yield f"audit: {found.requests} requests, {found.facts} facts, {found.pending} of them not in the sink"
    yield from (f"  {sentence}" for sentence in found.findings)
    for kept in Trail(world.journal).anchors():
        where = "in the sink" if kept.exported else "not in the sink"
        yield f"anchor of {kept.anchor.day}: {kept.anchor.requests} requests, {kept.anchor.facts} facts, {where}"


def _request(journal: Journal, request: Request, world: World) -> Iterator[str]:
    yield f"request {request.id} {request.state} revision {request.revision}: {request.closing}"
    yield f"  asked {request.submitted_at:%d %H:%M}, to decide by {request.decide_by:%d %H:%M}"
    yield f"  until {request.expires_at:%d %H:%M:%S}" if request.expires_at else "  without a deadline"
    for decision in request.decisions:
        yield f"  {decision.answer} by {decision.by} at {decision.at:%d %H:%M:%S}: {decision.reason}"
    facts = journal.facts(request.id)
    for fact, _ in facts:
        yield f"  fact {fact.number}: {fact.deed} by {fact.by} {_told(fact.details)}"
    yield from (f"  broken chain: {sentence}" for sentence in breaks(facts))
    for name, result in sorted(request.results.items()):
        yield f"  result of {name}: {_result(result, world)}"


def _result(result: Mapping[str, Any], world: World) -> str:
    """Tell a result by what it leads to, since a lost place would be a second message one day."""
    if "ts" in result:
        found = world.slack.world.state.find(result["channel"], result["ts"])
        return f"message {marker_of(found)}" if found else "a message that is not there"
    if "comment" in result:
        bodies = [c.body for issue in world.jira.issues for c in issue.comments if c.id == result["comment"]]
        return f"comment {last_line(bodies[0])}" if bodies else "a comment that is not there"
    if "commit" in result:
        return f"commit {world.github._git.commit(result['commit']).headline}"
    return _told(result)


def _ticket(issue: Issue) -> Iterator[str]:
    yield f"ticket {issue.key} {issue.type}: {issue.summary}"
    moves = [item.after for change in issue.changelog for item in change.items if item.field == "status"]
    yield f"  went {' > '.join(moves)}; is {issue.status}, {issue.resolution}; {sorted(issue.labels)}"
    yield f"  {_told(issue.properties)} {issue.description!r}"
    for comment in issue.comments:
        yield f"  comment: {comment.body!r}"


def _channel(world: World, channel: str) -> Iterator[str]:
    state = world.slack.world.state
    for message in state.messages:
        if message.channel == channel and not message.deleted and message.audience is None:
            root = state.find(channel, message.thread_ts) if message.thread_ts else None
            where = f"{channel} under {marker_of(root)}" if root else channel
            yield f"message in {where}: {marker_of(message)} {message.now.text}"
            yield from (f"  {_told(block)}" for block in message.now.blocks)


def _repository(world: World) -> Iterator[str]:
    git, base = world.github._git, world.base
    head = git.head("main") or ""
    fresh = git.ahead_behind(base, head)[0]
    for commit in reversed(git.log(head, limit=fresh) if fresh else []):
        yield f"commit by {commit.author.name}: {commit.message!r}"
        for path in git.changed(commit.parents[0], commit.sha):
            content = git.file(commit.sha, path)
            exact = commit.headline.startswith("Apply")
            yield f"  {path}: {_file(content, exact=exact) if content else 'gone'}"
    names = [entry.path for entry in git.tree(head, recursive=True) if entry.path.startswith("requests/")]
    yield f"on main: {[name for name in names if name.endswith('.yaml')]}"
    yield f"branches: {git.branches()}"
    for pull in world.github._pulls.all():
        yield f"pull request of {pull.branch} {'open' if pull.is_open else 'closed'}: {pull.title} {pull.body!r}"
        yield from (f"  {one.state} by {one.author.login} of {one.commit}" for one in pull.reviews)


def _file(content: bytes, *, exact: bool) -> str:
    """Tell an entry. When it was approved and ends is *exact* to the second, but for an end that came earlier."""
    lines = content.decode().splitlines()
    told = " | ".join(line for line in lines if not line.strip().startswith(("signature:", "ts:")))
    return told.replace("Z'", " UTC'") if exact else told


def marker_of(message: Posted | None) -> str:
    metadata = message.now.metadata if message else None
    if not metadata or metadata["event_type"] != EVENT_TYPE:
        return "(no marker)"
    return str(metadata["event_payload"]["effect"])


def last_line(text: str) -> str:
    return text.rstrip().rpartition("\n")[2]


def _told(value: Any) -> str:
    return json.dumps(_without_numbers(value), sort_keys=True, ensure_ascii=False)


def _without_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_numbers(one) for name, one in value.items() if name not in _UNTOLD}
    return [_without_numbers(one) for one in value] if isinstance(value, list | tuple) else value


def _plain(line: str) -> str:
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return line
