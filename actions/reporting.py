"""Tells everybody what a job did: the job's summary, the thread, the ticket, the alert channel, the check run.

A report that cannot be delivered changes nothing in AWS: it is tried again a little, and then makes the job fail
with a sentence that says what nobody was told. What stands already is looked for first, so that a re-run of a job
tells nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from actions import messages
from actions.ends import Ends
from actions.markdown import inert, link
from actions.results import News
from actions.telling import Post, check_summary, jira_comment, slack_alert, slack_ends, slack_reply
from sallyport.entries import Entry
from sallyport.outcomes import CHECK_NAME, Outcome, dump_outcomes, report_marker
from sallyport.platforms.errors import PlatformError, Refused, TryLater

if TYPE_CHECKING:
    from sallyport.platforms.jira import Jira
    from sallyport.platforms.slack import Slack

LOOKED_BACK = timedelta(days=1)  # in a channel full of others' words; after that a state is said again
TRIES = 3
LONGEST_PAUSE = 20.0
LINKED = 20  # that many entries of a job are linked to, since each costs a call
CHECK_BYTES = 65_000  # GitHub takes 65,535 characters in each field of a check's output


class Checks(Protocol):
    """What reporting needs of the GitHub client."""

    def check_run(
        self,
        name: str,
        head_sha: str,
        external_id: str,
        conclusion: str,
        title: str,
        summary: str,
        text: str,
        details_url: str | None = None,
    ) -> int: ...


@dataclass(frozen=True, slots=True)
class Channels:
    """Where people are told; a channel that is not configured is left out."""

    slack: Slack | None = None
    jira: Jira | None = None
    alert_channel: str = ""
    jira_project: str = ""  # where tickets that belong to no request are opened

    @classmethod
    def connect(
        cls,
        slack_token: str,
        slack_url: str,
        jira_url: str,
        jira_user: str,
        jira_token: str,
        alert_channel: str,
        jira_project: str = "",
    ) -> Channels:
        """Make the clients; they are imported here, since commands without them should start fast."""
        from sallyport.platforms.jira import Jira
        from sallyport.platforms.slack import Slack

        slack = Slack.connect(slack_token, slack_url or None) if slack_token else None
        jira = Jira.connect(jira_url, jira_token, jira_user or None) if jira_url else None
        return cls(slack, jira, alert_channel, jira_project)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Reports for one run."""

    channels: Channels
    checks: Checks
    run_id: str
    run_url: str
    head_sha: str
    pause: Callable[[float], None]
    clock: Callable[[], datetime]

    def report(self, news: Sequence[News], summary: str) -> tuple[str, ...]:
        """Tell everybody; return a sentence for each report that could not be delivered.

        The check comes first: from it the coordinator learns the outcome, and tells the requester itself.
        """
        faults = list(self._check(tuple(item.outcome for item in news), summary))
        for item in news:
            faults += self.tell([item])
            if item.is_loud:
                faults += self._alert(item)
        faults += [fault for text, standing in _held(news).items() for fault in self.alert("held", text, standing)]
        return tuple(faults)

    def tell(self, news: Sequence[News]) -> tuple[str, ...]:
        """Tell the people of each entry alone, in its thread and its ticket; return as `report` does."""
        theirs = [item for item in news if item.told and item.entry is not None]
        return tuple(fault for item in theirs for fault in (*self._reply(item), *self._comment(item)))

    def alert(self, key: str, text: str, standing: str = "") -> tuple[str, ...]:
        """Say something to the operators that is about no entry; what is *standing* no other run says again."""
        channel = self.channels.alert_channel
        if not channel:
            return ()
        return tuple(self._post(channel, key, slack_alert(text, self.run_url), "the alert channel", standing))

    def announce(self, found: Ends) -> tuple[str, ...]:
        """Tell a flow's channel what has ended."""
        post = slack_ends(found.text, self.run_url)
        return tuple(self._post(found.channel, found.key, post, "the channel of its flow"))

    def links(self, news: Sequence[News]) -> str:
        """Return, as Markdown, the ways to the tickets and threads of what was told, where there are any."""
        about = [
            item.entry for item in news if item.told and item.entry and (item.entry.ticket or item.entry.thread)
        ]
        lines = [f"- {inert(entry.id)}: {' · '.join(self._links_of(entry))}" for entry in about[:LINKED]]
        more = [f"- and {len(about) - LINKED} more"] if len(about) > LINKED else []
        return "\n".join(["\n#### Tickets and threads\n", *lines, *more, ""]) if lines else ""

    def _links_of(self, entry: Entry) -> Iterator[str]:
        slack, jira = self.channels.slack, self.channels.jira
        if entry.ticket:
            yield link(entry.ticket, jira.url_of(entry.ticket)) if jira else inert(entry.ticket)
        if entry.thread and slack:
            with suppress(PlatformError):
                yield link("thread", slack.permalink(entry.thread.channel, entry.thread.ts))

    def _post(self, channel: str, key: str, message: Post, where: str, standing: str = "") -> Iterator[str]:
        slack, marker, (text, blocks) = self.channels.slack, f"{key}:{standing or self.run_id}", message
        if slack is None:
            return

        oldest = f"{(self.clock() - LOOKED_BACK).timestamp():.6f}"

        def post() -> None:
            if slack.find(channel, marker, oldest=oldest) is None:
                slack.post(channel, text, blocks=blocks, marker=marker)

        yield from self._delivered(where, key, post)

    def _check(self, outcomes: tuple[Outcome, ...], summary: str) -> Iterator[str]:
        bad = any(not outcome.result.good for outcome in outcomes)
        shown = check_summary(summary, CHECK_BYTES)
        for part in parts(outcomes):
            title, text = messages.check_title(part), dump_outcomes(part)

            def put(title: str = title, text: str = text) -> None:
                conclusion = "failure" if bad else "success"
                self.checks.check_run(
                    CHECK_NAME,
                    self.head_sha,
                    self.run_id,
                    conclusion,
                    title,
                    shown,
                    text,
                    self.run_url or None,
                )

            yield from self._delivered("GitHub's checks", ", ".join(o.request_id for o in part), put)

    def _reply(self, item: News) -> Iterator[str]:
        slack, thread = self.channels.slack, item.entry.thread if item.entry else None
        if slack is None or thread is None:
            return
        marker = self._marker(item)
        text, blocks = slack_reply(item.outcome, self.run_url)

        def post() -> None:
            if slack.find(thread.channel, marker, thread_ts=thread.ts) is None:
                slack.post(thread.channel, text, blocks=blocks, thread_ts=thread.ts, marker=marker)

        yield from self._delivered("its Slack thread", item.outcome.request_id, post)

    def _comment(self, item: News) -> Iterator[str]:
        jira, ticket = self.channels.jira, item.entry.ticket if item.entry else None
        if jira is None or ticket is None:
            return
        marker = self._marker(item)

        def comment() -> None:
            if not any(one.body.rstrip().endswith(marker) for one in jira.comments(ticket)):
                jira.add_comment(ticket, jira_comment(item, self.run_url, marker))

        yield from self._delivered(f"the ticket {ticket}", item.outcome.request_id, comment)

    def _alert(self, item: News) -> tuple[str, ...]:
        key = f"{item.outcome.request_id}:{item.outcome.result}"
        return self.alert(key, messages.alert(item.outcome), item.standing)

    def _marker(self, item: News) -> str:
        return report_marker(item.outcome.request_id, item.outcome.result, item.standing or self.run_id)

    def _delivered(self, where: str, what: str, deliver: Callable[[], None]) -> Iterator[str]:
        """Deliver, and again a little; each delivery looks first, so that an unknown outcome doubles nothing."""
        for attempt in range(1, TRIES + 1):
            try:
                deliver()
            except Refused as error:
                yield messages.not_told(where, what, str(error))
                return
            except PlatformError as error:
                if attempt == TRIES:
                    yield messages.not_told(where, what, str(error))
                    return
                after = error.after if isinstance(error, TryLater) else None
                self.pause(min(after or float(attempt), LONGEST_PAUSE))
            else:
                return


def _held(news: Sequence[News]) -> dict[str, str]:
    """Return what thresholds have left in force, one sentence for each target, with what names that state."""
    return {item.held: item.standing for item in news if item.held}


def parts(outcomes: tuple[Outcome, ...]) -> list[tuple[Outcome, ...]]:
    """Split outcomes so that each part fits the text of a check; none at all makes one empty part."""
    found: list[tuple[Outcome, ...]] = [()]
    for outcome in outcomes:
        longer = (*found[-1], outcome)
        if found[-1] and len(dump_outcomes(longer).encode()) > CHECK_BYTES:
            found.append((outcome,))
        else:
            found[-1] = longer
    return found
