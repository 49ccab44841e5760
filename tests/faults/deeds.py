"""How a run with real jobs has ended: what was done, and how often, in the journal, outside, and in AWS.

The words are left to `story`, which compares every one of them where jobs are played: here a job that had to try
again may tell a later moment, another run, and less evidence, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from coordinator.lifecycle import RESTARTED
from coordinator.requests import Request
from sallyport.audit import breaks
from tests.faults.story import ALERTS, audit_of, last_line, marker_of
from tests.faults.world import World

_REPORT = re.compile(r":(applied|already|reverted):\d+$")
READS = ("Get", "List", "Describe")


def deeds_of(world: World) -> list[str]:
    """Tell what was done."""
    return list(_lines(world))


def _lines(world: World) -> Iterator[str]:
    journal = world.journal
    for request in map(journal.request, journal.ids()):
        yield from _request(world, request)
    yield from audit_of(world)
    yield from (f"still waiting: {row.request_id} {row.name} {row.error}" for row in journal.waiting())
    for issue in world.jira.issues:
        moves = [item.after for change in issue.changelog for item in change.items if item.field == "status"]
        yield f"ticket {issue.key} {issue.summary} went {' > '.join(moves)}; {sorted(issue.labels)}"
        yield from (f"  comment {_report(last_line(comment.body))}" for comment in issue.comments)
    shown = [one for one in world.slack.world.state.messages if not one.deleted and one.audience is None]
    shown = [one for one in shown if f":{RESTARTED}:" not in marker_of(one)]  # told of only where a job died
    yield from sorted(
        f"message {_report(marker_of(one))} in {one.channel}" for one in shown if one.channel != ALERTS
    )
    yield from _repository(world)
    yield from (f"run {run.name}" for run in world.github.runs if run.workflow == "apply.yml")
    yield from _aws(world)


def _request(world: World, request: Request) -> Iterator[str]:
    yield f"request {request.id} {request.state} revision {request.revision}"
    facts = world.journal.facts(request.id)
    for fact, _ in facts:
        yield f"  fact {fact.number}: {fact.deed} by {fact.by}"
    yield from (f"  broken chain: {sentence}" for sentence in breaks(facts))


def _report(marker: str) -> str:
    """A second attempt of a job finds done what the first one did, and is another run where it is an end."""
    return _REPORT.sub(lambda found: f":{found[1].replace('already', 'applied')}", marker)


def _repository(world: World) -> Iterator[str]:
    git = world.github._git
    head = git.head("main") or ""
    fresh = git.ahead_behind(world.base, head)[0]
    for commit in reversed(git.log(head, limit=fresh) if fresh else []):
        changed = sorted(git.changed(commit.parents[0], commit.sha))
        yield f"commit by {commit.author.name}: {commit.headline} {changed}"


def _aws(world: World) -> Iterator[str]:
    """What changed in AWS, in order, and what stands in the end.

    A resource policy and its deployment change with each call. Of assignments there is never more than one, and
    who may not go on may be told so twice.
    """
    done = [call for call in world.aws.calls if not call.operation.startswith(READS) and call.error is None]
    yield from (f"AWS did {call.operation}" for call in done if call.service == "apigateway")
    yield from world.grants
    yield from sorted({f"AWS did {call.operation}" for call in done if call.service != "apigateway"})
    for api in (api.spec.id for api in world.aws.apigateway.apis()):
        yield f"policy of {api}: {world.aws.apigateway.policy(api)}"
    yield f"assignments: {sorted(world.aws.identity_center.assignments())}"
