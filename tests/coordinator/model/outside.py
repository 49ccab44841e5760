"""What the model's workers find outside: Slack's messages, and the jobs that change AWS, both in memory.

A job believes nobody: before AWS has anything it verifies the signature and judges by policy, as real ones do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sallyport import confirming
from sallyport.attestations import refusal
from sallyport.confirming import Evidence
from sallyport.decisions import entry_refusals
from sallyport.entries import FOLDER, Entry, parse_entry, path_of
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.slack_answers import Posted
from sallyport.policies import Policies
from sandbox.slack.limits import message_problems
from tests.coordinator.fakes import Dispatched, FakeGitHub


@dataclass
class Message:
    """What people see at one place."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]


@dataclass
class MemorySlack:
    """Slack's messages by their marker: one that is posted twice is two, and that is found out."""

    messages: dict[str, Message] = field(default_factory=dict)

    def post(
        self,
        channel: str,
        text: str,
        *,
        marker: str,
        blocks: Sequence[Any] = (),
        thread_ts: str | None = None,
    ) -> Posted:
        assert marker not in self.messages, f"{marker} is posted twice"
        place = self.open_dm(channel) if channel.startswith(("U", "W")) else channel
        return self._put(Message(place, f"{len(self.messages)}.000100", text, list(blocks)), marker)

    def update(self, channel: str, ts: str, text: str, blocks: Sequence[Any] = (), *, marker: str = "") -> Posted:
        there = self.messages[marker]
        assert (there.channel, there.ts) == (channel, ts), "a message stays where it was posted"
        return self._put(Message(channel, ts, text, list(blocks)), marker)

    def find(
        self, channel: str, marker: str, thread_ts: str | None = None, oldest: str | None = None
    ) -> Posted | None:
        there = self.messages.get(marker)
        return Posted(channel, there.ts) if there is not None and there.channel == channel else None

    def open_dm(self, user: str) -> str:
        return f"D{user[1:]}"

    def _put(self, message: Message, marker: str) -> Posted:
        assert message.text.strip(), f"{marker} says nothing"
        assert not message.blocks or message_problems(message.blocks) == []
        self.messages[marker] = message
        return Posted(message.channel, message.ts)


class Ends(StrEnum):
    """How a job ends that does not die."""

    WELL = "ends well"
    BADLY = "fails"
    IN_VAIN = "gets no answer from AWS"


@dataclass
class Jobs:
    """GitHub's runners, and AWS: `access` holds the entries that are applied, each under its request's id."""

    github: FakeGitHub
    policies: Callable[[], Policies]
    now: Callable[[], datetime]
    access: dict[str, Entry] = field(default_factory=dict)
    applied: list[str] = field(default_factory=list)  # every id that was ever applied, each time
    in_vain: Counter[str] = field(default_factory=Counter)  # by id, how many jobs got no answer to applying it

    def run_next(self, ends: Ends) -> None:
        """The oldest job that waits runs to its end."""
        waiting = (one for one in self.github.runs if one.state.status == "in_progress")
        if run := next(waiting, None):
            outcomes = self._apply(run, ends) if run.workflow == "apply.yml" else self._sweep(ends)
            self.github.report(run.state.id, *outcomes)
            self.github.complete(
                run.state.id, "success" if all(one.result.good for one in outcomes) else "failure"
            )

    def dies(self) -> None:
        """The oldest job that waits ends without a word, before it has done anything."""
        waiting = (one for one in self.github.runs if one.state.status == "in_progress")
        if run := next(waiting, None):
            self.github.complete(run.state.id, "failure")

    def entries(self) -> dict[str, Entry]:
        """Return what stands in `requests/`, by the request's id."""
        found = (self._entry(path) for path in self.github.files if path.startswith(f"{FOLDER}/"))
        return {entry.id: entry for entry in found}

    def _entry(self, path: str) -> Entry:
        return parse_entry(self.github.files[path], path, self.policies().schemas)

    def _apply(self, run: Dispatched, ends: Ends) -> list[Outcome]:
        request_id = run.inputs["request_id"]
        entry = self.entries().get(request_id)
        if entry is None or not entry.is_live(self.now()):
            return [Outcome(request_id, Result.REFUSED, "Its time is over.", self.now())]
        policies = self.policies()
        wrong = [refusal(entry, policies.keys), *entry_refusals(entry, policies), self._unconfirmed(entry)]
        if said := [sentence for sentence in wrong if sentence]:
            return [Outcome(request_id, Result.REFUSED, said[0], self.now())]
        if ends is not Ends.WELL:
            self.in_vain[request_id] += ends is Ends.IN_VAIN
            return [self._has_failed(request_id, ends)]
        self.access[request_id] = entry
        self.applied.append(request_id)
        return [Outcome(request_id, Result.APPLIED, "It is live.", self.now(), entry.expires_at)]

    def _unconfirmed(self, entry: Entry) -> str:
        """Say why GitHub does not bear out the confirmation that policy wants; empty if it does."""
        given = entry.confirmation
        if not confirming.is_asked_for(entry, self.policies()):
            return ""
        if given is None:
            return confirming.UNCONFIRMED
        shown = self.github.shown.get(given.commit, {}).get(confirming.path_of(entry.id))
        evidence = Evidence(tuple(self.github.said.get(given.pull, ())), shown)
        return confirming.refusal(entry, given, evidence, self.policies())

    def _sweep(self, ends: Ends) -> list[Outcome]:
        standing = self.entries()
        due = [entry for entry in standing.values() if not entry.is_live(self.now())]
        if ends is not Ends.WELL:
            return [self._has_failed(entry.id, ends) for entry in due]
        return [self._revert(entry, standing) for entry in due]

    def _revert(self, entry: Entry, standing: Mapping[str, Entry]) -> Outcome:
        self.access.pop(entry.id, None)
        self.github.delete(path_of(entry.flow, entry.id))
        others = (one.id for one in standing.values() if one.id in self.access and one.changes == entry.changes)
        goes_on = next(others, "")
        return Outcome(entry.id, Result.REVERTED, "It is taken back.", self.now(), continued_by=goes_on)

    def _has_failed(self, request_id: str, ends: Ends) -> Outcome:
        in_vain = ends is Ends.IN_VAIN
        said = "AWS did not answer." if in_vain else "AWS said no."
        return Outcome(request_id, Result.FAILED, said, self.now(), unanswered=in_vain)
