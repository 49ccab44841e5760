"""The messages about a request, made from the request as it stands; each has a whole sentence as its text.

What a person typed appears only in plain text objects: it can mention nobody and link nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from coordinator.positions import position_of
from coordinator.requests import Answer, Extension, Request, State
from coordinator.slack.decision_buttons import decision_buttons
from coordinator.slack.own_buttons import ask_again, own_buttons
from coordinator.slack.text import bounded, cut
from coordinator.wording import (
    EARLY_END,
    STATE_WORDS,
    UNREPORTED_END,
    granted,
    how_long,
    mention,
    state_words,
    subject,
    together,
)
from sallyport.decisions import is_emergency
from sallyport.people import People
from sallyport.platforms.slack_text import date, escape, in_zone
from sallyport.policies import Policies

HEADER_LONGEST = 150
SHOWN_REASON = 2900
SHOWN_SENTENCE = (
    500  # of what a job or a person says, before it is escaped, which makes it up to five times as long
)
NAMED = 5  # of those who are asked; the others are counted
GONE = "those who could have left, or policy has changed"
STRANDED = f"Nobody can decide it at the moment: {GONE}."
MARKS = {
    State.PENDING: ":hourglass_flowing_sand:",
    State.CONFIRMING: ":hourglass_flowing_sand:",
    State.ACTIVE: ":white_check_mark:",
    State.ENDED: ":checkered_flag:",
    State.DENIED: ":no_entry:",
    State.TIMED_OUT: ":alarm_clock:",
    State.CANCELLED: ":leftwards_arrow_with_hook:",
    State.FAILED: ":warning:",
}

Content = tuple[str, Sequence[Block]]


def thread(request: Request, policies: Policies) -> Content:
    """Return the first message of the thread, which everybody concerned can follow."""
    text = f"{_deed(request, title(request, policies))}. {status(request, policies)}"
    stands = [context(status_line(request, policies)), *decided(request, policies.people)]
    return text, [*about(request, policies), *stands, *links(request), *own_buttons(request, policies)]


def line(request: Request, policies: Policies, *, decide: bool) -> list[Block]:
    """Return a request in a list: what it is, how it stands, and what this person can do with it."""
    what = f"*{title(request, policies)}* for {who(request)}, {granted(request)}"
    stands = f"{status_line(request, policies)}{_time_left(request)}"
    told = [SectionBlock(text=MarkdownTextObject(text=what)), context(stands)]
    if decide:
        reason = SectionBlock(text=PlainTextObject(text=f"Reason: {request.reason}"[:SHOWN_REASON]))
        return [*told, reason, effects(request, policies), *links(request), decision_buttons(request, policies)]
    return [*told, *links(request), *own_buttons(request, policies)]


def line_to_confirm(request: Request, policies: Policies) -> list[Block]:
    """Return a request in the list of somebody who can confirm it in GitHub: what it is, and what to do there."""
    pull = request.result("pull")
    what = f"*{title(request, policies)}* for {who(request)}, {granted(request)}"
    how = (
        f"The approval in GitHub can be yours: read <{pull['url']}|pull request #{pull['number']}> and approve it "
        "in a review; to refuse it, request changes. "
        f"If nobody does either, it is closed {date(request.decide_by, '{ago}')}."
    )
    return [
        SectionBlock(text=MarkdownTextObject(text=what)),
        context(status_line(request, policies)),
        SectionBlock(text=PlainTextObject(text=f"Reason: {request.reason}"[:SHOWN_REASON])),
        SectionBlock(text=MarkdownTextObject(text=how)),
        *links(request),
    ]


def _time_left(request: Request) -> str:
    """Say how long it lives still; Slack counts, so that it stays right while it is looked at."""
    if request.state is not State.ACTIVE or request.expires_at is None:
        return ""
    return f" It ends {date(request.expires_at, '{ago}')}."


def closed_line(request: Request, policies: Policies) -> list[Block]:
    """Return a request that is over in a list: how it came out, and the button to ask again."""
    what = f"{title(request, policies)}, {granted(request)} ({request.id})"
    told = SectionBlock(text=MarkdownTextObject(text=what), accessory=ask_again(request, policies))
    return [told, context(status_line(request, policies))]


def status(request: Request, policies: Policies) -> str:
    """Say in one sentence how the request stands, as mrkdwn."""
    approved = _approved(request, policies.people)
    match request.state:
        case State.PENDING if not request.deciders:
            return f"{STRANDED} {_stranded_until(request)}"
        case State.PENDING:
            whose = f"{asked(request, policies.people)}{_progress(request, policies)}"
            return f"Waiting for {whose}, until {date(request.decide_by)}."
        case State.CONFIRMING if (pull := request.result("pull")) and not pull["who"]:
            nobody = f"Nobody can give the approval in <{pull['url']}|GitHub> at the moment: {GONE}."
            return f"{approved} in Slack. {nobody} {_stranded_until(request)}"
        case State.CONFIRMING:
            return f"{approved} in Slack; waits for {_confirmation(request)}, until {date(request.decide_by)}."
        case State.ANNOUNCED:
            begins = f"it begins {date(request.begins_at)}" if request.begins_at else "then it begins"
            return f"{approved}; those who work there are warned, and {begins}.{kept(request, policies.people)}"
        case State.APPROVED:
            return f"{approved}; about to be applied."
        case State.APPLYING if waits := request.unanswered:
            since, until = date(waits.since), date(waits.until)
            return f"{approved}; waits for AWS, which has not answered since {since}, and is tried until {until}."
        case State.APPLYING:
            return f"{approved}; being applied now."
        case State.ACTIVE if request.expires_at is None:
            return f"Live permanently. {approved}."
        case State.ACTIVE:
            until = date(request.expires_at) if request.expires_at else ""
            return f"Live until {until}. {approved}.{extended(request)}"
        case State.ENDING:
            return f"Being given back before its time.{kept(request, policies.people)}"
        case State.ENDED:
            return _ended(request)
        case State.DENIED:
            by = f" by {called(policies.people, request.denial.by)}." if request.denial else ". "
            return f"Denied{by}{'' if request.denial else shown(request.closing)}".strip()
        case State.CANCELLED if request.kept:
            return f"{STATE_WORDS[request.state]}.{kept(request, policies.people)}"
        case State.TIMED_OUT | State.CANCELLED | State.FAILED:
            return f"{state_words(request)}. {shown(request.closing)}"


def _stranded_until(request: Request) -> str:
    until = f"It waits until {date(request.decide_by)}, and is then closed"
    return f"{until}; its requester can cancel it and ask again."


def kept(request: Request, people: People) -> str:
    """Say who keeps it up for a while, as a sentence of its own, where somebody does."""
    if request.kept is None:
        return ""
    return f" {called(people, request.kept.by)} keeps it up until {date(request.kept.until)}."


def decided(request: Request, people: People) -> list[Block]:
    """Return who decided and when, in the order in which they did; nothing while nobody has."""
    did = {Answer.APPROVE: "approved", Answer.DENY: "denied"}
    lines = (f"{called(people, one.by)} {did[one.answer]} it {date(one.at)}" for one in request.decisions)
    return [context("  ·  ".join(lines))] if request.decisions else []


def extended(request: Request) -> str:
    """Say how the extension stands, where there is one."""
    extension = request.extension
    if extension is None:
        return ""
    if extension.is_open:
        return f" {extension.id} is to extend it."
    return f" It goes on as {extension.id}{_until(extension)}." if request.is_extended else ""


def _ended(request: Request) -> str:
    """Say whether it was taken back, or went on under another request."""
    if request.closing == UNREPORTED_END:
        return f"Ended. {shown(request.closing)}"
    if request.closing.startswith(EARLY_END):
        return shown(request.closing)
    if not request.continued_by:
        return "Ended: it was taken back, and that was verified."
    extension = request.extension
    if extension is not None and extension.id == request.continued_by and request.is_extended:
        return f"Ended; it goes on as {extension.id}{_until(extension)}."
    return f"Ended; it went on as {request.continued_by}."


def _until(extension: Extension) -> str:
    return f", until {date(extension.expires_at)}" if extension.expires_at else ""


def shown(sentence: str) -> str:
    """Return *sentence* inert, its moments in the reader's zone, and cut where Slack would refuse its length."""
    return in_zone(escape(cut(sentence, SHOWN_SENTENCE)))


