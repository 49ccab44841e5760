"""What the channel of a flow hears of ends, where policy wants it: a reply in a thread is seen by who follows it.

One message for all that a job took back, however much it is. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actions import messages
from actions.results import News
from sallyport.entries import Entry
from sallyport.flows import Flow
from sallyport.outcomes import Result
from sallyport.policies import Policies

SHOWN = 20  # ends that are named in one message


@dataclass(frozen=True, slots=True)
class Ends:
    """The message to one channel; *key* tells it from those of other jobs of the same run."""

    channel: str
    key: str
    text: str


def ends(news: Sequence[News], policies: Policies) -> Iterator[Ends]:
    """Yield a message for each flow of which something has ended for good, and whose channel is to hear of it."""
    for flow in policies.flows.values():
        over = sorted((n.entry for n in news if n.entry and _has_ended(n, flow)), key=lambda entry: entry.id)
        if flow.announce_end and flow.channel and over:
            lines = [_line(entry, policies) for entry in over[:SHOWN]]
            text = messages.ended_in_channel(flow.title, lines, len(over))
            yield Ends(flow.channel, f"{over[0].id}:ended-in-channel", text)


def _has_ended(news: News, flow: Flow) -> bool:
    reverted = news.outcome.result is Result.REVERTED and not news.outcome.continued_by
    return reverted and news.told and news.whole and news.entry is not None and news.entry.flow == flow.id


def _line(entry: Entry, policies: Policies) -> str:
    person = policies.people.by_email(entry.requested_by)
    who = person.label if person else entry.requested_by
    return messages.ended_one(messages.what_of(entry, policies.catalogue), who, entry.id)
