"""From a line that somebody typed to the flow it names, and to the answers that its words give.

Several flows may share a slash command: `/infra stop` and `/infra whitelist` are two flows. Slack delivers the
command and its text apart, with the text as phones and habits write it. Nothing here judges the answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sallyport.changes import KINDS
from sallyport.changes.protocol import ReadsWords
from sallyport.flows import DURATION, REASON, Flow
from sallyport.problems import nearest

BREAK_GLASS = "break-glass"
HELP = frozenset({"help", "?", "--help", "-h"})
_DASHES = re.compile("[\u2010-\u2015\u2212]")  # that phones make of a hyphen


@dataclass(frozen=True, slots=True)
class Typed:
    """What a line means: a flow with the words left for it, or none; `sharing` are all flows of that command."""

    slash: str
    sharing: tuple[Flow, ...]
    flow: Flow | None
    rest: str

    @property
    def wants_help(self) -> bool:
        """Whether the person asks for help, of the flow or of the whole command."""
        return self.rest.casefold() in HELP

    @property
    def incident(self) -> str | None:
        """What follows the word that opens break-glass; None if the line does not begin with it."""
        first, rest = (*self.rest.split(maxsplit=1), "", "")[:2]
        return rest.strip() if _DASHES.sub("-", first).casefold() == BREAK_GLASS else None

    @property
    def hint(self) -> str:
        """Which flow's word the first one may have meant, for the end of a sentence."""
        return nearest(self.rest.split(maxsplit=1)[0], (" ".join(flow.words) for flow in self.sharing))


def read_line(slash: str, text: str, flows: Iterable[Flow]) -> Typed:
    """Find the flow that *slash* with the first words of *text* names; case does not matter."""
    sharing = tuple(flow for flow in flows if flow.slash == slash.casefold())
    for flow in sharing:
        rest = _after(flow.words, text)
        if rest is not None:
            return Typed(slash, sharing, flow, rest)
    return Typed(slash, sharing, None, text)


def answers_from_words(flow: Flow, text: str, typed_at: datetime) -> dict[str, str] | None:
    """Return the answers that *text* gives, over the flow's defaults; None if the flow takes no words.

    A change that fulfils ReadsWords reads the text itself, and its Problems come through. For all others the
    text is the reason, where the flow has defaults for the rest. *typed_at* is in the person's own time zone.
    """
    kind = KINDS[flow.id]
    if isinstance(kind, ReadsWords):
        return {**flow.defaults, **kind.answers_from_words(text, typed_at)}
    return {**flow.defaults, REASON: text} if flow.has_quick_path else None


def takes_words(flow: Flow) -> bool:
    """Tell whether anything may follow the flow's command."""
    return flow.has_quick_path or isinstance(KINDS.get(flow.id), ReadsWords)


def is_complete(flow: Flow, answers: Mapping[str, str]) -> bool:
    """Tell whether *answers* can be asked with as they are; a duration left out is the rule's default."""
    needed = (field.name for field in flow.fields if not field.optional and field.name != DURATION)
    return all(answers.get(name) for name in needed)


def ambiguities(flow: Flow, others: Iterable[Flow]) -> Iterator[str]:
    """Yield why a line could mean *flow* and another flow at once."""
    if set(flow.words) & HELP:
        yield f"the command {flow.command} cannot be told from asking for help"
    if BREAK_GLASS in flow.words:
        yield f"the command {flow.command} cannot be told from breaking the glass"
    for other in others:
        if flow.command == other.command:
            yield f"the command {flow.command} is that of {other.id} too"
        elif flow.slash == other.slash and _overlap(flow.words, other.words):
            yield f"the commands {flow.command} and {other.command} ({other.id}) begin with the same words"


def _after(words: tuple[str, ...], text: str) -> str | None:
    """Return what follows *words* in *text*, with its lines; None if it does not begin with them."""
    for word in words:
        first, text = (*text.split(maxsplit=1), "", "")[:2]
        if first.casefold() != word:
            return None
    return text


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]