def shown_lines(detail: str) -> str:
    """Return all lines of *detail* inert, as far as one message takes them."""
    return bounded("\n".join(map(shown, detail.split("\n"))))


def title(request: Request, policies: Policies) -> str:
    """Say what is asked for, as mrkdwn."""
    return escape(subject(request, policies.catalogue))


def who(request: Request) -> str:
    """Mention the requester, or name the schedule."""
    return mention(request)


def _deed(request: Request, what: str) -> str:
    """Say what the requester did: to ask, or to go ahead in an emergency."""
    if is_emergency(request.grant):
        return f"Break-glass: {who(request)} took {what}"
    asker = who(request)
    return f"{asker[:1].upper()}{asker[1:]} asks {'to extend' if request.extends else 'for'} {what}"


def _approved(request: Request, people: People) -> str:
    """Say on whose word it is done, and whether that was for less time than was asked."""
    if request.grant is not None:
        if is_emergency(request.grant):
            return f"Break-glass for {escape(request.grant.incident)}, nobody was asked"
        return "Approved by policy"
    names = together([called(people, decision.by) for decision in request.approvals])
    shortened = f" {granted(request)}" if request.granted != request.lifetime else ""
    confirmed = request.result("confirm").get("by")
    second = f", confirmed in GitHub by {called(people, confirmed)}" if confirmed else ""
    return f"Approved by {names}{shortened}{second}"


