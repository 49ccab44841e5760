"""The requester's own buttons: anybody may see them in a thread, and only the requester's press counts."""

from __future__ import annotations

from collections.abc import Iterator

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ConfirmObject, PlainTextObject

from coordinator.positions import rule_of
from coordinator.requests import OVER, WAITED_FOR, Request, State
from coordinator.slack.decision_buttons import NAMED_IN_DIALOG, spoken
from coordinator.slack.text import cut
from coordinator.wording import subject
from sallyport.policies import Policies

# How the action ids begin; the request's id follows, since one view may show many requests.
CANCEL, GIVE_BACK = "cancel:", "give-back:"
EXTEND, NUDGE, ASK_AGAIN = "extend:", "nudge:", "ask-again:"


def own_buttons(request: Request, policies: Policies) -> list[Block]:
    """Return what its requester can do with a request now, as far as policy allows it."""
    buttons = list(_buttons(request, policies)) if not request.is_scheduled else []
    return [ActionsBlock(elements=buttons)] if buttons else []


def ask_again(request: Request, policies: Policies) -> ButtonElement:
    """Return the button that opens the form with the answers as they were given."""
    return _button("Ask again", ASK_AGAIN, request, policies)


def _buttons(request: Request, policies: Policies) -> Iterator[ButtonElement]:
    if request.state in WAITED_FOR:
        if request.awaited:
            yield _button("Nudge", NUDGE, request, policies)
        yield _button("Cancel request", CANCEL, request, policies)
    elif request.state is State.ANNOUNCED or request.unanswered:
        yield _button("Cancel request", CANCEL, request, policies)
    elif request.state is State.ACTIVE:
        rule = rule_of(request, policies)
        if rule is not None and rule.extension and _may_go_on(request):
            yield _button("Extend", EXTEND, request, policies)
        if rule is None or rule.early_return:
            yield _button("Give back now", GIVE_BACK, request, policies, _giving_back(request, policies))
    elif request.state in OVER:
        yield ask_again(request, policies)


def _may_go_on(request: Request) -> bool:
    has_extension = request.extension is not None and (request.extension.is_open or request.is_extended)
    return request.expires_at is not None and not has_extension


def _giving_back(request: Request, policies: Policies) -> ConfirmObject:
    what = cut(subject(request, policies.catalogue), NAMED_IN_DIALOG)
    text = f"{what} ends within a minute. Ask again whenever you need it."
    if request.extension is not None and request.is_extended:
        text = f"{request.id} ends within a minute; {request.extension.id} goes on until you give it back too."
    return ConfirmObject(
        title="Give it back now?", text=PlainTextObject(text=text), confirm="Give back", deny="Keep it"
    )


def _button(
    text: str, action: str, request: Request, policies: Policies, confirm: ConfirmObject | None = None
) -> ButtonElement:
    value = f"{request.id}:{request.digest}"
    said = spoken(text, request, policies)
    return ButtonElement(
        text=text, action_id=action + request.id, value=value, confirm=confirm, accessibility_label=said
    )