def _confirmation(request: Request) -> str:
    """Say where, and by whom, it is to be confirmed."""
    pull = request.result("pull")
    if not pull:
        return "its approval in GitHub, where it is being shown"
    return f"the approval in <{pull['url']}|GitHub> by {_one_of(list(map(escape, pull['who'])))}"


def _one_of(names: Sequence[str]) -> str:
    """Name those of whom one is enough; of many, the others are counted."""
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return " or ".join([*names[:NAMED], *more])


def asked(request: Request, people: People) -> str:
    """Name those whose turn it is; the mention shows a name also for who is bound to no Slack id."""
    names = [
        escape(person.label) if (person := people.by_slack(user)) else f"<@{user}>" for user in request.deciders
    ]
    return _one_of(names) or "somebody who could decide it"


def _progress(request: Request, policies: Policies) -> str:
    position = position_of(request, policies)
    return f" ({escape(position.progress)})" if position and position.progress else ""


def called(people: People, email: str) -> str:
    person = people.by_email(email)
    return escape(person.label if person else email)


def about(request: Request, policies: Policies) -> list[Block]:
    """Return what every message about a request begins with."""
    flow = policies.flows[request.flow]
    environment = policies.catalogue.environments[request.environment]
    details = [detail for change in request.changes for detail in change.details(policies.catalogue)]
    facts = [("Environment", environment.title), *details, ("Duration", how_long(request))]
    words = state_words(request)
    standing = f"{flow.title}: {words[:1].lower()}{words[1:]}"  # GitHub keeps its capital
    return [
        HeaderBlock(text=PlainTextObject(text=standing[:HEADER_LONGEST])),
        SectionBlock(text=MarkdownTextObject(text=_deed(request, f"*{title(request, policies)}*"))),
        SectionBlock(fields=list(_fields(facts))),
        SectionBlock(text=PlainTextObject(text=f"Reason: {request.reason}"[:SHOWN_REASON])),
    ]


def effects(request: Request, policies: Policies) -> Block:
    """Return what it opens to whom, and how that is undone."""
    catalogue = policies.catalogue
    said = (f"{change.effect(request.environment, catalogue)} {change.undo()}" for change in request.changes)
    return SectionBlock(text=PlainTextObject(text="\n".join(said)))


def _fields(facts: Iterable[tuple[str, str]]) -> Iterable[MarkdownTextObject]:
    for label, value in list(facts)[:10]:
        yield MarkdownTextObject(text=f"*{label}*\n{escape(value)[:1900]}")


def status_line(request: Request, policies: Policies) -> str:
    """Say how the request stands, after a mark that says no more than the words."""
    return f"{mark(request) or ':gear:'} {status(request, policies)}"


def mark(request: Request) -> str:
    """Return the mark of how the request stands; empty where it has none."""
    return MARKS[State.PENDING] if request.unanswered else MARKS.get(request.state, "")


def context(text: str) -> Block:
    """Return *text*, mrkdwn of ours, in small print."""
    return ContextBlock(elements=[MarkdownTextObject(text=text)])


def links(request: Request) -> list[Block]:
    """Return the ways to what is kept elsewhere, as far as it is there already."""
    links = [f"Request {request.id}{f', extends {request.extends}' if request.extends else ''}"]
    if ticket := request.result("ticket"):
        links.append(f"<{ticket['url']}|{ticket['key']}>")
    if review := request.result("review"):
        links.append(f"<{review['url']}|Review {review['key']}>")
    if pull := request.result("pull"):
        links.append(f"<{pull['url']}|Pull request #{pull['number']}>")
    if request.run_url:
        links.append(f"<{request.run_url}|Run>")
    return [context("  ·  ".join(links))]
